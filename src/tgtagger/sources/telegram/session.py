"""Sign in to Telegram, sign out, and open a connection with the session that is kept.

A session is a file that is as good as the account itself: 0600 in a 0700 folder, written beside
and renamed, never half. Beside it lie the API id and hash it was made with. Knows no channel; asks
nobody itself: the questions go to `Prompts`.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from telethon import TelegramClient, errors
from telethon.crypto import rsa
from telethon.sessions import SQLiteSession
from telethon.tl.types import BadMsgNotification

from tgtagger import __version__
from tgtagger.errors import ActionNeeded, InputError, TgTaggerError, TryLater, system_error
from tgtagger.sources.telegram.errors import LOGIN, cause_of, check_clock, translate, unreadable
from tgtagger.system import files, locks

# What matters of it is raised; its advice to developers is no message to users.
logging.getLogger("telethon").addHandler(logging.NullHandler())

TRIES = 3
"""How often a wrong code or password may be given."""

PATIENCE = 30.0
"""Seconds to wait for a connection."""

LONGEST_PAUSE = 5.0
"""Seconds at most before a message that the server refused is sent again."""

QR_RENEWALS = 20

QR_LEAST = 10.0
"""Seconds that a code is shown at least."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach Telegram, and as whom. `server` is `host:port` of one that is not Telegram's."""

    data_dir: Path
    account: str = "default"
    api_id: int | None = None
    api_hash: str | None = field(default=None, repr=False)
    server: str | None = None
    dc: int | None = None
    public_key: Path | None = None
    proxy: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\w[\w-]{0,39}", self.account):
            raise InputError(
                f"an account cannot be called {self.account!r}", hint="use letters and digits"
            )

    @property
    def folder(self) -> Path:
        return self.data_dir / "sessions"

    @property
    def session(self) -> Path:
        return self.folder / f"{self.account}.session"

    @property
    def application(self) -> Path:
        return self.folder / f"{self.account}.json"


class Prompts(Protocol):
    """Who answers the questions of signing in. `again`: the last answer was wrong."""

    def phone(self) -> str: ...

    def code(self, *, again: bool) -> str: ...

    def password(self, hint: str | None, *, again: bool) -> str: ...

    def show_qr(self, url: str, expires: dt.datetime) -> None: ...

    def say(self, text: str) -> None: ...


def accounts(data_dir: Path) -> tuple[str, ...]:
    """Return the accounts that have a session."""
    return tuple(sorted(path.stem for path in (data_dir / "sessions").glob("[!.]*.session")))


@contextlib.contextmanager
def _errors(*, otherwise: TgTaggerError | None = None) -> Iterator[None]:
    """Raise Telethon's failures as ours. `otherwise` is what those mean that nobody knows."""
    try:
        yield
    except Exception as error:
        translated = translate(error) or otherwise
        if translated is None or translated is error:
            raise
        raise translated from cause_of(error)


@contextlib.asynccontextmanager
async def connect(access: Access) -> AsyncIterator[TelegramClient]:
    """Connect with the account's session; always disconnect. Raises ActionNeeded: not signed in."""
    _check_signed_in(access)
    with _locked(access):
        async with _connected(access) as client:
            yield client


@contextlib.asynccontextmanager
async def _connected(access: Access) -> AsyncIterator[TelegramClient]:
    client = _client(access, access.session)
    _answer_slowly(client)
    try:
        with _errors(otherwise=unreadable("Telegram")):
            await asyncio.wait_for(client.connect(), PATIENCE)
            await _me(client, input_peer=True)  # mostly known from the session: no request
        yield client
    finally:
        await _disconnect(client)


def _check_signed_in(access: Access) -> None:
    if not access.session.is_file():
        who = "" if access.account == "default" else f" --account {access.account}"
        raise ActionNeeded(
            f"nobody is signed in to Telegram (account {access.account})",
            hint=f"run: tgtagger login{who}",
        )


async def who(access: Access) -> str:
    """Return the name of who is signed in, asking Telegram."""
    async with connect(access) as client:
        with _errors():
            return _name(await _me(client))


async def sign_in(access: Access, prompts: Prompts, *, phone: str | None, qr: bool) -> str:
    """Sign in and keep the session; return the name of who is signed in."""
    if phone is not None and is_bot_token(phone):
        raise bot_refused()
    _make_folder(access.folder)
    with _locked(access):
        if access.server:
            prompts.say(f"signing in at {access.server}, which is not Telegram's own server")
        with _written(access.session) as path:
            client = _client(access, path, updates=qr, reconnects=True)
            try:
                with _errors():
                    await asyncio.wait_for(client.connect(), PATIENCE)
                    if qr:
                        await _with_qr(client, prompts)
                    else:
                        await _with_code(client, prompts, phone)
                    me = await _me(client)
                    if me.bot:
                        await client.log_out()
                        raise bot_refused()
                    name = _name(me)
            finally:
                await _disconnect(client)
            _keep_application(access)
    return name


