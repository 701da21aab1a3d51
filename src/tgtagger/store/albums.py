"""Update the stored grouping of messages into albums by how they come in now.

An export does not tell albums, so its grouping is a guess. A better source's grouping replaces it,
and the newer one of an equal source replaces the older. A stored post keeps its id, and the tags
that people gave or removed, however its members change. Knows nothing of the posts' content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from tgtagger.decide import SOURCE_RANK
from tgtagger.store import decisions
from tgtagger.store.rooms import room_of
from tgtagger.store.statements import Statement
from tgtagger.store.values import RowCheck

Ids = tuple[int, ...]

_SOURCE = RowCheck("posts.source")
_TEXTS = RowCheck("posts.text", "posts.media_text")


_MEMBERS = Statement(
    "SELECT message_id, post_id FROM album_members WHERE channel_id = :channel "
    "AND message_id BETWEEN :low AND :high AND message_id IN listed(:ids)"
)
_MEMBERS_OF = Statement(
    "SELECT message_id FROM album_members WHERE post_id = :post ORDER BY message_id"
)
_NUMBER_OF = Statement("SELECT message_id FROM posts WHERE id = :post")
_SOURCE_OF = Statement("SELECT source FROM posts WHERE id = :post")
_TEXTS_OF = Statement("SELECT text, media_text FROM posts WHERE id = :post")
_ADD = Statement(
    "INSERT INTO album_members (channel_id, message_id, post_id) VALUES (:channel, :message, :post)"
)
_DISSOLVE = Statement("DELETE FROM album_members WHERE post_id = :post")
_MOVE_ATTEMPTS = Statement("UPDATE attempts SET post_id = :keep WHERE post_id = :other")
_DELETE_RAW = Statement("DELETE FROM raw_forms WHERE post_id = :post")
_DELETE = Statement("DELETE FROM posts WHERE id = :post")


@dataclass(slots=True)
class Grouping:
    """Which stored post each incoming post belongs to, by the incoming post's first message id."""

    owner: dict[int, int] = field(default_factory=dict)  # → inner id of the stored one; else new
    ignored: set[int] = field(default_factory=set)  # posts that a poorer source grouped otherwise


def regroup(
    db: Connection,
    channel_id: int,
    incoming: Sequence[tuple[Ids, str]],
    stored: Mapping[int, int],
) -> Grouping | None:
    """Update the stored grouping; return which stored post each incoming post belongs to.

    `incoming` are (message ids, source), rising; `stored` maps the message ids of stored posts to
    their inner ids. Returns None if there is no album: every post is a single message.
    """
    members = _members(db, channel_id, [number for ids, _ in incoming for number in ids])
    if not members and not any(len(ids) > 1 for ids, _ in incoming):
        return None
    owner_of: dict[int, int] = dict(stored) | members
    grouping = Grouping()
    for ids, source in incoming:
        owners = list(dict.fromkeys(owner_of[number] for number in ids if number in owner_of))
        if not owners:
            continue
        keep = stored.get(ids[0], owners[0])
        known = _group(db, keep)
        if SOURCE_RANK[source] < max(_rank(db, owner) for owner in owners) and known != ids:
            grouping.ignored.add(ids[0])
            continue
        if known != ids:
            for other in owners:
                if other != keep:
                    fold(db, other, keep)
            for number in known:
                owner_of.pop(number, None)
            _DISSOLVE(db, post=keep)
            if len(ids) > 1:
                add_members(db, channel_id, ids, keep)
            owner_of |= dict.fromkeys(ids, keep)
        grouping.owner[ids[0]] = keep
    return grouping


def _members(db: Connection, channel_id: int, numbers: list[int]) -> dict[int, int]:
    ids, low, high = json.dumps(numbers), min(numbers), max(numbers)
    return dict(_MEMBERS(db, channel=channel_id, low=low, high=high, ids=ids))


def _group(db: Connection, post_id: int) -> Ids:
    """Return the message ids that a stored post is made of."""
    found = _MEMBERS_OF(db, post=post_id).fetchall() or _NUMBER_OF(db, post=post_id)
    return tuple(number for (number,) in found)


def members_of(db: Connection, post_id: int) -> set[int]:
    """Return an album's message ids; an empty set for a post of a single message."""
    return {number for (number,) in _MEMBERS_OF(db, post=post_id)}


def _rank(db: Connection, post_id: int) -> int:
    return SOURCE_RANK[_SOURCE(_SOURCE_OF(db, post=post_id).fetchone())[0]]


def add_members(db: Connection, channel_id: int, ids: Ids, post_id: int) -> None:
    """Store the message ids of an album; a single message has no such rows."""
    _ADD.many(db, [(channel_id, number, post_id) for number in ids])


def fold(db: Connection, other: int, keep: int) -> None:
    """Merge the post `other` into `keep`: people's decisions and attempts move, the rest goes."""
    decisions.move(db, other, keep)
    _MOVE_ATTEMPTS(db, keep=keep, other=other)
    texts = _TEXTS(_TEXTS_OF(db, post=other).fetchone())
    room_of(db).fulltext.delete(db, other, texts)
    _DELETE_RAW(db, post=other)
    _DELETE(db, post=other)
