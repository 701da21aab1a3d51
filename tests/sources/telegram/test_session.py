"""Signing in and out over the wire: codes, passwords, QR; what is kept, and for whom."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.answers import PHONE, Answers
from telegram_server import ServerThread
from tgtagger.cli.hints import hint_of
from tgtagger.errors import ActionNeeded, InputError, TryLater
from tgtagger.sources.telegram import session, sign_in
from tgtagger.sources.telegram.session import Access
from tgtagger.system import locks


def files(access: Access) -> set[str]:
    return {path.name for path in access.folder.iterdir() if not path.name.endswith(".lock")}


async def test_by_phone_and_code(telegram: ServerThread, access: Access) -> None:
    telegram.world.account(PHONE)
    prompts = Answers(f"+{PHONE[:3]} {PHONE[3:]}", "12 345")
    assert await sign_in.sign_in(access, prompts, phone=None, qr=False) == "Ann"
    assert prompts.asked[1:] == ["phone", "code"]
    assert prompts.asked[0] == access.server  # a foreign server is named before anything is sent
    assert files(access) == {"default.session", "default.json"}
    assert stat.S_IMODE(access.folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in access.folder.iterdir())
    assert await session.who(access) == "Ann"
    assert session.accounts(access.data_dir) == ("default",)


async def test_what_a_killed_login_left_is_cleared_away(
    telegram: ServerThread, access: Access
) -> None:
    telegram.world.account(PHONE)
    access.folder.mkdir(parents=True)
    (access.folder / ".part-99999999-0a-default.session").write_bytes(b"half")
    (access.folder / ".part-99999999-0a-default.json").write_bytes(b"{")
    assert session.accounts(access.data_dir) == ()  # half a session is none
    await sign_in.sign_in(access, Answers("12345"), phone=PHONE, qr=False)
    assert files(access) == {"default.session", "default.json"}


async def test_later_runs_need_neither_server_nor_api_id(
    telegram: ServerThread, signed_in: Access
) -> None:
    assert await session.who(Access(signed_in.data_dir)) == "Ann"


async def test_wrong_answers_are_asked_again(telegram: ServerThread, access: Access) -> None:
    telegram.world.account(PHONE, password="right")
    prompts = Answers("1", "2", "12345", "wrong", "right")
    await sign_in.sign_in(access, prompts, phone=PHONE, qr=False)
    assert prompts.asked[1:] == [
        "code", "code again", "code again", "password", "password again",
    ]  # fmt: skip


@pytest.mark.parametrize("answers", [("1", "2", "3"), ("12345", "a", "b", "c")])
async def test_three_wrong_answers_end_it_and_leave_nothing(
    telegram: ServerThread, access: Access, answers: tuple[str, ...]
) -> None:
    telegram.world.account(PHONE, password="right")
    with pytest.raises(ActionNeeded, match="three times"):
        await sign_in.sign_in(access, Answers(*answers), phone=PHONE, qr=False)
    assert files(access) == set()


async def test_by_qr_code_that_is_renewed(
    telegram: ServerThread, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "QR_LEAST", 0.3)
    account = telegram.world.account(PHONE)
    telegram.qr_seconds = 0.3
    prompts = Answers()

    def scan_the_second() -> None:
        if len(prompts.urls) == 2:
            asyncio.get_running_loop().call_later(0.1, telegram.scan_qr, account)

    prompts.on_qr = scan_the_second
    assert await sign_in.sign_in(access, prompts, phone=None, qr=True) == "Ann"
    assert len(set(prompts.urls)) == 2
    assert prompts.urls[0].startswith("tg://login?token=")


async def test_by_qr_code_and_password(telegram: ServerThread, access: Access) -> None:
    account = telegram.world.account(PHONE, password="right")
    prompts = Answers("right")
    prompts.on_qr = lambda: asyncio.get_running_loop().call_later(  # type: ignore[assignment]
        0.1, telegram.scan_qr, account
    )
    assert await sign_in.sign_in(access, prompts, phone=None, qr=True) == "Ann"


@pytest.mark.parametrize("phone", ["123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11", "hello"])
async def test_bots_and_nonsense_are_refused(
    telegram: ServerThread, access: Access, phone: str
) -> None:
    with pytest.raises(InputError):
        await sign_in.sign_in(access, Answers(phone), phone=None, qr=False)
    assert not telegram.count("auth.*")


async def test_a_bot_that_came_in_otherwise_is_put_out(
    telegram: ServerThread, access: Access
) -> None:
    telegram.world.account(PHONE, bot=True)
    with pytest.raises(InputError, match="bots cannot read"):
        await sign_in.sign_in(access, Answers("12345"), phone=PHONE, qr=False)
    assert files(access) == set()
    assert telegram.count("auth.LogOut") == 1


async def test_an_unknown_number_is_said(telegram: ServerThread, access: Access) -> None:
    with pytest.raises(InputError, match="no account"):
        await sign_in.sign_in(access, Answers(), phone="+15550000", qr=False)


async def test_a_wrong_number_is_asked_for_again(telegram: ServerThread, access: Access) -> None:
    telegram.world.account(PHONE)
    prompts = Answers("hello", "+15550000", f"00{PHONE}", "12345")
    assert await sign_in.sign_in(access, prompts, phone=None, qr=False) == "Ann"
    assert prompts.asked[1:] == [
        "phone", "phone again: phone_number_invalid", "phone again: phone_number_unknown", "code",
    ]  # fmt: skip


async def test_three_wrong_numbers_end_it(telegram: ServerThread, access: Access) -> None:
    prompts = Answers("+15550000", "+15550001", "+15550002", "+15550003")
    with pytest.raises(InputError, match="no account"):
        await sign_in.sign_in(access, prompts, phone=None, qr=False)
    assert len(prompts.answers) == 1


@pytest.mark.parametrize(
    ("number", "country"),
    [
        (PHONE[3:], PHONE[:3]),
        (f"0{PHONE[3:]}", f"+{PHONE[:3]}"),
        (PHONE[3:], f"00{PHONE[:3]}"),
        (PHONE, ""),
        (f"+{PHONE}", "44"),
    ],
)
async def test_the_country_code_of_a_number_without_one(
    telegram: ServerThread, access: Access, number: str, country: str
) -> None:
    telegram.world.account(PHONE)
    prompts = Answers(number, "12345")
    prompts.code_of_country = country
    assert await sign_in.sign_in(access, prompts, phone=None, qr=False) == "Ann"


async def test_several_accounts_stand_side_by_side(telegram: ServerThread, access: Access) -> None:
    telegram.world.account(PHONE)
    telegram.world.account("99966999")
    work = replace(access, account="work")
    await sign_in.sign_in(access, Answers("12345"), phone=PHONE, qr=False)
    await sign_in.sign_in(work, Answers("12345"), phone="99966999", qr=False)
    assert session.accounts(access.data_dir) == ("default", "work")
    assert await sign_in.sign_out(work)
    assert session.accounts(access.data_dir) == ("default",)


async def test_signing_out_tells_telegram_and_deletes(
    telegram: ServerThread, signed_in: Access
) -> None:
    assert await sign_in.sign_out(signed_in)
    assert telegram.count("auth.LogOut", "ok") == 1
    assert files(signed_in) == set()
    with pytest.raises(ActionNeeded, match="nobody is signed in"):
        await sign_in.sign_out(signed_in)


async def test_signing_out_of_an_ended_session_deletes_it_too(
    telegram: ServerThread, signed_in: Access
) -> None:
    telegram.revoke(telegram.world.accounts[PHONE])
    assert not await sign_in.sign_out(signed_in)
    assert files(signed_in) == set()


async def test_one_run_uses_a_session_at_a_time(signed_in: Access) -> None:
    with (
        locks.hold(signed_in.folder / "default.lock", "busy"),
        pytest.raises(TryLater, match="process"),
    ):
        await session.who(signed_in)


async def test_signing_out_leaves_a_session_that_is_used(signed_in: Access) -> None:
    before = files(signed_in)
    with (
        locks.hold(signed_in.folder / "default.lock", "busy"),
        pytest.raises(TryLater, match="another run"),
    ):
        await sign_in.sign_out(signed_in)
    assert files(signed_in) == before


async def test_signing_out_clears_away_what_killed_runs_left(signed_in: Access) -> None:
    """The API hash without a session, and the session of a login that was killed at the end."""
    signed_in.session.rename(signed_in.folder / ".part-999999-00-default.session")
    with pytest.raises(ActionNeeded, match="nobody is signed in"):
        await sign_in.sign_out(signed_in)
    assert {path.name for path in signed_in.folder.iterdir()} == {"default.lock"}


async def test_a_damaged_session_says_log_in(signed_in: Access) -> None:
    signed_in.session.write_bytes(b"not a database" * 100)
    with pytest.raises(ActionNeeded) as caught:
        await session.who(signed_in)
    assert "tgtagger login" in (hint_of(caught.value) or "")


async def test_a_session_stays_with_its_server(signed_in: Access) -> None:
    with pytest.raises(InputError, match="another server"):
        await session.who(replace(signed_in, server="127.0.0.1:9"))


async def test_nobody_there_is_said_soon(signed_in: Access, telegram: ServerThread) -> None:
    telegram.refuse = True
    with pytest.raises(TryLater, match="cannot be reached"):
        await session.who(signed_in)


@pytest.mark.parametrize(
    "wrong",
    [
        {"server": "nonsense"},
        {"server": "127.0.0.1:0"},
        {"public_key": Path("/nowhere/key.pem")},
    ],
)
async def test_wrong_settings_are_said(access: Access, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        await sign_in.sign_in(
            replace(access, **wrong),
            Answers("12345"),
            phone=PHONE,
            qr=False,
        )


@pytest.mark.parametrize("name", ["", "../x", "a/b", "-x", ".hidden", "a.b"])
def test_an_account_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        Access(tmp_path, name)
