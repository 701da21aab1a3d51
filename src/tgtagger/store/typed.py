"""What the values of an archive may be, column by column: what a damaged disk makes of one is not.

SQLite checks what is written, never what it reads. These rules hold for every row that tgtagger
has written; they are asked by whoever looks for damage, and by nobody on the way of healthy rows.
Knows nothing of pages and files.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
import re
import sqlite3
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from tgtagger.model.posts import ChannelKind, Media, SourceName
from tgtagger.model.tagging import FailureClass, LinkSource, Status

Check = Callable[[Any], bool]


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column, and what its values may be."""

    name: str
    holds: Check
    is_key: bool
    may_be_null: bool
    is_known: bool = True  # its type is one that we have


def columns(db: sqlite3.Connection, table: str) -> tuple[Column, ...]:
    """Return the columns of a table as it is in this database."""
    return tuple(
        Column(
            name,
            _check(table, name, kind, bool(needed) or bool(key)),
            bool(key),
            not needed,
            _type(kind) in _TYPES,
        )
        for _, name, kind, needed, _, key in db.execute(f"PRAGMA table_info({table})")
    )


def as_found(data: bytes) -> str | bytes:
    """Return text as text, and what is none as it is: a connection's `text_factory`."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _check(table: str, name: str, kind: str, needed: bool) -> Check:  # noqa: FBT001
    rule = _RULES.get((table, name)) or _TYPES.get(_type(kind), _is_anything)
    if kind == "TEXT" and (table, name) not in _RULES and name in _TIMES:
        rule = is_time
    return rule if needed else lambda value: value is None or rule(value)


_TIMES = frozenset(
    "added_at at barred_at changed_at date deleted edited ended_at next_attempt_at not_before "
    "parsed_at paused_at removed_at seen_at since started_at tagged_at".split()
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def is_time(value: object) -> bool:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        dt.datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int)


def _is_real(value: object) -> bool:
    return isinstance(value, int | float)


def _is_blob(value: object) -> bool:
    return isinstance(value, bytes)


def _is_anything(_: object) -> bool:
    return True


def _type(kind: str) -> str:
    return kind.partition("(")[0]


_TYPES: dict[str, Check] = {
    "INTEGER": _is_number,
    "TEXT": _is_text,
    "VARCHAR": _is_text,
    "REAL": _is_real,
    "BLOB": _is_blob,
}


def _one_of(words: object) -> Check:
    known = frozenset(get_args(words))
    return lambda value: isinstance(value, str) and value in known


def _json(fits: Check) -> Check:
    def check(value: object) -> bool:
        try:
            return isinstance(value, str) and fits(json.loads(value))
        except (ValueError, TypeError, LookupError, RecursionError):
            return False

    return check


def _like(pattern: str) -> Check:
    wanted = re.compile(pattern)
    return lambda value: isinstance(value, str) and bool(wanted.fullmatch(value))


def _list_of(fits: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _is_entity(value: Any) -> bool:
    return _is_text(value["type"]) and _is_number(value["offset"]) and _is_number(value["length"])


def _is_media(value: dict[str, Any]) -> bool:
    options = value.pop("options", None)
    return is_made(Media(**value, options=None if options is None else tuple(options)))


def _is_forward(value: dict[str, Any]) -> bool:
    return all(
        name in value and (value[name] is None or isinstance(value[name], kind))
        for name, kind in (("channel", str), ("id", int), ("url", str), ("channel_id", int))
    )


def _is_counts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


_RULES: dict[tuple[str, str], Check] = {
    ("posts", "entities"): _json(_list_of(_is_entity)),
    ("posts", "media"): _json(_list_of(_is_media)),
    ("posts", "reactions"): _json(_is_counts),
    ("posts", "forward"): _json(_is_forward),
    ("posts", "reply"): _json(_is_object),
    ("posts", "status"): _one_of(Status),
    ("posts", "source"): _one_of(SourceName),
    ("posts", "failure"): _one_of(FailureClass),
    ("posts", "text_hash"): _like("[0-9a-f]{16}"),
    ("answers", "key"): _like("[0-9a-f]{16}:[0-9a-f]{16}"),
    ("channels", "kind"): _one_of(ChannelKind),
    ("readings", "source"): _one_of(SourceName),
    ("unread_ranges", "source"): _one_of(SourceName),
    ("raw_forms", "source"): _one_of(SourceName),
    ("service_messages", "source"): _one_of(SourceName),
    ("rejected_posts", "source"): _one_of(SourceName),
    ("post_tags", "position"): lambda value: isinstance(value, int) and value >= 0,
    ("post_tags", "source"): _one_of(LinkSource),
    ("attempts", "class"): _one_of(FailureClass),
    ("answers", "tags"): _json(_list_of(_is_text)),
    ("runs", "summary"): _json(lambda _: True),
    ("server_capabilities", "capabilities"): _json(_is_object),
}


# ---- what leaves the store

T = TypeVar("T")


class WrongValueError(Exception):
    """A stored value is none of those that its noun may have."""


def checked(noun: T) -> T:
    """Return a noun, all of whose fields hold what their annotations say.

    Raises WrongValueError for another: it is made of stored values, so the file is damaged.
    """
    if not is_made(noun):
        raise WrongValueError(type(noun).__name__)
    return noun


class Alike:
    """Checks the types of rows that are read by the thousand: most are alike, one look tells."""

    def __init__(self, kinds: Mapping[str, tuple[type, ...]]) -> None:
        self._kinds = kinds
        self._good: set[tuple[object, ...]] = set()

    def check(self, values: Mapping[str, object]) -> None:
        """Raise WrongValueError for a value of none of its kinds; text is what has no other."""
        found = (*values, *map(type, values.values()))
        if found not in self._good:
            for name, value in values.items():
                if not isinstance(value, self._kinds.get(name, str)):
                    raise WrongValueError(name)
            self._good.add(found)


def is_made(noun: Any) -> bool:
    """Tell whether the fields of a dataclass hold what their annotations say."""
    return all(check(getattr(noun, name)) for name, check in _shape(noun.__class__))


@functools.cache
def _shape(kind: Any) -> Sequence[tuple[str, Check]]:
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    return [(name, check) for name in names if (check := _of_hint(hints[name])) is not None]


def _of_hint(hint: Any) -> Check | None:
    provenance, parts = get_origin(hint), get_args(hint)
    if provenance is Literal:
        known = frozenset(parts)
        return lambda value: isinstance(value, str | int) and value in known
    if provenance in {Union, types.UnionType}:
        if type(None) in parts and len(parts) == 2:
            one = _of_hint(parts[0] if parts[1] is type(None) else parts[1])
            return one and (lambda value: value is None or one(value))
        return None
    if provenance is tuple and parts[1:] == (...,):
        each = _of_hint(parts[0])
        return each and (lambda value: all(map(each, value)))
    if provenance is dict:
        return lambda value: all(isinstance(each, parts[1]) for each in value.values())
    if hint is float:
        return _is_real
    return (lambda value: isinstance(value, hint)) if isinstance(hint, type) else None
