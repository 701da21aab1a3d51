"""Several workers share the posts that wait: each post and each text is one worker's at a time."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.events import RecordedRun
from support.forked import start
from support.make import PROVENANCE, page, post, tag
from support.sql import reading, writing
from tgtagger import pipeline
from tgtagger.decide import update_after
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Attempt, PostForTagging, SuggestedTag, Tagged
from tgtagger.store import Claims, Store, tag_queue
from tgtagger.store.claims import _Left
from tgtagger.store.postgres.archive_on_server import ArchiveOnServer
from tgtagger.store.rooms import Connection
from tgtagger.store.tag_queue import Lease
from tgtagger.store.times import to_text
from tgtagger.taggers.keywords import KeywordsTagger

PENDING = PostFilter(statuses=("pending",))
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def fill(store: Store, *texts: str) -> None:
    store.posts.save_page(page(*(post(at, text) for at, text in enumerate(texts, 1))))


@contextlib.contextmanager
def patience(store: Store) -> Iterator[Store]:
    """Let an archive of the tests, which waits for nobody, wait for others."""
    opened = store._database.opened
    if isinstance(opened, ArchiveOnServer):
        opened.patience = 20.0
        yield store
        opened.patience = 0.0
    else:
        with Store.open(str(store.path)) as patient:
            yield patient


def claims(store: Store, worker: str, wanted: PostFilter = PENDING) -> Claims:
    return store.queue.claims(wanted, worker, by_text=True)


def each_of(claims: Claims) -> Iterator[PostForTagging]:
    return itertools.chain.from_iterable(claims.take())


def claim(store: Store, worker: str, wanted: PostFilter = PENDING) -> list[PostForTagging]:
    return list(each_of(claims(store, worker, wanted)))


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
            "SELECT worker, 'a post' FROM tag_queue "
            "UNION ALL SELECT worker, 'its text' FROM claimed_texts"
        ).fetchall()


def rows(store: Store, sql: str) -> list[tuple[Any, ...]]:
    with reading(store) as db:
        return db.execute(sql).fetchall()


@pytest.fixture
def no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are over at once."""
    monkeypatch.setattr("tgtagger.store.claims.LEASE", dt.timedelta(seconds=-1))


def test_what_one_worker_has_another_one_has_not(store: Store) -> None:
    fill(store, "a", "b", "c")
    one = claims(store, "one", PostFilter(statuses=("pending",), limit=2))
    assert numbers([*each_of(one)]) == [3, 2]
    assert numbers(claim(store, "two")) == [1]
    assert claim(store, "three") == []
    one.release()
    assert numbers(claim(store, "three")) == [3, 2]


@pytest.mark.parametrize(("seconds", "then"), [(0.0, [40, 120, 280, 480]), (1.0, [40, 80, 120])])
def test_who_uses_up_posts_at_once_claims_more_of_them(
    store: Store, seconds: float, then: list[int]
) -> None:
    fill(store, *(f"text {number}" for number in range(500)))
    clock = itertools.count(0.0, seconds)
    one = Claims(store._database, PENDING, "one", by_text=True, clock=lambda: next(clock))
    posts, before = each_of(one), 0
    for count in then:
        assert len([*itertools.islice(posts, count - before)]) == count - before
        before = count
        ((held,),) = rows(store, "SELECT count(*) FROM tag_queue WHERE worker IS NOT NULL")
        assert held == count


def test_who_finds_posts_claimed_looks_further_ahead() -> None:
    """Eight workers with one list: what others have is passed by in few steps, none is left."""
    workers = [
        _Left([(array("q", range(20_000, 0, -1)), None)], looks_ahead=True) for _ in range(8)
    ]
    free, looks = set(range(1, 20_001)), 0
    while workers:
        for left in list(workers):
            chosen, most = left.next(40)
            if not chosen:
                workers.remove(left)
                continue
            claimed = set([number for number in chosen if number in free][:most])
            free -= claimed
            left.move_on(chosen, most, claimed)
            looks += 1
    assert not free
    assert looks < 1.5 * 20_000 / 40


def test_a_text_of_a_dead_worker_is_free_when_another_needs_it(store: Store) -> None:
    fill(store, "same", "other")
    past = to_text(NOW - dt.timedelta(days=30))
    with writing(store) as db:
        db.execute(
            "INSERT INTO claimed_texts (text_hash, worker, lease_until) "
            f"SELECT text_hash, 'dead', '{past}' FROM posts"
        )
    assert numbers(claim(store, "one", PostFilter(statuses=("pending",), limit=1))) == [2]
    assert {worker for worker, of in claimed(store) if of == "its text"} == {"one"}


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
    found = store.answers.find([old.text_hash], [PROVENANCE])  # it was paid for
    assert found == {old.text_hash: (PROVENANCE, (SuggestedTag("old"),))}
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
    fill(store, "a", "b")
    with monkeypatch.context() as short:
        short.setattr("tgtagger.store.claims.LEASE", dt.timedelta(seconds=-1))
        one = claims(store, "one")
        assert len([*each_of(one)]) == 2
    one.renew()
    assert claim(store, "two") == []  # nor a post with an equal text


