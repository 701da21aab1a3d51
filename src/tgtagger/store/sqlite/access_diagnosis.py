"""Find out why a database cannot be opened, written or locked, and who owns the lock.

SQLite says that it cannot open, write or lock, and seldom which file, or why. None of the
database's files is opened here: closing one would release the locks that this process has on it.
Linux's list of locks names the lock owner; on other systems it is unknown. Knows the bytes that
SQLite locks (its file format, and os_unix.c). Knows no table, and mends nothing.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import sqlite3
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tgtagger.errors import StoreError

_FEW = 6
"""Files that SQLite opens for a database, and two more: after a failure they are closed again."""

_LITTLE = 1 << 20
"""With fewer free bytes than this a disk counts as full."""


def diagnose(path: Path, code: int) -> StoreError | None:
    """Return the error that explains SQLite's code; None if no reason is found."""
    if code == sqlite3.SQLITE_READONLY_ROLLBACK:  # this code says more than could be found here
        return None
    path = path.resolve()  # SQLite's files lie beside the file itself, not beside a link to it
    match code & 0xFF:
        case sqlite3.SQLITE_CANTOPEN:
            return _no_files(path) or _no_rights(path) or _no_room(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return _no_rights(path)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_PROTOCOL:
            return _no_locks(path)
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return _no_room(path)
    return None


def _no_files(path: Path) -> StoreError | None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        opened = len(os.listdir("/dev/fd"))  # noqa: PTH208 -- names, not files
    except OSError as error:
        opened = most if error.errno in {errno.EMFILE, errno.ENFILE} else 0
    if most == resource.RLIM_INFINITY or opened + _FEW <= most:
        return None
    return StoreError("too_many_open_files", path=path)


def _no_rights(path: Path) -> StoreError | None:
    folder, log = path.parent, path.with_name(path.name + "-wal")
    for where, right, wanted in (
        (path, os.R_OK, "read"),
        (log if os.access(log, os.F_OK) else path, os.R_OK, "read"),
        (path, os.W_OK, "write"),
        (folder, os.W_OK | os.X_OK, "write"),
    ):
        if not os.access(where, right):
            return StoreError(
                "access_denied",
                path=where,
                is_folder=where == folder,
                wanted=wanted,
                is_read_only=_is_read_only(where),
            )
    return None


def _is_read_only(path: Path) -> bool:
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _no_locks(path: Path) -> StoreError | None:
    """Try to lock a file of our own: SQLite has one code for a refused lock and an owned one."""
    try:
        with tempfile.TemporaryFile(dir=path.parent) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL}:
            return StoreError("locks_refused", path=path, reason=error.strerror)
    return None


def _no_room(path: Path) -> StoreError | None:
    if _is_full(path.parent):
        return StoreError("database_disk_full", path=path)
    folder = _temporary()
    if folder is not None and _is_full(folder):
        return StoreError("temporary_disk_full", folder=folder)
    return None


def _is_full(folder: Path) -> bool:
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < _LITTLE or (found.f_files > 0 and not found.f_favail)


def _temporary() -> Path | None:
    """Return the folder of SQLite's temporary files."""
    named = [os.environ.get(name) for name in ("SQLITE_TMPDIR", "TMPDIR")]
    for folder in (*named, "/var/tmp", "/usr/tmp", "/tmp"):  # noqa: S108 -- SQLite's own list
        if folder and os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK):  # noqa: PTH112
            return Path(folder)
    return None


# ---- the lock owner


LOCKS = Path("/proc/locks")

_INDEX = range(120, 123)  # bytes of -shm: to write, to checkpoint, to recover
_WHOLE = range(0x40000000, 0x40000200)  # bytes of the database: without WAL mode, or exclusive


class LockOwner(NamedTuple):
    """The process that keeps a database locked; `program` None: its name is unknown."""

    process: int
    program: str | None


def lock_owner(database: Path) -> LockOwner | None:
    """Return the other process that keeps the database locked; None if that is unknown.

    A process that only waits for the lock is not the owner.
    """
    database = database.resolve()  # beside which SQLite has its files
    shm = database.with_name(database.name + "-shm")
    kinds = ("WRITE",) if shm.exists() else ("WRITE", "READ")  # without WAL readers block writers
    try:
        wanted = {database.stat().st_ino: _WHOLE}
        if shm.exists():
            wanted[shm.stat().st_ino] = _INDEX
        lines = LOCKS.read_text().splitlines()
    except OSError:
        return None
    found = [lock for lock in map(_read_lock, lines) if lock is not None and lock.touches(wanted)]
    for kind in kinds:
        for lock in found:
            if lock.kind == kind and lock.process != os.getpid():
                return LockOwner(lock.process, _program(lock.process))
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


def _read_lock(line: str) -> _Lock | None:
    """Read `1: POSIX ADVISORY WRITE 4242 08:01:1234 120 120`; None for a waiting one (`1: ->`)."""
    fields = line.split()
    if len(fields) != 8 or fields[1] != "POSIX":
        return None
    _, _, _, kind, process, file, first, last = fields
    end = sys.maxsize if last == "EOF" else int(last)
    return _Lock(kind, int(process), int(file.rpartition(":")[2]), int(first), end)


def _program(process: int) -> str | None:
    try:
        return Path(f"/proc/{process}/comm").read_text(errors="replace").strip()
    except OSError:
        return None
