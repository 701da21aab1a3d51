"""How far each source has read a channel: its backfill ranges, its floor, its wait.

The floor that a user set (`since`) belongs to the channel; each source finds out for itself which
ids are below it. Does not know how a source reads. Of posts it knows only whether one is stored
whole.
"""

from __future__ import annotations

import datetime as dt
import sqlite3

from tgtagger.model.choices import SourceName
from tgtagger.model.posts import IdRange, Page, ReadProgress
from tgtagger.store.database import Part
from tgtagger.store.times import from_text, to_text, to_text_or_none
from tgtagger.store.values import INTEGER, TIME, RowCheck, or_null

_RANGE = RowCheck("unread_ranges.low", "unread_ranges.high")
_PROGRESS = RowCheck(or_null(TIME), or_null(INTEGER), or_null(INTEGER), or_null(TIME))


class Progress(Part):
    """How far each source has read a channel."""

    def read_progress(self, channel_id: int, source: SourceName) -> ReadProgress:
        """Return how far a source has read a channel; an unknown channel has not been read."""
        with self._database.read() as db:
            backfill = db.execute(
                "SELECT low, high FROM unread_ranges WHERE channel_id = ? AND source = ? "
                "ORDER BY low",
                (channel_id, source),
            ).fetchall()
            found = db.execute(
                "SELECT c.since, r.top_id, r.floor_id, r.not_before "
                "FROM (SELECT ? AS id) AS wanted "
                "LEFT JOIN channels AS c ON c.id = wanted.id "
                "LEFT JOIN readings AS r ON r.channel_id = wanted.id AND r.source = ?",
                (channel_id, source),
            ).fetchone()
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
            found = db.execute(
                "SELECT 1 FROM readings AS r JOIN channels AS c ON c.id = r.channel_id "
                "WHERE r.source = ? AND c.paused_at IS NULL "
                "AND c.id NOT IN (SELECT channel_id FROM left_channels) LIMIT 1",
                (source,),
            )
            return found.fetchone() is not None

    def postpone(self, channel_id: int, source: SourceName, until: dt.datetime) -> None:
        """Store until when a source refuses to be asked for a channel, if the channel is known."""
        with self._database.write() as db:
            db.execute(
                "INSERT INTO readings (channel_id, source, top_id, floor_id, not_before) "
                "SELECT id, ?, NULL, 0, ? FROM channels WHERE id = ? "
                "ON CONFLICT DO UPDATE SET not_before = excluded.not_before",
                (source, to_text(until), channel_id),
            )

    def holds_whole(self, channel_id: int, message_id: int, edited: dt.datetime | None) -> bool:
        """Tell whether a post is stored whole, from Telegram, with this time of its last edit."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT 1 FROM posts WHERE channel_id = ? AND message_id = ? "
                "AND source = 'telegram' AND problem IS NULL AND edited IS ?",
                (channel_id, message_id, to_text_or_none(edited)),
            )
            return found.fetchone() is not None


def save(db: sqlite3.Connection, page: Page) -> None:
    """Store how far the page's source has read; a page of a file has no progress."""
    progress = page.progress
    if progress is None:
        return
    of = (page.channel.id, page.source)
    since = to_text_or_none(progress.since)
    changed = db.execute(
        "UPDATE channels SET since = ? WHERE id = ? AND since IS NOT ?",
        (since, page.channel.id, since),
    )
    if changed.rowcount:  # posts that other sources found older than the old floor may be wanted
        db.execute("UPDATE readings SET floor_id = 0 WHERE channel_id = ?", (page.channel.id,))
    db.execute(
        "INSERT INTO readings (channel_id, source, top_id, floor_id, not_before) "
        "VALUES (?, ?, ?, ?, NULL) ON CONFLICT DO UPDATE "
        "SET top_id = excluded.top_id, floor_id = excluded.floor_id, not_before = NULL",
        (*of, progress.top, progress.floor),
    )
    db.execute("DELETE FROM unread_ranges WHERE channel_id = ? AND source = ?", of)
    db.executemany(
        "INSERT INTO unread_ranges (channel_id, source, low, high) VALUES (?, ?, ?, ?)",
        [(*of, part.low, part.high) for part in progress.backfill],
    )
