"""L2: runs that overlap. One works, the others leave at once; the archive is as if one had run.

A lock is flock's: it dies with its process, whoever kills it, and no file that is left over, and no
process number in it, means that somebody is at work.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llm_server import LlmServer
from support.answers import API_HASH, PHONE
from support.breaking import Ended, assert_sound, contents, run
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.forked import start
from support.make import page, post
from support.tagging import fill
from telegram_server import ServerThread
from tgtagger.cli import app
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store

pytestmark = pytest.mark.row("L2")

Call = tuple[str, ...]


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as made:
        yield made


@pytest.fixture(autouse=True)
def environment(server: LlmServer, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DB": str(db), "LLM_URL": server.url, "LLM_MODEL": "test-model", "LLM_BATCH": "5",
        "LLM_CONCURRENCY": "4", "RETRY_BASE": "0.01",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"TGTAGGER_{name}", value)


def at_once(calls: Sequence[Call]) -> list[Ended]:
    """Run all of these at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: run(*call, timeout=180), calls))


def assert_one_worked(ended: Sequence[Ended], *kinds: str) -> int:
    """Check that who did not work said so in one line; return how many left."""
    assert {each.code for each in ended} <= {0, 75}, [each.errors for each in ended]
    left = [each for each in ended if each.code == 75]
    assert len(left) < len(ended)
    for each in left:
        assert each.output == ""
        (line,) = each.errors.splitlines()
        assert any(line.startswith(f"error: another {kind} run is at work on ") for kind in kinds)
    return len(left)


def export(folder: Path, first: int, last: int) -> Path:
    return write(
        folder, chat(*(message(n, f"post number{n} " + "слово " * 9) for n in range(first, last)))
    )


def alone(db: Path, name: str, *calls: Call) -> dict[str, list[tuple[object, ...]]]:
    """Return what an archive holds after these runs, one after another, from what is there."""
    whole = db.with_name(name)
    if db.exists():
        whole.write_bytes(db.read_bytes())
    for call in calls:
        ended = CliRunner().invoke(app, ["--db", str(whole), *call])
        assert ended.exit_code == 0, ended.output
    return contents(whole)


def remove(db: Path) -> None:
    for path in db.parent.glob(f"{db.name}*"):
        path.unlink()


# ---- eight at once


def test_eight_first_runs_ever_that_parse_and_tag(
    db: Path, tmp_path: Path, server: LlmServer, effort: Effort
) -> None:
    """There is no database yet; who comes first makes it, and all work on one and the same."""
    parse = ("parse", str(export(tmp_path / "export", 1, 100)))
    whole = alone(db, "whole.db", parse, ("tag",))
    for _ in range(effort.rounds(1, long=50)):
        remove(db)
        server.answered.clear()
        ended = at_once([parse, ("tag",)] * 4)
        left = assert_one_worked(ended[::2], "parse")
        early = [each for each in ended[1::2] if each.code == 2]
        assert all("there is no database yet" in each.errors for each in early)
        if len(early) < len(ended[1::2]):
            left += assert_one_worked([each for each in ended[1::2] if each.code != 2], "tag")
        effort.saw(left_at_once=left)
        assert run("tag").code == 0  # what was parsed too late for the others
        assert_sound(db)
        assert contents(db) == whole
        assert not server.paid_twice()


@pytest.mark.slow
def test_eight_that_parse_while_somebody_looks(db: Path, tmp_path: Path, effort: Effort) -> None:
    parse = ("parse", str(export(tmp_path / "export", 1, 4000)))
    whole = alone(db, "whole.db", parse)
    for _ in range(effort.rounds(1, long=20)):
        remove(db)
        with Store.open(str(db)) as store:
            fill(store, 1, first=1)
        *ended, status, search = at_once([parse] * 8 + [("status",), ("search", "слово")])
        assert (status.code, status.errors, search.code) == (0, "", 0)
        effort.saw(left_at_once=assert_one_worked(ended, "parse"))
        assert_sound(db)
        assert contents(db)["posts"][-3999:] == whole["posts"][-3999:]


@pytest.mark.slow
def test_eight_that_tag(db: Path, server: LlmServer, effort: Effort) -> None:
    server.latency = 0.02
    base = db.with_name("base.db")
    with Store.open(str(base)) as store:
        fill(store, 100)
    base.replace(db)
    begun = db.read_bytes()
    whole = alone(db, "whole.db", ("tag",))
    for _ in range(effort.rounds(1, long=20)):
        remove(db)
        db.write_bytes(begun)
        server.answered.clear()
        effort.saw(left_at_once=assert_one_worked(at_once([("tag",)] * 8), "tag"))
        assert_sound(db)
        assert contents(db) == whole
        assert not server.paid_twice()


