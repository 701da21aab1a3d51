"""Telegram at its worst (T2): what goes wrong on the wire and in its answers, in whole processes.

Every fault once, on the second page, and for ever, from the first one on: a run ends in words and
in time, no message is neither read nor remembered as unread, and a good run completes it. The
waits of a real run are long; the process under test has them shortened (`HASTY`).
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.breaking import Ended, assert_clean_end, assert_sound, run
from support.fault_matrix import Effort
from support.over_the_wire import signed_in_at
from telegram_server import Channel, RsaKey, ServerThread, spoiled
from tgtagger.sources.telegram import session

pytestmark = pytest.mark.row("T2")

SHORT = """
import sys
from tgtagger.sources.telegram import connection, session
connection.DEADLINE, connection.PAUSES, session.PATIENCE = 1.0, (0.01,) * 4, 3.0
from tgtagger.__main__ import main
main()
"""
HASTY = (sys.executable, "-c", SHORT)
MESSAGES = 250
HISTORY = "messages.GetHistory"
READ, BUG, PERSON, GONE, LATER = 0, 1, 3, 4, 75
WITHIN = 1.5
"""Times the memory of a run in which nothing goes wrong that any run may take."""

FOR_EVER = 10**9


@dataclass
class Desk:
    """A signed-in account at a Telegram of the module's own, and what reading it gives."""

    telegram: ServerThread
    access: session.Access
    folder: Path
    news: Channel
    usual: int = 0  # KiB

    @property
    def db(self) -> Path:
        return self.folder / "posts.db"

    def parse(self, *sources: str, **settings: str) -> Ended:
        """Read the channel; check what holds of every run."""
        env = {
            "TGTAGGER_DB": str(self.db),
            "TGTAGGER_DATA_DIR": str(self.folder / "data"),
            "TGTAGGER_TELEGRAM_SERVER": str(self.access.server),
            "TGTAGGER_TELEGRAM_DC": "2",
            "TGTAGGER_TELEGRAM_KEY": str(self.access.public_key),
            "TGTAGGER_TELEGRAM_PAGE_WAIT": "0",
            "TGTAGGER_FLOOD_BUDGET": "2",
            "TGTAGGER_PREVIEW_URL": "http://127.0.0.1:9/s",
        }
        ended = run(
            "parse", *(sources or ("@newsroom",)), "--json", env=env | settings, program=HASTY,
            anew=True,
        )  # fmt: skip
        assert_clean_end(ended, READ, PERSON, GONE, LATER)
        assert len(ended.errors) < 10_000
        assert "Post number" not in ended.errors
        assert_sound(self.db)
        if self.usual:
            assert ended.peak <= WITHIN * self.usual
        assert not self.lost()
        return ended

    def ids(self) -> set[int]:
        """The messages that are stored, in whatever form."""
        with closing(sqlite3.connect(self.db)) as raw:
            return {
                number
                for table in ("posts", "album_members", "service_messages")
                for (number,) in raw.execute(f"SELECT message_id FROM {table}")
            }

    def lost(self) -> set[int]:
        """What is up to the newest message known, and neither read nor remembered as unread."""
        with closing(sqlite3.connect(self.db)) as raw:
            unread = raw.execute("SELECT low, high FROM unread_ranges").fetchall()
            (top,) = raw.execute("SELECT max(top_id) FROM readings").fetchone()
        left = {n for n in self.news.ids if any(low <= n <= high for low, high in unread)}
        return {n for n in self.news.ids if n <= (top or 0)} - self.ids() - left

    def deleted(self) -> int:
        with closing(sqlite3.connect(self.db)) as raw:
            found: int = raw.execute("SELECT count(*) FROM posts WHERE deleted <> ''").fetchone()[0]
        return found

    def mend(self) -> None:
        """Let everything go well again; forget the wait that is remembered."""
        self.telegram.faults.clear()
        self.telegram.refuse, self.telegram.skew = False, 0.0
        with closing(sqlite3.connect(self.db)) as raw, raw:
            raw.execute("UPDATE readings SET not_before = NULL")


@pytest.fixture(scope="module")
def office(
    rsa_key: RsaKey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServerThread, session.Access]]:
    """A server, and an account that signed in once for all tests."""
    with ServerThread(rsa_key) as telegram:
        yield telegram, signed_in_at(telegram, tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="module")
def usual(office: tuple[ServerThread, session.Access], tmp_path_factory: Any) -> int:
    """The memory of a run in which nothing goes wrong, in KiB."""
    desk = make_desk(*office, tmp_path_factory.mktemp("usual"))
    ended = desk.parse()
    assert ended.code == READ
    return ended.peak


