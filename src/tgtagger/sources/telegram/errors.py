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
from tgtagger.sources.plan import wait_ends

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
    errors.InvalidChecksumError,
    errors.BadMessageError,
)
"""What another try a little later may mend."""

LONGEST_NAME = 80
"""Letters of an error's name that are shown."""

LOGIN = "run: tgtagger login"
LATER = "run it again then; cron can simply try again"

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
        case ValueError() if (found := _bare(error, what)) is not None:
            return found
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


def _bare(error: ValueError, what: str) -> TgTaggerError | None:
    """Return what a ValueError means, if it is one of Telethon's."""
    if isinstance(error.__cause__, errors.RPCError):
        return _rpc(error.__cause__, what)
    if "unsuccessful" in str(error):
        return _unreachable(error)
    return _elsewhere() if "Failed to get DC" in str(error) else None


def unreadable(what: str) -> SourceError:
    """Return what an answer means that Telethon, or we, can make nothing of."""
    return SourceError(
        f"{_before(what)}Telegram sent something newer than this version can read",
        hint="update tgtagger, then run it again: nothing is lost",
    )


def check_clock() -> None:
    """Refuse a clock whose time Telegram's protocol cannot express: its library would break."""
    if dt.datetime.now(dt.UTC).timestamp() >= 2**31:  # from 2038 on
        raise wrong_clock()


def unanswered(what: str) -> TryLater:
    """Return what answers mean that are none to what was asked."""
    return TryLater(
        f"{_before(what)}Telegram answers with something else than what was asked for",
        hint="try again later; what is not read yet is remembered",
    )


def _refused_message(error: BaseException, _what: str) -> TgTaggerError:
    if getattr(error, "code", None) not in {16, 17}:
        return _unreachable(error)
    return wrong_clock()


def wrong_clock() -> ActionNeeded:
    return ActionNeeded(
        "Telegram refuses messages from this clock", hint="set this machine's clock right"
    )


def _elsewhere() -> ActionNeeded:
    return ActionNeeded(
        "Telegram keeps this account in another data centre than the session's", hint=LOGIN
    )


def not_before(error: BaseException) -> dt.datetime:
    """Return when a flood wait ends."""
    seconds = max(int(getattr(error, "seconds", 0) or 0), 1)
    return wait_ends(seconds, now=dt.datetime.now(dt.UTC))


def _rpc(error: errors.RPCError, what: str) -> TgTaggerError:
    if isinstance(error, FLOODS):
        seconds = getattr(error, "seconds", 0)
        return TryLater(
            f"{_before(what)}Telegram asks to wait {seconds} s",
            hint=LATER,
            not_before=not_before(error),
        )
    name = str(getattr(error, "message", None) or "")
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
    return _by_code(error, what)


def _by_code(error: errors.RPCError, what: str) -> TgTaggerError:
    name = _name_of(error)
    match error:
        case errors.FloodError():  # without a number of seconds, or of a kind that nobody knows
            return TryLater(f"{_before(what)}Telegram asks to wait ({name})", hint=LATER)
        case errors.InvalidDCError():
            return _elsewhere()
    return SourceError(f"{_before(what)}Telegram answers {name} ({error.code})")


def _before(what: str) -> str:
    return "" if what == "Telegram" else f"{what}: "


def _name_of(error: errors.RPCError) -> str:
    """Return what Telegram calls an error; of those that Telethon knows, its own name for it."""
    own = vars(error).get("message")
    return " ".join(str(own or type(error).__name__).split())[:LONGEST_NAME]


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
    detail = _name_of(error) if isinstance(error, errors.RPCError) else type(error).__name__
    return TryLater(
        f"Telegram cannot be reached, or has trouble ({detail})",
        hint="check the connection and try again; what was read is kept",
    )


_OTHERS: tuple[tuple[tuple[type[BaseException], ...], Callable[..., TgTaggerError]], ...] = (
    ((errors.TypeNotFoundError, BufferError), lambda _error, what: unreadable(what)),
    ((errors.BadMessageError,), _refused_message),
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
