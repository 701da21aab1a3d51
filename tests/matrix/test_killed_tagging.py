"""Tagging by a model through every fault: nothing lost, nothing twice.

Named after the rows of the fault matrix (docs/reliability.md). Real processes against a server on
loopback; the soak in virtual time. Short forms, with a seed, of what `make torture` runs longer.
"""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm_server import Brain, Fault, LlmServer, Seen, contents, faults, refusals
from support.exports import chat, message, write
from support.tagging import failures, fill, statuses, tag
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.taggers.llm.queue import Sizes

TGTAGGER = [sys.executable, "-m", "tgtagger"]


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as made:
        yield made


@pytest.fixture
def environment(server: LlmServer, tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "TGTAGGER_DB": str(tmp_path / "posts.db"),
        "TGTAGGER_LLM_URL": server.url,
        "TGTAGGER_LLM_MODEL": "test-model",
        "TGTAGGER_RETRY_BASE": "0.01",
        "TGTAGGER_LLM_BATCH": "1",
        "TGTAGGER_LLM_CONCURRENCY": "4",
    }


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(environment: dict[str, str]) -> Start:
    def begin(*arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*TGTAGGER, *arguments], env=environment | more,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return begin


def parse(start: Start, tmp_path: Path, count: int) -> None:
    posts = chat(*(message(n, f"Post number{n} about a storm at sea") for n in range(1, count + 1)))
    process = start("parse", str(write(tmp_path / "export", posts)))
    _, errors = process.communicate()
    assert process.returncode == 0, errors


def contents_of(db: Path) -> dict[str, int]:
    with closing(sqlite3.connect(db)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        torn = raw.execute(
            "SELECT count(*) FROM posts AS p WHERE (status = 'tagged') <> "
            "EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id)"
        ).fetchone()
        assert torn == (0,)  # tagged means that the tags are there
        return dict(raw.execute("SELECT status, count(*) FROM posts GROUP BY 1").fetchall())


# ---- a soak: every fault there is, and posts that no server takes

PASSING = (
    faults.status(500), faults.status(502), faults.status(503), faults.status(529),
    faults.reset("before"), faults.reset("headers"), faults.reset("body"), faults.close("body"),
    faults.short_body(), faults.bad_chunks(), faults.html(), faults.cut_json(),
    faults.event_stream(), faults.empty_body(), faults.gzip_bomb(), faults.cp1251(),
    contents.prose(), contents.empty(), contents.wrong_types(5), contents.no_choices(),
    contents.unclosed_think(), contents.finish("error"), contents.many_tags(10_000),
    refusals.error_in_200(502), refusals.rate_limited(1), refusals.rate_limited(2, "date"),
    refusals.rate_limited(1, "none"), refusals.rate_limited(1, "junk"), refusals.loading_model(),
    contents.missing("p1", "p3"), contents.fenced(), contents.thinking(), contents.too_long(2),
)  # fmt: skip
POISON = {
    "refused": contents.refusal(), "too_long": refusals.context_length(),
    "server": refusals.unprocessable(), "bad_answer": contents.no_tags(),
}  # fmt: skip


def soak(store: Store, posts: int, seed: int, **options: Any) -> Brain:
    """Tag through 30 % of mixed faults; one post in fifty is one that nobody takes."""
    chance = random.Random(seed)
    fill(store, posts)
    bad = {number: chance.choice(sorted(POISON)) for number in range(1, posts + 1, 50)}

    def rule(seen: Seen) -> Fault | None:
        for text in seen.texts:
            number = int(text.split("number")[1].split()[0])
            if number in bad:
                return POISON[bad[number]]
        return chance.choice(PASSING) if chance.random() < 0.3 else None

    brain = Brain(rule=rule, latency=lambda _: chance.uniform(0.2, 2.0))
    told = tag(store, brain, **options)
    assert told.kind is None, told.stopped
    found = {item.id.message_id: item.status for item in store.records.posts(PostFilter())}
    assert len(found) == posts  # none is lost
    assert set(found.values()) <= {"tagged", "failed"}
    assert all(found[number] == "failed" for number in bad)
    for number, failure in bad.items():
        assert store.records.post(f"news/{number}").failure == failure
    # The others fail only by three faults in a row, and are due again.
    unlucky = [n for n, status in found.items() if status == "failed" and n not in bad]
    assert len(unlucky) < posts * 0.1
    for number in unlucky:
        assert store.records.post(f"news/{number}").next_attempt_at is not None
    assert not brain.paid_twice()
    return brain


@pytest.mark.row("H1", "H4", "H6", "H7", "H9")
def test_a_soak_of_eight_hundred_posts(store: Store) -> None:
    brain = soak(store, 800, seed=11, concurrency=8)
    assert len(brain.completions) < 800
    assert statuses(store)["tagged"] > 720
    assert set(failures(store)) >= set(POISON)


@pytest.mark.row("H4", "H9")
def test_a_soak_with_one_post_a_request(store: Store) -> None:
    brain = soak(store, 300, seed=3, concurrency=8, sizes=Sizes(posts=1))
    assert len(brain.completions) < 300 * 1.8


@pytest.mark.row("H1", "H4", "H6", "H7", "H9")
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_many_soaks(store: Store, seed: int) -> None:
    soak(store, 2000, seed=seed, concurrency=random.Random(seed).randint(1, 16))
