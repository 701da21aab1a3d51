"""T1: a wrong clock. It decides nothing that cannot be put right by setting it.

In the process the clock is another module `datetime` for all of tgtagger; whole processes get one
by libfaketime, which may jump while they run. What pauses and ends requests is the monotonic clock,
which neither moves.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import sqlite3
import sys
import time
import types
from collections.abc import Callable, Iterator
from contextlib import closing
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from typer.testing import CliRunner, Result

from llm_server import LlmServer, refusals
from support.answers import API_HASH, PHONE, Answers
from support.breaking import assert_clean_end, assert_sound, contents, run
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.make import page, post
from support.tagging import fill
from telegram_server import ServerThread
from tgtagger.cli import app
from tgtagger.cli.wording import ago
from tgtagger.decide import update_after
from tgtagger.errors import ActionNeeded
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import ModelCapabilities, Provenance, TaggingError
from tgtagger.runs.times import read_when, settle_zone
from tgtagger.sources.plan import LONGEST_WAIT, is_left_alone, wait_ends
from tgtagger.sources.preview.client import Preview
from tgtagger.sources.telegram import sign_in
from tgtagger.sources.telegram.session import Access
from tgtagger.store import Store
from tgtagger.taggers.llm.api.client import Server
from tgtagger.taggers.llm.api.rate_limits import time_there

pytestmark = pytest.mark.row("T1")

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
CLOCKS = {
    "1970": dt.datetime(1970, 1, 2, tzinfo=dt.UTC),
    "30 years behind": NOW - 30 * 365 * DAY,
    "a day behind": NOW - DAY,
    "a day ahead": NOW + DAY,
    "after 2038": dt.datetime(2038, 1, 19, 3, 14, 8, tzinfo=dt.UTC),
    "2100": dt.datetime(2100, 3, 1, tzinfo=dt.UTC),
}
PROVENANCE = Provenance("llm", "test-model", "p", "v")


SetClock = Callable[[dt.datetime | None], None]


@pytest.fixture
def set_clock() -> Iterator[SetClock]:
    """Give all of tgtagger a clock that begins at a moment and goes on; None: the right one."""
    changed = pytest.MonkeyPatch()  # of our own: undone in the middle of a test
    for part in Store.__annotations__:  # whose modules are loaded when they are first used
        importlib.import_module(f"tgtagger.store.{part}")

    def to(moment: dt.datetime | None) -> None:
        changed.undo()
        if moment is None:
            return
        ahead = moment - dt.datetime.now(dt.UTC)

        class Kind(type(dt.datetime)):  # type: ignore[misc]
            def __instancecheck__(cls, value: object) -> bool:
                return isinstance(value, dt.datetime)

        class Datetime(dt.datetime, metaclass=Kind):
            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> Any:
                return dt.datetime.now(tz) + ahead

        other = types.ModuleType("datetime")
        vars(other).update(vars(dt) | {"datetime": Datetime})
        for name, module in list(sys.modules.items()):
            if name.startswith("tgtagger") and hasattr(module, "dt"):
                changed.setattr(module, "dt", other)

    yield to
    changed.undo()


@pytest.fixture
def call(db: Path) -> Callable[..., Result]:
    def calling(*arguments: str) -> Result:
        done = CliRunner().invoke(app, ["--db", str(db), *arguments])
        assert done.exit_code == 0, done.output
        return done

    return calling


@pytest.fixture
def export(tmp_path: Path) -> str:
    return str(
        write(tmp_path / "export", chat(*(message(n, f"Storm number{n}") for n in range(1, 10))))
    )


# ---- whole runs


@pytest.mark.parametrize(
    "name",
    [n if n == "1970" else pytest.param(n, marks=pytest.mark.slow) for n in CLOCKS],
)
def test_a_wrong_clock_changes_no_post(
    name: str, call: Callable[..., Result], set_clock: SetClock, export: str, db: Path
) -> None:
    """Parsed, tagged and read under it, and again when it is right: the same archive."""
    call("parse", export, "--then-tag")
    right, exported = contents(db), call("export").stdout
    for path in db.parent.glob("posts.db*"):
        path.unlink()
    set_clock(CLOCKS[name])
    call("parse", export, "--then-tag")
    for command in ("status", "channels", "tags", "search storm"):
        call(*command.split())
    assert json.loads(call("status", "--json").stdout)["posts"]["tagged"] == 9
    assert call("export").stdout == exported
    set_clock(None)
    assert call("export").stdout == exported
    assert contents(db) == right
    assert json.loads(call("parse", export, "--json").stdout)["updated"] == 0
    call("tag")
    call("status")
    assert contents(db) == right


# ---- what was written down under a wrong clock does not hold for ever


@pytest.mark.parametrize("name", CLOCKS)
def test_a_failed_post_is_due_soon_after_the_clock_is_right(name: str, store: Store) -> None:
    store.posts.save_page(page(post(1, "text")))
    (item,) = store.queue.posts(PostFilter())
    failed = TaggingError("server", "500")
    update = update_after(item, failed, PROVENANCE, now=CLOCKS[name])
    assert store.queue.save([update], store.runs.start("tag", PROVENANCE)) == [True]
    due = PostFilter(statuses=("failed",), due_by=NOW + 2 * DAY)
    assert store.queue.count(due) == 1
    (failure,) = store.status.archive().failures
    assert failure.next_due is not None
    assert failure.next_due <= dt.datetime.now(dt.UTC) + DAY


def test_a_post_that_failed_now_is_not_due_now(store: Store) -> None:
    store.posts.save_page(page(post(1, "text")))
    (item,) = store.queue.posts(PostFilter())
    update = update_after(item, TaggingError("server", "500"), PROVENANCE, now=NOW)
    store.queue.save([update], store.runs.start("tag", PROVENANCE))
    assert store.queue.count(PostFilter(due_by=NOW)) == 0
    assert store.queue.count(PostFilter(due_by=NOW + dt.timedelta(minutes=6))) == 1


@pytest.mark.parametrize("name", CLOCKS)
def test_a_remembered_wait_is_a_day_at_most(name: str) -> None:
    for seconds in (100, 10**6, 10**12):
        until = wait_ends(seconds, now=CLOCKS[name])
        assert until <= CLOCKS[name] + LONGEST_WAIT
        assert is_left_alone(until, now=CLOCKS[name])
        assert not is_left_alone(until, now=NOW + 2 * DAY) or name == "a day ahead"
    assert not is_left_alone(None, now=NOW)


async def test_a_channel_postponed_to_another_century_is_read(
    read: Any, telegram: Any, store: Store
) -> None:
    news = telegram.world.channel("newsroom", "News", messages=3)
    await read("newsroom")
    telegram.log.clear()
    store.progress.postpone(news.id, "telegram", CLOCKS["2100"])
    await read("newsroom")
    assert telegram.count("messages.GetHistory") == 1


@pytest.mark.parametrize("name", CLOCKS)
def test_what_a_server_can_do_is_believed_for_a_month(
    name: str, store: Store, set_clock: SetClock
) -> None:
    set_clock(CLOCKS[name])
    store.answers.save_capabilities(ModelCapabilities("http://there", "m", "{}"))
    assert store.answers.capabilities("http://there") == {"m": "{}"}
    set_clock(None)
    near = abs(CLOCKS[name] - NOW) <= DAY
    assert store.answers.capabilities("http://there") == ({"m": "{}"} if near else {})


def test_the_future_is_no_just_now() -> None:
    assert ago(NOW - dt.timedelta(seconds=5), now=NOW) == "just now"
    assert ago(NOW + dt.timedelta(seconds=5), now=NOW) == "just now"
    assert ago(CLOCKS["2100"], now=NOW) == "2100-03-01"


async def test_telegram_s_protocol_ends_in_2038(access: Access, set_clock: SetClock) -> None:
    set_clock(CLOCKS["after 2038"])
    with pytest.raises(ActionNeeded, match="clock"):
        await sign_in.sign_in(access, Answers("12345"), phone=PHONE, qr=False)
    assert not list(access.folder.glob("*.session"))


# ---- what others say about time is measured by their own clock


@pytest.mark.parametrize("name", CLOCKS)
async def test_a_date_to_wait_for_is_the_server_s(name: str) -> None:
    ours, theirs = CLOCKS[name], NOW
    told = {
        "date": format_datetime(theirs, usegmt=True),
        "retry-after": format_datetime(theirs + dt.timedelta(seconds=90), usegmt=True),
    }
    transport = httpx.MockTransport(lambda _: httpx.Response(429, headers=told))
    clock = ours.timestamp
    async with Server("http://127.0.0.1/v1", None, transport=transport, clock=clock) as server:
        heard = await server.ask(b"{}")
    assert heard.verdict.wait == 90


@pytest.mark.parametrize("name", CLOCKS)
async def test_a_date_that_the_preview_tells_is_its_own(name: str) -> None:
    theirs = CLOCKS[name]
    told = {
        "date": format_datetime(theirs, usegmt=True),
        "retry-after": format_datetime(theirs + dt.timedelta(seconds=90), usegmt=True),
    }
    assert await wait_of_the_preview(httpx.Headers(told)) == "it asks to wait 90 s"


async def wait_of_the_preview(headers: httpx.Headers) -> str | None:
    with respx.mock as web:
        web.get(url__startswith="https://t.me/s/").respond(429, headers=headers)
        async with Preview() as preview:
            return await preview.look()


@pytest.mark.parametrize("date", ["", "soon", "Thu, 99 Jan 2026 00:00:00 GMT"])
def test_a_server_without_a_clock_is_measured_by_ours(date: str) -> None:
    assert time_there({"date": date}, 5.0) == 5.0
    assert time_there({}, 5.0) == 5.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("0", 1), ("²", 30), ("9" * 400, LONGEST_WAIT.total_seconds()), ("", 30), ("-5", 30),
     ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT.total_seconds()), ("nan", 30)],
)  # fmt: skip
async def test_the_preview_s_wait_is_always_one(text: str, seconds: float) -> None:
    found = await wait_of_the_preview(httpx.Headers({b"retry-after": text.encode()}))
    assert found == f"it asks to wait {seconds:.0f} s"
    assert wait_ends(seconds, now=NOW) > NOW


# ---- doctor


def doctor(call: Callable[..., Result]) -> tuple[str, str]:
    (found,) = [
        item for item in json.loads(call("doctor", "--json").stdout) if item["check"] == "clock"
    ]
    return found["level"], found["message"]


def test_doctor_sees_a_clock_that_is_behind(
    call: Callable[..., Result], set_clock: SetClock, export: str
) -> None:
    call("parse", export)
    assert doctor(call)[0] == "ok"
    set_clock(NOW - DAY)
    level, words = doctor(call)
    assert (level, "behind" in words) == ("warning", True)
    set_clock(CLOCKS["1970"])
    level, words = doctor(call)
    assert (level, "1970-01-0" in words) == ("warning", True)


def test_doctor_sees_a_clock_older_than_the_program(
    call: Callable[..., Result], set_clock: SetClock
) -> None:
    """Also where nothing is stored yet."""
    assert doctor(call)[0] == "ok"
    set_clock(CLOCKS["1970"])
    assert doctor(call)[0] == "warning"


# ---- zones


@pytest.fixture
def set_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def to(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield to
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "text", "utc"),
    [
        ("garbage", "2026-07-01T12:00", {"2026-07-01T12:00"}),
        ("", "2026-07-01T12:00", {"2026-07-01T12:00"}),
        (":/no/such/file", "2026-07-01T12:00", {"2026-07-01T12:00"}),
        ("XXX-24", "2026-07-01T12:00", {"2026-07-01T12:00"}),
        ("Europe/Moscow", "2026-07-01T12:00", {"2026-07-01T09:00"}),
        ("Europe/Moscow", "2026-07-01", {"2026-06-30T21:00"}),
        ("Asia/Kathmandu", "2026-07-01T12:00", {"2026-07-01T06:15"}),
        ("America/New_York", "2026-03-07T12:00", {"2026-03-07T17:00"}),
        ("America/New_York", "2026-03-08T12:00", {"2026-03-08T16:00"}),
        # An hour that this night leaves out, and one that comes twice.
        ("America/New_York", "2026-03-08T02:30", {"2026-03-08T06:30", "2026-03-08T07:30"}),
        ("America/New_York", "2026-11-01T01:30", {"2026-11-01T05:30"}),
        ("America/New_York", "2026-11-01T01:30-05:00", {"2026-11-01T06:30"}),
    ],
)
def test_a_moment_in_any_zone(
    zone: str, text: str, utc: set[str], set_zone: Callable[[str], None]
) -> None:
    if "/" in zone and zone[0] != ":" and not Path("/usr/share/zoneinfo", zone).exists():
        pytest.skip("this system knows no time zones")
    set_zone(zone)
    settle_zone()
    assert f"{read_when(text, now=NOW):%Y-%m-%dT%H:%M}" in utc


@pytest.mark.parametrize(
    "zone", ["garbage", "Europe/Moscow", "America/New_York", "XXX-99", "\udcff"]
)
def test_a_zone_changes_no_record(
    zone: str, call: Callable[..., Result], set_zone: Callable[[str], None], export: str
) -> None:
    call("parse", export)
    before = call("export").stdout
    set_zone(zone)
    assert call("export").stdout == before
    assert len(call("export", "--since", "2026-01-01T00:05Z").stdout.splitlines()) == 5
    call("status")
    call("search", "storm")


# ---- processes whose clock is wrong, or jumps

_LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


@pytest.fixture
def clock_file(tmp_path: Path) -> Path:
    if _LIBRARY is None:
        pytest.skip("libfaketime is not installed (apt install libfaketime)")
    return tmp_path / "clock"


def fake(clock_file: Path, **more: str) -> dict[str, str]:
    return more | {
        "LD_PRELOAD": str(_LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(clock_file),
        "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1",
        "NO_FAKE_STAT": "1",
    }  # fmt: skip


SHIFTS = ("-1d", "+1d", "-30y", "+12y", "+74y", "-56y")


@pytest.mark.slow
@pytest.mark.parametrize("shift", SHIFTS)
def test_processes_under_a_wrong_clock(shift: str, db: Path, export: str, clock_file: Path) -> None:
    clock_file.write_text(shift)
    env = fake(clock_file, TGTAGGER_DB=str(db))
    for command in (("parse", export), ("tag",), ("status",), ("doctor",), ("search", "storm")):
        ended = run(*command, env=env)
        assert ended.code == 0, (command, ended.errors)
    assert run("export", "-o", str(db.with_name("posts.jsonl")), env=env).code == 0
    with closing(sqlite3.connect(db)) as raw:  # the clock was wrong indeed
        (started,) = raw.execute("SELECT min(started_at) FROM runs").fetchone()
    assert abs(dt.datetime.fromisoformat(started) - NOW) > DAY / 2
    second = run("parse", export, "--json", env={"TGTAGGER_DB": str(db)})
    assert json.loads(second.output)["new"] == 0
    assert_sound(db)


@pytest.mark.slow
@pytest.mark.parametrize("shift", SHIFTS)
def test_the_clock_jumps_while_a_model_tags(
    shift: str, db: Path, clock_file: Path, effort: Effort
) -> None:
    """To there and back, several times, with pauses that the server asks for in all forms."""
    posts = 60
    with Store.open(str(db)) as store:
        fill(store, posts)
    forms: tuple[refusals.Form, ...] = ("seconds", "none", "junk", "ms")
    clock_file.write_text("+0")
    with LlmServer() as server:

        def rule(_: object) -> Any:
            asked = len(server.completions)
            clock_file.write_text(shift if asked % 3 else "+0")
            return refusals.rate_limited(1, forms[asked // 7 % 4]) if asked % 7 == 6 else None

        server.rule = rule
        env = fake(
            clock_file, TGTAGGER_DB=str(db), TGTAGGER_LLM_URL=server.url,
            TGTAGGER_LLM_MODEL="test-model", TGTAGGER_LLM_BATCH="2", TGTAGGER_LLM_CONCURRENCY="2",
            TGTAGGER_RETRY_BASE="0.1",
        )  # fmt: skip
        ended = run("tag", "--json", "--max-time", "50s", env=env, timeout=60)
        assert ended.code == 0, ended.errors
        assert json.loads(ended.output)["tagged"] == posts
        assert not server.paid_twice()
    with closing(sqlite3.connect(db)) as raw:  # the clock did jump
        (clocks,) = raw.execute("SELECT count(DISTINCT substr(at, 1, 10)) FROM attempts").fetchone()
    assert clocks >= 2
    effort.saw(max_seconds=ended.seconds)
    assert ended.seconds < 40
    assert_sound(db)


@pytest.mark.slow
@pytest.mark.parametrize("shift", SHIFTS)
def test_telegram_under_a_wrong_clock_and_then_another(
    shift: str, db: Path, tmp_path: Path, clock_file: Path, telegram: ServerThread
) -> None:
    """Signed in under one clock, read under the right one, and the other way round."""
    key = tmp_path / "key.pem"
    key.write_text(telegram.key.pem)
    telegram.world.account(PHONE)
    telegram.world.channel("newsroom", "News", messages=120)
    env = fake(
        clock_file, TGTAGGER_DB=str(db), TGTAGGER_DATA_DIR=str(tmp_path / "data"),
        TGTAGGER_TELEGRAM_SERVER=f"127.0.0.1:{telegram.port}", TGTAGGER_TELEGRAM_DC="2",
        TGTAGGER_TELEGRAM_KEY=str(key), TGTAGGER_TELEGRAM_PAGE_WAIT="0",
    )  # fmt: skip
    login = ("login", "--api-id", "1", "--api-hash", API_HASH, "--phone", PHONE)
    for account, first, second in (("one", shift, "+0"), ("two", "+0", shift)):
        for clock, command in (
            (first, login),
            (second, ("parse", "@newsroom", "--via", "telegram")),
        ):
            clock_file.write_text(clock)
            ended = run(*command, "--account", account, env=env, stdin="12345\n")
            if clock in {"+12y", "+74y"}:  # later than the protocol can say
                assert_clean_end(ended, 3)
                assert "clock" in ended.errors
                clock_file.write_text("+0")
                ended = run(*command, "--account", account, env=env, stdin="12345\n")
            assert ended.code == 0, ended.errors
    assert_sound(db)
    found = contents(db)
    assert (len(found["posts"]), found["unread"]) == (120, [])
