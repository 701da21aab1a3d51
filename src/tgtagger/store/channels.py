"""Which channels a person follows: added before they are read, paused, left, removed with all.

Called inside one transaction each. Knows no network: whether a name exists is found out by reading.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from tgtagger.errors import InputError
from tgtagger.model.archive import ChannelRemoved
from tgtagger.model.refs import read_channel, spelling
from tgtagger.store import search
from tgtagger.store.lookup import channel_id, channel_of, followed_as


def follow(db: sqlite3.Connection, sources: Sequence[str], now: str) -> tuple[str, ...]:
    """Let channels be read by runs that name none; return those that were not to be read before.

    One that is not here yet is remembered as a source; one that was paused or left is taken up
    again.
    """
    new = []
    for ref in map(read_channel, sources):
        known = channel_of(db, ref)
        if known is not None:
            if _take_up(db, known):
                new.append(spelling(ref))
        elif followed_as(db, ref) is None:
            db.execute("INSERT INTO followed_sources VALUES (?, ?)", (spelling(ref), now))
            new.append(spelling(ref))
    return tuple(new)


def followed(db: sqlite3.Connection) -> tuple[str, ...]:
    """Return the sources that were added and have not been read yet, in that order."""
    rows = db.execute("SELECT source FROM followed_sources ORDER BY added_at, source")
    return tuple(source for (source,) in rows)


def names(db: sqlite3.Connection) -> tuple[tuple[str, str], ...]:
    rows = db.execute(
        "SELECT coalesce('@' || username, CAST(id AS TEXT)), title FROM channels "
        "UNION ALL SELECT source, 'added, not read yet' FROM followed_sources"
    )
    return tuple((name, title) for name, title in rows)


def unfollow(db: sqlite3.Connection, name: str) -> str | None:
    """Forget a source that was added, however it is named; return it as it was kept."""
    try:
        ref = read_channel(name)
    except InputError:  # a title, perhaps
        return None
    source = followed_as(db, ref)
    while (other := followed_as(db, ref)) is not None:  # older versions kept every spelling
        db.execute("DELETE FROM followed_sources WHERE source = ?", (other,))
    return source


def settle(db: sqlite3.Connection, source: str, channel: int) -> None:
    """Note that a source was read, and is this channel: whatever it was added as is done with."""
    unfollow(db, source)
    for other in followed(db):
        if channel_of(db, read_channel(other)) == channel:
            unfollow(db, other)
    come_back(db, channel)


def come_back(db: sqlite3.Connection, channel: int) -> bool:
    """Follow a channel again that was left; tell whether it was."""
    return db.execute("DELETE FROM left_channels WHERE channel_id = ?", (channel,)).rowcount > 0


def pause(db: sqlite3.Connection, name: str, now: str) -> str:
    """Leave a channel out of runs that name none; return its title."""
    channel = channel_id(db, name)
    db.execute("UPDATE channels SET paused_at = ? WHERE id = ?", (now, channel))
    return _title(db, channel)


def resume(db: sqlite3.Connection, name: str) -> str:
    """Take a channel up again that was paused or left; return its title."""
    channel = channel_id(db, name)
    _take_up(db, channel)
    return _title(db, channel)


def _take_up(db: sqlite3.Connection, channel: int) -> bool:
    done = db.execute(
        "UPDATE channels SET paused_at = NULL WHERE id = ? AND paused_at IS NOT NULL", (channel,)
    )
    return come_back(db, channel) or done.rowcount > 0


def remove(db: sqlite3.Connection, name: str, now: str, *, with_posts: bool) -> ChannelRemoved:
    """Follow a channel no longer; with its posts, forget all that is known of it.

    Without them its posts stay to be searched, and it is read again only when it is named.
    """
    channel = channel_id(db, name)
    title = _title(db, channel)
    posts = _posts_of(db, channel)
    if posts and not with_posts:
        db.execute("INSERT OR REPLACE INTO left_channels VALUES (?, ?)", (channel, now))
        return ChannelRemoved(title, 0, posts)
    search.unindex_channel(db, channel)
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
    return _posts_of(db, channel_id(db, name))


def _posts_of(db: sqlite3.Connection, channel: int) -> int:
    query = "SELECT count(*) FROM posts WHERE channel_id = ?"
    (posts,) = db.execute(query, (channel,)).fetchone()
    return int(posts)


def _title(db: sqlite3.Connection, channel: int) -> str:
    (title,) = db.execute("SELECT title FROM channels WHERE id = ?", (channel,)).fetchone()
    return str(title)
