"""Speak HTTP within bounds: what both edges that use it have in common.

A call has a deadline, whatever the server does with its bytes: a read timeout stops neither a slow
drip nor an endless body. An answer is unpacked, and not read beyond a size. Connecting may be
repeated by the transport, on a direct connection; nothing else is repeated here. Redirects are
followed within the same server only, and only as far as a caller says. Proxies are those that the
environment names (HTTPS_PROXY, NO_PROXY).

Knows not what an answer means, and maps no exception of httpx: each edge does so for itself.
"""

from __future__ import annotations

import asyncio
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from tgtagger.errors import InputError


class TooLarge(Exception):
    """An answer has more bytes than it may."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came. Header names are in lower case; `url` is where it came from at last.

    `is_whole` is False where what is packed does not come to its end, or is not what it says.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    is_whole: bool

    @property
    def is_redirect(self) -> bool:
        return self.status in {301, 302, 303, 307, 308} and "location" in self.headers

    def target(self) -> httpx.URL | None:
        """Return where the server sends us, here if nowhere; None where that is no address."""
        try:
            return httpx.URL(self.url).join(self.headers.get("location", ""))
        except httpx.InvalidURL:
            return None


Wanted = Callable[[int, Mapping[str, str]], bool]
"""Tells by an answer's status and headers whether its body is to be read."""


class Client:
    """A client for the calls of a run. `deadline` are the seconds of a whole call.

    `retries` of a connection are made where no proxy stands between us and `url`, in a pool of
    `limits`. `proxy_error` is the kind of the error for a proxy that cannot be used.
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
        limits: httpx.Limits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        limits = limits or httpx.Limits(max_connections=100, max_keepalive_connections=20)
        if transport is None and retries and not _is_proxied(httpx.URL(url)):
            # A transport of one's own has httpx pass over proxies: hence the question.
            transport = httpx.AsyncHTTPTransport(retries=retries, limits=limits)
        self._deadline = deadline
        try:
            self._client = httpx.AsyncClient(
                headers=headers,
                timeout=timeout,
                limits=limits,
                transport=transport,
                follow_redirects=False,
            )
        except (ImportError, ValueError, httpx.InvalidURL):
            raise InputError(proxy_error) from None  # it may hold a part of the proxy's password

    async def close(self) -> None:
        await self._client.aclose()

    async def call(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        largest: int,
        hops: int = 0,
        wanted: Wanted = lambda _status, _headers: True,
    ) -> Answer:
        """Return an answer, after so many redirects within the same server at most.

        The body is read if it is `wanted`. Raises TooLarge, TimeoutError, and what httpx raises.
        """
        async with asyncio.timeout(self._deadline):
            answer = await self._fetch(method, url, body, largest, wanted)
            for _ in range(hops):
                here, there = httpx.URL(answer.url), answer.target()
                if not answer.is_redirect or there is None or there == here:
                    break
                if server_of(there) != server_of(here):
                    break
                answer = await self._fetch(method, str(there), body, largest, wanted)
            return answer

    async def _fetch(
        self,
        method: str,
        url: str,
        body: bytes | None,
        largest: int,
        wanted: Wanted,
    ) -> Answer:
        request = self._client.build_request(method, url, content=body)
        response = await self._client.send(request, stream=True)
        headers = {_text(name).lower(): _text(value) for name, value in response.headers.raw}
        content, is_whole = b"", True
        try:
            if wanted(response.status_code, headers):
                content, is_whole = await _read(response, headers, largest)
        finally:
            await response.aclose()
        return Answer(url, response.status_code, headers, content, is_whole)


async def _read(
    response: httpx.Response, headers: Mapping[str, str], largest: int
) -> tuple[bytes, bool]:
    """Return a body, unpacked, and whether it is whole."""
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
    """Return how a body is packed."""
    return headers.get("content-encoding", "identity").lower()


def _text(header: bytes) -> str:
    try:
        return header.decode()
    except UnicodeDecodeError:
        return header.decode("latin-1")


def server_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return what makes two addresses be of the same server."""
    return url.scheme, url.host, url.port


def _is_proxied(url: httpx.URL) -> bool:
    proxies = urllib.request.getproxies()
    if not (url.scheme in proxies or "all" in proxies):
        return False
    # A model on this machine is not behind a proxy, whatever the variables forget to say.
    is_here = url.host in {"localhost", "::1"} or url.host.startswith("127.")
    return not is_here and not urllib.request.proxy_bypass(url.host)
