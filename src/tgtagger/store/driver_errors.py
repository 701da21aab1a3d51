"""The errors of a database's driver, out of those that SQLAlchemy wraps them in.

What they mean says the room of the database.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa


def of_the_driver(error: BaseException) -> BaseException:
    """Return the driver's own error in the place of SQLAlchemy's; another one as it is."""
    return (isinstance(error, sa.exc.DBAPIError) and error.orig) or error


@contextlib.contextmanager
def unwrapped() -> Iterator[None]:
    """Raise the driver's own errors in the place of SQLAlchemy's."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        if error.orig is None:
            raise
        raise error.orig from None
