"""Run locks: one parse and one tag at a time for a database.

`flock` on a file beside the database, which dies with its process (no lock is ever stale) and is
never deleted (a lock belongs to the file, not to its name). Knows nothing of SQLite's own locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tgtagger.errors import TryLater
from tgtagger.store._engine import map_errors

LockName = Literal["parse", "tag"]


@contextlib.contextmanager
def run_lock(database: Path, name: LockName) -> Iterator[None]:
    """Hold the lock of this kind of run; raise TryLater at once if another run holds it."""
    path = database.with_name(f"{database.name}.{name}.lock")
    with map_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            who = f" (process {holder})" if holder.isdigit() else ""
            raise TryLater(
                f"another {name} run is at work on {database}{who}",
                hint="wait for it to end; cron can simply try again",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
