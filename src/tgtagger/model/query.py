"""A query as a tree: words, facts of a post, times, joined by all, any and not. Plain values.

Knows neither how a person types it (`runs.query`) nor how it becomes SQL (`store.query`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, TypeAlias

TextKind = Literal["word", "phrase", "beginning"]
"""word: in any of its forms · phrase: these words in a row · beginning: words that begin so"""

FactName = Literal["channel", "tag", "status", "has", "is"]
Content = Literal["photo", "video", "audio", "file", "poll", "link", "voice"]
"""What a post has, after `has:`."""
Trait = Literal["forward", "reply", "edited", "deleted", "failed"]
"""What a post is, after `is:`."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words as they were typed; the full-text index splits them as it split the posts."""

    text: str
    kind: TextKind = "word"


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact of a post: its channel, a tag on it, its status, what it has, what it is."""

    name: FactName
    value: str


@dataclass(frozen=True, slots=True)
class Dated:
    """A post's time: from `since` on, and before `until`; None: no bound."""

    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """The posts for which the part is not true."""

    part: Query


@dataclass(frozen=True, slots=True)
class AllOf:
    """The posts for which all parts are true."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The posts for which one part or more is true."""

    parts: tuple[Query, ...]


Query: TypeAlias = Words | Fact | Dated | Not | AllOf | AnyOf


def words_of(part: Query | None) -> tuple[str, ...]:
    """Return the single words that a query wants, not those that it excludes."""
    match part:
        case Words(text, "word"):
            return (text,)
        case AllOf(parts) | AnyOf(parts):
            return tuple(word for each in parts for word in words_of(each))
    return ()
