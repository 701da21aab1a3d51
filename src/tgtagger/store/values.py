"""Which values each column of the archive may hold: what every row that tgtagger writes holds to.

Knows neither how a value is checked (`checks`) nor anything of pages and files.

Conventions: times are UTC, ISO 8601 text (`2026-01-31T12:00:00Z`), so that they sort as text and
any program reads them; lists and small structures are JSON text; an absent fact is NULL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from tgtagger.model import columns
from tgtagger.model.choices import (
    ChannelKind,
    FailureClass,
    JobKind,
    JobState,
    LinkSource,
    MediaType,
    PostStatus,
    SourceName,
    TagChangeKind,
)
from tgtagger.model.columns import Column

LARGEST = 2**63 - 1
"""What SQLite takes for an integer; a user may write any number for "all"."""

ValueKind = Literal["integer", "real", "text", "blob", "list", "object", "any"]
"""SQLite's types, and those that only JSON has."""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """What one column, or one part of a JSON value, may hold."""

    kind: ValueKind
    null: bool = False
    allowed: tuple[str, ...] = ()  # empty: any
    least: int | None = None
    pattern: str | None = None
    is_time: bool = False
    json: Value | None = None  # of text: what the JSON in it may be
    items: Value | None = None  # of a list, and of an object with any names
    fields: Mapping[str, Value] | None = None  # of an object
    needed: tuple[str, ...] = ()  # fields that an object always has
    is_open: bool = True  # an object may have further fields


def or_null(value: Value) -> Value:
    """Return the rule that also allows NULL."""
    return replace(value, null=True)


def one_of(literal: object) -> Value:
    """Return the rule for a text that is one of a Literal's words."""
    return Value("text", allowed=get_args(literal))


def as_json(value: Value) -> Value:
    """Return the rule for a text that holds such a value as JSON."""
    return Value("text", json=value)


INTEGER, REAL, TEXT, BLOB = Value("integer"), Value("real"), Value("text"), Value("blob")
TIME = Value("text", is_time=True)
OBJECT = Value("object")
TEXTS = Value("list", items=TEXT)
CHANGED = Value("list")
COUNTS = Value("object", items=INTEGER)
SOURCE = one_of(SourceName)
FAILURE = one_of(FailureClass)
HASH = "[0-9a-f]{16}"

ENTITY = Value(
    "object",
    fields={"type": TEXT, "offset": INTEGER, "length": INTEGER},
    needed=("type", "offset", "length"),
)
MEDIA = Value(
    "object",
    fields={
        "type": one_of(MediaType),
        "file_name": TEXT,
        "mime_type": TEXT,
        "size": INTEGER,
        "duration": REAL,
        "width": INTEGER,
        "height": INTEGER,
        "question": TEXT,
        "options": TEXTS,
        "url": TEXT,
        "title": TEXT,
        "description": TEXT,
    },
    needed=("type",),
    is_open=False,
)
FORWARD = Value(
    "object",
    fields={
        "channel": or_null(TEXT),
        "id": or_null(INTEGER),
        "url": or_null(TEXT),
        "channel_id": or_null(INTEGER),
    },
    needed=("channel", "id", "url", "channel_id"),
)

_OTHERS: Mapping[str, Value] = {
    "entities": as_json(Value("list", items=ENTITY)),
    "media": as_json(Value("list", items=MEDIA)),
    "reactions": as_json(COUNTS),
    "forward": as_json(FORWARD),
    "reply": as_json(OBJECT),
    "source": SOURCE,
    "text_hash": Value("text", pattern=HASH),
}
_PLAIN: Mapping[str, Value] = {"integer": INTEGER, "text": TEXT, "time": TIME}


def _fact(column: Column) -> Value:
    value = _OTHERS.get(column.name) or _PLAIN[column.kind]
    return value if column.needed else or_null(value)


FACTS = {column.name: _fact(column) for column in columns.COLUMNS}
"""The columns of `posts` that come from a source."""

