"""An archive is copied from a file to a server, to another server, and back: all of it equal."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from support import old_schemas
from support.breaking import assert_sound
from support.lived_in import live_in
from support.make import page, post, tag
from support.on_server import connected
from tgtagger.errors import StoreError, TgTaggerError, TryLater
from tgtagger.model.choices import CopyStage
from tgtagger.model.posts import PostFilter
from tgtagger.model.query import Words
from tgtagger.store import Store
from tgtagger.store.sqlite.schema_version import SCHEMA


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with rows in every table, and letters of all kinds."""
    db = tmp_path_factory.mktemp("full") / "full.db"
    old_schemas.make(db, SCHEMA.newest, rows=40)
    with closing(sqlite3.connect(db)) as raw, raw:
        # Keys in the order of their bytes, not of a language; tabs, lines and backslashes.
        for at, text in enumerate(("Ё", "ё", "a\tb\\n\n\r", "\\.", "😀", "Ａ", "\\x41", "", " ")):
            raw.execute("UPDATE tags SET key = ? WHERE id = ?", (text, at + 1))
            raw.execute("UPDATE posts SET text = ?, views = ? WHERE id = ?", (text, 2**62, at + 1))
            raw.execute("UPDATE raw_forms SET data = ? WHERE post_id = ?", (bytes(range(256)), at))
        raw.execute("UPDATE attempts SET cost_usd = 0.1 + 0.2 WHERE id = 3")
        raw.execute(
            "INSERT INTO channels (id, title, kind, added_at) "
            "VALUES (-9007199254740993, 'x', 'group', '2026-01-01T00:00:00Z')"
        )
    with Store.open(str(db)) as store:
        store.integrity.rebuild_index()
    return db


@pytest.fixture
def old(full: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(full, tmp_path / "old.db"))


def assert_same(one: Path, other: Path) -> None:
    assert old_schemas.read(other) == old_schemas.read(one)
    assert_sound(other)
    with Store.open(str(other)) as store:
        assert store.queue.out_of_step() == 0
        assert store.integrity.check_index()


def test_there_and_back_all_is_equal(
    old: Path, tmp_path: Path, server_url: str, empty_server_url: str
) -> None:
    back = tmp_path / "back.db"
    made = [
        Store.copy(str(old), server_url),
        Store.copy(server_url, empty_server_url),
        Store.copy(empty_server_url, str(back)),
    ]
    assert made[0].tables == made[1].tables == made[2].tables
    assert made[0].target == made[1].source != made[1].target
    assert_same(old, back)
    with Store.open(empty_server_url) as store:
        assert store.queue.out_of_step() == 0
        assert store.integrity.check_index()


def test_people_go_on_where_they_were(store: Store, server_url: str, tmp_path: Path) -> None:
    """Records, searches, jobs and what can be undone are those of before; numbers go on."""
    store.posts.save_page(page(post(899, "People helped in the storm")))
    tag(store, ["volunteers", "gusts"])
    live_in(store)
    place = store._database.opened
    source = str(place.path) if place.path == store.place else ""
    if "://" in source:  # of the tests' server, whose socket is an option
        with connected(store) as db:
            source = f"{source}?host={db.info.host}"
    Store.copy(source, server_url)
    with Store.open(server_url) as copied:
        for found in (
            PostFilter(),
            PostFilter(query=Words("storm")),
            PostFilter(tags=("harbour",)),
        ):
            assert list(copied.records.lines(found)) == list(store.records.lines(found))
        assert copied.jobs.latest(9) == store.jobs.latest(9)
        assert copied.changes.past(9) == store.changes.past(9)
        for each in (copied, store):
            each.changes.take_back(each.changes.past(1)[0].number)
            each.jobs.ask("sync", "", {})
        assert copied.jobs.latest(1)[0].id == store.jobs.latest(1)[0].id
        assert list(copied.records.lines(PostFilter())) == list(store.records.lines(PostFilter()))


class Stopped(Exception):
    """What ends a copy at some point, as a signal does."""


def test_stopped_it_goes_on_with_what_changed(old: Path, tmp_path: Path, server_url: str) -> None:
    calls = iter(range(30))

    def stop(stage: CopyStage, done: int, total: int) -> None:
        if next(calls) == 29:
            raise Stopped

    with pytest.raises(Stopped):
        Store.copy(str(old), server_url, stop)
    for use in (Store.open, Store.open_to_read, Store.open_up_to_date):
        with pytest.raises(StoreError) as found:
            use(server_url)
        assert found.value.kind == "copy_unfinished"
    with closing(sqlite3.connect(old)) as raw, raw:
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute("UPDATE runs SET exit_code = 5 WHERE id = 7")
        raw.execute("UPDATE tags SET key = key || '!' WHERE id < 5")
        raw.execute("UPDATE posts SET id = 100000 WHERE id = 5")
        raw.execute("UPDATE posts SET id = -5 WHERE id = 30")
        raw.execute("DELETE FROM channels WHERE id = 20")
    assert Store.copy(str(old), server_url).kept > 100
    Store.copy(server_url, str(tmp_path / "back.db"))
    assert_same(old, tmp_path / "back.db")


def test_who_writes_to_the_server_meanwhile_is_not_waited_for(
    old: Path, tmp_path: Path, server_url: str
) -> None:
    Store.copy(str(old), server_url)
    with Store.open(server_url) as writing:

        def write(stage: CopyStage, done: int, total: int) -> None:
            if stage == "copy":
                writing.runs.start("parse")

        Store.copy(server_url, str(tmp_path / "back.db"), write)
        assert writing.runs.past(1)[0].id > 50
    assert_same(old, tmp_path / "back.db")


def test_two_copies_into_one_server(old: Path, server_url: str) -> None:
    def another(stage: CopyStage, done: int, total: int) -> None:
        if stage == "index":
            with pytest.raises(TryLater):
                Store.copy(str(old), server_url)

    Store.copy(str(old), server_url, another)


def test_what_is_on_a_server_already_is_kept(old: Path, server_url: str) -> None:
    with Store.open(server_url) as store:
        store.channels.follow(["@some_channel"])
    for source, kind in ((str(old), "copy_target_used"), (server_url, "copy_onto_itself")):
        with pytest.raises(TgTaggerError) as found:
            Store.copy(source, server_url)
        assert found.value.kind == kind
    with Store.open(server_url) as store:
        assert store.channels.followed_sources()


def test_a_row_that_a_server_refuses_is_named(old: Path, server_url: str) -> None:
    with closing(sqlite3.connect(old)) as raw, raw:
        raw.execute("UPDATE posts SET text = 'a' || char(0) || 'secret' WHERE id = 33")
    with pytest.raises(StoreError) as found:
        Store.copy(str(old), server_url)
    assert found.value.kind == "copy_row_refused"
    assert str(found.value).endswith("a row of the table posts (number 33)")
    with psycopg.connect(server_url) as db:
        assert db.execute("SELECT count(*) FROM posts").fetchone() == (0,)  # its batch
    with closing(sqlite3.connect(old)) as raw, raw:
        raw.execute("UPDATE posts SET text = 'a' WHERE id = 33")
    Store.copy(str(old), server_url)
