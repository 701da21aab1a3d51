"""Ask a tagging server over HTTP: one client a run, one request at a time.

Every result is a Response, never an exception: only this module maps the exceptions of httpx to a
Verdict. Redirects are followed within the same server only, so the key goes nowhere else.

Knows no post and no prompt. `tgtagger.http` has the bounds of a call.
"""

from __future__ import annotations

import datetime as dt
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import httpx

from tgtagger import __version__, http
from tgtagger.errors import InputError
from tgtagger.taggers.llm.api.rate_limits import limits_of
from tgtagger.taggers.llm.api.responses import LONGEST_MESSAGE, Response, Verdict, judge

LARGEST = 1 << 20
"""Bytes of an answer at most; fifty posts' tags have some 10,000."""

LARGEST_LIST = 16 << 20
"""Bytes of a list of models: a provider with some hundred models has megabytes of descriptions."""

CONNECT = 5.0
"""Seconds to connect; the transport tries four times."""

CONNECT_RETRIES = 3

HOPS = 3


class Server:
    """One client for all the requests of a run. `url` is the base up to `/v1`."""

    def __init__(
        self,
        url: str,
        key: str | None,
        *,
        concurrency: int = 8,
        timeout: float = 120.0,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.url = url.rstrip("/")
        self.key = key
        self._concurrency = concurrency
        self._timeout = timeout
        self._transport = transport
        self._clock = clock

    async def __aenter__(self) -> Self:
        self._completions = _address(self.url, "/chat/completions")
        headers = {
            "User-Agent": f"tgtagger/{__version__}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",  # bytes are counted as they come
        }
        if self.key:
            if not (self.key.isascii() and self.key.isprintable()):
                raise InputError("tagging_key_invalid")
            headers["Authorization"] = f"Bearer {self.key}"
        # The deadline holds for the whole call: a read timeout only bounds the gap between two
        # bytes. There is a connection for each request at once.
        timeout = httpx.Timeout(self._timeout, connect=CONNECT, write=30, pool=None)
        self._client = http.Client(
            self.url,
            headers,
            deadline=self._timeout + min(self._timeout, CONNECT),
            timeout=timeout,
            proxy_error="tagging_proxy_invalid",
            retries=CONNECT_RETRIES,
            connections=self._concurrency,
            kept=60,  # 5 s are shorter than the gaps between slow calls
            transport=self._transport,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def ask(self, body: bytes) -> Response:
        """Send one chat completion. An error becomes a verdict, never an exception."""
        return await self._call("POST", self._completions, body)

    async def models(self) -> tuple[Mapping[str, Any], ...] | None:
        """Return the server's list of models; None if it has no such list."""
        response = await self._call("GET", _address(self.url, "/models"), largest=LARGEST_LIST)
        data = response.tree.get("data") if isinstance(response.tree, dict) else None
        if response.verdict.kind != "answered" or not isinstance(data, list):
            return None
        return tuple(item for item in data if isinstance(item, dict))

    async def properties(self) -> Mapping[str, Any]:
        """Return the properties of a llama.cpp server; an empty mapping for any other server."""
        response = await self._call("GET", _address(self.url.removesuffix("/v1"), "/props"))
        is_told = response.verdict.kind == "answered" and isinstance(response.tree, dict)
        return response.tree if is_told else {}

    async def _call(
        self, method: str, url: httpx.URL, body: bytes | None = None, *, largest: int = LARGEST
    ) -> Response:
        at, started = dt.datetime.now(dt.UTC), time.perf_counter()
        try:
            answer = await self._client.call(method, url, body, largest=largest, hops=HOPS)
        except http.TooLarge:
            verdict = Verdict("passing", f"the answer is larger than {largest} bytes", "bad_answer")
        except TimeoutError:
            verdict = Verdict("passing", f"no whole answer in {self._timeout:.0f} s", "timeout")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            verdict = map_error(error)
        else:
            now = self._clock()
            verdict, tree = judge(answer.status, answer.headers, answer.content, now=now)
            # A local server's key is often a word, such as "ollama", which may also be a tag.
            if self._is_key_in(answer.content, least=16 if verdict.kind == "answered" else 4):
                # Before it becomes a message or a tag, and is cut: no part of the key may remain.
                content = answer.content.replace(str(self.key).encode(), "…".encode())
                verdict, tree = judge(answer.status, answer.headers, content, now=now)
            if 300 <= answer.status < 400:
                verdict = self._without_key(_sent_away(answer))
            seconds = time.perf_counter() - started
            limits = limits_of(answer.headers, now)
            date = answer.headers.get("date")
            return Response(verdict, tree, answer.status, limits, at, seconds, date)
        return Response(verdict, at=at, seconds=time.perf_counter() - started)

    def _without_key(self, verdict: Verdict) -> Verdict:
        if not self.key or len(self.key) < 4:
            return verdict
        return replace(verdict, message=verdict.message.replace(self.key, "…"))

    def _is_key_in(self, content: bytes, *, least: int) -> bool:
        return self.key is not None and len(self.key) >= least and self.key.encode() in content


def _address(base: str, path: str) -> httpx.URL:
    """Return the address of a path. Raises InputError if no request can be sent to it."""
    try:
        url = httpx.URL(base + path)
        url.raw_host.decode().encode("idna")  # as the resolver does
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InputError("tagging_url_invalid", url=base) from error
    if url.scheme not in {"http", "https"} or not url.host or (url.port or 0) > 65535:
        raise InputError("tagging_url_invalid", url=base)
    return url


def _sent_away(answer: http.HttpResponse) -> Verdict:
    here = answer.url
    there = answer.target() or here
    is_other = there.host and http.server_of(there) != http.server_of(here)
    there_in_words = f"{there.scheme}://{there.netloc.decode()}"[:LONGEST_MESSAGE]
    where = f"sends us to {there_in_words}" if is_other else "goes in circles"
    return Verdict("stop", f"the server {where}; the key stays here", stop="wrong_address")


def map_error(error: httpx.HTTPError | httpx.InvalidURL | httpx.StreamError) -> Verdict:
    """Return the verdict on a request without an answer."""
    if (why := _wrong_tls(error)) is not None:
        return Verdict("stop", why, stop="wrong_address")
    match error:
        case httpx.ConnectTimeout():
            return Verdict("passing", "no connection", "timeout", reached=False)
        case httpx.TimeoutException():
            return Verdict("passing", "no answer in time", "timeout")
        case httpx.ConnectError():
            return Verdict("passing", "no connection", "network", reached=False)
        case httpx.ProxyError():
            return Verdict("passing", "the proxy refuses", "network", reached=False)
        case httpx.UnsupportedProtocol() | httpx.InvalidURL() | httpx.LocalProtocolError():
            return Verdict("stop", "the address cannot be used", stop="wrong_address")
        case httpx.DecodingError():
            return Verdict("passing", "the answer cannot be read", "bad_answer")
        case _:
            return Verdict("passing", "the connection broke off", "network")


def _wrong_tls(error: BaseException | None) -> str | None:
    """Return what is wrong with the server's TLS, if waiting cannot mend it."""
    for _ in range(20):  # a chain of causes may be a ring
        match error:
            case None:
                break
            case ssl.SSLCertVerificationError():
                return "the server's certificate cannot be trusted"
            case ssl.SSLError(reason="WRONG_VERSION_NUMBER"):  # the server speaks plain HTTP
                return "the server does not speak TLS: is it http://?"
        error = error.__cause__ or error.__context__
    return None