def test_a_lease_of_a_wrong_clock_holds_nobody_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "a")
    with monkeypatch.context() as ahead:
        ahead.setattr("tgtagger.store.claims.LEASE", dt.timedelta(days=365))
        claim(store, "one")
    assert numbers(claim(store, "two")) == [1]


def test_a_post_that_is_tagged_anew_is_claimed_as_long(store: Store) -> None:
    fill(store, "a", "b")
    tag(store, ["x"])
    whole = PostFilter()
    one = claims(store, "one", whole)
    assert numbers([*each_of(one)]) == [2, 1]
    assert claim(store, "two", whole) == []
    assert (store.queue.out_of_step(), store.queue.count(PENDING)) == (0, 0)
    one.release()
    assert claimed(store) == []


def test_what_another_has_tagged_meanwhile_is_not_claimed(store: Store) -> None:
    fill(store, *(f"text {number}" for number in range(300)))
    slow = each_of(claims(store, "slow"))
    next(slow)  # the first forty are its own; it knows of all
    for item in claim(store, "quick"):
        assert finish(store, item)
    assert len(list(slow)) == 39
    assert store.queue.out_of_step() == 0


def test_who_may_not_have_a_post_leaves_no_trace_of_it(store: Store) -> None:
    """Its text is another's; the post itself is tagged, and does not wait."""
    fill(store, "same")
    (first,) = claim(store, "one")
    assert finish(store, first)
    assert claimed(store) == []
    fill(store, "same", "same")
    assert numbers(claim(store, "one")) == [2]
    assert claim(store, "two", PostFilter()) == []
    assert claimed(store) == [("one", "a post"), ("one", "its text")]


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


def test_who_claims_at_the_same_moment_shares_the_posts_and_their_texts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in a thread and with a connection of its own; equal texts stand far from each other."""
    fill(store, *(f"text {number % 90}" for number in range(900)))
    together = threading.Barrier(4)

    def work(worker: str) -> list[PostForTagging]:
        together.wait()
        found = []
        for each in each_of(claims(patient, worker)):
            found.append(each)
            time.sleep(0.001)
        return found

    with patience(store) as patient, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, ("one", "two", "three", "four")))
    posts = Counter(number for part in found for number in numbers(part))
    texts = Counter(text for part in found for text in {each.text_hash for each in part})
    assert max(posts.values()) == 1
    assert (len(texts), max(texts.values())) == (90, 1)
    assert sum(bool(part) for part in found) > 1


def test_two_posts_of_one_text_claimed_at_the_same_moment_go_to_one(store: Store) -> None:
    """The other one waits until it knows whether the first has the text."""
    fill(store, "same", "same", "other")
    first, second, third = (number for (number,) in rows(store, "SELECT id FROM posts ORDER BY id"))
    at = [to_text(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=n)) for n in (0, 5, 60)]

    text = {first: "same", second: "same", third: "other"}

    def claim_as(db: Connection, worker: str, *posts: int) -> tuple[set[int], set[str]]:
        lease = Lease(worker, *at)
        mine = {*tag_queue.claim(db, posts, lease, most=10)}
        return mine, tag_queue.claim_texts(db, {text[post] for post in mine}, lease)

    with patience(store) as patient, ThreadPoolExecutor(1) as pool:
        write = patient._database.write

        def other() -> tuple[set[int], set[str]]:
            with write(beside=True) as db:
                return claim_as(db, "two", first, second, third)

        with write(beside=True) as db:
            assert claim_as(db, "one", first) == ({first}, {"same"})
            waiting = pool.submit(other)
            time.sleep(0.2)
            assert not waiting.done()
        assert waiting.result() == ({second, third}, {"other"})


# ---- a queue that has lost posts


def lose(store: Store, *messages: int) -> None:
    with writing(store) as db:
        for message in messages:
            db.execute(
                "DELETE FROM tag_queue WHERE post_id = "
                f"(SELECT id FROM posts WHERE message_id = {message})"
            )


@pytest.mark.parametrize("lost", [(1, 3), (300,)])
def test_what_the_queue_has_lost_comes_back_with_the_next_run(
    store: Store, monkeypatch: pytest.MonkeyPatch, lost: tuple[int, ...]
) -> None:
    """Of a large archive some posts are looked at; where one of them is lost, all are."""
    monkeypatch.setattr("tgtagger.store.queue.LOOKED_AT", 10)
    fill(store, *(f"text number{n} storm" for n in range(300)))
    tag(store, ["x"])
    assert store.queue.mend() == 0
    fill(store, *(f"another text{n} harbour" for n in range(300)))
    lose(store, *lost, 150)
    assert store.queue.count(PENDING) == 300 - len(lost) - 1
    assert store.queue.mend(lambda: 0.5 if lost == (300,) else 0.0) == len(lost) + 1
    assert (store.queue.out_of_step(), store.queue.count(PENDING)) == (0, 300)
    assert store.queue.mend() == 0


def test_a_gap_is_found_by_chance(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tgtagger.store.queue.LOOKED_AT", 10)
    fill(store, *(f"text {n}" for n in range(300)))
    lose(store, 150)
    found = [store.queue.mend(lambda at=at: at / 100) for at in range(100)]  # type: ignore[misc]
    assert sum(found) == 1
    assert found.index(1) in range(48, 54)


# ---- posts of which workers die


def test_posts_whose_worker_died_come_last_and_fewer_at_a_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next ones are claimed when those are done: who dies again had few of them."""
    monkeypatch.setattr("tgtagger.store.claims.LAPSED_ONCE", 3)
    fill(store, *"abcdef")
    with monkeypatch.context() as over:
        over.setattr("tgtagger.store.claims.LEASE", dt.timedelta(seconds=-1))
        for worker, last in (("one", 6), ("two", 6), ("three", 2)):
            names = tuple(f"news/{number}" for number in range(2, last + 1))
            claim(store, worker, PostFilter(statuses=("pending",), posts=names))
    alive = claims(store, "alive")
    assert [(each.id.message_id, each.lapses) for each in each_of(alive)] == [
        (1, 0), (6, 2), (5, 2), (4, 2),
    ]  # fmt: skip
    assert not alive.is_over
    assert [*each_of(alive)] == []
    alive.release()


