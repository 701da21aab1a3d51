"""S4: transactions on a server that are in each other's way are done again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from urllib.parse import quote

import psycopg
import pytest

from support import on_server, postgres_server
from support.fault_matrix import Effort
from support.make import tag
from support.on_server import contents
from support.tagging import PENDING, fill
from tgtagger.errors import TgTaggerError
from tgtagger.store import Store
from tgtagger.store.again import TRIES

pytestmark = pytest.mark.row("S4")

POSTS = 4


@pytest.fixture
def archive() -> Iterator[str]:
    why = postgres_server.why_not()
    if why is not None:
        pytest.skip(why)
    name = on_server.new()
    with Store.open(postgres_server.url(name)) as store:
        fill(store, POSTS)
    yield postgres_server.url(name)
    on_server.drop(name)


def with_option(url: str, option: str) -> str:
    return f"{url}&options={quote(f'-c {option}')}"


def waits(db: psycopg.Connection) -> bool:
    """Tell whether a transaction of the archive waits for a lock."""
    found = db.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock' AND application_name = 'tgtagger'"
    ).fetchone()
    return found != (0,)


def test_a_deadlock_is_done_again(archive: str, effort: Effort) -> None:
    """Somebody has a post that ours waits for, and waits for one that ours has: ours gives way."""
    for number in range(effort.rounds(1, long=10)):
        with (
            Store.open(with_option(archive, "deadlock_timeout=200")) as store,
            psycopg.connect(with_option(archive, "deadlock_timeout=10000")) as other,
            psycopg.connect(archive, autocommit=True) as looking,
        ):
            (first, *_, last) = (
                row[0] for row in other.execute("SELECT id FROM posts ORDER BY id").fetchall()
            )
            other.execute("UPDATE posts SET views = 1 WHERE id = %s", [last])
            saved: list[bool] = []
            ours = threading.Thread(target=lambda: saved.extend(tag(store, [f"tag {number}"])))  # noqa: B023
            ours.start()
            while not waits(looking):
                time.sleep(0.005)
            other.execute("UPDATE posts SET views = 1 WHERE id = %s", [first])
            other.commit()
            ours.join()
            assert saved == [True] * POSTS
    tags = {row[3] for row in contents(archive)["tags"]}
    assert tags == {f"tag {number}"}


REFUSING = """
CREATE SEQUENCE refused;
CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('refused') <= {times} THEN
        RAISE EXCEPTION 'as the test says' USING ERRCODE = '{code}';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON post_tags {when}
    FOR EACH ROW EXECUTE FUNCTION refuses()
"""


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize("when", ["", "DEFERRABLE INITIALLY DEFERRED"])
def test_a_transaction_that_is_refused_is_done_again(archive: str, code: str, when: str) -> None:
    """At its statement, or at its COMMIT."""
    with psycopg.connect(archive, autocommit=True) as db:
        db.execute(REFUSING.format(times=TRIES - 1, code=code, when=when).encode())
    with Store.open(archive) as store:
        assert tag(store, ["storm"]) == [True] * POSTS
        assert len(contents(archive)["tags"]) == POSTS


def test_it_is_tried_so_often_and_no_longer(archive: str) -> None:
    with psycopg.connect(archive, autocommit=True) as db:
        db.execute(REFUSING.format(times=10**6, code="40001", when="").encode())
        with Store.open(archive, busy_timeout=0) as store, pytest.raises(TgTaggerError) as failed:
            tag(store, ["storm"])
        assert failed.value.kind == "database_busy"
        assert db.execute("SELECT last_value FROM refused").fetchone() == (TRIES,)


def test_many_at_once_meet_and_all_of_it_is_done(archive: str, effort: Effort) -> None:
    """Workers claim, save and release the same posts; the server is set to the strictest level."""
    url = with_option(archive, "default_transaction_isolation=serializable")
    workers, rounds = 4, effort.rounds(5, long=60)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with Store.open(url) as store:
                for turn in range(rounds):
                    claims = store.queue.claims(PENDING, f"worker {number}", by_text=True)
                    list(claims.take())
                    claims.renew()
                    store.tags.counts()
                    claims.release()
                    store.curation.add(f"news/{1 + turn % POSTS}", [f"mine {number}"])
        except BaseException as error:  # noqa: BLE001 -- shown by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    found = contents(archive)
    assert len(found["tags"]) == workers * min(rounds, POSTS)