def make_desk(telegram: ServerThread, access: session.Access, folder: Path) -> Desk:
    telegram.world.channels.clear()
    telegram.faults.clear()
    telegram.log.clear()
    shutil.copytree(access.data_dir, folder / "data")
    return Desk(telegram, access, folder, telegram.world.channel("newsroom", messages=MESSAGES))


@pytest.fixture
def desk(office: tuple[ServerThread, session.Access], usual: int, tmp_path: Path) -> Iterator[Desk]:
    telegram, access = office
    made = make_desk(telegram, access, tmp_path)
    made.usual = usual
    yield made
    telegram.refuse, telegram.skew = False, 0.0
    assert not telegram.crashes
    assert not telegram.unhandled


# ---- the faults: what happens, and how a run ends where it happens once, and for ever

How = Callable[[ServerThread, int, int], None]


@dataclass(frozen=True)
class Case:
    name: str
    how: How  # given the server, from which page on, how often
    once: int
    always: int


def error(code: int, name: str, once: int, always: int) -> Case:
    return Case(
        f"{code} {name[:24]}", lambda t, at, times: t.fail(code, name, at=at, times=times),
        once, always,
    )  # fmt: skip


def raw(name: str, data: bytes) -> Case:
    return Case(name, lambda t, at, times: t.send_raw(data, at=at, times=times), READ, LATER)


def page(change: Callable[[Any], Any], once: int, always: int) -> Case:
    return Case(
        change.__name__, lambda t, at, times: t.change(change, at=at, times=times), once, always
    )


def notified(code: int) -> Case:
    return Case(
        f"bad message {code}", lambda t, at, times: t.notify(code, at=at, times=times), READ, LATER
    )


def salted(telegram: ServerThread) -> Callable[[Any], Any]:
    def change(of: Any) -> Any:
        telegram.salt = (telegram.salt * 7 + 1) % 2**62
        return of

    return change


CHANCE = random.Random(1)

CASES = [
    # waits, short and long, and such as say no number
    error(420, "FLOOD_WAIT_1", READ, LATER),
    error(420, "FLOOD_WAIT_0", READ, LATER),
    error(420, "FLOOD_PREMIUM_WAIT_1", READ, LATER),
    error(420, "SLOWMODE_WAIT_1", READ, LATER),
    error(420, "FLOOD_WAIT_5000", LATER, LATER),
    error(420, "FLOOD_WAIT_99999999999999999999", LATER, LATER),
    error(420, "FLOOD_WAIT", LATER, LATER),
    error(420, "FLOOD_WAIT_-5", LATER, LATER),
    error(420, "TAKEOUT_INIT_DELAY_5", LATER, LATER),
    # errors of every family
    error(500, "INTERNAL", READ, LATER),
    error(500, "RPC_CALL_FAIL", READ, LATER),
    error(-503, "Timeout", READ, LATER),
    error(500, "SOMETHING_NEW", READ, LATER),
    error(400, "CHANNEL_PRIVATE", GONE, GONE),
    error(400, "MSG_ID_INVALID", GONE, GONE),
    error(400, "A" * 100_000, GONE, GONE),
    error(403, "CHAT_FORBIDDEN", GONE, GONE),
    error(404, "SOMETHING_NEW", GONE, GONE),
    error(999, "\x1b[31mred", GONE, GONE),
    error(0, "", GONE, GONE),
    error(401, "AUTH_KEY_UNREGISTERED", PERSON, PERSON),
    error(401, "SESSION_REVOKED", PERSON, PERSON),
    error(401, "USER_DEACTIVATED_BAN", PERSON, PERSON),
    error(406, "AUTH_KEY_DUPLICATED", PERSON, PERSON),
    error(303, "USER_MIGRATE_4", PERSON, PERSON),
    error(303, "NETWORK_MIGRATE_2", PERSON, PERSON),
    error(303, "FILE_MIGRATE_5", PERSON, PERSON),
    # the wire
    Case("drop", lambda t, at, times: t.drop(at=at, times=times), READ, LATER),
    Case("drop after", lambda t, at, times: t.drop(at=at, after=True, times=times), READ, LATER),
    Case("hang", lambda t, at, times: t.hang(at=at, times=times), READ, LATER),
    Case("slow", lambda t, at, times: t.slow(0.3, HISTORY, at=at, times=times), READ, READ),
    raw("garbage", CHANCE.randbytes(300)),
    raw("zeros", bytes(200)),
    raw("a packet without end", struct.pack("<ii", 2**31 - 1, 0) + b"x" * 100),
    raw("a packet of negative length", struct.pack("<ii", -5, 0) + b"x" * 100),
    raw("a packet that is cut off", struct.pack("<ii", 1000, 0) + b"x" * 100),
    raw("a wrong checksum", struct.pack("<iiii", 16, 0, 5, 7)),
    *map(notified, (16, 17, 20, 32, 33, 48, 64)),
    Case("another salt", lambda t, at, times: t.change(salted(t), at=at, times=times), READ, READ),
    # answers that are none
    page(spoiled.not_modified, GONE, GONE),
    page(spoiled.another_type, GONE, GONE),
    page(spoiled.true, GONE, GONE),
    page(spoiled.a_list, GONE, GONE),
    page(spoiled.no_type, GONE, GONE),
    page(spoiled.nothing, GONE, GONE),
    page(spoiled.cut_off, GONE, GONE),
    page(spoiled.another_channel, LATER, LATER),
    page(spoiled.no_channel, GONE, GONE),
    page(spoiled.forbidden, GONE, GONE),
    page(spoiled.chat_empty, GONE, GONE),
    # pages in disorder
    page(spoiled.empty, READ, READ),
    page(spoiled.of_an_empty_channel, READ, READ),
    page(spoiled.twice, READ, READ),
    page(spoiled.oldest_first, READ, READ),
    page(spoiled.shuffled, READ, READ),
    page(spoiled.always_newest, READ, LATER),
    page(spoiled.one_only, READ, READ),
    page(spoiled.a_slice, READ, READ),
    # numbers
    page(spoiled.ids_of_none, LATER, LATER),
    page(spoiled.largest_ids, READ, LATER),
    page(spoiled.largest_numbers, READ, LATER),
]

