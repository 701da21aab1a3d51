"""L4: a file system without write-ahead logging: no shared memory, no locks, a network."""

from __future__ import annotations

import errno
import fcntl
import logging
import mmap
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from support.breaking import (
    Fault,
    assert_clean_end,
    assert_sound,
    contents,
    copy_database,
    count_calls,
    files_of,
    points,
    run,
    run_many,
)
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.make import page, post
from support.sql import driver
from tgtagger.cli import app
from tgtagger.errors import StoreError, TryLater
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.store.rooms import Connection
from tgtagger.store.sqlite import access_diagnosis, connections
from tgtagger.system import mounts

pytestmark = pytest.mark.row("L4")

POSTS = 60
ANYWAY = (
    "from tgtagger.store.sqlite import connections as c; c._is_shareable = lambda _: False; "
    "from tgtagger.__main__ import main; main()"
)
"""The program, on a file system where a rollback journal is all there is."""


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    posts = (message(n, f"storm number{n} at sea") for n in range(1, POSTS + 1))
    return write(tmp_path_factory.mktemp("export"), chat(*posts))


def fill(db: Path, posts: int = POSTS) -> None:
    with Store.open(str(db)) as store:
        store.posts.save_page(
            page(*(post(n, f"storm number{n} at sea") for n in range(1, posts + 1)))
        )


def mode_of(db: Path) -> str:
    """Return the mode as the file's header says it: to ask SQLite would take locks."""
    return {1: "delete", 2: "wal"}[db.read_bytes()[18]]


def pragmas(db: Path) -> tuple[str, int]:
    with Store.open(str(db)) as store:
        raw = driver(store)
        (mode,) = raw.execute("PRAGMA journal_mode").fetchone()
        (synchronous,) = raw.execute("PRAGMA synchronous").fetchone()
        return str(mode), int(synchronous)


WAL, DELETE = ("wal", 2), ("delete", 3)  # FULL, EXTRA


def test_without_shared_memory_every_command_works(
    export: Path, tmp_path: Path, effort: Effort
) -> None:
    faults = [("openat", "EACCES"), ("mmap", "ENODEV"), ("mmap", "EINVAL"), ("openat", "ENOSYS"),
              ("ftruncate", "EINVAL")]  # fmt: skip
    for call, number in faults[: effort.rounds(1, long=5)]:
        for name in ("new", "old", "killed")[: 3 if effort.is_long else 1]:
            db = tmp_path / f"{call}-{number}-{name}" / "posts.db"
            db.parent.mkdir()
            if name != "new":
                fill(db, 9)
            if name == "killed":
                leave_in_the_log(db)
            commands = (
                ("parse", str(export)), ("tag",), ("status",), ("search", "storm"),
                ("show", "1006503122/1"), ("export", "-o", str(db.parent / "posts.jsonl")),
                ("tags", "add", "1006503122/1", "mine"), ("tags",), ("channels",), ("doctor",),
                ("retry-failed",),
            )  # fmt: skip
            fault = Fault(call, f"error={number}", 1, once=False, paths=(files_of(db)[2],))
            ended = run_many([("--db", str(db), *each) for each in commands], fault=fault)
            assert ended[0].hit
            for command, each in zip(commands, ended, strict=True):
                assert each.code == 0, (command, each.errors)
            assert "write-ahead logging cannot be had here" in ended[0].errors
            assert mode_of(db) == "delete"
            assert_sound(db)
            assert len(contents(db)["posts"]) == POSTS
            assert (db.parent / "posts.jsonl").read_text().count("\n") == POSTS


