"""How many posts have something in common: a tag, a day, a month, a status.

Knows none of the posts, and not why somebody counts them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tgtagger.model.posts import Channel


@dataclass(frozen=True, slots=True)
class GroupCount:
    """A tag or a day, and how many posts it has. `name` None: the posts without a date."""

    name: str | None
    posts: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """A day, and how many posts it has."""

    day: dt.date
    posts: int


@dataclass(frozen=True, slots=True)
class RisingTag:
    """A tag that more posts have lately than before."""

    name: str
    late: int
    early: int


@dataclass(frozen=True, slots=True)
class FacetCount:
    """A tag, a status or a month (`2026-01`, of this machine), and how many posts have it."""

    name: str
    posts: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What posts are made of. Counted are the newest ones, `posts` of them.

    `is_all`: there are no more of them. Each kind has its largest counts first; months the latest.
    """

    posts: int
    is_all: bool
    channels: tuple[tuple[Channel, int], ...]
    tags: tuple[FacetCount, ...]
    statuses: tuple[FacetCount, ...]
    months: tuple[FacetCount, ...]