BY_NAME = {case.name: case for case in CASES}


def check(desk: Desk, case: Case, effort: Effort, *, always: bool) -> None:
    """Read with a fault; after one that came once, without: whatever was left is read."""
    case.how(desk.telegram, 1 if always else 2, FOR_EVER if always else 1)
    ended = desk.parse()
    assert ended.code == (case.always if always else case.once), (ended.code, ended.errors)
    assert ended.seconds < 30
    if case.name != "one_only":
        assert desk.telegram.count(HISTORY) < 80  # it is not hammered
    effort.saw(faults=1, max_seconds=ended.seconds, max_mib=ended.peak / 1024)
    if not always:
        desk.mend()
        assert desk.parse().code == READ
        assert desk.ids() >= set(desk.news.ids)


# ---- in `make test`: many faults in one run, and some of those that go on for ever

PASSING = (
    "420 FLOOD_WAIT_1", "500 INTERNAL", "drop", "drop after", "hang", "garbage", "zeros",
    "a packet that is cut off", "a wrong checksum", "bad message 16", "bad message 20",
    "another salt", "empty", "twice", "shuffled", "one_only", "a_slice",
)  # fmt: skip


def test_a_run_through_many_faults_reads_everything(desk: Desk, effort: Effort) -> None:
    desk.news = desk.telegram.world.channel("longroom", messages=100 * (2 * len(PASSING) + 2))
    for number, name in enumerate(PASSING, 1):
        BY_NAME[name].how(desk.telegram, 2 * number, 1)
    ended = desk.parse("@longroom")
    assert (ended.code, desk.ids()) == (READ, set(desk.news.ids)), ended.errors
    assert not desk.deleted()
    effort.saw(faults=len(PASSING), max_seconds=ended.seconds, max_mib=ended.peak / 1024)


def test_a_page_that_comes_for_ever_is_no_endless_loop(desk: Desk, effort: Effort) -> None:
    check(desk, BY_NAME["always_newest"], effort, always=True)


# ---- at length: every fault once, and for ever


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_fault_once(desk: Desk, effort: Effort, case: Case) -> None:
    check(desk, case, effort, always=False)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_fault_for_ever(desk: Desk, effort: Effort, case: Case) -> None:
    check(desk, case, effort, always=True)


STARTING = ("help.GetConfig", "users.GetUsers", "updates.GetState", "contacts.ResolveUsername")


