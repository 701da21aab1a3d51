"""A set of a million things in eight bytes each: it keeps their hashes, and nothing of them.

A set of Python's takes two hundred. Two different things have the same hash once in 10¹³ times or
less, so who asks must be able to live with a wrong yes. Pure.
"""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Hashable

_RECENT = 4096
"""Hashes that are kept as Python keeps them, until they are sorted in."""


class Hashes:
    """The hashes of what was added: sorted arrays, each at least twice as long as the next."""

    def __init__(self) -> None:
        self._recent: set[int] = set()
        self._sorted: list[array[int]] = []

    def __contains__(self, item: Hashable) -> bool:
        number = hash(item)
        return number in self._recent or any(_has(part, number) for part in self._sorted)

    def __len__(self) -> int:
        return len(self._recent) + sum(map(len, self._sorted))

    def add(self, item: Hashable) -> None:
        if item in self:
            return
        self._recent.add(hash(item))
        if len(self._recent) == _RECENT:
            part = array("q", sorted(self._recent))
            self._recent.clear()
            while self._sorted and len(self._sorted[-1]) < 2 * len(part):
                part = array("q", heapq.merge(self._sorted.pop(), part))
            self._sorted.append(part)


def _has(part: array[int], number: int) -> bool:
    at = bisect_left(part, number)
    return at < len(part) and part[at] == number
