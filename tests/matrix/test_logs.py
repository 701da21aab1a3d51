"""What lies beside a database: its log, or another's, cut off, missing, noise (C2).

Either all is there that the file and its log hold, or the database is refused and neither is
changed. What SQLite would do with another's log is to play it in, and say nothing.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support import old_schemas
from support.breaking import assert_sound, copy_database, files_of, run
from support.fault_matrix import Effort
from support.make import page, post, tag
from support.next_version import NEXT, OLD
from support.sql import driver, reading
from tgtagger.cli import app
from tgtagger.errors import StoreError
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store, kept_backups
from tgtagger.store.sqlite import connections, stale_log

pytestmark = pytest.mark.row("C2")


def save(store: Store, *numbers: int, words: str = "words") -> None:
    store.posts.save_page(page(*(post(n, f"{words} {n}") for n in numbers)))


def found(db: Path) -> set[str]:
    """Read a copy, so that the files stay as they are."""
    copy = db.with_name(f"copy of {db.name}")
    copy_database(db, copy)
    with Store.open_to_read(str(copy)) as store:
        texts = {item.text for item in store.records.posts(PostFilter())}
    assert_sound(copy)
    return texts


def in_the_middle(
    folder: Path, name: str, words: str, *, count: int = 30, before: int = 10
) -> Path:
    """Return a database as a killed run leaves it, with a log beside it."""
    db, killed = folder / f"running {name}", folder / name
    with Store.open(str(db)) as store:
        save(store, *range(1, before + 1), words=words)
    with Store.open(str(db)) as store:
        for n in range(before + 1, count + 1):
            save(store, n, words=words)
        copy_database(db, killed)
    assert files_of(killed)[1].stat().st_size > 32
    return killed


def state_of(db: Path) -> list[bytes | None]:
    return [file.read_bytes() if file.exists() else None for file in files_of(db)[:2]]


def assert_refused(db: Path) -> None:
    before = state_of(db)
    for open_it in (Store.open, Store.open_to_read):
        with pytest.raises(StoreError, match=r"does not belong to") as caught:
            open_it(str(db))
        assert caught.value.exit_code == 6
    copy = db.with_name(f"backup of {db.name}")
    backup = ["doctor", "--backup", str(copy)]
    tagging = ["tags", "add", "news/1", "x"]
    for arguments in (["status"], ["tag"], ["export"], ["doctor"], backup, tagging):
        result = CliRunner().invoke(app, ["--db", str(db), *arguments])
        assert result.exit_code == 6, (arguments, result.output)
    assert state_of(db) == before
    assert not copy.exists()


def test_another_databases_log_is_refused(tmp_path: Path, effort: Effort) -> None:
    one, other = in_the_middle(tmp_path, "one.db", "one"), in_the_middle(tmp_path, "two.db", "two")
    logs = [files_of(each)[1] for each in (one, other)]
    held = [log.read_bytes() for log in logs]
    for log, data in zip(logs, reversed(held), strict=True):
        log.write_bytes(data)
    for db in (one, other):
        files_of(db)[2].unlink(missing_ok=True)
        assert_refused(db)
    result = CliRunner().invoke(
        app, ["--db", str(one), "doctor", "--recover", str(tmp_path / "saved.db")]
    )
    assert result.exit_code == 0  # without the log, which is none of its
    assert found(tmp_path / "saved.db") == {f"one {n}" for n in range(1, 11)}
    for log, data in zip(logs, held, strict=True):
        log.write_bytes(data)
    for db, words in ((one, "one"), (other, "two")):
        assert found(db) == {f"{words} {n}" for n in range(1, 31)}
    effort.saw(rounds=2)


def test_a_backup_put_over_a_database_with_its_log_is_refused(tmp_path: Path) -> None:
    db = tmp_path / "posts.db"
    with Store.open(str(db)) as store:
        save(store, *range(1, 20))
    backup = tmp_path / "backup.db"
    shutil.copy(db, backup)
    with Store.open(str(db)) as store:
        save(store, *range(20, 30))
    later = in_the_middle(tmp_path, "later.db", "words")
    with Store.open(str(db)) as store:  # the log begins anew with the first commit after the close
        save(store, 30)
        copy_database(db, later)
    shutil.copy(backup, later)  # and the log stays where it was
    assert_refused(later)
    files_of(later)[1].unlink()
    assert found(later) == {f"words {n}" for n in range(1, 20)}


def test_an_older_log_beside_a_newer_database_is_refused(tmp_path: Path) -> None:
    db = in_the_middle(tmp_path, "posts.db", "words")
    log = files_of(db)[1].read_bytes()
    with Store.open(str(db)) as store:
        save(store, 31)
        save(store, 32)
    files_of(db)[1].write_bytes(log)
    assert_refused(db)


def test_its_own_log_is_taken_whenever_the_run_was_killed(tmp_path: Path, effort: Effort) -> None:
    """The files are copied after each commit, with checkpoints in between, and two writers."""
    db, killed = tmp_path / "posts.db", tmp_path / "killed.db"
    chance = random.Random(11)
    expected: set[str] = set()
    stores: list[Store] = []
    with_log = 0
    for number in range(1, effort.rounds(40, long=2000) + 1):
        if not stores or (len(stores) < 2 and chance.random() < 0.1):
            stores.append(Store.open(str(db)))
            driver(stores[-1]).execute("PRAGMA wal_autocheckpoint = 12").fetchone()
        save(chance.choice(stores), number)
        expected.add(f"words {number}")
        if chance.random() < 0.05:
            stores.pop(chance.randrange(len(stores))).close()
        copy_database(db, killed)
        with_log += files_of(killed)[1].exists()
        files_of(killed)[2].unlink(missing_ok=True)
        if number % 10 == 0:
            assert found(killed) == expected
        else:
            stale_log.check(killed)
    for store in stores:
        store.close()
    assert with_log > number // 2
    assert found(db) == expected


def test_a_log_that_is_cut_off_or_noise_counts_as_far_as_it_is_whole(
    tmp_path: Path, effort: Effort
) -> None:
    whole, db = in_the_middle(tmp_path, "whole.db", "words"), tmp_path / "posts.db"
    log = files_of(whole)[1].read_bytes()
    states = [{f"words {n}" for n in range(1, last + 1)} for last in range(10, 31)]
    chance = random.Random(5)
    seen = set()
    for number in range(effort.rounds(8, long=400)):
        copy_database(whole, db)
        data = bytearray(log)
        if number % 2:
            del data[chance.randrange(len(data)) :]
        else:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        files_of(db)[1].write_bytes(data)
        try:
            texts = found(db)
        except StoreError:
            continue
        assert texts in states
        seen.add(len(texts))
    assert len(seen) > 2
    effort.saw(states_seen=len(seen))


def test_without_its_log_it_is_as_of_an_earlier_moment(tmp_path: Path) -> None:
    db = in_the_middle(tmp_path, "posts.db", "words")
    for file in files_of(db)[1:]:
        file.unlink(missing_ok=True)
    assert found(db) == {f"words {n}" for n in range(1, 11)}


@pytest.mark.parametrize("noise", [b"", b"noise" * 5000, bytes(40_000)])
def test_shared_memory_is_of_no_value(tmp_path: Path, noise: bytes) -> None:
    db = in_the_middle(tmp_path, "posts.db", "words")
    files_of(db)[2].write_bytes(noise)
    assert found(db) == {f"words {n}" for n in range(1, 31)}
    with Store.open(str(db)) as store:
        save(store, 31)
    assert found(db) == {f"words {n}" for n in range(1, 32)}


# ---- rollback journals: of databases that are not in WAL mode


def journalled(folder: Path, name: str, words: str) -> Path:
    """Return a database that is not in WAL mode, killed in the middle of a transaction."""
    db, killed = folder / f"running {name}", folder / name
    with Store.open(str(db)) as store:
        save(store, *range(1, 200), words=words)
    with closing(sqlite3.connect(db, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
        raw.execute("PRAGMA cache_size = 2")  # so that pages go to the file before the commit
        raw.execute("BEGIN IMMEDIATE")
        stale_log.number(raw)
        raw.execute("UPDATE posts SET text = 'not committed ' || text")
        copy_database(db, killed)
        raw.execute("ROLLBACK")
    assert files_of(killed)[3].stat().st_size
    return killed


def test_a_journal_of_its_own_is_rolled_back_by_whoever_comes_first(tmp_path: Path) -> None:
    for first in (["status"], ["tags", "add", "news/1", "x"]):
        db = journalled(tmp_path, "posts.db", "words")
        result = CliRunner().invoke(app, ["--db", str(db), *first])
        assert result.exit_code == 0, result.output
        assert found(db) == {f"words {n}" for n in range(1, 200)}
        for file in tmp_path.iterdir():
            file.unlink()


def test_another_databases_journal_is_refused(tmp_path: Path) -> None:
    one, other = journalled(tmp_path, "one.db", "one"), journalled(tmp_path, "two.db", "two")
    shutil.copy(files_of(other)[3], files_of(one)[3])
    before = [one.read_bytes(), files_of(one)[3].read_bytes()]
    assert_refused(one)
    assert [one.read_bytes(), files_of(one)[3].read_bytes()] == before
    quiet = tmp_path / "quiet.db"
    with Store.open(str(quiet)) as store:
        save(store, 1)
    shutil.copy(files_of(other)[3], files_of(quiet)[3])
    assert_refused(quiet)
    files_of(quiet)[3].unlink()
    assert found(quiet) == {"words 1"}


@pytest.mark.row("C2")
def test_a_database_reached_by_a_link_has_its_log(tmp_path: Path) -> None:
    db, link = tmp_path / "real" / "posts.db", tmp_path / "link.db"
    link.symlink_to(db)
    with Store.open(str(db)) as store:  # all of it is still in the log
        store.posts.save_page(page(post(1, "word")))
        with Store.open_to_read(str(link)) as reader:
            assert [state.posts for state in reader.status.channels()] == [1]
            assert reader.status.archive().size > db.stat().st_size


def test_what_is_done_without_locks_by_a_link_reads_the_log_too(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    db = in_the_middle(tmp_path / "real", "posts.db", "words")
    link = tmp_path / "link.db"
    link.symlink_to(db)
    saved = tmp_path / "saved.db"
    result = CliRunner().invoke(app, ["--db", str(link), "doctor", "--recover", str(saved)])
    assert result.exit_code == 0
    assert found(saved) == {f"words {n}" for n in range(1, 31)}
    without_locks = connections.to_read  # as where no lock can be had: see test_denied.py
    with pytest.MonkeyPatch.context() as patched:
        denied = sqlite3.OperationalError()
        denied.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN

        def refuse(*_: object, made: object = None, **__: object) -> sqlite3.Connection:
            if made is None:
                raise denied
            return opened(*_, made=made, **__)  # type: ignore[arg-type]

        opened = connections._open
        patched.setattr(connections, "_open", refuse)
        with closing(without_locks(link, 0)) as raw:
            assert raw.execute("SELECT count(*) FROM posts").fetchone() == (30,)


def test_a_backup_that_a_migration_made_is_not_put_beside_a_later_log(tmp_path: Path) -> None:
    db = tmp_path / "posts.db"
    old_schemas.make(db, OLD[-1])
    with closing(sqlite3.connect(db)) as raw:
        raw.execute(f"PRAGMA application_id = {0x74670007}")  # the seventh commit
    Store.open(str(db), schema=NEXT).close()
    (backup,) = kept_backups(db)
    later = tmp_path / "later.db"
    with Store.open(str(db), schema=NEXT) as store:
        save(store, 2)
        copy_database(db, later)
    shutil.copy(backup, later)
    assert_refused(later)


def test_an_index_made_anew_counts_as_a_commit(tmp_path: Path) -> None:
    db = tmp_path / "posts.db"
    with Store.open(str(db)) as store:
        with reading(store) as raw:
            before = raw.execute("PRAGMA application_id").fetchone()
        store.integrity.rebuild_index()
    with reading(db) as raw:
        assert raw.execute("PRAGMA application_id").fetchone() != before


def test_a_large_log_is_recognised_by_few_of_its_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction beyond the cache writes page 1 last: 22 s were spent on summing 467 MB."""
    db, killed = tmp_path / "running", tmp_path / "killed"
    with Store.open(str(db)) as store:
        save(store, 1)  # so that the file itself has a number
    with Store.open(str(db)) as store, contextlib.ExitStack() as stack:
        save(store, 2)
        reader = stack.enter_context(Store.open_to_read(str(db)))
        stack.enter_context(reader.select(PostFilter()))  # so that the log is not folded back
        with store._database.write() as writing:
            raw = connections.driver(writing)
            raw.execute("PRAGMA cache_size = 10")
            raw.execute("CREATE TABLE filler (noise BLOB)")
            raw.execute(
                "INSERT INTO filler WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                "LIMIT 5000) SELECT zeroblob(4000) FROM n"
            )
        copy_database(db, killed)
    log = files_of(killed)[1]
    assert log.stat().st_size > 5000 * 4000
    read = 0
    pread = os.pread

    def counted(file: int, count: int, at: int) -> bytes:
        nonlocal read
        read += count
        return pread(file, count, at)

    monkeypatch.setattr(os, "pread", counted)
    assert stale_log.belongs(killed, log)
    assert 0 < read < 1 << 20
    other = in_the_middle(tmp_path, "other", "others")
    shutil.copy(log, files_of(other)[1])
    assert not stale_log.belongs(other, files_of(other)[1])


