"""HTTP calls within bounds, for both edges that make them.

A deadline covers the whole call: a read timeout stops neither a slow drip nor an endless body. A
body is unpacked, and read up to a size. On a direct connection the transport may repeat connecting;
nothing else is repeated here. Redirects are followed within the same server only, and as many as
the caller allows. Proxies are those that the environment names (HTTPS_PROXY, NO_PROXY). Each of
many calls at once has a client of httpx with one connection to itself.

Does not know what a response means, and maps no exception of httpx: each edge does that itself.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from tgtagger.errors import InputError


class TooLarge(Exception):
    """A body has more bytes than allowed."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response. Header names are in lower case; `url` is the address after redirects.

    `is_whole` is False where a compressed body is cut off or cannot be unpacked.
    """

    url: httpx.URL
    status: int
    headers: Mapping[str, str]
    content: bytes
    is_whole: bool

    @property
    def is_redirect(self) -> bool:
        return 300 <= self.status < 400 and "location" in self.headers

    def target(self) -> httpx.URL | None:
        """Return the redirect's target, else the response's own address; None if it is invalid."""
        try:
            return self.url.join(self.headers.get("location", ""))
        except httpx.InvalidURL:
            return None


FOLLOWED = frozenset({301, 302, 303, 307, 308})
"""Redirects that tell where the same thing is."""

WantsBody = Callable[[int, Mapping[str, str]], bool]
"""Tells by a response's status and headers whether its body is to be read."""


class Client:
    """A client for the calls of a run. `deadline` is for a whole call, in seconds.

    Connecting is repeated up to `retries` times, if no proxy stands between us and `url`. There are
    at most `connections`, each kept for `kept` seconds after a call, and never more of them than
    there were calls at once. `proxy_error` is the kind of the InputError that is raised for a proxy
    that cannot be used.

    Each connection is alone in its pool: at each request, and at its end, httpx asks the system
    about all connections of a pool that are not in use.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        deadline: float,
        timeout: httpx.Timeout,
        proxy_error: str,
        retries: int = 0,
        connections: int = 8,
        kept: float = 5.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._deadline = deadline
        self._slots = asyncio.Semaphore(connections)
        # With a transport of our own httpx ignores proxies: hence the condition.
        repeats = transport is None and retries and not _is_proxied(httpx.URL(url))
        tls = _certificates() if transport is None else True

        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=kept)

        def client() -> httpx.AsyncClient:
            own = (
                httpx.AsyncHTTPTransport(verify=tls, retries=retries, limits=limits)
                if repeats
                else transport
            )
            return httpx.AsyncClient(
                headers=headers,
                timeout=timeout,
                limits=limits,
                verify=tls,
                transport=own,
                follow_redirects=False,
            )

        try:
            self._clients = [client() for _ in range(connections)]
        except (ImportError, ValueError, httpx.InvalidURL):
            raise InputError(proxy_error) from None  # the cause may hold a part of its password
        self._free = self._clients.copy()

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

    async def call(
        self,
        method: str,
        url: httpx.URL,
        body: bytes | None = None,
        *,
        largest: int,
        hops: int = 0,
        wanted: WantsBody = lambda _status, _headers: True,
    ) -> HttpResponse:
        """Return the response, after at most `hops` redirects within the same server.

        The body is read if `wanted` says so, up to `largest` bytes. Raises TooLarge, TimeoutError,
        and what httpx raises.
        """
        async with asyncio.timeout(self._deadline):
            answer = await self._fetch(method, url, body, largest, wanted)
            for _ in range(hops):
                if not answer.is_redirect or answer.status not in FOLLOWED:
                    break
                here, there = answer.url, answer.target()
                if there is None or there == here or server_of(there) != server_of(here):
                    break
                answer = await self._fetch(method, there, body, largest, wanted)
            return answer

    async def _fetch(
        self,
        method: str,
        url: httpx.URL,
        body: bytes | None,
        largest: int,
        wanted: WantsBody,
    ) -> HttpResponse:
        async with self._slots:
            client = self._free.pop()  # the last one used: its connection is open
            try:
                request = client.build_request(method, url, content=body)
                response = await client.send(request, stream=True)
                headers = {
                    _text(name).lower(): _text(value) for name, value in response.headers.raw
                }
                content, is_whole = b"", True
                try:
                    if wanted(response.status_code, headers):
                        content, is_whole = await _read(response, headers, largest)
                finally:
                    await response.aclose()
            finally:
                self._free.append(client)
        return HttpResponse(url, response.status_code, headers, content, is_whole)


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Return what checks the other side of a call; it is slow: all certificates are read."""
    return httpx.create_ssl_context()


async def _read(
    response: httpx.Response, headers: Mapping[str, str], largest: int
) -> tuple[bytes, bool]:
    """Return the unpacked body, and whether it is whole. Raises TooLarge."""
    assert isinstance(response.stream, httpx.AsyncByteStream)  # of an AsyncClient
    is_packed = encoding_of(headers) in {"gzip", "deflate"}
    unpacker = zlib.decompressobj(47) if is_packed else None  # gzip or zlib, by their heads
    parts: list[bytes] = []
    came = size = 0
    async for part in response.stream:
        came += len(part)
        try:
            parts.append(
                part if unpacker is None else unpacker.decompress(part, largest - size + 1)
            )
        except zlib.error:
            return b"", False
        size += len(parts[-1])
        if max(came, size) > largest:
            raise TooLarge
    return b"".join(parts), unpacker is None or unpacker.eof


def encoding_of(headers: Mapping[str, str]) -> str:
    """Return how a body is compressed, in lower case."""
    return headers.get("content-encoding", "identity").lower()


def _text(header: bytes) -> str:
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def server_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return what identifies the server of an address: scheme, host, port."""
    return url.scheme, url.host, url.port


def _is_proxied(url: httpx.URL) -> bool:
    proxies = urllib.request.getproxies()
    if not (url.scheme in proxies or "all" in proxies):
        return False
    # A model on this machine is never behind a proxy, even if NO_PROXY does not name it.
    is_here = url.host in {"localhost", "::1"} or url.host.startswith("127.")
    return not is_here and not urllib.request.proxy_bypass(url.host)