@pytest.mark.slow
def test_eight_that_sync(
    db: Path,
    tmp_path: Path,
    server: LlmServer,
    telegram: ServerThread,
    monkeypatch: pytest.MonkeyPatch,
    effort: Effort,
) -> None:
    """The line for cron: over Telegram, with one account."""
    key = tmp_path / "key.pem"
    key.write_text(telegram.key.pem)
    for name, value in {
        "DATA_DIR": str(tmp_path / "data"), "TELEGRAM_SERVER": f"127.0.0.1:{telegram.port}",
        "TELEGRAM_DC": "2", "TELEGRAM_KEY": str(key), "TELEGRAM_PAGE_WAIT": "0",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"TGTAGGER_{name}", value)
    telegram.world.account(PHONE)
    login = ("login", "--api-id", "1", "--api-hash", API_HASH, "--phone", PHONE)
    assert run(*login, stdin="12345\n").code == 0
    telegram.world.channel("newsroom", "News", messages=150)
    assert run("parse", "@newsroom", "--limit", "10").code == 0
    begun = db.read_bytes()
    whole = alone(db, "whole.db", ("sync",))
    for _ in range(effort.rounds(1, long=8)):
        remove(db)
        db.write_bytes(begun)
        server.answered.clear()
        effort.saw(left_at_once=assert_one_worked(at_once([("sync",)] * 8), "parse", "tag"))
        assert_sound(db)
        assert contents(db) == whole
        assert not server.paid_twice()


def test_a_new_database_that_another_is_making_is_waited_for(db: Path) -> None:
    """Between that one's first look and its change; SQLite itself says at once: locked."""
    db.touch()
    with closing(sqlite3.connect(db, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.3, other.execute, ["ROLLBACK"])
        timer.start()
        with Store.open(str(db), busy_timeout=10) as store:
            store.posts.save_page(page(post(1, "text")))
        timer.join()
    with closing(sqlite3.connect(db)) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)


# ---- locks die with their processes


@contextlib.contextmanager
def at_work(
    server: LlmServer, *command: str, latency: float = 30
) -> Iterator[subprocess.Popen[str]]:
    """Start a process whose tagging goes on for long, and wait until it is at work."""
    server.latency = latency
    asked = len(server.completions)
    pipe = subprocess.PIPE
    process = (
        subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
        if command
        else start(["tag"])
    )
    try:
        deadline = time.monotonic() + 30
        while len(server.completions) == asked:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.communicate()
        server.latency = 0


def test_six_share_an_archive_while_some_are_killed(
    db: Path, server: LlmServer, effort: Effort
) -> None:
    """What a killed one had in flight may be paid for twice, and nothing else; each post once."""
    posts, chance, kills = 160, random.Random(16), 0
    with Store.open(str(db)) as store:
        fill(store, posts)
    server.latency = 0.1

    def worker() -> subprocess.Popen[str]:
        return start(["-q", "tag"])

    working = [worker() for _ in range(6)]
    while alive := [each for each in working if each.poll() is None]:
        time.sleep(chance.uniform(0.2, 0.6))
        if kills < effort.rounds(2, long=20) and len(server.completions) > 3 * kills:
            kills += 1
            chance.choice(alive).send_signal(signal.SIGKILL)
            working.append(worker())
    said = [each.communicate() for each in working]
    assert {each.returncode for each in working} <= {0, -signal.SIGKILL}, said
    assert run("tag").code == 0  # what the dead had
    assert_sound(db)
    with Store.open(str(db)) as store:
        tagged = store.queue.count(PostFilter(statuses=("tagged",)))
        assert (tagged, store.queue.out_of_step()) == (posts, 0)
    twice = server.paid_twice()
    effort.saw(kills=kills, paid_twice=len(twice))
    assert max(twice.values(), default=0) <= 2
    assert len(twice) <= kills * 4 * 5  # requests in flight, posts in each


def child_of(process: int) -> int:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(children[0])


