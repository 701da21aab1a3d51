"""Join what is stored under the shifted id of a channel with the channel itself.

Telegram Desktop before spring 2021 wrote ids too high, and an earlier version stored them. What
came under the right id counts as read after it, and `decide` says what that changes. Does not know
how a shift is told: its caller does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tgtagger import decide
from tgtagger.model.posts import Channel, IdRange
from tgtagger.store import albums, channels, read_exports, tag_queue
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part
from tgtagger.store.post_rows import NAMES
from tgtagger.store.rooms import Connection, room_of
from tgtagger.store.statements import Statement

_DATA = RowCheck("raw_forms.data")
_STORED_SOURCE = RowCheck("posts.source")
_KEPT = ("title", "kind", "added_at", "parsed_at", "since", "paused_at", "keep_days")
_STORED = (*NAMES, "id", "message_id", "status", "deleted")

Row = dict[str, Any]


_SUSPECTS = Statement(
    "SELECT id, title, username, kind, username IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM unread_ranges WHERE channel_id = c.id) "
    "AND NOT EXISTS (SELECT 1 FROM readings WHERE channel_id = c.id "
    "AND top_id IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM posts "
    "WHERE channel_id = c.id AND source <> 'desktop') "
    "FROM channels AS c WHERE abs(id) BETWEEN :low AND :high ORDER BY id"
)
_RECORDS = Statement(
    "SELECT r.data FROM posts AS p JOIN raw_forms AS r ON r.post_id = p.id "
    "WHERE p.channel_id = :channel AND r.source = 'desktop' UNION ALL "
    "SELECT data FROM service_messages "
    "WHERE channel_id = :channel AND source = 'desktop' AND data IS NOT NULL"
)
_COUNT = Statement("SELECT count(*) FROM posts WHERE channel_id = :channel")
_MOVE = [
    Statement(f"UPDATE {table} SET channel_id = :own WHERE channel_id = :shifted")
    for table in ("posts", "album_members")
]
# What is known under both ids stays behind, and goes with the channel.
_MOVE_NEW = [
    Statement(
        f"UPDATE {table} SET channel_id = :own WHERE channel_id = :shifted AND message_id NOT IN "
        f"(SELECT message_id FROM {table} WHERE channel_id = :own)"
    )
    for table in ("rejected_posts", "service_messages")
]
_NO_LONGER_REJECTED = Statement(
    "DELETE FROM rejected_posts WHERE channel_id = :channel AND message_id IN "
    "(SELECT CAST(message_id AS TEXT) FROM posts WHERE channel_id = :channel UNION ALL "
    "SELECT CAST(message_id AS TEXT) FROM album_members WHERE channel_id = :channel)"
)
_DELETE_CHANNEL = Statement("DELETE FROM channels WHERE id = :channel")
_MAKE_CHANNEL = Statement(
    f"INSERT INTO channels (id, {', '.join(_KEPT)}) SELECT :own, {', '.join(_KEPT)} "
    "FROM channels WHERE id = :shifted ON CONFLICT (id) DO NOTHING"
)
_MOVE_LEFT = Statement("UPDATE left_channels SET channel_id = :own WHERE channel_id = :shifted")
_FIRST = Statement("SELECT message_id FROM posts WHERE id = :post")
_MESSAGES = (
    "(SELECT message_id, id AS post_id FROM posts WHERE channel_id = {0} UNION "
    "SELECT message_id, post_id FROM album_members WHERE channel_id = {0})"
)
_SHARED = Statement(
    f"SELECT a.post_id, a.message_id, b.post_id FROM {_MESSAGES.format(':shifted')} AS a "
    f"JOIN {_MESSAGES.format(':own')} AS b ON b.message_id = a.message_id"
)
_LEAVE_MEMBERS = Statement(
    "DELETE FROM album_members WHERE post_id = :post AND message_id NOT IN listed(:left)"
)
_LEAVE = Statement("UPDATE posts SET message_id = :first, size = :size WHERE id = :post")
_DROP_RAW = Statement(
    "DELETE FROM raw_forms WHERE post_id = :keep "
    "AND source IN (SELECT source FROM raw_forms WHERE post_id = :other)"
)
_MOVE_RAW = Statement(
    "UPDATE raw_forms SET post_id = :keep WHERE post_id = :other "
    "AND source NOT IN (SELECT source FROM raw_forms WHERE post_id = :keep)"
)
_JOINED = (*NAMES, "deleted")
_UPDATE = Statement(
    f"UPDATE posts SET {', '.join(f'{name} = :{name}' for name in _JOINED)} WHERE id = :id"
)
_ROW = Statement(f"SELECT {', '.join(_STORED)} FROM posts WHERE id = :post")
_IS_TAGGED = Statement(
    f"SELECT 1 FROM post_tags WHERE post_id = :post AND source <> '{decide.HUMAN}'"
)


class ShiftedIds(Part):
    """Finds channels whose ids may be shifted, and joins two of them."""

    def suspects(self, ids: IdRange) -> tuple[tuple[Channel, bool], ...]:
        """Return the channels, and basic groups, with an id in the range.

        Tells of each whether it is known by exports alone: no other source has read it.
        """
        with self._database.read() as db:
            rows = _SUSPECTS(db, low=ids.low, high=ids.high).fetchall()
            return tuple((channels.as_channel(row[:4]), bool(row[4])) for row in rows)

    def records(self, channel: int) -> Iterator[bytes]:
        """Yield the raw records of a channel's exports, those of service messages, too."""
        with self._database.read() as db:
            yield from (data for (data,) in map(_DATA, _RECORDS(db, channel=channel)))

    def join(self, shifted: int, own: int) -> int:
        """Move all that is stored of a channel to its own id, in one transaction; count the posts.

        A post that is stored under both ids becomes one. Read progress stays behind: what is to be
        read under the right id is known there alone. An id that is not stored has no posts.
        """
        with self._database.write() as db:
            (posts,) = _COUNT(db, channel=shifted).fetchone()
            _make_channel(db, shifted, own)
            _join_posts(db, shifted, own)
            read_exports.forget(db, own)
            for statement in (*_MOVE, *_MOVE_NEW):
                statement(db, own=own, shifted=shifted)
            _NO_LONGER_REJECTED(db, channel=own)
            _DELETE_CHANNEL(db, channel=shifted)  # and what refers to it
            return int(posts)


