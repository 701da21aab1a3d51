"""Locks between processes: `flock` on a file that is never deleted.

Such a lock dies with its process (none is ever stale) and belongs to the file, not to its name. The
number in the file only says who holds it; that it is there means nothing.
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
def hold(path: Path, busy: str, **data: Any) -> Iterator[None]:
    """Hold the lock of a file, made where it is missing.

    Raises TryLater at once if another process holds it, of the kind `busy`, with these data and
    which process that is; OSError where the file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            process = int(holder) if holder.isdecimal() else None
            # One line, without a hint: under cron this is the usual case of a long run.
            raise TryLater(busy, process=process, **data) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)  # the next one must not be taken for us
    finally:
        os.close(descriptor)
