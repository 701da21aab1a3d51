"""S6: workers are killed, and their server crashes, while several tag one archive.

A worker is a process, `tgtagger tag`; the model counts the texts that it answers. A kill loses the
answers that were on their way; a text whose answer was received is paid for once.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from subprocess import Popen

import psycopg
import pytest

from llm_server import LlmServer
from support.fault_matrix import Effort
from support.forked import start
from support.make import page, post
from support.on_server import contents
from support.own_server import OwnServer, own_server
from support.working import kill
from tgtagger.store import Store

pytestmark = pytest.mark.row("S6")

AT_ONCE = 4
"""Requests at once of a worker, of one text each."""


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServer]:
    with own_server() as server:
        yield server


@dataclass
class Fleet:
    """Workers on one archive: each that ends is followed by another, until nothing waits."""

    url: str
    server: LlmServer
    workers: int
    running: list[Popen[str]] = field(default_factory=list)
    ends: Counter[int] = field(default_factory=Counter)
    kills: int = 0
    crashes: int = 0

    def begin(self) -> None:
        while len(self.running) < self.workers:
            self.running.append(
                start(
                    ["-q", "--db", self.url, "tag"],
                    {
                        "TGTAGGER_LLM_URL": self.server.url,
                        "TGTAGGER_LLM_MODEL": "test-model",
                        "TGTAGGER_LLM_BATCH": "1",
                        "TGTAGGER_LLM_CONCURRENCY": str(AT_ONCE),
                        "TGTAGGER_RETRY_BASE": "0.01",
                    },
                )
            )

    def sweep(self) -> None:
        """Take note of those that have ended."""
        for process in list(self.running):
            code = process.poll()
            if code is not None:
                _, errors = process.communicate()
                assert code in {0, 75, -9}, (code, errors)
                assert "Traceback" not in errors, errors
                self.ends[code] += 1
                self.running.remove(process)

    def kill(self, chance: random.Random) -> None:
        kill(chance.choice(self.running).pid)
        self.kills += 1

    def end(self) -> None:
        for process in self.running:
            kill(process.pid)
            process.communicate()
        self.running.clear()


def waiting(url: str) -> int:
    with psycopg.connect(url) as db:
        (count,) = db.execute("SELECT count(*) FROM posts WHERE status <> 'tagged'").fetchone()  # type: ignore[misc]
    return int(count)


def fill(url: str, posts: int, equal: int) -> None:
    """Store posts; of so many each the text is equal to another's."""
    texts = [f"storm number{number} of the river town" for number in range(posts - equal)]
    texts += texts[:equal]
    with Store.open(url) as store:
        store.posts.save_page(page(*(post(n, text) for n, text in enumerate(texts, 1))))


def go_on(fleet: Fleet, *, really: bool) -> None:
    """Look after the workers; once all have ended, let a minute pass and begin anew.

    By then the run locks of those that were killed have ended, and what they had is free.
    """
    fleet.sweep()
    if not fleet.running:
        if really:
            time.sleep(10)
        else:
            with psycopg.connect(fleet.url) as db:
                db.execute("UPDATE run_leases SET until = clock_timestamp()")
        fleet.begin()
    time.sleep(0.01)


@pytest.mark.parametrize(
    "how", [pytest.param("workers", marks=pytest.mark.slow), "workers and server"]
)
def test_each_post_is_tagged_once(how: str, own: OwnServer, effort: Effort) -> None:
    posts, workers = (1200, 6) if effort.is_long else (60, 3)
    kills = effort.rounds(2, long=18)
    chance = random.Random(7)
    url = own.archive()
    fill(url, posts, posts // 5)
    step = posts * 4 // 5 // (kills + 2)
    began = time.monotonic()
    with LlmServer(latency=0.05) as server:
        fleet = Fleet(url, server, workers)
        try:
            fleet.begin()
            for number in range(1, kills + 1):
                while len(server.completions) < number * step or not fleet.running:
                    go_on(fleet, really=effort.is_long)
                fleet.kill(chance)
                if how == "workers and server" and number % 6 == 1:
                    own.restart("immediate")
                    fleet.crashes += 1
                fleet.sweep()
                fleet.begin()
            while waiting(url):
                assert time.monotonic() - began < 600
                go_on(fleet, really=effort.is_long)
        finally:
            fleet.end()
        twice = {text for text, count in server.answered.items() if count > 1}
        again = sum(count - 1 for count in server.answered.values())
    found = contents(url)
    assert Counter(row[8] for row in found["posts"]) == {"tagged": posts}
    assert len(found["tags"]) == len({row[:3] for row in found["tags"]})
    texts = len({row[6] for row in found["posts"]})
    assert len(server.answered) == texts
    # Of a killed worker the answers on their way; of a crash those of each.
    assert again <= fleet.kills * AT_ONCE + fleet.crashes * AT_ONCE * workers
    # An answer that was received is stored in the same moment, once.
    answered = sum(count for _, failure, count in found["attempts"] if failure is None)
    assert answered == texts
    effort.saw(
        posts=posts, texts=texts, requests=len(server.completions), paid_again=again,
        texts_paid_again=len(twice), kills=fleet.kills, crashes=fleet.crashes,
        stored_answers=answered, seconds_taken=round(time.monotonic() - began),
    )  # fmt: skip
