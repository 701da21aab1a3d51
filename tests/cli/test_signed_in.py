"""`login`, `logout` and `parse @channel` as a user calls them: settings, a server, streams.

A whole sign-in is tried as processes; what else may happen, and what is read then, in this one,
since a process of its own takes a second to start (tests/matrix has many).
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.answers import API_HASH, PHONE
from support.environments import sign_in, to_telegram
from support.terminal import Shown, in_pipes
from telegram_server import ServerThread

Run = Callable[..., subprocess.CompletedProcess[str]]
Call = Callable[..., Shown]

KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH")


@pytest.fixture
def environment(telegram: ServerThread, tmp_path: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | to_telegram(telegram, tmp_path)


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def call(*arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tgtagger", *arguments],
            input=stdin, env=environment | more, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip

    return call


@pytest.fixture
def call(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """The same in this process."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return in_pipes


@pytest.fixture
def signed_in(call: Call, telegram: ServerThread, tmp_path: Path) -> Call:
    sign_in(telegram, tmp_path)
    return call


def parse(call: Call, *arguments: str) -> dict[str, Any]:
    done = call("parse", *arguments, "--json")
    found: dict[str, Any] = json.loads(done.output)
    found["code"] = done.code
    return found


def test_login_with_everything_piped_in(run: Run, call: Call, telegram: ServerThread) -> None:
    telegram.world.account(PHONE, password="right horse")
    done = run("login", stdin=f"1\n{API_HASH}\n+{PHONE}\n00000\n12345\nwrong\nright horse\n")
    assert done.returncode == 0, done.stderr
    assert "signed in as Ann" in done.stdout
    assert PHONE not in done.stdout + done.stderr
    assert "right horse" not in done.stdout + done.stderr
    again = call("login")
    assert again.code == 0
    assert "already" in again.output
    assert run("logout").returncode == 0
    assert call("logout").code == 3


@pytest.mark.parametrize(
    ("answers", "warned"),
    [
        (("one", "1", API_HASH, f"+{PHONE}", "12345"), "the API id is a number"),
        (("1", "hash", API_HASH, f"+{PHONE}", "12345"), "32 characters: digits"),
        (("1", API_HASH, "hello", f"+{PHONE}", "12345"), "this is not a phone number"),
        (("1", API_HASH, "+15550000", f"+{PHONE}", "12345"), "knows no account"),
        (("1", API_HASH, PHONE, "1", "12345"), "that code was wrong"),
    ],
)
def test_login_asks_again_for_what_was_wrong(
    call: Call, telegram: ServerThread, answers: tuple[str, ...], warned: str
) -> None:
    telegram.world.account(PHONE)
    done = call("login", stdin="\n".join(answers) + "\n")
    assert (done.code, warned in done.errors) == (0, True), done.errors
    assert PHONE not in done.errors
    assert API_HASH not in done.output + done.errors


def test_login_with_an_api_id_that_telegram_refuses(call: Call, telegram: ServerThread) -> None:
    """The phone number was right: it is not asked for again."""
    telegram.world.account(PHONE)
    telegram.fail(400, "API_ID_INVALID", "auth.SendCode", times=1)
    done = call("login", stdin=f"7\n{API_HASH}\n+{PHONE}\n1\n{API_HASH}\n12345\n")
    assert done.code == 0, done.errors
    assert "does not accept this API id" in done.errors


def test_a_wrong_answer_with_nobody_to_ask_again_is_what_ends_a_login(
    call: Call, telegram: ServerThread
) -> None:
    for stdin, code, words in (
        ("one\n", 2, "the API id is a number"),
        ("1\nhash\n", 2, "32 characters: digits"),
        (f"1\n{API_HASH}\nhello\n", 2, "this is not a phone number"),
        (f"1\n{API_HASH}\n07700900123\n", 2, "this is not a phone number"),
    ):
        done = call("login", stdin=stdin)
        last = [line for line in done.errors.splitlines() if not line.startswith("hint:")][-1]
        assert (done.code, words in last) == (code, True), done.errors


def test_an_api_hash_of_a_wrong_form_never_reaches_telegram(
    call: Call, telegram: ServerThread
) -> None:
    done = call("login", "--api-id", "1", "--api-hash", "secret-h", "--phone", PHONE)
    assert done.code == 2
    assert "32 characters: digits" in done.errors
    assert "secret-h" not in done.errors
    assert not telegram.log


