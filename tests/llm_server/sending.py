"""Answers on a socket, and every way in which they fail to arrive.

Knows HTTP/1.1 as far as a client of completions speaks it, and the pair of streams it is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from llm_server.answers import Response
from llm_server.wire import BadChunks, Break, CloseAfter, Flow, Hang, Short

PHRASES = {status.value: status.phrase for status in HTTPStatus}
NO_BODY = {204, 304}
CHUNKED = {"transfer-encoding": "chunked"}
APART = 0.02  # between two writes that the client shall see one after the other


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None when the client has gone, or speaks no HTTP."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        return None
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if "chunked" in headers.get("transfer-encoding", ""):
        body = await _read_chunks(reader)
    else:
        length = headers.get("content-length", "0")
        body = await reader.readexactly(int(length)) if length != "0" else b""
    return Request(words[0], words[1], headers, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        pieces.append((await reader.readexactly(size + 2))[:-2])
    while (await reader.readline()).strip():
        pass  # trailers
    return b"".join(pieces)


def head_of(response: Response, framing: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {PHRASES.get(response.status, 'Unknown')}"]
    for name, value in itertools.chain(response.headers.items(), framing.items()):
        lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def sized(length: int) -> dict[str, str]:
    return {"content-length": str(length)}


async def send(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, response: Response
) -> bool:
    """Send an answer, as whole as it is meant to be; say whether the connection lives on."""
    body = response.body
    match response.wire:
        case None | CloseAfter():
            head = head_of(response, sized(len(body)))
            writer.write(head + (b"" if response.status in NO_BODY else body))
            await writer.drain()
            return response.wire is None
        case Hang():
            while await reader.read(65536):
                pass
        case Flow() as flow:
            await _flow(writer, response, flow)
        case Break() as broken:
            head = head_of(response, sized(len(body)))
            pieces = {
                "before": b"",
                "headers": head[: len(head) // 2],
                "body": head + body[: len(body) // 2],
            }
            writer.write(pieces[broken.where])
            await writer.drain()
            if broken.how == "reset":
                await asyncio.sleep(APART)
                reset(writer)
        case Short(missing):
            writer.write(head_of(response, sized(len(body) + missing)) + body)
            await writer.drain()
        case BadChunks():
            half = len(body) // 2
            writer.write(
                head_of(response, CHUNKED)
                + b"%x\r\n%b\r\nxyz\r\n%b\r\n0\r\n\r\n" % (half, body[:half], body[half:])
            )
            await writer.drain()
    return False


async def _flow(writer: asyncio.StreamWriter, response: Response, flow: Flow) -> None:
    framing = CHUNKED if flow.length is None else sized(flow.length)
    writer.write(head_of(response, {**flow.headers, **framing}))
    for piece in flow.make():
        writer.write(piece if flow.length is not None else b"%x\r\n%b\r\n" % (len(piece), piece))
        await writer.drain()
        # Draining does not wait while the client keeps up, and others want their turn.
        await asyncio.sleep(flow.pause)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST in place of FIN."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
