"""K5: SIGTERM and SIGINT, one or several, at any moment: it ends soon, and goes on next time.

Each test brings a command to a moment and stops it there, in turn with every kind of signal.
"""

from __future__ import annotations

import itertools
import random
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm_server import LlmServer, faults, refusals
from support.answers import API_HASH, PHONE
from support.breaking import Ended, assert_clean_end, assert_sound, before_main, fake, forked, run
from support.environments import at_home, sign_in, to_model, to_telegram
from support.exports import IN_PAGES, chat, message, write
from support.fault_matrix import Effort
from support.make import archive, fail_all
from support.preview_server import HURRIED, PreviewServer
from telegram_server import ServerThread
from tgtagger.model.posts import Channel
from tgtagger.store import Store
from tgtagger.system import signals

pytestmark = pytest.mark.row("K5")

INT, TERM = signal.SIGINT, signal.SIGTERM
SIGNALS: list[tuple[int, ...]] = [
    (INT,),
    (TERM,),
    (INT, INT),
    (TERM, TERM),
    (TERM, INT),
    (INT, TERM),
]

Stop = Callable[..., list[Ended]]

SOON = "import tgtagger.system.signals\ntgtagger.system.signals.GRACE = 0.3\n"
"""So that a test that is left behind takes no longer than it must."""


def long(*values: str) -> list[Any]:
    """Return parameters that are tried in the long form only."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


@pytest.fixture
def stop(effort: Effort, request: pytest.FixtureRequest, tmp_path: Path) -> Stop:
    """Run a command again and again, and stop it each time; return how it ended."""
    turn = sum(map(ord, request.node.name))  # each test begins with another signal

    def do(
        *arguments: str,
        rounds: int = 12,
        prepare: Callable[[], object] = lambda: None,
        is_locked: bool = False,
        **more: Any,
    ) -> list[Ended]:
        chosen = itertools.islice(itertools.cycle(SIGNALS), turn, None)
        found = []
        for first, *then in itertools.islice(chosen, effort.rounds(1, long=rounds)):
            prepare()
            ended = run(*arguments, sign=first, then=then, **more)
            assert ended.hit, (ended.code, ended.errors)
            assert_clean_end(ended, 128 + first)
            assert "error: " not in ended.errors, ended.errors
            assert ended.stopping < 2
            if not is_locked:
                assert_sound(tmp_path / "posts.db")
            effort.saw(signals=1, max_stopping=round(ended.stopping, 2))
            found.append(ended)
        return found

    return do


@pytest.fixture
def model(tmp_path: Path) -> Iterator[LlmServer]:
    with LlmServer() as server:
        yield server


@pytest.fixture
def preview() -> Iterator[PreviewServer]:
    with PreviewServer({n: f"post {n}" for n in range(1, 2001)}) as server:
        yield server


def counts(db: Path) -> dict[str, int]:
    with closing(sqlite3.connect(db)) as raw:
        return dict(raw.execute("SELECT status, count(*) FROM posts GROUP BY 1").fetchall())


def remove(db: Path) -> None:
    for path in db.parent.glob(f"{db.name}*"):
        path.unlink()


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


# ---- parse


def test_reading_a_file(stop: Stop, tmp_path: Path) -> None:
    posts = chat(*(message(n, f"post {n} " + "слово " * 40) for n in range(1, 2001)))
    export, db = write(tmp_path / "export", posts), tmp_path / "posts.db"
    wal = tmp_path / "posts.db-wal"
    for ended in stop(
        "parse", str(export), env=at_home(tmp_path), prepare=lambda: remove(db), program=IN_PAGES,
        when=lambda: size(wal) > 300_000,
    ):  # fmt: skip
        assert ended.stopping < signals.GRACE  # it hears by itself, and is not left behind
        assert 0 < counts(db)["pending"] < 2000
    done = run("parse", str(export), env=at_home(tmp_path))
    assert (done.code, counts(db)) == (0, {"pending": 2000})


@pytest.mark.parametrize("trouble", ["flood", *long("slow", "hang", "unreachable")])
def test_reading_telegram(
    stop: Stop, telegram: ServerThread, tmp_path: Path, trouble: str, effort: Effort
) -> None:
    env = sign_in(telegram, tmp_path)
    telegram.world.channel("newsroom", messages=900)
    db = tmp_path / "posts.db"
    telegram.latency = 0.02

    def prepare() -> None:
        remove(db)
        telegram.log.clear()
        telegram.faults.clear()
        telegram.refuse = False
        if trouble == "flood":
            telegram.flood_wait(60, at=4)
        elif trouble == "hang":
            telegram.hang(at=4)
        elif trouble == "unreachable":
            telegram.drop(at=4)

    def is_time() -> bool:
        is_there = telegram.count("messages.GetHistory") >= 4
        telegram.refuse = is_there and trouble == "unreachable"
        return is_there

    for _ in stop("parse", "@newsroom", env=env, prepare=prepare, when=is_time, after=0.05):
        assert 200 <= counts(db)["pending"] < 900
    if effort.is_long:
        telegram.faults.clear()
        telegram.refuse = False
        done = run("parse", env=env)
        assert (done.code, counts(db)) == (0, {"pending": 900})


@pytest.mark.parametrize("trouble", ["hang", *long("slow", "wait")])
def test_reading_the_preview(
    stop: Stop, preview: PreviewServer, tmp_path: Path, trouble: str
) -> None:
    env = at_home(tmp_path) | {"TGTAGGER_PREVIEW_URL": preview.url}
    db = tmp_path / "posts.db"
    preview.latency = 0.02
    preview.waits_at = 4 if trouble == "wait" else None
    preview.hangs_at = 4 if trouble == "hang" else None

    def prepare() -> None:
        remove(db)
        preview.asked = 0

    for _ in stop(
        "parse", "@newsroom", env=env, prepare=prepare, program=HURRIED,
        when=lambda: preview.asked >= 4, after=0.05,
    ):  # fmt: skip
        assert 40 <= counts(db)["pending"] < 2000


def test_a_name_server_that_is_silent(stop: Stop, tmp_path: Path) -> None:
    """Python waits for its thread that asks; nothing but leaving helps."""
    asked = tmp_path / "asked"
    program = forked(f"""