async def sign_out(access: Access) -> bool:
    """End the session at Telegram and delete its file; return whether Telegram was told.

    What runs left that were killed goes in any case. Raises TryLater while another run uses it.
    """
    if not access.folder.is_dir():
        _check_signed_in(access)
    with _locked(access):
        told = False
        try:
            _check_signed_in(access)
            async with _connected(access) as client:
                with _errors():
                    told = bool(await client.log_out())
        except (ActionNeeded, TryLater):
            if not access.session.is_file():
                _forget(access)
                raise
        _forget(access)
    return told


# ---- the ways to sign in


async def _with_code(client: TelegramClient, prompts: Prompts, phone: str | None) -> None:
    number = phone or prompts.phone()
    if is_bot_token(number):
        raise bot_refused()
    number = re.sub(r"[^\d+]", "", number)
    if not re.fullmatch(r"\+?\d{5,16}", number):
        raise InputError(
            "this is no phone number", hint="give it with its country code: +44 7700 900123"
        )
    try:
        await client.send_code_request(number)
    except (errors.PhoneNumberInvalidError, errors.PhoneNumberUnoccupiedError) as error:
        raise InputError("Telegram knows no account with this phone number") from error
    except (errors.PhoneNumberBannedError, errors.PhonePasswordFloodError) as error:
        raise ActionNeeded(f"Telegram refuses this phone number ({error.message})") from error
    for turn in range(TRIES):
        try:
            await client.sign_in(number, _code(prompts.code(again=turn > 0)))
        except errors.SessionPasswordNeededError:
            await _with_password(client, prompts)
            return
        except (errors.PhoneCodeInvalidError, errors.PhoneCodeEmptyError):
            continue
        except errors.PhoneCodeExpiredError as error:
            raise ActionNeeded("the code has expired", hint="run tgtagger login again") from error
        else:
            return
    raise ActionNeeded("the code was wrong three times", hint="run tgtagger login again")


def _code(text: str) -> str:
    return re.sub(r"\D", "", text) or "0"


async def _with_password(client: TelegramClient, prompts: Prompts) -> None:
    from telethon.tl.functions.account import GetPasswordRequest

    hint = (await client(GetPasswordRequest())).hint
    for turn in range(TRIES):
        try:
            await client.sign_in(password=prompts.password(hint or None, again=turn > 0) or " ")
        except errors.PasswordHashInvalidError:
            continue
        else:
            return
    raise ActionNeeded("the password was wrong three times", hint="run tgtagger login again")


async def _with_qr(client: TelegramClient, prompts: Prompts) -> None:
    try:
        code = await client.qr_login()
        for _ in range(QR_RENEWALS):
            try:
                url = code.url
            except AttributeError:  # scanned while it was renewed: the answer is the sign-in
                return
            prompts.show_qr(url, code.expires)
            try:
                left = code.expires - dt.datetime.now(dt.UTC)
                # A clock that is ahead would call every code expired.
                await code.wait(max(left.total_seconds(), QR_LEAST))
            except TimeoutError:
                await code.recreate()
            else:
                return
    except errors.SessionPasswordNeededError:
        await _with_password(client, prompts)
        return
    raise ActionNeeded("the QR code was not scanned", hint="run tgtagger login --qr again")


def is_bot_token(text: str) -> bool:
    return bool(re.fullmatch(r"\s*\d+:[\w-]{20,}\s*", text))


def bot_refused() -> InputError:
    return InputError(
        "this is a bot: bots cannot read a channel's history",
        hint="sign in with your own account, by phone or --qr",
    )


# ---- files


def _client(
    access: Access, path: Path, *, updates: bool = False, reconnects: bool = False
) -> TelegramClient:
    check_clock()
    api_id, api_hash = _application(access)
    proxy = _proxy(access.proxy) if access.proxy else None
    session = _open(path)
    try:
        _point_to_server(access, session)
        return TelegramClient(
            session,
            api_id,
            api_hash,
            receive_updates=updates,
            flood_sleep_threshold=0,  # a wait must be seen: the source's own loop sleeps
            request_retries=1,
            raise_last_call_error=True,
            connection_retries=1,
            retry_delay=1,
            # A server that always drops would be asked again for ever, without a pause: the
            # source's own loop connects again, too. While a person looks for a code it has to be
            # this way.
            auto_reconnect=reconnects,
            timeout=10,
            proxy=proxy,
            use_ipv6=":" in (session.server_address or ""),  # none in an empty file
            device_model="tgtagger",
            app_version=__version__,
        )
    except BaseException:
        session.close()
        raise


def _open(path: Path) -> SQLiteSession:
    """Open a session's file; a damaged one is told before Telethon meets it."""
    with _errors():
        with path.open("rb") as file:
            head = file.read(16)
        if head and head != b"SQLite format 3\0":
            raise ActionNeeded("the session file cannot be used", hint=LOGIN)
        return SQLiteSession(str(path))


