"""Stored posts, as people read them: whole, found, or in a list.

As in `posts`: datetimes are aware and in UTC, collections are tuples, and an unknown fact is None.
Knows no JSON and no layout.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from tgtagger.model.choices import LinkSource, PostStatus, SourceName
from tgtagger.model.posts import Channel, Forward, Media
from tgtagger.model.tagging import Attempt, PostId


@dataclass(frozen=True, slots=True)
class Post:
    """A stored post, for people. Its record (docs/records.md) holds the same facts as JSON."""

    id: PostId
    channel: Channel
    ids: tuple[int, ...]
    url: str | None
    date: dt.datetime | None
    edited: dt.datetime | None
    deleted: dt.datetime | None
    tags: tuple[str, ...]
    status: PostStatus
    reactions: dict[str, int] | None
    media: tuple[Media, ...]
    forward: Forward | None
    forward_url: str | None
    # Facts that are shown as they are stored, in the order of `columns.COLUMNS`.
    text: str
    markdown: str
    views: int | None
    forwards: int | None
    reply_to: int | None
    author: str | None
    source: SourceName


@dataclass(frozen=True, slots=True)
class FoundPost:
    """A search result. `snippet` are its parts in order: (text, whether it is a match).

    `key` is the post's inner id, which sorts by time. `record` says all that `post` says.
    """

    post: Post = field(compare=False)
    record: str
    snippet: tuple[tuple[str, bool], ...]
    key: int


@dataclass(frozen=True, slots=True)
class ListedPost:
    """A post in a list of many. `number` is its place in its channel, the oldest being 1.

    `tags` are told where the list is that of a tag.
    """

    id: PostId
    number: int
    date: dt.datetime | None
    beginning: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagLink:
    """A tag on a post, and where it came from."""

    name: str
    source: LinkSource
    model: str | None
    run: int | None
    added_at: dt.datetime


@dataclass(frozen=True, slots=True)
class PostDetails:
    """Everything that is stored about one post."""

    post: Post
    record: str
    key: int  # its inner id
    links: tuple[TagLink, ...]
    attempts: tuple[Attempt, ...]
    problem: str | None
    failure: str | None
    error: str | None
    next_attempt_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class TagsOfPost:
    """The tags of a post. `lasts`: a person or an agent gave one of them: no tagging ends it."""

    id: PostId
    names: tuple[str, ...]
    lasts: bool
