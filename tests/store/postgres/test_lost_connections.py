"""A connection that is lost at any moment: what was stored stays, nothing is stored twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from support.make import page, post
from support.on_server import Archive, connected
from support.sql import location, writing
from tgtagger.errors import Locked, TryLater
from tgtagger.model.posts import PostFilter
from tgtagger.runs.query import read_query
from tgtagger.store import Store
from tgtagger.store.postgres import engine as engines
from tgtagger.store.statements import Statement


@pytest.fixture
def store(archive_on_server: Archive) -> Iterator[Store]:
    with archive_on_server.empty() as opened:
        yield opened


def engine_of(store: Store) -> Engine:
    made: Engine = store._database.opened.engine  # type: ignore[attr-defined]
    return made


def end_all_others(store: Store) -> None:
    """End the sessions of this database, as a restart of its server does."""
    with connected(store) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def texts(store: Store) -> list[str]:
    return [found.text for found in store.records.posts(PostFilter())]


def test_a_connection_that_died_while_nobody_used_it_is_replaced(store: Store) -> None:
    store.posts.save_page(page(post(1, "one")))
    with store._database.read(), store._database.read():
        pass  # two are open
    end_all_others(store)
    store.posts.save_page(page(post(2, "two")))
    assert texts(store) == ["two", "one"]


def test_what_was_not_committed_is_not_there_and_the_next_one_works(store: Store) -> None:
    store.posts.save_page(page(post(1, "one")))
    with pytest.raises(TryLater) as failed, store._database.write() as db:
        Statement("DELETE FROM posts")(db)
        driver: Any = db.connection.driver_connection
        driver.close()
        Statement("SELECT 1")(db)
    assert failed.value.kind == "database_connection_lost"
    assert texts(store) == ["one"]


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_lost_answer_to_a_commit_is_resolved_by_asking(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    is_committed: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(engines, "LOOKING", 3)
    lost: list[int] = []

    def lose(connection: Any) -> None:
        if not lost:
            lost.append(1)
            driver = connection.connection.driver_connection
            if is_committed:
                driver.execute("COMMIT")
            driver.close()

    event.listen(engine_of(store), "commit", lose)
    try:
        assert store.posts.save_page(page(post(1, "one"))).new == 1  # done again, if it has to be
    finally:
        event.remove(engine_of(store), "commit", lose)
    assert lost
    assert texts(store) == ["one"]
    store.posts.save_page(page(post(1, "one"), post(2, "two")))
    assert texts(store) == ["two", "one"]


def test_an_iterator_over_a_lost_connection_says_so(store: Store) -> None:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 9))))
    lines = store.records.lines(PostFilter())
    assert next(lines)
    end_all_others(store)
    with pytest.raises(TryLater):
        [*lines, *store.records.lines(PostFilter())]
        raise TryLater("database_busy", path="all rows were here already")


def test_reading_never_waits_for_a_writer(store: Store) -> None:
    store.posts.save_page(page(post(1, "word")))
    with writing(store), Store.open_to_read(location(store)) as reader:
        assert [*reader.records.lines(PostFilter())]
        assert [*reader.records.search(PostFilter(query=read_query("word")))]
        assert reader.status.archive().posts["pending"] == 1
        with reader.select(PostFilter()) as selection:
            assert selection.count == 1
        with pytest.raises(Locked):
            store.runs.start("parse")


def test_the_version_changes_with_what_others_write(store: Store) -> None:
    with Store.open_to_read(location(store)) as reader:
        before = reader.status.version()
        assert reader.status.version() == before
        with writing(store) as db:
            db.execute("UPDATE alembic_version SET version_num = version_num")
            during = reader.status.version()
        after = reader.status.version()
        assert after not in {before, during}  # whoever looked during the transaction looks again
