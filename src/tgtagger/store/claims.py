"""What a worker has claimed: it alone works at these posts, as long as it says so in time.

The ids of a filter are read once; then they are claimed a few at a time, each few in a transaction
of its own, and what others have is passed over. Posts whose worker died come last, and fewer at a
time: the next ones are claimed when these are done. So a post of which workers die is alone in the
end, and starves no other. Reads the posts for a tagger, too. Knows no rule of status.
"""

from __future__ import annotations

import datetime as dt
import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import PostForTagging, PostId
from tgtagger.store import tag_queue
from tgtagger.store.database import Database, HasDatabase, one_transaction
from tgtagger.store.post_rows import text_for_tagging
from tgtagger.store.query import Query, query_for
from tgtagger.store.statements import Statement
from tgtagger.store.tag_queue import Lease
from tgtagger.store.times import to_text
from tgtagger.store.values import RowCheck, plain

CLAIMED = 200
"""Posts claimed at a time: what others may not have while a worker comes to it."""

CLAIMED_BY_TEXT = 40
"""The same with their texts: these take their time, and others want some, too."""

LAPSED_ONCE = 10
"""Posts claimed at a time whose worker died once; after two deaths each is claimed alone."""

LEASE = dt.timedelta(minutes=5)
"""How long a worker may be silent before others get what it has claimed."""

LONGEST_LEASE = dt.timedelta(hours=1)
"""A lease that ends later than this was given by a clock that was wrong."""

# A post that was tagged or skipped and is tagged again begins with no turns.
FOR_TAGGING = (
    "p.id, p.channel_id, p.message_id, p.text, p.media_text, p.text_hash, "
    "CASE WHEN p.status IN ('tagged', 'skipped') THEN 0 ELSE p.attempts END, "
    "(SELECT title FROM channels WHERE id = p.channel_id)"
)
"""SQL: what a tagger needs of a post, `p`; `post_for_tagging` reads it."""

_POSTS = Statement(f"SELECT {FOR_TAGGING} FROM posts AS p WHERE p.id IN listed(:ids)")
_ROW_FOR_TAGGING = RowCheck(
    "posts.id", "posts.channel_id", "posts.message_id", "posts.text", "posts.media_text",
    plain("posts.text_hash"), "posts.attempts", "channels.title",
)  # fmt: skip


class Claims(HasDatabase):
    """The claims of a worker on the posts of a filter. Call `renew` in less than a LEASE.

    `by_text`: posts with equal texts are one worker's, too.
    """

    def __init__(
        self, database: Database, wanted: PostFilter, worker: str, *, by_text: bool
    ) -> None:
        super().__init__(database)
        self._wanted = wanted
        self._worker = worker
        self._by_text = by_text
        self._left: Iterator[array[int]] | None = None
        self._held: set[int] = set()
        self._unsafe: set[int] = set()  # of these, posts of which perhaps a worker died
        self.is_over = False

    def take(self) -> Iterator[PostForTagging]:
        """Yield the posts, each claimed, the newest first; of failed ones those of fewest turns.

        Left out is what another worker works at, posts with an equal text, too. Ends early, with
        `is_over` False, before posts whose worker died while others of them are not done: then call
        it again.
        """
        if self._left is None:
            self._left = self._read_ids()
        while not self._waits():
            chosen = next(self._left, None)
            if chosen is None:
                self.is_over = True
                return
            claims, found = self._claim_and_read(chosen)
            for number in chosen:
                if number in found:
                    token, lapses = claims[number]
                    yield replace(found[number], claim=token, lapses=lapses)

    @one_transaction
    def _read_ids(self) -> Iterator[array[int]]:
        size = CLAIMED_BY_TEXT if self._by_text else CLAIMED
        with self._database.read() as db:
            return _batches(db, self._wanted, size)

    @one_transaction
    def _claim_and_read(
        self, chosen: array[int]
    ) -> tuple[dict[int, tuple[int, int]], dict[int, PostForTagging]]:
        with self._database.write(beside=True) as db:
            claims = self._claim(db, chosen)
            return claims, read_posts(db, [*claims])

    @one_transaction
    def renew(self) -> None:
        """Make the leases longer."""
        lease = self._lease()
        with self._database.write(beside=True) as db:
            self._held = tag_queue.renew(db, self._held, lease.worker, lease.until)

    @one_transaction
    def release(self) -> None:
        """Give back all that is claimed and not finished."""
        with self._database.write(beside=True) as db:
            tag_queue.release(db, self._held, self._worker)
            tag_queue.release_texts(db, self._worker)
        self._held.clear()

    def _lease(self) -> Lease:
        at = dt.datetime.now(dt.UTC)
        until, latest = to_text(at + LEASE), to_text(at + LONGEST_LEASE)
        return Lease(self._worker, to_text(at), until, latest)

    @one_transaction
    def _waits(self) -> bool:
        """Tell whether posts whose worker died are not done yet: they go alone."""
        if self._unsafe:
            with self._database.read() as db:
                self._unsafe = tag_queue.own(db, self._unsafe, self._worker)
        return bool(self._unsafe)

    def _claim(self, db: Connection, chosen: array[int]) -> dict[int, tuple[int, int]]:
        """Claim what is free of these, and return the token and the lapses of each."""
        lease = self._lease()
        self._held = tag_queue.own(db, self._held, lease.worker)
        if self._wanted.statuses != ("pending",):
            tag_queue.join(db, chosen)
        claims = tag_queue.claim(db, chosen, lease)
        # By now another worker may have tagged some of them.
        query = query_for(db, replace(self._wanted, limit=None))
        query.add("p.id IN listed(:posts)", posts=json.dumps([*claims]))
        still = {*ids_of(db, query)}
        if self._by_text:
            still &= tag_queue.claim_texts(db, still, lease)
        tag_queue.release(db, {*chosen} - still, lease.worker)
        self._held |= still
        self._unsafe = {number for number in still if claims[number][1]}
        return {number: claims[number] for number in still}


