"""The channels, and which of them a person follows: added, paused, unfollowed, deleted.

Knows no network: only a later read finds out whether a channel exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tgtagger.errors import InputError
from tgtagger.model.channels import ChannelRemoved
from tgtagger.model.events import OnSteps, unheard
from tgtagger.model.posts import Channel
from tgtagger.model.refs import Numbered, canonical_name, read_channel
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part, one_transaction
from tgtagger.store.deletion import STEP, delete_posts
from tgtagger.store.lookup import channel_id, channel_of, followed_as
from tgtagger.store.post_rows import HASH_LETTERS
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.times import now
from tgtagger.store.values import TEXT

_CHANNEL = RowCheck("channels.id", "channels.title", "channels.username", "channels.kind")
_TITLE = RowCheck("channels.title")
_NAME = RowCheck(TEXT, TEXT)
_SOURCE = RowCheck("followed_sources.source")


_SELECT = "SELECT id, title, username, kind FROM channels WHERE "
_BY_ID = Statement(f"{_SELECT} id = :id")
_BY_NAME = Statement(f"{_SELECT} lower(username) = :name")
_ADD = Statement("INSERT INTO followed_sources (source, added_at) VALUES (:source, :at)")
_ADDED = Statement("SELECT source FROM followed_sources ORDER BY added_at, source")
_FORGET = Statement("DELETE FROM followed_sources WHERE source = :source")
_NAMES = Statement(
    "SELECT coalesce('@' || username, CAST(id AS TEXT)), title FROM channels "
    "UNION ALL SELECT source, 'added, not read yet' FROM followed_sources"
)
_PAUSE = Statement("UPDATE channels SET paused_at = :at WHERE id = :id")
_RESUME = Statement("UPDATE channels SET paused_at = NULL WHERE id = :id AND paused_at IS NOT NULL")
_LEAVE = Statement(
    "INSERT INTO left_channels (channel_id, left_at) VALUES (:id, :at) "
    "ON CONFLICT (channel_id) DO UPDATE SET left_at = excluded.left_at"
)
_IS_LEFT = Statement("SELECT 1 FROM left_channels WHERE channel_id = :id")
_COME_BACK = Statement("DELETE FROM left_channels WHERE channel_id = :id")
_POSTS = Statement("SELECT count(*) FROM posts WHERE channel_id = :id")
_TITLE_OF = Statement("SELECT title FROM channels WHERE id = :id")
# The hash of the text is the end of an answer's key.
_DELETE_ANSWERS = Statement(
    f"DELETE FROM answers WHERE substr(key, length(key) - {HASH_LETTERS - 1}) IN ("
    "SELECT text_hash FROM posts WHERE channel_id = :id "
    "EXCEPT SELECT text_hash FROM posts WHERE channel_id <> :id)"
)
_READ_AGAIN = Statement("DELETE FROM read_exports WHERE channel_id = :id")
_SOME_POSTS = Statement("SELECT id FROM posts WHERE channel_id = :id LIMIT :most")
_DELETE = Statement("DELETE FROM channels WHERE id = :id")
_LOSE_NAME = Statement(
    "UPDATE channels SET username = NULL WHERE lower(username) = lower(:username) AND id <> :id"
)
_KEEP = Statement(
    "INSERT INTO channels (id, title, username, kind, added_at, parsed_at) "
    "VALUES (:id, :title, :username, :kind, :now, :parsed_at) "
    "ON CONFLICT (id) DO UPDATE SET title = excluded.title, kind = excluded.kind, "
    "username = CASE WHEN :knows_name = 1 THEN excluded.username "
    "ELSE coalesce(excluded.username, channels.username) END, "
    "parsed_at = coalesce(excluded.parsed_at, channels.parsed_at)"
)


def as_channel(row: Sequence[Any]) -> Channel:
    """Return the channel of a row: id, title, username, kind."""
    return Channel(*_CHANNEL(row))


class Channels(Part):
    """The stored channels, and which a person follows."""

    def find(self, name: str | int) -> Channel | None:
        """Return a stored channel by its username (without the @, in any case) or its id."""
        with self._database.read() as db:
            rows = _BY_ID(db, id=name) if isinstance(name, int) else _BY_NAME(db, name=name.lower())
            found = rows.fetchone()
            return as_channel(found) if found else None

    def identify(self, names: Sequence[str]) -> tuple[int, ...]:
        """Return the ids of stored channels, by any of their names. Raises InputError."""
        with self._database.read() as db:
            return tuple(channel_id(db, name) for name in names)

    def save(self, channel: Channel) -> None:
        """Store a channel without posts."""
        with self._database.write() as db:
            keep(db, channel, now(), parsed=False)

    def follow(self, sources: Sequence[str]) -> tuple[str, ...]:
        """Follow channels: runs that name no channel read them. Return those that are new to this.

        A channel that is not stored yet is added as a source; a paused or unfollowed one is
        followed again.
        """
        with self._database.write() as db:
            new = []
            for ref in map(read_channel, sources):
                known = channel_of(db, ref)
                if known is not None:
                    if take_up(db, known):
                        new.append(canonical_name(ref))
                elif followed_as(db, ref) is None:
                    _ADD(db, source=canonical_name(ref), at=now())
                    new.append(canonical_name(ref))
            return tuple(new)

    def followed_sources(self) -> tuple[str, ...]:
        """Return the sources that were added and have not been read yet, in the order added."""
        with self._database.read() as db:
            return followed(db)

    def followed_source(self, name: str) -> str:
        """Return, as a source, a channel that a person follows, by any of its names.

        It may be paused. Raises InputError for one that is unknown, or unfollowed.
        """
        with self._database.read() as db:
            added = _added(db, name)
            if added is not None:
                return added
            channel = channel_id(db, name)
            if _IS_LEFT(db, id=channel).fetchone() is not None:
                raise InputError("channel_unfollowed", channel=_title(db, channel))
            return canonical_name(Numbered(channel))

    def names(self) -> tuple[tuple[str, str], ...]:
        """Return (name, title) of each channel, added ones included."""
        with self._database.read() as db:
            return tuple((name, title) for name, title in map(_NAME, _NAMES(db)))

    def forget(self, name: str) -> str | None:
        """Delete a source that was added and not read, by any of its names; return it, or None."""
        with self._database.write() as db:
            return _forget(db, name)

    def settle(self, source: str, channel: int) -> None:
        """Store that a source is this channel, now that it was read; follow it again if need be."""
        with self._database.write() as db:
            _forget(db, source)
            forget_added(db, channel)
            _come_back(db, channel)

    def pause(self, names: Sequence[str]) -> tuple[str, ...]:
        """Leave channels out of runs that name no channel; return their titles."""
        with self._database.write() as db:
            found = [channel_id(db, name) for name in names]
            _PAUSE.many(db, [(now(), each) for each in found])
            return tuple(_title(db, each) for each in found)

    def resume(self, names: Sequence[str]) -> tuple[str, ...]:
        """Follow paused or unfollowed channels again; return their titles."""
        with self._database.write() as db:
            found = [channel_id(db, name) for name in names]
            for channel in found:
                take_up(db, channel)
            return tuple(_title(db, each) for each in found)

    def remove(self, name: str, *, with_posts: bool, on_steps: OnSteps = unheard) -> ChannelRemoved:
        """Unfollow a channel, or, `with_posts`, delete it with everything that belongs to it.

        An unfollowed channel's posts stay, and it is read again only when a run names it. Posts go
        in steps: a removal that is broken off leaves an unfollowed channel with fewer posts.
        """
        with self._database.write() as db:
            channel = channel_id(db, name)
            title = _title(db, channel)
            posts = _posts_of(db, channel)
            if posts:
                _LEAVE(db, id=channel, at=now())
                if not with_posts:
                    return ChannelRemoved(title, 0, posts)
                _READ_AGAIN(db, id=channel)
                _DELETE_ANSWERS(db, id=channel)
        done = 0
        while not self._delete_some(channel):
            done += STEP
            on_steps(done, posts)
        return ChannelRemoved(title, posts, 0)

    @one_transaction
    def _delete_some(self, channel: int) -> bool:
        """Delete some posts of a channel; with the last ones the channel, and tell so."""
        with self._database.write() as db:
            some = [post for (post,) in _SOME_POSTS(db, id=channel, most=STEP)]
            delete_posts(db, some)
            if len(some) == STEP:
                return False
            _DELETE(db, id=channel)  # and what refers to it
            return True

    def count_posts(self, names: Sequence[str]) -> int:
        """Return how many posts of channels are stored; a source that was not read has none.

        Raises InputError for an unknown one, so that nothing is changed before all are known.
        """
        with self._database.read() as db:
            read = [name for name in names if _added(db, name) is None]
            return sum(_posts_of(db, channel_id(db, name)) for name in read)


def followed(db: Connection) -> tuple[str, ...]:
    """Return the sources that were added and have not been read yet, in the order added."""
    return tuple(source for (source,) in map(_SOURCE, _ADDED(db)))


def forget_added(db: Connection, channel: int) -> bool:
    """Delete the sources that were added and turn out to be this channel; tell whether one was."""
    same = [each for each in followed(db) if channel_of(db, read_channel(each)) == channel]
    for source in same:
        _forget(db, source)
    return bool(same)


def _forget(db: Connection, name: str) -> str | None:
    """Delete a source that was added, by any of its names; return it as stored, or None."""
    source = other = _added(db, name)
    while other is not None:  # older versions stored every form
        _FORGET(db, source=other)
        other = _added(db, name)
    return source


def _added(db: Connection, name: str) -> str | None:
    """Return a source that was added and not read, by any of its names, as it is stored."""
    try:
        return followed_as(db, read_channel(name))
    except InputError:  # perhaps a title
        return None


def _come_back(db: Connection, channel: int) -> bool:
    """Follow an unfollowed channel again; tell whether it was unfollowed."""
    return _COME_BACK(db, id=channel).rowcount > 0


def take_up(db: Connection, channel: int) -> bool:
    """Follow a paused or unfollowed channel again; tell whether it was one."""
    done = _RESUME(db, id=channel)
    return _come_back(db, channel) or done.rowcount > 0


def _posts_of(db: Connection, channel: int) -> int:
    return int(_POSTS(db, id=channel).fetchone()[0])


def _title(db: Connection, channel: int) -> str:
    return str(_TITLE(_TITLE_OF(db, id=channel).fetchone())[0])


def keep(
    db: Connection, channel: Channel, at: str, *, parsed: bool, knows_name: bool = False
) -> None:
    """Store a channel. `parsed`: it was read now.

    `knows_name`: its source knows usernames (only Telegram does), so that a missing one clears the
    stored one. A username belongs to one channel: any other channel loses it.
    """
    if channel.username is not None:
        _LOSE_NAME(db, username=channel.username, id=channel.id)
    _KEEP(
        db,
        id=channel.id,
        title=channel.title.encode(errors="replace").decode(),
        username=channel.username,
        kind=channel.kind,
        now=at,
        parsed_at=at if parsed else None,
        knows_name=int(knows_name),
    )
