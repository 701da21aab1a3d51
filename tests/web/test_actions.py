"""After an action: back to where one was, a word on it, shown once, and its undo."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from support.make import page, post, tag
from support.visitor import Visitor, fields, told
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.web.actions import own_place


@pytest.fixture
def visitor(store: Store) -> Iterator[Visitor]:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 21))))
    tag(store, ["storm", "sea"])
    with Visitor(store.path) as made:
        yield made


def tags_of(store: Store) -> set[str]:
    return {name for post in store.records.posts(PostFilter()) for name in post.tags}


def test_an_undo_goes_back_and_is_told_once(visitor: Visitor, store: Store) -> None:
    number = store.curation.rename("storm", "gale").number
    answer = visitor.post("/tags/undo", {"number": number, "next": "/?query=sea"})
    assert (answer.url.path, answer.url.query) == ("/", b"query=sea")
    assert told(answer) == "Undone: 20 posts."
    assert told(visitor.get("/")) == ""
    assert tags_of(store) == {"storm", "sea"}


def test_a_run_is_undone_only_when_the_person_is_sure(visitor: Visitor, store: Store) -> None:
    asked = visitor.post("/tags/undo", {"number": 1, "next": "/"})
    assert "Undo run 1?" in asked.text
    assert "20 posts" in asked.text
    assert tags_of(store) == {"storm", "sea"}
    visitor.post("/tags/undo", fields(asked, "/tags/undo"))
    assert tags_of(store) == set()


def test_htmx_gets_the_part_with_the_word_beside_it(visitor: Visitor, store: Store) -> None:
    number = store.curation.rename("storm", "gale").number
    answer = visitor.post("/tags/undo", {"number": number, "next": "/"}, target="results")
    assert "<html" not in answer.text
    assert 'id="told" hx-swap-oob="innerHTML"' in answer.text
    assert told(answer) == "Undone: 20 posts."


def test_htmx_gets_a_question_as_a_dialog(visitor: Visitor) -> None:
    asked = visitor.post("/tags/undo", {"number": 1, "next": "/"}, target="results")
    assert asked.headers["hx-retarget"] == "#asked"
    assert asked.text.strip().startswith("<dialog")
    assert 'hx-target="#results"' in asked.text


def test_what_fails_is_told_beside_the_page(visitor: Visitor) -> None:
    answer = visitor.post("/tags/undo", {"number": 999, "next": "/"}, target="results")
    assert answer.status_code == 404
    assert "<html" not in answer.text
    assert "999" in answer.text


def test_a_cookie_that_is_not_ours_shows_nothing(visitor: Visitor) -> None:
    for value in ("x", "e30=", "bnVsbA==", "eyJ0ZXh0IjogImEiLCAidW5kbyI6ICJiIn0=", "W1tb" * 5000):
        visitor._cookies.set("tgtagger_told", value)
        assert told(visitor.get("/")) == ""


def test_a_cookie_that_no_page_can_hold_is_shown_as_far_as_it_can_be(visitor: Visitor) -> None:
    told_by = {"text": "a \ud800", "undo": None, "job": None}
    value = base64.urlsafe_b64encode(json.dumps(told_by).encode()).decode()
    visitor._cookies.set("tgtagger_told", value)
    assert told(visitor.get("/")) == "a ?"


@pytest.mark.parametrize(
    "place",
    ["//evil.example", "/\\evil.example", "https://evil.example", "", "x", "/a\r\nSet-Cookie: x=y",
     "/\t/evil.example", "/é", "/a b"],
)  # fmt: skip
def test_no_action_leads_to_another_site(place: str) -> None:
    assert own_place(place) == "/"


def test_a_place_of_this_server_keeps_its_query() -> None:
    assert own_place("/tags?sort=name&filter=%D0%B0") == "/tags?sort=name&filter=%D0%B0"
