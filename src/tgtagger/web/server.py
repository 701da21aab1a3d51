"""Listen on a port and serve the application until a signal; keep the worker of the jobs alive.

The application is warmed up before it listens: the first request is as fast as the next. The worker
is a process of its own, so that a run and the readers of pages share no interpreter; it ends with
the server. Knows no command: the caller passes what starts a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import uvicorn
from anyio import to_thread
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from tgtagger.errors import InputError, system_error
from tgtagger.web.dependencies import Archive
from tgtagger.web.guard import FULL

log = logging.getLogger(__name__)

ENDING = 1.0
"""Seconds that open requests have to end after a signal; the worker has as long."""
REHEARSAL = 5.0
"""Seconds that the first requests, the server's own, may take."""
IDLE = 15
"""Seconds after which a connection without a request is closed."""
HEAD_SECONDS = 10.0
"""Seconds in which the head of a request has to come; the guard bounds its body."""
READER_SECONDS = 30.0
"""Seconds for which a reader may take nothing of what is sent."""
THREADS = 10
"""Requests that read or write at once: each has a connection to the database, and its memory."""
CONNECTIONS = 200
"""Connections, or requests, at once; a request beyond them is answered with 503."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. Port 0: any free one."""

    host: str = "127.0.0.1"
    port: int = 8344

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """The address as a browser takes it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def listen(address: Address) -> socket.socket:
    """Return a socket that listens there.

    Raises InputError if the port is taken, with what answers there, or the address cannot be used.
    """
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        # By name: for a socket of no protocol asyncio leaves out TCP_NODELAY, which costs 40 ms.
        opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise InputError("host_unusable", host=address.host, reason=str(error)) from error
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address.host.strip("[]"), address.port))
        opened.listen(256)
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            ours = answers(address)
            raise InputError("port_taken", url=address.url, ours=ours) from error
        raise system_error(error, "address_refused", url=address.url) from error
    return opened


def answers(address: Address) -> bool:
    """Tell whether a tgtagger answers there."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection((address.host.strip("[]"), address.port), timeout=2) as asked,
    ):
        asked.settimeout(2)
        asked.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head = b""
        while chunk := asked.recv(4096):
            head += chunk
            if len(head) > 65536:
                break
        return b'"name":"tgtagger"' in head
    return False


def serve(
    app: FastAPI,
    opened: socket.socket,
    worker: Sequence[str] | None,
    ready: Callable[[], None],
) -> None:
    """Serve until SIGINT or SIGTERM."""
    make_server(app, worker, ready).run(sockets=[opened])


def make_server(
    app: FastAPI, worker: Sequence[str] | None, ready: Callable[[], None]
) -> uvicorn.Server:
    """Return a server to run. `worker` starts the worker of the jobs; None: there is none.

    Calls `ready` when the first request may come.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with contextlib.AsyncExitStack() as stack:
            if worker is not None:
                await stack.enter_async_context(_kept(worker))
            if app.state.neighbour is not None:
                await stack.enter_async_context(app.state.neighbour.run())
            yield

    app.router.lifespan_context = lifespan
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it would hold queries
        server_header=False,
        lifespan="on",
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=max(1, round(ENDING)),
        h11_max_incomplete_event_size=32 << 10,
        ws="none",
        http=_Connection,
    )
    return _Server(config, app.state.archive, ready)


class _Connection(H11Protocol):
    """A connection that ends if its client is slow; uvicorn waits for ever.

    Else a few hundred of them, which any page can open, would keep everybody out. What is one too
    many is answered by the guard, as every refusal.
    """

    _slow_head: asyncio.TimerHandle | None = None
    _slow_reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._slow_head = self.loop.call_later(HEAD_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        is_first = self.cycle is None  # before the first request
        awaits_head = is_first or self.cycle.response_complete
        if not awaits_head:
            self._stop_head()
        elif self._slow_head is None:
            self._slow_head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def handle_events(self) -> None:
        is_full = max(len(self.connections), len(self.tasks)) >= CONNECTIONS
        self.app = self._turn_away if is_full else self.config.loaded_app
        super().handle_events()

    async def _turn_away(self, scope: Any, receive: Any, send: Any) -> None:
        await self.config.loaded_app({**scope, FULL: True}, receive, send)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._slow_reader = self.loop.call_later(READER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head()
        self._stop_reader()
        super().connection_lost(exc)

    def _stop_head(self) -> None:
        if self._slow_head is not None:
            self._slow_head.cancel()
            self._slow_head = None

    def _stop_reader(self) -> None:
        if self._slow_reader is not None:
            self._slow_reader.cancel()
            self._slow_reader = None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, archive: Archive, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._archive = archive
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            for opened in sockets or ():
                await _rehearse(opened)
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._archive.is_ending = True
        await super().shutdown(sockets=sockets)


async def _rehearse(opened: socket.socket) -> None:
    """Ask the server twice over its own socket: the first request of all takes ten times as long.

    One reads nothing; the other is turned away after all that a request for a job goes through.
    """
    host, port = opened.getsockname()[:2]
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(REHEARSAL):
            reader, writer = await asyncio.open_connection(host, port)
            with contextlib.closing(writer):
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                writer.write(
                    b"POST /users/-/posts/retry_tagging HTTP/1.1\r\nHost: localhost\r\n"
                    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
                )
                await reader.read()


@contextlib.asynccontextmanager
async def _kept(command: Sequence[str]) -> AsyncIterator[None]:
    """Keep a worker running while the body runs; start it again if it dies, ever more slowly."""
    keeper = asyncio.create_task(_keep(command))
    try:
        yield
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper


async def _keep(command: Sequence[str]) -> None:
    pause = 1.0
    while True:
        began = asyncio.get_running_loop().time()
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,  # it ends when this end of the pipe is gone
            start_new_session=True,  # Ctrl-C in the terminal is for the server, which passes it on
        )
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ENDING + 0.5):
                        await process.wait()
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
        pause = 1.0 if asyncio.get_running_loop().time() - began > 60 else min(60.0, pause * 2)
        log.warning("the worker of the jobs ended with %s; it starts again", code)
        await asyncio.sleep(pause)
