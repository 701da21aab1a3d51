"""How the file is opened: transactions, permissions, versions, foreign files."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from support.forked import start
from support.make import page, post
from support.sql import driver
from tgtagger.errors import InputError, NoDatabase, StoreError, TryLater
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.store.sqlite import connections, engine, opening


def test_an_outer_rollback_takes_a_released_savepoint_along(db: Path) -> None:
    """The guard of the BEGIN hook: without it the SAVEPOINT is the transaction, and commits."""
    Store.open(str(db)).close()
    writer = engine.create_writer(db)
    with writer.connect() as connection:
        outer = connection.begin()
        with connection.begin_nested():
            connection.execute(sa.text("INSERT INTO runs (command, started_at) VALUES ('x', 'y')"))
        outer.rollback()
    with writer.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM runs")) == 0
    writer.dispose()


def test_every_writing_transaction_is_immediate(store: Store) -> None:
    statements: list[str] = []
    driver(store).set_trace_callback(statements.append)
    store.posts.save_page(page(post(1, "text")))
    store.runs.start("parse")
    begins = [statement for statement in statements if statement.startswith("BEGIN")]
    assert begins == ["BEGIN IMMEDIATE"] * 2


COUNT_CONNECTIONS = """
import sys
from tgtagger.store import Store
opened = []
sys.addaudithook(lambda event, _: opened.append(event) if event == "sqlite3.connect" else None)
with getattr(Store, sys.argv[1])(sys.argv[2]) as store:
    store.status.channels()
    if sys.argv[1] == "open":
        store.runs.start("parse")
