"""Update the stored grouping of messages into albums by how they come in now.

An export does not tell albums, so its grouping is a guess. A better source's grouping replaces it,
and the newer one of an equal source replaces the older. A stored post keeps its id, and the tags
that people gave or removed, however its members change. Knows nothing of the posts' content.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tgtagger.decide import SOURCE_RANK
from tgtagger.store import decisions
from tgtagger.store.sqlite import fulltext
from tgtagger.store.values import RowCheck

Ids = tuple[int, ...]

_SOURCE = RowCheck("posts.source")
_TEXTS = RowCheck("posts.text", "posts.media_text")


@dataclass(slots=True)
class Grouping:
    """Which stored post each incoming post belongs to, by the incoming post's first message id."""

    owner: dict[int, int] = field(default_factory=dict)  # → inner id of the stored one; else new
    ignored: set[int] = field(default_factory=set)  # posts that a poorer source grouped otherwise


def regroup(
    db: sqlite3.Connection,
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
            db.execute("DELETE FROM album_members WHERE post_id = ?", (keep,))
            if len(ids) > 1:
                add_members(db, channel_id, ids, keep)
            owner_of |= dict.fromkeys(ids, keep)
        grouping.owner[ids[0]] = keep
    return grouping


def _members(db: sqlite3.Connection, channel_id: int, numbers: list[int]) -> dict[int, int]:
    return dict(
        db.execute(
            "SELECT message_id, post_id FROM album_members WHERE channel_id = ? "
            "AND message_id BETWEEN ? AND ? "
            "AND message_id IN (SELECT value FROM json_each(?))",
            (channel_id, min(numbers), max(numbers), json.dumps(numbers)),
        )
    )


def _group(db: sqlite3.Connection, post_id: int) -> Ids:
    """Return the message ids that a stored post is made of."""
    found = db.execute(
        "SELECT message_id FROM album_members WHERE post_id = ? ORDER BY message_id", (post_id,)
    ).fetchall() or db.execute("SELECT message_id FROM posts WHERE id = ?", (post_id,))
    return tuple(number for (number,) in found)


def members_of(db: sqlite3.Connection, post_id: int) -> set[int]:
    """Return an album's message ids; an empty set for a post of a single message."""
    found = db.execute("SELECT message_id FROM album_members WHERE post_id = ?", (post_id,))
    return {number for (number,) in found}


def _rank(db: sqlite3.Connection, post_id: int) -> int:
    found = db.execute("SELECT source FROM posts WHERE id = ?", (post_id,)).fetchone()
    return SOURCE_RANK[_SOURCE(found)[0]]


def add_members(db: sqlite3.Connection, channel_id: int, ids: Ids, post_id: int) -> None:
    """Store the message ids of an album; a single message has no such rows."""
    db.executemany(
        "INSERT INTO album_members (channel_id, message_id, post_id) VALUES (?, ?, ?)",
        [(channel_id, number, post_id) for number in ids],
    )


def fold(db: sqlite3.Connection, other: int, keep: int) -> None:
    """Merge the post `other` into `keep`: people's decisions and attempts move, the rest goes."""
    decisions.move(db, other, keep)
    db.execute("UPDATE attempts SET post_id = ? WHERE post_id = ?", (keep, other))
    texts = db.execute("SELECT text, media_text FROM posts WHERE id = ?", (other,)).fetchone()
    fulltext.delete(db, other, _TEXTS(texts))
    db.execute("DELETE FROM raw_forms WHERE post_id = ?", (other,))
    db.execute("DELETE FROM posts WHERE id = ?", (other,))
