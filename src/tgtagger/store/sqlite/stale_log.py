"""Recognise a stale log: a log beside a database that belongs to another file or another state.

SQLite does not check whose log it is. It plays a log that lies beside another database, or beside
an older state of the same one (a backup put in its place), into the file page by page, without a
word. So each of our transactions writes its number into the header of the file: the application id,
which is `tg` and 16 bits that begin anywhere and go up by one. A log belongs to a file if it has
the file's number, or begins with the next one. A log without numbers was written by another
program, and is accepted. Knows no table.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from tgtagger.errors import StoreError
from tgtagger.store.sqlite import connections
from tgtagger.store.sqlite.file_format import JOURNAL_MAGIC, WAL_MAGIC, checksum

_TG = 0x7467
_PLACE = 68  # offset of the application id in the file's first page
_AHEAD = 1000
"""Of a journal, page 1 is looked for among this many pages: we write it first."""
_TRIES = 20
_PAUSE = 0.02  # seconds: a running writer writes the log and the file one after the other


def number(db: sqlite3.Connection) -> None:
    """Write the next number into the file's header, in the open transaction."""
    (last,) = db.execute("PRAGMA application_id").fetchone()
    known = _number_in(last)
    following = secrets.randbelow(1 << 16) if known is None else known + 1 & 0xFFFF
    db.execute(f"PRAGMA application_id = {_TG << 16 | following}")


def check(path: Path) -> None:
    """Raise StoreError if a stale log lies beside a database. Changes nothing."""
    for end in ("-wal", "-journal"):
        log = path.with_name(path.name + end)
        if not belongs(path, log):
            raise StoreError("log_not_its_own", path=path, log=log)


def belongs(path: Path, log: Path) -> bool:
    """Tell whether a log belongs to a database; True if it has no numbers."""
    if _is_soon_known(path, log):
        return True
    seen: object = None
    for _ in range(_TRIES):
        numbers = _numbers(log)
        if numbers is None:
            return True
        own = _own(path)
        if own is None or _follows(own, *numbers):
            return True
        if (own, numbers) == seen:
            return False
        seen = own, numbers  # somebody may be writing just now: look again
        time.sleep(_PAUSE)
    return True


_LOOKED_AT = 2000
"""Frames at each end of a write-ahead log whose heads are looked at first: 16 MB of pages."""


def _is_soon_known(path: Path, log: Path) -> bool:
    """Tell whether a log belongs to a database by the heads of its frames, without any sum.

    Only a yes counts: it takes a frame of this log with the file's own number or the next, as the
    whole check does, which also reads and sums every page up to the first such frame: of a log of
    467 MB that took 22 seconds. All its heads are read in a fifth of one, and only if the ends
    tell nothing: otherwise another file's log would be taken by its size.
    """
    if not log.name.endswith("-wal"):
        return False
    try:
        file = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        own, is_numbered = _own(path), False
        if own is None:
            return True
        for found in _numbers_by_heads(file):
            if found in {own, own + 1 & 0xFFFF}:
                return True
            is_numbered = True
    finally:
        os.close(file)
    return not is_numbered


def _numbers_by_heads(file: int) -> Iterator[int | None]:
    """Yield the number in each copy of page 1 in a write-ahead log: those at its ends first."""
    head = os.pread(file, 32, 0)
    if len(head) < 32 or head[:3] != WAL_MAGIC:
        return
    step = 24 + int.from_bytes(head[8:12])
    count = (os.fstat(file).st_size - 32) // step
    ends = min(count, _LOOKED_AT), max(count - _LOOKED_AT, _LOOKED_AT)
    for places in (range(ends[0]), range(ends[1], count), range(*ends)):
        for place in places:
            frame = os.pread(file, 24 + _PLACE + 4, 32 + step * place)
            if frame[8:16] != head[16:24]:  # the log ends before; what is here is of an older one
                if place < ends[0]:
                    return
                break
            if int.from_bytes(frame[:4]) == 1 and len(frame) == 24 + _PLACE + 4:
                yield _number_at(frame, 24)


def _follows(own: int, first: int | None, others: frozenset[int | None]) -> bool:
    return own in others or (first is not None and own == first - 1 & 0xFFFF)


def _number_in(application: int) -> int | None:
    return application & 0xFFFF if application >> 16 == _TG else None


def _own(path: Path) -> int | None:
    """Return the number of the last commit in the file itself; None if it has none."""
    # Through SQLite: if we opened and closed the file, its locks in this process would be released.
    with contextlib.suppress(sqlite3.Error):
        with contextlib.closing(connections.connect(path, "immutable=1")) as db:
            (application,) = db.execute("PRAGMA application_id").fetchone()
        return _number_in(application)
    return None


def _numbers(log: Path) -> tuple[int | None, frozenset[int | None]] | None:
    """Return (the first number in a log, all of them); None for a log without numbers."""
    try:
        file = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if log.name.endswith("-journal"):
            return _numbers_before(file)
        found = list(_numbers_logged(file))
    finally:
        os.close(file)
    return (found[0], frozenset(found)) if found else None


def _numbers_logged(file: int) -> Iterator[int | None]:
    """Yield the number in each copy of page 1 in a write-ahead log.

    Up to the first copy all frames must be whole: a frame torn by a power cut may hold an older
    page. Later copies only add numbers that are accepted.
    """
    head = os.pread(file, 32, 0)
    if len(head) < 32 or head[:3] != WAL_MAGIC:
        return
    size = int.from_bytes(head[8:12])
    order = ">" if head[3] & 1 else "<"
    sums = checksum(head[:24], (0, 0), order)
    if struct.pack(">2I", *sums) != head[24:]:
        return
    at, is_first = len(head), True
    while True:
        frame = os.pread(file, 24 + (size if is_first else _PLACE + 4), at)
        if len(frame) < 24 + _PLACE + 4 or frame[8:16] != head[16:24]:
            return
        if is_first:
            sums = checksum(frame[24:], checksum(frame[:8], sums, order), order)
            if struct.pack(">2I", *sums) != frame[16:24]:
                return
        if int.from_bytes(frame[:4]) == 1:
            is_first = False
            yield _number_at(frame, 24)
        at += 24 + size


def _numbers_before(file: int) -> tuple[int | None, frozenset[int | None]] | None:
    """Return the numbers of a rollback journal: that of the commit it restores, and the next."""
    head = os.pread(file, 28, 0)
    if len(head) < 28 or head[:8] != JOURNAL_MAGIC:
        return None
    records, nonce, _, at, size = struct.unpack_from(">5I", head, 8)
    for _ in range(min(records, _AHEAD)):
        record = os.pread(file, size + 8, at)
        total = nonce + sum(
            record[4 + i] for i in range(size - 200, 0, -200) if i + 8 < len(record)
        )
        if len(record) < size + 8 or total & 0xFFFFFFFF != int.from_bytes(record[-4:]):
            return None
        if int.from_bytes(record[:4]) == 1:
            before = _number_at(record, 4)
            if before is None:
                return None, frozenset()
            return None, frozenset({before, before + 1 & 0xFFFF})
        at += len(record)
    return None


def _number_at(page: bytes, at: int) -> int | None:
    return _number_in(int.from_bytes(page[at + _PLACE : at + _PLACE + 4]))
