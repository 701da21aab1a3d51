"""Several workers share the posts that wait: each post and each text is one worker's at a time."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.make import PROVENANCE, page, post, tag
from support.sql import reading
from tgtagger.decide import update_after
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Attempt, PostForTagging, SuggestedTag, Tagged
from tgtagger.store import Store

PENDING = PostFilter(statuses=("pending",))
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def fill(store: Store, *texts: str) -> None:
    store.posts.save_page(page(*(post(at, text) for at, text in enumerate(texts, 1))))


def claim(store: Store, worker: str, wanted: PostFilter = PENDING) -> list[PostForTagging]:
    return list(store.queue.claim(wanted, worker))


def numbers(posts: Sequence[PostForTagging]) -> list[int]:
    return [each.id.message_id for each in posts]


def finish(store: Store, item: PostForTagging, name: str = "tag") -> bool:
    run = store.runs.start("tag", PROVENANCE)
    outcome = Tagged((SuggestedTag(name),))
    update = update_after(item, outcome, PROVENANCE, now=NOW, remember=True)
    (kept,) = store.queue.save([update], run, [(item.id, Attempt(NOW, "model"))])
    return kept


def claimed(store: Store) -> list[tuple[object, ...]]:
    with reading(store) as db:
        return db.execute(
            "SELECT worker, lease_until IS NOT NULL, text_hash IS NOT NULL FROM tag_queue"
        ).fetchall()


@pytest.fixture
def no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are over at once."""
    monkeypatch.setattr("tgtagger.store.queue.LEASE", dt.timedelta(seconds=-1))


def test_what_one_worker_has_another_one_has_not(store: Store) -> None:
    fill(store, "a", "b", "c")
    assert numbers(claim(store, "one", PostFilter(statuses=("pending",), limit=2))) == [3, 2]
    assert numbers(claim(store, "two")) == [1]
    assert claim(store, "three") == []
    store.queue.release("one")
    assert numbers(claim(store, "three")) == [3, 2]


def test_an_equal_text_is_left_to_who_has_the_first(store: Store) -> None:
    fill(store, "same", "other", "same")
    assert numbers(claim(store, "one", PostFilter(statuses=("pending",), limit=1))) == [3]
    assert numbers(claim(store, "two")) == [2]
    assert numbers(claim(store, "one")) == [1]  # its own


def test_a_finished_post_leaves_the_queue(store: Store) -> None:
    fill(store, "a")
    (item,) = claim(store, "one")
    assert finish(store, item)
    assert claimed(store) == []
    assert store.queue.out_of_step() == 0


@pytest.mark.usefixtures("no_lease")
def test_whose_lease_is_over_finishes_nothing_that_another_has(store: Store) -> None:
    fill(store, "a")
    (old,) = claim(store, "one")
    (new,) = claim(store, "two")
    assert (old.claim, new.claim) == (1, 2)
    assert not finish(store, old, "old")
    found = store.answers.find(old.text_hash, [PROVENANCE])  # it was paid for
    assert found == (PROVENANCE, (SuggestedTag("old"),))
    assert finish(store, new, "new")
    assert store.records.post("news/1").post.tags == ("new",)
    assert len(store.records.post("news/1").attempts) == 2
    assert not finish(store, new, "again")


@pytest.mark.usefixtures("no_lease")
def test_a_lease_that_ran_out_is_counted(store: Store) -> None:
    fill(store, "a")
    for worker in ("one", "two", "three"):
        claim(store, worker)
    with reading(store) as db:
        assert db.execute("SELECT attempts, token FROM tag_queue").fetchone() == (2, 3)


def test_a_renewed_lease_holds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, "a")
    with monkeypatch.context() as short:
        short.setattr("tgtagger.store.queue.LEASE", dt.timedelta(seconds=-1))
        claim(store, "one")
    store.queue.renew("one")
    assert claim(store, "two") == []


def test_a_lease_of_a_wrong_clock_holds_nobody_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "a")
    with monkeypatch.context() as ahead:
        ahead.setattr("tgtagger.store.queue.LEASE", dt.timedelta(days=365))
        claim(store, "one")
    assert numbers(claim(store, "two")) == [1]


def test_a_post_that_is_tagged_anew_is_claimed_as_long(store: Store) -> None:
    fill(store, "a", "b")
    tag(store, ["x"])
    whole = PostFilter()
    assert numbers(claim(store, "one", whole)) == [2, 1]
    assert claim(store, "two", whole) == []
    assert (store.queue.out_of_step(), store.queue.count(PENDING)) == (0, 0)
    store.queue.release("one")
    assert claimed(store) == []


def test_what_another_has_tagged_meanwhile_is_not_claimed(store: Store) -> None:
    fill(store, *(f"text {number}" for number in range(300)))
    slow = store.queue.claim(PENDING, "slow")
    next(slow)  # the first two hundred are its own; it knows of all
    for item in claim(store, "quick"):
        assert finish(store, item)
    assert len(list(slow)) == 199
    assert store.queue.out_of_step() == 0


def test_who_may_not_have_a_post_leaves_no_trace_of_it(store: Store) -> None:
    """Its text is another's; the post itself is tagged, and does not wait."""
    fill(store, "same", "same")
    (first, _) = claim(store, "one")
    assert finish(store, first)
    assert claim(store, "two", PostFilter()) == []
    assert claimed(store) == [("one", 1, 1)]


def test_an_edited_post_is_nobody_s(store: Store) -> None:
    fill(store, "a")
    (item,) = claim(store, "one")
    fill(store, "edited")
    assert not finish(store, item)
    assert numbers(claim(store, "two")) == [1]


def test_who_comes_when_no_one_is_at_work_frees_what_the_dead_had(store: Store, db: Path) -> None:
    fill(store, "a")
    with store.lock("tag", shared=True):
        claim(store, "dead")
        with Store.open(str(db)) as other, other.lock("tag", shared=True):
            assert claim(other, "living") == []  # somebody is at work: perhaps it is not dead
    with store.lock("tag", shared=True):
        assert numbers(claim(store, "living")) == [1]


WORKER = """
import sys, datetime as dt
from tgtagger.decide import update_after
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Attempt, Provenance, SuggestedTag, Tagged
from tgtagger.store import Store
made = Provenance("llm", "model", "prompt", "vocabulary")
with Store.open(sys.argv[1]) as store:
    run = store.runs.start("tag", made)
    for item in store.queue.claim(PostFilter(statuses=("pending",)), f"run {run}"):
        asked = store.answers.find(item.text_hash, [made]) is None
        now = dt.datetime.now(dt.UTC)
        update = update_after(item, Tagged((SuggestedTag("tag"),)), made, now=now, remember=True)
        store.queue.save([update], run, [(item.id, Attempt(now, "model"))] if asked else [])
    store.queue.release(f"run {run}")
"""


def test_four_processes_ask_for_each_text_once(store: Store, db: Path) -> None:
    fill(store, *(f"text {number % 900}" for number in range(1200)))
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, str(db)]) for _ in range(4)]
    assert [worker.wait(120) for worker in workers] == [0] * 4
    with reading(store) as raw:
        twice = raw.execute(
            "SELECT p.text_hash, count(*) FROM attempts AS a JOIN posts AS p ON p.id = a.post_id "
            "GROUP BY 1 HAVING count(*) > 1"
        ).fetchall()
        left = raw.execute("SELECT count(*) FROM tag_queue").fetchone()
    assert twice == []
    assert left == (store.queue.count(PENDING),)
    assert store.queue.out_of_step() == 0
