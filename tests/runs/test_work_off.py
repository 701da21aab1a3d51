"""Jobs done in this process: how they end, how one goes on that was broken off, who is next."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llm_server import LlmServer
from support.events import RecordedRun
from support.make import fail_all, page, post
from support.sql import writing
from support.working import until
from tgtagger.config import Settings, load
from tgtagger.errors import StoreError, TgTaggerError, TryLater
from tgtagger.model.choices import JobKind
from tgtagger.model.jobs import JobProgress
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Wait
from tgtagger.runs import work
from tgtagger.runs.events import Progress, Stage
from tgtagger.runs.tag import TagOptions, make_tagging
from tgtagger.runs.work import LANES, JobEvents, work_off
from tgtagger.store import Store
from tgtagger.store.queue import Queue


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as made:
        yield made


@pytest.fixture
def settings(server: LlmServer, store: Store) -> Settings:
    # Posts 7 and 8 have the texts of 1 and 2.
    texts = [f"number{n if n < 7 else n - 6} storm harbour" for n in range(1, 9)]
    store.posts.save_page(page(*(post(n, text) for n, text in enumerate(texts, 1))))
    given = {
        "TGTAGGER_LLM_URL": server.url, "TGTAGGER_LLM_MODEL": "test-model",
        "TGTAGGER_LLM_BATCH": "1", "TGTAGGER_RETRY_BASE": "0.01",
    }  # fmt: skip
    return load({"db": str(store.path)}, given)


def hint(error: TgTaggerError) -> str:
    return f"do something about {error.kind}"


def ask(store: Store, kind: JobKind = "tag", **params: Any) -> int:
    return store.jobs.ask(kind, str(params), params).id


def do(settings: Settings, lane: str = "tag") -> int:
    return work_off(settings, LANES[lane], hint)


def break_off(store: Store, settings: Settings, job: int, after: int) -> None:
    """Begin a job with force, and let its worker die when so many posts are done."""
    store.jobs.take(["tag", "retry"])
    events = RecordedRun()
    options = TagOptions(PostFilter(limit=after), "all")
    make_tagging(store, settings, options).run(events)
    (run,) = events.of("started")
    store.jobs.note_run(job, int(str(run)))


def test_a_job_with_force_goes_on_where_it_was(
    store: Store, settings: Settings, server: LlmServer
) -> None:
    ask(store)
    do(settings)
    assert sum(server.answered.values()) == 6
    server.answered.clear()
    job = ask(store, force=True, since="2020-01-01T00:00:00Z")
    break_off(store, settings, job, 3)  # of 8, the newest first: two of them are twins
    assert len(server.answered) == 3
    do(settings)
    assert len(server.answered) == 6  # asked again, in spite of the answers of before
    assert not server.paid_twice()
    found = store.jobs.find(job)
    assert (found.state, found.tries) == ("done", 2)
    first = found.first_run
    assert first is not None
    assert found.run == first + 1
    links = [store.records.post(f"news/{n}").links for n in range(1, 9)]
    assert all(link.run is not None and link.run >= first for of in links for link in of)


def test_a_limit_holds_over_all_tries(store: Store, settings: Settings, server: LlmServer) -> None:
    job = ask(store, force=True, limit=5)
    break_off(store, settings, job, 3)
    do(settings)
    assert store.queue.count(PostFilter(statuses=("tagged",))) == 5
    other = ask(store, force=True, limit=2)
    break_off(store, settings, other, 2)
    before = len(server.completions)
    do(settings)
    assert len(server.completions) == before
    assert store.jobs.find(other).state == "done"


def test_failed_posts_that_a_job_has_tried_are_left(
    store: Store, settings: Settings, server: LlmServer
) -> None:
    fail_all(store.path)
    job = ask(store, "retry", force=True)
    store.jobs.take(["retry"])
    store.jobs.note_run(job, 99)  # a run that tried nothing
    do(settings)
    assert store.queue.count(PostFilter(statuses=("tagged",))) == 8
    assert len(server.completions) == 6


def test_a_sync_of_named_channels_tags_no_other(
    store: Store, settings: Settings, server: LlmServer
) -> None:
    job = ask(store, "sync", sources=["https://t.me/+AbCd123456"])  # it wants an account
    assert do(settings, "sync") == 1
    end = store.jobs.find(job).end
    assert end is not None
    assert (end.state, end.exit_code) == ("failed", 3)
    assert server.completions == []


def test_a_lane_yields_to_an_older_job(store: Store, settings: Settings) -> None:
    numbers = [ask(store, "parse", sources=["@a"]), ask(store, "sync"), ask(store, "parse")]
    assert do(settings, "parse") == 1
    assert [store.jobs.find(n).is_open for n in numbers] == [False, True, True]
    assert do(settings, "parse") == 1  # whoever holds the locks does one
    assert store.jobs.find(3).state == "failed"
    assert do(settings, "parse") == 0


def test_a_job_that_tags_goes_on_beside_a_sync_and_other_taggers(
    store: Store, settings: Settings
) -> None:
    numbers = [ask(store, "sync"), ask(store), ask(store, "retry")]
    with store.lock("parse"), store.lock("tag", shared=True):
        assert do(settings) == 2
    assert [store.jobs.find(n).is_open for n in numbers] == [True, False, False]


def test_a_lane_whose_lock_is_held_does_nothing(store: Store, settings: Settings) -> None:
    ask(store)
    ask(store, "sync")
    with store.lock("tag"):
        for lane in ("tag", "sync"):
            with pytest.raises(TryLater):
                do(settings, lane)
        with store.lock("parse"):  # the sync has let it go
            pass
    with store.lock("lead"), pytest.raises(TryLater):  # nobody's job: there is nothing to help
        do(settings)
    assert store.jobs.find(1).tries == 0


def lead(store: Store, **params: Any) -> int:
    """Ask for a job, and take it, as the process does that leads it."""
    number = ask(store, **params)
    store.jobs.take(LANES["tag"].kinds)
    store.jobs.note_run(number, store.runs.start("tag"))
    return number


def test_who_finds_a_job_led_by_another_helps(
    store: Store, settings: Settings, server: LlmServer
) -> None:
    number = lead(store)
    first = store.jobs.find(number).run
    with store.lock("tag", shared=True), store.lock("lead"):
        assert do(settings) == 0
    job = store.jobs.find(number)
    assert store.queue.count(PostFilter(statuses=("tagged",))) == 8
    # How it ends, and how far it is, is told by who leads it.
    assert (job.state, job.run, job.progress.done) == ("running", first, None)
    (run, *_) = store.runs.past(2)
    assert (run.command, run.id) == ("tag", (first or 0) + 1)
    assert not server.paid_twice()


@pytest.mark.parametrize("params", [{"limit": 3}, {"force": True, "since": "2020-01-01T00:00:00Z"}])
def test_what_one_has_to_count_is_done_by_one(
    store: Store, settings: Settings, params: dict[str, Any]
) -> None:
    lead(store, **params)
    with store.lock("lead"), pytest.raises(TryLater):
        do(settings)


def test_nobody_helps_with_what_is_to_end(store: Store, settings: Settings) -> None:
    store.jobs.cancel(lead(store))
    with store.lock("lead"), pytest.raises(TryLater):
        do(settings)


def test_what_a_worker_leaves_between_two_looks_is_done(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(store)
    dead = store.queue.claims(PostFilter(statuses=("pending",), posts=("news/4",)), "dead")
    look = Queue.is_at_work

    def look_late(queue: Queue, wanted: PostFilter) -> bool:
        if queue.count(PostFilter(statuses=("tagged",))) == 7:
            with writing(store) as db:
                db.execute("UPDATE tag_queue SET lease_until = '2026-01-01T00:00:00Z'")
        return look(queue, wanted)

    monkeypatch.setattr(Queue, "is_at_work", look_late)
    with store.lock("tag", shared=True):
        assert len(next(dead.take())) == 1
        assert do(settings) == 1
    assert store.queue.count(PostFilter(statuses=("tagged",))) == 8


def test_who_leads_waits_for_those_who_help(
    store: Store, settings: Settings, server: LlmServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job is done when its posts are, whoever has them; what a dead one had is done, too."""
    monkeypatch.setattr("tgtagger.pipeline.SHORTEST_LOOK", 0.05)
    monkeypatch.setattr("tgtagger.pipeline.LONGEST_LOOK", 0.05)
    number = ask(store)
    helping, dead = (
        store.queue.claims(PostFilter(statuses=("pending",), posts=(f"news/{n}",)), name)
        for n, name in ((3, "one that helps"), (4, "one that dies"))
    )
    with ThreadPoolExecutor(1) as pool, store.lock("tag", shared=True):
        assert len([*next(helping.take()), *next(dead.take())]) == 2
        leading = pool.submit(do, settings)
        until(lambda: store.queue.count(PostFilter(statuses=("tagged",))) == 6)
        time.sleep(0.2)
        assert not leading.done()
        helping.release()
        until(lambda: store.queue.count(PostFilter(statuses=("tagged",))) == 7)
        assert not leading.done()
        with writing(store) as db:
            db.execute("UPDATE tag_queue SET lease_until = '2026-01-01T00:00:00Z'")
        assert leading.result() == 1
    assert store.queue.count(PostFilter(statuses=("tagged",))) == 8
    assert store.jobs.find(number).state == "done"


