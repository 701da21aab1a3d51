"""Four workers at one archive and one server: its limits and a job's cap hold for all together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llm_server import Fault, LlmServer, Seen, refusals
from support.events import RecordedRun
from support.tagging import fill
from tgtagger.config import Settings, load
from tgtagger.model.posts import PostFilter
from tgtagger.runs.sharing import JobBudget
from tgtagger.runs.summary import TagSummary
from tgtagger.runs.tag import TagOptions, make_tagging
from tgtagger.store import Store

WORKERS = 4


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as made:
        yield made


def settings_of(db: Path, server: LlmServer, **given: str) -> Settings:
    values = {"LLM_URL": server.url, "LLM_MODEL": "test-model", "LLM_BATCH": "1"} | given
    return load({"db": str(db)}, {f"TGTAGGER_{name}": value for name, value in values.items()})


def at_once(
    db: Path, settings: Settings, budget: Callable[[Store], JobBudget] | None = None
) -> list[TagSummary]:
    """Let several workers tag, each with an archive and a rate limiter of its own."""
    together = threading.Barrier(WORKERS)

    def work(_: int) -> TagSummary:
        with Store.open(str(db)) as store, store.lock("tag", shared=True):
            shared = None if budget is None else budget(store)
            tagging = make_tagging(store, settings, TagOptions(), budget=shared)
            together.wait()
            return tagging.run(RecordedRun())

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, range(WORKERS)))


@pytest.fixture
def few_a_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers claim few posts at a time, so that each gets some."""
    monkeypatch.setattr("tgtagger.store.claims.CLAIMED_BY_TEXT", 4)
    monkeypatch.setattr("tgtagger.store.claims.QUICK", 0.0)


@pytest.mark.usefixtures("few_a_claim")
def test_workers_keep_a_pace_together(store: Store, db: Path, server: LlmServer) -> None:
    fill(store, 40)
    summaries = at_once(db, settings_of(db, server, LLM_RPM="900"))  # one in 67 ms
    assert sum(each.tagged for each in summaries) == 40
    times = sorted(seen.at for seen in server.completions)
    assert len(times) == 40
    assert max(seen.at for seen in server.completions) - times[0] > 0.9 * 39 * 60 / 900
    within = max(sum(at <= other < at + 1 for other in times) for at in times)
    assert within <= 15 + WORKERS


@pytest.mark.usefixtures("few_a_claim")
def test_a_server_that_asks_one_to_wait_is_asked_by_none(
    store: Store, db: Path, server: LlmServer
) -> None:
    fill(store, 60)
    throttled: list[float] = []

    def rule(seen: Seen) -> Fault | None:
        if len(server.completions) == 12 and not throttled:
            throttled.append(seen.at)
            return refusals.rate_limited(3.0)
        return None

    server.rule, server.latency = rule, 0.1
    summaries = at_once(db, settings_of(db, server, LLM_CONCURRENCY="1"))
    assert sum(each.tagged for each in summaries) == 60
    (closed,) = throttled
    # The others look once a second; until then they do not know.
    meanwhile = [each.at - closed for each in server.completions if 1.5 < each.at - closed < 2.9]
    assert meanwhile == []


@pytest.mark.usefixtures("few_a_claim")
def test_workers_of_a_job_keep_its_cap_together(
    store: Store, db: Path, tmp_path: Path, server: LlmServer
) -> None:
    fill(store, 200)
    prices = tmp_path / "prices.toml"
    prices.write_text("['test-model']\ninput = 10.0\noutput = 10.0\n")
    cap = 0.2
    settings = settings_of(db, server, LLM_PRICES=str(prices), MAX_COST=str(cap))
    job = store.jobs.ask("tag", "", {}).id
    summaries = at_once(db, settings, lambda store: JobBudget(store, job, cap))
    spent = sum(each.spent.cost_usd or 0.0 for each in summaries)
    assert 0.5 * cap < spent <= cap
    assert {each.stopped.kind for each in summaries if each.stopped} == {"cost_cap"}
    assert store.queue.count(PostFilter(statuses=("tagged",))) == sum(s.tagged for s in summaries)
    assert not server.paid_twice()
