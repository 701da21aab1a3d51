"""The brain behind a socket on loopback, in a thread and an event loop of its own.

Knows connections and their end; what is said on them is in `brain`, how in `sending`.
"""

from __future__ import annotations

import asyncio
import threading
import traceback
from dataclasses import dataclass, field
from typing import Self

from llm_server.brain import Brain
from llm_server.sending import Request, read_request, reset, send

LARGEST_HEAD = 1024 * 1024


@dataclass
class LlmServer(Brain):
    """A server at work while the `with` lasts; a crash of its own is raised at the end."""

    port: int = 0
    refuse: bool = False  # every new connection is reset before anything is read
    connections: int = 0  # that were accepted
    crashes: list[str] = field(default_factory=list)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def __enter__(self) -> Self:
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._stopping = False
        started = threading.Event()
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._work(started),), daemon=True
        )
        self._thread.start()
        if not started.wait(10):
            raise RuntimeError("the test server did not start")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        if self._thread.is_alive():
            raise RuntimeError("the test server did not stop")
        if self.crashes and kind is None:
            raise AssertionError(f"the test server crashed:\n{self.crashes[0]}")

    # ---- in the thread

    async def _work(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        listening = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, limit=LARGEST_HEAD, backlog=1024
        )
        self.port = listening.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        self._stopping = True
        listening.close()
        for task, writer in list(self._serving.items()):
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close their sockets in the loop's next turn

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = writer
        self.connections += 1
        try:
            if self.refuse or self._stopping:
                reset(writer)
            else:
                await self._converse(reader, writer, self.connections)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        except Exception:  # noqa: BLE001 -- raised where the `with` ends
            self.crashes.append(traceback.format_exc())
        finally:
            await self._leave(writer)
            del self._serving[task]

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        while (request := await read_request(reader)) is not None:
            with self.under_way():
                lives_on = await self._answer_to(request, reader, writer, number)
            if not lives_on or request.headers.get("connection") == "close":
                return

    async def _answer_to(
        self,
        request: Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        number: int,
    ) -> bool:
        response = self.respond(*request, connection=number)
        if response.delay:
            await asyncio.sleep(response.delay)
        if reader.at_eof() or writer.is_closing():
            return False  # nobody is there to be answered
        # Counted first: a client that has its answer may look at the count at once.
        self.sent(response)
        return await send(reader, writer, response)

    async def _leave(self, writer: asyncio.StreamWriter) -> None:
        """Close a connection, and wait until its socket is gone: none may outlive the loop."""
        if self._stopping:
            writer.transport.abort()
            return
        writer.close()
        try:
            await writer.wait_closed()
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