@pytest.mark.usefixtures("no_lease")
def test_a_post_of_which_workers_die_ends_as_failed_and_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run dies at it, whatever it had done; the others are tagged all the same."""
    monkeypatch.setattr("tgtagger.store.claims.LAPSED_ONCE", 3)
    fill(store, *("poison" if n == 20 else f"text number{n}" for n in range(40)))

    class Deadly(KeywordsTagger):
        def tag_text(self, text: str, channel: str = "") -> tuple[SuggestedTag, ...]:
            if "poison" in text:
                raise SystemExit
            return super().tag_text(text, channel)

    async def run() -> None:
        number = store.runs.start("tag")
        async for _ in pipeline.tag(store, Deadly(), PENDING, number, RecordedRun()):
            pass

    monkeypatch.setattr("tgtagger.store.claims.Claims.release", lambda _: None)  # as by SIGKILL
    for _ in range(7):
        with contextlib.suppress(SystemExit):
            asyncio.run(run())
    with reading(store) as db:
        failed = db.execute("SELECT message_id, failure, error FROM posts WHERE status = 'failed'")
        assert failed.fetchall() == [(21, "crashed", "5 runs died while they worked at it")]
    assert store.queue.count(PENDING) == 0
    assert store.queue.out_of_step() == 0


# ---- four processes


WORKER = """
import sys, datetime as dt
from itertools import chain
from tgtagger.decide import update_after
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Attempt, Provenance, SuggestedTag, Tagged
from tgtagger.store import Store
made = Provenance("llm", "model", "prompt", "vocabulary")
with Store.open(sys.argv[1]) as store:
    run = store.runs.start("tag", made)
    claims = store.queue.claims(PostFilter(statuses=("pending",)), f"run {run}", by_text=True)
    for item in chain.from_iterable(claims.take()):
        asked = not store.answers.find([item.text_hash], [made])
        now = dt.datetime.now(dt.UTC)
        update = update_after(item, Tagged((SuggestedTag("tag"),)), made, now=now, remember=True)
        store.queue.save([update], run, [(item.id, Attempt(now, "model"))] if asked else [])
    claims.release()
"""


def test_four_processes_ask_for_each_text_once(store: Store, db: Path) -> None:
    fill(store, *(f"text {number % 900}" for number in range(1200)))
    workers = [start([str(db)], code=WORKER) for _ in range(4)]
    said = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4, said
    with reading(store) as raw:
        twice = raw.execute(
            "SELECT p.text_hash, count(*) FROM attempts AS a JOIN posts AS p ON p.id = a.post_id "
            "GROUP BY 1 HAVING count(*) > 1"
        ).fetchall()
        left = raw.execute("SELECT count(*) FROM tag_queue").fetchone()
    assert twice == []
    assert left == (store.queue.count(PENDING),)
    assert store.queue.out_of_step() == 0
