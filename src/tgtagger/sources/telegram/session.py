"""Open a connection with a stored session; lock, save and delete sessions.

A session is a file that gives full access to the account: 0600 in a 0700 folder, written beside its
name and renamed, so that it is always whole. Its API id and hash lie beside it. Knows no channel,
and no sign-in (see `sign_in`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from telethon import TelegramClient
from telethon.sessions import SQLiteSession

from tgtagger import __version__
from tgtagger.errors import ActionNeeded, InputError, system_error
from tgtagger.sources.telegram import telethon_internals
from tgtagger.sources.telegram.errors import TELEGRAM, check_clock, translated, unreadable
from tgtagger.system import files, locks

PATIENCE = 30.0
"""Seconds to wait for a connection."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach Telegram, and with which account. `server` is `host:port` of another server."""

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
            raise InputError("account_name_invalid", account=self.account)

    @property
    def folder(self) -> Path:
        return self.data_dir / "sessions"

    @property
    def session(self) -> Path:
        return self.folder / f"{self.account}.session"

    @property
    def application(self) -> Path:
        return self.folder / f"{self.account}.json"


def accounts(data_dir: Path) -> tuple[str, ...]:
    """Return the accounts that have a session."""
    return tuple(sorted(path.stem for path in (data_dir / "sessions").glob("[!.]*.session")))


@contextlib.asynccontextmanager
async def connect(access: Access) -> AsyncIterator[TelegramClient]:
    """Connect with the account's session; always disconnect. Raises ActionNeeded without one."""
    check_signed_in(access)
    with locked(access):
        async with opened(access) as client:
            yield client


@contextlib.asynccontextmanager
async def opened(access: Access) -> AsyncIterator[TelegramClient]:
    """Connect as `connect` does, for a caller that holds the account's lock."""
    check_signed_in(access)
    client = _client(access, access.session)
    telethon_internals.answer_slowly(client)
    try:
        with translated(otherwise=unreadable(TELEGRAM)):
            await asyncio.wait_for(client.connect(), PATIENCE)
            await me(client, input_peer=True)  # the session mostly knows it, without a request
        yield client
    finally:
        await _disconnect(client)


@contextlib.asynccontextmanager
async def made_anew(access: Access, *, receives_updates: bool) -> AsyncIterator[TelegramClient]:
    """Connect without a session, for a caller that holds the lock and signs in.

    The new session, and the API id and hash, replace the old ones if the block ends without an
    error.
    """
    with _written(access.session) as path:
        client = _client(access, path, updates=receives_updates, reconnects=True)
        try:
            with translated():
                await asyncio.wait_for(client.connect(), PATIENCE)
                yield client
        finally:
            await _disconnect(client)
        _keep_application(access)


def check_signed_in(access: Access) -> None:
    """Raise ActionNeeded for an account without a session."""
    if not access.session.is_file():
        raise ActionNeeded("not_signed_in", account=access.account)


async def who(access: Access) -> str:
    """Ask Telegram for the name of the signed-in account, and return it."""
    async with connect(access) as client:
        with translated():
            return name_of(await me(client))


async def me(client: TelegramClient, *, input_peer: bool = False) -> Any:
    """Return the signed-in user. Raises ActionNeeded if the session has ended."""
    found = await client.get_me(input_peer=input_peer)
    if found is None:
        raise ActionNeeded("session_ended")
    return found


def name_of(user: Any) -> str:
    """Return a user's name as it is shown to people."""
    names = (user.first_name, user.last_name)
    shown = " ".join(name for name in names if name) or "an account without a name"
    return f"{shown} (@{user.username})" if user.username else shown


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
            flood_sleep_threshold=0,  # a wait must be told: the source's own loop sleeps
            request_retries=1,
            raise_last_call_error=True,
            connection_retries=1,
            retry_delay=1,
            # Telethon would connect for ever, without a pause, to a server that always drops; the
            # source's own loop connects again, too. But while a person looks for a code, Telethon
            # has to reconnect.
            auto_reconnect=reconnects,
            timeout=10,
            proxy=proxy,
            use_ipv6=":" in (session.server_address or ""),  # an empty file has none
            device_model="tgtagger",
            app_version=__version__,
        )
    except BaseException:
        session.close()
        raise


