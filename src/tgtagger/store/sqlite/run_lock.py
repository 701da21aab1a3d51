"""Run locks: one parse and one tag at a time for a database; their files lie beside it.

Does not know what a run does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tgtagger.store.rooms import LockName
from tgtagger.store.sqlite.errors import map_errors
from tgtagger.system import locks


@contextlib.contextmanager
def run_lock(database: Path, name: LockName, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of this kind of run; raise TryLater at once if another run holds it.

    `shared`: several may hold it so, while nobody holds it alone.
    """
    with contextlib.ExitStack() as held:
        with map_errors(database):
            # A database has one lock, even if it is opened by different links.
            file = database.resolve()
            path = file.with_name(f"{file.name}.{name}.lock")
            data = {"run": name, "database": database}
            held.enter_context(locks.hold(path, "run_at_work", shared=shared, **data))
        yield