def leave_in_the_log(db: Path) -> None:
    program = (
        "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
        "db.execute('UPDATE posts SET views = 7'); db.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, db], check=True)
    assert files_of(db)[1].stat().st_size


def test_a_full_disk_is_no_such_file_system(db: Path) -> None:
    """The index of the log cannot be made then, either; the database must keep its mode."""
    fill(db, 9)
    fault = Fault("pwrite64", "error=ENOSPC", 1, once=False, paths=(files_of(db)[2],))
    tag, status = run_many([("--db", str(db), *each) for each in (("tag",), ("status",))],
                           fault=fault)  # fmt: skip
    assert_clean_end(tag, 6)
    assert tag.errors.startswith(f"error: {db}-shm cannot be written")
    assert (status.code, status.errors) == (0, "")
    assert mode_of(db) == "wal"


def test_a_database_of_ours_is_turned_to_wal_where_it_can_be_had(
    db: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup, or one that came from elsewhere; not while somebody reads it."""
    fill(db, 3)
    assert pragmas(db) == WAL
    set_mode(db, "DELETE")
    with Store.open_to_read(str(db)) as reader:
        records = reader.records.lines(PostFilter())
        next(records)
        connections.to_write(db, 0).close()  # without waiting for who reads
        assert len(list(records)) == 2
    assert mode_of(db) == "delete"
    assert pragmas(db) == WAL
    set_mode(db, "DELETE")
    monkeypatch.setattr(connections, "_is_shareable", lambda _: False)
    assert pragmas(db) == DELETE
    monkeypatch.undo()
    monkeypatch.setattr(mmap, "mmap", no_memory)
    assert pragmas(db) == DELETE
    assert not caplog.records
    assert {path.name for path in db.parent.iterdir() if path.is_file()} == {"posts.db"}


def no_memory(*_: object) -> None:
    raise OSError(errno.ENODEV, "No such device")


def set_mode(db: Path, mode: str) -> None:
    with closing(sqlite3.connect(db)) as raw:
        assert raw.execute(f"PRAGMA journal_mode = {mode}").fetchone() == (mode.lower(),)


def test_another_program_s_database_keeps_its_mode(db: Path) -> None:
    with closing(sqlite3.connect(db)) as raw:
        raw.execute("CREATE TABLE theirs (x)")
    connections.to_write(db, 0).close()
    assert mode_of(db) == "delete"


def test_on_a_network_file_system_a_new_database_gets_a_journal(
    db: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number = tmp_path.stat().st_dev
    table = tmp_path / "mountinfo"
    device = f"{os.major(number)}:{os.minor(number)}"
    table.write_text(
        "22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
        f"30 28 {device} / /mnt rw,relatime shared:1 master:2 - nfs4 server:/export rw,vers=4.2\n"
    )
    monkeypatch.setattr(mounts, "MOUNTS", table)
    assert pragmas(db) == DELETE
    (said,) = caplog.records
    assert said.levelno == logging.WARNING
    assert "network file system (nfs4)" in said.getMessage()
    caplog.clear()
    assert pragmas(db) == DELETE
    assert not caplog.records  # once is enough
    table.write_text(table.read_text().replace("nfs4", "ext4"))
    assert mounts.network_file_system(db) is None
    table.unlink()
    assert mounts.network_file_system(db) is None


def test_doctor_says_how_the_file_is_kept(
    db: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(db, 1)

    def found() -> str:
        with pytest.raises(SystemExit):
            app(["--db", str(db), "doctor"])
        return capsys.readouterr().out

    assert "ok       the database uses write-ahead logging" in found()
    monkeypatch.setattr(connections, "_is_shareable", lambda _: False)
    set_mode(db, "DELETE")
    assert "warning  write-ahead logging is not used" in found()
    monkeypatch.setattr("tgtagger.store.sqlite.archive_file.network_file_system", lambda _: "nfs4")
    assert "warning  the database is on a network file system (nfs4)" in found()
    monkeypatch.setattr(connections, "to_read", connections._without_locks)
    assert "warning  the database can only be read, without locks" in found()


def test_where_no_lock_can_be_had_that_is_what_is_said(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite waits as for another program: it cannot tell the two apart."""
    fill(db, 1)

    def refuses(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuses)
    monkeypatch.setattr(access_diagnosis, "LOCKS", db.with_name("none"))
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"locks do not work.*: No locks available"):
            Store.open(str(db), busy_timeout=0)


@pytest.mark.slow
def test_a_file_system_without_locks(db: Path) -> None:
    fill(db, 1)
    paths = (*files_of(db), db.parent)
    for command in (("tag",), ("status",)):
        fault = Fault("fcntl", "error=ENOLCK", 1, once=False, paths=paths)
        ended = run("--db", str(db), *command, fault=fault, timeout=90)
        assert_clean_end(ended, 6, 75)
        assert ended.seconds < 45
    assert_sound(db)


def test_killed_with_a_journal_it_is_sound_and_read_at_once(
    export: Path, tmp_path: Path, effort: Effort
) -> None:
    base, db, whole = (tmp_path / f"{name}.db" for name in ("base", "posts", "whole"))
    for each in (base, whole):
        fill(each, 9)
        set_mode(each, "DELETE")
    program = (sys.executable, "-c", ANYWAY)
    command = ("parse", str(export))
    plan = [("pwrite64", 40)]
    if effort.is_long:
        counts = count_calls("--db", str(whole), *command, paths=files_of(whole), program=program,
                             calls=("pwrite64", "fdatasync", "unlink"))  # fmt: skip
        plan = [(call, nth) for call in counts for nth in points(counts[call], 20)]
    hot = 0
    for call, nth in plan:
        copy_database(base, db)
        fault = Fault(call, "signal=SIGKILL", nth, paths=files_of(db))
        ended = run("--db", str(db), *command, program=program, fault=fault)
        hot += files_of(db)[3].exists()
        assert ended.hit
        effort.saw(rounds=1, kills=1)
        with Store.open_to_read(str(db)) as reader:  # which has to take back what was half written
            assert len(list(reader.records.lines(PostFilter()))) >= 9
        assert_sound(db)
        if effort.is_long:
            assert run("--db", str(db), *command, program=program).code == 0
            assert contents(db) == contents(whole)
    assert hot
    assert mode_of(db) == "delete"


class Torn:
    """A connection whose every read meets a page that somebody has just overwritten."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.connection = self

    def __getattr__(self, name: str) -> object:
        return getattr(self._db, name)

    def cursor(self) -> Torn:
        return self

    def close(self) -> None:
        """End as a cursor does: the connection stays."""

    def execute(self, sql: str, values: object = ()) -> None:
        if sql.startswith("DROP"):
            self._db.connection.cursor().execute(sql)
            return
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def test_what_an_export_reads_without_locks_is_no_damage_while_somebody_writes(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(db, 3)
    set_mode(db, "DELETE")
    monkeypatch.setattr(connections, "to_read", connections._without_locks)
    with (
        Store.open_to_read(str(db)) as reader,
        pytest.raises(TryLater, match="during the reading"),
        reader.select(PostFilter()) as selection,
    ):
        os.utime(db)
        selection._db = Torn(selection._db)  # type: ignore[assignment]
        list(selection.posts())
