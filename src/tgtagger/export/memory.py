"""What a folder holds of its last export: of each file what it was made of, and how it looked.

A file whose inputs are the same and that looks on the disk as it was left (size, times, mode,
number) need not be made again. `.tgtagger-state` keeps this, 40 bytes a file. It is believed only
from the same program, zone of time and options; if it is missing, damaged or another's, all is
made and compared, as the first time. A file that was written in the last tick of the file system's
clock before the state was kept is not believed: a change in the same tick would not be seen.

Inputs are numbers of 64 bits, hashes. Knows no format.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import time
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import tgtagger

STATE = ".tgtagger-state"
_VERSION = b"tgtagger export state 1\n"
_HEAD = struct.Struct(">16sqQ")  # the makers' hash, the moment it was kept, how many files
_ENTRY = struct.Struct(">QQqqq")
_FIELDS = _ENTRY.size // 8
_SUM = 16  # bytes of the hash at the end
_BUCKETS = 256
_TICK = 50_000_000
"""Nanoseconds: longer than any tick of a clock that counts less than milliseconds."""
_COARSE_TICK = 2_000_000_000  # FAT's
_MASK = 2**64 - 1


def mixed(*numbers: int) -> int:
    """Return a number of 64 bits made of others. The same in each process of one Python."""
    return hash(numbers) & _MASK


def number_of(*texts: object) -> int:
    """Return a number of 64 bits made of words."""
    return int.from_bytes(blake2b(repr(texts).encode(errors="replace"), digest_size=8).digest())


class Memory:
    """The state of a folder: what was known of its files, and what is noted now."""

    def __init__(self, folder: Path, *options: object) -> None:
        self._path = folder / STATE
        self._makers = _makers(*options)
        self._kept_at = 0
        self._columns: list[array[int]] = [array("q")] * _FIELDS
        self._is_new = True  # what is noted differs from what is kept
        self._known = 0
        self._noted = [bytearray() for _ in range(_BUCKETS)]
        with contextlib.suppress(OSError):
            self._read(self._path.read_bytes())

    def is_current(self, mark: int, inputs: int, path: str) -> bool:
        """Tell whether a file is made of these inputs and looks as it was left; note it if so."""
        names, made_of, *looks = self._columns
        at = bisect_left(names, mark)
        if not inputs or at == len(names) or names[at] != mark or made_of[at] != inputs:
            return False
        if not self._looks_as_left(at, path):
            return False
        self._noted[mark >> 56] += _ENTRY.pack(mark, inputs, *(column[at] for column in looks))
        self._known += 1
        return True

    def is_as_left(self, mark: int, path: str) -> int:
        """Return what a file was made of that looks as it was left, else 0; note nothing."""
        names, made_of, *_ = self._columns
        at = bisect_left(names, mark)
        is_known = at < len(names) and names[at] == mark
        return made_of[at] if is_known and self._looks_as_left(at, path) else 0

    def _looks_as_left(self, at: int, path: str) -> bool:
        try:
            found = _looks(os.lstat(path))
        except OSError:
            return False
        _, _, changed, modified, rest = self._columns
        is_old = changed[at] < self._kept_at - _tick(self._kept_at)
        return is_old and found == (changed[at], modified[at], rest[at])

    def note(self, mark: int, inputs: int, path: str) -> None:
        """Note a file as it was just written, or found to be equal."""
        self._is_new = True
        self._noted[mark >> 56] += _ENTRY.pack(mark, inputs, *_looks(os.lstat(path)))

    def keep(self) -> None:
        """Keep what was noted, if it differs from what is kept."""
        if not self._is_new and self._known == len(self._columns[0]):
            return
        made = self._path.with_name(f"{STATE}.new")
        made.unlink(missing_ok=True)
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:  # noqa: PTH123
            kept_at = os.fstat(stream.fileno()).st_ctime_ns
            count = sum(map(len, self._noted)) // _ENTRY.size
            total = blake2b(digest_size=_SUM)
            for part in (_VERSION + _HEAD.pack(self._makers, kept_at, count), *self._sorted()):
                stream.write(part)
                total.update(part)
            stream.write(total.digest())
        made.replace(self._path)

    def _sorted(self) -> Iterator[bytes]:
        for bucket in self._noted:
            entries = [bytes(bucket[at : at + _ENTRY.size])
                       for at in range(0, len(bucket), _ENTRY.size)]  # fmt: skip
            bucket.clear()
            yield b"".join(sorted(entries))

    def _read(self, data: bytes) -> None:
        begin = len(_VERSION) + _HEAD.size
        body = memoryview(data)[begin:-_SUM]
        if not data.startswith(_VERSION) or len(data) < begin + _SUM:
            return
        makers, kept_at, count = _HEAD.unpack_from(data, len(_VERSION))
        if makers != self._makers or len(body) != count * _ENTRY.size:
            return
        if blake2b(memoryview(data)[:-_SUM], digest_size=_SUM).digest() != data[-_SUM:]:
            return
        unsigned, signed = array("Q"), array("q")
        unsigned.frombytes(body)
        signed.frombytes(body)
        if sys.byteorder == "little":
            unsigned.byteswap()
            signed.byteswap()
        # A mark and inputs have no sign.
        self._columns = [(unsigned if at < 2 else signed)[at::_FIELDS] for at in range(_FIELDS)]
        self._kept_at, self._is_new = kept_at, False


def _looks(found: os.stat_result) -> tuple[int, int, int]:
    rest = hash((found.st_size, found.st_mode, found.st_ino))
    return max(found.st_ctime_ns, found.st_mtime_ns), found.st_mtime_ns, rest


def _tick(moment: int) -> int:
    return _TICK if moment % 1_000_000 else _COARSE_TICK


def _makers(*options: object) -> bytes:
    """Return the hash of all that makes files of inputs: the program, the zone, the options."""
    found = blake2b(digest_size=16)
    home = Path(tgtagger.__file__).parent
    for path in sorted(home.rglob("*.*")):
        if path.suffix != ".pyc":
            told = path.stat()
            found.update(f"{path.relative_to(home)} {told.st_size} {told.st_mtime_ns}\n".encode())
    with contextlib.suppress(OSError):
        found.update(Path("/etc/localtime").read_bytes())
    zone = (os.environ.get("TZ"), time.tzname, time.timezone)
    python = (sys.version, sys.maxsize, unicodedata.unidata_version)
    found.update(repr((tgtagger.__version__, python, zone, *_libraries(), *options)).encode())
    return found.digest()


def _libraries() -> Iterator[str]:
    import jinja2
    import markdown_it

    yield str(getattr(jinja2, "__version__", ""))
    yield markdown_it.__version__


class Pile:
    """The items of a list, the oldest first: of each page of `size` the sum of what they are."""

    __slots__ = ("count", "size", "sums")

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0
        self.sums: list[int] = []

    def add(self, item: int) -> None:
        """Add the next item."""
        if not self.count % self.size:
            self.sums.append(0)
        self.sums[-1] += hash((item, self.count))  # with its place: their order counts, too
        self.count += 1

    def pages(self) -> list[int]:
        """Return what each page is made of, the oldest first."""
        return [mixed(each) for each in self.sums]

    def sheets(self) -> Iterator[int]:
        """Yield what each page of `folder.sheets` is made of, the newest first."""
        full = max(self.count // self.size - 1, 0)
        yield mixed(sum(self.sums), self.count)  # it says something of the whole list, too
        for number in range(full, 0, -1):
            yield mixed(self.sums[number - 1], number, int(number == full))