def test_the_api_id_and_hash_serve_the_next_account(call: Call, telegram: ServerThread) -> None:
    telegram.world.account(PHONE)
    telegram.world.account("99966999")
    assert call("login", stdin=f"1\n{API_HASH}\n+{PHONE}\n12345\n").code == 0
    done = call("login", "--account", "work", stdin="+99966999\n12345\n")
    assert done.code == 0, done.errors
    assert call("login", "--account", "work").code == 0


def test_login_under_cron_asks_nothing(call: Call, telegram: ServerThread) -> None:
    done = call("login", "--api-id", "1", "--api-hash", API_HASH, "--phone", PHONE)
    assert done.code in {2, 3}
    telegram.world.account(PHONE)
    done = call("login", "--api-id", "1", "--api-hash", API_HASH, "--phone", PHONE)
    assert done.code == 3
    assert "there is no terminal to ask" in done.errors
    assert call("parse", "@newsroom", "--via", "telegram").code == 3


def test_bot_tokens_are_refused_at_once(call: Call) -> None:
    done = call("login", "--phone", "123456789:AAF-abcdefghijklmnopqrstuvwxyz01234")
    assert done.code == 2
    assert "bots cannot read" in done.errors
    assert "AAF-" not in done.errors


def test_login_by_qr(environment: dict[str, str], telegram: ServerThread) -> None:
    account = telegram.world.account(PHONE)
    process = subprocess.Popen(
        [sys.executable, "-m", "tgtagger", "login", "--qr", "--api-id", "1",
         "--api-hash", API_HASH],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while not any(session.tokens for session in list(telegram.sessions.values())):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)  # until it waits for the scan
    telegram.scan_qr(account)
    out, words = process.communicate(timeout=20)
    assert process.returncode == 0, words
    assert "signed in as Ann" in out
    assert "tg://login?token=" in words
    assert "█" in words


def test_parse_tag_and_what_the_summary_says(signed_in: Call, telegram: ServerThread) -> None:
    news = telegram.world.channel("newsroom", "News", messages=150)
    found = parse(signed_in, "@newsroom", "--then-tag")
    (channel,) = found["channels"]
    assert (channel["new"], channel["via"], channel["complete"]) == (150, "telegram", True)
    assert (channel["id"], channel["title"], channel["error"]) == (news.id, "News", None)
    assert found["tag"]["pending"] == 0
    assert found["code"] == 0
    again = signed_in("parse")
    assert (again.code, again.output, again.errors) == (0, "", "News: 0 new posts, 100 unchanged\n")
    quiet = signed_in("-q", "parse")
    assert (quiet.code, quiet.output, quiet.errors) == (0, "", "")


def test_one_that_fails_stops_no_other(signed_in: Call, telegram: ServerThread) -> None:
    telegram.world.channel("newsroom", messages=5)
    found = parse(signed_in, "@nosuchroom", "not a channel", "newsroom")
    assert [item["new"] for item in found["channels"]] == [0, 0, 5]
    assert [bool(item["error"]) for item in found["channels"]] == [True, True, False]
    assert found["code"] == 4


def test_numbers_with_a_dash_are_no_options(signed_in: Call, telegram: ServerThread) -> None:
    news = telegram.world.channel("newsroom", messages=5)
    parse(signed_in, "newsroom")
    assert parse(signed_in, f"-100{news.id}")["channels"][0]["error"] is None
    done = signed_in("parse", "--limt", "5")
    assert done.code == 2
    assert "did you mean --limit" in done.errors


def test_limits_say_that_history_is_missing(signed_in: Call, telegram: ServerThread) -> None:
    telegram.world.channel("newsroom", messages=150)
    (channel,) = parse(signed_in, "@newsroom", "--limit", "30")["channels"]
    assert (channel["new"], channel["complete"], channel["unread"]) == (30, False, 120)
    (state,) = json.loads(signed_in("channels", "--json").output)
    assert state["unread"] == 120
    assert parse(signed_in)["channels"][0]["complete"]


