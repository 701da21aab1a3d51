"""The page of runs: what each did in words, what it cost, and its undo."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator

import pytest

from support.make import EPOCH, page, post, tag
from support.visitor import Visitor, fields, told, words
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Attempt
from tgtagger.runs.note import Deeds, deeds_of
from tgtagger.store import Store

STOPPED = {"class": "cost_cap", "message": "the <b>cap</b> was reached", "hint": None}
TAGGED = {"tagged": 90, "failed": 2, "cost_usd": 0.0123, "requests": 9, "stopped": STOPPED}


@pytest.fixture
def visitor(store: Store) -> Iterator[Visitor]:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 6))))
    with Visitor(store.path) as made:
        yield made


def run(
    store: Store, command: str, code: int | None, summary: dict[str, object] | None = None
) -> int:
    number = store.runs.start(command)
    if code is not None:
        store.runs.end(number, code, json.dumps(summary))
    return number


def test_each_run_says_what_it_did(visitor: Visitor, store: Store) -> None:
    run(store, "tag", 75, TAGGED)
    gone = [{"title": "Gone", "error": "no such channel"}]
    parse = {"new": 3, "updated": 1, "channels": gone}
    run(store, "sync", 4, {"parse": parse, "tag": {"tagged": 3}, "retry": {"tagged": 1234}})
    run(store, "parse", None)
    shown = words(visitor.get("/runs"))
    assert "tagged posts 90 tagged, 2 failed to try later the <b>cap</b> was reached" in shown
    assert "0.0123 USD" in shown
    assert "read and tagged 3 new, 1 updated, 1,237 tagged a channel is not to be had" in shown
    assert "Gone : no such channel" in shown
    assert "read channels at work, or killed" in shown


def test_runs_that_did_nothing_are_shown_on_demand(visitor: Visitor, store: Store) -> None:
    idle = run(store, "sync", 0, {"parse": {"new": 0}})
    run(store, "sync", 0, {"parse": {"new": 1}})
    assert f'id="run-{idle}"' not in visitor.get("/runs").text
    assert f'id="run-{idle}"' in visitor.get("/runs?all=true").text


def test_older_runs_follow_by_number(visitor: Visitor, store: Store) -> None:
    numbers = [run(store, "parse", 0, {"new": 1}) for _ in range(35)]
    seen: list[str] = []
    path = "/runs"
    while path:
        answer = visitor.get(path)
        seen += [part.partition('"')[0] for part in answer.text.split('<tr id="run-')[1:]]
        path = answer.text.partition('rel="next" href="')[2].partition('"')[0]
    assert [int(number) for number in seen] == sorted(numbers, reverse=True)


def test_a_run_that_left_tags_is_undone(visitor: Visitor, store: Store) -> None:
    tag(store, ["sea"])
    answer = visitor.post("/tags/undo", fields(visitor.get("/runs"), "/tags/undo"), target="runs")
    assert told(answer) == "Undone: 5 posts."
    assert "/tags/undo" not in answer.text
    assert store.tags.counts() == ()


def test_costs_are_plotted_by_day(visitor: Visitor, store: Store) -> None:
    number = store.runs.start("tag")
    now = dt.datetime.now(dt.UTC)
    found = [item.id for item in store.queue.posts(PostFilter())]
    days = (now, now - dt.timedelta(days=3), EPOCH - dt.timedelta(days=900))
    attempts = [(found[at], Attempt(day, "m", cost_usd=0.25)) for at, day in enumerate(days)]
    store.queue.save([], number, attempts)
    shown = words(visitor.get("/runs"))
    assert "What the models cost by day, USD" in shown
    assert "0.5000 USD in all" in shown
    store.queue.save([], number, [(found[0], Attempt(now, "m", cost_usd=2.0))])
    visitor.app.state.archive.forget()
    assert "2.50 USD in all" in words(visitor.get("/runs"))


@pytest.mark.parametrize("summary", [None, "[]", "{}", '{"tagged": "many", "channels": null}'])
def test_a_summary_that_says_nothing_is_no_deed(summary: str | None) -> None:
    assert deeds_of(summary) == Deeds({})


def test_an_archive_without_runs_says_how_to_begin(store: Store) -> None:
    with Visitor(store.path) as visitor:
        assert "No run yet." in words(visitor.get("/runs"))
