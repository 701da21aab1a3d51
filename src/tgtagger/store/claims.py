"""What a worker has claimed: it alone works at these posts, as long as it says so in time.

The ids of a filter are read once; then they are claimed a few at a time, each few in a transaction
of its own, and what others have is passed over. Posts whose worker died come last, and fewer at a
time: the next ones are claimed when these are done. So a post of which workers die is alone in the
end, and starves no other. Reads the posts for a tagger, too. Knows no rule of status.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from array import array
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import PostForTagging, PostId
from tgtagger.store import tag_queue
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Database, HasDatabase, one_transaction
from tgtagger.store.post_rows import text_for_tagging
from tgtagger.store.query import Query, query_for
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.tag_queue import Lease
from tgtagger.store.times import to_text
from tgtagger.store.values import plain

CLAIMED = 200
"""Posts claimed at a time: what others may not have while a worker comes to it."""

CLAIMED_BY_TEXT = 40
"""The same with their texts: these take their time, and others want some, too."""

QUICK = 0.5
"""Seconds: posts that are used up in less are followed by twice as many, up to CLAIMED."""

AHEAD = 10 * CLAIMED
"""Posts that are looked at, at most, to find some that others have left free."""

HELD = 10 * CLAIMED
"""Posts that were claimed, of which it is looked up how many are done."""

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

_POSTS = Statement(f"SELECT {FOR_TAGGING} FROM posts AS p WHERE p.id IN few(:ids)")
_ROW_FOR_TAGGING = RowCheck(
    "posts.id", "posts.channel_id", "posts.message_id", "posts.text", "posts.media_text",
    plain("posts.text_hash"), "posts.attempts", "channels.title",
)  # fmt: skip


class Claims(HasDatabase):
    """The claims of a worker on the posts of a filter. Call `renew` in less than a LEASE.

    `by_text`: posts with equal texts are one worker's, too.
    """

    def __init__(
        self,
        database: Database,
        wanted: PostFilter,
        worker: str,
        *,
        by_text: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(database)
        self._wanted = wanted
        self._worker = worker
        self._by_text = by_text
        self._clock = clock
        self._size = self._least = CLAIMED_BY_TEXT if by_text else CLAIMED
        self._left: _Left | None = None
        self._held: set[int] = set()
        self._unsafe: set[int] = set()  # of these, posts of which perhaps a worker died
        self.is_over = False

    def take(self) -> Iterator[list[PostForTagging]]:
        """Yield the posts as they are claimed: the newest first, of failed ones those tried least.

        Left out is what another worker works at, posts with an equal text, too. Ends early, with
        `is_over` False, before posts whose worker died while others of them are not done: then call
        it again.
        """
        if self._left is None:
            self._left = self._read_ids()
        while not self._waits():
            chosen, most = self._left.next(self._size)
            if not chosen:
                self.is_over = True
                return
            claims, found = self._claim(chosen, most)
            self._left.move_on(chosen, most, claims)
            at = self._clock()
            yield [found[number] for number in chosen if number in found]
            if found:
                is_quick = self._clock() - at < QUICK
                size = 2 * self._size if is_quick else self._size // 2
                self._size = max(self._least, min(size, CLAIMED))

    @one_transaction
    def _read_ids(self) -> _Left:
        with self._database.read() as db:
            return _left(db, self._wanted)

    @one_transaction
    def _claim(
        self, chosen: array[int], most: int
    ) -> tuple[Collection[int], dict[int, PostForTagging]]:
        """Claim what is free of these; return what was, and the posts that are the worker's now."""
        lease = self._lease()
        with self._database.write(beside=True) as db:
            if len(self._held) > HELD:
                self._held = tag_queue.own(db, self._held, lease.worker)
            if not _waits_in_queue(self._wanted):
                tag_queue.join(db, chosen)
            claims = tag_queue.claim(db, chosen, lease, most)
            found = self._still_wanted(db, claims)
            if self._by_text and found:
                mine = tag_queue.claim_texts(db, {each.text_hash for each in found.values()}, lease)
                found = {number: each for number, each in found.items() if each.text_hash in mine}
            left = {*(claims if _waits_in_queue(self._wanted) else chosen)} - {*found}
            tag_queue.release(db, left, lease.worker)
        self._held.update(found)
        self._unsafe = {number for number, each in found.items() if each.lapses}
        return claims.keys(), found

    def _still_wanted(
        self, db: Connection, claims: Mapping[int, tuple[int, int]]
    ) -> dict[int, PostForTagging]:
        """Return the posts of claims; by now another worker may have tagged some of them."""
        if not claims:
            return {}
        query = query_for(db, replace(self._wanted, limit=None))
        query.add("p.id IN few(:posts)", posts=json.dumps([*claims]))
        return {
            row[0]: post_for_tagging(row, *claims[row[0]]) for row in query.select(FOR_TAGGING)(db)
        }

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