def test_a_large_log_of_another_file_is_found_by_a_commit_in_its_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in a second large transaction: page 1 of the first stands between the log's ends."""
    db, killed = tmp_path / "running", tmp_path / "killed"
    fill = (
        "INSERT INTO filler WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "LIMIT 400) SELECT zeroblob(4000) FROM n"
    )
    with Store.open(str(db)) as store:
        save(store, 1)  # so that the file itself has a number
    with (
        Store.open_to_read(str(db)) as reader,
        reader.select(PostFilter()),  # so that the log is not folded back
        closing(connections.to_write(db)) as raw,
    ):
        raw.execute("PRAGMA cache_size = 10")
        raw.execute("BEGIN IMMEDIATE")
        stale_log.number(raw)
        raw.execute("CREATE TABLE filler (noise BLOB)")
        raw.execute(fill)
        raw.execute("COMMIT")
        raw.execute("BEGIN IMMEDIATE")
        raw.execute(fill)
        copy_database(db, killed)
        raw.execute("ROLLBACK")
    log = files_of(killed)[1]
    monkeypatch.setattr(stale_log, "_LOOKED_AT", 100)
    data, step = log.read_bytes(), 24 + 4096
    count = (len(data) - 32) // step
    places = [n for n in range(count) if data[32 + n * step :][:4] == b"\0\0\0\1"]
    assert places
    assert 100 <= min(places) <= max(places) < count - 100
    assert stale_log._is_soon_known(killed, log)
    other = in_the_middle(tmp_path, "other", "others")
    shutil.copy(log, files_of(other)[1])
    assert_refused(other)
    shutil.copy(killed, other)  # the same again, without any number in the log
    for place in places:
        data = data[: 32 + place * step] + b"\0\0\0\2" + data[36 + place * step :]
    files_of(other)[1].write_bytes(data)
    assert stale_log._is_soon_known(other, files_of(other)[1])


