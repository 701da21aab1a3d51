"""Which posts wait for a tagger, and who works at which: the rows of `tag_queue`.

`posts.status` is the truth. A row says that a post waits, and is written in the transaction that
makes it wait; `due_at` is when, for a post that failed. A worker claims posts by a lease and a
token: when the lease is over, another may claim them, and the first one's token finishes nothing
any more. A text has a claim of its own (`claimed_texts`): its key lets one worker have it, even if
two claim two posts of it at the same moment. Knows no transaction, and no rule.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement

NEVER = "9999-12-31T23:59:59Z"
"""When a post is due that does not wait: somebody has claimed it, to tag it anew."""

SOURCE = "tag_queue AS q CROSS JOIN posts AS p ON p.id = q.post_id"
WAITS = "q.due_at IS NULL AND p.status = 'pending'"
"""SQL: posts that were never tried, for a query of which the queue gives the posts, `p`."""

_ADD = Statement("INSERT INTO tag_queue (post_id) SELECT value FROM listed(:posts) AS j")
_DROP = Statement("DELETE FROM tag_queue WHERE post_id IN few(:posts)")
_WAITING = "(status = 'pending' OR (status = 'failed' AND next_attempt_at IS NOT NULL))"
_OF_POSTS = (
    f"SELECT id, CASE WHEN status = 'failed' THEN next_attempt_at END FROM posts WHERE {_WAITING}"
)
_FILL = Statement(f"INSERT INTO tag_queue (post_id, due_at) {_OF_POSTS} AND id IN few(:posts)")
REFILL = Statement(f"INSERT INTO tag_queue (post_id, due_at) {_OF_POSTS} ORDER BY id")
EMPTY = Statement("DELETE FROM tag_queue")
_MISSING = Statement(
    f"SELECT count(*) FROM ({_OF_POSTS} AND id NOT IN (SELECT post_id FROM tag_queue)) AS missing"
)
_ANY_MISSING = Statement(
    "SELECT 1 FROM (SELECT id, status, next_attempt_at FROM posts WHERE id <= :last "
    f"ORDER BY id DESC LIMIT :most) AS p WHERE {_WAITING} "
    "AND NOT EXISTS (SELECT 1 FROM tag_queue AS q WHERE q.post_id = p.id) LIMIT 1"
)
_BOUNDS = Statement("SELECT (SELECT min(id) FROM posts), (SELECT max(id) FROM posts)")
_FILL_GAPS = Statement(
    "INSERT INTO tag_queue (post_id, due_at) "
    f"{_OF_POSTS} AND id NOT IN (SELECT post_id FROM tag_queue) ORDER BY id"
)
_NEEDLESS = Statement(
    "SELECT count(*) FROM tag_queue AS q JOIN posts AS p ON p.id = q.post_id "
    f"WHERE CASE q.due_at WHEN '{NEVER}' THEN q.worker IS NULL AND q.attempts = 0 "
    "ELSE coalesce(q.due_at, '') <> CASE p.status WHEN 'pending' THEN '' "
    "WHEN 'failed' THEN coalesce(p.next_attempt_at, '-') ELSE '-' END END"
)

# ---- who works at what

_HELD = "lease_until BETWEEN :now AND :latest"
HELD = f"EXISTS (SELECT 1 FROM tag_queue AS l WHERE l.post_id = p.id AND l.{_HELD})"
"""SQL: somebody works at a post, `p`. A lease beyond the :latest is of a clock that was wrong."""

LAPSED = "p.id IN (SELECT post_id FROM tag_queue WHERE attempts > 0)"
"""SQL: a lease of a post ran out: whoever worked at it died, perhaps of it."""
LAPSES = "coalesce((SELECT l.attempts FROM tag_queue AS l WHERE l.post_id = p.id), 0)"

_ANY_LAPSED = Statement("SELECT 1 FROM tag_queue WHERE attempts > 0 LIMIT 1")
_JOIN = Statement(
    f"INSERT INTO tag_queue (post_id, due_at) SELECT id, '{NEVER}' FROM posts "
    "WHERE id IN few(:posts) ORDER BY id ON CONFLICT (post_id) DO NOTHING"
)
_CLAIM = Statement(
    "UPDATE tag_queue SET token = token + 1, worker = :worker, lease_until = :until, "
    "attempts = attempts + CASE WHEN lease_until IS NULL THEN 0 ELSE 1 END "
    "WHERE post_id IN few_of(SELECT q.post_id FROM tag_queue AS q WHERE q.post_id IN few(:posts) "
    f"AND (q.lease_until IS NULL OR NOT q.{_HELD}) "
    "ORDER BY q.post_id DESC LIMIT :most skip_locked(q)) "
    "RETURNING post_id, token, attempts"
)
_FORGET_TEXTS = Statement(
    "DELETE FROM claimed_texts WHERE text_hash IN "
    f"(SELECT t.text_hash FROM claimed_texts AS t WHERE NOT t.{_HELD} skip_locked(t))"
)
# In order, so that two who claim the same texts wait for each other in one direction only.
_CLAIM_TEXTS = Statement(
    "INSERT INTO claimed_texts (text_hash, worker, lease_until) "
    "SELECT value, :worker, :until FROM listed_texts(:texts) AS j WHERE TRUE "
    "ORDER BY 1 ON CONFLICT (text_hash) DO NOTHING RETURNING text_hash"
)
_OWN_TEXTS = Statement(
    "SELECT text_hash FROM claimed_texts WHERE text_hash IN few_texts(:texts) AND worker = :worker"
)
_OWN = Statement("SELECT post_id FROM tag_queue WHERE post_id IN few(:posts) AND worker = :worker")
_RENEW = Statement(
    "UPDATE tag_queue SET lease_until = :until WHERE post_id IN few(:posts) "
    "AND worker = :worker RETURNING post_id"
)
_RENEW_TEXTS = Statement("UPDATE claimed_texts SET lease_until = :until WHERE worker = :worker")
_LEAVE = Statement(
    f"DELETE FROM tag_queue WHERE post_id IN few(:posts) AND due_at = '{NEVER}' "
    "AND (worker IS NULL OR worker = :worker)"
)
_RELEASE = Statement(
    "UPDATE tag_queue SET worker = NULL, lease_until = NULL "
    "WHERE post_id IN few(:posts) AND worker = :worker"
)
_RELEASE_TEXTS = Statement("DELETE FROM claimed_texts WHERE worker = :worker")
_FINISH_TEXTS = Statement("DELETE FROM claimed_texts WHERE text_hash IN few_texts(:texts)")
# Locked, where others could write meanwhile: who finishes a post is asked for its token.
_CLAIMED = Statement(
    "SELECT q.post_id, q.token FROM tag_queue AS q WHERE q.post_id IN few(:posts) "
    "AND q.worker IS NOT NULL ORDER BY q.post_id locked(q)"
)

# ---- when all workers are dead

_ANY_CLAIMED = Statement(
    "SELECT 1 FROM tag_queue WHERE worker IS NOT NULL UNION ALL SELECT 1 FROM claimed_texts LIMIT 1"
)
_RELEASE_ALL = Statement(
    "UPDATE tag_queue SET worker = NULL, lease_until = NULL, attempts = attempts + 1 "
    "WHERE worker IS NOT NULL"
)
_RELEASE_ALL_TEXTS = Statement("DELETE FROM claimed_texts")


def add(db: Connection, posts: Sequence[int]) -> None:
    """Let new posts wait for their first try."""
    _ADD(db, posts=json.dumps(posts))


def refresh(db: Connection, posts: Sequence[int]) -> None:
    """Let posts wait, or no longer, as their status says; whoever works at them has lost them."""
    listed = json.dumps(posts)
    _DROP(db, posts=listed)
    _FILL(db, posts=listed)


def out_of_step(db: Connection) -> int:
    """Return how many posts wait and have no row, or have one and do not wait."""
    (missing,), (needless,) = _MISSING(db).fetchone(), _NEEDLESS(db).fetchone()
    return int(missing + needless)


def has_gaps(db: Connection, most: int, chance: Callable[[], float]) -> bool:
    """Tell whether a post that waits has no row: looks at the newest, and at others by chance."""
    oldest, newest = _BOUNDS(db).fetchone()
    if newest is None:
        return False
    anywhere = oldest + int(chance() * (newest - oldest + 1))
    return any(
        _ANY_MISSING(db, last=last, most=most).fetchone() is not None for last in (newest, anywhere)
    )


def fill_gaps(db: Connection) -> int:
    """Add the posts that wait and have no row; return how many."""
    return _FILL_GAPS(db).rowcount


def refill(db: Connection) -> None:
    """Make the queue anew from the posts; all claims are gone."""
    EMPTY(db)
    REFILL(db)
    _RELEASE_ALL_TEXTS(db)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who claims, from when until when; `latest`: until when a lease may be, by a right clock."""

    worker: str
    now: str
    until: str
    latest: str


