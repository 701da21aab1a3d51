"""Which few tags reach most posts: greedily, the tag first that reaches most of those still left.

No other way of picking is known that does much better in a reasonable time. Knows no post, only
numbers that stand for posts.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cover:
    """The tags picked, the best first, and how many of the posts have one of them."""

    names: tuple[str, ...]
    reached: int
    posts: int

    @property
    def percent(self) -> float:
        return 100 * self.reached / self.posts if self.posts else 0.0


def cover(tags_of_posts: Iterable[Iterable[str]], percent: float, most: int) -> Cover:
    """Return tags, `most` at most, that so many percent of the posts have; fewer reach less."""
    count, posts_of = _posts_by_tag(tags_of_posts)
    goal = math.ceil(count * percent / 100)
    reached = bytearray(count)
    names: list[str] = []
    total = 0
    # (new posts at most, posts in all, name): a number is made anew when its tag comes first.
    waiting = [(-len(posts), -len(posts), name) for name, posts in posts_of.items()]
    heapq.heapify(waiting)
    while waiting and total < goal and len(names) < most:
        promised, uses, name = waiting[0]
        left = array("I", (post for post in posts_of[name] if not reached[post]))
        posts_of[name] = left
        if len(left) < -promised:
            heapq.heapreplace(waiting, (-len(left), uses, name))
            continue
        if not left:
            break
        heapq.heappop(waiting)
        names.append(name)
        total += len(left)
        for post in left:
            reached[post] = 1
    return Cover(tuple(names), total, count)


def _posts_by_tag(
    tags_of_posts: Iterable[Iterable[str]],
) -> tuple[int, dict[str, array[int]]]:
    """Return how many posts have tags, and the numbers of the posts of each tag."""
    posts_of: dict[str, array[int]] = {}
    count = 0
    for tags in tags_of_posts:
        has_tag = False
        for tag in tags:
            posts_of.setdefault(tag, array("I")).append(count)
            has_tag = True
        count += has_tag
    return count, posts_of
