"""Join the saved rows of a damaged database that belong together, within the new database.

The indexes of the old file help: the tables known_posts, known_tags and known_links list the posts,
tags and links that it had. For a lost channel a substitute is made, for a lost tag one that has its
key as name; any other row without its owner is deleted. A channel that lost posts, or has marked
ones, will be read again. Knows nothing of pages.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tgtagger.decide import UNTAGGED
from tgtagger.model.posts import Channel, PostData, StoredRawRecord
from tgtagger.store.post_rows import MESSAGE_BITS, NAMES, row
from tgtagger.store.rescue.mend import DAMAGED

Convert = Callable[[StoredRawRecord], PostData | None]
"""Makes a post from its raw record; None if that cannot be read."""

_OFF = f"(({{0}}.id - {{0}}.message_id) & {(1 << MESSAGE_BITS) - 1})"
"""SQL: how far a post's id is above its key: 0, or a few if the key was taken."""
_MOST_OFF = 4096


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is uncertain: whether all posts are known, and which tables may have lost rows."""

    knows_posts: bool
    torn: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rejoined:
    """The result: posts made from raw records, marked posts, channels to be read again."""

    restored: int
    marked: int
    to_read: tuple[str, ...]


def rejoin(
    db: sqlite3.Connection, lost: Counter[str], doubts: Doubts, convert: Convert, now: str
) -> Rejoined:
    """Join the rows. Deleted rows are added to `lost`, by table."""
    _mend_identities(db)
    lost["posts"] += _run(
        db,
        f"DELETE FROM posts WHERE {_OFF.format('posts')} >= {_MOST_OFF} AND NOT EXISTS (SELECT 1 "
        "FROM known_posts AS k WHERE (k.id, k.channel_id, k.message_id) = "
        "(posts.id, posts.channel_id, posts.message_id))",
    )
    hurt = _missing_posts(db)
    restored = _restore(db, convert, now)
    _replace_owners(db, lost, now)
    _drop_orphans(db, lost, doubts)
    _settle_statuses(db, doubts)
    (marked,) = db.execute("SELECT count(*) FROM posts WHERE problem = ?", (DAMAGED,)).fetchone()
    return Rejoined(restored, marked, _forget_progress(db, hurt, doubts))


# ---- identities


def _mend_identities(db: sqlite3.Connection) -> None:
    """Correct the part of a post's identity that contradicts the others.

    A post's id holds its time and the end of its message's id; the index of posts holds all three
    numbers.
    """
    nearer = f"{_OFF.format('k')} < {_OFF.format('posts')}"
    db.execute(
        "UPDATE OR IGNORE posts SET message_id = k.message_id FROM known_posts AS k "
        f"WHERE k.id = posts.id AND {nearer}"
    )
    db.execute(
        "UPDATE OR IGNORE posts SET channel_id = k.channel_id FROM known_posts AS k "
        "WHERE k.id = posts.id AND k.message_id = posts.message_id "
        "AND posts.channel_id NOT IN (SELECT id FROM channels)"
    )
    time = f"CAST({{}}.id >> {MESSAGE_BITS} AS TEXT)"
    db.execute(
        "UPDATE OR IGNORE posts SET id = k.id FROM known_posts AS k "
        "WHERE (k.channel_id, k.message_id) = (posts.channel_id, posts.message_id) "
        f"AND posts.id <> k.id AND strftime('%s', date) = {time.format('k')} "
        f"AND ({nearer} OR strftime('%s', date) <> {time.format('posts')})"
    )


def _missing_posts(db: sqlite3.Connection) -> set[int]:
    """Return the ids of channels that lost posts, by the index of posts."""
    rows = db.execute(
        "SELECT DISTINCT channel_id FROM known_posts WHERE id NOT IN (SELECT id FROM posts)"
    )
    return {channel for (channel,) in rows}


# ---- what can be restored


def _restore(db: sqlite3.Connection, convert: Convert, now: str) -> int:
    """Make posts from their raw records if the row is lost and the identity is known."""
    rows = db.execute(
        "SELECT r.post_id, r.source, r.data, k.channel_id, k.message_id, c.title, c.username, "
        "c.kind FROM raw_forms AS r JOIN known_posts AS k ON k.id = r.post_id "
        "LEFT JOIN channels AS c ON c.id = k.channel_id "
        "WHERE r.post_id NOT IN (SELECT id FROM posts) ORDER BY r.post_id, r.source DESC"
    )
    insert = (
        f"INSERT OR IGNORE INTO posts (id, channel_id, message_id, {', '.join(NAMES)}, added_at)"
        f" VALUES (?, ?, ?, {', '.join('?' * len(NAMES))}, ?)"
    )
    restored = 0
    for post_id, source, data, channel_id, message_id, title, username, kind in rows.fetchall():
        channel = Channel(channel_id, title or "", username, kind or "channel")
        try:
            post = convert(StoredRawRecord(channel, source, data))
            if post is None or post.ids[0] != message_id:
                continue
            values = row(post, source)
            made = _run(db, insert, (post_id, channel_id, message_id, *values, now))
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, sqlite3.Error):
            continue  # the raw record is damaged as well
        restored += made
        if made and len(post.ids) > 1:
            db.executemany(
                "INSERT OR IGNORE INTO album_members (channel_id, message_id, post_id) "
                "VALUES (?, ?, ?)",
                [(channel_id, number, post_id) for number in post.ids],
            )
    db.execute(
        "UPDATE posts SET status = 'tagged', tagged_at = added_at WHERE added_at = ? "
        "AND status = 'pending' AND id IN "
        "(SELECT post_id FROM post_tags WHERE source NOT IN ('human', 'agent'))",
        (now,),
    )
    return restored


def _replace_owners(db: sqlite3.Connection, lost: Counter[str], now: str) -> None:
    """Insert a substitute for each lost channel or tag that rows refer to."""
    made = _run(
        db,
        "INSERT INTO channels (id, title, kind, added_at) SELECT DISTINCT channel_id, "
        "'channel ' || abs(channel_id), iif(channel_id < 0, 'group', 'channel'), ? "
        "FROM posts WHERE channel_id NOT IN (SELECT id FROM channels)",
        (now,),
    )
    lost["channels"] = max(lost["channels"], made)
    _run(
        db,
        "INSERT OR IGNORE INTO tags (id, name, key, added_at) SELECT id, key, key, ? "
        "FROM known_tags WHERE id NOT IN (SELECT id FROM tags) AND "
        "(id IN (SELECT tag_id FROM post_tags) OR id IN (SELECT tag_id FROM removed_tags))",
        (now,),
    )


# ---- what is deleted, and what follows


def _drop_orphans(db: sqlite3.Connection, lost: Counter[str], doubts: Doubts) -> None:
    if "album_members" in doubts.torn:  # entries of an index look alike, and may be among them
        _run(
            db,
            "DELETE FROM album_members WHERE NOT EXISTS (SELECT 1 FROM posts AS p WHERE "
            "p.id = post_id AND p.channel_id = album_members.channel_id AND p.size > 1)",
        )
    lost["raw_forms"] += _run(
        db, "DELETE FROM raw_forms WHERE post_id NOT IN (SELECT id FROM posts)"
    )
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for _, _, owner, column, key, _, on_delete, _ in db.execute(
            f"PRAGMA foreign_key_list('{table}')"
        ).fetchall():
            is_gone = f"{column} IS NOT NULL AND {column} NOT IN (SELECT {key} FROM {owner})"
            if on_delete == "SET NULL":
                db.execute(f"UPDATE {table} SET {column} = NULL WHERE {is_gone}")
            else:
                lost[table] += _run(db, f"DELETE FROM {table} WHERE {is_gone}")


def _settle_statuses(db: sqlite3.Connection, doubts: Doubts) -> None:
    """Set posts that lost tags to pending: stored answers are used again, without new costs."""
    lacks = (
        "id IN (SELECT post_id FROM known_links AS k WHERE NOT EXISTS (SELECT 1 FROM post_tags AS l"
        " WHERE l.post_id = k.post_id AND l.tag_id = k.tag_id))"
    )
    if "post_tags" in doubts.torn or "tags" in doubts.torn:
        lacks += " OR id NOT IN (SELECT post_id FROM post_tags)"
    columns = ", ".join(f"{name} = ?" for name in UNTAGGED)
    db.execute(
        f"UPDATE posts SET {columns} WHERE status = 'tagged' AND ({lacks})",
        tuple(UNTAGGED.values()),
    )


def _forget_progress(db: sqlite3.Connection, hurt: set[int], doubts: Doubts) -> tuple[str, ...]:
    """Delete the read progress of channels that may have lost posts; return their names."""
    hurt |= {
        channel
        for (channel,) in db.execute(
            "SELECT channel_id FROM posts AS p WHERE problem = ? OR (size > 1 AND size <> ("
            "SELECT count(*) FROM album_members AS a WHERE a.post_id = p.id))",
            (DAMAGED,),
        )
    }
    unsure = doubts.torn & {"channels", "readings", "unread_ranges", "album_members"}
    if unsure or ("posts" in doubts.torn and not doubts.knows_posts):
        hurt |= {channel for (channel,) in db.execute("SELECT id FROM channels")}
    for table in ("readings", "unread_ranges"):
        db.executemany(f"DELETE FROM {table} WHERE channel_id = ?", [(each,) for each in hurt])
    return tuple(
        name
        for channel, name in db.execute(
            "SELECT id, coalesce('@' || username, title) FROM channels ORDER BY id"
        )
        if channel in hurt
    )


def _run(db: sqlite3.Connection, sql: str, values: tuple[object, ...] = ()) -> int:
    return max(db.execute(sql, values).rowcount, 0)
