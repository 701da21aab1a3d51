"""The raw record of a post: its source's own record as JSON, compressed with zstandard.

Kept so that a newer converter can run again without the source. Knows no source.
"""

from __future__ import annotations

import json
import sys
import threading
from decimal import Decimal
from typing import Any

import orjson

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEVEL = 1  # higher levels gain 2 % on records of 1 KB, for a third more time
_compressor = zstd.ZstdCompressor(level=_LEVEL)  # kept: making one costs as much as using it
_lock = threading.Lock()


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
        return _compressor.compress(data, zstd.ZstdCompressor.FLUSH_FRAME)


def _number(value: object) -> float:
    if isinstance(value, Decimal):  # ijson makes it of a number with a point
        return float(value)
    raise TypeError


def unpack(data: bytes) -> Any:
    """Return the record that was packed. Raises ValueError for anything else."""
    try:
        return json.loads(zstd.decompress(data))
    except zstd.ZstdError as error:
        raise ValueError("not a packed record") from error
