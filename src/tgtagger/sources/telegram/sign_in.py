"""Sign in to Telegram and out of it: by code, by password, by QR code.

`Prompts` asks the questions; this module asks nobody itself. `session` stores the new session.
Knows no channel.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Protocol

from telethon import TelegramClient, errors
from telethon.tl.functions.account import GetPasswordRequest

from tgtagger.errors import ActionNeeded, InputError, TryLater
from tgtagger.sources.telegram import session, telethon_internals
from tgtagger.sources.telegram.errors import translated
from tgtagger.sources.telegram.session import Access

TRIES = 3
"""How often a person may give a wrong phone number, code or password."""

QR_RENEWALS = 20

QR_LEAST = 10.0
"""Seconds that a code is shown at least."""


class Prompts(Protocol):
    """Answers the questions of signing in. `again`: the last answer was wrong."""

    def server(self, address: str) -> None:
        """Tell that the answers go to a server that is not Telegram's own."""

    def phone(self, problem: InputError | None) -> str:
        """Ask for the phone number. `problem`: what is wrong with the last one."""

    def country(self) -> str:
        """Ask for the country code of a number without one; "" if it has one, or nobody is here."""

    def code(self, *, again: bool) -> str: ...

    def password(self, hint: str | None, *, again: bool) -> str: ...

    def show_qr(self, url: str, expires: dt.datetime) -> None: ...


async def sign_in(access: Access, prompts: Prompts, *, phone: str | None, qr: bool) -> str:
    """Sign in and store the session; return the name of the account."""
    if phone is not None and is_bot_token(phone):
        raise InputError("bot_refused")
    session.make_folder(access)
    with session.locked(access):
        if access.server:
            prompts.server(access.server)
        async with session.made_anew(access, receives_updates=qr) as client:
            if qr:
                await _with_qr(client, prompts)
            else:
                await _with_code(client, prompts, phone)
            me = await session.me(client)
            if me.bot:
                await client.log_out()
                raise InputError("bot_refused")
            return session.name_of(me)


async def sign_out(access: Access) -> bool:
    """End the session at Telegram and delete its file; return whether Telegram was told.

    Always deletes the files that killed runs left. Raises TryLater while another run uses the
    session.
    """
    if not access.folder.is_dir():
        session.check_signed_in(access)
    with session.locked(access):
        told = False
        try:
            async with session.opened(access) as client:
                with translated():
                    told = bool(await client.log_out())
        except (ActionNeeded, TryLater):
            if not access.session.is_file():
                session.delete(access)
                raise
        session.delete(access)
    return told


async def _with_code(client: TelegramClient, prompts: Prompts, phone: str | None) -> None:
    number = await _reached_number(client, prompts, phone)
    for turn in range(TRIES):
        try:
            await client.sign_in(number, _digits(prompts.code(again=turn > 0)))
        except errors.SessionPasswordNeededError:
            await _with_password(client, prompts)
            return
        except (errors.PhoneCodeInvalidError, errors.PhoneCodeEmptyError):
            continue
        except errors.PhoneCodeExpiredError as error:
            raise ActionNeeded("login_code_expired") from error
        else:
            return
    raise ActionNeeded("login_code_wrong")


async def _reached_number(client: TelegramClient, prompts: Prompts, phone: str | None) -> str:
    """Return the phone number to which Telegram has sent a code; ask again for a wrong one."""
    problem: InputError | None = None
    for _ in range(TRIES):
        try:
            given = phone or prompts.phone(problem)
        except ActionNeeded:  # nobody is here to answer
            if problem is not None:
                raise problem from None
            raise
        if is_bot_token(given):
            raise InputError("bot_refused")
        phone = None
        try:
            return await _send_code(client, _international(given, prompts))
        except InputError as error:
            problem = error
    assert problem is not None
    raise problem


async def _send_code(client: TelegramClient, number: str) -> str:
    try:
        await client.send_code_request(number)
    except (errors.PhoneNumberInvalidError, errors.PhoneNumberUnoccupiedError) as error:
        raise InputError("phone_number_unknown") from error
    except (errors.PhoneNumberBannedError, errors.PhonePasswordFloodError) as error:
        raise ActionNeeded("phone_number_refused", error=error.message) from error
    return number


def _international(text: str, prompts: Prompts) -> str:
    """Return a phone number as Telegram takes it: with its country code. Raises InputError."""
    number = re.sub(r"[^\d+]", "", text)
    number = re.sub(r"^00", "+", number)
    if not re.fullmatch(r"\+?\d{5,16}", number):
        raise InputError("phone_number_invalid")
    if number.startswith("+"):
        return number
    if country := re.sub(r"\D", "", prompts.country()).lstrip("0"):
        return f"+{country}{number.removeprefix('0')}"
    if number.startswith("0"):  # no country's code begins so
        raise InputError("phone_number_invalid")
    return number


def _digits(code: str) -> str:
    return re.sub(r"\D", "", code) or "0"


async def _with_password(client: TelegramClient, prompts: Prompts) -> None:
    hint = (await client(GetPasswordRequest())).hint
    for turn in range(TRIES):
        try:
            await client.sign_in(password=prompts.password(hint or None, again=turn > 0) or " ")
        except errors.PasswordHashInvalidError:
            continue
        else:
            return
    raise ActionNeeded("cloud_password_wrong")


async def _with_qr(client: TelegramClient, prompts: Prompts) -> None:
    try:
        code = await client.qr_login()
        for _ in range(QR_RENEWALS):
            url = telethon_internals.url_of_code(code)
            if url is None:  # the code was scanned while it was renewed: the answer is the sign-in
                return
            prompts.show_qr(url, code.expires)
            try:
                left = code.expires - dt.datetime.now(dt.UTC)
                # With a clock that is ahead, every code would count as expired.
                await code.wait(max(left.total_seconds(), QR_LEAST))
            except TimeoutError:
                await code.recreate()
            else:
                return
    except errors.SessionPasswordNeededError:
        await _with_password(client, prompts)
        return
    raise ActionNeeded("qr_code_not_scanned")


def is_application_hash(text: str) -> bool:
    """Tell whether a text has the form of an API hash."""
    return bool(re.fullmatch(r"[0-9a-fA-F]{32}", text))


def is_bot_token(text: str) -> bool:
    """Tell whether a text is a bot's token: bots cannot read a channel's history."""
    return bool(re.fullmatch(r"\s*\d+:[\w-]{20,}\s*", text))
