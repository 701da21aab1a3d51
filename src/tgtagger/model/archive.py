"""The nouns that people read: what the store shows of the archive. Plain frozen values.

A module of its own, since no source and no tagger needs them. As in `posts`: datetimes are aware
and in UTC, collections are tuples, and an unknown fact is None. Knows no JSON and no layout.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tgtagger.model.choices import (
    JobKind,
    JobState,
    LinkSource,
    PostStatus,
    SourceName,
    TagChangeKind,
)
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


@dataclass(frozen=True, slots=True)
class PostMention:
    """A post that another one's page names: the beginning of its text."""

    id: PostId
    date: dt.datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class TakenTag:
    """A tag that a person took off a post: no machine gives it to the post again."""

    name: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class PostChange:
    """What a person's change did to one post: the tags that it gave and took."""

    number: int
    at: dt.datetime
    what: TagChangeKind
    given: tuple[str, ...]
    taken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a post: neighbours in its channel, its thread, what was done to its tags.

    `id` has the channel's id as the archive has it. `answered` is the post that it replies to, if
    it is stored; `answers` are replies to it, those soon after it. `changes` are those of people,
    the oldest first, without undone ones.
    """

    id: PostId
    older: PostMention | None
    newer: PostMention | None
    answered: PostMention | None
    answers: tuple[PostMention, ...]
    taken: tuple[TakenTag, ...]
    changes: tuple[PostChange, ...]


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


@dataclass(frozen=True, slots=True)
class TagChange:
    """What a person's decision about tags changed.

    `names` is the changed tag, or all tags of the changed post; `aliases` are the tag's aliases
    now; `posts` counts the posts that show other tags, or another name of a tag, than before.
    `number`: its number in the history, in a dry run the one it would have; None: no change.
    """

    names: tuple[str, ...]
    aliases: tuple[str, ...]
    posts: int
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Adoption:
    """What a group of the list does: `merged` go into the tag, which gets its `name` and aliases.

    `posts` are those of the merged tags.
    """

    tag: str
    name: str
    merged: tuple[str, ...]
    added: tuple[str, ...]
    posts: int


@dataclass(frozen=True, slots=True)
class AgentChange:
    """What an agent's wish did to the tags of one post.

    `tags` are the post's tags now, `done` those that came or went, `unchanged` those that were as
    wished before, `refused` those of which a person has decided otherwise. `number` is that of the
    agent's session in the history of changes; None: it has changed nothing.
    """

    tags: tuple[str, ...]
    done: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[str, ...]
    number: int | None


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change of tags, a person's, an agent's or a run's, by its number, in one series.

    `what` is a TagChangeKind, or a run's command; `names` are the tags, or the run's tagger.
    `posts` counts the posts that it changed; of a run, those that still have a tag of it. `undoes`
    is the number of the change that an undo took back.
    """

    number: int
    at: dt.datetime
    by: Literal["person", "agent", "run"]
    what: str
    names: tuple[str, ...]
    posts: int
    undone_at: dt.datetime | None
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What an undo did: `posts` have tags as before, `kept` ones were tagged anew since.

    `links` counts the tags that went or came, `tags` those that did so in the whole archive.
    """

    change: PastChange
    posts: int
    links: int
    tags: int
    kept: int = 0
    pending: int = 0  # posts that are to be tagged again
    undo: int | None = None  # the number by which the undo itself is undone


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A channel and how much of it is stored. `unread` counts message ids not read yet."""

    channel: Channel
    posts: int
    pending: int
    failed: int
    newest: dt.datetime | None
    parsed_at: dt.datetime | None
    unread: int
    paused: bool
    unfollowed: bool  # no longer read; its posts are still stored
    keep_days: int | None = None  # how long its posts are kept; None: for ever


@dataclass(frozen=True, slots=True)
class ChannelKept:
    """How long a channel's posts are kept: how many older ones were deleted, and how many stay.

    `keep_days` None: all are kept.
    """

    title: str
    keep_days: int | None
    removed: int
    stay: int


@dataclass(frozen=True, slots=True)
class ChannelRemoved:
    """A channel that was unfollowed: how many posts were deleted, and how many stay."""

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

    @property
    def is_used_up(self) -> bool:
        """Tell whether these posts had all their turns, though another turn might help."""
        return self.next_due is None and self.failure not in {"refused", "too_long", "crashed"}


