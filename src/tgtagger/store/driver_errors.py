"""The errors of a database's driver, out of those that SQLAlchemy wraps them in.

What they mean says the room of the database. SQLAlchemy's are told by the error of the driver that
they have: it may not be loaded.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


def of_the_driver(error: BaseException) -> BaseException:
    """Return the driver's own error in the place of SQLAlchemy's; another one as it is."""
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error


@contextlib.contextmanager
def unwrapped() -> Iterator[None]:
    """Raise the driver's own errors in the place of SQLAlchemy's."""
    try:
        yield
    except Exception as error:
        original = of_the_driver(error)
        if original is error:
            raise
        raise original from None