@pytest.mark.slow
@pytest.mark.parametrize("method", STARTING)
@pytest.mark.parametrize(
    ("trouble", "codes"),
    [
        (lambda t, method: t.flood_wait(1, method), {READ}),
        (lambda t, method: t.flood_wait(5000, method), {LATER}),
        (lambda t, method: t.fail(500, "INTERNAL", method, times=FOR_EVER), {LATER}),
        (lambda t, method: t.fail(400, "STRANGE", method, times=FOR_EVER), {GONE}),
        # Of get_me it says that nobody is signed in: the next request tells.
        (lambda t, method: t.fail(401, "SESSION_REVOKED", method, times=FOR_EVER), {PERSON, READ}),
        (lambda t, method: t.drop(method, times=FOR_EVER), {LATER}),
        (lambda t, method: t.hang(method, times=FOR_EVER), {LATER}),
        (lambda t, method: t.change(lambda _: [], method, times=FOR_EVER), {GONE, READ}),
        (lambda t, method: t.change(lambda _: True, method, times=FOR_EVER), {GONE, READ}),
        (lambda t, method: t.send_raw(b"x" * 300, method, times=FOR_EVER), {LATER}),
        (lambda t, method: t.notify(17, method, times=FOR_EVER), {LATER}),
    ],
    ids=["flood", "long flood", "500", "400", "401", "drop", "hang", "list", "true", "raw", "17"],
)
def test_every_request_of_a_start(
    desk: Desk,
    effort: Effort,
    method: str,
    trouble: Callable[[ServerThread, str], None],
    codes: set[int],
) -> None:
    trouble(desk.telegram, method)
    ended = desk.parse()
    assert ended.code in codes, (ended.code, ended.errors)
    assert ended.seconds < 30
    assert len(desk.telegram.log) < 80
    effort.saw(faults=1, max_seconds=ended.seconds, max_mib=ended.peak / 1024)


# ---- the server as a whole


@pytest.mark.slow
def test_a_server_that_is_gone_and_comes_back(desk: Desk, effort: Effort) -> None:
    """Stopped in the middle of a run; for the next one it is not there; then it is."""
    telegram = desk.telegram
    telegram.latency = 0.05
    stopped = threading.Event()

    def stop_on_the_way() -> None:
        while telegram.count(HISTORY) < 2:
            stopped.wait(0.005)
        telegram.__exit__()

    stopper = threading.Thread(target=stop_on_the_way)
    stopper.start()
    try:
        ended = desk.parse()
        stopper.join()
        assert ended.code == LATER
        assert 0 < len(desk.ids()) < MESSAGES
        refused = desk.parse()
    finally:
        stopper.join()
        telegram.latency = 0.0
        telegram.__enter__()
    assert refused.code == LATER
    assert "cannot be reached" in refused.errors
    assert desk.parse().code == READ
    assert desk.ids() == set(desk.news.ids)
    effort.saw(faults=2, max_seconds=max(ended.seconds, refused.seconds))


def test_a_server_that_closes_every_connection(desk: Desk, effort: Effort) -> None:
    desk.telegram.refuse = True
    ended = desk.parse()
    assert ended.code == LATER
    effort.saw(faults=1, max_seconds=ended.seconds)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [100, -100, 86_400, -86_400, 3e8, -3e8])
def test_a_server_whose_clock_is_another(desk: Desk, effort: Effort, seconds: float) -> None:
    desk.telegram.skew = seconds
    ended = desk.parse()
    assert (ended.code, desk.ids()) == (READ, set(desk.news.ids))
    effort.saw(faults=1, max_seconds=ended.seconds)


@pytest.mark.slow
def test_a_server_that_has_forgotten_the_key(desk: Desk, effort: Effort) -> None:
    kept = dict(desk.telegram.sessions)
    desk.telegram.forget_keys()
    try:
        ended = desk.parse()
    finally:
        desk.telegram.sessions.update(kept)
    assert ended.code == PERSON
    assert "tgtagger login" in ended.errors
    assert desk.parse().code == READ
    effort.saw(faults=1, max_seconds=ended.seconds)


@pytest.mark.slow
def test_many_channels_of_a_server_that_does_not_answer(desk: Desk, effort: Effort) -> None:
    """After two of them the others are not asked for: a run has an end."""
    names = [f"room_number_{n}" for n in range(20)]
    for name in names:
        desk.telegram.world.channel(name, messages=5)
    desk.telegram.hang(times=FOR_EVER)
    ended = desk.parse(*names)
    assert ended.code == LATER
    assert desk.telegram.count(HISTORY) == 2 * 5
    told = json.loads(ended.output)["channels"]
    assert len(told) == 20
    assert all(each["error"] for each in told)
    effort.saw(faults=1, max_seconds=ended.seconds)
