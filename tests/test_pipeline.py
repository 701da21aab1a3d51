"""Between store and tagger: which posts are asked for, and what is known of them already."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Iterable

import pytest

from support.events import RecordedEvents
from support.make import page, post
from tgtagger import pipeline
from tgtagger.decide import update_after
from tgtagger.model.events import Events
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import (
    Answered,
    Estimate,
    PostForTagging,
    Provenance,
    Spending,
    SuggestedTag,
    Tagged,
)
from tgtagger.store import LEASE, Store

PENDING = PostFilter(statuses=("pending",))
MADE = Provenance("llm", "model", "prompt", None)
OUTCOME = Tagged((SuggestedTag("storm"),))


class Slow:
    """A paid tagger: after its first post the clock is late, and another run has had the others."""

    provenances, paid, spending = (MADE,), True, Spending()

    def __init__(self, store: Store, late: dt.timedelta) -> None:
        self._store, self._late = store, late
        self.at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        self.asked: list[int] = []

    def estimate(self, posts: Iterable[PostForTagging], *, mean_seconds: float | None) -> Estimate:
        raise AssertionError("no estimate is asked for")

    async def tag(
        self, posts: Iterable[PostForTagging], events: Events
    ) -> AsyncGenerator[tuple[Answered, ...]]:
        del events
        for each in posts:
            self.asked.append(each.id.message_id)
            if len(self.asked) == 1:
                self._answer_elsewhere()
                self.at += self._late
            yield (Answered(each, MADE, OUTCOME),)

    def _answer_elsewhere(self) -> None:
        run = self._store.runs.start("tag", MADE)
        updates = [
            update_after(each, OUTCOME, MADE, now=self.at, remember=True)
            for each in self._store.queue.posts(PENDING)
            if each.id.message_id not in self.asked
        ]
        self._store.queue.keep_paid(updates, run)


@pytest.mark.parametrize(
    ("late", "asked"),
    [(LEASE, [3]), (-LEASE, [3]), (LEASE / 4, [3, 2, 1])],
    ids=["late", "a clock set back", "in time"],
)
async def test_who_slept_longer_than_its_claims_last_asks_for_nothing_that_was_answered(
    store: Store, late: dt.timedelta, asked: list[int]
) -> None:
    store.posts.save_page(page(*(post(number, f"words {number}") for number in (1, 2, 3))))
    tagger = Slow(store, late)
    run = store.runs.start("tag", MADE)
    rules = pipeline.TagRules(clock=lambda: tagger.at)
    results = [
        each async for each in pipeline.tag(store, tagger, PENDING, run, RecordedEvents(), rules)
    ]
    assert tagger.asked == asked
    assert sorted(each.id.message_id for each in results) == [1, 2, 3]
    assert store.queue.count(PENDING) == 0
