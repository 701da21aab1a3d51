"""The nouns that people read: what the store shows of the archive. Plain frozen values.

Apart from `types`, since no source and no tagger needs them. As there: datetimes are aware and in
UTC, collections are tuples, and a fact that is not known is None.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from tgtagger.model.posts import Channel, Forward, Media, SourceName
from tgtagger.model.tagging import Attempt, LinkSource, PostId, Status


@dataclass(frozen=True, slots=True)
class Post:
    """A stored post, for people. The record of it (docs/records.md) says the same as JSON."""

    id: PostId
    channel: Channel
    ids: tuple[int, ...]
    url: str | None
    date: dt.datetime | None
    edited: dt.datetime | None
    deleted: dt.datetime | None
    tags: tuple[str, ...]
    status: Status
    reactions: dict[str, int] | None
    media: tuple[Media, ...]
    forward: Forward | None
    forward_url: str | None
    # Facts that are shown as they are kept, in the order of `columns.COLUMNS`.
    text: str
    markdown: str
    views: int | None
    forwards: int | None
    reply_to: int | None
    author: str | None
    source: SourceName


@dataclass(frozen=True, slots=True)
class Found:
    """A search result. `snippet` is its parts in order, each with whether it is a match."""

    post: Post
    record: str
    snippet: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A post in a list of many. `number` counts those of its channel, the oldest being 1."""

    id: PostId
    number: int
    date: dt.datetime | None
    beginning: str


@dataclass(frozen=True, slots=True)
class GroupCount:
    """A tag or a day, and how many posts it has; None: the posts without a date."""

    name: str | None
    posts: int


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
    """All there is to say about one post."""

    post: Post
    record: str
    links: tuple[TagLink, ...]
    attempts: tuple[Attempt, ...]
    problem: str | None
    failure: str | None
    error: str | None
    next_attempt_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag and its use."""

    name: str
    posts: int
    sources: tuple[LinkSource, ...]
    last_used: dt.datetime | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TagChange:
    """What a person's decision about tags did.

    `names` is the tag that was changed, or the tags of the post that was; `aliases` are the names
    that stand for the tag now; `posts` counts those that have other tags than before, or that show
    theirs under another name.
    """

    names: tuple[str, ...]
    aliases: tuple[str, ...]
    posts: int


@dataclass(frozen=True, slots=True)
class Undone:
    """What taking a tagging run back did: `links` are tags on posts, `tags` those gone for good."""

    posts: int
    links: int
    tags: int


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A channel and how much of it is here. `unread` counts message ids not read yet."""

    channel: Channel
    posts: int
    pending: int
    newest: dt.datetime | None
    parsed_at: dt.datetime | None
    unread: int
    paused: bool
    left: bool  # no longer followed; its posts are still here


@dataclass(frozen=True, slots=True)
class ChannelRemoved:
    """What became of a channel: `removed` posts are gone, `kept` ones stay."""

    title: str
    removed: int
    kept: int


@dataclass(frozen=True, slots=True)
class FailureCount:
    """The failed posts of one class."""

    failure: str
    count: int
    last_error: str | None
    next_due: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command that writes. Without an end it is still at work, or was killed."""

    id: int
    command: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    exit_code: int | None
    summary: str | None  # JSON


@dataclass(frozen=True, slots=True)
class DaySpent:
    """What a model was asked in a day, as far as the servers said; None: they never did."""

    day: str
    model: str
    posts: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """How the whole archive stands."""

    posts: dict[Status, int]
    failures: tuple[FailureCount, ...]
    channels: tuple[ChannelState, ...]
    tags: int
    rejected: int
    runs: tuple[Run, ...]
    due: int  # failed posts whose next attempt is due
    followed: tuple[str, ...]  # sources that were added and have not been read yet
    spent: tuple[DaySpent, ...]
    schema: str
    size: int  # bytes on disk


@dataclass(frozen=True, slots=True)
class RejectedPost:
    """A message that could not be kept, as remembered."""

    channel: str
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Storage:
    """How SQLite keeps the file: its journal mode, whether locks can be had, and where it lies."""

    mode: str
    is_locked: bool
    network: str | None  # the kind of network file system that it lies on


@dataclass(frozen=True, slots=True)
class PostCount:
    """How many posts are of a kind, and the newest few, named as `show` takes them."""

    count: int
    such_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What a look at the database found, but for its search index."""

    damage: tuple[str, ...]  # in words: which table, what of it; empty where all is well
    altered: int  # posts whose text is not the one that was stored
    unreadable: PostCount  # posts with content that no converter could read
    textless: PostCount  # posts without text or media
    rejected: tuple[RejectedPost, ...]
    newest: dt.datetime | None  # when the last run ended, or Telegram's newest post is from


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the database, whole and checked."""

    path: Path
    posts: int
    size: int  # bytes
    schema: str


@dataclass(frozen=True, slots=True)
class SavedTable:
    """What was saved of a table of a damaged database.

    `lost` counts the rows that are known to be lost; without `knows_all` there may be more.
    """

    name: str
    saved: int
    lost: int
    knows_all: bool


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was saved of a damaged database into a new one."""

    tables: tuple[SavedTable, ...]
    restored: int  # posts that were made anew of their raw records
    marked: int  # posts that are not as they were stored, and say so
    to_read: tuple[str, ...]  # channels that are read anew, since posts of them may be missing
    log: str | None  # the name of the log beside the file that was read, too

    @property
    def is_all(self) -> bool:
        """Tell whether nothing is lost, or not as it was."""
        is_lost = any(table.lost or not table.knows_all for table in self.tables)
        return not (is_lost or self.restored or self.marked)