import pathlib, socket, time
def hang(*_, **__):
    pathlib.Path({str(asked)!r}).touch()
    time.sleep(60)
socket.getaddrinfo = hang
""")
    env = at_home(tmp_path) | {"TGTAGGER_PREVIEW_URL": "http://preview.invalid/s"}
    stop(
        "parse", "@newsroom", env=env, program=program, rounds=4,
        prepare=lambda: asked.unlink(missing_ok=True), when=asked.exists,
    )  # fmt: skip


def test_waiting_for_another_program(stop: Stop, tmp_path: Path) -> None:
    """SQLite waits 30 seconds in C, where Python hears nothing."""
    archive(tmp_path / "posts.db", 5)
    export = write(tmp_path / "export", chat(message(1, "post")))
    opened = tmp_path / "opened"
    program = forked(f"""{SOON}
import pathlib, sqlite3
connect = sqlite3.connect
def noted(*args, **options):
    pathlib.Path({str(opened)!r}).touch()
    return connect(*args, **options)
sqlite3.connect = noted
""")
    with closing(sqlite3.connect(tmp_path / "posts.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        stop(
            "parse", str(export), env=at_home(tmp_path), rounds=4, program=program,
            prepare=lambda: opened.unlink(missing_ok=True), when=opened.exists, after=0.1,
            is_locked=True,
        )  # fmt: skip


# ---- tag, retry-failed, sync


@pytest.mark.parametrize("trouble", ["slow", *long("wait", "hang")])
def test_tagging(stop: Stop, model: LlmServer, tmp_path: Path, trouble: str) -> None:
    env, db = to_model(model, tmp_path), tmp_path / "posts.db"
    model.latency = 0.03
    late = {"slow": None, "hang": faults.hang(), "wait": refusals.rate_limited(60)}[trouble]
    model.rule = lambda _: late if len(model.completions) > 20 else None

    def prepare() -> None:
        archive(db, 300)
        model.requests.clear()
        model.answered.clear()

    for _ in stop(
        "tag", env=env, prepare=prepare, when=lambda: len(model.completions) > 20, after=0.1
    ):
        found = counts(db)
        assert found["tagged"] >= sum(model.answered.values()) - 4  # all but what was on its way
        assert found["tagged"] + found["pending"] == 300


def test_tagging_without_a_model(stop: Stop, tmp_path: Path) -> None:
    db, wal = tmp_path / "posts.db", tmp_path / "posts.db-wal"
    for ended in stop(
        "tag", env=at_home(tmp_path), prepare=lambda: archive(db, 2500), rounds=6,
        when=lambda: size(wal) > 200_000,
    ):  # fmt: skip
        assert ended.stopping < signals.GRACE
        assert 0 < counts(db)["tagged"] < 2500


@pytest.mark.slow
def test_trying_again(stop: Stop, model: LlmServer, tmp_path: Path) -> None:
    env, db = to_model(model, tmp_path), tmp_path / "posts.db"
    model.latency = 0.03

    def prepare() -> None:
        archive(db, 200)
        fail_all(db)
        model.requests.clear()
        model.answered.clear()

    for _ in stop(
        "retry-failed", "--force", env=env, prepare=prepare,
        when=lambda: len(model.completions) > 20,
    ):  # fmt: skip
        found = counts(db)
        assert found["tagged"] >= sum(model.answered.values()) - 4
        assert found["tagged"] + found["failed"] == 200


@pytest.mark.slow
@pytest.mark.parametrize("part", ["tagging", "reading"])
def test_doing_both(
    stop: Stop, telegram: ServerThread, model: LlmServer, tmp_path: Path, part: str
) -> None:
    env = sign_in(telegram, tmp_path) | to_model(model, tmp_path)
    news = telegram.world.channel("newsroom", messages=250)
    telegram.latency = model.latency = 0.02
    db = tmp_path / "posts.db"

    def prepare() -> None:
        telegram.log.clear()
        model.requests.clear()
        model.answered.clear()
        remove(db)
        with Store.open(str(db)) as store:
            store.channels.save(Channel(news.id, news.title, news.username))

    moments = {
        "reading": lambda: telegram.count("messages.GetHistory") >= 3,
        "tagging": lambda: len(model.completions) > 20,
    }
    for _ in stop("sync", env=env, prepare=prepare, when=moments[part], after=0.05):
        found = counts(db)
        if part == "reading":
            assert set(found) == {"pending"}
        else:
            assert found["tagged"] >= sum(model.answered.values()) - 4
            assert found["tagged"] + found["pending"] == 250


# ---- export, search, doctor


@pytest.mark.parametrize("form", ["jsonl", *long("json", "csv")])
def test_exporting(stop: Stop, tmp_path: Path, form: str) -> None:
    archive(tmp_path / "posts.db", 12_000)  # so that the signal comes before the end
    folder = tmp_path / "out"
    folder.mkdir()
    target = folder / "posts"
    target.write_text("the one before")
    for ended in stop(
        "export", "--format", form, "-o", str(target), env=at_home(tmp_path), rounds=6,
        when=lambda: any(size(path) > 100_000 for path in folder.iterdir()),
    ):  # fmt: skip
        if target.stat().st_size > 20:  # it was whole just then
            target.write_text("the one before")
        assert ended.stopping < signals.GRACE
        assert list(folder.iterdir()) == [target]  # what it had begun is cleared away


@pytest.mark.slow
def test_searching(stop: Stop, tmp_path: Path) -> None:
    archive(tmp_path / "posts.db", 1500)
    printed = tmp_path / "printed"
    program = forked(f"""
