"""One JSON array of records, streamed (docs/records.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO


def write(records: Iterable[str], stream: BinaryIO) -> int:
    """Write records as one array, a line each; return how many."""
    count = 0
    stream.write(b"[")
    for record in records:
        stream.write((",\n" if count else "\n").encode() + record.encode())
        count += 1
    stream.write(b"\n]\n")
    return count
