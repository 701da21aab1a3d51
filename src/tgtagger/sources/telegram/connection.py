"""One connection to Telegram, and the loop that sends a request, tells waits, and repeats it.

A flood wait of Telegram holds for one kind of request: other kinds are still sent. They are, too,
if a kind that is never answered was given up. Knows no channel, and no meaning of a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any, Self, cast

from telethon import TelegramClient
from telethon.errors import RPCError

from tgtagger.errors import TryLater
from tgtagger.model.events import Events
from tgtagger.model.tagging import Wait
from tgtagger.sources.plan import time_left
from tgtagger.sources.telegram import session, telethon_internals
from tgtagger.sources.telegram.errors import (
    FLOODS,
    TROUBLE,
    Asked,
    cause_of,
    not_before,
    translate,
    unreadable,
)

DEADLINE = 60.0
"""Seconds to wait for an answer."""

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds before a request that met trouble is sent again."""

IN_VAIN = 2
"""After so many requests of one kind in a row that Telegram did not answer, the run sends no more.

If it answers with errors, those may be a channel's own: after so many, the channels behind them are
asked for once each, without pauses.
"""

ERRORS = 10
"""After so many requests of one kind in a row that got errors, the run sends no more of them."""


class Telegram:
    """One connection for all the channels of a run, opened when the first one is read."""

    def __init__(
        self,
        access: session.Access,
        *,
        flood_budget: float = 120,
        page_wait: float | None = None,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self.access = access
        self.page_wait = page_wait
        self.sleep = sleep
        self._closed: dict[
            type, dt.datetime
        ] = {}  # the end of a flood wait, by the kind of request
        self._budget = flood_budget
        # By the kind of request, how many in a row were given up: a server may answer who a channel
        # is, and never give its messages.
        self._given_up: Counter[type] = Counter()
        self._unanswered: Counter[type] = Counter()  # of them, those in a row without an answer
        self._client: TelegramClient | None = None
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def is_connected(self) -> bool:
        return self._client is not None

    async def client(self) -> TelegramClient:
        """Return the client; connect it if necessary."""
        if self._client is None:
            self._client = await self._stack.enter_async_context(session.connect(self.access))
        elif not self._client.is_connected():
            await asyncio.wait_for(self._client.connect(), session.PATIENCE)
        return self._client

    async def ask(
        self,
        request: Any,
        what: Asked,
        events: Events,
        *,
        in_flight: asyncio.Task[Any] | None = None,
        remember: bool = False,
    ) -> Any:
        """Send a request and return the answer; tell `events` each wait before it begins.

        `in_flight` is the same request, sent already. Raises TryLater for a wait that is too long,
        with the end of the wait if the channel must remember it.
        """
        kind = type(request)
        closed_until = self._closed.get(kind)
        if closed_until is not None:
            raise asked_to_wait(what, closed_until, remember=remember)
        if self._unanswered[kind] >= IN_VAIN or self._given_up[kind] >= ERRORS:
            raise TryLater("telegram_given_up", what=what)
        troubles = 0
        while True:
            try:
                answer = await (self._send(request) if in_flight is None else in_flight)
            except TROUBLE as error:
                is_answer = isinstance(error, RPCError)
                is_once = is_answer and self._given_up[kind] >= IN_VAIN
                is_unknown = getattr(error, "code", None) == 404
                if troubles == len(PAUSES) or is_once or is_unknown:
                    self._given_up[kind] += 1
                    self._unanswered[kind] = 0 if is_answer else self._unanswered[kind] + 1
                    raise cast(Exception, translate(error, what)) from error
                pause = PAUSES[troubles]
                troubles += 1
                events.wait(Wait(pause, "Telegram cannot be reached, or has trouble"))
                await self.sleep(pause)
                await self._hang_up(error)
            except Exception as error:  # noqa: BLE001 -- raised again, as ours
                seconds = self._asked_wait(error, request, what, remember=remember)
                self._budget -= seconds
                events.wait(Wait(seconds, "Telegram asks to wait"))
                await self.sleep(seconds)
            else:
                self._given_up[kind] = self._unanswered[kind] = 0
                if not telethon_internals.is_answer_to(request, answer):
                    raise unreadable(what)
                return answer
            in_flight = None

    def _asked_wait(self, error: Exception, request: Any, what: Asked, *, remember: bool) -> float:
        """Return the wait that an error asks for, within the budget; else raise our error."""
        if isinstance(error, FLOODS):
            seconds = max(float(error.seconds), 1.0)
            if seconds > self._budget:
                until = self._closed[type(request)] = not_before(error)
                raise asked_to_wait(what, until, remember=remember) from error
            return seconds
        # Only Telethon was called, so an unknown error came from the wire.
        translated = translate(error, what) or unreadable(what)
        moment = translated.not_before if isinstance(translated, TryLater) else None
        left = time_left(
            moment, now=dt.datetime.now(dt.UTC)
        )  # Telegram asked for it while connecting
        if left is not None and left <= self._budget:
            return left
        if translated is error:
            raise error
        raise translated from cause_of(error)

    async def known(self) -> Any:
        """Return the session, which knows chats of the account without a request to Telegram."""
        return (self._client or await self.client()).session

    async def _send(self, request: Any) -> Any:
        return await _within_deadline(await self.client(), request)

    async def send_ahead(self, request: Any) -> asyncio.Task[Any]:
        """Send a request early and return it for `ask`, so that a page can be stored meanwhile."""
        task = asyncio.create_task(self._send(request))
        await asyncio.wait({task}, timeout=0.001)  # until it has left
        return task

    async def _hang_up(self, error: BaseException) -> None:
        """Close a connection that brings no answer, or nonsense. Telegram's errors are answers."""
        if self._client is not None and not isinstance(error, RPCError):
            await session.hang_up(self._client)


async def _within_deadline(client: TelegramClient, request: Any) -> Any:
    try:
        return await asyncio.wait_for(client(request), DEADLINE)
    except asyncio.CancelledError:
        lost = telethon_internals.lost_connection()
        if lost is None:
            raise
        raise lost from None


def forget(task: asyncio.Task[Any]) -> None:
    """Give up a request that was sent ahead; its answer or its failure is ignored."""
    if not task.cancel() and not task.cancelled():
        task.exception()  # otherwise asyncio would report it as unhandled


def asked_to_wait(what: Asked, until: dt.datetime, *, remember: bool = True) -> TryLater:
    """Return the refusal to wait that long in this run."""
    return TryLater(
        "telegram_closed_until", what=what, until=until, not_before=until if remember else None
    )
