"""Records as JSON lines, or as one array of them; both streamed (docs/records.md).

Knows no field of a record.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import BinaryIO

_LINES = 500


def write_lines(records: Iterable[str], stream: BinaryIO) -> int:
    """Write records, a line each; return how many."""
    count = 0
    lines = iter(records)
    while batch := list(itertools.islice(lines, _LINES)):
        batch.append("")  # the last line ends, too
        stream.write("\n".join(batch).encode())
        count += len(batch) - 1
    return count


def write_array(records: Iterable[str], stream: BinaryIO) -> int:
    """Write records as one array, a line each; return how many."""
    count = 0
    stream.write(b"[")
    for record in records:
        stream.write((",\n" if count else "\n").encode() + record.encode())
        count += 1
    stream.write(b"\n]\n")
    return count
