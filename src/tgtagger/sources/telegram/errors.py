"""Telegram's failures as ours: every exception that calls into Telethon can raise, in one map.

Telethon raises RPC errors, but also bare ValueErrors for unknown names and after exhausted
retries, connection errors, and what its session file's database raises. Knows no request.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator

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
from tgtagger.sources.telegram import telethon_internals

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
"""Failures that may pass: the request is sent again a little later."""

LONGEST_NAME = 80
"""Letters of an error's name that are shown."""

Asked = str | int | None
"""What a request was for: a channel's `@name` or number, None for an invitation; or TELEGRAM."""

TELEGRAM = "Telegram"
"""What a request was for, if no channel is concerned."""

_SIGNED_OUT = (
    errors.UnauthorizedError,
    errors.AuthKeyError,
    errors.AuthKeyNotFound,
    errors.SecurityError,
)
CHANNEL_REFUSED = (
    "CHANNEL_PRIVATE",
    "CHANNEL_INVALID",
    "CHANNEL_PUBLIC_GROUP_NA",
    "CHAT_ADMIN_REQUIRED",
    "CHAT_FORBIDDEN",
    "USER_BANNED_IN_CHANNEL",
    "USERNAME_NOT_OCCUPIED",
    "USERNAME_INVALID",
    "INVITE_HASH_EXPIRED",
    "INVITE_HASH_INVALID",
    "INVITE_HASH_EMPTY",
    "PEER_ID_INVALID",
)
"""Telegram's names of the reasons for which this account cannot read a channel."""

_SESSION_FAILS = {
    sqlite3.SQLITE_FULL: "session_disk_full",
    sqlite3.SQLITE_IOERR: "session_io_error",
    sqlite3.SQLITE_CANTOPEN: "session_not_opened",
    sqlite3.SQLITE_READONLY: "session_read_only",
}


def translate(error: BaseException, what: Asked = TELEGRAM) -> TgTaggerError | None:
    """Return our error for Telethon's; None for a bug. `what` names what was requested."""
    match error:
        case TgTaggerError():
            return error
        case errors.RPCError():
            return _rpc(error, what)
        case ValueError() if (found := _bare(error, what)) is not None:
            return found
        case errors.InvalidBufferError():
            is_unknown = getattr(error, "code", None) == 404
            return ActionNeeded("session_ended") if is_unknown else _unreachable(error)
    for kinds, translated in _OTHERS:
        if isinstance(error, kinds):
            return translated(error, what)
    return None


def cause_of(error: BaseException) -> BaseException | None:
    """Return an error as the cause of its translation; None if its words hold a message's text."""
    return None if isinstance(error, errors.TypeNotFoundError) else error


@contextlib.contextmanager
def translated(*, otherwise: TgTaggerError | None = None) -> Iterator[None]:
    """Raise Telethon's failures as ours. `otherwise` is the failure for an unknown error."""
    try:
        yield
    except Exception as error:
        ours = translate(error) or otherwise
        if ours is None or ours is error:
            raise
        raise ours from cause_of(error)


def _session_failed(error: BaseException) -> TgTaggerError:
    """Return the failure of Telethon's file: a new sign-in does not mend a disk."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _SESSION_FAILS:
        return StoreError(_SESSION_FAILS[code])
    if code == sqlite3.SQLITE_BUSY:
        return TryLater("session_busy")
    return ActionNeeded("session_unusable")


def _bare(error: ValueError, what: Asked) -> TgTaggerError | None:
    """Return our error for a ValueError of Telethon; None for any other one."""
    if isinstance(error.__cause__, errors.RPCError):
        return _rpc(error.__cause__, what)
    match telethon_internals.meaning_of(error):
        case "gave_up":
            return _unreachable(error)
        case "another_data_center":
            return ActionNeeded("session_in_other_data_center")
    return None


def unreadable(what: Asked) -> SourceError:
    """Return the failure for an answer that neither Telethon nor tgtagger can read."""
    return SourceError("telegram_answer_unreadable", what=what)


def check_clock() -> None:
    """Refuse a time that Telegram's protocol cannot express: Telethon would break."""
    if dt.datetime.now(dt.UTC).timestamp() >= 2**31:  # from 2038 on
        raise ActionNeeded("telegram_refuses_clock")


