"""Write files that are whole or not there, whatever ends the program: a kill, no space, no power.

A new file is written beside its target, synced and renamed, and then its folder is synced: a name
is on the disk when its folder is. For a new folder its parent is synced. Failures are OSErrors with
the target's name; the caller says what they mean. Does not know what is written. Of SQLite it
knows only the names of the files that it makes beside a database.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

COMPANIONS = ("-journal", "-wal", "-shm")
"""The endings of what SQLite leaves beside a database when it is killed."""

Readers = Literal["owner", "as before", "everybody"]
"""Who may read a file that is written: see `allow`."""

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_under_way: set[str] = set()  # names of the files that this process is writing
_ABANDONED = 24 * 60 * 60.0
_LONGEST_NAME = 200  # bytes of 255: the rest is for what we and SQLite add to it
_INSIDE_A_CHARACTER = bytes(range(0x80, 0xC0))  # of UTF-8
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)
_CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY, errno.ENOSYS}


@contextlib.contextmanager
def beside(
    path: Path, *, exclusive: bool = False, label: str | None = None, readers: Readers = "owner"
) -> Iterator[Path]:
    """Make an empty file for the body to fill; it replaces `path` when the body ends well.

    Only its owner can read it (0600), unless `readers` says otherwise. After a failure nothing is
    left behind, and `path` is as it was. A symbolic link at `path` is replaced, never followed.
    `exclusive`: raise FileExistsError instead of replacing a file. The body must fill this very
    file, and close it. What a killed run left is deleted by the next run that writes to the same
    path; `label` replaces the path's name in that rule, for files that are never written twice.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    label = _shortened(label or path.name)
    sweep(path.parent, label)
    made = path.with_name(f".part-{os.getpid()}-{secrets.token_hex(4)}-{label}")
    _under_way.add(made.name)
    try:
        # Kept open: the system reports a late failure to write to this descriptor.
        with _named(path, made):
            descriptor = os.open(made, _NEW, 0o600)
        try:
            yield made
            with _named(path, made):
                allow(descriptor, path, readers)
                _sync(descriptor)
        finally:
            os.close(descriptor)
        with _named(path, made):
            if exclusive:
                _link(made, path)
            else:
                made.replace(path)
            sync_folder(path.parent)
    finally:
        for end in ("", *COMPANIONS):
            with contextlib.suppress(OSError):  # an error of the body matters more
                made.with_name(made.name + end).unlink()
        _under_way.discard(made.name)


@contextlib.contextmanager
def replacing(
    path: Path, *, exclusive: bool = False, readers: Readers = "owner"
) -> Iterator[BinaryIO]:
    """Open the file that `beside` makes, as a binary stream to write to."""
    with beside(path, exclusive=exclusive, readers=readers) as made, _named(path, made):
        descriptor = os.open(made, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "wb", buffering=1 << 18) as file:
            yield file  # an OSError of the body that names no file gets the name of this one


def allow(descriptor: int, path: Path, readers: Readers) -> None:
    """Set who may read a new file that is to take the place of `path`.

    `as before`: it gets the mode and the group of the file that is there now, if there is one; no
    other group gets that one's rights.
    """
    if readers == "everybody":
        os.fchmod(descriptor, 0o644)
    if readers != "as before":
        return
    try:
        before = path.stat()
    except OSError:  # there is none, or a link that leads nowhere
        return
    if stat.S_ISREG(before.st_mode):
        mode = before.st_mode & 0o777
        if before.st_gid != os.fstat(descriptor).st_gid:
            try:
                os.fchown(descriptor, -1, before.st_gid)
            except OSError:
                mode &= ~0o070
        if mode != 0o600:
            os.fchmod(descriptor, mode)


def sweep(folder: Path, label: str) -> None:
    """Delete what killed runs left in a folder under a label; files of living processes stay.

    A file of another label is deleted when it is a day old. Whether a process lives is asked of the
    system, not of the clock, which may have jumped.
    """
    ours = re.compile(rf"\.part-(\d+)-[0-9a-f]+-({re.escape(label)}(?:{'|'.join(COMPANIONS)})?)?")
    with contextlib.suppress(OSError):  # in a folder that cannot be read they stay
        for found in list(folder.iterdir()):
            match = ours.match(found.name)
            if match is None or not _is_gone(int(match[1])) or _is_under_way(found.name):
                continue
            if match[0] == found.name or _is_old(found):
                found.unlink(missing_ok=True)


def make_folder(folder: Path, *, public: bool = False) -> None:
    """Make a folder and its missing parents, and sync their names.

    They are their owner's only (0700), or everybody's to read (0755).
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        if public:
            each.chmod(0o755)
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder to the disk, if the system and the file system can do that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:  # a folder that may be written to, but not read
        return
    try:
        _sync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            error.filename = str(folder)
            raise
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    if _FULL_SYNC is not None:  # macOS: fsync stops at the disk's own cache
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, _FULL_SYNC)
            return
    os.fsync(descriptor)


def _link(made: Path, path: Path) -> None:
    try:
        path.hardlink_to(made)
    except FileExistsError:
        raise
    except OSError as error:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        made.replace(path)


def _shortened(name: str) -> str:
    encoded = os.fsencode(name)
    if len(encoded) <= _LONGEST_NAME:
        return name
    return os.fsdecode(encoded[-_LONGEST_NAME:].lstrip(_INSIDE_A_CHARACTER))


def _is_under_way(name: str) -> bool:
    return any(name.startswith(made) for made in _under_way)


def _is_gone(process: int) -> bool:
    if process == os.getpid():  # an earlier process had this number: common in containers
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def _is_old(path: Path) -> bool:
    return time.time() - path.lstat().st_mtime > _ABANDONED


@contextlib.contextmanager
def _named(path: Path, made: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is None or os.fspath(error.filename) == str(made):
            error.filename = str(path)
            error.filename2 = None
        raise