def test_no_lock_outlives_its_process(db: Path, server: LlmServer, effort: Effort) -> None:
    chance = random.Random(3)
    with Store.open(str(db)) as store:
        fill(store, 8)
    for number in range(effort.rounds(1, long=20)):
        with at_work(server) as process:
            second = run("tag")
            assert (second.code, second.output) == (0, "")
            assert second.errors == "nothing to tag: another run works at 8 posts\n"
            time.sleep(chance.uniform(0, 0.1) if number else 0)
            process.send_signal(signal.SIGKILL)
            process.wait()
        third = run("-q", "tag")
        assert (third.code, third.errors) == (0, "")
        with Store.open(str(db)) as store:
            fill(store, 8, first=100 + 10 * number)


@pytest.mark.slow
def test_the_parent_is_killed_and_the_child_works_on(db: Path, server: LlmServer) -> None:
    """A shell of cron is killed: who holds the lock is the child, as long as that lives."""
    with Store.open(str(db)) as store:
        fill(store, 4)
    command = f"{sys.executable} -m tgtagger tag; exit"
    with at_work(server, "sh", "-c", command) as shell:
        holder = child_of(shell.pid)
        shell.kill()
        shell.wait()
        assert run("tag").errors == "nothing to tag: another run works at 4 posts\n"
        os.kill(holder, signal.SIGKILL)
        server.latency = 0
        deadline = time.monotonic() + 10
        while "another run works" in run("tag").errors:  # until the system has taken it away
            assert time.monotonic() < deadline
    with Store.open(str(db)) as store:
        assert store.queue.count(PostFilter(statuses=("pending",))) == 0


@pytest.mark.parametrize("left", ["of a process that lives", "1\n", "rubbish", "", "9" * 50])
def test_what_a_lock_file_says_locks_nothing(db: Path, left: str) -> None:
    """Numbers of processes come again; only the lock itself counts."""
    lock = db.with_name("posts.db.parse.lock")
    with Store.open(str(db)) as store:
        lock.write_text(f"{os.getppid()}\n" if "lives" in left else left)
        with store.lock("parse"):
            assert lock.read_text() == f"{os.getpid()}\n"
        assert lock.read_text() == ""  # nobody is at work


def test_a_lock_is_the_database_s_whatever_it_is_called(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tgtagger.errors import TryLater

    monkeypatch.chdir(tmp_path)
    Path("elsewhere").mkdir()
    with Store.open(str(db)) as store, store.lock("parse"):
        Path("elsewhere/link.db").symlink_to(db)
        Path("folder").symlink_to(tmp_path)
        for name in ("posts.db", "elsewhere/link.db", "folder/posts.db", "./elsewhere/../posts.db"):
            with Store.open(name) as other, pytest.raises(TryLater), other.lock("parse"):
                pass


def test_a_lock_file_that_is_a_link_is_not_followed(db: Path, tmp_path: Path) -> None:
    from tgtagger.errors import StoreError

    victim = tmp_path / "victim"
    victim.write_text("precious")
    with Store.open(str(db)) as store:
        db.with_name("posts.db.parse.lock").symlink_to(victim)
        with pytest.raises(StoreError), store.lock("parse"):
            pass
    assert victim.read_text() == "precious"


# ---- the database goes away under a run


@pytest.mark.parametrize("how", ["removed", "renamed", "another"])
def test_a_database_that_is_gone_is_said(db: Path, tmp_path: Path, how: str) -> None:
    """What would be written to no file that anybody finds is not called stored."""
    from tgtagger.errors import StoreError

    with Store.open(str(db)) as store:
        store.posts.save_page(page(post(1, "one")))
        if how == "renamed":
            db.rename(tmp_path / "moved.db")
        else:
            remove(db)
        if how == "another":
            with Store.open(str(tmp_path / "other.db")) as other:
                other.posts.save_page(page(post(7, "seven")))
            (tmp_path / "other.db").rename(db)
        with pytest.raises(StoreError, match="moved or removed"):
            store.posts.save_page(page(post(2, "two")))
    if how == "another":
        with closing(sqlite3.connect(db)) as raw:
            assert raw.execute("SELECT message_id FROM posts").fetchall() == [(7,)]


@pytest.mark.slow
def test_a_database_that_is_gone_ends_the_run(db: Path, server: LlmServer) -> None:
    with Store.open(str(db)) as store:
        fill(store, 60)
    with at_work(server, latency=0.3) as process:
        remove(db)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 6
    assert errors.startswith(f"error: {db} was moved or removed while it was in use\n")
    assert not db.exists()
