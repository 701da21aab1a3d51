"""How far each source has read a channel: its backfill ranges, its floor, its wait.

The floor that a user set (`since`) belongs to the channel; each source finds out for itself which
ids are below it. Does not know how a source reads. Of posts it knows only whether one is stored
whole.
"""

from __future__ import annotations

import datetime as dt

from tgtagger.model.choices import SourceName
from tgtagger.model.posts import IdRange, Page, ReadProgress
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.times import from_text, to_text, to_text_or_none
from tgtagger.store.values import INTEGER, TIME, or_null

_RANGE = RowCheck("unread_ranges.low", "unread_ranges.high")
_PROGRESS = RowCheck(or_null(TIME), or_null(INTEGER), or_null(INTEGER), or_null(TIME))


_BACKFILL = Statement(
    "SELECT low, high FROM unread_ranges WHERE channel_id = :channel AND source = :source "
    "ORDER BY low"
)
_READING = Statement(
    "SELECT (SELECT since FROM channels WHERE id = :channel), r.top_id, r.floor_id, r.not_before "
    "FROM (SELECT 1 AS one) AS always LEFT JOIN readings AS r "
    "ON r.channel_id = :channel AND r.source = :source"
)
_IS_READ_BY = Statement(
    "SELECT 1 FROM readings AS r JOIN channels AS c ON c.id = r.channel_id "
    "WHERE r.source = :source AND c.paused_at IS NULL "
    "AND c.id NOT IN (SELECT channel_id FROM left_channels) LIMIT 1"
)
_POSTPONE = Statement(
    "INSERT INTO readings (channel_id, source, top_id, floor_id, not_before) "
    "SELECT id, :source, NULL, 0, :until FROM channels WHERE id = :channel "
    "ON CONFLICT (channel_id, source) DO UPDATE SET not_before = excluded.not_before"
)
_WHOLE = Statement(
    "SELECT edited FROM posts WHERE channel_id = :channel AND message_id = :message "
    "AND source = 'telegram' AND problem IS NULL"
)
_SINCE = Statement(
    "UPDATE channels SET since = :since WHERE id = :channel "
    "AND coalesce(since, '') <> coalesce(:since, '')"
)
_LOWER_FLOORS = Statement("UPDATE readings SET floor_id = 0 WHERE channel_id = :channel")
_READ = Statement(
    "INSERT INTO readings (channel_id, source, top_id, floor_id, not_before) "
    "VALUES (:channel, :source, :top, :floor, NULL) ON CONFLICT (channel_id, source) DO UPDATE "
    "SET top_id = excluded.top_id, floor_id = excluded.floor_id, not_before = NULL"
)
_FORGET_BACKFILL = Statement(
    "DELETE FROM unread_ranges WHERE channel_id = :channel AND source = :source"
)
_KEEP_BACKFILL = Statement(
    "INSERT INTO unread_ranges (channel_id, source, low, high) "
    "VALUES (:channel, :source, :low, :high)"
)


class Progress(Part):
    """How far each source has read a channel."""

    def read_progress(self, channel_id: int, source: SourceName) -> ReadProgress:
        """Return how far a source has read a channel; an unknown channel has not been read."""
        with self._database.read() as db:
            backfill = _BACKFILL(db, channel=channel_id, source=source).fetchall()
            found = _READING(db, channel=channel_id, source=source).fetchone()
            since, top, floor, not_before = _PROGRESS(found)
            return ReadProgress(
                tuple(IdRange(low, high) for low, high in map(_RANGE, backfill)),
                top,
                from_text(since),
                floor or 0,
                from_text(not_before),
            )

    def is_read_by(self, source: SourceName) -> bool:
        """Tell whether this source reads any channel that is followed and not paused."""
        with self._database.read() as db:
            return _IS_READ_BY(db, source=source).fetchone() is not None

    def postpone(self, channel_id: int, source: SourceName, until: dt.datetime) -> None:
        """Store until when a source refuses to be asked for a channel, if the channel is known."""
        with self._database.write() as db:
            _POSTPONE(db, source=source, until=to_text(until), channel=channel_id)

    def holds_whole(self, channel_id: int, message_id: int, edited: dt.datetime | None) -> bool:
        """Tell whether a post is stored whole, from Telegram, with this time of its last edit."""
        with self._database.read() as db:
            found = _WHOLE(db, channel=channel_id, message=message_id).fetchone()
            return found is not None and found[0] == to_text_or_none(edited)


def save(db: Connection, page: Page) -> None:
    """Store how far the page's source has read; a page of a file has no progress."""
    progress = page.progress
    if progress is None:
        return
    channel, source = page.channel.id, page.source
    if _SINCE(db, since=to_text_or_none(progress.since), channel=channel).rowcount:
        # Posts that other sources found older than the old floor may be wanted.
        _LOWER_FLOORS(db, channel=channel)
    _READ(db, channel=channel, source=source, top=progress.top, floor=progress.floor)
    _FORGET_BACKFILL(db, channel=channel, source=source)
    _KEEP_BACKFILL.many(db, [(channel, source, part.low, part.high) for part in progress.backfill])
