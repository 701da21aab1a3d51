"""Who holds a database: read from Linux's list of locks; elsewhere nobody is named.

Asking the file itself would take opening it, and closing it again would let go the locks that this
process has on it. Knows the bytes that SQLite locks (its file format, and os_unix.c).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

LOCKS = Path("/proc/locks")

_INDEX = range(120, 123)  # of -shm: to write, to checkpoint, to recover
_WHOLE = range(0x40000000, 0x40000200)  # of the database: all that is not WAL mode, or exclusive


def holder(database: Path) -> str | None:
    """Return who keeps others from writing, as `process 123 (sqlite3)`, as far as it can be told.

    Those who wait for it themselves are not meant, nor this process.
    """
    database = database.resolve()  # beside which SQLite has its files
    shm = database.with_name(database.name + "-shm")
    kinds = ("WRITE",) if shm.exists() else ("WRITE", "READ")  # without WAL who reads is in the way
    try:
        wanted = {database.stat().st_ino: _WHOLE}
        if shm.exists():
            wanted[shm.stat().st_ino] = _INDEX
        lines = LOCKS.read_text().splitlines()
    except OSError:
        return None
    found = [lock for lock in map(_read, lines) if lock is not None and lock.touches(wanted)]
    for kind in kinds:
        for lock in found:
            if lock.kind == kind and lock.process != os.getpid():
                return f"process {lock.process}{_command(lock.process)}"
    return None


class _Lock(NamedTuple):
    kind: str
    process: int
    inode: int
    first: int
    last: int

    def touches(self, wanted: Mapping[int, range]) -> bool:
        bytes_ = wanted.get(self.inode, range(0))
        return self.first < bytes_.stop and self.last >= bytes_.start


def _read(line: str) -> _Lock | None:
    """Read `1: POSIX ADVISORY WRITE 4242 08:01:1234 120 120`; one who waits has `->` after 1."""
    fields = line.split()
    if len(fields) != 8 or fields[1] != "POSIX":
        return None
    _, _, _, kind, process, file, first, last = fields
    end = sys.maxsize if last == "EOF" else int(last)
    return _Lock(kind, int(process), int(file.rpartition(":")[2]), int(first), end)


def _command(process: int) -> str:
    try:
        name = Path(f"/proc/{process}/comm").read_text(errors="replace").strip()
    except OSError:
        return ""
    return f" ({name})"
