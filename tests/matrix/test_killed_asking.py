"""K2: killed while posts are tagged: a post has its tags or waits, and what was paid for is kept.

The server counts what it answers. A kill loses at most the requests on their way: as many answers
as there are requests at once may be paid for twice.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm_server import LlmServer
from support.breaking import TGTAGGER, contents
from support.environments import at_home, to_model
from support.fault_matrix import Effort
from support.killing import Victim, kill
from support.make import archive, fail_all
from support.preview_server import HURRIED, IN_A_HURRY, PreviewServer
from tgtagger.model.posts import Channel
from tgtagger.store import Store

pytestmark = pytest.mark.row("K2")

AT_ONCE = 4
"""Requests at once: TGTAGGER_LLM_CONCURRENCY of the tests."""


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer(latency=0.02) as made:
        yield made


class Till:
    """What was paid for, held against what is stored."""

    def __init__(self, db: Path, server: LlmServer | None, waiting: str) -> None:
        self.db, self.server, self.waiting = db, server, waiting
        self.whole: dict[str, Any] = {}
        self.tagged = 0

    @property
    def paid(self) -> int:
        return 0 if self.server is None else sum(self.server.answered.values())

    def begin(self) -> None:
        self.tagged = 0
        if self.server is not None:
            while self.server.busy:  # with requests of a run that was killed
                time.sleep(0.005)
            self.server.requests.clear()
            self.server.answered.clear()

    def check(self, kills: int) -> None:
        with closing(sqlite3.connect(self.db)) as raw:
            found = dict(raw.execute("SELECT status, count(*) FROM posts GROUP BY 1").fetchall())
            torn = raw.execute(
                "SELECT count(*) FROM posts AS p WHERE (status = 'tagged') <> "
                "EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id)"
            ).fetchone()
        assert torn == (0,)
        tagged = found.pop("tagged", 0)
        assert set(found) <= {self.waiting}
        assert tagged >= self.tagged
        self.tagged = tagged
        assert self.paid - tagged <= kills * AT_ONCE

    def finish(self, kills: int) -> None:
        found = contents(self.db)
        self.whole = self.whole or found
        assert found == self.whole
        self.check(kills)
        assert self.tagged == len(found["posts"])
        if self.server is not None:
            assert set(self.server.answered) == {row[6] for row in found["posts"]}


def victim(
    tmp_path: Path,
    arguments: Sequence[str],
    env: dict[str, str],
    server: LlmServer | None,
    *,
    program: Sequence[str] = TGTAGGER,
    waiting: str = "pending",
) -> tuple[Victim, Till]:
    db = tmp_path / "posts.db"
    till = Till(db, server, waiting)

    def is_midway() -> bool:
        return server is not None and len(server.completions) > 10

    made = Victim(
        tuple(arguments), db, env, is_midway, ("pwrite64", 100), program, tmp_path / "base.db",
        begin=till.begin, check=till.check, finish=till.finish,
    )  # fmt: skip
    return made, till


def test_tag(tmp_path: Path, server: LlmServer, effort: Effort) -> None:
    archive(tmp_path / "base.db", 150 if effort.is_long else 40)
    made, _ = victim(tmp_path, ["tag"], to_model(server, tmp_path), server)
    kill(made, effort, at_calls=110, by_time=60)


def test_retry_failed(tmp_path: Path, server: LlmServer, effort: Effort) -> None:
    archive(tmp_path / "base.db", 120 if effort.is_long else 30)
    fail_all(tmp_path / "base.db")
    made, _ = victim(
        tmp_path, ["retry-failed", "--force"], to_model(server, tmp_path), server, waiting="failed"
    )
    kill(made, effort, at_calls=80, by_time=40)


def test_sync(
    tmp_path: Path, server: LlmServer, effort: Effort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(IN_A_HURRY, "pause", 0.0)  # of the unbroken run, in this process
    with Store.open(str(tmp_path / "base.db")) as store:
        store.channels.save(Channel(1234567890, "News", "newsroom"))
    count = 120 if effort.is_long else 40
    with PreviewServer({n: f"post number{n}" for n in range(1, count + 1)}) as preview:
        env = to_model(server, tmp_path) | {"TGTAGGER_PREVIEW_URL": preview.url}
        made, till = victim(tmp_path, ["sync"], env, server, program=HURRIED)
        kill(made, effort, at_calls=80, by_time=40)
    assert till.tagged == count


@pytest.mark.slow
def test_without_a_model(tmp_path: Path, effort: Effort) -> None:
    archive(tmp_path / "base.db", 1000)
    made, _ = victim(tmp_path, ["-q", "tag"], at_home(tmp_path), None)
    kill(made, effort, at_calls=50, by_time=40)
