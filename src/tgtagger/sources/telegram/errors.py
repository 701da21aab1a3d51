"""Telegram's failures as ours: every exception that calls into Telethon can raise, in one map.

Telethon raises RPC errors, but also bare ValueErrors for unknown names and after exhausted
retries, connection errors, and what its session file's database raises. Knows no request.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sqlite3
from collections.abc import Callable

from telethon import errors

from tgtagger.errors import (
    ActionNeeded,
    SourceError,
    StoreError,
    TgTaggerError,
    TryLater,
    shortage,
)
from tgtagger.sources.reading import wait_ends

FLOODS = (
    errors.FloodWaitError,
    errors.FloodPremiumWaitError,
    errors.SlowModeWaitError,
    errors.FloodTestPhoneWaitError,
)
"""Telegram asks to wait, and says how long."""

TROUBLE = (
    errors.ServerError,
    errors.TimedOutError,
    errors.RpcCallFailError,
    errors.RpcMcgetFailError,
    errors.InterdcCallErrorError,
    errors.InterdcCallRichErrorError,
    ConnectionError,
    TimeoutError,
    asyncio.IncompleteReadError,
    errors.InvalidBufferError,
)
"""What another try a little later may mend."""

LOGIN = "run: tgtagger login"

_SIGNED_OUT = (
    errors.UnauthorizedError,
    errors.AuthKeyError,
    errors.AuthKeyNotFound,
    errors.SecurityError,
)
_GONE = {
    "CHANNEL_PRIVATE": "it is private, or this account was removed from it",
    "CHANNEL_INVALID": "this account has not met it",
    "CHANNEL_PUBLIC_GROUP_NA": "it is not available any more",
    "CHAT_ADMIN_REQUIRED": "only its admins may read it",
    "CHAT_FORBIDDEN": "this account may not read it",
    "USER_BANNED_IN_CHANNEL": "this account is banned from it",
    "USERNAME_NOT_OCCUPIED": "no channel has this name",
    "USERNAME_INVALID": "no channel can have this name",
    "INVITE_HASH_EXPIRED": "the invitation has expired",
    "INVITE_HASH_INVALID": "the invitation is not valid",
    "INVITE_HASH_EMPTY": "the invitation is not valid",
    "PEER_ID_INVALID": "this account has not met it",
}


def translate(error: BaseException, what: str = "Telegram") -> TgTaggerError | None:
    """Return what an error means to a user; None for one that is a bug. `what` was asked for."""
    match error:
        case TgTaggerError():
            return error
        case errors.RPCError():
            return _rpc(error, what)
        case ValueError() if isinstance(error.__cause__, errors.RPCError):
            return _rpc(error.__cause__, what)
        case ValueError() if "unsuccessful" in str(error):
            return _unreachable(error)
        case errors.InvalidBufferError():
            return _signed_out() if getattr(error, "code", None) == 404 else _unreachable(error)
    for kinds, translated in _OTHERS:
        if isinstance(error, kinds):
            return translated(error, what)
    return None


def cause_of(error: BaseException) -> BaseException | None:
    """Return an error as the cause of its translation; None where its words hold a message."""
    return None if isinstance(error, errors.TypeNotFoundError) else error


_SESSION_FAILS = {
    sqlite3.SQLITE_FULL: "there is no space left to write the session file",
    sqlite3.SQLITE_IOERR: "the session file: reading or writing failed",
    sqlite3.SQLITE_CANTOPEN: "the session file cannot be opened",
    sqlite3.SQLITE_READONLY: "the session file cannot be written to",
}


def _session_failed(error: BaseException) -> TgTaggerError:
    """Say what became of Telethon's file: signing in again mends no disk."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _SESSION_FAILS:
        return StoreError(
            _SESSION_FAILS[code],
            hint="check the space and the permissions of data_dir, which tgtagger config shows",
        )
    if code == sqlite3.SQLITE_BUSY:
        return TryLater("another program holds the session file", hint="try again")
    return ActionNeeded("the session file cannot be used", hint=LOGIN)


