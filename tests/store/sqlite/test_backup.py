"""A backup is the database of one moment, whole, checked, and a file of its own."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from support import old_schemas
from support.breaking import assert_sound
from support.damage import page_of, write_over
from support.make import page, post
from support.next_version import NEXT
from support.sql import reading
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError, StoreError
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.store.sqlite import backup
from tgtagger.store.sqlite.schema_version import SCHEMA


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "backup"
    folder.mkdir()
    return folder / "copy.db"


def fill(store: Store, posts: int, size: int = 40) -> None:
    store.posts.save_page(
        page(*(post(n, f"post {n} " + "слово " * size) for n in range(1, posts + 1)))
    )


def test_it_is_of_one_moment_while_others_write(store: Store, db: Path, target: Path) -> None:
    fill(store, 3000, 300)
    shares: list[tuple[int, int]] = []

    def write_meanwhile(done: int, total: int) -> None:
        """A writer that would fail at once if it had to wait: its timeout is 0."""
        shares.append((done, total))
        assert store.posts.save_page(page(post(10_000 + len(shares), "came meanwhile"))).new == 1

    made = Store.back_up(str(db), target, write_meanwhile)
    assert len(shares) > 3
    assert [done for done, _ in shares] == sorted({done for done, _ in shares})  # nothing again
    assert shares[-1] == (made.size, made.size)
    assert {total for _, total in shares} == {made.size}
    assert (made.path, made.posts, made.schema) == (target, 3000, SCHEMA.newest)
    assert_sound(target)
    with Store.open_to_read(str(target)) as copy:
        assert max(found.id.message_id for found in copy.records.posts(PostFilter())) == 3000
    assert store.status.archive().posts["pending"] == 3000 + len(shares)


def test_it_is_one_file_that_only_its_owner_reads(store: Store, db: Path, target: Path) -> None:
    fill(store, 10)
    before = os.umask(0)
    try:
        Store.back_up(str(db), target)
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(target)) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    with Store.open_to_read(str(target)) as copy:
        assert [state.posts for state in copy.status.channels()] == [10]
    assert list(target.parent.iterdir()) == [target]
    with Store.open(str(target)) as copy:  # a database like any other
        fill(copy, 11)
        assert copy.status.archive().posts["pending"] == 11


def test_it_is_read_where_nobody_may_write(store: Store, db: Path, target: Path) -> None:
    """Tried as another user: root is denied nothing."""
    fill(store, 10)
    Store.back_up(str(db), target)
    program = (
        "import os, sys\n"
        "from tgtagger.store import Store\n"
        "Store.open_to_read(sys.argv[1]).close()\n"  # our modules, while we can read them
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "with Store.open_to_read(sys.argv[1]) as store:\n"
        "    print(store.status.archive().posts['pending'])\n"
    )
    target.chmod(0o444)
    target.parent.chmod(0o555)
    for folder in target.parents:
        if os.getuid() == 0 and folder != folder.parent and "pytest" in str(folder):
            folder.chmod(folder.stat().st_mode | 0o055)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, str(target)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        target.parent.chmod(0o755)
    assert done.stdout.split() == ["10"], done.stderr


def test_a_database_with_a_rollback_journal_is_copied_too(
    store: Store, db: Path, target: Path
) -> None:
    fill(store, 10)
    store.close()
    with closing(sqlite3.connect(db)) as raw:
        assert raw.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    assert Store.back_up(str(db), target).posts == 10
    assert_sound(target)


@pytest.mark.parametrize("version", NEXT.revisions)
def test_an_older_schema_is_copied_as_it_is(db: Path, target: Path, version: str) -> None:
    old_schemas.make(db, version)
    made = backup.back_up(db, target, schema=NEXT)
    assert (made.schema, made.posts) == (version, 4)
    assert old_schemas.schema_of(target) == old_schemas.schema_of(db)
    assert old_schemas.read(target) == old_schemas.read(db)
    assert made.schema == old_schemas.schema_of(db)[-1]  # neither was brought up to date


def test_targets_that_cannot_be_had(store: Store, db: Path, target: Path) -> None:
    fill(store, 1)
    target.touch()
    (target.parent / "other.db-wal").touch()
    (target.parent / "third.db-journal").touch()
    link = target.parent / "link.db"
    link.symlink_to(db)
    folder = target.parent
    files = sorted(folder.parent.rglob("*"))
    for wrong in (
        target, db, link, folder, folder / "none" / "copy.db", folder / "other.db",
        folder / "third.db", db.with_name("posts.db-journal"), db.with_name("posts.db.tag.lock"),
        folder / ".." / "posts.db.parse.lock", Path("/proc/copy.db"),
    ):  # fmt: skip
        for named in {db, link}:
            with pytest.raises(InputError) as caught:
                Store.back_up(str(named), wrong)
            assert hint_of(caught.value)
    for named in (db, link):  # the database by another name is still the database
        with pytest.raises(InputError, match=r"belongs to the database|exists already"):
            Store.back_up(str(named), db.with_name("posts.db-wal"))
    assert sorted(folder.parent.rglob("*")) == files


def test_there_must_be_something_to_copy(tmp_path: Path, target: Path) -> None:
    with pytest.raises(InputError, match="no database yet"):
        Store.back_up(str(tmp_path / "none.db"), target)
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as raw, raw:
        raw.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="another program"):
        Store.back_up(str(foreign), target)
    (tmp_path / "text").write_text("no database" * 1000)
    with pytest.raises(StoreError, match="not a database"):
        Store.back_up(str(tmp_path / "text"), target)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("table", ["ix_album_members_post_id", "posts", "raw_forms"])
def test_a_damaged_database_is_not_kept(store: Store, db: Path, target: Path, table: str) -> None:
    fill(store, 500)
    with reading(store) as raw:
        (number,) = raw.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
    store.close()
    with db.open("r+b") as file:
        file.seek((number - 1) * 4096)
        file.write(b"\xff" * 4000)
    with pytest.raises(StoreError, match="damaged") as caught:
        Store.back_up(str(db), target)
    assert (str(db) in caught.value.message, caught.value.exit_code) == (True, 6)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("table", ["posts", "posts_fts_data", "sqlite_autoindex_posts_1"])
def test_one_damaged_page_is_enough(store: Store, db: Path, target: Path, table: str) -> None:
    fill(store, 500)
    store.close()
    write_over(db, page_of(db, table), b"\x77" * 2000)
    with pytest.raises(StoreError, match="damaged"):
        Store.back_up(str(db), target)
    assert list(target.parent.iterdir()) == []


def test_an_index_that_lacks_a_row_is_copied_and_told_by_doctor(
    store: Store, db: Path, target: Path
) -> None:
    """No row is lost by it, so that is better than no copy."""
    fill(store, 10)
    store.close()
    with closing(sqlite3.connect(db, isolation_level=None)) as raw:
        is_index = "type = 'index' AND name = 'sqlite_autoindex_posts_1'"
        hidden = raw.execute(f"SELECT * FROM sqlite_master WHERE {is_index}").fetchall()
        (schema,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'posts'").fetchone()
        unique = "CONSTRAINT uq_posts_channel_id_message_id UNIQUE (channel_id, message_id),"
        change = "UPDATE sqlite_master SET sql = ? WHERE name = 'posts'"
        raw.execute("PRAGMA writable_schema = ON")
        raw.execute(change, [schema.replace(unique, "")])
        raw.execute(f"DELETE FROM sqlite_master WHERE {is_index}")
        raw.execute("PRAGMA writable_schema = RESET")
        raw.execute("UPDATE posts SET message_id = 99 WHERE message_id = 5")
        raw.execute("PRAGMA writable_schema = ON")
        raw.execute(change, [schema])
        raw.executemany("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", hidden)
    assert Store.back_up(str(db), target).posts == 10
    for file in (db, target):
        with Store.open_to_read(str(file)) as opened:
            assert any("missing from index" in each for each in opened.integrity.check().damage)


@pytest.mark.parametrize("at", ["in the middle", "while it is checked"])
def test_a_signal_stops_it_and_leaves_nothing(
    store: Store, db: Path, target: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, 2000, 200)

    def interrupt(done: int, total: int) -> None:
        if at == "in the middle":
            raise KeyboardInterrupt

    def look_for_ever(copy: sqlite3.Connection) -> tuple[str, int]:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)  # as a person's Ctrl-C: it ends a wait
        copy.execute("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT 1 FROM n) "
                     "SELECT max(i) FROM n").fetchone()  # fmt: skip
        pytest.fail("was not stopped")

    monkeypatch.setattr(backup, "_look", look_for_ever)
    with pytest.raises(KeyboardInterrupt):
        Store.back_up(str(db), target, interrupt)
    assert list(target.parent.iterdir()) == []
