"""Tell whether an export, or a part of it, is equal to what was read before. Knows no store.

A file is known by its stamp: size, times, number on its disk. A stamp counts only if the file was
at rest for two seconds before it was taken: a change within the same tick of the file system's
clock would leave the stamp as it is. Any other file is known by the hash of its content. Of a file
that has changed, chunks of messages are known by their hashes; none of them cuts an album in two.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

from tgtagger.model.choices import ChannelKind
from tgtagger.sources.desktop import file as export
from tgtagger.sources.desktop.convert import dump

CHUNK = 64
"""Message ids of a chunk."""

_MOST = 1000
"""Messages of a chunk: more of one second, each with a photo, are in memory a part at a time."""

_ALBUMS = frozenset({"photo", "file", "media_type"})
"""A message of an album has one of these."""

_TIMES = ("date_unixtime", "date")
_REST = 2_000_000_000  # nanoseconds: FAT's clock is the slowest
_ENTRY = struct.Struct("<QII")


def stamp_of(path: Path) -> tuple[str, bool]:
    """Return a file's stamp, and whether it counts: the file was at rest. May raise OSError."""
    taken = time.time_ns()
    found = path.stat()
    last = max(found.st_mtime_ns, found.st_ctime_ns)
    stamp = f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"
    return stamp, last < taken - _REST


def hash_of(path: Path) -> str:
    """Return the hash of a file's content. May raise OSError."""
    found = blake2b(digest_size=16)
    with path.open("rb", buffering=0) as stream:
        while part := stream.read(1 << 20):
            found.update(part)
    return found.hexdigest()


def chunks(
    records: Iterator[Any], kind: ChannelKind
) -> Iterator[tuple[int, list[Any], list[bytes | None]]]:
    """Yield messages in chunks, each with its hash, and each message's JSON as of `dump`.

    0: it has no hash, or may cut an album. Of a file that is cut off, the last chunk comes before
    the error.
    """
    some: list[Any] = []
    is_cut = False
    broken: export.CutOff | None = None
    try:
        for record in records:
            ends = bool(some) and _ends(some[-1], record)
            if ends or len(some) >= _MOST:
                dumped = [dump(each) for each in some]
                yield 0 if is_cut or not ends else _hash(dumped, kind), some, dumped
                some, is_cut = [], not ends
            some.append(record)
    except export.CutOff as error:
        broken = error
    if some:
        dumped = [dump(each) for each in some]
        yield 0 if is_cut else _hash(dumped, kind), some, dumped
    if broken is not None:
        raise broken


def _ends(last: Any, record: Any) -> bool:
    """Tell whether a chunk ends before a message: another begins, and no album goes on."""
    if not isinstance(last, dict) or not isinstance(record, dict):
        return True
    before, number = last.get("id"), record.get("id")
    if type(before) is not int or type(number) is not int:
        return True
    if before // CHUNK == number // CHUNK:
        return False
    may_be_album = (
        number == before + 1
        and _ALBUMS.isdisjoint(last) is _ALBUMS.isdisjoint(record) is False
        and any(str(last.get(name)) == str(record.get(name)) for name in _TIMES)
    )
    return not may_be_album


def _hash(dumped: list[bytes | None], kind: ChannelKind) -> int:
    data = [each for each in dumped if each is not None]
    if len(data) < len(dumped):
        return 0
    found = blake2b(b"[%b]" % b",".join(data), digest_size=8, key=kind.encode())
    return int.from_bytes(found.digest(), "little")


Chunk = tuple[int, int, int]
"""The hash of a chunk, its posts, its service messages."""


def pack(chunks: Iterable[Chunk]) -> bytes:
    """Return chunks as bytes, to be kept."""
    return b"".join(_ENTRY.pack(*each) for each in chunks)


def unpack(data: bytes) -> dict[int, tuple[int, int]]:
    """Return by its hash what stands in each chunk that was packed; without those that have none.

    Anything else than packed chunks holds none.
    """
    if len(data) % _ENTRY.size:
        return {}
    return {key: (posts, service) for key, posts, service in _ENTRY.iter_unpack(data) if key}


def counts(data: bytes) -> tuple[int, int]:
    """Return how many posts and service messages stand in packed chunks."""
    found = [*_ENTRY.iter_unpack(data[: len(data) - len(data) % _ENTRY.size])]
    return sum(posts for _, posts, _ in found), sum(service for *_, service in found)
