"""Jobs: one open job a wish, taken by one worker, and never lost."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from support.sql import driver, reading, writing
from tgtagger.errors import InputError, Locked
from tgtagger.model.choices import JobKind
from tgtagger.model.jobs import JobEnd, JobProgress
from tgtagger.store import Store

TAGS: tuple[JobKind, ...] = ("tag", "retry")
DONE = JobEnd("done", 0)
MONTH = dt.timedelta(days=30)


def ask(store: Store, kind: JobKind = "tag", wish: str = "") -> int:
    return store.jobs.ask(kind, wish, {}).id


def states(store: Store) -> dict[int, str]:
    return {job.id: job.state for job in store.jobs.latest(100)}


def test_a_wish_that_is_asked_for_again_is_the_same_job(store: Store) -> None:
    assert [ask(store), ask(store), ask(store, "retry"), ask(store, "tag", "other")] == [1, 1, 2, 3]
    store.jobs.take(TAGS)
    assert ask(store) == 1  # while it runs, too
    store.jobs.end(1, DONE)
    assert ask(store) == 4


def test_a_job_that_is_to_end_is_not_the_same(store: Store) -> None:
    ask(store)
    store.jobs.take(TAGS)
    store.jobs.cancel(1)
    assert ask(store) == 2


def test_jobs_are_taken_in_their_order_and_once(store: Store) -> None:
    ask(store, "sync")
    ask(store, "retry")
    ask(store, "tag")
    taken = store.jobs.take(TAGS)
    assert taken is not None
    assert (taken.id, taken.kind, taken.state, taken.tries) == (2, "retry", "running", 1)
    store.jobs.end(2, DONE)
    again = store.jobs.take(TAGS)
    assert again is not None
    assert again.id == 3
    store.jobs.end(3, DONE)
    assert store.jobs.take(TAGS) is None
    assert states(store) == {1: "queued", 2: "done", 3: "done"}


def test_a_job_whose_worker_died_is_taken_again_and_first(store: Store) -> None:
    ask(store)
    ask(store, "retry")
    store.jobs.take(TAGS)
    store.jobs.note_run(1, 7)
    again = store.jobs.take(TAGS)  # whoever takes holds the locks: the first one is dead
    assert again is not None
    assert (again.id, again.tries, again.first_run, again.run) == (1, 2, 7, 7)
    store.jobs.note_run(1, 9)
    assert (store.jobs.find(1).first_run, store.jobs.find(1).run) == (7, 9)


def test_a_dead_worker_of_other_kinds_is_let_be(store: Store) -> None:
    ask(store, "parse")
    store.jobs.take(("parse",))
    ask(store)
    store.jobs.settle(TAGS)
    assert states(store) == {1: "running", 2: "queued"}


def test_a_queued_job_is_cancelled_at_once(store: Store) -> None:
    ask(store)
    job = store.jobs.cancel(1)
    assert (job.state, job.end) == ("cancelled", JobEnd("cancelled", 130))
    assert store.jobs.cancel(1) == job
    assert store.jobs.take(TAGS) is None


def test_a_cancelled_job_never_comes_back(store: Store) -> None:
    ask(store)
    store.jobs.take(TAGS)
    job = store.jobs.cancel(1)
    assert (job.state, job.cancelled_at is not None) == ("running", True)
    assert store.jobs.take(TAGS) is None  # its worker died before it could end it
    assert states(store) == {1: "cancelled"}
    ask(store)
    store.jobs.take(TAGS)
    store.jobs.cancel(2)
    store.jobs.give_back(2)
    assert states(store)[2] == "cancelled"


def test_a_job_that_is_given_back_is_queued(store: Store) -> None:
    ask(store)
    store.jobs.take(TAGS)
    store.jobs.tell(1, JobProgress(3, 10, "tagging", "a server is busy", dt.datetime.now(dt.UTC)))
    store.jobs.give_back(1)
    job = store.jobs.find(1)
    assert (job.state, job.progress) == ("queued", JobProgress(3, 10, "tagging"))
    store.jobs.give_back(1)
    assert store.jobs.find(1) == job


def test_the_end_of_a_job_stays(store: Store) -> None:
    ask(store)
    store.jobs.take(TAGS)
    end = JobEnd("failed", 3, "key_rejected", "no such key \ud83d", "renew it")
    store.jobs.end(1, end)
    store.jobs.end(1, DONE)
    store.jobs.give_back(1)
    store.jobs.tell(1, JobProgress(1))
    job = store.jobs.cancel(1)
    assert (job.state, job.cancelled_at, job.progress.done) == ("failed", None, None)
    assert job.end == JobEnd("failed", 3, "key_rejected", "no such key \\ud83d", "renew it")


def test_a_job_has_the_summary_of_its_last_run(store: Store) -> None:
    ask(store)
    store.jobs.take(TAGS)
    run = store.runs.start("tag")
    store.jobs.note_run(1, run)
    assert store.jobs.find(1).summary is None
    store.runs.end(run, 0, '{"tagged": 1}')
    assert store.jobs.find(1).summary == '{"tagged": 1}'


def test_progress_waits_for_nobody(store: Store, db: Path) -> None:
    ask(store)
    store.jobs.take(TAGS)
    with writing(db), pytest.raises(Locked):
        store.jobs.tell(1, JobProgress(1))
    with reading(store):
        store.jobs.tell(1, JobProgress(2))
    assert store.jobs.find(1).progress.done == 2


def test_after_an_impatient_write_the_others_are_patient(store: Store, db: Path) -> None:
    ask(store)
    with Store.open(str(db), busy_timeout=7) as other:
        other.jobs.tell(1, JobProgress(1))
        assert driver(other).execute("PRAGMA busy_timeout").fetchone() == (7000,)
        with writing(db), pytest.raises(Locked):
            other.jobs.tell(1, JobProgress(2))
        assert driver(other).execute("PRAGMA busy_timeout").fetchone() == (7000,)


def test_the_latest_jobs_come_first_and_in_pages(store: Store) -> None:
    for number in range(5):
        ask(store, "tag", str(number))
    store.jobs.cancel(2)
    assert [job.id for job in store.jobs.latest(2)] == [5, 4]
    assert [job.id for job in store.jobs.latest(2, before=4)] == [3, 2]
    assert [job.id for job in store.jobs.latest(9, states=("cancelled",))] == [2]
    assert [job.id for job in store.jobs.open()] == [1, 3, 4, 5]


def test_an_unknown_job_is_told(store: Store) -> None:
    for verb in (store.jobs.find, store.jobs.cancel, store.jobs.give_back):
        with pytest.raises(InputError, match="no job has the number 5"):
            verb(5)


def test_old_jobs_go_and_no_number_comes_again(store: Store) -> None:
    for number in range(4):
        ask(store, "tag", str(number))
    for number in (1, 3, 4):
        store.jobs.cancel(number)
    with writing(store) as db:
        db.execute("UPDATE jobs SET ended_at = '2020-01-01T00:00:00Z' WHERE ended_at IS NOT NULL")
    assert store.jobs.ask("retry", "", {}, keep=MONTH).id == 5
    assert states(store) == {2: "queued", 4: "cancelled", 5: "queued"}  # 4 was the last then
    store.jobs.ask("sync", "", {}, keep=dt.timedelta(days=9999 * 365))


def test_open_jobs_are_found_by_an_index(store: Store) -> None:
    with reading(store) as db:
        for query in (
            "SELECT id FROM jobs WHERE ended_at IS NULL ORDER BY id",
            "SELECT id FROM jobs WHERE key = 'x' AND ended_at IS NULL AND cancelled_at IS NULL",
        ):
            plan = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}"))
            assert "INDEX ix_jobs" in plan, plan
