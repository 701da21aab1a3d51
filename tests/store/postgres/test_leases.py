"""Run locks on a server: leases that end by themselves, and one for each channel."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from support.make import page, post
from support.on_server import Archive, connected
from tgtagger.errors import TryLater
from tgtagger.model.posts import PostFilter
from tgtagger.store import LockName, Store
from tgtagger.store.postgres import leases


@pytest.fixture
def store(archive_on_server: Archive) -> Iterator[Store]:
    with archive_on_server.empty() as opened:
        yield opened


def is_free(
    store: Store, name: LockName = "parse", *, shared: bool = False, of: tuple[str, ...] = ()
) -> bool:
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(store.lock(name, shared=shared, of=of))
        except TryLater as error:
            return error.kind != "run_at_work"
        return True


def test_one_run_at_a_time_holds_a_lock(store: Store) -> None:
    with store.lock("parse"):
        assert not is_free(store)
        assert not is_free(store, shared=True)
        assert is_free(store, "tag")
    assert is_free(store)


def test_several_may_share_a_lock(store: Store) -> None:
    with store.lock("tag", shared=True):
        assert is_free(store, "tag", shared=True)
        assert not is_free(store, "tag")


def test_a_parse_of_another_channel_goes_on(store: Store) -> None:
    with store.lock("parse", of=("@one", "@two")):
        assert is_free(store, of=("@three",))
        assert not is_free(store, of=("@two", "@three"))
        assert not is_free(store)  # all channels
        with store.lock("parse", of=("@three",)):
            assert not is_free(store, of=("@three",))
    with store.lock("parse"):
        assert not is_free(store, of=("@one",))
    assert is_free(store, of=("@one", "@one"))


def test_the_lock_of_a_run_that_was_killed_ends_by_itself(store: Store) -> None:
    held = store.lock("parse")
    held.__enter__()
    with connected(store) as db:  # as if its minute was over
        db.execute("UPDATE run_leases SET until = clock_timestamp() - INTERVAL '1 second'")
        db.commit()
    assert is_free(store)
    held.__exit__(None, None, None)
    assert is_free(store)


def test_a_run_renews_its_lock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tgtagger.store.postgres.leases.SECONDS", 0.1)
    with store.lock("parse"):
        first = until(store)
        for _ in range(300):
            time.sleep(0.01)
            if until(store) != first:
                break
        assert until(store) > first
        assert not is_free(store)


def until(store: Store) -> dt.datetime:
    with connected(store) as db:
        ((found,),) = db.execute("SELECT until FROM run_leases").fetchall()
        assert isinstance(found, dt.datetime)
        return found


def test_posts_of_taggers_that_were_killed_are_given_back(store: Store) -> None:
    store.posts.save_page(page(post(1, "one"), post(2, "two")))
    pending = PostFilter(statuses=("pending",))
    dead = store.queue.claims(pending, "dead", by_text=True)
    assert len(next(dead.take())) == 2
    with store.lock("tag", shared=True):
        alive = store.queue.claims(pending, "alive", by_text=True)
        assert len(next(alive.take())) == 2
        with store.lock("tag", shared=True):  # another one begins: who is at work keeps its posts
            assert [*store.queue.claims(pending, "third", by_text=True).take()] == []


def test_a_process_that_is_gone_from_this_machine_holds_nothing(store: Store) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for who, is_dead in (
        (f"{leases.machine()} {gone.pid}", True),
        (f"{leases.machine()} {os.getpid()}", False),
        (f"elsewhere {gone.pid}", False),
    ):
        with contextlib.suppress(TryLater), store.lock("parse"):
            with connected(store) as db:
                db.execute("UPDATE run_leases SET who = %s, holder = 'killed'", [who])
            assert is_free(store) == is_dead, who
        with connected(store) as db:
            db.execute("DELETE FROM run_leases")
