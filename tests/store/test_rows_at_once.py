"""What is written for many rows in one go is what is written one by one, whatever the values."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from support.make import page, post
from support.sql import reading
from tgtagger.decide import update_after
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Provenance, SuggestedTag, Tagged, TaggingError
from tgtagger.store import Store
from tgtagger.store.postgres.arrays import run
from tgtagger.store.statements import Statement

TEXTS = (
    "", "NULL", "null", "a,b", '"', "\\", '\\"', "{}", "{a}", "line\nnext\ttab\r", "it's", "%s %",
    "é ё 日本", "🌊", "\x01\x7f", " blank ", "\\n", "$1", ":at", "x" * 10_000,
)  # fmt: skip
"""Texts that mean something in an array, in SQL or to a driver."""

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def save(store: Store, made: Provenance, outcomes: list[Any]) -> list[bool]:
    store.posts.save_page(
        page(*(post(number, f"text {number}") for number in range(len(outcomes))))
    )
    updates = [
        update_after(item, outcomes[item.id.message_id], made, now=NOW)
        for item in store.queue.posts(PostFilter())
    ]
    return store.queue.save(updates, store.runs.start("tag", made))


def column(store: Store, sql: str) -> list[Any]:
    with reading(store) as db:
        return [value for (value,) in db.execute(sql).fetchall()]


def test_any_text_is_kept_as_it_is(store: Store) -> None:
    failed = [TaggingError("network", text) for text in TEXTS]
    assert all(save(store, Provenance("keywords", "1"), failed))
    assert column(store, "SELECT error FROM posts ORDER BY message_id") == [*TEXTS]


def test_any_provenance_is_kept_as_it_is(store: Store) -> None:
    for text in TEXTS:
        made = Provenance("llm", text, None, text)
        assert save(store, made, [Tagged((SuggestedTag("one"), SuggestedTag("two")))]) == [True]
        assert column(store, "SELECT model FROM post_tags") == [text, text]
        assert column(store, "SELECT prompt FROM post_tags") == [None, None]
        store.channels.remove("news", with_posts=True)


def test_any_provenances_of_one_page_are_kept_as_they_are(store: Store) -> None:
    """Of a database that keeps U+0000; the other has a sign in its place."""
    texts = [*TEXTS, "a\0b"]
    store.posts.save_page(page(*(post(number, f"text {number}") for number in range(len(texts)))))
    one = Tagged((SuggestedTag("one"),))
    updates = [
        update_after(item, one, Provenance("llm", texts[item.id.message_id]), now=NOW)
        for item in store.queue.posts(PostFilter())
    ]
    assert all(store.queue.save(updates, store.runs.start("tag", updates[0].provenance)))
    found = column(store, "SELECT model FROM post_tags ORDER BY post_id")
    assert found in ([*TEXTS, "a\0b"], [*TEXTS, "a\ufffdb"])


def test_a_provenance_that_is_no_text_fails_its_post_alone(store: Store) -> None:
    store.posts.save_page(page(*(post(number, f"text {number}") for number in range(3))))
    one = Tagged((SuggestedTag("one"),))
    models = ("good", "bad \ud800", "good, too")
    updates = [
        update_after(item, one, Provenance("llm", models[item.id.message_id]), now=NOW)
        for item in store.queue.posts(PostFilter())
    ]
    saved = store.queue.save(updates, store.runs.start("tag", updates[0].provenance))
    assert sorted(saved) == [False, True, True]
    assert column(store, "SELECT model FROM post_tags ORDER BY post_id") == ["good", "good, too"]


def test_a_value_that_cannot_be_kept_fails_its_post_alone(store: Store) -> None:
    outcomes = [TaggingError("network", text) for text in ("good", "bad \ud800", "good, too")]
    assert sorted(save(store, Provenance("keywords", "1"), outcomes)) == [False, True, True]
    found = column(store, "SELECT error FROM posts ORDER BY message_id")
    assert found == ["good", None, "good, too"]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM tags WHERE id = :id",
        "INSERT INTO answers (key) VALUES (:key) ON CONFLICT (key) DO UPDATE SET at = :at",
        "UPDATE posts SET attempts = attempts + :more WHERE id = :id",
    ],
)
def test_a_statement_that_is_not_for_a_set_is_refused(sql: str) -> None:
    with pytest.raises(AssertionError, match="not for many rows"):
        run(None, sql, [(1, 2)])  # type: ignore[arg-type]


def test_without_rows_nothing_runs(store: Store) -> None:
    with store._database.read() as db:
        Statement("no SQL at all").at_once(db, [])
