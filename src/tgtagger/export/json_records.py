"""Records as JSON lines, or as one array of them; both streamed (docs/records.md).

Knows no field of a record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO


def write_lines(batches: Iterable[list[bytes]], stream: BinaryIO) -> int:
    """Write records, a line each; return how many."""
    count = 0
    for records in batches:
        stream.write(b"\n".join([*records, b""]))  # the last line ends, too
        count += len(records)
    return count


def write_array(batches: Iterable[list[bytes]], stream: BinaryIO) -> int:
    """Write records as one array, a line each; return how many."""
    count = 0
    stream.write(b"[")
    for records in batches:
        stream.write((b",\n" if count else b"\n") + b",\n".join(records))
        count += len(records)
    stream.write(b"\n]\n")
    return count