def _newer(_error: BaseException, what: str) -> TgTaggerError:
    return SourceError(
        f"{what}: Telegram sent something newer than this version can read",
        hint="update tgtagger, then run it again: nothing is lost",
    )


def check_clock() -> None:
    """Refuse a clock whose time Telegram's protocol cannot express: its library would break."""
    if dt.datetime.now(dt.UTC).timestamp() >= 2**31:  # from 2038 on
        raise wrong_clock()


def wrong_clock(_error: BaseException | None = None, _what: str = "") -> TgTaggerError:
    return ActionNeeded(
        "Telegram refuses messages from this clock", hint="set this machine's clock right"
    )


def not_before(error: BaseException) -> dt.datetime:
    """Return when a flood wait ends."""
    seconds = max(int(getattr(error, "seconds", 0) or 0), 1)
    return wait_ends(seconds, now=dt.datetime.now(dt.UTC))


def _rpc(error: errors.RPCError, what: str) -> TgTaggerError:
    name = str(getattr(error, "message", None) or type(error).__name__)
    if isinstance(error, FLOODS):
        seconds = getattr(error, "seconds", 0)
        return TryLater(
            f"{what}: Telegram asks to wait {seconds} s",
            hint="run it again then; cron can simply try again",
            not_before=not_before(error),
        )
    for part, reason in _GONE.items():
        if part in name or _class_name(part) == type(error).__name__:
            return SourceError(f"{what} cannot be read: {reason}")
    match error:
        case errors.FrozenMethodInvalidError() | errors.FrozenParticipantMissingError():
            return ActionNeeded(
                "Telegram has frozen this account", hint="open Telegram: it says why"
            )
        case errors.ApiIdInvalidError() | errors.ApiIdPublishedFloodError():
            return ActionNeeded(
                "Telegram does not accept this API id and hash",
                hint="get them at https://my.telegram.org, then run: tgtagger login",
            )
        case _ if isinstance(error, (*_SIGNED_OUT, errors.AuthKeyDuplicatedError)):
            if isinstance(error, errors.SessionPasswordNeededError):
                return ActionNeeded("this account wants its cloud password", hint=LOGIN)
            return _signed_out(duplicated=isinstance(error, errors.AuthKeyDuplicatedError))
        case _ if isinstance(error, TROUBLE):
            return _unreachable(error)
    return SourceError(f"{what}: Telegram answers {name} ({error.code})")


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_")) + "Error"


def _signed_out(*, duplicated: bool = False) -> ActionNeeded:
    if duplicated:
        return ActionNeeded(
            "Telegram ended this session: it was used from two places at once", hint=LOGIN
        )
    return ActionNeeded(
        "this account is signed out: Telegram no longer knows the session", hint=LOGIN
    )


def _unreachable(error: BaseException) -> TryLater:
    detail = str(error) if isinstance(error, errors.RPCError) else type(error).__name__
    return TryLater(
        f"Telegram cannot be reached, or has trouble ({detail})",
        hint="check the connection and try again; what was read is kept",
    )


_OTHERS: tuple[tuple[tuple[type[BaseException], ...], Callable[..., TgTaggerError]], ...] = (
    ((errors.TypeNotFoundError,), _newer),
    ((errors.BadMessageError,), wrong_clock),
    (_SIGNED_OUT, lambda _error, _what: _signed_out()),
    ((sqlite3.Error,), lambda error, _what: _session_failed(error)),
    ((OSError,), lambda error, _what: shortage(error) or _unreachable(error)),
    (
        (
            EOFError,
            errors.MultiError,
            errors.ReadCancelledError,
            errors.CdnFileTamperedError,
            errors.InvalidChecksumError,
            errors.AlreadyInConversationError,
        ),
        lambda error, _what: _unreachable(error),
    ),
)
