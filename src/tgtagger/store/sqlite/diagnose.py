"""Why a database cannot be opened or written to, as far as it can be seen from outside.

SQLite says that it cannot open or write, and seldom which file, or why. Looks without opening any
of the database's files: to close one would let go the locks that this process has on it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import sqlite3
import tempfile
from pathlib import Path
from typing import NamedTuple

_FEW = 6
"""Files that SQLite opens for a database, and two more: it closes them again when one fails."""

_LITTLE = 1 << 20
"""Bytes of free space that are as good as none."""


class Denial(NamedTuple):
    message: str
    hint: str


def why(path: Path, code: int) -> Denial | None:
    """Return what stands in the way, for a code of SQLite's; None: nothing is seen."""
    if code == sqlite3.SQLITE_READONLY_ROLLBACK:  # says more than could be seen
        return None
    path = path.resolve()  # what lies beside it, and its folder, are those of the file itself
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


def _no_files(path: Path) -> Denial | None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        opened = len(os.listdir("/dev/fd"))  # noqa: PTH208 -- names, not files
    except OSError as error:
        opened = most if error.errno in {errno.EMFILE, errno.ENFILE} else 0
    if most == resource.RLIM_INFINITY or opened + _FEW <= most:
        return None
    return Denial(f"{path} cannot be opened: too many open files", "allow more (ulimit -n)")


def _no_rights(path: Path) -> Denial | None:
    folder, log = path.parent, path.with_name(path.name + "-wal")
    for where, right, verb in (
        (path, os.R_OK, "read"),
        (log if os.access(log, os.F_OK) else path, os.R_OK, "read"),
        (path, os.W_OK, "written to"),
        (folder, os.W_OK | os.X_OK, "written to"),
    ):
        if not os.access(where, right):
            name = f"the folder {folder}" if where == folder else str(where)
            hint = f"check the permissions of {where}"
            if _is_read_only(where):
                hint = "its file system is mounted read-only"
            return Denial(f"{name} cannot be {verb}", hint)
    return None


def _is_read_only(path: Path) -> bool:
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _no_locks(path: Path) -> Denial | None:
    """Try a lock on a file of its own: SQLite takes one that cannot be had for one that is held."""
    try:
        with tempfile.TemporaryFile(dir=path.parent) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL}:
            return Denial(
                f"{path} cannot be locked, nor can any file in its folder: {error.strerror}",
                "keep it on a local disk; on NFS, see to its lock service",
            )
    return None


def _no_room(path: Path) -> Denial | None:
    if _is_full(path.parent):
        return Denial(f"no space left to write {path}", "make room; what was committed is kept")
    folder = _temporary()
    if folder is not None and _is_full(folder):
        return Denial(
            f"no space left for temporary files in {folder}",
            "make room there, or name another folder: SQLITE_TMPDIR",
        )
    return None


def _is_full(folder: Path) -> bool:
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < _LITTLE or (found.f_files > 0 and not found.f_favail)


def _temporary() -> Path | None:
    """Return the folder that SQLite takes for sorting what does not fit into memory."""
    named = [os.environ.get(name) for name in ("SQLITE_TMPDIR", "TMPDIR")]
    for folder in (*named, "/var/tmp", "/usr/tmp", "/tmp"):  # noqa: S108 -- SQLite's own list
        if folder and os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK):  # noqa: PTH112
            return Path(folder)
    return None