@pytest.mark.row("T2")
def test_a_flood_is_a_line_where_there_is_no_terminal(
    signed_in: Call, telegram: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    telegram.world.channel("newsroom", messages=150)
    telegram.flood_wait(1)
    done = signed_in("parse", "@newsroom")
    assert done.code == 0
    assert done.errors.endswith(
        "\nTelegram asks to wait: the run continues in 1 s\nNewsroom: 150 new posts\n"
    )
    telegram.faults.clear()
    telegram.flood_wait(4000)
    monkeypatch.setenv("TGTAGGER_FLOOD_BUDGET", "10")
    done = signed_in("parse")
    assert done.code == 75
    assert "asks to wait until" in done.errors
    telegram.log.clear()
    assert signed_in("parse").code == 75
    assert not telegram.log


@pytest.mark.row("T2")
def test_a_flood_ends_the_run_for_all_channels(signed_in: Call, telegram: ServerThread) -> None:
    for name in ("room_one", "room_two", "room_three"):
        telegram.world.channel(name, messages=5)
    parse(signed_in, "room_one", "room_two", "room_three")
    telegram.log.clear()
    telegram.flood_wait(4000)
    assert parse(signed_in)["code"] == 75
    assert telegram.count("messages.GetHistory") == 1  # asking on would make it worse
    telegram.log.clear()
    assert parse(signed_in)["code"] == 75
    assert not telegram.log


@pytest.mark.row("T2")
def test_one_channels_remembered_wait_stops_no_other(
    signed_in: Call, telegram: ServerThread
) -> None:
    telegram.world.channel("room_one", messages=5)
    telegram.world.channel("room_two", messages=5)
    parse(signed_in, "room_one")
    telegram.flood_wait(4000)
    assert parse(signed_in, "room_one")["code"] == 75
    found = parse(signed_in, "room_one", "room_two")
    assert [item["new"] for item in found["channels"]] == [0, 5]
    assert found["code"] == 75


@pytest.mark.row("T2")
def test_a_revoked_session_is_said_once(signed_in: Call, telegram: ServerThread) -> None:
    for name in ("room_one", "room_two"):
        telegram.world.channel(name, messages=5)
    telegram.revoke(telegram.world.accounts[PHONE])
    done = signed_in("parse", "room_one", "room_two")
    assert done.code == 3
    assert done.errors.count("run: tgtagger login") == 1
    found = json.loads(signed_in("doctor", "--json").output)
    (session,) = [item for item in found if item["check"] == "session"]
    assert (session["level"], session["hint"]) == ("error", "run: tgtagger login")


def test_a_session_that_telegram_forgot_is_said_in_words(
    signed_in: Call, telegram: ServerThread
) -> None:
    telegram.forget_keys()
    done = signed_in("parse", "@newsroom")
    assert done.code == 3
    made, error, hint = done.errors.splitlines()
    assert made.startswith("a new database: ")
    assert error.startswith("error: ")
    assert hint == "hint: run: tgtagger login"
    assert "Traceback" not in done.errors


def test_doctor_says_who_is_signed_in_and_looks_at_the_session_file(
    signed_in: Call, tmp_path: Path
) -> None:
    (tmp_path / "data" / "sessions" / "default.session").chmod(0o644)
    found = json.loads(signed_in("doctor", "--json").output)
    assert any("signed in to Telegram as Ann" in item["message"] for item in found)
    assert any("other users can use" in item["message"] for item in found)


def test_groups_are_taken_when_asked_for(signed_in: Call, telegram: ServerThread) -> None:
    telegram.world.channel("grouproom", messages=5).megagroup = True
    assert parse(signed_in, "grouproom")["code"] == 4
    assert parse(signed_in, "grouproom", "--groups")["new"] == 5
    assert parse(signed_in)["code"] == 0  # once taken, it is one of the archive's channels


def test_the_preview_says_why_when_it_cannot(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tgtagger.sources.preview.client.PAUSES", (0.0, 0.0, 0.0))
    done = call("parse", "@newsroom")
    assert done.code == 75
    assert "web preview cannot be reached" in done.errors
    assert "HTTPS_PROXY" in done.errors
    assert call("parse", "t.me/c/1234567/8").code == 3


def test_a_newer_converter_runs_over_what_telegram_sent(
    signed_in: Call, telegram: ServerThread, tmp_path: Path
) -> None:
    telegram.world.channel("newsroom", messages=5)
    parse(signed_in, "newsroom")
    db = tmp_path / "posts.db"
    with sqlite3.connect(db) as connection:  # as an older converter would have left it
        connection.execute("UPDATE raw_forms SET converter = 0")
        connection.execute("UPDATE posts SET markdown = 'worse' WHERE message_id = 3")
        connection.execute("UPDATE posts SET deleted = '2026-01-01T00:00:00Z' WHERE message_id = 2")
    connection.close()
    telegram.log.clear()
    found = parse(signed_in, "--reconvert")
    assert (found["updated"], found["new"], found["code"]) == (1, 0, 0)
    assert found["channels"][0]["via"] == "telegram"
    assert not telegram.log  # without the network
    assert parse(signed_in, "--reconvert")["channels"] == []
    shown = json.loads(signed_in("show", "newsroom/2", "--json").output)
    assert shown["deleted"] is not None  # nobody has seen it again
