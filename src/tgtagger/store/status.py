"""The state of the archive: counts of posts and failures, channels, runs, costs by day.

Reads only, and decides nothing. Does not know how it is shown.
"""

from __future__ import annotations

import datetime as dt
from typing import get_args

from tgtagger.decide import LONGEST_DELAY
from tgtagger.model.channels import ChannelState
from tgtagger.model.choices import FailureClass, PostStatus
from tgtagger.model.posts import Channel
from tgtagger.model.state import ArchiveState, DaySpent, FailedPost, FailureCount, Run
from tgtagger.model.tagging import PostId
from tgtagger.store import channels
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part
from tgtagger.store.rooms import Connection
from tgtagger.store.runs import EVENTFUL, SELECT_RUN, as_run
from tgtagger.store.statements import Statement
from tgtagger.store.times import from_text, to_text
from tgtagger.store.values import FAILURE, INTEGER, REAL, TEXT, TIME, or_null

RUNS_SHOWN = 10
DAYS_SHOWN = 14

_CHANNEL = RowCheck(
    "channels.id", "channels.title", "channels.username", "channels.kind", INTEGER, INTEGER,
    INTEGER, "posts.date", "channels.parsed_at", INTEGER, INTEGER, INTEGER, "channels.keep_days",
)  # fmt: skip
_FAILED = RowCheck(FAILURE, INTEGER, or_null(TEXT), or_null(TIME))
_FAILED_POST = RowCheck(
    "posts.channel_id", "posts.message_id", "channels.title", "posts.date", TEXT, or_null(TEXT),
    "posts.attempts", "posts.next_attempt_at",
)  # fmt: skip
_DAY = RowCheck(TEXT, TEXT, INTEGER, or_null(INTEGER), or_null(INTEGER), or_null(REAL))


# By the index of failed posts, and then sorted, not through all posts.
FAILED_POSTS = Statement(
    "SELECT p.channel_id, p.message_id, c.title, p.date, "
    "substr(coalesce(nullif(p.text, ''), p.media_text, ''), 1, 300), p.error, p.attempts, "
    "p.next_attempt_at FROM posts AS p JOIN channels AS c ON c.id = p.channel_id "
    "WHERE p.status = 'failed' AND p.failure = :failure ORDER BY unindexed(p.id) DESC LIMIT :most"
)


_POSTS = Statement("SELECT count(*) FROM posts")
# Literals, not parameters: only then SQLite uses the partial indexes.
_OF_STATUS = {
    status: Statement(f"SELECT count(*) FROM posts WHERE status = '{status}'")
    for status in get_args(PostStatus)
    if status not in {"pending", "tagged"}
} | {"pending": Statement("SELECT count(*) FROM tag_queue WHERE due_at IS NULL")}
_TAGS = Statement("SELECT (SELECT count(*) FROM tags) - (SELECT count(*) FROM barred_tags)")
_REJECTED = Statement("SELECT count(*) FROM rejected_posts")
_CHANNEL_STATES = Statement("""
    WITH counts AS (
        SELECT channel_id, count(*) AS posts, max(message_id) AS newest
        FROM posts GROUP BY channel_id),
    waiting AS (
        SELECT p.channel_id, count(*) AS pending
        FROM tag_queue AS q CROSS JOIN posts AS p ON p.id = q.post_id WHERE q.due_at IS NULL
        GROUP BY unindexed(p.channel_id)),
    broken AS (
        SELECT channel_id, count(*) AS failed
        FROM posts WHERE status = 'failed' GROUP BY unindexed(channel_id))
    SELECT c.id, c.title, c.username, c.kind, coalesce(n.posts, 0), coalesce(w.pending, 0),
           coalesce(b.failed, 0),
           (SELECT date FROM posts AS p
            WHERE p.channel_id = c.id AND p.message_id = n.newest),
           c.parsed_at,
           (SELECT coalesce(sum(high -
            CASE WHEN low > floor_id THEN low ELSE floor_id + 1 END + 1), 0) FROM unread_ranges AS u
            JOIN readings AS r ON r.channel_id = u.channel_id AND r.source = u.source
            WHERE u.channel_id = c.id AND u.high > r.floor_id AND u.source = (
                SELECT max(source) FROM readings AS b WHERE b.channel_id = c.id)),
           c.paused_at IS NOT NULL,
           EXISTS (SELECT 1 FROM left_channels AS l WHERE l.channel_id = c.id), c.keep_days
    FROM channels AS c LEFT JOIN counts AS n ON n.channel_id = c.id
        LEFT JOIN waiting AS w ON w.channel_id = c.id
        LEFT JOIN broken AS b ON b.channel_id = c.id
    ORDER BY c.title, c.id
""")
_FAILURES = Statement(
    "SELECT failure, count(*), coalesce((SELECT a.error FROM attempts AS a JOIN posts AS f "
    "ON f.id = a.post_id WHERE f.status = 'failed' AND f.failure = p.failure "
    "AND a.class = p.failure ORDER BY a.id DESC LIMIT 1), max(error)), "
    "min(CASE WHEN next_attempt_at > :latest THEN :now ELSE next_attempt_at END) "
    "FROM posts AS p WHERE status = 'failed' GROUP BY failure ORDER BY 2 DESC"
)
_RUNS = Statement(f"{SELECT_RUN} WHERE {EVENTFUL} ORDER BY id DESC LIMIT {RUNS_SHOWN}")
_DUE = Statement(
    "SELECT count(*) FROM posts WHERE status = 'failed' "
    "AND (next_attempt_at <= :now OR next_attempt_at > :latest)"
)
_SPENT = Statement(
    "SELECT local_day(at) AS day, coalesce(model, '?'), count(DISTINCT post_id), "
    "sum(prompt_tokens), sum(completion_tokens), sum(cost_usd) FROM attempts "
    "WHERE at >= :since GROUP BY 1, 2 ORDER BY 1 DESC, 2"
)


