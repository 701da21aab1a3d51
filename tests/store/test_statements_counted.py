"""No statement runs once for each post: a server would be asked a thousand times for a page.

What is done with forty posts takes as many statements as with ten; one that runs with many rows
counts as one.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from support.make import PROVENANCE, page, post, tag
from support.sql import reading
from tgtagger.decide import update_after
from tgtagger.model.posts import IdRange, PostFilter
from tgtagger.model.tagging import Attempt, SuggestedTag, Tagged, TagUpdate
from tgtagger.store import Store
from tgtagger.store.statements import Cursor, Statement

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PENDING = PostFilter(statuses=("pending",))


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count the statements that run in the body."""
    counts: Counter[str] = Counter()
    call, many, execute = Statement.__call__, Statement.many, Connection.execute

    def called(self: Statement, db: Connection, /, **values: object) -> Cursor:
        counts[self.sql] += 1
        return call(self, db, **values)

    def of_many(self: Statement, db: Connection, rows: Iterable[Sequence[object]]) -> Cursor:
        counts[self.sql] += 1
        return many(self, db, rows)

    def executed(
        self: Connection, statement: Any, *rest: Any, **named: Any
    ) -> sa.CursorResult[Any]:
        counts[str(statement)] += 1
        return execute(self, statement, *rest, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Statement, "__call__", called)
        patched.setattr(Statement, "many", of_many)
        patched.setattr(Connection, "execute", executed)
        yield counts


def texts(store: Store, count: int, word: str = "storm", **facts: Any) -> None:
    posts = (post(n, f"{word} number{n} harbour", **facts) for n in range(1, count + 1))
    store.posts.save_page(page(*posts))


def tagged(store: Store, count: int) -> None:
    texts(store, count)
    tag(store, ["one", "two"])


def album(store: Store, count: int, word: str = "storm") -> None:
    posts = (post(n, f"{word} {n}", ids=(n, n + 1)) for n in range(1, 3 * count, 3))
    store.posts.save_page(page(*posts, source="telegram"))


def results(store: Store, count: int) -> list[TagUpdate]:
    texts(store, count)
    outcome = Tagged((SuggestedTag("one"), SuggestedTag("two")))
    claims = store.queue.claims(PENDING, "worker", by_text=True)
    return [
        update_after(each, outcome, PROVENANCE, now=NOW, remember=True)
        for claimed in claims.take()
        for each in claimed
    ]


def save(store: Store, updates: list[TagUpdate]) -> None:
    attempts = [(each.id, Attempt(NOW, "model")) for each in updates]
    assert all(store.queue.save(updates, store.runs.start("tag", PROVENANCE), attempts))


def given(store: Store, count: int) -> None:
    tagged(store, count)
    store.curation.drop_from(PostFilter(), ["one"])
    store.curation.add_to(PostFilter(), ["two", "three"])
    store.curation.merge(["two"], "three")


def retagged(store: Store, count: int) -> None:
    tagged(store, count)
    tag(store, ["three"])


def last(store: Store) -> int:
    with reading(store) as db:
        (number,) = db.execute(
            "SELECT max(id) FROM (SELECT id FROM runs UNION SELECT id FROM tag_changes)"
        ).fetchone()
    return int(number)


Doing = tuple[Callable[[Store, int], Any], Callable[[Store, int, Any], object]]

DOINGS: dict[str, Doing] = {
    "new posts": (lambda _store, _: None, lambda store, n, _: texts(store, n)),
    "the same again": (texts, lambda store, n, _: texts(store, n)),
    "more views": (texts, lambda store, n, _: texts(store, n, views=7)),
    "edited posts": (tagged, lambda store, n, _: texts(store, n, "edited")),
    "albums": (lambda _store, _: None, lambda store, n, _: album(store, n)),
    "edited albums": (album, lambda store, n, _: album(store, n, "edited")),
    "deleted posts": (
        texts,
        lambda store, n, _: store.posts.save_page(
            page(post(n + 1, "new"), covers=IdRange(1, n + 1))
        ),
    ),
    "claims": (
        texts,
        lambda store, *_: len([*store.queue.claims(PENDING, "worker", by_text=True).take()]),
    ),
    "results": (results, lambda store, _, updates: save(store, updates)),
    "results again": (tagged, lambda store, *_: tag(store, ["three"])),
    "a tag removed": (tagged, lambda store, *_: store.curation.remove(["one"])),
    "a tag given": (texts, lambda store, *_: store.curation.add_to(PostFilter(), ["more"])),
    "a tag taken off": (tagged, lambda store, *_: store.curation.drop_from(PostFilter(), ["one"])),
    "tags merged": (tagged, lambda store, *_: store.curation.merge(["one"], "two")),
    "a change undone": (given, lambda store, *_: store.changes.take_back(last(store))),
    "a run undone": (retagged, lambda store, *_: store.changes.take_back(last(store))),
    "a channel removed": (
        tagged,
        lambda store, *_: store.channels.remove("news", with_posts=True),
    ),
}


@pytest.mark.parametrize("name", DOINGS)
@pytest.mark.of_file
def test_more_posts_take_no_more_statements(store: Store, name: str) -> None:
    prepare, do = DOINGS[name]
    counts = []
    for number in (10, 40):
        prepared = prepare(store, number)
        with counting() as counted:
            do(store, number, prepared)
        counts.append(counted)
        if store.status.channels():
            store.channels.remove("news", with_posts=True)
    grown = {sql: count for sql, count in (counts[1] - counts[0]).items() if count > 1}
    assert grown == {}
