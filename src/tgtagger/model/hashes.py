"""A set of a million things in eight bytes each: it keeps their hashes, and nothing of them.

A set of Python's takes two hundred. Two different things have the same hash once in 10¹³ times or
less, so who asks must be able to live with a wrong yes. Pure.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Hashable

_PARTS = 1024
"""Sorted arrays of hashes, by their last bits: each is short, so that one more moves few."""


class Hashes:
    """The hashes of what was added."""

    def __init__(self) -> None:
        self._parts: list[array[int]] = [array("q") for _ in range(_PARTS)]
        self._count = 0

    def __contains__(self, item: Hashable) -> bool:
        number = hash(item)
        part = self._parts[number % _PARTS]
        at = bisect_left(part, number)
        return at < len(part) and part[at] == number

    def __len__(self) -> int:
        return self._count

    def add(self, item: Hashable) -> bool:
        """Add a thing; tell whether it is new."""
        number = hash(item)
        part = self._parts[number % _PARTS]
        at = bisect_left(part, number)
        if at < len(part) and part[at] == number:
            return False
        part.insert(at, number)
        self._count += 1
        return True
