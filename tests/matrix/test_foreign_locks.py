"""L1: another program holds the database. It is waited for, then named; no lock is ever stale."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.breaking import assert_clean_end, assert_sound, need, run
from support.events import RecordedRun
from support.fault_matrix import Effort
from support.make import CHANNEL, page, post
from tgtagger.config import load
from tgtagger.errors import Locked, TryLater
from tgtagger.model.choices import SourceName
from tgtagger.model.posts import Page
from tgtagger.pipeline import PostSource
from tgtagger.runs.connections import Connections
from tgtagger.runs.note import noted_run
from tgtagger.runs.parse import ParseOptions, parse_into
from tgtagger.store import Store
from tgtagger.store.sqlite import access_diagnosis, connections

pytestmark = pytest.mark.row("L1")

HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists its locks")


@contextmanager
def held(db: Path, how: str = "BEGIN IMMEDIATE") -> Iterator[subprocess.Popen[str]]:
    """Let another program hold the database until its standard input is closed."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", HOLD, str(db), how],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


@pytest.fixture(params=["wal", "delete"])
def archive(
    request: pytest.FixtureRequest, db: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    """A store in either mode; it waits for nobody."""
    Store.open(str(db)).close()
    if request.param == "delete":
        monkeypatch.setattr(connections, "_is_shareable", lambda _: False)
        with closing(sqlite3.connect(db)) as raw:
            raw.execute("PRAGMA journal_mode = DELETE")
    store = Store.open(str(db), busy_timeout=0)
    store.posts.save_page(page(post(1, "one")))
    yield store
    store.close()


@linux
@pytest.mark.parametrize("how", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_who_holds_it_is_named_and_a_killed_one_holds_nothing(
    archive: Store, db: Path, how: str
) -> None:
    with held(db, how) as other:
        name = Path(f"/proc/{other.pid}/comm").read_text().strip()
        with pytest.raises(Locked) as met:
            archive.posts.save_page(page(post(2, "two")))
        assert met.value.message == f"{db} is locked by process {other.pid} ({name})"
        assert met.value.exit_code == 75
        other.kill()
        other.wait()
        assert archive.posts.save_page(page(post(2, "two"))).new == 1
    assert_sound(db)


@linux
def test_who_keeps_others_from_reading_is_named(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only without WAL: in WAL mode nobody keeps a reader out."""
    with Store.open(str(db)) as store:
        store.posts.save_page(page(post(1, "one")))
    with closing(sqlite3.connect(db)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
    to_read = connections.to_read
    monkeypatch.setattr(connections, "to_read", lambda path, _: to_read(path, 0))
    with held(db, "BEGIN EXCLUSIVE") as other, pytest.raises(Locked, match=f"process {other.pid} "):
        Store.open_to_read(str(db))


def test_a_short_wait_is_waited(db: Path) -> None:
    with Store.open(str(db), busy_timeout=20) as store, held(db) as other:
        assert other.stdin is not None
        timer = threading.Timer(0.4, other.stdin.close)
        timer.start()
        started = time.monotonic()
        assert store.posts.save_page(page(post(1, "one"))).new == 1
        assert time.monotonic() - started > 0.3
        timer.join()


def test_the_shell_of_sqlite_is_named(db: Path) -> None:
    need("sqlite3")
    if sys.platform != "linux":
        pytest.skip("only Linux lists its locks")
    Store.open(str(db)).close()
    with subprocess.Popen(
        ["sqlite3", str(db)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write("BEGIN IMMEDIATE; SELECT 'held';\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == "held\n"
        with pytest.raises(Locked, match=rf"process {shell.pid} \(sqlite3\)"):
            Store.open(str(db), busy_timeout=0)


def test_where_nobody_can_be_named_it_is_said_all_the_same(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_diagnosis, "LOCKS", tmp_path / "no such file")  # no /proc
    Store.open(str(db)).close()
    with held(db), pytest.raises(Locked, match="is locked by another program"):
        Store.open(str(db), busy_timeout=0)


def test_a_locked_database_is_no_channel_s_failure(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else every channel of an archive would wait for it, half a minute each."""
    asked: list[str] = []
    patience: list[bool] = []

    class Source:
        name: SourceName = "preview"
        channel_id = None

        async def pages(self, _memory: Any, _events: Any) -> AsyncGenerator[Page]:
            asked.append("a page")
            if len(asked) == 1:
                other.enter_context(held(db))
            yield page(post(len(asked), "text"), channel=CHANNEL, source="preview")

    class Here(Connections):
        async def preview(self, *_: Any) -> PostSource:
            return Source()

    settings = load({"db": str(db)}, {})
    with Store.open(str(db), busy_timeout=0) as store:
        end_run = store.runs.end

        def ended(*arguments: Any, patient: bool = True) -> None:
            patience.append(patient)
            end_run(*arguments, patient=patient)

        monkeypatch.setattr(store.runs, "end", ended)
        options = ParseOptions(via="preview")
        events = RecordedRun()
        with (
            ExitStack() as other,
            pytest.raises(Locked),
            noted_run(store, "parse"),
        ):
            parse_into(store, settings, ["@one1", "@two2"], options, events, Here(settings))
    assert (asked, patience) == (["a page"], [False])


def test_a_run_lock_is_no_lock_of_the_database() -> None:
    assert issubclass(Locked, TryLater)
    assert Locked("x").exit_code == TryLater("x").exit_code == 75


@pytest.mark.slow
@pytest.mark.parametrize("command", [("tag",), ("sync",), ("retry-failed",), ("tags", "add")])
def test_the_real_patience(db: Path, command: tuple[str, ...], effort: Effort) -> None:
    with Store.open(str(db)) as store:
        store.posts.save_page(page(post(1, "one")))
    more = ("news/1", "mine") if command[0] == "tags" else ()
    with held(db) as other:
        ended = run("--db", str(db), *command, *more)
        assert 29 < ended.seconds < 45
        assert_clean_end(ended, 75)
        assert f"is locked by process {other.pid} (" in ended.errors or sys.platform != "linux"
        assert ended.errors.count("\n") == 2
    effort.saw(rounds=1, max_seconds=ended.seconds)
    if command != ("sync",):  # which would read the network
        assert run("--db", str(db), *command, *more).code == 0
    assert_sound(db)