CHANGES = (
    ["tags", "merge", "sea", "--into", "sun", "--yes"],
    ["tags", "rename", "sea", "ocean", "--yes"],
    ["tags", "remove", "sea", "--yes"],
    ["tags", "undo", "1", "--yes"],
    ["channels", "remove", "@news", "--with-posts", "--yes"],
)
READINGS = (["show", "news/1"], ["status"], ["search", "words"], ["export"], ["channels"])


def run_process(db: Path, arguments: list[str]) -> None:
    ended = run("--db", str(db), *arguments, stdin="y\n")
    assert ended.code == 0, (arguments, ended.errors)


def test_no_log_stays_when_a_large_change_or_an_upgrade_has_ended(tmp_path: Path) -> None:
    whole, older, db = tmp_path / "whole", tmp_path / "older", tmp_path / "posts.db"
    with Store.open(str(whole)) as store:
        save(store, *range(1, 3001))
        tag(store, ("sea", "sun"))
    old_schemas.make(older, OLD[-1], 0)
    with closing(sqlite3.connect(older)) as raw:
        raw.execute("INSERT INTO channels (id, title, username, kind, added_at) VALUES "
                    "(1, 'News', 'news', 'channel', '2026-01-01T00:00:00Z')")  # fmt: skip
        raw.execute(
            "INSERT INTO posts (channel_id, message_id, size, text, markdown, source, text_hash, "
            "added_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
            "SELECT 1, i, 1, 'words ' || i, '', 'desktop', '0123456789abcdef', "
            "'2026-01-01T00:00:00Z' FROM n"
        )
        raw.execute("INSERT INTO posts_fts (posts_fts) VALUES ('rebuild')")
        raw.commit()
    for base, commands in ((whole, CHANGES), (older, READINGS)):
        for arguments in commands:
            copy_database(base, db)
            run_process(db, arguments)
            log = files_of(db)[1]
            assert not log.exists() or not log.stat().st_size, arguments


def test_a_log_that_grew_while_somebody_read_goes_with_the_next_command_that_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LARGE_LOG", 4096)
    db = tmp_path / "posts.db"
    log = files_of(db)[1]
    with Store.open(str(db)) as store:
        save(store, 1)
    with Store.open_to_read(str(db)) as reader, reader.select(PostFilter()):
        with Store.open(str(db)) as store:
            save(store, *range(2, 500))
        size = log.stat().st_size
        assert size > 4096
        Store.open_up_to_date(str(db)).close()  # somebody still reads: nothing is cut
        assert log.stat().st_size == size
    with Store.open_up_to_date(str(db)) as second:
        assert log.stat().st_size == 0
        assert second.status.archive().posts["pending"] == 499
    assert len(found(db)) == 499
