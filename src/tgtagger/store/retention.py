"""How long a channel's posts are kept, if a person wants them for a time only: a period in days.

Older posts go, a few with each run that reads, with what was paid for them a year ago. A post that
a person or an agent gave a tag stays, also while an undo could bring such a tag back. Off unless a
person turns it on. Does not know what is read: `posts` leaves out what would go at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from tgtagger.model.channels import ChannelKept
from tgtagger.model.events import OnSteps, unheard
from tgtagger.store import deletion, read_exports
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part
from tgtagger.store.lookup import channel_id
from tgtagger.store.post_rows import order_key
from tgtagger.store.recording import LASTING_SOURCES
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement

_TITLE = RowCheck("channels.title", "channels.keep_days")

_CHANNEL = Statement("SELECT title, keep_days FROM channels WHERE id = :channel")
_KEEP = Statement("UPDATE channels SET keep_days = :days WHERE id = :channel")
_RULES = Statement("SELECT id, keep_days FROM channels WHERE keep_days IS NOT NULL ORDER BY id")
# By the channel's messages, in an index; else all old posts of the archive would be read.
_OF_CHANNEL = "FROM posts AS p WHERE p.channel_id = :channel AND unindexed(p.id) < :key"
_STAYS = (
    f"(EXISTS (SELECT 1 FROM post_tags WHERE post_id = p.id AND source IN ({LASTING_SOURCES})) "
    "OR EXISTS (SELECT 1 FROM changed_links AS l WHERE l.post_id = p.id "
    f"AND text_of(l.before, 1) IN ({LASTING_SOURCES})))"
)
_COUNT = Statement(
    f"SELECT count(*), coalesce(sum(CASE WHEN {_STAYS} THEN 1 ELSE 0 END), 0) {_OF_CHANNEL}"
)
_OLD = Statement(f"SELECT p.id {_OF_CHANNEL} AND NOT {_STAYS} ORDER BY p.message_id LIMIT :most")


class Retention(Part):
    """How long posts are kept."""

    def look(self, name: str, days: int | None) -> ChannelKept:
        """Return what `keep` would do. Raises InputError for an unknown channel."""
        with self._database.read() as db:
            channel = channel_id(db, name)
            title, _ = _TITLE(_CHANNEL(db, channel=channel).fetchone())
            if days is None:
                return ChannelKept(title, None, 0, 0)
            count, stays = _COUNT(db, channel=channel, key=oldest_key(days)).fetchone()
            return ChannelKept(title, days, count - stays, stays)

    def keep(self, name: str, days: int | None, on_steps: OnSteps = unheard) -> ChannelKept:
        """Keep a channel's posts for so many days, and delete the older ones; None: keep all.

        They go in steps: what is broken off is done by the runs to come.
        """
        with self._database.write() as db:
            channel = channel_id(db, name)
            _KEEP(db, days=days, channel=channel)
            read_exports.read_again(db, channel)  # it may have posts that are kept again
        told = self.look(name, days)
        removed = 0
        while days is not None:
            with self._database.write() as db:
                some = _delete_old(db, channel, days, deletion.STEP)
            removed += some
            on_steps(removed, max(told.removed, removed))
            if some < deletion.STEP:
                break
        return ChannelKept(told.title, days, removed, told.stay)

    def sweep(self) -> int:
        """Delete some old posts of channels that have a period; return how many."""
        with self._database.read() as db:
            rules = [(channel, days) for channel, days in _RULES(db) if _old(db, channel, days, 1)]
        left = deletion.STEP
        for channel, days in rules:
            if left:
                with self._database.write() as db:
                    left -= _delete_old(db, channel, days, left)
        return deletion.STEP - left


def oldest_key(days: int) -> int:
    """Return the key of posts of so many days ago: what has a lower one is older."""
    try:
        return order_key(dt.datetime.now(dt.UTC) - dt.timedelta(days=days), 0)
    except OverflowError:  # longer than the calendar
        return 0


def oldest_of(db: Connection, channel: int) -> int:
    """Return the key below which posts of a channel are not kept; 0: all are."""
    _, days = _TITLE(_CHANNEL(db, channel=channel).fetchone())
    return 0 if days is None else oldest_key(days)


def _old(db: Connection, channel: int, days: int, most: int) -> Sequence[int]:
    rows = _OLD(db, channel=channel, key=oldest_key(days), most=most)
    return [post for (post,) in rows]


def _delete_old(db: Connection, channel: int, days: int, most: int) -> int:
    posts = _old(db, channel, days, most)
    deletion.delete_old_answers(db, posts)
    deletion.delete_posts(db, posts)
    return len(posts)
