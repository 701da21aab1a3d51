"""Read SQLite's file format (https://sqlite.org/fileformat2.html) without SQLite, trusting nothing.

For files that SQLite cannot read, or reads only up to the damage. The pages of a log replace those
of the file: the committed pages of a write-ahead log, the earlier pages of a rollback journal.
Never writes. Knows no table.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TABLE_LEAF, TABLE_INNER, INDEX_LEAF, INDEX_INNER = 13, 5, 10, 2
_KINDS = {TABLE_LEAF, TABLE_INNER, INDEX_LEAF, INDEX_INNER}
_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
_FILE_HEADER = 100
_SAMPLE = 200

SqlValue = None | int | float | str | bytes
Record = tuple[SqlValue, ...]


class BadText(bytes):
    """Text that is not UTF-8."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A row of a table, or an entry of an index; `record` is None if it cannot be read."""

    rowid: int | None
    record: Record | None


@dataclass(frozen=True, slots=True)
class TreePage:
    """A page of a tree: its kind, the pages below it, and where its cells begin."""

    number: int
    kind: int
    below: tuple[int, ...]
    cells: tuple[int, ...]
    lost: int  # cells whose pointer leads out of the page
    data: bytes


class PageFile:
    """The pages of a database file, and of the log that belongs to it. Page numbers begin at 1."""

    def __init__(self, path: Path, *, log: Path | None = None) -> None:
        self._files = [os.open(path, os.O_RDONLY | os.O_CLOEXEC)]
        self._over: dict[int, int] = {}  # page number → its offset in the log
        self.size = 0
        self.log = None if log is None else log.name
        if log is not None:
            self._files.append(os.open(log, os.O_RDONLY | os.O_CLOEXEC))
        length = os.fstat(self._files[0]).st_size
        self.size = self._page_size(length)
        self.count = -(-length // self.size)
        if log is not None:
            (self._lay_over_wal if log.name.endswith("-wal") else self._lay_over_journal)()

    def close(self) -> None:
        for file in self._files:
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- pages

    def data(self, number: int) -> bytes:
        """Return a page's bytes; bytes that cannot be read are zeros."""
        place = self._over.get(number)
        found = (
            self._read(0, (number - 1) * self.size, self.size)
            if place is None
            else self._read(1, place, self.size)
        )
        return found.ljust(self.size, b"\0")

    def page(self, number: int) -> TreePage | None:
        """Return a page of a tree; None for any other page."""
        if not 1 <= number <= self.count:
            return None
        return read_page(self.data(number), number)

    def free(self) -> set[int]:
        """Return the numbers of free pages, as far as the list of them can be followed."""
        found: set[int] = set()
        trunk = int.from_bytes(self.data(1)[32:36])
        while 1 < trunk <= self.count and trunk not in found:
            data = self.data(trunk)
            following, leaves = struct.unpack_from(">2I", data)
            if following > self.count or leaves > self.size // 4 - 2:
                break  # not a page of this list
            numbers = struct.unpack_from(f">{leaves}I", data, 8)
            found |= {trunk, *(number for number in numbers if 1 < number <= self.count)}
            trunk = following
        return found

    # ---- cells

    def cell(self, page: TreePage, at: int, used: set[int]) -> Cell:
        """Read a cell; add the numbers of its overflow pages to `used`."""
        data = page.data
        rowid: int | None = None
        try:
            if page.kind == INDEX_INNER:
                at += 4
            length, at = _varint(data, at)
            if page.kind == TABLE_LEAF:
                rowid, at = _varint(data, at)
                rowid -= rowid >> 63 << 64  # a signed number
        except IndexError:
            return Cell(None, None)
        payload = self._payload(data, at, length, used, is_table=page.kind == TABLE_LEAF)
        return Cell(rowid, None if payload is None else read_record(payload))

    def _payload(
        self, data: bytes, at: int, length: int, used: set[int], *, is_table: bool
    ) -> bytes | None:
        size = self.size
        most = size - 35 if is_table else (size - 12) * 64 // 255 - 23
        if length <= most:
            return data[at : at + length] if at + length <= size else None
        if length > self.count * size:
            return None
        least = (size - 12) * 32 // 255 - 23
        local = least + (length - least) % (size - 4)
        local = local if local <= most else least
        if at + local + 4 > size:
            return None
        parts, left = [data[at : at + local]], length - local
        number = int.from_bytes(data[at + local : at + local + 4])
        chain: set[int] = set()
        while left > 0:
            if not 1 < number <= self.count or number in chain or number in used:
                return None
            chain.add(number)
            more = self.data(number)
            parts.append(more[4 : 4 + left])
            left -= size - 4
            number = int.from_bytes(more[:4])
        used |= chain
        return b"".join(parts)

    # ---- the file

    def _read(self, file: int, at: int, size: int) -> bytes:
        with contextlib.suppress(OSError):  # a sector that the disk cannot read
            return os.pread(self._files[file], size, at)
        return b""

    def _page_size(self, length: int) -> int:
        """Return the size of a page: the header's, unless the pages show another one."""
        head = self._read(0, 0, _FILE_HEADER)
        said = int.from_bytes(head[16:18])
        said = 65536 if said == 1 else said
        if len(self._files) > 1:  # the log's header has it, too
            place = 8 if self._read(1, 0, 3) == WAL_MAGIC else 24
            logged = int.from_bytes(self._read(1, place, 4))
            if logged in _SIZES:
                return logged

        def share(size: int) -> float:
            count = length // size
            numbers = range(2, count + 1, max(1, count // _SAMPLE))
            good = sum(
                read_page(self._read(0, (n - 1) * size, size).ljust(size, b"\0"), n) is not None
                for n in numbers
            )
            return good / len(numbers) if numbers else 0.0

        shares = {size: share(size) for size in _SIZES}
        # Where pages of one size begin, pages of twice the size begin, too: take the smallest.
        best = next(size for size in _SIZES if shares[size] >= 0.75 * max(shares.values()))
        if not shares[best]:  # too small to tell
            return said if said in _SIZES else 4096
        return said if said in _SIZES and said <= best and shares[said] > 0.3 else best

    # ---- the log

    def _lay_over_wal(self) -> None:
        """Let committed pages of the write-ahead log replace the file's."""
        waiting: dict[int, int] = {}
        for number, place, count in self._frames():
            waiting[number] = place
            if count:  # the end of a commit: the file has so many pages now
                self._over |= waiting
                self.count = count
                waiting = {}

    def _frames(self) -> Iterator[tuple[int, int, int]]:
        """Yield (page number, offset of its data, pages after the commit or 0) of whole frames."""
        head = self._read(1, 0, 32)
        if len(head) < 32 or head[:3] != WAL_MAGIC or head[3] not in {0x82, 0x83}:
            return
        order = ">" if head[3] & 1 else "<"
        sums = checksum(head[:24], (0, 0), order)
        if struct.pack(">2I", *sums) != head[24:]:
            return
        at = len(head)
        while True:
            frame = self._read(1, at, 24 + self.size)
            if len(frame) < 24 + self.size or frame[8:16] != head[16:24]:
                return
            sums = checksum(frame[24:], checksum(frame[:8], sums, order), order)
            if struct.pack(">2I", *sums) != frame[16:24]:
                return
            number, count = struct.unpack_from(">2I", frame)
            yield number, at + 24, count
            at += len(frame)

    def _lay_over_journal(self) -> None:
        """Let the journal's earlier pages replace uncommitted ones; the first of a page counts."""
        at = 0
        while True:
            head = self._read(1, at, 28)
            if len(head) < 28 or head[:8] != JOURNAL_MAGIC:
                return
            records, nonce, count, sector, size = struct.unpack_from(">5I", head, 8)
            if size != self.size or not 32 <= sector <= 65536:
                return
            if not at:
                self.count = count
            at += sector
            while records:
                record = self._read(1, at, size + 8)
                total = nonce + sum(
                    record[4 + i] for i in range(size - 200, 0, -200) if i < len(record) - 4
                )
                if len(record) < size + 8 or total & 0xFFFFFFFF != int.from_bytes(record[-4:]):
                    return
                self._over.setdefault(int.from_bytes(record[:4]), at + 4)
                at += len(record)
                records -= 1
            at = -(-at // sector) * sector


WAL_MAGIC = b"\x37\x7f\x06"
JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")


def checksum(data: bytes, before: tuple[int, int], order: str) -> tuple[int, int]:
    """Return the running checksum of a write-ahead log."""
    one, two = before
    for first, second in struct.iter_unpack(order + "2I", data):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two


def read_page(data: bytes, number: int, kind: int | None = None) -> TreePage | None:
    """Return a page of a tree; None for any other page. `kind` replaces a damaged first byte."""
    at = _FILE_HEADER if number == 1 else 0
    kind = data[at] if kind is None else kind
    if kind not in _KINDS:
        return None
    cells, begin = struct.unpack_from(">2H", data, at + 3)
    is_inner = kind in {TABLE_INNER, INDEX_INNER}
    first = at + (12 if is_inner else 8)
    end = first + 2 * cells
    if end > len(data) or (begin or 65536) > len(data):
        return None
    places = struct.unpack_from(f">{cells}H", data, first)
    good = tuple(place for place in dict.fromkeys(places) if end <= place <= len(data) - 4)
    below: tuple[int, ...] = ()
    if is_inner:
        numbers = [int.from_bytes(data[place : place + 4]) for place in good]
        below = (*numbers, int.from_bytes(data[at + 8 : at + 12]))
    return TreePage(
        number, kind, below, () if kind == TABLE_INNER else good, cells - len(good), data
    )


def read_record(payload: bytes) -> Record | None:
    """Return the values of a record; None if its bytes do not add up exactly."""
    try:
        end, at = _varint(payload, 0)
        kinds = []
        while at < end:
            kind, at = _varint(payload, at)
            kinds.append(kind)
        if at != end:
            return None
        values: list[SqlValue] = []
        for kind in kinds:
            length = _LENGTHS[kind] if kind < 12 else (kind - 12) // 2
            data = payload[at : at + length]
            at += length
            values.append(_value(kind, data))
    except (IndexError, struct.error):
        return None
    return tuple(values) if at == len(payload) else None


_LENGTHS = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)  # bytes by type; the types 10 and 11 are not used


def _value(kind: int, data: bytes) -> SqlValue:
    if kind == 0:
        return None
    if kind < 7:
        return int.from_bytes(data, signed=True)
    if kind == 7:
        (number,) = struct.unpack(">d", data)
        return float(number)
    if kind < 10:
        return kind - 8
    if kind % 2 == 0:
        return data
    try:
        return data.decode()
    except UnicodeDecodeError:
        return BadText(data)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of one to nine bytes, and the offset after it. Raises IndexError."""
    value = 0
    for place in range(at, at + 8):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9
