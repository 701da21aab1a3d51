"""The raw record of a post: its source's own record as JSON, compressed with zstandard.

Kept so that a newer converter can run again without the source. A dictionary (raw.dict, made by
scripts/raw_dictionary.py) holds what most records have in common: with it they take three fifths of
the room, and of the time. A compressed record names the dictionary that it needs; one of before the
dictionary names none. Knows no source.
"""

from __future__ import annotations

import functools
import json
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 1  # higher levels gain 1 % on records of 1 KB, for a fifth more time
_lock = threading.Lock()


@functools.cache
def _dictionary() -> zstd.ZstdDict:
    return zstd.ZstdDict(Path(__file__).with_name("raw.dict").read_bytes())


@functools.cache
def _compressor() -> zstd.ZstdCompressor:  # kept: making one costs as much as using it
    return zstd.ZstdCompressor(level=LEVEL, zstd_dict=_dictionary())


def pack(record: object) -> bytes:
    """Return a record of JSON values as compressed JSON.

    Raises ValueError, TypeError or RecursionError for a value outside JSON.
    """
    data = dump(record)
    if data is None:
        data = json.dumps(record, default=_number).encode()
    return compress(data)


def dump(record: object) -> bytes | None:
    """Return a record as JSON. None: it is not JSON's, or one of the rare values that are slow."""
    try:
        return orjson.dumps(record, default=_number)
    except TypeError:  # an integer beyond 64 bits, a lone surrogate: JSON can hold them
        return None


def compress(data: bytes) -> bytes:
    """Return what `pack` does of the record with this JSON."""
    with _lock:
        return _compressor().compress(data, zstd.ZstdCompressor.FLUSH_FRAME)


def _number(value: object) -> float:
    if isinstance(value, Decimal):  # ijson makes it of a number with a point
        return float(value)
    raise TypeError


def unpack(data: bytes) -> Any:
    """Return the record that was packed. Raises ValueError for anything else."""
    try:
        needed = zstd.get_frame_info(data).dictionary_id
        return json.loads(zstd.decompress(data, _dictionary() if needed else None))
    except zstd.ZstdError as error:
        raise ValueError("not a packed record") from error
