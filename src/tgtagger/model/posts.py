"""The nouns of posts, from a source to the store; plain frozen values, standard library only.

A source yields a `Page` of `PostData`, and the store keeps it. The nouns of tagging are in
`tagging`, those that people read in `archive`.

Knows neither where posts come from nor where they are kept. Everywhere: datetimes are aware and
in UTC, collections are tuples, and a fact that a source does not know is None (never 0 or "").
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from tgtagger.model.choices import ChannelKind, FailureClass, MediaType, PostStatus, SourceName
from tgtagger.model.query import Query
from tgtagger.model.tagging import Provenance


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel. `id` is Telegram's bare, positive id; a basic group's is negative, as marked."""

    id: int
    title: str
    username: str | None = None
    kind: ChannelKind = "channel"


# ---- source → store


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of the text with a meaning: bold, a link, a hashtag.

    `type` is Telegram Desktop's name for it (`bold`, `text_link`, `custom_emoji`, …). `offset` and
    `length` count UTF-16 code units, as Telegram does.
    """

    type: str
    offset: int
    length: int
    url: str | None = None  # of a text_link
    language: str | None = None  # of a pre
    user_id: int | None = None  # of a mention_name
    document_id: str | None = None  # of a custom_emoji
    collapsed: bool | None = None  # of a blockquote


@dataclass(frozen=True, slots=True)
class Media:
    """A photo, file, poll or link of a message: its description only.

    `size` is in bytes, `duration` in seconds, `width` and `height` in pixels.
    """

    type: MediaType
    file_name: str | None = None
    mime_type: str | None = None
    size: int | None = None
    duration: float | None = None
    width: int | None = None
    height: int | None = None
    question: str | None = None  # of a poll; the title of a to-do list
    options: tuple[str, ...] | None = None  # of a poll; the items of a to-do list
    url: str | None = None  # of a web page
    title: str | None = None  # of a web page, an audio file, a place, a contact
    description: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The texts in it that say what the post is about; a file's name says nothing."""
        return tuple(
            words
            for words in (self.question, *(self.options or ()), self.title, self.description)
            if words
        )


@dataclass(frozen=True, slots=True)
class Forward:
    """Where a forwarded post came from, as far as it is known."""

    channel_id: int | None = None
    channel: str | None = None  # the name shown
    username: str | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a post replies to: a message of the same chat, unless channel_id names another."""

    message_id: int
    channel_id: int | None = None
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class RawRecord:
    """The source's own record of a post, compressed by `sources.raw`.

    `converter` is the version of the code that made the post from it. A newer version can convert
    it again without the network.
    """

    data: bytes
    converter: int


@dataclass(frozen=True, slots=True)
class PostData:
    """A post as its source gave it. An album is one post: `ids` has all its messages, rising."""

    ids: tuple[int, ...]
    date: dt.datetime | None
    text: str = ""
    markdown: str | None = None  # None: the text has no formatting, and is its own Markdown
    entities: tuple[Entity, ...] = ()
    media: tuple[Media, ...] = ()
    edited: dt.datetime | None = None
    views: int | None = None
    forwards: int | None = None
    replies: int | None = None
    reactions: tuple[tuple[str, int], ...] | None = None  # keyed by the emoji, custom:<id> or paid
    forward: Forward | None = None
    reply: Reply | None = None
    author: str | None = None
    grouped_id: int | None = None
    problem: str | None = None  # why (part of) the content could not be read, in words
    is_part: bool = False  # only a part of the content came: it never replaces a whole one
    raw: RawRecord | None = None


@dataclass(frozen=True, slots=True)
class ServiceMessage:
    """An event in a channel (created, title changed, pinned): kept, never tagged."""

    message_id: int
    date: dt.datetime | None
    action: str
    raw: RawRecord | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that could not be stored, and why. `id` is as found, a number if it was one."""

    id: int | str | None
    reason: str  # never holds the message's text


@dataclass(frozen=True, slots=True, order=True)
class IdRange:
    """Message ids from `low` to `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """How far a source has read a channel: where its next run goes on.

    `backfill` are the ranges of message ids still to be read, `top` is the highest id seen (None:
    never read). Posts older than `since` are not read; ids up to `floor` are known to be older.
    """

    backfill: tuple[IdRange, ...] = ()
    top: int | None = None
    since: dt.datetime | None = None
    floor: int = 0
    not_before: dt.datetime | None = None  # the source asked to be left alone until then


@dataclass(frozen=True, slots=True)
class Page:
    """What a source read in one go; the store keeps all of it in one transaction.

    `progress` is how far the source has read after this page; None leaves the stored progress as
    it is (a file has none: it is always read whole). `covers` is the range of which the page has
    all messages: a stored post in the range that is not in the page has been deleted.
    `known_posts` and `known_service` are not on it: they are known to be stored as they are.
    `reconverted`: the posts were made from stored raw records, without asking the source.
    """

    channel: Channel
    source: SourceName
    posts: tuple[PostData, ...] = ()
    service: tuple[ServiceMessage, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    progress: ReadProgress | None = None
    covers: IdRange | None = None
    known_posts: int = 0
    known_service: int = 0
    reconverted: bool = False


class Memory(Protocol):
    """What a source may ask the archive: how far it has read, and which posts are stored whole."""

    def read_progress(self, channel_id: int, source: SourceName) -> ReadProgress:
        """Return how far a source has read a channel."""

    def holds_whole(self, channel_id: int, message_id: int, edited: dt.datetime | None) -> bool:
        """Tell whether a post is stored whole, as it was after this edit."""


@dataclass(frozen=True, slots=True)
class PageStored:
    """How many posts of a page were new, changed, deleted or rejected, once it is stored."""

    channel: Channel
    source: SourceName
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    service: int = 0
    rejected: tuple[Rejected, ...] = ()
    unread: int | None = None  # message ids in the backfill ranges; None: the source has none
    regrouped: bool = False  # stored albums have other members now


@dataclass(frozen=True, slots=True)
class StoredRawRecord:
    """A stored raw record, on its way to a newer converter."""

    channel: Channel
    source: SourceName
    data: bytes


# ---- store → people


@dataclass(frozen=True, slots=True)
class PostFilter:
    """Which posts a user or a run picks; each part narrows. From `since` on, and before `until`."""

    channels: tuple[str, ...] = ()  # usernames, ids or titles
    tags: tuple[str, ...] = ()  # all of them
    any_tags: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    statuses: tuple[PostStatus, ...] = ()
    posts: tuple[str, ...] = ()  # @name/123, a t.me link, or <channel id>/123
    query: Query | None = None
    # Only posts that a machine tagged or skipped, with another provenance than each of these.
    stale_for: tuple[Provenance, ...] = ()
    failures: tuple[FailureClass, ...] = ()
    due_by: dt.datetime | None = None  # only failed posts whose next attempt is due by then
    attempts_below: int | None = None
    undone_since_run: int | None = None  # only posts that this run, and later ones, have not done
    limit: int | None = None
