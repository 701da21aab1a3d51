"""What the lists of an export are made of: posts by channel, by tag and by day. Knows no format."""

from __future__ import annotations

from collections import defaultdict

from tgtagger.export.memory import Pile
from tgtagger.store import Trace


class Piles:
    """The piles of the lists of a selection, with pages of `size`."""

    def __init__(self, size: int) -> None:
        self.channels: defaultdict[int, Pile] = defaultdict(lambda: Pile(size))
        self.tags: defaultdict[str, Pile] = defaultdict(lambda: Pile(size))
        self.days: defaultdict[str | None, Pile] = defaultdict(lambda: Pile(size))

    def add(self, post: Trace, entry: int) -> None:
        """Add the next post, oldest first, that a list shows as `entry`."""
        self.channels[post.channel].add(entry)
        self.days[post.day].add(entry)
        for tag in post.tags:
            self.tags[tag].add(entry)
