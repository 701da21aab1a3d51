"""Join what is stored under the shifted id of a channel with the channel itself.

Telegram Desktop before spring 2021 wrote ids too high, and an earlier version stored them. What
came under the right id counts as read after it, and `decide` says what that changes. Does not know
how a shift is told: its caller does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy.engine import Connection

from tgtagger import decide
from tgtagger.model.posts import Channel, IdRange
from tgtagger.store import albums, channels
from tgtagger.store.database import Part
from tgtagger.store.post_rows import NAMES
from tgtagger.store.rooms import room_of
from tgtagger.store.values import RowCheck

_DATA = RowCheck("raw_forms.data")
_STORED_SOURCE = RowCheck("posts.source")
_KEPT = ("title", "kind", "added_at", "parsed_at", "since", "paused_at")
_STORED = (*NAMES, "id", "message_id", "status", "deleted")

Row = dict[str, Any]


class ShiftedIds(Part):
    """Finds channels whose ids may be shifted, and joins two of them."""

    def suspects(self, ids: IdRange) -> tuple[tuple[Channel, bool], ...]:
        """Return the channels, and basic groups, with an id in the range.

        Tells of each whether it is known by exports alone: no other source has read it.
        """
        with self._database.read() as db:
            rows = db.execute(
                "SELECT id, title, username, kind, username IS NULL "
                "AND NOT EXISTS (SELECT 1 FROM unread_ranges WHERE channel_id = c.id) "
                "AND NOT EXISTS (SELECT 1 FROM readings WHERE channel_id = c.id "
                "AND top_id IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM posts "
                "WHERE channel_id = c.id AND source <> 'desktop') "
                "FROM channels AS c WHERE abs(id) BETWEEN ? AND ?",
                (ids.low, ids.high),
            ).fetchall()
            return tuple((channels.as_channel(row[:4]), bool(row[4])) for row in rows)

    def records(self, channel: int) -> Iterator[bytes]:
        """Yield the raw records of a channel's exports, those of service messages, too."""
        with self._database.read() as db:
            yield from (
                data
                for (data,) in map(
                    _DATA,
                    db.execute(
                        "SELECT r.data FROM posts AS p JOIN raw_forms AS r ON r.post_id = p.id "
                        "WHERE p.channel_id = ?1 AND r.source = 'desktop' UNION ALL "
                        "SELECT data FROM service_messages "
                        "WHERE channel_id = ?1 AND source = 'desktop' AND data IS NOT NULL",
                        (channel,),
                    ),
                )
            )

    def join(self, shifted: int, own: int) -> int:
        """Move all that is stored of a channel to its own id, in one transaction; count the posts.

        A post that is stored under both ids becomes one. Read progress stays behind: what is to be
        read under the right id is known there alone. An id that is not stored has no posts.
        """
        with self._database.write() as db:
            (posts,) = db.execute(
                "SELECT count(*) FROM posts WHERE channel_id = ?", (shifted,)
            ).fetchone()
            _make_channel(db, shifted, own)
            _join_posts(db, shifted, own)
            for table in ("posts", "album_members"):
                query = f"UPDATE {table} SET channel_id = ? WHERE channel_id = ?"
                db.execute(query, (own, shifted))
            for table in ("rejected_posts", "service_messages"):
                query = f"UPDATE OR IGNORE {table} SET channel_id = ? WHERE channel_id = ?"
                db.execute(query, (own, shifted))
            db.execute(
                "DELETE FROM rejected_posts WHERE channel_id = ?1 AND message_id IN "
                "(SELECT CAST(message_id AS TEXT) FROM posts WHERE channel_id = ?1 UNION ALL "
                "SELECT CAST(message_id AS TEXT) FROM album_members WHERE channel_id = ?1)",
                (own,),
            )
            db.execute("DELETE FROM channels WHERE id = ?", (shifted,))  # and what refers to it
            return int(posts)


def _make_channel(db: Connection, shifted: int, own: int) -> None:
    """Store the channel under its own id if it is not; then it is followed as the other was."""
    names = ", ".join(_KEPT)
    made = db.execute(
        f"INSERT INTO channels (id, {names}) SELECT ?, {names} FROM channels WHERE id = ? "
        "ON CONFLICT (id) DO NOTHING",
        (own, shifted),
    )
    if made.rowcount:
        db.execute("UPDATE left_channels SET channel_id = ? WHERE channel_id = ?", (own, shifted))
        if channels.forget_added(db, own):
            channels.take_up(db, own)