def _make_channel(db: Connection, shifted: int, own: int) -> None:
    """Store the channel under its own id if it is not; then it is followed as the other was."""
    if _MAKE_CHANNEL(db, own=own, shifted=shifted).rowcount:
        _MOVE_LEFT(db, own=own, shifted=shifted)
        if channels.forget_added(db, own):
            channels.take_up(db, own)


def _join_posts(db: Connection, shifted: int, own: int) -> None:
    """Make one of each two posts of the same messages; their messages stay with the right id's."""
    for post, shared in _shared(db, shifted, own).items():
        first, ids = _first(db, post), _members(db, post)
        owner = shared.get(first) or min(shared.items())[1]
        left = (ids or {first}) - shared.keys()
        if left:
            _leave(db, post, left)
        elif (first, ids) == (_first(db, owner), _members(db, owner)):
            _unite(db, post, owner)
        else:
            albums.fold(db, post, owner)


def _members(db: Connection, post: int) -> set[int]:
    return {*albums.members(db, [post]).get(post, ())}


def _first(db: Connection, post: int) -> int:
    return int(_FIRST(db, post=post).fetchone()[0])


def _shared(db: Connection, shifted: int, own: int) -> dict[int, dict[int, int]]:
    """Return, of each post that shares messages with stored ones, which message is in which."""
    found: dict[int, dict[int, int]] = {}
    for post, number, owner in _SHARED(db, shifted=shifted, own=own):
        found.setdefault(post, {})[number] = owner
    return found


def _leave(db: Connection, post: int, left: set[int]) -> None:
    """Leave an album those of its messages that no other post has."""
    ids = json.dumps(sorted(left) if len(left) > 1 else [])
    _LEAVE_MEMBERS(db, post=post, left=ids)
    _LEAVE(db, first=min(left), size=len(left), post=post)


def _unite(db: Connection, post: int, owner: int) -> None:
    """Make one of two posts of the same messages, as if `owner` had been read into `post`.

    The row that stays is the one whose tags are of the text that counts.
    """
    old, new = _row(db, post), _row(db, owner)
    changes = decide.merge_post(old, new, seen=False)
    joined = {name: changes.get(name, old[name]) for name in NAMES} | {"deleted": new["deleted"]}
    keep, other = (old, new) if _done(db, old, joined) > _done(db, new, joined) else (new, old)
    told_by = new if all(joined[name] == new[name] for name in decide.CONTENT) else old
    if told_by is other:
        _DROP_RAW(db, keep=keep["id"], other=other["id"])
    _MOVE_RAW(db, keep=keep["id"], other=other["id"])
    albums.fold(db, other["id"], keep["id"])
    before, after = (_texts(each) for each in (keep, joined))
    if before != after:
        room_of(db).fulltext.replace(db, [(keep["id"], *after)])
    _UPDATE(db, **joined, id=keep["id"])
    tag_queue.refresh(db, [keep["id"]])


def _texts(row: Row) -> tuple[str, str | None]:
    return row["text"], row["media_text"]


def _row(db: Connection, post: int) -> Row:
    row = dict(zip(_STORED, _ROW(db, post=post).fetchone(), strict=True))
    _STORED_SOURCE((row["source"],))
    return row


def _done(db: Connection, row: Row, joined: Row) -> int:
    """Return how much a post's tagging says of the joined text; below 0: it is of another."""
    if row["text_hash"] != joined["text_hash"]:
        return -1
    has_tags = _IS_TAGGED(db, post=row["id"]).fetchone()
    return 3 if row["status"] == "tagged" else 2 if has_tags else int(row["status"] == "skipped")