def test_a_stop_of_the_run_ends_the_job(
    store: Store, settings: Settings, server: LlmServer
) -> None:
    ask(store)
    server.key = "the right one"
    do(settings)
    job = store.jobs.find(1)
    assert job.end is not None
    assert (job.state, job.end.exit_code, job.end.failure) == ("failed", 3, "key_rejected")
    assert job.end.hint == "do something about key_rejected"
    assert job.summary is not None


def test_a_bug_ends_the_job_and_is_seen(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(work, "make_tagging", fail)
    ask(store)
    with pytest.raises(ZeroDivisionError):
        do(settings)
    end = store.jobs.find(1).end
    assert end is not None
    assert (end.state, end.exit_code, end.failure) == ("failed", 1, "bug")


def test_a_full_disk_ends_the_job(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(work, "make_tagging", fail)
    ask(store)
    do(settings)
    end = store.jobs.find(1).end
    assert end is not None
    assert (end.state, end.exit_code, end.failure) == ("failed", 6, "machine_short")


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_ctrl_c_gives_a_job_back_unless_somebody_cancelled_it(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, *, is_cancelled: bool
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        if is_cancelled:
            store.jobs.cancel(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(work, "make_tagging", interrupt)
    ask(store)
    with pytest.raises(KeyboardInterrupt):
        do(settings)
    assert store.jobs.find(1).state == ("cancelled" if is_cancelled else "queued")
    with store.lock("tag"):
        pass


def test_progress_is_told_now_and_then_and_at_the_end(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "TOLD_EVERY", 0.02)
    ask(store, "parse")
    job = store.jobs.take(["parse"])
    assert job is not None

    def told(wanted: JobProgress) -> bool:
        event = threading.Event()
        for _ in range(500):
            found = store.jobs.find(1).progress
            if replace(found, waits_until=None) == wanted:
                return True
            event.wait(0.01)
        return False

    with JobEvents(store, job, hint) as events:
        events.begin(Stage("channel", "@news"))
        assert told(JobProgress(0, None, "@news"))
        events.progress(Progress(10, 0.25))
        assert told(JobProgress(10, 40, "@news"))
        events.wait(Wait(30.0, "Telegram asks for it"))
        assert told(JobProgress(10, 40, "@news", "Telegram asks for it"))
        events.progress(Progress(40, 1.0))
        events.end()
    assert store.jobs.find(1).progress == JobProgress(40, 40, "@news")


def test_progress_that_cannot_be_stored_harms_no_run(store: Store, tmp_path: Path) -> None:
    ask(store)
    job = store.jobs.take(["tag"])
    assert job is not None

    class Full:
        class jobs:  # noqa: N801 -- a part of the store
            @staticmethod
            def tell(*_: object) -> None:
                raise StoreError("machine_short", reason="no room", shortage="room")

    with JobEvents(Full(), job, hint) as events:  # type: ignore[arg-type]
        events.begin(Stage("tagging"))
