"""Every exception that Telethon knows goes through the one map; none escapes."""

from __future__ import annotations

import errno
import inspect
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from telethon import errors
from telethon.errors import rpcerrorlist

from tgtagger.errors import ActionNeeded, SourceError, StoreError, TgTaggerError, TryLater
from tgtagger.sources.telegram.errors import CHANNEL_REFUSED, FLOODS, translate


def classes() -> Iterator[type[Exception]]:
    for module in (errors, rpcerrorlist):
        for found in vars(module).values():
            if inspect.isclass(found) and issubclass(found, Exception):
                yield found


ARGUMENTS: tuple[tuple[Any, ...], ...] = (
    ([], [], []), (None, 5), (None,), (None, "X", 400), (), ("x",), (b"\x6c\xfe\xff\xff",),
)  # fmt: skip


def make(kind: type[Exception]) -> Exception:
    for arguments in ARGUMENTS:
        try:
            return kind(*arguments)
        except Exception:  # noqa: BLE001 -- each class wants other arguments
            continue
    made: Exception = kind.__new__(kind)
    return made


@pytest.mark.row("T2")
def test_none_escapes() -> None:
    kinds = sorted(set(classes()), key=str)
    assert len(kinds) > 500
    for kind in kinds:
        found = translate(make(kind), "@news")
        assert isinstance(found, TgTaggerError), kind
        if issubclass(kind, FLOODS):
            assert isinstance(found, TryLater), kind
            assert found.not_before is not None, kind


def rpc(code: int, name: str) -> BaseException:
    import telethon.errors as known

    made: BaseException = known.rpc_message_to_error(
        type("Error", (), {"error_code": code, "error_message": name})(), None
    )
    return made


def session_fails(name: str) -> BaseException:
    made = sqlite3.OperationalError(name)
    made.sqlite_errorcode = getattr(sqlite3, name)
    return made


@pytest.mark.row("T2")
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (rpc(401, "AUTH_KEY_UNREGISTERED"), ActionNeeded),
        (rpc(401, "SESSION_REVOKED"), ActionNeeded),
        (rpc(401, "USER_DEACTIVATED_BAN"), ActionNeeded),
        (rpc(406, "AUTH_KEY_DUPLICATED"), ActionNeeded),
        (rpc(400, "API_ID_INVALID"), ActionNeeded),
        (rpc(420, "FROZEN_METHOD_INVALID"), ActionNeeded),
        (rpc(400, "CHANNEL_PRIVATE"), SourceError),
        (rpc(400, "USERNAME_NOT_OCCUPIED"), SourceError),
        (rpc(400, "SOMETHING_NEW"), SourceError),
        (rpc(500, "SOMETHING_NEW"), TryLater),
        (rpc(420, "FLOOD_WAIT_30"), TryLater),
        (ValueError("Request was unsuccessful 6 time(s)"), TryLater),
        (ConnectionResetError(), TryLater),
        (TimeoutError(), TryLater),
        (OSError("no route"), TryLater),
        (OSError(errno.EMFILE, "Too many open files"), StoreError),
        (session_fails("SQLITE_FULL"), StoreError),
        (session_fails("SQLITE_IOERR_FSYNC"), StoreError),
        (session_fails("SQLITE_READONLY_DIRECTORY"), StoreError),
        (session_fails("SQLITE_BUSY"), TryLater),
        (sqlite3.DatabaseError("not a database"), ActionNeeded),
    ],
)
def test_what_a_failure_means(error: BaseException, kind: type[TgTaggerError]) -> None:
    assert type(translate(error)) is kind


@pytest.mark.parametrize("name", CHANNEL_REFUSED)
def test_every_reason_against_a_channel_has_its_words(name: str) -> None:
    found = translate(rpc(400, name), "@news")
    assert isinstance(found, SourceError)
    assert (found.kind, found.data["reason"]) == ("channel_unreadable", name)
    assert found.message.startswith("@news cannot be read: ")


def test_a_bug_stays_a_bug() -> None:
    assert translate(KeyError("x")) is None
    assert translate(ValueError("something of ours")) is None
