"""What runs share: until when a server is closed, turns of a pace, what a job has cost."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tgtagger.store import Store

URL = "http://127.0.0.1:1/v1"
NOW = 1_800_000_000.5


def test_a_server_is_closed_as_long_as_any_run_was_told(store: Store) -> None:
    assert store.limits.closed_until(URL, NOW) == 0
    for seconds in (20.25, 5.0, 30.25, 10.0):
        store.limits.close(URL, NOW + seconds, NOW)
    assert store.limits.closed_until(URL, NOW) == NOW + 30.25
    assert store.limits.closed_until("http://127.0.0.1:2/v1", NOW) == 0
    assert store.limits.closed_until(URL, NOW + 31) == 0
    store.limits.close(URL, NOW + 50, NOW + 40)  # the next pause
    assert store.limits.closed_until(URL, NOW + 41) == NOW + 50


def test_a_wrong_clock_closes_no_server(store: Store) -> None:
    store.limits.close(URL, NOW + 1e6, NOW + 1e6 - 10)
    assert store.limits.closed_until(URL, NOW) == 0
    store.limits.close(URL, NOW + 10, NOW)
    assert store.limits.closed_until(URL, NOW + 1) == NOW + 10
    store.limits.take_turns(URL, 5.0, NOW + 1e6)
    assert store.limits.take_turns(URL, 5.0, NOW) == NOW


def test_turns_follow_each_other(store: Store) -> None:
    store.limits.close(URL, NOW + 10, NOW)
    assert [store.limits.take_turns(URL, 2.0, NOW) for _ in range(3)] == [NOW, NOW + 2, NOW + 4]
    assert store.limits.take_turns(URL, 2.0, NOW + 60) == NOW + 60  # what nobody took is gone
    assert store.limits.closed_until(URL, NOW + 1) == NOW + 10


def test_all_who_work_at_a_job_keep_its_cap(store: Store, db: Path) -> None:
    job = store.jobs.ask("tag", "", {}).id

    def spend(_: int) -> float:
        with Store.open(str(db)) as other:
            taken = [other.jobs.spend(job, 0.01, 0.02, 1.0) for _ in range(20)]
            other.jobs.spend(job, -0.005, -0.005, math.inf)  # it needed less
        return sum(taken) - 0.005

    with ThreadPoolExecutor(4) as pool:
        together = sum(pool.map(spend, range(4)))
    assert 0.97 < together <= 1.0
    assert store.jobs.spend(job, 0.5, 0.5, 1.0) == 0.0
    store.jobs.spend(job, 0.5, 0.5, math.inf)  # one request cost more than anybody thought
    assert store.jobs.spend(job, 1e-6, 0.02, 1.0) == 0.0
