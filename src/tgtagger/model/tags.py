"""Tags and their use, as people read them: listed, alone, or offered while somebody types.

Knows no rule of tags, and nothing of what changes them: see `changes`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tgtagger.model.choices import LinkSource


@dataclass(frozen=True, slots=True)
class TagCompletion:
    """A tag that a person may mean who has typed a part of it.

    `alias` is what was found, where that is not the tag's own name; `is_form`: what was typed is
    another form of the tag. `posts` is counted up to a thousand; None: not counted.
    """

    name: str
    posts: int | None
    alias: str | None = None
    is_form: bool = False


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag and its use."""

    name: str
    posts: int
    sources: tuple[LinkSource, ...]
    last_used: dt.datetime | None
    aliases: tuple[str, ...]
    added_at: dt.datetime  # when the archive first had it


@dataclass(frozen=True, slots=True)
class ListedTag:
    """A tag in a list of all: what an index tells of it."""

    name: str
    posts: int
    aliases: tuple[str, ...]
    added_at: dt.datetime


@dataclass(frozen=True, slots=True)
class TagDetails:
    """One tag; `is_blocked`: a person removed it, and no machine gives it."""

    name: str
    posts: int
    aliases: tuple[str, ...]
    description: str | None
    added_at: dt.datetime
    is_blocked: bool
