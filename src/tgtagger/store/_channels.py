"""Which channels a person follows: added before they are read, paused, left, removed with all.

Called inside one transaction each. Knows no network: whether a name exists is found out by reading.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from tgtagger.store import _search
from tgtagger.store._lookup import channel_id
from tgtagger.views import ChannelRemoved


def follow(db: sqlite3.Connection, sources: Sequence[str], now: str) -> tuple[str, ...]:
    """Remember sources to be read by the next run; return those that are new."""
    new = []
    for source in sources:
        done = db.execute("INSERT OR IGNORE INTO followed_sources VALUES (?, ?)", (source, now))
        if done.rowcount:
            new.append(source)
    return tuple(new)


def followed(db: sqlite3.Connection) -> tuple[str, ...]:
    """Return the sources that were added and have not been read yet, in that order."""
    rows = db.execute("SELECT source FROM followed_sources ORDER BY added_at, source")
    return tuple(source for (source,) in rows)


def unfollow(db: sqlite3.Connection, source: str) -> bool:
    """Forget a source that was added; tell whether it was."""
    return db.execute("DELETE FROM followed_sources WHERE source = ?", (source,)).rowcount > 0


def come_back(db: sqlite3.Connection, channel: int) -> None:
    """Follow a channel again that was left."""
    db.execute("DELETE FROM left_channels WHERE channel_id = ?", (channel,))


def pause(db: sqlite3.Connection, name: str, now: str | None) -> str:
    """Leave a channel out of runs that name none, or (None) no longer; return its title."""
    channel = channel_id(db, name)
    db.execute("UPDATE channels SET paused_at = ? WHERE id = ?", (now, channel))
    if now is None:
        come_back(db, channel)
    return _title(db, channel)


def remove(db: sqlite3.Connection, name: str, now: str, *, with_posts: bool) -> ChannelRemoved:
    """Follow a channel no longer; with its posts, forget all that is known of it.

    Without them its posts stay to be searched, and it is read again only when it is named.
    """
    channel = channel_id(db, name)
    title = _title(db, channel)
    query = "SELECT count(*) FROM posts WHERE channel_id = ?"
    (posts,) = db.execute(query, (channel,)).fetchone()
    if posts and not with_posts:
        db.execute("INSERT OR REPLACE INTO left_channels VALUES (?, ?)", (channel, now))
        return ChannelRemoved(title, 0, posts)
    _search.unindex_channel(db, channel)
    db.execute(
        "DELETE FROM answers WHERE substr(key, instr(key, ':') + 1) IN ("
        "SELECT text_hash FROM posts WHERE channel_id = ?1 "
        "EXCEPT SELECT text_hash FROM posts WHERE channel_id <> ?1)",
        (channel,),
    )
    db.execute(
        "DELETE FROM raw_forms WHERE post_id IN (SELECT id FROM posts WHERE channel_id = ?)",
        (channel,),
    )
    db.execute("DELETE FROM posts WHERE channel_id = ?", (channel,))
    db.execute("DELETE FROM channels WHERE id = ?", (channel,))  # and what refers to it
    return ChannelRemoved(title, posts, 0)


def count_posts(db: sqlite3.Connection, name: str) -> int:
    query = "SELECT count(*) FROM posts WHERE channel_id = ?"
    (posts,) = db.execute(query, (channel_id(db, name),)).fetchone()
    return int(posts)


def _title(db: sqlite3.Connection, channel: int) -> str:
    (title,) = db.execute("SELECT title FROM channels WHERE id = ?", (channel,)).fetchone()
    return str(title)
