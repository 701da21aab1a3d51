"""A page of posts, and the cursors of the pages beside it.

A cursor is text that holds a post's inner id, by which posts sort, and a mark of what was looked
for. It never ends: no process remembers it, and its post may be gone. What was looked for counts as
it was typed, so that `since:7d` goes on tomorrow. Knows no face.
"""

from __future__ import annotations

import base64
import bisect
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, TypeVar

from tgtagger.errors import InputError
from tgtagger.model.posts import PostFilter
from tgtagger.model.stored import FoundPost
from tgtagger.runs.query import read_filter
from tgtagger.store import Store

_KEY, _MARK = 8, 6  # bytes

LARGEST = 2**63 - 1
"""A number that comes after all."""

Item = TypeVar("Item")
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which posts somebody looks for, as it was typed: a query, and filters beside it."""

    query: str = ""
    channels: Sequence[str] = ()
    tags: Sequence[str] = ()
    any_tags: Sequence[str] = ()
    not_tags: Sequence[str] = ()
    statuses: Sequence[str] = ()
    since: str = ""
    until: str = ""

    def filter(self, limit: int | None = None) -> PostFilter:
        """Return it as a filter, of this moment. Raises InputError for what cannot be read."""
        return read_filter(**asdict(self), limit=limit)

    @property
    def title(self) -> str:
        """The channels, tags and words that are looked for, on one line."""
        return " · ".join(filter(None, (*self.channels, *self.tags, *self.any_tags, self.query)))

    @property
    def mark(self) -> bytes:
        """A few bytes that differ for what is different; the order of names is not."""
        parts = [
            " ".join(value.split()) if isinstance(value, str) else sorted(set(value))
            for value in asdict(self).values()
        ]
        return _mark(parts)


@dataclass(frozen=True, slots=True)
class PostPage:
    """Posts, newest first, and the cursors of the pages beside it; None: there is no such page."""

    posts: tuple[FoundPost, ...]
    older: str | None
    newer: str | None


def read_page(
    store: Store, wanted: Wanted, limit: int, *, after: str = "", before: str = ""
) -> PostPage:
    """Return the page after (older than) or before (newer than) a cursor; else the newest.

    Raises InputError for a cursor that is none, or belongs to something else that was looked for.
    """
    asked = wanted.filter()
    if before:
        posts, has_newer = store.records.page(asked, limit, before=read_cursor(before, wanted))
        if has_newer:
            return PostPage(posts, cursor_of(posts[-1], wanted), cursor_of(posts[0], wanted))
        after = ""  # so few are newer: they and the next ones are the first page
    key = read_cursor(after, wanted) if after else None
    posts, has_older = store.records.page(asked, limit, after=key)
    return PostPage(
        posts,
        cursor_of(posts[-1], wanted) if has_older else None,
        cursor_of(posts[0], wanted) if after and posts else None,
    )


# ---- pages of other things


def cut(
    items: Sequence[Item], key: Callable[[Item], Key], limit: int, after: str, *, of: str = ""
) -> tuple[Sequence[Item], str | None]:
    """Return the items after a cursor, and the cursor of the next ones; None: there are none.

    `key` is what they are sorted by, rising: the cursor holds the last one's. `of` says what was
    looked for: the cursor of something else is refused.
    """
    begin = 0
    if after:
        last = read_key(after, of)
        try:
            begin = bisect.bisect_right(items, last, key=key)
        except TypeError:  # a cursor of another list
            raise InputError("cursor_wrong", cursor=after[:40]) from None
    part = items[begin : begin + limit]
    has_more = len(items) > begin + limit
    return part, write_key(key(part[-1]), of) if has_more else None


def cut_numbered(
    read: Callable[[int, int], Sequence[Item]],
    number: Callable[[Item], int],
    limit: int,
    after: str,
) -> tuple[Sequence[Item], str | None]:
    """Return items from the latest on, or those after a cursor, and the next cursor.

    `read` returns so many of those before a number.
    """
    found = read(limit + 1, _read_number(after) if after else LARGEST)
    part = found[:limit]
    return part, str(number(part[-1])) if len(found) > limit else None


def _read_number(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise InputError("cursor_wrong", cursor=text[:40])
    return int(text)


def write_key(key: Key, of: str = "") -> str:
    """Return the cursor of an item with this key, in a list of what was looked for."""
    whole = (*key, _mark([of]).hex()) if of else key
    return base64.urlsafe_b64encode(json.dumps(whole).encode()).decode().rstrip("=")


def read_key(text: str, of: str = "") -> Key:
    """Return the key in a cursor. Raises InputError for one that belongs to something else."""
    key = _read_key(text)
    if not of:
        return key
    if not key or key[-1] != _mark([of]).hex():
        raise InputError("cursor_of_another_search")
    return key[:-1]


def _mark(parts: Sequence[Any]) -> bytes:
    return blake2b(json.dumps(parts).encode(), digest_size=_MARK).digest()


def _read_key(text: str) -> Key:
    try:
        found = json.loads(_decoded(text))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise InputError("cursor_wrong", cursor=text[:40])
    return tuple(found)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)


# ---- cursors of posts


def cursor_of(found: FoundPost, wanted: Wanted) -> str:
    """Return the cursor of a post: a page after it begins with the next older one."""
    data = found.key.to_bytes(_KEY, "big") + wanted.mark
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def read_cursor(text: str, wanted: Wanted) -> int:
    """Return the key in a cursor. Raises InputError."""
    try:
        data = _decoded(text)
    except ValueError:
        data = b""
    if len(data) != _KEY + _MARK or data[0] > 0x7F:
        raise InputError("cursor_wrong", cursor=text[:40])
    if data[_KEY:] != wanted.mark:
        raise InputError("cursor_of_another_search")
    return int.from_bytes(data[:_KEY], "big")