def unanswered(what: Asked) -> TryLater:
    """Return the failure for an answer to another request than ours."""
    return TryLater("telegram_answer_wrong", what=what)


def _refused_message(error: BaseException, _what: Asked) -> TgTaggerError:
    if getattr(error, "code", None) not in {16, 17}:
        return _unreachable(error)
    return ActionNeeded("telegram_refuses_clock")


def not_before(error: BaseException) -> dt.datetime:
    """Return the end of a flood wait."""
    seconds = max(int(getattr(error, "seconds", 0) or 0), 1)
    return wait_ends(seconds, now=dt.datetime.now(dt.UTC))


def _rpc(error: errors.RPCError, what: Asked) -> TgTaggerError:
    if isinstance(error, FLOODS):
        seconds = getattr(error, "seconds", 0)
        return TryLater(
            "telegram_asks_to_wait", what=what, seconds=seconds, not_before=not_before(error)
        )
    name = str(getattr(error, "message", None) or "")
    for reason in CHANNEL_REFUSED:
        if reason in name or _class_name(reason) == type(error).__name__:
            return SourceError("channel_unreadable", what=what, reason=reason)
    match error:
        case errors.FrozenMethodInvalidError() | errors.FrozenParticipantMissingError():
            return ActionNeeded("account_frozen")
        case errors.ApiIdInvalidError() | errors.ApiIdPublishedFloodError():
            return ActionNeeded("api_id_refused")
        case _ if isinstance(error, (*_SIGNED_OUT, errors.AuthKeyDuplicatedError)):
            if isinstance(error, errors.SessionPasswordNeededError):
                return ActionNeeded("cloud_password_needed")
            duplicated = isinstance(error, errors.AuthKeyDuplicatedError)
            return ActionNeeded("session_duplicated" if duplicated else "session_ended")
        case _ if isinstance(error, TROUBLE):
            return _unreachable(error)
    return _by_code(error, what)


def _by_code(error: errors.RPCError, what: Asked) -> TgTaggerError:
    name = _name_of(error)
    match error:
        case errors.FloodError():  # without seconds, or of an unknown kind
            return TryLater("telegram_flood", what=what, error=name)
        case errors.InvalidDCError():
            return ActionNeeded("session_in_other_data_center")
    return SourceError("telegram_refuses", what=what, error=name, code=error.code)


def _name_of(error: errors.RPCError) -> str:
    """Return Telegram's name of an error; Telethon's name if it knows the error."""
    own = vars(error).get("message")
    return " ".join(str(own or type(error).__name__).split())[:LONGEST_NAME]


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_")) + "Error"


def _unreachable(error: BaseException) -> TryLater:
    return TryLater("telegram_unreachable", reason=_reason(error))


def _reason(error: BaseException) -> str | None:
    """Return Telegram's or the system's words for what went wrong; None: there are none."""
    if isinstance(error, errors.RPCError):
        return _name_of(error)
    cause: BaseException | None = error
    for _ in range(20):  # a chain of causes may be a ring
        if cause is None or (isinstance(cause, OSError) and cause.strerror):
            break
        cause = cause.__cause__ or cause.__context__
    return cause.strerror if isinstance(cause, OSError) else None


_OTHERS: tuple[tuple[tuple[type[BaseException], ...], Callable[..., TgTaggerError]], ...] = (
    ((errors.TypeNotFoundError, BufferError), lambda _error, what: unreadable(what)),
    ((errors.BadMessageError,), _refused_message),
    (_SIGNED_OUT, lambda _error, _what: ActionNeeded("session_ended")),
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
