"""The brain behind httpx.MockTransport: no sockets, and time as the test wants it.

Knows what httpx raises for each kind of trouble on the wire, read timeouts among them. What
depends on real connections is not here: after `close_after` the next request just works.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NoReturn

import httpx

from llm_server.answers import Response
from llm_server.brain import Brain
from llm_server.wire import BadChunks, Break, CloseAfter, Flow, Hang, Short

Sleep = Callable[[float], Awaitable[object]]


def mock_transport(brain: Brain, sleep: Sleep = asyncio.sleep) -> httpx.MockTransport:
    """A transport whose server is the brain; `sleep` passes the time of a virtual clock."""

    async def handle(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        response = brain.respond(request.method, path, request.headers, request.content)
        with brain.under_way():
            patience = request.extensions.get("timeout", {}).get("read")
            await _wait(response.delay, patience, sleep)
            brain.sent(response)
            return await _received(response, patience, sleep)

    return httpx.MockTransport(handle)


async def _wait(seconds: float, patience: float | None, sleep: Sleep) -> None:
    if patience is not None and seconds > patience:
        await sleep(patience)
        raise httpx.ReadTimeout("")
    if seconds:
        await sleep(seconds)


async def _received(response: Response, patience: float | None, sleep: Sleep) -> httpx.Response:
    body, headers = response.body, dict(response.headers)
    match response.wire:
        case None | CloseAfter():
            return httpx.Response(response.status, headers=headers, content=body)
        case Hang():
            if patience is None:
                await asyncio.Event().wait()
            await _wait(float("inf"), patience, sleep)
        case Break("reset", "before" | "headers"):
            raise httpx.ReadError("")
        case Break("close", "before" | "headers"):
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        case Break(how):
            error = httpx.ReadError("") if how == "reset" else _early_end()
            stream: httpx.AsyncByteStream = _Torn(body[: len(body) // 2], error)
        case Short():
            stream = _Torn(body, _early_end())
        case BadChunks():
            illegal = httpx.RemoteProtocolError("illegal chunk header: bytearray(b'xyz\\r\\n')")
            stream = _Torn(body[: len(body) // 2], illegal)
        case Flow() as flow:
            headers |= flow.headers
            stream = _Flowing(flow, patience, sleep)
    return httpx.Response(response.status, headers=headers, stream=stream)


def _early_end() -> httpx.RemoteProtocolError:
    return httpx.RemoteProtocolError("peer closed connection without sending complete message body")


class _Torn(httpx.AsyncByteStream):
    def __init__(self, piece: bytes, error: Exception) -> None:
        self.piece, self.error = piece, error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.piece
        self._raise()

    def _raise(self) -> NoReturn:
        raise self.error


class _Flowing(httpx.AsyncByteStream):
    def __init__(self, flow: Flow, patience: float | None, sleep: Sleep) -> None:
        self.flow, self.patience, self.sleep = flow, patience, sleep

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.flow.make():
            yield piece
            await _wait(self.flow.pause, self.patience, self.sleep)
            await asyncio.sleep(0)
