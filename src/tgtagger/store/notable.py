"""What an integrity report says besides damage: posts that nobody could read, messages rejected.

SQL and rows alone, for the rooms: a damaged file is read in another way than a sound database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tgtagger.model.integrity import PostCount, RejectedPost
from tgtagger.store.checks import RowCheck
from tgtagger.store.values import TEXT
from tgtagger.system.terminal_text import clean

_NAMED = 3

UNREADABLE = "p.problem IS NOT NULL"
TEXTLESS = "p.text = '' AND p.media IS NULL AND p.problem IS NULL"
"""SQL: which posts are reported."""

FOUND = (
    "SELECT coalesce('@' || c.username, CAST(c.id AS text)) || '/' || p.message_id, "
    "count(*) OVER () FROM posts AS p JOIN channels AS c ON c.id = p.channel_id "
    "WHERE {} ORDER BY p.date DESC LIMIT " + str(_NAMED)
)
"""SQL: the names of some posts, and how many there are."""

REJECTED = (
    "SELECT coalesce('@' || c.username, c.title), r.message_id, r.reason "
    "FROM rejected_posts AS r JOIN channels AS c ON c.id = r.channel_id "
    "ORDER BY r.seen_at DESC LIMIT 20"
)

# Only the last run: the clock of an earlier one may have been ahead. No posts of exports: a file
# may have any date.
NEWEST = (
    "SELECT max(at) FROM (SELECT * FROM (SELECT coalesce(ended_at, started_at) AS at "
    "FROM runs ORDER BY id DESC LIMIT 1) AS run UNION ALL SELECT * FROM "
    "(SELECT date FROM posts WHERE source <> 'desktop' ORDER BY id DESC LIMIT 1) AS post) AS both_"
)
"""SQL: the end of the last run, or the date of the newest post, whichever is later."""

_REJECTED = RowCheck(TEXT, TEXT, TEXT)


def posts_found(rows: Sequence[Any]) -> PostCount:
    """Return how many posts were found, and the names of some."""
    return PostCount(rows[0][1], tuple(clean(name) for name, _ in rows)) if rows else PostCount(0)


def rejected(rows: Sequence[Any]) -> tuple[RejectedPost, ...]:
    """Return the messages that were rejected. Raises WrongValueError for a damaged one."""
    return tuple(RejectedPost(*row) for row in map(_REJECTED, rows))
