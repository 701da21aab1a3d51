"""JSON lines: a record a line (docs/records.md)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import BinaryIO

_LINES = 500


def write(records: Iterable[str], stream: BinaryIO) -> int:
    """Write records, a line each; return how many."""
    count = 0
    lines = iter(records)
    while batch := list(itertools.islice(lines, _LINES)):
        batch.append("")  # a line end after the last, too
        stream.write("\n".join(batch).encode())
        count += len(batch) - 1
    return count
