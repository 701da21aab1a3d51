"""Which values each column of the archive may hold; used to detect disk damage.

SQLite checks what is written, never what it reads. These rules hold for every row that tgtagger
writes. Queries check the rows that they read (`RowCheck`, `ObjectCheck`), and the integrity check
uses the same rules (`check_of`). Knows nothing of pages and files.

Conventions: times are UTC, ISO 8601 text (`2026-01-31T12:00:00Z`), so that they sort as text and
any program reads them; lists and small structures are JSON text; an absent fact is NULL.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, get_args

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


# ---- the check of one value


Check = Callable[[Any], bool]

_TYPES: Mapping[ValueKind, tuple[type, ...]] = {
    "integer": (int,),
    "real": (int, float),
    "text": (str,),
    "blob": (bytes,),
    "list": (list,),
    "object": (dict,),
    "any": (object,),
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def types_of(value: Value) -> tuple[type, ...]:
    """Return Python's types for a value."""
    return (*_TYPES[value.kind], type(None)) if value.null else _TYPES[value.kind]


@functools.cache
def check_of(value: Value) -> Check:
    """Return the function that tells whether something is such a value."""
    types, rules = types_of(value), _rules(value)
    if not rules:
        return lambda found: isinstance(found, types)

    def check(found: Any) -> bool:
        if not isinstance(found, types):
            return False
        return found is None or all(rule(found) for rule in rules)

    return check


def has_rules(value: Value) -> bool:
    """Tell whether a value has more rules than its type."""
    return bool(_rules(value))


def _rules(value: Value) -> list[Check]:
    """Return the checks of a value besides its type."""
    rules: list[Check] = []
    if value.allowed:
        rules.append(frozenset(value.allowed).__contains__)
    if value.least is not None:
        rules.append(value.least.__le__)
    if value.pattern is not None:
        matches = re.compile(value.pattern).fullmatch
        rules.append(lambda found: matches(found) is not None)
    if value.is_time:
        rules.append(_is_time)
    if value.json is not None:
        rules.append(functools.partial(_is_json, check_of(value.json)))
    if value.items is TEXT:
        rules.append(_are_texts)
    elif value.items is INTEGER:
        rules.append(_are_integers)
    elif value.items is not None:
        rules.append(functools.partial(_are_all, check_of(value.items)))
    if value.fields is not None:
        rules.append(functools.partial(_has_fields, value))
    return rules


def _is_time(found: str) -> bool:
    try:
        return _TIME.fullmatch(found) is not None and bool(dt.datetime.fromisoformat(found))
    except ValueError:
        return False


def _is_json(check: Check, found: str) -> bool:
    try:
        return check(json.loads(found))
    except (ValueError, RecursionError):
        return False


def _are_all(check: Check, found: list[Any]) -> bool:
    return all(map(check, found))


def _are_texts(found: list[Any]) -> bool:
    try:  # a tenth of the time of checking each
        "".join(found)
    except TypeError:
        return False
    return True


def _are_integers(found: list[Any] | dict[str, Any]) -> bool:
    try:
        return isinstance(sum(found.values() if isinstance(found, dict) else found), int)
    except TypeError:
        return False


def _has_fields(value: Value, found: dict[str, Any]) -> bool:
    fields = value.fields or {}
    return all(name in found for name in value.needed) and all(
        check_of(fields[name])(each) if name in fields else value.is_open
        for name, each in found.items()
    )


# ---- the check of what is read


class WrongValueError(Exception):
    """A stored value breaks its column's rule: the file is damaged."""


RowT = TypeVar("RowT", bound=Sequence[Any])


class RowCheck:
    """Checks the rows of a query. Each column is named as `posts.status`, or given as a Value."""

    def __init__(self, *columns: str | Value) -> None:
        values = [value_of(each) if isinstance(each, str) else each for each in columns]
        self._names = [each if isinstance(each, str) else each.kind for each in columns]
        self._types = [types_of(value) for value in values]
        self._ruled = [(at, rule) for at, each in enumerate(values) for rule in _rules(each)]
        # Most rows have the same types, so that one lookup is enough.
        self._good: set[tuple[type, ...]] = set()

    def __call__(self, row: RowT | None) -> RowT:
        """Return the row. Raises WrongValueError for a wrong value in it, and for None."""
        if row is None:
            raise WrongValueError(f"no {self._names[0]}")
        found = tuple(map(type, row))
        if found not in self._good:
            for name, value, types in zip(self._names, row, self._types, strict=True):
                if not isinstance(value, types):
                    raise WrongValueError(name)
            self._good.add(found)
        for at, rule in self._ruled:
            value = row[at]
            if value is not None and not rule(value):
                raise WrongValueError(self._names[at])
        return row


class ObjectCheck:
    """Checks JSON objects of one kind, whose fields may be missing."""

    def __init__(self, value: Value) -> None:
        fields = value.fields or {}
        self._check = check_of(value)
        self._ruled = [(name, rule) for name, each in fields.items() for rule in _rules(each)]
        self._good: set[tuple[object, ...]] = set()

    def __call__(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return the object. Raises WrongValueError for a wrong value in it."""
        if not isinstance(found, dict):
            raise WrongValueError("a part of JSON")
        looks = (*found, *map(type, found.values()))
        if looks not in self._good:
            if not self._check(found):
                raise WrongValueError("a part of JSON")
            self._good.add(looks)
        for name, rule in self._ruled:
            value = found.get(name)
            if value is not None and not rule(value):
                raise WrongValueError(name)
        return found


def parsed(text: str) -> Any:
    """Return what JSON text holds. Raises WrongValueError if the text is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise WrongValueError("JSON") from None  # the error may hold a post's text