def _join_posts(db: Connection, shifted: int, own: int) -> None:
    """Make one of each two posts of the same messages; their messages stay with the right id's."""
    for post, shared in _shared(db, shifted, own).items():
        first, ids = _first(db, post), albums.members_of(db, post)
        owner = shared.get(first) or min(shared.items())[1]
        left = (ids or {first}) - shared.keys()
        if left:
            _leave(db, post, left)
        elif (first, ids) == (_first(db, owner), albums.members_of(db, owner)):
            _unite(db, post, owner)
        else:
            albums.fold(db, post, owner)


def _first(db: Connection, post: int) -> int:
    found = db.execute("SELECT message_id FROM posts WHERE id = ?", (post,)).fetchone()
    return int(found[0])


def _shared(db: Connection, shifted: int, own: int) -> dict[int, dict[int, int]]:
    """Return, of each post that shares messages with stored ones, which message is in which."""
    messages = (
        "(SELECT message_id, id AS post_id FROM posts WHERE channel_id = {0} UNION "
        "SELECT message_id, post_id FROM album_members WHERE channel_id = {0})"
    )
    found: dict[int, dict[int, int]] = {}
    for post, number, owner in db.execute(
        f"SELECT a.post_id, message_id, b.post_id FROM {messages.format('?1')} AS a "
        f"JOIN {messages.format('?2')} AS b USING (message_id)",
        (shifted, own),
    ):
        found.setdefault(post, {})[number] = owner
    return found


def _leave(db: Connection, post: int, left: set[int]) -> None:
    """Leave an album those of its messages that no other post has."""
    db.execute(
        "DELETE FROM album_members WHERE post_id = ? "
        "AND message_id NOT IN (SELECT value FROM json_each(?))",
        (post, json.dumps(sorted(left) if len(left) > 1 else [])),
    )
    db.execute(
        "UPDATE posts SET message_id = ?, size = ? WHERE id = ?", (min(left), len(left), post)
    )


def _unite(db: Connection, post: int, owner: int) -> None:
    """Make one of two posts of the same messages, as if `owner` had been read into `post`.

    The row that stays is the one whose tags are of the text that counts.
    """
    old, new = _row(db, post), _row(db, owner)
    changes = decide.merge_post(old, new, seen=False)
    joined = {name: changes.get(name, old[name]) for name in NAMES} | {"deleted": new["deleted"]}
    keep, other = (old, new) if _done(db, old, joined) > _done(db, new, joined) else (new, old)
    told_by = new if all(joined[name] == new[name] for name in decide.CONTENT) else old
    db.execute(
        f"UPDATE OR {'REPLACE' if told_by is other else 'IGNORE'} raw_forms SET post_id = ? "
        "WHERE post_id = ?",
        (keep["id"], other["id"]),
    )
    albums.fold(db, other["id"], keep["id"])
    before, after = (_texts(each) for each in (keep, joined))
    if before != after:
        room_of(db).fulltext.replace(db, keep["id"], before, after)
    db.execute(
        f"UPDATE posts SET {', '.join(f'{name} = ?' for name in joined)} WHERE id = ?",
        (*joined.values(), keep["id"]),
    )


def _texts(row: Row) -> tuple[str, str | None]:
    return row["text"], row["media_text"]


def _row(db: Connection, post: int) -> Row:
    found = db.execute(f"SELECT {', '.join(_STORED)} FROM posts WHERE id = ?", (post,)).fetchone()
    row = dict(zip(_STORED, found, strict=True))
    _STORED_SOURCE((row["source"],))
    return row


def _done(db: Connection, row: Row, joined: Row) -> int:
    """Return how much a post's tagging says of the joined text; below 0: it is of another."""
    if row["text_hash"] != joined["text_hash"]:
        return -1
    has_tags = db.execute(
        "SELECT 1 FROM post_tags WHERE post_id = ? AND source <> ?", (row["id"], decide.HUMAN)
    ).fetchone()
    return 3 if row["status"] == "tagged" else 2 if has_tags else int(row["status"] == "skipped")
