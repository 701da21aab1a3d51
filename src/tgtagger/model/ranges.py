"""Sets of message ids, such as a backfill: add ranges, subtract them, ask what is in them.

Pure. A set is a tuple of rising ranges with a gap between each two. Knows neither sources nor why
an id is in a range.
"""

from __future__ import annotations

from collections.abc import Sequence

from tgtagger.model.posts import IdRange

Ranges = tuple[IdRange, ...]


def add(ranges: Sequence[IdRange], more: IdRange) -> Ranges:
    """Return the ids of `ranges` and of `more`."""
    low, high = more.low, more.high
    apart = []
    for part in ranges:
        if part.high + 1 < low or high + 1 < part.low:
            apart.append(part)
        else:
            low, high = min(low, part.low), max(high, part.high)
    return tuple(sorted([*apart, IdRange(low, high)]))


def subtract(ranges: Sequence[IdRange], less: IdRange) -> Ranges:
    """Return the ids of `ranges` that are not in `less`."""
    left = []
    for part in ranges:
        if part.low < less.low:
            left.append(IdRange(part.low, min(part.high, less.low - 1)))
        if part.high > less.high:
            left.append(IdRange(max(part.low, less.high + 1), part.high))
    return tuple(dict.fromkeys(left))


def above(ranges: Sequence[IdRange], floor: int) -> Ranges:
    """Return the ids of `ranges` that are higher than `floor`."""
    return subtract(ranges, IdRange(0, floor)) if floor > 0 else tuple(ranges)


def holds(ranges: Sequence[IdRange], number: int) -> bool:
    """Tell whether an id is in one of the ranges."""
    return any(part.low <= number <= part.high for part in ranges)


def size(ranges: Sequence[IdRange]) -> int:
    """Return how many ids there are."""
    return sum(part.high - part.low + 1 for part in ranges)
