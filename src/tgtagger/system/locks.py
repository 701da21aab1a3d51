"""Locks between processes: `flock` on a file that is never deleted.

Such a lock dies with its process (it is never stale) and belongs to the file, not to its name. The
number in the file says which process owns the lock; a file without a lock means nothing.
Knows neither what is locked nor anything of SQLite's own locks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tgtagger.errors import TryLater


@contextlib.contextmanager
def hold(path: Path, busy: str, *, shared: bool = False, **data: Any) -> Iterator[None]:
    """Hold the lock of a file; make the file if it is missing.

    Raises TryLater at once if another process owns the lock: `busy` is its kind, its data are
    `data` and the `process` (a number, or None). Raises OSError if the file cannot be made.
    `shared`: several processes may hold it so, without a number, while none holds it alone.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            process = int(owner) if owner.isdecimal() else None
            # One line, without a hint: under cron this is the usual case of a long run.
            raise TryLater(busy, process=process, **data) from error
        os.ftruncate(descriptor, 0)
        if not shared:
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)  # our number must not stand there for the next owner
    finally:
        os.close(descriptor)