def any_lapsed(db: Connection) -> bool:
    """Tell whether the lease of any post ran out."""
    return _ANY_LAPSED(db).fetchone() is not None


def join(db: Connection, posts: Collection[int]) -> None:
    """Let posts be claimed that do not wait: they are tagged anew."""
    _JOIN(db, posts=_listed(posts))


def claim(
    db: Connection, posts: Collection[int], lease: Lease, most: int
) -> dict[int, tuple[int, int]]:
    """Claim those of the posts at which nobody works; return the token and the lapses of each.

    Of more than the `most` the newest.

    A lease that ran out is counted: its lapses.
    """
    rows = _CLAIM(
        db, worker=lease.worker, now=lease.now, until=lease.until, latest=lease.latest,
        posts=_listed(posts), most=most,
    )  # fmt: skip
    return {post: (token, lapses) for post, token, lapses in rows.fetchall()}


def claim_texts(db: Connection, texts: Collection[str], lease: Lease) -> set[str]:
    """Claim texts, by their hashes; return those that the worker has, and so nobody else."""
    mine = _claim_free(db, texts, lease)
    if len(mine) < len(texts):  # others have them, perhaps dead ones, or it has them already
        _FORGET_TEXTS(db, now=lease.now, latest=lease.latest)
        mine |= _claim_free(db, {*texts} - mine, lease)
        left = json.dumps([*{*texts} - mine])
        mine |= {text for (text,) in _OWN_TEXTS(db, texts=left, worker=lease.worker)}
    return mine


