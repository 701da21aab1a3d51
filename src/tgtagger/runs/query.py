"""Turn a person's words into a filter of posts: a search query with its filters, and options.

`tag:ai`, `-tag:"machine learning"`, `channel:@news`, `since:7d`, `until:2026-01-31` and
`status:failed` in a query narrow as the options of these names do; the rest are words for the full
text index. Knows no SQL.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast, get_args

from tgtagger.errors import InputError
from tgtagger.model.choices import FailureClass, PostStatus
from tgtagger.model.posts import PostFilter
from tgtagger.runs.times import since_until

_PART = re.compile(
    r'(?P<field>-?[a-z]+):(?P<value>"[^"]*"?|[^\s"]*)|-?"[^"]*"?|[^\s"]+|"', re.IGNORECASE
)
_FIELDS = ("tag", "-tag", "channel", "since", "until", "status")

Name = TypeVar("Name", bound=str)


@dataclass(slots=True)
class Asked:
    """A query in parts. If `words` is empty, only the filters pick posts."""

    words: str = ""
    tags: list[str] = field(default_factory=list)
    not_tags: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    since: str = ""
    until: str = ""


def read_query(text: str) -> Asked:
    """Take a query apart. Raises InputError for a wrong, empty or repeated filter."""
    asked = Asked()
    words = []
    lists = {
        "tag": asked.tags, "-tag": asked.not_tags, "channel": asked.channels,
        "status": asked.statuses,
    }  # fmt: skip
    for part in _PART.finditer(text):
        name = (part["field"] or "").lower()
        if name not in _FIELDS:
            if name.removeprefix("-") in _FIELDS:
                raise InputError("filter_not_excludable", filter=name)
            near = difflib.get_close_matches(name, _FIELDS, n=1, cutoff=0.75)
            if near:
                raise InputError("filter_unknown", filter=name, near=near[0], words=part[0])
            words.append(part[0])
            continue
        if part["value"].count('"') == 1:
            raise InputError("filter_quote_open", filter=name)
        value = part["value"].strip('"').strip()
        if not value:
            raise InputError("filter_empty", filter=name)
        if name in lists:
            lists[name].append(value)
        elif getattr(asked, name):
            raise InputError("filter_twice", filter=name)
        else:
            setattr(asked, name, value)
    asked.words = " ".join(words)
    return asked


def read_filter(
    *,
    query: str | None,
    channels: Sequence[str] | None,
    tags: Sequence[str] | None,
    any_tags: Sequence[str] | None,
    not_tags: Sequence[str] | None,
    since: str,
    until: str,
    statuses: Sequence[str] | None,
    limit: int | None,
) -> PostFilter:
    """Return one filter made of options and of a query's own filters."""
    asked = read_query(query or "")
    for option, name in ((since, "since"), (until, "until")):
        if option and getattr(asked, name):
            raise InputError("filter_given_twice", filter=name)
    wanted = read_statuses([*(statuses or ()), *asked.statuses])
    first, last = since_until(since or asked.since, until or asked.until)
    return PostFilter(
        channels=(*(channels or ()), *asked.channels),
        tags=(*(tags or ()), *asked.tags),
        any_tags=tuple(any_tags or ()),
        not_tags=(*(not_tags or ()), *asked.not_tags),
        since=first,
        until=last,
        statuses=wanted,
        query=asked.words or None,
        limit=limit,
    )


def read_statuses(names: Sequence[str]) -> tuple[PostStatus, ...]:
    """Return the statuses that a person names. Raises InputError for an unknown one."""
    return _known(names, cast("tuple[PostStatus, ...]", get_args(PostStatus)), "status_unknown")


def read_classes(names: Sequence[str]) -> tuple[FailureClass, ...]:
    """Return the classes of failure that a person names. Raises InputError for an unknown one."""
    known = cast("tuple[FailureClass, ...]", get_args(FailureClass))
    return _known(names, known, "failure_class_unknown")


def _known(names: Sequence[str], known: tuple[Name, ...], kind: str) -> tuple[Name, ...]:
    for name in names:
        if name not in known:
            raise InputError(kind, name=name, known=known)
    return cast("tuple[Name, ...]", tuple(names))