def _open(path: Path) -> SQLiteSession:
    """Open a session's file. Raises ActionNeeded for a damaged one, before Telethon reads it."""
    with translated():
        with path.open("rb") as file:
            head = file.read(16)
        if head and head != b"SQLite format 3\0":
            raise ActionNeeded("session_unusable")
        return SQLiteSession(str(path))


def _application(access: Access) -> tuple[int, str]:
    if access.api_id is not None and access.api_hash:
        return access.api_id, access.api_hash
    try:
        kept = json.loads(access.application.read_bytes())
        return int(kept["api_id"]), str(kept["api_hash"])
    except FileNotFoundError as error:
        raise ActionNeeded("api_id_unknown") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ActionNeeded("api_id_unreadable", path=access.application) from error


def _point_to_server(access: Access, session: SQLiteSession) -> None:
    if access.server is None:
        return
    host, port = split_server(access.server)
    if access.public_key is not None:
        try:
            telethon_internals.trust_key(access.public_key.read_text())
        except (OSError, ValueError) as error:
            raise InputError("telegram_key_invalid", path=access.public_key) from error
    if session.auth_key is None:
        session.set_dc(access.dc or 2, host, port)
    elif (session.server_address, session.port) != (host, port):
        raise InputError("session_of_other_server", account=access.account, server=access.server)


def split_server(text: str) -> tuple[str, int]:
    """Read `host:port`. Raises InputError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError("telegram_server_invalid")
    return host.strip("[]"), int(port)


def _proxy(url: str) -> dict[str, Any]:
    """Return the address of a proxy, which the settings have checked, in Telethon's form."""
    parts = urlsplit(url)
    return {
        "proxy_type": parts.scheme.removesuffix("h"),  # the proxy always resolves names
        "addr": parts.hostname,
        "port": parts.port,
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "rdns": True,
    }


@contextlib.contextmanager
def locked(access: Access) -> Iterator[None]:
    """Hold the account's lock. Raises TryLater while another run holds it."""
    with contextlib.ExitStack() as held:
        path = access.folder / f"{access.account}.lock"
        try:
            held.enter_context(locks.hold(path, "account_in_use", account=access.account))
        except OSError as error:
            raise system_error(error, "sessions_folder_unwritable", path=access.folder) from error
        yield


def make_folder(access: Access) -> None:
    """Make the folder of sessions, for its owner only."""
    try:
        files.make_folder(access.folder)
        access.folder.chmod(0o700)
    except OSError as error:
        raise system_error(error, "sessions_folder_not_made", path=access.folder) from error


@contextlib.contextmanager
def _written(path: Path) -> Iterator[Path]:
    """Replace a file, whole or not at all."""
    try:
        with files.beside(path) as made:
            yield made
            for end in files.COMPANIONS:  # of the old file: SQLite would undo the new file with it
                path.with_name(path.name + end).unlink(missing_ok=True)
    except OSError as error:
        if error.filename is None:  # a network error
            raise
        raise system_error(error, "session_not_written", path=path) from error


def _keep_application(access: Access) -> None:
    api_id, api_hash = _application(access)
    with _written(access.application) as made:
        made.write_text(json.dumps({"api_id": api_id, "api_hash": api_hash}))


def delete(access: Access) -> None:
    """Delete a session's files; the session itself last: it counts as long as it exists."""
    for path in (access.application, access.session):
        files.sweep(path.parent, path.name)
        for end in (*files.COMPANIONS, ""):
            path.with_name(path.name + end).unlink(missing_ok=True)
    files.sync_folder(access.folder)


async def hang_up(client: TelegramClient) -> None:
    """Close the connection; the client may connect again."""
    with contextlib.suppress(Exception):
        await asyncio.wait_for(client.disconnect(), PATIENCE)
    # It tells here, too, why it was closed; asyncio would report an unread error with a traceback.
    with contextlib.suppress(Exception):
        await client.disconnected


async def _disconnect(client: TelegramClient) -> None:
    await hang_up(client)
    session = client.session
    if session is not None:
        with contextlib.suppress(Exception):
            session.close()
