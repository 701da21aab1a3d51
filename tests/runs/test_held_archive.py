"""What pages remember of the archive: as long as nobody has written."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.make import page, post
from tgtagger.config import load
from tgtagger.runs import archive as held
from tgtagger.runs.archive import Archive
from tgtagger.store import Store


@pytest.fixture(autouse=True)
def _no_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "SHARE", 0)


def test_a_count_is_made_again_once_anybody_has_written(store: Store) -> None:
    archive = Archive(load({"db": str(store.path)}))
    counted = []

    def count() -> int:
        counted.append(1)
        return len(counted)

    assert [archive.remember("a", count), archive.remember("a", count)] == [1, 1]
    store.posts.save_page(page(post(1)))  # another connection
    assert archive.remember("a", count) == 2
    script = (
        "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute(sys.argv[2]); d.commit()"
    )
    sql = "UPDATE channels SET title = 'Old'"
    subprocess.run([sys.executable, "-c", script, str(store.path), sql], check=True)  # another one
    assert archive.remember("a", count) == 3
    archive.store.channels.pause(["@news"])  # the pages' own store
    assert archive.remember("a", count) == 4
    assert archive.remember("a", count) == 4
    archive.forget()
    assert archive.remember("a", count) == 5
    archive.close()


def test_while_somebody_writes_a_slow_count_is_not_made_at_every_request(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "SHARE", 10**9)
    archive = Archive(load({"db": str(store.path)}))
    assert archive.remember("a", lambda: 1) == 1
    store.posts.save_page(page(post(1)))
    assert archive.remember("a", lambda: 2) == 1
    archive.close()


def test_a_persons_change_is_seen_at_once_even_if_a_count_was_at_work(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "SHARE", 10**9)
    archive = Archive(load({"db": str(store.path)}))

    def count_meanwhile() -> int:
        store.posts.save_page(page(post(1)))
        archive.forget()
        return 1

    assert archive.remember("a", count_meanwhile) == 1
    assert archive.remember("a", lambda: 2) == 2
    archive.close()


def test_what_lasts_survives_a_persons_change(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "SHARE", 10**9)
    archive = Archive(load({"db": str(store.path)}))
    assert archive.remember("a", lambda: 1, lasts=True) == 1
    store.posts.save_page(page(post(1)))
    archive.forget()
    assert archive.remember("a", lambda: 2, lasts=True) == 1
    archive.close()


def test_a_slow_count_keeps_nobody_from_another(store: Store) -> None:
    archive = Archive(load({"db": str(store.path)}))
    with ThreadPoolExecutor() as pool:
        other = threading.Event()
        slow = pool.submit(archive.remember, "slow", lambda: other.wait(20))
        assert archive.remember("quick", lambda: 1) == 1
        other.set()
        assert slow.result() is True
    archive.close()
