"""The loop of a tagging run: send what the plan says, wait, hand responses back, yield results.

Each request is one task that ends with its Response. A request neither sleeps nor repeats itself.
Knows no rule: the plan decides what to send, and what a response means.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from tgtagger.model.events import Events
from tgtagger.model.tagging import Answered, ModelCapabilities, Wait
from tgtagger.taggers.llm.api.client import Server
from tgtagger.taggers.llm.api.responses import Response
from tgtagger.taggers.llm.pending import News
from tgtagger.taggers.llm.plan import Idle, Over, Plan
from tgtagger.taggers.llm.queue import RequestInFlight

CROWD = 8
LINGER = 0.002
"""With many requests at once, seconds to wait for more answers after the first: they are written
in one transaction, which costs one wait for the disk."""

Remember = Callable[[ModelCapabilities], None]


async def follow(
    plan: Plan, server: Server, events: Events, remember: Remember
) -> AsyncGenerator[tuple[Answered, ...]]:
    """Follow a plan to its end; yield the outcomes of posts as they come.

    Raises the error that ends the run too soon, after all answers have been yielded.
    """
    clock = asyncio.get_running_loop().time
    requests = _Requests(server)
    try:
        while True:
            match plan.next(clock()):
                case RequestInFlight() as request:
                    requests.send(request)
                case News(answered, told):
                    if answered:
                        yield answered
                    _tell(told, events, remember)
                case Idle(seconds):
                    for request, response in await requests.ended(seconds):
                        plan.take(request, response, clock())
                case Over(error):
                    if error is not None:
                        raise error
                    return
    finally:
        await requests.abandon()


def _tell(
    told: tuple[Wait | ModelCapabilities | str, ...], events: Events, remember: Remember
) -> None:
    for each in told:
        match each:
            case Wait():
                events.wait(each)
            case ModelCapabilities():
                remember(each)
            case message:
                events.warn(message)


class _Requests:
    """The tasks of the requests in flight."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._running: dict[asyncio.Task[Response], RequestInFlight] = {}
        self._ended: list[asyncio.Task[Response]] = []
        self._wake = asyncio.Event()

    def send(self, request: RequestInFlight) -> None:
        task = asyncio.create_task(self._server.ask(request.body))
        self._running[task] = request
        task.add_done_callback(self._note_end)

    def _note_end(self, task: asyncio.Task[Response]) -> None:
        if task in self._running:  # false if it was given up
            self._ended.append(task)
            self._wake.set()

    async def ended(self, seconds: float | None) -> list[tuple[RequestInFlight, Response]]:
        """Return the requests that have ended; wait for the first one, so many seconds at most."""
        if not self._ended:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
        if self._ended and len(self._running) >= CROWD:
            await asyncio.sleep(LINGER)
        ended, self._ended = self._ended, []
        return [(self._running.pop(task), task.result()) for task in ended]

    async def abandon(self) -> None:
        """Give up the requests in flight."""
        tasks = list(self._running)
        self._running.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
