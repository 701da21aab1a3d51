"""`tgtagger work` as a process: what it does, what it says, how it is cancelled and ended."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llm_server import LlmServer
from support.breaking import Ended, run
from support.make import page, post
from support.working import has_ended, is_alive, is_midway, kill, until, working
from tgtagger.store import Store


@pytest.fixture
def archive(db: Path, empty_archive: Path) -> Iterator[Store]:
    db.write_bytes(empty_archive.read_bytes())
    with Store.open(str(db)) as opened:
        opened.posts.save_page(page(*(post(n, f"number{n} storm harbour") for n in range(1, 21))))
        yield opened


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer(latency=0.3) as made:
        yield made


@pytest.fixture
def env(server: LlmServer) -> dict[str, str]:
    return {
        "TGTAGGER_LLM_URL": server.url,
        "TGTAGGER_LLM_MODEL": "test-model",
        "TGTAGGER_LLM_BATCH": "1",
        "TGTAGGER_LLM_CONCURRENCY": "1",
        "TGTAGGER_RETRY_BASE": "0.01",
    }


def ask(store: Store, kind: str = "tag", **params: object) -> int:
    wish = json.dumps(params)
    return store.jobs.ask(kind, wish, params).id  # type: ignore[arg-type]


def statuses(db: Path) -> dict[str, int]:
    with closing(sqlite3.connect(db)) as raw:
        return dict(raw.execute("SELECT status, count(*) FROM posts GROUP BY 1"))


KEYWORDS = {"TGTAGGER_TAGGER": "keywords"}


def call(*arguments: str) -> Ended:
    return run(*arguments, env=KEYWORDS)


def test_it_says_that_nothing_is_queued_and_ends_in_time(archive: Store, db: Path) -> None:
    done = call("--db", str(db), "work", "--max-time", "1s")
    assert (done.code, done.output) == (0, "")
    assert done.errors == "no job is queued: waiting for one\n"
    assert call("--db", str(db), "-q", "work", "--max-time", "1s").errors == ""


def test_it_wants_an_archive(db: Path) -> None:
    done = call("--db", str(db), "work")
    assert done.code == 2
    assert not db.exists()


def test_it_tells_each_job_that_ended(archive: Store, db: Path) -> None:
    ask(archive, limit=5)
    ask(archive, "retry")
    ask(archive, "parse", sources=["@news"], via="telegram")
    done = call("--db", str(db), "work", "--max-time", "5s")
    assert sorted(done.errors.splitlines()) == [
        "hint: run: tgtagger login",
        "job 1 (tag): done: 5 tagged",
        "job 2 (retry): done",
        "job 3 (parse): failed: nobody is signed in to Telegram (account default)",
    ]
    ask(archive, limit=3)
    done = call("--db", str(db), "work", "--max-time", "3s", "--json")
    (line,) = done.output.splitlines()
    assert (json.loads(line)["id"], json.loads(line)["summary"]["tagged"]) == (4, 3)
    assert done.errors == ""


def test_what_is_stored_may_be_wrong(archive: Store, db: Path) -> None:
    """A job of another version, a channel that is gone: the job fails, and no other."""
    first = ask(archive, mood="good")
    second = ask(archive, channels=["@gone"])
    third = ask(archive)
    call("--db", str(db), "work", "--max-time", "4s")
    ends = [archive.jobs.find(number).end for number in (first, second, third)]
    assert [end and end.failure for end in ends] == ["job_field_unknown", "channel_unknown", None]


def test_a_missing_setting_ends_the_job_with_what_to_do(archive: Store, db: Path) -> None:
    ask(archive)
    with working(db, env={"TGTAGGER_TAGGER": "llm"}) as worker:
        until(lambda: has_ended(archive, 1))
        until(lambda: not worker.lanes)
        worker.end()
        _, errors = worker.read()
    end = archive.jobs.find(1).end
    assert end is not None
    assert (end.state, end.exit_code, end.failure) == ("failed", 2, "server_not_set")
    assert end.hint
    assert "Traceback" not in errors


def test_progress_is_told_and_a_cancelled_job_ends_as_by_ctrl_c(
    archive: Store, db: Path, env: dict[str, str], server: LlmServer
) -> None:
    ask(archive)
    with working(db, env=env) as worker:
        until(lambda: is_midway(archive, 1))
        progress = archive.jobs.find(1).progress
        assert (progress.total, progress.what) == (20, "tagging")
        archive.jobs.cancel(1)
        assert until(lambda: has_ended(archive, 1)) < 5
        job = archive.jobs.find(1)
        assert (job.state, job.end and job.end.exit_code) == ("cancelled", 130)
        assert worker.process.poll() is None
        found = statuses(db)
        assert set(found) == {"tagged", "pending"}  # posts in flight are given back
        server.latency = 0.0
        ask(archive)
        until(lambda: has_ended(archive, 2))
        assert archive.jobs.find(2).state == "done"
    assert statuses(db) == {"tagged": 20}
    assert archive.status.archive().runs[-1].exit_code in {0, 130}


def test_sigterm_ends_it_within_two_seconds_and_the_job_waits_for_another(
    archive: Store, db: Path, env: dict[str, str], server: LlmServer
) -> None:
    server.latency = lambda _: 60.0 if len(server.completions) > 1 else 0.1
    ask(archive)
    with working(db, env=env) as worker:
        until(lambda: is_midway(archive, 1))
        lanes = worker.lanes
        assert lanes
        code, seconds = worker.end()
        assert (code, seconds < 2.5) == (143, True)
        assert not any(map(is_alive, lanes))
        _, errors = worker.read()
    assert errors == ""
    with archive.lock("tag"):
        archive.jobs.settle(["tag"])
    assert archive.jobs.find(1).state == "queued"
    server.latency = 0.0
    with working(db, env=env):
        until(lambda: has_ended(archive, 1))
    job = archive.jobs.find(1)
    assert (job.state, job.tries) == ("done", 2)
    assert statuses(db) == {"tagged": 20}


def test_ctrl_c_ends_it_without_a_trace(archive: Store, db: Path) -> None:
    with working(db, env=KEYWORDS) as worker:
        until(lambda: not archive_is_idle(archive))
        code, _ = worker.end(signal.SIGINT)
        _, errors = worker.read()
    assert code == 130
    assert "Traceback" not in errors


def archive_is_idle(store: Store) -> bool:
    """Tell whether no worker is there."""
    from tgtagger.runs.jobs import has_worker

    return not has_worker(store)


def test_a_job_waits_for_a_run_of_cron_and_others_go_on(archive: Store, db: Path) -> None:
    archive.channels.pause(["news"])  # a sync has nothing to read, and all is well
    ask(archive)
    ask(archive, "sync")
    ask(archive, "parse", sources=["@news"], via="telegram")
    with working(db, env=KEYWORDS):
        with archive.lock("tag"):  # as cron's run does
            until(lambda: has_ended(archive, 3))
            until(lambda: archive.jobs.find(1).progress.waits)
            waits = archive.jobs.find(1).progress.waits
            assert waits is not None
            assert f"another tag run is at work (process {os.getpid()})" in waits
            assert archive.jobs.find(2).state == "queued"
        until(lambda: has_ended(archive, 1) and has_ended(archive, 2))
    assert [archive.jobs.find(number).state for number in (1, 2)] == ["done", "done"]
    assert archive.jobs.find(1).progress.waits is None


def test_two_workers_do_no_job_twice(
    archive: Store, db: Path, env: dict[str, str], server: LlmServer
) -> None:
    server.latency = 0.02
    numbers = [ask(archive, posts=[f"1006503122-{n}"], force=True) for n in range(1, 9)]
    with working(db, env=env), working(db, env=env):
        until(lambda: all(has_ended(archive, number) for number in numbers))
    assert {archive.jobs.find(number).tries for number in numbers} == {1}
    assert sum(server.answered.values()) == 8
    assert not server.paid_twice()


def test_two_workers_share_a_job_that_tags(
    archive: Store, db: Path, env: dict[str, str], server: LlmServer
) -> None:
    """One leads it; the other helps, as on another machine."""
    archive.posts.save_page(page(*(post(n, f"number{n} tram bridge") for n in range(21, 121))))
    server.latency = 0.1
    number = ask(archive)
    with working(db, env=env), working(db, env=env):
        until(lambda: has_ended(archive, number))
        assert server.busiest == 2
    job = archive.jobs.find(number)
    assert (job.state, job.tries, job.progress.done) == ("done", 1, 120)
    assert statuses(db) == {"tagged": 120}
    assert sum(server.answered.values()) == 120


def test_who_comes_a_moment_late_to_lead_a_job_says_nothing(archive: Store, db: Path) -> None:
    command = [sys.executable, "-m", "tgtagger", "--db", str(db), "work", "--lane", "tag"]
    reader, writer = os.pipe()  # of which the parent keeps its end, as long as it lives
    with archive.lock("lead"):
        late = subprocess.run(command, stdin=reader, capture_output=True, text=True, check=False)
    os.close(reader)
    os.close(writer)
    assert (late.returncode, late.stdout, late.stderr) == (75, "", "")


def test_a_cancelled_job_whose_process_is_killed_does_not_come_back(
    archive: Store, db: Path, env: dict[str, str]
) -> None:
    ask(archive)
    with working(db, env=env) as worker:
        until(lambda: is_midway(archive, 1))
        os.kill(worker.process.pid, signal.SIGSTOP)  # a lane whose worker has gone gives its job up
        for lane in worker.lanes:
            kill(lane)
        kill(worker.process.pid)
    archive.jobs.cancel(1)
    assert archive.jobs.find(1).state == "running"
    with working(db, env=env):
        until(lambda: has_ended(archive, 1))
    job = archive.jobs.find(1)
    assert (job.state, job.tries) == ("cancelled", 1)