import os
os.dup2(os.open({str(printed)!r}, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
""")
    stop(
        "search", "слово", "--limit", "1500", env=at_home(tmp_path), program=program, rounds=6,
        prepare=lambda: printed.unlink(missing_ok=True), when=lambda: size(printed) > 20_000,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("part", ["server", "session"])
def test_looking_for_what_is_wrong(
    stop: Stop, telegram: ServerThread, model: LlmServer, tmp_path: Path, part: str
) -> None:
    archive(tmp_path / "posts.db", 5)
    env = sign_in(telegram, tmp_path) | to_model(model, tmp_path)
    model.lookups = [faults.hang()] * 50

    def prepare() -> None:
        telegram.faults.clear()
        telegram.log.clear()
        model.requests.clear()
        if part == "session":
            telegram.hang("users.GetUsers")

    moments = {
        "session": lambda: telegram.count("users.GetUsers") > 0,
        "server": lambda: len(model.requests) > 0,
    }
    stop("doctor", env=env, prepare=prepare, when=moments[part], after=0.05, rounds=6)


# ---- login


@pytest.mark.parametrize("question", ["code", *long("id", "phone", "password")])
def test_at_a_question(stop: Stop, telegram: ServerThread, tmp_path: Path, question: str) -> None:
    telegram.world.account(PHONE, password="right")
    given = ["1", API_HASH, PHONE, "12345"]
    answers = given[: ["id", "", "phone", "code", "password"].index(question)]
    methods = {"code": "auth.SendCode", "password": "account.GetPassword"}
    sessions = tmp_path / "data" / "sessions"
    names = {"id": None, "phone": None}

    def is_asked() -> bool:
        if question in names:
            return question == "id" or any(sessions.glob(".part-*.session"))
        return telegram.count(methods[question], "ok") > 0

    stop(
        "login", env=to_telegram(telegram, tmp_path), stdin="".join(f"{a}\n" for a in answers),
        asks_on=True, prepare=telegram.log.clear, when=is_asked, after=0.4, rounds=6,
    )  # fmt: skip
    assert {path.name for path in sessions.glob("*")} <= {"default.lock"}


@pytest.mark.slow
def test_while_a_code_is_shown(stop: Stop, telegram: ServerThread, tmp_path: Path) -> None:
    for _ in stop(
        "login", "--qr", "--api-id", "1", "--api-hash", API_HASH,
        env=to_telegram(telegram, tmp_path),
        prepare=telegram.log.clear, when=lambda: telegram.count("auth.ExportLoginToken", "ok") > 0,
        after=0.1,
    ):  # fmt: skip
        folder = tmp_path / "data" / "sessions"
        assert {path.name for path in folder.iterdir()} == {"default.lock"}


@pytest.mark.slow
def test_signing_out(stop: Stop, telegram: ServerThread, tmp_path: Path) -> None:
    """A session that Telegram still knows is not thrown away: the next logout ends it."""
    env = sign_in(telegram, tmp_path)

    def prepare() -> None:
        telegram.log.clear()
        telegram.faults.clear()
        telegram.hang("auth.LogOut")

    for _ in stop(
        "logout", env=env, prepare=prepare, when=lambda: telegram.count("auth.LogOut") > 0
    ):
        assert (tmp_path / "data" / "sessions" / "default.session").exists()


# ---- what ends by itself cleans up; one signal, whatever waits

NOW = "import os, signal\ndef now(): os.kill(os.getpid(), signal.{name})\n"

WAITS = {
    "asleep": "        time.sleep(60)\n",
    "in a loop": "        signals.run(asyncio.sleep, 60)\n",
    "in a loop that forgets": "        async def work():\n"
    "            try: await asyncio.sleep(60)\n"
    "            except asyncio.CancelledError: pass\n"
    "            await asyncio.sleep(60)\n"
    "        signals.run(work)\n",
    "asking": "        with signals.raised(): sys.stdin.readline()\n",
    "asking in a loop": "        async def work():\n"
    "            with signals.raised(): sys.stdin.readline()\n"
    "        signals.run(work)\n",
}


@pytest.mark.parametrize("how", WAITS)
def test_it_cleans_up(how: str, effort: Effort, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    body = (
        f"{NOW.format(name='SIGTERM')}import asyncio, pathlib, sys, time\n"
        "from tgtagger.system import signals\n"
        "def command():\n    try:\n"
        f"        pathlib.Path({str(ready)!r}).touch()\n{WAITS[how]}"
        "    finally:\n"
        "        now()  # one more is not heard\n"
        "        print('cleaned up')\n"
    )
    for first in (INT, TERM)[: effort.rounds(1, long=2)]:
        ready.unlink(missing_ok=True)
        ended = run(program=fake(body), when=ready.exists, after=0.05, sign=first, asks_on=True)
        effort.saw(signals=1, max_stopping=round(ended.stopping, 2))
        assert (ended.code, ended.output, ended.errors) == (128 + first, "cleaned up\n", "")


# ---- before a run has begun, after it has ended, and where nothing hears


def test_while_it_loads(effort: Effort, tmp_path: Path) -> None:
    """A traceback can only be of Python's own start, before anything of ours is there."""
    draw = random.Random(9)
    archive(tmp_path / "posts.db", 1)
    for _ in range(effort.rounds(5, long=150)):
        number = draw.choice([INT, TERM])
        ended = run(
            "status", env=at_home(tmp_path), after=draw.uniform(0, 0.3), sign=number, anew=True
        )
        effort.saw(signals=ended.hit, max_stopping=round(ended.stopping, 2))
        if "/tgtagger/" not in ended.errors and "Traceback" in ended.errors:
            effort.saw(tracebacks_of_python=1)
            continue
        assert "Traceback" not in ended.errors, ended.errors
        assert ended.code in {0, 128 + number, -number}


MOMENTS = {
    "an import": "import sys\n"
    "class Finder:\n"
    "    def find_spec(self, name, *_):\n"
    "        name == 'typer' and now()\n"
    "sys.meta_path.insert(0, Finder())\n",
    "its class body": "import typer\n"
    "class Late:\n"
    "    def __set_name__(self, *_): now()\n"
    "def command():\n"
    "    class Body: late = Late()\n",
    "a destructor": "import time\n"
    "class Late:\n"
    "    def __del__(self): now()\n"
    "def command():\n"
    "    late = Late()\n"
    "    del late\n"
    "    time.sleep(60)\n",
    "a callback": "import asyncio, time\n"
    "from tgtagger.system import signals\n"
    "async def work():\n"
    "    asyncio.get_running_loop().call_soon(lambda: (now(), time.sleep(60)))\n"
    "    await asyncio.sleep(60)\n"
    "def command(): signals.run(work)\n",
    "cleaning up": "import asyncio\n"
    "from tgtagger.system import signals\n"
    "async def work():\n"
    "    try:\n"
    "        now()\n"
    "        await asyncio.sleep(60)\n"
    "    finally:\n"
    "        now()\n"
    "        await asyncio.sleep(60)\n"
    "def command(): signals.run(work)\n",
    "a task of a library": "import asyncio\n"
    "from tgtagger.system import signals\n"
    "async def other():\n"
    "    try: await asyncio.sleep(60)\n"
    "    except asyncio.CancelledError: raise RuntimeError('bug') from None\n"
    "async def work():\n"
    "    task = asyncio.create_task(other())\n"
    "    await asyncio.sleep(0)\n"
    "    now()\n"
    "    await asyncio.sleep(60)\n"
    "def command(): signals.run(work)\n",
}


@pytest.mark.parametrize("where", MOMENTS)
def test_in(where: str, effort: Effort) -> None:
    """Where Python makes something else of it, or nobody hears it."""
    for name in ("SIGINT", "SIGTERM")[: effort.rounds(1, long=2)]:
        body = NOW.format(name=name) + SOON * (where != "an import") + MOMENTS[where]
        program = before_main(body) if where == "an import" else fake(body)
        ended = run(program=program)
        code = 128 + getattr(signal, name)
        assert (ended.code, ended.output, ended.errors) == (code, "", "")
        effort.saw(signals=1)


@pytest.mark.parametrize("missing", ["os.pipe", "tgtagger.system.signals.start_new_thread"])
def test_where_the_system_has_nothing_left(missing: str, effort: Effort) -> None:
    body = NOW.format(name="SIGINT") + (
        "import time, tgtagger.system.signals\n"
        f"def none(*_): raise {'OSError(24, None)' if missing == 'os.pipe' else 'RuntimeError'}\n"
        f"{missing} = none\n"
        "def command():\n    now()\n    time.sleep(60)\n"
    )
    ended = run(program=fake(body))
    assert (ended.code, ended.errors) == (130, "")
    effort.saw(rounds=1, signals=1)


def test_after_the_end_it_changes_nothing(effort: Effort) -> None:
    for name in ("SIGTERM", "SIGINT")[: effort.rounds(1, long=2)]:
        body = NOW.format(name=name) + (
            "import atexit\natexit.register(now)\ndef command(): return 5\n"
        )
        ended = run(program=fake(body))
        assert (ended.code, ended.errors) == (5, "")
        effort.saw(signals=1)


def test_one_that_the_system_ignores_stays_ignored() -> None:
    """As under nohup, or in a script's background job."""
    body = NOW.format(name="SIGINT") + "def command():\n    now()\n    print('went on')\n"
    ignoring = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    ended = run(program=(sys.executable, "-c", ignoring, *fake(body)))
    assert (ended.code, ended.output, ended.errors) == (0, "went on\n", "")
