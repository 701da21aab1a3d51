"""K8: killed while jobs are done: none is lost, and what was paid for is not asked again.

The worker, the processes of its lanes and the server that keeps it are killed at random moments.
The test's own server of tags counts what it answers, by text. A kill loses at most the requests on
their way: so many answers may be paid for twice.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llm_server import LlmServer
from support.breaking import assert_sound
from support.environments import to_model
from support.fault_matrix import Effort
from support.make import page, post
from support.serving import serving
from support.working import Working, children_of, has_ended, is_alive, kill, until, working
from tgtagger.model.choices import JobKind
from tgtagger.store import Store

pytestmark = pytest.mark.row("K8")

AT_ONCE = 4
"""Requests at once: TGTAGGER_LLM_CONCURRENCY of these tests."""

POSTS = 120
TWINS = 30
"""Posts whose text another post has, too: it is asked for once."""


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer(latency=0.05) as made:
        yield made


@pytest.fixture
def env(server: LlmServer, tmp_path: Path) -> dict[str, str]:
    return to_model(server, tmp_path)


@pytest.fixture
def archive(db: Path, empty_archive: Path) -> Iterator[Store]:
    db.write_bytes(empty_archive.read_bytes())
    texts = [f"number{n % (POSTS - TWINS)} storm harbour" for n in range(POSTS)]
    with Store.open(str(db)) as opened:
        opened.posts.save_page(page(*(post(n, text) for n, text in enumerate(texts, 1))))
        yield opened


def ask(store: Store, kind: JobKind, **params: object) -> int:
    return store.jobs.ask(kind, json.dumps(params), params).id


def statuses(db: Path) -> dict[str, int]:
    with closing(sqlite3.connect(db)) as raw:
        return dict(raw.execute("SELECT status, count(*) FROM posts GROUP BY 1"))


def tagged_by(db: Path, runs_from: int) -> int:
    """Return how many posts have a tag of this run or a later one."""
    with closing(sqlite3.connect(db)) as raw:
        (count,) = raw.execute(
            "SELECT count(DISTINCT post_id) FROM post_tags WHERE run_id >= ?", (runs_from,)
        ).fetchone()
        return int(count)


class Killer:
    """Kills workers while a job is done, some work apart."""

    def __init__(self, store: Store, server: LlmServer, seed: int) -> None:
        self.store, self.server = store, server
        self.draw = random.Random(seed)
        self.kills = 0

    @property
    def answers(self) -> int:
        return sum(self.server.answered.values())

    def wait_for_work(self, job: int) -> bool:
        """Wait until some posts more are answered, and a moment; False: the job has ended."""
        begun, more = self.answers, self.draw.randint(0, 12)
        until(lambda: self.answers >= begun + more or has_ended(self.store, job))
        time.sleep(self.draw.uniform(0, 0.3))
        return not has_ended(self.store, job)

    def kill(self, worker: Working) -> bool:
        """Kill the worker, a process of it, or both; tell whether the worker lives."""
        victims = [[worker.process.pid], worker.lanes, [worker.process.pid, *worker.lanes]]
        chosen = self.draw.choice(victims)
        for victim in chosen:
            kill(victim)
            self.kills += 1
        return worker.process.pid not in chosen

    def work_until_done(self, job: int, env: dict[str, str], kills: int) -> None:
        """Let workers do a job, and kill them so often; the last one is left alone."""
        for _ in range(kills):
            with working(self.store.path, env=env) as worker:
                if not self.wait_for_work(job):
                    break
                if self.kill(worker) and self.wait_for_work(job):
                    self.kill(worker)  # one that has lost a process
            assert_sound(self.store.path)
        with working(self.store.path, env=env):
            until(lambda: has_ended(self.store, job), 120)

    def check(self, job: int, texts: int) -> None:
        """Check a job that has ended: each text was answered, few of them twice."""
        found = self.store.jobs.find(job)
        assert (found.state, found.end and found.end.exit_code) == ("done", 0)
        while self.server.busy:
            time.sleep(0.01)
        assert len(self.server.answered) == texts
        assert self.answers - texts <= self.kills * AT_ONCE
        assert statuses(self.store.path) == {"tagged": POSTS}
        self.server.answered.clear()
        self.kills = 0


def test_no_job_is_lost_and_no_post_is_paid_for_twice(
    archive: Store, server: LlmServer, env: dict[str, str], effort: Effort
) -> None:
    rounds = effort.rounds(2, long=25)
    for seed in range(effort.rounds(1, long=4)):
        with closing(sqlite3.connect(archive.path)) as raw, raw:
            raw.execute("UPDATE posts SET status = 'pending'")
            raw.execute("DELETE FROM answers")
        killer = Killer(archive, server, seed)
        pending = ask(archive, "tag")
        killer.work_until_done(pending, env, rounds)
        killer.check(pending, POSTS - TWINS)
        # All of them again: the answers of before do not count, those of this job do.
        again = ask(archive, "tag", force=True, limit=POSTS)
        killer.work_until_done(again, env, rounds)
        first = archive.jobs.find(again).first_run
        assert first is not None
        assert tagged_by(archive.path, first) == POSTS
        killer.check(again, POSTS - TWINS)
    effort.saw(rounds=rounds)


def test_a_job_with_a_limit_does_no_more_than_that(
    archive: Store, server: LlmServer, env: dict[str, str], effort: Effort
) -> None:
    killer = Killer(archive, server, 7)
    job = ask(archive, "tag", limit=40)
    killer.work_until_done(job, env, effort.rounds(2, long=10))
    assert archive.jobs.find(job).state == "done"
    assert statuses(archive.path) == {"tagged": 40, "pending": POSTS - 40}


def test_a_server_that_is_killed_takes_its_worker_with_it(
    archive: Store, server: LlmServer, env: dict[str, str]
) -> None:
    job = ask(archive, "tag")
    with serving(archive.path, env=env) as served:
        until(lambda: sum(server.answered.values()) > 10)
        (worker,) = children_of(served.process.pid)
        family = [worker, *children_of(worker)]
        assert len(family) == 2
        kill(served.process.pid)
        until(lambda: not any(map(is_alive, family)), 10)
    assert not has_ended(archive, job)
    with serving(archive.path, env=env) as served:
        until(lambda: has_ended(archive, job), 120)
        (worker,) = children_of(served.process.pid)
        code, seconds = served.end()
        assert (code, seconds < 2.5) == (143, True)
        until(lambda: not is_alive(worker), 5)
    assert statuses(archive.path) == {"tagged": POSTS}
    assert sum(server.answered.values()) - (POSTS - TWINS) <= AT_ONCE
