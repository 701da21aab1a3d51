"""A post in one line, and its media, forward and counters in words. Plain text, for any format.

Knows no format.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tgtagger.model.posts import Media
from tgtagger.model.stored import Post
from tgtagger.model.times import day_of, minute_of

WIDTH = 90
NO_DATE = "no date"


def when(date: dt.datetime | None) -> str:
    """Return the day and the minute by the clock of this machine."""
    return minute_of(date) if date else NO_DATE


def day(date: dt.datetime | None) -> str:
    """Return the day by the clock of this machine."""
    return day_of(date) if date else NO_DATE


_SIZES = 5  # of tags in a cloud
_TIMES = 10  # a large tag has so many times the posts of the rarest


def sizes(posts: Sequence[int]) -> list[int]:
    """Return the sizes, 1 to 5, of a cloud's tags: by the order of magnitude of their posts."""
    least, most = min(posts, default=1) or 1, max(posts, default=1)
    span = math.log(max(_TIMES, most / least))
    return [1 + round((_SIZES - 1) * math.log(max(count, 1) / least) / span) for count in posts]


def line_of(text: str, width: int = WIDTH) -> str:
    """Return the first line of a text that has words, cut at a word."""
    line = next((" ".join(part.split()) for part in text.split("\n") if part.strip()), "")
    if len(line) <= width:
        return line or "…"
    cut = line[:width].rsplit(" ", 1)[0] if " " in line[:width] else line[: width - 1]
    return cut.rstrip(" ,.;:—–-") + "…"


def caption(post: Post, width: int = WIDTH) -> str:
    """Return a post's first line, or the names of its media where it has no words."""
    words = (post.text, *(word for item in post.media for word in item.words))
    said = next((text for text in words if text.strip()), "")
    return line_of(said or ", ".join(kinds(post)), width)


def kinds(post: Post) -> list[str]:
    """Return the kinds of a post's media: `photo`, `2 × video`."""
    return _counted(post.media)


def origin(post: Post) -> str | None:
    """Return whom a post is forwarded from; None for the channel's own words."""
    return f"forwarded from {post.forward.channel or 'an unknown sender'}" if post.forward else None


def notes(post: Post) -> Iterator[str]:
    """Yield the other facts about a post that a reader wants beside it, a line each."""
    silent = []
    for item in post.media:
        if words := [word for word in (item.file_name, *item.words, item.url) if word]:
            yield f"{item.type}: {' · '.join(words)}"
        else:
            silent.append(item)
    if silent:
        yield ", ".join(_counted(silent))
    if post.author:
        yield f"by {post.author}"
    if post.deleted:
        yield "deleted since"


def _counted(media: Iterable[Media]) -> list[str]:
    counts = Counter(item.type for item in media)
    return [f"{count} × {kind}" if count > 1 else str(kind) for kind, count in counts.items()]