@dataclass(frozen=True, slots=True)
class FailedPost:
    """A failed post in a list: the beginning of its text, and why its last attempt failed."""

    id: PostId
    channel: str
    date: dt.datetime | None
    text: str
    error: str | None
    attempts: int
    next_due: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command that writes. `ended_at` None: it is still at work, or was killed."""

    id: int
    command: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    exit_code: int | None
    summary: str | None  # JSON


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job has come. `what` is the channel that is read, or `tagging`.

    `waits` says in words why it waits now; None: it does not, or nobody knows why.
    """

    done: int | None = None
    total: int | None = None
    what: str | None = None
    waits: str | None = None
    waits_until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended: an exit code, and the error that ended it, if one did."""

    state: JobState
    exit_code: int
    failure: str | None = None  # the error's kind
    error: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A run that somebody asked for, and how it goes. `params` say what is to be done.

    `tries` counts how often a worker took it; each try has a run of its own, of which `first_run`
    and `run` are the first and the last. `summary` is JSON, of the last run.
    """

    id: int
    kind: JobKind
    params: dict[str, Any]
    state: JobState
    asked_at: dt.datetime
    started_at: dt.datetime | None
    ended_at: dt.datetime | None
    cancelled_at: dt.datetime | None  # when a person asked for its end
    tries: int
    first_run: int | None
    run: int | None
    progress: JobProgress
    end: JobEnd | None
    summary: str | None

    @property
    def is_open(self) -> bool:
        """Tell whether it is queued or running."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True)
class DaySpent:
    """What a model was asked in a day. Tokens and cost are None if no server told them."""

    day: str
    model: str
    posts: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """The state of the whole archive."""

    posts: dict[PostStatus, int]
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
    """A message that could not be stored, and why."""

    channel: str
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Storage:
    """How SQLite keeps the file: its journal mode, whether locks work, its file system."""

    mode: str
    is_locked: bool
    network: str | None  # the kind of network file system that it lies on


@dataclass(frozen=True, slots=True)
class LongTransaction:
    """A transaction that is open for long on the server of an archive; `is_idle`: it waits."""

    process: int
    program: str
    seconds: float
    is_idle: bool


@dataclass(frozen=True, slots=True)
class QueueTable:
    """The table of the posts that wait for a tagger, as the server counts: rows, dead ones."""

    rows: int
    dead: int
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class ServerState:
    """The server that an archive is on, and what one user may do there."""

    version: str
    encoding: str
    database: str
    user: str
    schema: str  # of the tables, in PostgreSQL's sense
    is_read_only: bool
    missing_rights: tuple[tuple[str, str], ...]  # such as (INSERT, posts)
    may_note: bool  # what a change of tags touches, in a temporary table
    may_upgrade: bool  # the schema
    ahead: float  # seconds that its clock is ahead of ours
    round_trip: float  # seconds
    connections: int
    most_connections: int
    long_transactions: tuple[LongTransaction, ...]  # the oldest first
    queue: QueueTable
    settings: Mapping[str, str]
    is_local: bool
    is_encrypted: bool
    is_verified: bool  # the server's certificate, and that it is this server's


@dataclass(frozen=True, slots=True)
class PostCount:
    """How many posts are of a kind, and the newest few, as a user names a post (`@name/123`)."""

    count: int
    such_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What the integrity check found in the database, except for its search index."""

    damage: tuple[str, ...]  # in words: which table, and what is wrong; empty: no damage
    altered: int  # posts whose text changed on the disk: its hash is that of another text
    unreadable: PostCount  # posts with content that no converter could read
    textless: PostCount  # posts without text or media
    rejected: tuple[RejectedPost, ...]
    newest: dt.datetime | None  # the end of the last run, or Telegram's newest post, the later one


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole, checked copy of the database."""

    path: Path
    posts: int
    size: int  # bytes
    schema: str


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table that was copied: the rows it has in both databases, and their hash."""

    name: str
    rows: int
    hash: str


@dataclass(frozen=True, slots=True)
class Copied:
    """An archive that was copied into another database, and compared with it."""

    source: Path | str
    target: Path | str
    tables: tuple[CopiedTable, ...]
    schema: str
    kept: int  # rows that an earlier copy, which was stopped, had left

    @property
    def posts(self) -> int:
        return next(each.rows for each in self.tables if each.name == "posts")

    @property
    def rows(self) -> int:
        return sum(each.rows for each in self.tables)


@dataclass(frozen=True, slots=True)
class SavedTable:
    """How many rows of a table of a damaged database were saved.

    `lost` counts the rows that are known to be lost; if not `knows_all` there may be more.
    """

    name: str
    saved: int
    lost: int
    knows_all: bool


@dataclass(frozen=True, slots=True)
class Recovered:
    """The result of saving a damaged database into a new one."""

    tables: tuple[SavedTable, ...]
    restored: int  # posts that were made again from their raw records
    marked: int  # posts that differ from what was stored: their `problem` says so
    to_read: tuple[str, ...]  # channels that the next run reads again, since posts may be missing
    log: str | None  # the name of the log beside the file, if it was read too

    @property
    def is_all(self) -> bool:
        """Tell whether every row was saved as it was stored."""
        is_lost = any(table.lost or not table.knows_all for table in self.tables)
        return not (is_lost or self.restored or self.marked)
