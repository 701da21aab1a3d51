"""Another face, served at a path of its own behind the same guard; its first request starts it.

So its libraries cost a server nothing that nobody asks by them. Speaks ASGI only; does not know
which face it is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from anyio import to_thread

from tgtagger.web.guard import App, Receive, Scope, Send

Made = tuple[App, AbstractAsyncContextManager[None]]
"""An application, and what has to be entered while it is served."""


class Neighbour:
    """An application that `make` returns when the first request comes."""

    def __init__(self, path: str, make: Callable[[], Made]) -> None:
        self.path = path
        self._make = make
        self._app: App | None = None
        self._starting = asyncio.Lock()
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._starting:
            if self._app is None:
                self._app = await self._start()
        await self._app(scope, receive, send)

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Let it be asked while the body runs, and end it then."""
        try:
            yield
        finally:
            self._ending.set()
            if self._task is not None:
                await self._task

    async def _start(self) -> App:
        app, lasting = await to_thread.run_sync(self._make)
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._keep(lasting, started))
        await asyncio.wait((task, started), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task  # raises why it did not start; the next request tries again
        self._task = task
        return app

    async def _keep(
        self, lasting: AbstractAsyncContextManager[None], started: asyncio.Future[None]
    ) -> None:
        """Keep it entered in one task, as its task groups want it."""
        async with lasting:
            started.set_result(None)
            await self._ending.wait()