def _application(access: Access) -> tuple[int, str]:
    if access.api_id is not None and access.api_hash:
        return access.api_id, access.api_hash
    try:
        kept = json.loads(access.application.read_bytes())
        return int(kept["api_id"]), str(kept["api_hash"])
    except FileNotFoundError as error:
        raise ActionNeeded(
            "Telegram's API id and hash are not known",
            hint="get them at https://my.telegram.org, then run: tgtagger login",
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ActionNeeded(f"{access.application} cannot be read", hint=LOGIN) from error


def _point_to_server(access: Access, session: SQLiteSession) -> None:
    if access.server is None:
        return
    host, port = split_server(access.server)
    if access.public_key is not None:
        try:
            rsa.add_key(access.public_key.read_text(), old=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{access.public_key} is no RSA public key",
                hint="TGTAGGER_TELEGRAM_KEY wants a PEM file (BEGIN RSA PUBLIC KEY)",
            ) from error
    if session.auth_key is None:
        session.set_dc(access.dc or 2, host, port)
    elif (session.server_address, session.port) != (host, port):
        raise InputError(
            f"the session of account {access.account} belongs to another server than "
            f"{access.server}",
            hint="sign in there under another name: tgtagger login --account NAME",
        )


def split_server(text: str) -> tuple[str, int]:
    """Read `host:port`. Raises InputError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError("TGTAGGER_TELEGRAM_SERVER must be host:port")
    return host.strip("[]"), int(port)


def _proxy(url: str) -> dict[str, Any]:
    """Return the address of a proxy, which the settings have looked at, as Telethon wants it."""
    parts = urlsplit(url)
    return {
        "proxy_type": parts.scheme.removesuffix("h"),  # names are always resolved there
        "addr": parts.hostname,
        "port": parts.port,
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "rdns": True,
    }


@contextlib.contextmanager
def _locked(access: Access) -> Iterator[None]:
    with contextlib.ExitStack() as held:
        busy = f"another run uses the Telegram account {access.account}"
        try:
            held.enter_context(locks.hold(access.folder / f"{access.account}.lock", busy))
        except OSError as error:
            raise system_error(error, f"{access.folder} cannot be written to") from error
        yield


def _make_folder(folder: Path) -> None:
    try:
        files.make_folder(folder)
        folder.chmod(0o700)
    except OSError as error:
        raise system_error(
            error, f"{folder} cannot be made", hint="set TGTAGGER_DATA_DIR"
        ) from error


@contextlib.contextmanager
def _written(path: Path) -> Iterator[Path]:
    """Write a file anew, whole or not at all."""
    try:
        with files.beside(path) as made:
            yield made
            for end in files.COMPANIONS:  # of the one before: SQLite would undo the new one by it
                path.with_name(path.name + end).unlink(missing_ok=True)
    except OSError as error:
        if error.filename is None:  # the network's
            raise
        raise system_error(error, f"{path} cannot be written") from error


def _keep_application(access: Access) -> None:
    api_id, api_hash = _application(access)
    with _written(access.application) as made:
        made.write_text(json.dumps({"api_id": api_id, "api_hash": api_hash}))


def _forget(access: Access) -> None:
    """Delete what there is of a session; the session's own file last: while it is there, it is."""
    for path in (access.application, access.session):
        files.sweep(path.parent, path.name)
        for end in (*files.COMPANIONS, ""):
            path.with_name(path.name + end).unlink(missing_ok=True)
    files.sync_folder(access.folder)


def _answer_slowly(client: TelegramClient) -> None:
    """Pause before a message that the server refuses for its number or time is sent again.

    Telethon sends it at once, as often as it is refused: thousands of times a second.
    """
    sender = client._sender  # noqa: SLF001 -- there is no other way to hear of it
    heard = itertools.count()

    async def pause(message: Any) -> None:
        await asyncio.sleep(min(0.05 * 2.0 ** next(heard), LONGEST_PAUSE))
        await sender._handle_bad_notification(message)  # noqa: SLF001

    sender._handlers[BadMsgNotification.CONSTRUCTOR_ID] = pause  # noqa: SLF001


async def hang_up(client: TelegramClient) -> None:
    """Close the connection; the client may connect again."""
    with contextlib.suppress(Exception):
        await asyncio.wait_for(client.disconnect(), PATIENCE)
    # Why it was closed is told here, too; asyncio reports, with a traceback, what nobody heard.
    with contextlib.suppress(Exception):
        await client.disconnected


async def _disconnect(client: TelegramClient) -> None:
    await hang_up(client)
    session = client.session
    if session is not None:
        with contextlib.suppress(Exception):
            session.close()


async def _me(client: TelegramClient, *, input_peer: bool = False) -> Any:
    me = await client.get_me(input_peer=input_peer)
    if me is None:
        raise ActionNeeded(
            "this account is signed out: Telegram no longer knows the session", hint=LOGIN
        )
    return me


def _name(user: Any) -> str:
    names = (user.first_name, user.last_name)
    shown = " ".join(name for name in names if name) or "an account without a name"
    return f"{shown} (@{user.username})" if user.username else shown