COLUMNS: Mapping[str, Mapping[str, Value]] = {
    "channels": {
        "id": INTEGER,
        "title": TEXT,
        "username": or_null(TEXT),
        "kind": one_of(ChannelKind),
        "added_at": TIME,
        "parsed_at": or_null(TIME),  # when it was last read, from any source
        "since": or_null(TIME),  # the floor that a user set: nothing older is read
        "paused_at": or_null(TIME),
        "keep_days": or_null(INTEGER),  # how long posts are kept; NULL: for ever
    },
    "readings": {  # how far each source has read a channel
        "channel_id": INTEGER,
        "source": SOURCE,
        "top_id": or_null(INTEGER),  # the highest message id seen
        "floor_id": INTEGER,  # ids up to it are older than channels.since
        "not_before": or_null(TIME),  # the source refuses requests until then
    },
    "unread_ranges": {
        "channel_id": INTEGER,
        "source": SOURCE,
        "low": INTEGER,
        "high": INTEGER,
    },
    "read_exports": {  # an export that was read whole last: an equal one is not read again
        "channel_id": INTEGER,
        "file": Value("text", pattern="[0-9a-f]{32}"),  # the hash of its content
        "stamp": or_null(TEXT),  # its size, times and number on the disk; NULL: they do not tell
        "channels": INTEGER,  # how many channels it has
        "groups_too": INTEGER,  # 1: groups were read, too
        "converter": INTEGER,
        "left_out": as_json(COUNTS),  # its chats that are no channels, by kind
        "read_at": TIME,
        "chunks": BLOB,  # hashes of chunks of messages, with their posts and service messages
    },
    "posts": {
        "id": INTEGER,
        "channel_id": INTEGER,
        "message_id": INTEGER,
        **FACTS,
        "deleted": or_null(TIME),
        "added_at": TIME,
        "changed_at": or_null(TIME),
        "status": one_of(PostStatus),
        "attempts": INTEGER,
        "failure": or_null(FAILURE),
        "error": or_null(TEXT),
        "next_attempt_at": or_null(TIME),
        "tagged_at": or_null(TIME),
    },
    "album_members": {"channel_id": INTEGER, "message_id": INTEGER, "post_id": INTEGER},
    "raw_forms": {
        "post_id": INTEGER,
        "source": SOURCE,
        "converter": INTEGER,
        "data": BLOB,  # JSON, compressed with zstandard
    },
    "service_messages": {
        "channel_id": INTEGER,
        "message_id": INTEGER,
        "date": or_null(TIME),
        "action": TEXT,
        "source": SOURCE,
        "converter": or_null(INTEGER),
        "data": or_null(BLOB),
    },
    "rejected_posts": {
        "channel_id": INTEGER,
        "message_id": TEXT,  # as found: a number, or anything else
        "source": SOURCE,
        "reason": TEXT,
        "seen_at": TIME,
    },
    "runs": {
        "id": INTEGER,
        "command": TEXT,
        "started_at": TIME,
        "ended_at": or_null(TIME),  # NULL: still at work, or killed
        "exit_code": or_null(INTEGER),
        "pid": or_null(INTEGER),
        "tagger": or_null(TEXT),
        "model": or_null(TEXT),
        "prompt": or_null(TEXT),
        "vocabulary": or_null(TEXT),
        "summary": or_null(as_json(Value("any"))),
    },
    "run_origins": {  # with what a run gave tags; "": without
        "run_id": INTEGER,
        "model": TEXT,
        "prompt": TEXT,
        "vocabulary": TEXT,
    },
    "jobs": {  # runs that a person asked for in a browser, or by the API
        "id": INTEGER,
        "kind": one_of(JobKind),
        "key": Value("text", pattern=HASH),  # equal wishes have equal keys
        "params": as_json(OBJECT),
        "state": one_of(JobState),
        "asked_at": TIME,
        "started_at": or_null(TIME),  # when it was first taken
        "ended_at": or_null(TIME),
        "cancelled_at": or_null(TIME),  # when a person asked for its end
        "tries": INTEGER,  # how often a worker took it
        "first_run_id": or_null(INTEGER),
        "run_id": or_null(INTEGER),  # the last of its runs: one a try
        "done": or_null(INTEGER),
        "total": or_null(INTEGER),
        "what": or_null(TEXT),
        "waits": or_null(TEXT),  # why it waits now
        "waits_until": or_null(TIME),
        "exit_code": or_null(INTEGER),
        "failure": or_null(TEXT),  # the kind of the error that ended it
        "error": or_null(TEXT),
        "hint": or_null(TEXT),
        "spent_usd": REAL,  # what its runs may have spent: taken before it is
    },
    "followed_sources": {  # added by a person, not read yet
        "source": TEXT,  # as `model.refs.canonical_name` writes it
        "added_at": TIME,
    },
    "left_channels": {  # unfollowed: no longer read, unless by name; their posts stay
        "channel_id": INTEGER,
        "left_at": TIME,
    },
    "tags": {
        "id": INTEGER,
        "name": TEXT,  # as shown
        "key": TEXT,  # vocabulary.key: equal keys, one tag
        "description": or_null(TEXT),
        "added_at": TIME,
        "first_name": or_null(TEXT),  # as a machine wrote it first, where it is shown otherwise
        "named_at": or_null(TIME),  # when a person gave it its name
    },
    "tag_aliases": {"key": TEXT, "name": TEXT, "tag_id": INTEGER},
    "tag_spellings": {  # how a run wrote a tag on a post, where not as it was written first
        "tag_id": INTEGER,
        "post_id": INTEGER,
        "run_id": INTEGER,
        "name": TEXT,
    },
    "post_tags": {
        "post_id": INTEGER,
        "position": Value("integer", least=0),  # the best first
        "tag_id": INTEGER,
        "source": one_of(LinkSource),
        "model": or_null(TEXT),
        "prompt": or_null(TEXT),
        "vocabulary": or_null(TEXT),
        "run_id": or_null(INTEGER),
        "added_at": TIME,
    },
    "removed_tags": {  # what a person took off a post: no machine puts it back
        "post_id": INTEGER,
        "tag_id": INTEGER,
        "removed_at": TIME,
    },
    "barred_tags": {  # blocked: no machine gives such a tag to any post
        "tag_id": INTEGER,
        "barred_at": TIME,
    },
    "tags_apart": {"one": TEXT, "other": TEXT, "at": TIME},  # a person says: never one
    "tag_changes": {  # what a person or an agent did to tags, and undos; numbered as the runs are
        "id": INTEGER,
        "at": TIME,
        "what": one_of(Literal[TagChangeKind, "run"]),  # run: one that replaced tags, or is undone
        "names": as_json(TEXTS),
        "posts": INTEGER,
        "last_tag_id": INTEGER,  # the highest so far: a deleted tag's id is not used again
        "undoes": or_null(INTEGER),  # of an undo: which change
        "undone_at": or_null(TIME),
        "swept_at": or_null(TIME),  # it is too old to be undone; its rows below go
    },
    "changed_posts": {  # the tagging state of a post, and its text's hash; NULL: as a new one
        "change_id": INTEGER,
        "post_id": INTEGER,
        "before": or_null(as_json(CHANGED)),
        "after": or_null(as_json(CHANGED)),
    },
    "changed_tags": {  # a tag before and after a change; NULL: there was none
        "change_id": INTEGER,
        "tag_id": INTEGER,
        "before": or_null(as_json(CHANGED)),
        "after": or_null(as_json(CHANGED)),
    },
    "changed_aliases": {
        "change_id": INTEGER,
        "key": TEXT,
        "before": or_null(as_json(CHANGED)),
        "after": or_null(as_json(CHANGED)),
    },
    "changed_links": {  # a tag on a post; and when it was taken off the post
        "change_id": INTEGER,
        "post_id": INTEGER,
        "tag_id": INTEGER,
        "before": or_null(as_json(CHANGED)),
        "after": or_null(as_json(CHANGED)),
        "removed_before": or_null(TIME),
        "removed_after": or_null(TIME),
    },
    "tag_queue": {  # a post that waits for a tagger, or that one works at
        "post_id": INTEGER,
        "due_at": or_null(TIME),  # NULL: it is pending
        "attempts": INTEGER,  # leases that ran out
        "token": INTEGER,
        "worker": or_null(TEXT),
        "lease_until": or_null(TIME),
    },
    "claimed_texts": {  # a text that somebody works at
        "text_hash": Value("text", pattern=HASH),
        "worker": TEXT,
        "lease_until": TIME,
    },
    "attempts": {
        "id": INTEGER,
        "post_id": INTEGER,
        "run_id": or_null(INTEGER),
        "at": TIME,
        "model": or_null(TEXT),
        "class": or_null(FAILURE),  # NULL: it was answered
        "http_status": or_null(INTEGER),
        "prompt_tokens": or_null(INTEGER),
        "completion_tokens": or_null(INTEGER),
        "cached_tokens": or_null(INTEGER),
        "cost_usd": or_null(REAL),
        "latency_ms": or_null(INTEGER),
        "error": or_null(TEXT),
        "sent_letters": or_null(INTEGER),  # of a text that was too long to be sent whole
    },
    "rate_limits": {  # what all runs share that ask a server; seconds since 1970
        "url": TEXT,
        "closed_until": or_null(REAL),
        "next_at": or_null(REAL),  # when the next request may go
    },
    "answers": {  # already paid for: equal text, prompt, model and vocabulary
        "key": Value("text", pattern=f"{HASH}:{HASH}"),
        "tags": or_null(as_json(TEXTS)),
        "model": or_null(TEXT),
        "at": TIME,
    },
    "server_capabilities": {
        "url": TEXT,
        "model": TEXT,
        "capabilities": or_null(as_json(OBJECT)),
        "at": TIME,
    },
}


def value_of(column: str) -> Value:
    """Return what a column may hold, named as `posts.status`."""
    table, _, name = column.partition(".")
    return COLUMNS[table][name]


def plain(column: str) -> Value:
    """Return the part of a column's rule that is cheap to check: type and allowed words."""
    return replace(value_of(column), json=None, pattern=None, is_time=False)