def _claim_free(db: Connection, texts: Collection[str], lease: Lease) -> set[str]:
    listed = json.dumps(sorted(texts))
    rows = _CLAIM_TEXTS(db, worker=lease.worker, until=lease.until, texts=listed)
    return {text for (text,) in rows.fetchall()}


def own(db: Connection, posts: Collection[int], worker: str) -> set[int]:
    """Return those of the posts that a worker has still claimed."""
    return {post for (post,) in _OWN(db, posts=_listed(posts), worker=worker)}


def claimed(db: Connection, posts: Collection[int]) -> dict[int, int]:
    """Return the tokens by which posts are claimed, which nobody can change meanwhile."""
    return dict(_CLAIMED(db, posts=_listed(posts)))


def finish(db: Connection, posts: Sequence[int], texts: Sequence[str], due: Sequence[int]) -> None:
    """Take posts that are done, and their texts, out of the queue; what is due later waits."""
    _FINISH_TEXTS(db, texts=json.dumps(texts))
    _DROP(db, posts=json.dumps(posts))
    if due:
        _FILL(db, posts=json.dumps(due))


def renew(db: Connection, posts: Collection[int], worker: str, until: str) -> set[int]:
    """Make the leases of a worker longer; return the posts that it has still claimed."""
    # First the posts: who claims them by now may wait for the texts.
    held = {post for (post,) in _RENEW(db, posts=_listed(posts), worker=worker, until=until)}
    _RENEW_TEXTS(db, worker=worker, until=until)
    return held


def release(db: Connection, posts: Collection[int], worker: str) -> None:
    """Give back those of the posts that a worker has, and forget those that wait for nobody."""
    if posts:
        _LEAVE(db, posts=_listed(posts), worker=worker)
        _RELEASE(db, posts=_listed(posts), worker=worker)


def release_texts(db: Connection, worker: str) -> None:
    """Give back all texts that a worker has claimed."""
    _RELEASE_TEXTS(db, worker=worker)


def any_claimed(db: Connection) -> bool:
    """Tell whether anything is claimed."""
    return _ANY_CLAIMED(db).fetchone() is not None


def release_all(db: Connection) -> None:
    """Give back what is claimed by anybody: they are dead, and so each post has a lapse more."""
    _RELEASE_ALL(db)
    _RELEASE_ALL_TEXTS(db)


def _listed(posts: Iterable[int]) -> str:
    return json.dumps(sorted(posts))
