"""Which posts wait for a tagger, and who works at which: the rows of `tag_queue`.

`posts.status` is the truth. A row says that a post waits, and is written in the transaction that
makes it wait; `due_at` is when, for a post that failed. A worker claims posts by a lease and a
token: when the lease is over, another may claim them, and the first one's token finishes nothing
any more. A text is claimed with its post, so that equal ones are asked once. Knows no transaction,
and no rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy.engine import Connection

from tgtagger.store.statements import Statement

NEVER = "9999-12-31T23:59:59Z"
"""When a post is due that does not wait: somebody has claimed it, to tag it anew."""

SOURCE = "tag_queue AS q CROSS JOIN posts AS p ON p.id = q.post_id"
WAITS = "q.due_at IS NULL AND p.status = 'pending'"
"""SQL: posts that were never tried, for a query of which the queue gives the posts, `p`."""

_ADD = Statement("INSERT INTO tag_queue (post_id) VALUES (:post)")
_DROP = Statement("DELETE FROM tag_queue WHERE post_id IN listed(:posts)")
_OF_POSTS = (
    "SELECT id, CASE WHEN status = 'failed' THEN next_attempt_at END FROM posts "
    "WHERE (status = 'pending' OR (status = 'failed' AND next_attempt_at IS NOT NULL))"
)
_FILL = Statement(f"INSERT INTO tag_queue (post_id, due_at) {_OF_POSTS} AND id IN listed(:posts)")
REFILL = Statement(f"INSERT INTO tag_queue (post_id, due_at) {_OF_POSTS} ORDER BY id")
EMPTY = Statement("DELETE FROM tag_queue")
_MISSING = Statement(
    f"SELECT count(*) FROM ({_OF_POSTS} AND id NOT IN (SELECT post_id FROM tag_queue)) AS missing"
)
_NEEDLESS = Statement(
    "SELECT count(*) FROM tag_queue AS q JOIN posts AS p ON p.id = q.post_id "
    f"WHERE coalesce(q.due_at, '') <> '{NEVER}' AND coalesce(q.due_at, '') <> "
    "CASE p.status WHEN 'pending' THEN '' WHEN 'failed' THEN coalesce(p.next_attempt_at, '-') "
    "ELSE '-' END"
)

# Whoever works at a post, or at an equal text, keeps others from it while the lease lasts.
_JOIN = Statement(
    f"INSERT INTO tag_queue (post_id, due_at) SELECT id, '{NEVER}' FROM posts "
    "WHERE id IN listed(:posts) ON CONFLICT (post_id) DO NOTHING"
)
_CLAIM = Statement(
    "UPDATE tag_queue SET token = token + 1, worker = :worker, lease_until = :until, "
    "attempts = attempts + CASE WHEN lease_until IS NULL THEN 0 ELSE 1 END, "
    "text_hash = (SELECT p.text_hash FROM posts AS p WHERE p.id = tag_queue.post_id) "
    "WHERE post_id IN (SELECT q.post_id FROM tag_queue AS q WHERE q.post_id IN listed(:posts) "
    "AND (q.lease_until IS NULL OR q.lease_until < :now) AND q.attempts < :most "
    "AND NOT EXISTS (SELECT 1 FROM posts AS p JOIN tag_queue AS o ON o.text_hash = p.text_hash "
    "WHERE p.id = q.post_id AND o.text_hash IS NOT NULL AND o.lease_until >= :now "
    "AND o.worker <> :worker)) RETURNING post_id, token"
)
_RENEW = Statement(
    "UPDATE tag_queue SET lease_until = :until WHERE worker = :worker AND text_hash IS NOT NULL"
)
_LEAVE = Statement(
    f"DELETE FROM tag_queue WHERE worker = :worker AND text_hash IS NOT NULL AND due_at = '{NEVER}'"
)
_RELEASE = Statement(
    "UPDATE tag_queue SET worker = NULL, lease_until = NULL, text_hash = NULL "
    "WHERE worker = :worker AND text_hash IS NOT NULL"
)
_HELD = Statement(
    "SELECT post_id, token FROM tag_queue WHERE post_id IN listed(:posts) AND text_hash IS NOT NULL"
)


def add(db: Connection, posts: Iterable[int]) -> None:
    """Let new posts wait for their first try."""
    _ADD.many(db, [(post,) for post in posts])


def refresh(db: Connection, posts: Sequence[int]) -> None:
    """Let posts wait, or no longer, as their status says; whoever works at them has lost them."""
    listed = json.dumps(posts)
    _DROP(db, posts=listed)
    _FILL(db, posts=listed)


def out_of_step(db: Connection) -> int:
    """Return how many posts wait and have no row, or have one and do not wait."""
    (missing,), (needless,) = _MISSING(db).fetchone(), _NEEDLESS(db).fetchone()
    return int(missing + needless)


def refill(db: Connection) -> None:
    """Make the queue anew from the posts; all claims are gone."""
    EMPTY(db)
    REFILL(db)


def claim(
    db: Connection, posts: Sequence[int], worker: str, *, now: str, until: str, most: int
) -> dict[int, int]:
    """Claim those of the posts at which nobody else works; return the token of each.

    A lease that ran out counts as a try of the post: `most` is how many there may be.
    """
    listed = json.dumps(posts)
    _JOIN(db, posts=listed)
    rows = _CLAIM(db, worker=worker, now=now, until=until, posts=listed, most=most)
    return dict(rows.fetchall())


def held(db: Connection, posts: Sequence[int]) -> dict[int, int]:
    """Return the tokens by which posts are claimed, by whomever."""
    return dict(_HELD(db, posts=json.dumps(posts)))


def renew(db: Connection, worker: str, until: str) -> int:
    """Make the leases of a worker longer; return how many it holds."""
    return _RENEW(db, worker=worker, until=until).rowcount


def release(db: Connection, worker: str) -> None:
    """Give back what a worker has claimed."""
    _LEAVE(db, worker=worker)
    _RELEASE(db, worker=worker)
