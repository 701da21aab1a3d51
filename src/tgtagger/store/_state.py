"""How the archive stands: counts, channels, runs, and whether the file is sound."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

from tgtagger.decide import LONGEST_DELAY
from tgtagger.outcomes import Status
from tgtagger.store import _search
from tgtagger.store._times import from_text, moment, to_text
from tgtagger.types import Channel
from tgtagger.views import ArchiveState, ChannelState, FailureCount, RejectedPost, Run, Soundness

RUNS_SHOWN = 10


def archive_state(
    db: sqlite3.Connection, path: Path, schema: str, now: dt.datetime
) -> ArchiveState:
    """Count everything; by indexes only, so that a million posts take no second."""
    (total,) = db.execute("SELECT count(*) FROM posts").fetchone()
    counts: dict[Status, int] = {}
    for status in ("pending", "skipped", "failed"):
        (counts[status],) = db.execute(
            # Written out, not bound: only so a partial index is used.
            f"SELECT count(*) FROM posts WHERE status = '{status}'"
        ).fetchone()
    tagged = total - sum(counts.values())
    (tags,) = db.execute("SELECT count(*) FROM tags").fetchone()
    (rejected,) = db.execute("SELECT count(*) FROM rejected_posts").fetchone()
    files = (path, path.with_name(path.name + "-wal"))
    return ArchiveState(
        {
            "pending": counts["pending"],
            "tagged": tagged,
            "skipped": counts["skipped"],
            "failed": counts["failed"],
        },
        _failures(db, now),
        channel_states(db),
        tags,
        rejected,
        _runs(db),
        schema,
        sum(file.stat().st_size for file in files if file.exists()),
    )


def channel_states(db: sqlite3.Connection) -> tuple[ChannelState, ...]:
    """Return the channels, by title."""
    rows = db.execute(
        """
        WITH counts AS (
            SELECT channel_id, count(*) AS posts, max(message_id) AS newest
            FROM posts GROUP BY channel_id),
        waiting AS (
            SELECT channel_id, count(*) AS pending
            FROM posts WHERE status = 'pending' GROUP BY channel_id)
        SELECT c.id, c.title, c.username, c.kind, coalesce(n.posts, 0), coalesce(w.pending, 0),
               (SELECT date FROM posts AS p
                WHERE p.channel_id = c.id AND p.message_id = n.newest),
               c.parsed_at,
               (SELECT coalesce(sum(high - max(low, floor_id + 1) + 1), 0) FROM unread_ranges AS u
                JOIN readings AS r ON r.channel_id = u.channel_id AND r.source = u.source
                WHERE u.channel_id = c.id AND u.high > r.floor_id AND u.source = (
                    SELECT max(source) FROM readings AS b WHERE b.channel_id = c.id)),
               c.paused_at IS NOT NULL
        FROM channels AS c LEFT JOIN counts AS n ON n.channel_id = c.id
            LEFT JOIN waiting AS w ON w.channel_id = c.id
        ORDER BY c.title, c.id
        """
    )
    return tuple(
        ChannelState(
            Channel(identity, title, username, kind),
            posts,
            pending,
            from_text(newest),
            from_text(parsed_at),
            unread,
            bool(paused),
        )
        for identity, title, username, kind, posts, pending, newest, parsed_at, unread, paused in (
            rows
        )
    )


def _failures(db: sqlite3.Connection, now: dt.datetime) -> tuple[FailureCount, ...]:
    rows = db.execute(
        "SELECT failure, count(*), coalesce((SELECT a.error FROM attempts AS a JOIN posts AS f "
        "ON f.id = a.post_id WHERE f.status = 'failed' AND f.failure = p.failure "
        "AND a.class = p.failure ORDER BY a.id DESC LIMIT 1), max(error)), "
        "min(CASE WHEN next_attempt_at > ? THEN ? ELSE next_attempt_at END) "
        "FROM posts AS p WHERE status = 'failed' GROUP BY failure ORDER BY 2 DESC",
        (to_text(now + LONGEST_DELAY), to_text(now)),  # what is so far ahead is due, see `decide`
    )
    return tuple(
        FailureCount(failure, count, error, from_text(due)) for failure, count, error, due in rows
    )


def _runs(db: sqlite3.Connection) -> tuple[Run, ...]:
    rows = db.execute(
        "SELECT id, command, started_at, ended_at, exit_code, summary FROM runs "
        "ORDER BY id DESC LIMIT ?",
        (RUNS_SHOWN,),
    )
    return tuple(
        Run(identity, command, moment(start), from_text(end), code, summary)
        for identity, command, start, end, code, summary in rows
    )


def soundness(db: sqlite3.Connection) -> Soundness:
    """Look for damage: slow, it reads the whole file."""
    damage = [line for (line,) in db.execute("PRAGMA integrity_check(20)") if line != "ok"]
    orphans = len(db.execute("PRAGMA foreign_key_check").fetchall())
    (unreadable,) = db.execute("SELECT count(*) FROM posts WHERE problem IS NOT NULL").fetchone()
    (textless,) = db.execute(
        "SELECT count(*) FROM posts WHERE text = '' AND media IS NULL AND problem IS NULL"
    ).fetchone()
    rejected = db.execute(
        "SELECT coalesce('@' || c.username, c.title), r.message_id, r.reason "
        "FROM rejected_posts AS r JOIN channels AS c ON c.id = r.channel_id "
        "ORDER BY r.seen_at DESC LIMIT 20"
    )
    (newest,) = db.execute(
        # Not the latest of all runs, only the last: an earlier one's clock may have been ahead.
        # Not the posts of files, in which anything may stand.
        "SELECT max(at) FROM (SELECT * FROM ("
        "SELECT coalesce(ended_at, started_at) AS at FROM runs ORDER BY id DESC LIMIT 1) UNION ALL "
        "SELECT * FROM (SELECT date FROM posts WHERE source <> 'desktop' ORDER BY id DESC LIMIT 1))"
    ).fetchone()
    return Soundness(
        tuple(damage),
        orphans,
        _search.check_index(db),
        unreadable,
        textless,
        tuple(RejectedPost(*row) for row in rejected),
        from_text(newest),
    )
