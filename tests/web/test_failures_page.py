"""The page of failures: classes in words, what to do, and jobs that try again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from support.make import EPOCH, page, post
from support.sql import plan, writing
from support.visitor import Visitor, fields, told, words
from tgtagger.decide import update_after
from tgtagger.model.choices import FailureClass
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Provenance, TaggingError
from tgtagger.store import Store
from tgtagger.store.status import FAILED_POSTS
from tgtagger.web.pages.failures import ADVICE
from tgtagger.web.words import REASONS


@pytest.fixture
def visitor(store: Store) -> Iterator[Visitor]:
    store.posts.save_page(page(*(post(n, f"<i>text</i> {n}") for n in range(1, 5))))
    run = store.runs.start("tag", Provenance("llm", "m"))
    errors = (
        TaggingError("server", "HTTP 500 <b>"),
        TaggingError("refused", "no"),
        TaggingError("server", "HTTP 502"),
    )
    found = list(store.queue.posts(PostFilter()))
    store.queue.save(
        [
            update_after(item, error, Provenance("llm", "m"), now=EPOCH)
            for item, error in zip(found, errors, strict=False)
        ],
        run,
    )
    with Visitor(store.path) as made:
        yield made


def test_each_class_says_what_to_do(visitor: Visitor) -> None:
    shown = words(visitor.get("/failures"))
    assert "3 posts could not be tagged" in shown
    assert "The server had a fault 2 posts" in shown
    assert "If it stays so, name another model." in shown
    assert "The provider refused the text 1 post" in shown
    assert "<b>" not in visitor.get("/failures").text


def test_every_class_has_a_reason_and_advice() -> None:
    assert set(REASONS) == set(get_args(FailureClass))
    assert set(ADVICE) == {*get_args(FailureClass), "used_up"}


def test_a_class_lists_its_posts_the_newest_first(visitor: Visitor) -> None:
    answer = visitor.get("/failures?shown=server")
    assert words(answer).index("text</i> 4") < words(answer).index("text</i> 2")
    assert "/posts/1006503122-4" in answer.text
    assert "text</i> 3" not in words(answer)


def test_one_a_class_and_all_are_tried_again(visitor: Visitor, store: Store) -> None:
    answer = visitor.post("/failures/retry", {"post": "1006503122-4"}, target="failures")
    assert told(answer) == "They will be tried again. Job 1"
    visitor.post("/failures/retry", {"failure": "server"})
    visitor.post("/failures/retry", fields(visitor.get("/failures"), "/failures/retry"))
    visitor.post("/failures/retry", {})  # all: the same wish again
    assert [(job.kind, job.params) for job in store.jobs.open()] == [
        ("retry", {"posts": ["1006503122-4"], "force": True}),
        ("retry", {"classes": ["server"], "force": True}),
        ("retry", {"force": True}),
    ]


@pytest.mark.parametrize("form", [{"failure": "bad luck"}, {"post": "nothing"}])
def test_what_is_not_there_is_not_tried(
    visitor: Visitor, store: Store, form: dict[str, str]
) -> None:
    assert visitor.post("/failures/retry", form).status_code in {400, 404}
    assert store.jobs.open() == ()


def test_posts_that_had_all_their_turns_wait_for_a_person(visitor: Visitor, store: Store) -> None:
    with writing(store) as db:
        db.execute("UPDATE posts SET next_attempt_at = NULL WHERE failure = 'server'")
    shown = words(visitor.get("/failures"))
    assert "They had all their tries" in shown
    assert "not by itself" in shown


def test_without_failures_the_page_says_so(store: Store) -> None:
    with Visitor(store.path) as visitor:
        assert "No post is failed." in words(visitor.get("/failures"))


def test_the_list_is_read_by_the_index_of_failed_posts(store: Store) -> None:
    steps = plan(store, FAILED_POSTS)
    assert any("USING INDEX ix_posts_failed" in step for step in steps), steps