def _batches(db: Connection, wanted: PostFilter, size: int) -> Iterator[array[int]]:
    """Return the ids of a filter at which nobody works now, in the order of claims."""

    def ids(*conditions: str, order: str | None, limit: int | None) -> array[int]:
        query = query_for(db, wanted)
        add_held(query, is_held=False)
        for condition in conditions:
            query.add(condition)
        return ids_of(db, query, order=order, limit=limit)

    order, limit = order_of(wanted), wanted.limit
    if not tag_queue.any_lapsed(db):
        return _parts(ids(order=order, limit=limit), size)
    first = ids(f"NOT {tag_queue.LAPSED}", order=order, limit=limit)
    left = None if limit is None else limit - len(first)
    lapsed = f"{tag_queue.LAPSES} {{}} 1".format
    order = f"{tag_queue.LAPSES}, {order or 'p.id DESC'}"
    once = ids(tag_queue.LAPSED, lapsed("="), order=order, limit=left)
    left = None if left is None else left - len(once)
    often = ids(tag_queue.LAPSED, lapsed(">"), order=order, limit=left)
    parts = ((first, size), (once, LAPSED_ONCE), (often, 1))
    return (chosen for some, few in parts for chosen in _parts(some, few))


def _parts(ids: array[int], size: int) -> Iterator[array[int]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))


def add_held(query: Query, *, is_held: bool = True) -> None:
    """Narrow a query to the posts at which anybody works, or nobody does."""
    at = dt.datetime.now(dt.UTC)
    condition = tag_queue.HELD if is_held else f"NOT {tag_queue.HELD}"
    query.add(condition, now=to_text(at), latest=to_text(at + LONGEST_LEASE))


# ---- posts for a tagger


def order_of(wanted: PostFilter) -> str | None:
    """Return the order of a filter's posts; None: the newest first.

    Failed posts with the fewest turns come first, so that one that always fails delays no other.
    """
    return "p.attempts, p.id DESC" if wanted.statuses == ("failed",) else None


def ids_of(
    db: Connection, query: Query, *, order: str | None = None, limit: int | None = None
) -> array[int]:
    """Return the ids of a query's posts."""
    return array("q", db.execute(query.select("p.id", order=order, limit=limit)).scalars())


def read_posts(db: Connection, ids: Sequence[int]) -> dict[int, PostForTagging]:
    """Return posts by their ids."""
    rows = _POSTS(db, ids=json.dumps([*ids]))
    return {row[0]: post_for_tagging(row) for row in rows}


def post_for_tagging(row: Sequence[Any]) -> PostForTagging:
    """Return a post from its row."""
    _, channel_id, message_id, text, media_text, text_hash, attempts, title = _ROW_FOR_TAGGING(row)
    words = text_for_tagging(text, media_text)
    return PostForTagging(PostId(channel_id, message_id), words, text_hash, attempts, title or "")
