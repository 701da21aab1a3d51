"""Read the messages of a single chat fast, as Desktop lays them out. Knows no field of a message.

orjson is three times as fast as ijson, and reads only what is in memory. So the list of messages
is cut into stretches, each after a line that ends a message. If a stretch is a list of whole
messages, the next message begins after its comma: whatever a line looks like, no cut goes wrong.
The first stretch that orjson would not read exactly as ijson does ends the fast reading, and so
does the last one: ijson reads the rest of the file.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Generator
from typing import IO, Any

import ijson
import orjson

from tgtagger.sources.desktop.guard import UNREADABLE, Guarded

STRETCH = 1 << 18
"""Bytes that are read at a time: more of them miss the processor's cache."""

GOES_ON = b'{"messages":[0,'
"""Stands before the rest of a file for ijson: one message was read before, and a comma."""

_HEAD = 1 << 16
_MESSAGES = b'\n "messages": ['
_END = b"\n  },"

_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_MANY_DIGITS = re.compile(rb"[0-9]{19}")
"""orjson makes a float of a whole number beyond 64 bits. `Guarded` shortens far longer ones."""

_STEP = 4
_DIGITS = bytes(ord("0") if chr(byte).isdecimal() else ord(".") for byte in range(256))
_MAY_BE_MANY = b"0" * (19 // _STEP)  # in every fourth byte: no date has it, and few texts do


def read(file: IO[bytes]) -> Generator[Any, None, bytes]:
    """Yield the first messages of a file, and leave it where ijson has to go on.

    Returns what stands before that place for ijson; nothing if it is where the file stood.
    """
    start = file.tell()
    head = _head(file.read(_HEAD))
    file.seek(start + len(head))
    data = b""
    before = b""
    while head:
        data += file.read(STRETCH)
        comma = data.rfind(_END) + len(_END) - 1
        messages = _parse(data[:comma]) if comma >= len(_END) - 1 else None
        if messages is None:
            break
        yield from messages
        data = data[comma + 1 :]
        before = GOES_ON
    if before:
        file.seek(-len(data), os.SEEK_CUR)
    else:
        file.seek(start)
    return before


def _head(data: bytes) -> bytes:
    """Return what stands before the first message; nothing if that is not certain."""
    at = data.find(_MESSAGES)
    head = data[: at + len(_MESSAGES)]
    if at < 0:
        return b""
    try:
        events = list(ijson.parse(Guarded(io.BytesIO(head + b"]}"))))
    except UNREADABLE:
        return b""
    before = events[:-3]  # without the beginning and the end of the list, and the end of the file
    return b"" if any(place.startswith("messages") for place, *_ in before) else head


def _parse(stretch: bytes) -> list[Any] | None:
    """Return the messages of a stretch; None if ijson has to read it."""
    try:
        found: list[Any] = orjson.loads(b"[%b]" % stretch)
    except orjson.JSONDecodeError:
        return None
    if _MAY_BE_MANY in stretch[::_STEP].translate(_DIGITS):
        return None if _MANY_DIGITS.search(_TEXT.sub(b"", stretch)) else found
    return found
