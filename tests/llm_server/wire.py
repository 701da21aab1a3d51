"""What goes wrong while an answer is on its way: data, which `sending` and `mock` act upon.

Knows no answers: a break or a short body spoils whatever the answer is, a flow takes its place.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Where = Literal["before", "headers", "body"]
MB = 1024 * 1024
OPENING, CLOSING = b'{"object":"chat.completion","padding":"', b'"}'


@dataclass(frozen=True)
class Break:
    """The connection is reset (RST) or closed (EOF) before the headers, in them, or in the body."""

    how: Literal["reset", "close"]
    where: Where


@dataclass(frozen=True)
class Short:
    """Content-Length promises more than what comes before the end of the connection."""

    missing: int


@dataclass(frozen=True)
class BadChunks:
    """Transfer-Encoding: chunked, with a chunk whose length is no number."""


@dataclass(frozen=True)
class Hang:
    """Nothing comes until the client leaves."""


@dataclass(frozen=True)
class CloseAfter:
    """The answer is whole; then the connection closes, which no header announced."""


@dataclass(frozen=True)
class Flow:
    """A body made while it is sent: with a length, or in chunks for as long as they come."""

    make: Callable[[], Iterator[bytes]]
    length: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0  # seconds after each piece


Wire = Break | Short | BadChunks | Hang | CloseAfter | Flow


def arrives_whole(wire: Wire | None) -> bool:
    """Whether the client gets the answer as it was made."""
    return wire is None or isinstance(wire, CloseAfter)


def status_arrives(wire: Wire | None) -> bool:
    if isinstance(wire, Break):
        return wire.where == "body"
    return not isinstance(wire, Hang)


# ---- flows


def spaces_for_ever() -> Iterator[bytes]:
    return itertools.repeat(b" ")


def padding_for_ever() -> Iterator[bytes]:
    return itertools.chain([OPENING], itertools.repeat(b"a" * 65536))


def padding(size: int) -> Iterator[bytes]:
    """Valid JSON of exactly this many bytes."""
    yield OPENING
    left = size - len(OPENING) - len(CLOSING)
    while left > 0:
        piece = min(left, 65536)
        yield b"a" * piece
        left -= piece
    yield CLOSING


@lru_cache(maxsize=4)
def gzipped_padding(megabytes: int) -> bytes:
    """Valid JSON of this many megabytes, compressed a thousandfold."""
    # One megabyte is compressed once and repeated: a full flush makes it independent of the rest.
    piece = b"a" * MB
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = packer.compress(OPENING) + packer.flush(zlib.Z_FULL_FLUSH)
    middle = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    tail = packer.compress(CLOSING) + packer.flush()
    checksum = zlib.crc32(OPENING)
    for _ in range(megabytes):
        checksum = zlib.crc32(piece, checksum)
    checksum = zlib.crc32(CLOSING, checksum)
    size = len(OPENING) + megabytes * MB + len(CLOSING)
    trailer = checksum.to_bytes(4, "little") + (size % 2**32).to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + head + middle * megabytes + tail + trailer
