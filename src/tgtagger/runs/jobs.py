"""What may be asked of a worker: a run of a kind, with what it shall do.

`ask` reads what somebody wants, in the names of today, and stores it as a job; a worker reads the
stored job again (`wish_of`). Both raise InputError for what cannot be done. Does nothing itself,
and knows no face.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from tgtagger.config import Settings, days_of
from tgtagger.errors import InputError, StoreError, TryLater
from tgtagger.model.choices import FailureClass, JobKind, Via
from tgtagger.model.jobs import Job
from tgtagger.model.refs import canonical_name, read_channel
from tgtagger.model.times import iso
from tgtagger.runs.accounts import find_account
from tgtagger.runs.query import read_classes
from tgtagger.runs.times import read_duration, read_when
from tgtagger.store import Store

MOST_NAMES = 1000
"""Channels, or posts, that one job may name."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a job shall do. Each kind knows some of these; an unset one is as without it."""

    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    posts: tuple[str, ...] = ()
    classes: tuple[FailureClass, ...] = ()
    limit: int | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    refresh: int | None = None
    backfill: bool | None = None
    via: Via = "auto"
    account: str = ""
    groups: bool = False
    force: bool = False
    stale: bool = False
    max_cost: float | None = None
    max_time: dt.timedelta | None = None


_KNOWN: Mapping[JobKind, frozenset[str]] = {
    "parse": frozenset(
        "sources limit since until refresh backfill via account groups max_time".split()
    ),
    "tag": frozenset("channels posts limit since force stale max_cost max_time".split()),
    "retry": frozenset("channels posts classes limit force max_cost max_time".split()),
    "sync": frozenset("sources limit refresh backfill via account max_cost max_time".split()),
}


def ask(store: Store, settings: Settings, kind: JobKind, given: Mapping[str, Any]) -> Job:
    """Store a job; return it, or the open one that does the same.

    `given` are the fields of a Wish as JSON; times and durations as people write them.
    """
    asked = {name: value for name, value in given.items() if _says_something(name, value)}
    typed = {name: asked[name] for name in ("since", "until") if name in asked}
    params = _settled(store, asked)
    if "account" in params:
        params["account"] = find_account(settings, params["account"])
    _check(kind, wish_of(kind, params))
    # `7d` is another moment at every request, and the same wish.
    wish = json.dumps(params | typed, sort_keys=True)
    return store.jobs.ask(kind, wish, params, keep=days_of(settings.keep_runs))


_asking = threading.Lock()


def has_worker(store: Store) -> bool:
    """Tell whether a worker is there to do the jobs."""
    with _asking:  # for a moment, asking holds the lock itself
        try:
            with store.lock("work"):
                return False
        except TryLater as busy:
            return busy.data["process"] is None  # held together, as workers do
        except StoreError:  # nothing can be written here
            return False


def wish_of(kind: JobKind, params: Mapping[str, Any]) -> Wish:
    """Return what the stored `params` of a job say."""
    unknown = sorted(set(params) - _KNOWN[kind])
    if unknown:
        raise InputError("job_field_unknown", name=unknown[0], job=kind, known=sorted(_KNOWN[kind]))
    try:
        return Wish(**{name: _READERS[name](value) for name, value in params.items()})
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise InputError("job_fields_wrong", job=kind) from error


def with_wish(settings: Settings, wish: Wish) -> Settings:
    """Return the settings in force, with what a wish says about them. Raises InputError."""
    max_cost = settings.max_cost if wish.max_cost is None else wish.max_cost
    account = find_account(settings, wish.account) if wish.account else settings.account
    return replace(settings, max_cost=max_cost, account=account)


# ---- reading


def _settled(store: Store, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked with names and times that mean the same tomorrow."""
    params = dict(asked)
    for name in ("sources", "channels", "posts", "classes"):
        if len(params.get(name, ())) > MOST_NAMES:
            raise InputError("job_names_too_many", most=MOST_NAMES)
    if "sources" in params:
        params["sources"] = _unique(_source(store, text) for text in params["sources"])
    if "channels" in params:
        params["channels"] = _unique(map(str, store.channels.identify(params["channels"])))
    if "posts" in params:
        found = store.records.identify(params["posts"])
        params["posts"] = _unique(f"{post.channel_id}-{post.message_id}" for post in found)
    if "classes" in params:
        params["classes"] = _unique(read_classes(params["classes"]))
    for name in ("since", "until"):
        if name in params:
            params[name] = iso(read_when(params[name]))
    return params


def _source(store: Store, text: str) -> str:
    """Return the lasting name of a channel. A file's path is none: files are read by hand."""
    try:
        return canonical_name(read_channel(text))
    except InputError as error:
        try:
            (number,) = store.channels.identify([text])
        except InputError:
            raise error from None
        return f"-100{number}" if number > 0 else str(number)


def _says_something(name: str, value: Any) -> bool:
    if value is False:
        return name == "backfill"  # only what is new
    return value is not None and value not in ((), [], "")


def _unique(names: Any) -> list[str]:
    return sorted(set(names))


def _check(kind: JobKind, wish: Wish) -> None:
    if wish.since and wish.until and wish.since >= wish.until:
        raise InputError("period_empty", since=iso(wish.since), until=iso(wish.until))
    if wish.force and wish.stale:
        raise InputError("job_force_or_stale")
    is_narrow = wish.channels or wish.posts or wish.since or wish.limit
    if kind == "tag" and wish.force and not is_narrow:
        raise InputError("job_too_wide")


def _names(value: Sequence[str]) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(each, str) for each in value):
        raise TypeError(value)
    return tuple(value)


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(value)
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _via(value: Any) -> Via:
    if value not in get_args(Via):
        raise ValueError(value)
    return value  # type: ignore[no-any-return]


def _moment(value: str) -> dt.datetime:
    return dt.datetime.fromisoformat(value).astimezone(dt.UTC)


def _cost(value: Any) -> float:
    if isinstance(value, bool) or not 0 < float(value) < float("inf"):
        raise ValueError(value)
    return float(value)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "sources": _names,
    "channels": _names,
    "posts": _names,
    "classes": lambda value: read_classes(_names(value)),
    "limit": _number,
    "since": _moment,
    "until": _moment,
    "refresh": _number,
    "backfill": _flag,
    "via": _via,
    "account": _text,
    "groups": _flag,
    "force": _flag,
    "stale": _flag,
    "max_cost": _cost,
    "max_time": read_duration,
}