print(len(opened))
"""


@pytest.mark.parametrize("way", ["open", "open_to_read", "open_up_to_date"])
@pytest.mark.parametrize("has_log", [True, False])
def test_opening_takes_few_connections(store: Store, db: Path, way: str, *, has_log: bool) -> None:
    """A look at what lies there, one at whose the log is where there is one, and one to stay."""
    store.posts.save_page(page(post(1, "text")))
    if not has_log:
        store.close()
    counted, errors = start([way, str(db)], code=COUNT_CONNECTIONS).communicate()
    assert counted == f"{2 + has_log}\n", errors


def test_a_reading_of_who_writes_waits_for_nobody(store: Store, db: Path) -> None:
    store.posts.save_page(page(post(1, "text")))
    texts = store.records.posts(PostFilter())
    next(texts)
    with Store.open(str(db), busy_timeout=0) as other:
        other.posts.save_page(page(post(2, "text")))
        assert len(list(store.records.posts(PostFilter()))) == 2
    assert list(texts) == []


def test_the_pragmas_hold(store: Store) -> None:
    db = driver(store)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert db.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_a_log_that_grew_while_somebody_read_is_cut_off(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LARGE_LOG", 1 << 17)
    wal = db.with_name(f"{db.name}-wal")
    with Store.open(str(db)) as store:
        driver(store).execute("PRAGMA wal_autocheckpoint = 10").fetchone()
        store.posts.save_page(page(post(1, "text")))
        with Store.open_to_read(str(db)) as reader:
            texts = reader.records.posts(PostFilter())
            next(texts)
            for n in range(2, 30):
                store.posts.save_page(page(post(n, f"text {n} " * 4000)))
            assert wal.stat().st_size > 1 << 20
            assert list(texts) == []
            for n in range(30, 33):
                store.posts.save_page(page(post(n, "text")))
            assert wal.stat().st_size < 1 << 19


def test_a_large_change_leaves_no_large_log_beside_who_only_looks(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LARGE_LOG", 1 << 17)
    wal = db.with_name(f"{db.name}-wal")
    with Store.open(str(db)) as store, Store.open_to_read(str(db)) as reader:
        reader.status.version()  # as a server does: it stays connected
        store.posts.save_page(page(*(post(n, f"text {n} " * 400) for n in range(1, 200))))
        assert wal.stat().st_size == 0
        texts = reader.records.posts(PostFilter())
        next(texts)
        store.posts.save_page(page(*(post(n, f"text {n} " * 400) for n in range(200, 400))))
        left = wal.stat().st_size
        assert left > 1 << 17  # it is being read
        assert len(list(texts)) == 198
        store.close()
        assert wal.stat().st_size == left
    assert not wal.exists() or not wal.stat().st_size


@pytest.mark.usefixtures("store")
def test_a_reader_cannot_write(db: Path) -> None:
    reader = Store.open_to_read(str(db))
    with pytest.raises(StoreError, match="cannot be written"):
        reader.runs.start("parse")
    reader.close()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_only_the_owner_reads_the_file(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "new" / "folder" / "posts.db"
    if umask == 0o777:  # would leave a folder that nobody enters
        path.parent.mkdir(parents=True)
    before = os.umask(umask)
    try:
        with Store.open(str(path)) as store, store.lock("parse"):
            store.posts.save_page(page(post(1, "text")))
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    expected = 0o600 & ~umask
    assert modes == dict.fromkeys(modes, expected)
    assert {"posts.db", "posts.db-wal", "posts.db-shm", "posts.db.parse.lock"} == set(modes)
    if umask != 0o777:
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_url_and_a_path_name_the_same_file(tmp_path: Path) -> None:
    assert opening.database_path(f"sqlite:///{tmp_path}/a.db") == tmp_path / "a.db"
    assert opening.database_path(str(tmp_path / "a.db")) == tmp_path / "a.db"
    odd = tmp_path / "what? 100% #1.db"
    Store.open(str(odd)).close()
    Store.open_to_read(str(odd)).close()
    assert odd.exists()


@pytest.mark.parametrize(
    "url", ["postgresql://user:secret@host/db", "mysql://host/db", "sqlite://", "://", "what://x"]
)
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        opening.database_path(url)
    assert "secret" not in caught.value.message


@pytest.mark.row("C1")
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_another_programs_database_stays_untouched(db: Path, mode: str) -> None:
    with closing(sqlite3.connect(db)) as raw:
        raw.execute(f"PRAGMA journal_mode = {mode}")
        raw.execute("CREATE TABLE theirs (x)")
    before = db.read_bytes()
    for open_it in (Store.open, Store.open_to_read):
        with pytest.raises(StoreError, match="another program"):
            open_it(str(db))
        assert db.read_bytes() == before
        assert [file.name for file in db.parent.iterdir()] == [db.name]


@pytest.mark.row("C1")
@pytest.mark.parametrize("content", [b"hello, I am no database" * 100, b"SQLite format 3\x00rest"])
def test_what_is_no_database_stays_untouched(db: Path, content: bytes) -> None:
    db.write_bytes(content)
    for open_it in (Store.open, Store.open_to_read):
        with pytest.raises(StoreError):
            open_it(str(db))
    assert db.read_bytes() == content
    assert [file.name for file in db.parent.iterdir()] == [db.name]


@pytest.mark.row("C3")
@pytest.mark.parametrize(
    "change", ["UPDATE alembic_version SET version_num = '9999'", "PRAGMA user_version = 9999"]
)
def test_a_newer_schema_is_refused(store: Store, db: Path, change: str) -> None:
    store.posts.save_page(page(post(1, "text")))
    store.close()
    with sqlite3.connect(db) as raw:
        raw.execute(change)
    raw.close()
    before = db.read_bytes()
    for open_it in (Store.open, Store.open_to_read):
        with pytest.raises(StoreError, match="newer tgtagger") as caught:
            open_it(str(db))
        assert caught.value.exit_code == 6
    assert db.read_bytes() == before


def test_a_newer_tgtagger_that_came_meanwhile_is_not_written_over(store: Store, db: Path) -> None:
    store.posts.save_page(page(post(1, "text")))
    with sqlite3.connect(db) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(StoreError, match="newer tgtagger"):
        store.posts.save_page(page(post(2, "text")))


def test_a_sqlite_that_is_too_old_is_named(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.34.1")  # of RHEL 9, for its Python 3.11, too
    for open_it in (Store.open, Store.open_to_read):
        with pytest.raises(InputError, match=r"SQLite 3\.34\.1 is too old"):
            open_it(str(db))
    assert not db.exists()


def test_reading_needs_a_database(db: Path) -> None:
    with pytest.raises(InputError, match="no database yet"):
        Store.open_to_read(str(db))
    assert not db.exists()
    db.touch()  # as a kill between making the file and filling it leaves it
    with pytest.raises(InputError):
        Store.open_to_read(str(db))
    Store.open(str(db)).close()
    Store.open_to_read(str(db)).close()


def test_a_change_of_what_is_there_makes_no_database(db: Path) -> None:
    for there in (False, True):
        if there:
            db.touch()
        with pytest.raises(NoDatabase):
            Store.open(str(db), create=False)
    assert db.stat().st_size == 0
    Store.open(str(db)).close()
    Store.open(str(db), create=False).close()


@pytest.mark.row("C1")
def test_what_is_no_file_is_no_database(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    for path, words in (
        (tmp_path, "is a folder"),
        (pipe, "not a regular"),
        (link, "not a regular"),
    ):
        for open_it in (Store.open, Store.open_to_read):
            with pytest.raises(InputError, match=words):
                open_it(str(path))


@pytest.mark.row("C1")
def test_a_file_cut_off_to_nothing_is_not_taken_for_a_new_one(store: Store, db: Path) -> None:
    """SQLite deletes the log of an empty file, and with it all that is left."""
    store.posts.save_page(page(post(1, "text")))
    logged = db.with_name("posts.db-wal").read_bytes()
    store.close()
    db.write_bytes(b"")
    db.with_name("posts.db-wal").write_bytes(logged)
    for open_it in (Store.open, Store.open_to_read):
        with pytest.raises(StoreError, match="cut off"):
            open_it(str(db))
    assert db.with_name("posts.db-wal").read_bytes() == logged


def test_a_locked_database_is_waited_for_then_named(store: Store, db: Path) -> None:
    other = sqlite3.connect(db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TryLater, match="is locked") as caught:
        store.posts.save_page(page(post(1, "text")))
    assert str(db) in caught.value.message
    assert caught.value.exit_code == 75
    other.execute("COMMIT")
    other.close()
    assert store.posts.save_page(page(post(1, "text"))).new == 1


def test_a_full_disk_stops_the_run_and_keeps_what_was_committed(store: Store) -> None:
    store.posts.save_page(page(post(1, "text")))
    raw = driver(store)
    (pages,) = raw.execute("PRAGMA page_count").fetchone()
    raw.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="no space left"):
        store.posts.save_page(page(*(post(n, "word " * 500) for n in range(2, 100))))
    raw.execute("PRAGMA max_page_count = 1000000")
    assert store.status.archive().posts["pending"] == 1
    assert store.integrity.check_index()
    assert store.posts.save_page(page(*(post(n, "word " * 500) for n in range(2, 100)))).new == 98