class Status(Part):
    """The state of the archive and of its channels."""

    def version(self) -> int:
        """Return a number that changes whenever anybody, in any process, has written."""
        return self._database.opened.version()

    def channels(self) -> tuple[ChannelState, ...]:
        """Return the channels, by title."""
        with self._database.read() as db:
            return _channels(db)

    def failures(self) -> tuple[FailureCount, ...]:
        """Return the failed posts by class, the most frequent first."""
        with self._database.read() as db:
            return _failures(db, dt.datetime.now(dt.UTC))

    def failed_posts(self, failure: FailureClass, most: int) -> tuple[FailedPost, ...]:
        """Return the newest failed posts of a class."""
        with self._database.read() as db:
            return tuple(
                FailedPost(
                    PostId(channel, message), title, from_text(date), text, error, attempts,
                    from_text(due),
                )
                for channel, message, title, date, text, error, attempts, due in map(
                    _FAILED_POST, FAILED_POSTS(db, failure=failure, most=most)
                )
            )  # fmt: skip

    def spent(self, days: int) -> tuple[DaySpent, ...]:
        """Return what each model was asked and what it cost on the last days, newest first."""
        with self._database.read() as db:
            return _spent(db, days)

    def archive(self) -> ArchiveState:
        """Return the state of the archive; by indexes only: under a second for a million posts."""
        opened = self._database.opened
        size = opened.size()  # not within: it takes a connection, and another one is held then
        with self._database.read() as db:
            return _archive(db, opened.schema_version, size, dt.datetime.now(dt.UTC))


def _archive(db: Connection, schema: str, size: int, now: dt.datetime) -> ArchiveState:
    (total,) = _POSTS(db).fetchone()
    counts: dict[PostStatus, int] = dict.fromkeys(get_args(PostStatus), 0)
    for status, counted in _OF_STATUS.items():
        (counts[status],) = counted(db).fetchone()
    counts["tagged"] = total - sum(counts.values())
    (tags,) = _TAGS(db).fetchone()
    (rejected,) = _REJECTED(db).fetchone()
    return ArchiveState(
        counts,
        _failures(db, now),
        _channels(db),
        tags,
        rejected,
        _runs(db),
        _due(db, now),
        channels.followed(db),
        _spent(db, DAYS_SHOWN),
        schema,
        size,
    )


def _channels(db: Connection) -> tuple[ChannelState, ...]:
    """Return the channels, by title."""
    rows = _CHANNEL_STATES(db)
    return tuple(
        ChannelState(
            Channel(identity, title, username, kind),
            posts,
            pending,
            failed,
            from_text(newest),
            from_text(parsed_at),
            unread,
            bool(paused),
            bool(unfollowed),
            keep_days,
        )
        for (
            identity,
            title,
            username,
            kind,
            posts,
            pending,
            failed,
            newest,
            parsed_at,
            unread,
            paused,
            unfollowed,
            keep_days,
        ) in map(_CHANNEL, rows)
    )


def _failures(db: Connection, now: dt.datetime) -> tuple[FailureCount, ...]:
    # So far ahead is due now, see `decide`.
    rows = _FAILURES(db, latest=to_text(now + LONGEST_DELAY), now=to_text(now))
    return tuple(
        FailureCount(failure, count, error, from_text(due))
        for failure, count, error, due in map(_FAILED, rows)
    )


def _runs(db: Connection) -> tuple[Run, ...]:
    return tuple(map(as_run, _RUNS(db)))


def _due(db: Connection, now: dt.datetime) -> int:
    # So far ahead is due now, see `decide`.
    latest = to_text(now + LONGEST_DELAY)
    (due,) = _DUE(db, now=to_text(now), latest=latest).fetchone()
    return int(due)


def _spent(db: Connection, days: int) -> tuple[DaySpent, ...]:
    """Return what each model was asked and what it cost on the latest days, newest first."""
    since = to_text(dt.datetime.now(dt.UTC) - dt.timedelta(days=days))
    rows = _SPENT(db, since=since)
    return tuple(DaySpent(*row) for row in map(_DAY, rows))