class _Left:
    """The ids of a filter that are left, in the order of claims.

    They are in parts, each with how many are claimed at a time; None: as many as are used up. By
    now others have claimed some. `looks_ahead`: as many more are looked at as there were last time.
    """

    def __init__(
        self, parts: Iterable[tuple[array[int], int | None]], *, looks_ahead: bool
    ) -> None:
        self._parts = deque(parts)
        self._at = 0
        self._looks_ahead = looks_ahead
        self._ahead = 0

    def next(self, size: int) -> tuple[array[int], int]:
        """Return the next ids, and how many of them shall be claimed at most."""
        while self._parts:
            ids, fixed = self._parts[0]
            most = fixed or size
            if chosen := ids[self._at : self._at + most + (0 if fixed else self._ahead)]:
                return chosen, most
            self._parts.popleft()
            self._at = 0
        return array("q"), 0

    def move_on(self, chosen: array[int], most: int, claimed: Collection[int]) -> None:
        """Go behind the last one that was claimed, or if there were too few, behind all."""
        is_full = len(claimed) == most
        done = len(chosen)
        if is_full:
            done = max(at for at, number in enumerate(chosen, 1) if number in claimed)
        self._at += done
        if self._looks_ahead:
            self._ahead = min(done - most if is_full else 2 * done, AHEAD)


def _waits_in_queue(wanted: PostFilter) -> bool:
    """Tell whether the queue gives the posts of a filter, the newest first."""
    return wanted.statuses == ("pending",)


def _left(db: Connection, wanted: PostFilter) -> _Left:
    """Return the ids of a filter at which nobody works now."""

    def ids(*conditions: str, order: str | None, limit: int | None) -> array[int]:
        query = query_for(db, wanted)
        add_held(query, is_held=False)
        for condition in conditions:
            query.add(condition)
        return ids_of(db, query, order=order, limit=limit)

    order, limit = order_of(wanted), wanted.limit
    looks_ahead = _waits_in_queue(wanted)
    if not tag_queue.any_lapsed(db):
        return _Left([(ids(order=order, limit=limit), None)], looks_ahead=looks_ahead)
    first = ids(f"NOT {tag_queue.LAPSED}", order=order, limit=limit)
    left = None if limit is None else limit - len(first)
    lapsed = f"{tag_queue.LAPSES} {{}} 1".format
    order = f"{tag_queue.LAPSES}, {order or 'p.id DESC'}"
    once = ids(tag_queue.LAPSED, lapsed("="), order=order, limit=left)
    left = None if left is None else left - len(once)
    often = ids(tag_queue.LAPSED, lapsed(">"), order=order, limit=left)
    parts = ((first, None), (once, LAPSED_ONCE), (often, 1))
    return _Left(parts, looks_ahead=looks_ahead)


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
    return array("q", (post for (post,) in query.select("p.id", order=order, limit=limit)(db)))


def read_posts(db: Connection, ids: Sequence[int]) -> dict[int, PostForTagging]:
    """Return posts by their ids."""
    rows = _POSTS(db, ids=json.dumps([*ids]))
    return {row[0]: post_for_tagging(row) for row in rows}


def post_for_tagging(
    row: Sequence[Any], claim: int | None = None, lapses: int = 0
) -> PostForTagging:
    """Return a post from its row, and what its claim says."""
    _, channel_id, message_id, text, media_text, text_hash, attempts, title = _ROW_FOR_TAGGING(row)
    words = text_for_tagging(text, media_text)
    post = PostId(channel_id, message_id)
    return PostForTagging(post, words, text_hash, attempts, title or "", claim, lapses)
