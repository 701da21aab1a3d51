"""The bounds of an HTTP call: size, packing, time, redirects. No wire: see both edges' tests."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from support.virtual_time import run
from tgtagger import http

HERE = httpx.URL("http://here.example/page")
Rule = Callable[[httpx.Request], httpx.Response]


def call(rule: Rule, **options: Any) -> http.HttpResponse:
    async def once() -> http.HttpResponse:
        client = http.Client(
            str(HERE), {}, deadline=10.0, timeout=httpx.Timeout(None), proxy_error="none",
            transport=httpx.MockTransport(rule),
        )  # fmt: skip
        try:
            return await client.call("GET", HERE, **{"largest": 1000, **options})
        finally:
            await client.close()

    return run(once())


def packed(content: bytes, encoding: str = "gzip") -> httpx.Response:
    """Return a response as it comes over the wire: httpx unpacks nothing of it."""

    class Stream(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for at in range(0, len(content), 7):
                yield content[at : at + 7]

    return httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Stream())


def test_an_answer_as_it_is() -> None:
    found = call(
        lambda _: httpx.Response(404, headers=[(b"X-Name", "väl".encode())], content=b"text")
    )
    assert (found.url, found.status, found.content, found.is_whole) == (HERE, 404, b"text", True)
    assert found.headers["x-name"] == "väl"
    assert not found.is_redirect


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
@pytest.mark.parametrize("pack", [None, gzip.compress, zlib.compress])
def test_no_more_is_read_than_may_come(size: int, fits: bool, pack: Any) -> None:  # noqa: FBT001
    body = bytes(size)

    def rule(_: httpx.Request) -> httpx.Response:
        if pack is None:
            return httpx.Response(200, content=body)
        return packed(pack(body), "gzip" if pack is gzip.compress else "deflate")

    if fits:
        assert call(rule).content == body
    else:
        with pytest.raises(http.TooLarge):
            call(rule)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(gzip.compress(b"text" * 50)[:-9], None), (b"not packed at all", b"")],
    ids=["cut off", "not packed"],
)
def test_what_is_not_whole_is_told(content: bytes, expected: bytes | None) -> None:
    found = call(lambda _: packed(content))
    assert not found.is_whole
    assert expected is None or found.content == expected


def test_a_body_that_is_not_wanted_is_not_read() -> None:
    found = call(
        lambda _: httpx.Response(500, content=bytes(5000)), wanted=lambda status, _: status == 200
    )
    assert (found.status, found.content) == (500, b"")


def test_a_drip_ends_with_the_deadline() -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(1)
                yield b"."

    with pytest.raises(TimeoutError):
        call(lambda _: httpx.Response(200, stream=Drip()))


@pytest.mark.parametrize(
    ("location", "hops", "asked"),
    [
        ("/other", 3, ["/page", "/other"]),
        ("http://here.example/other", 3, ["/page", "/other"]),
        ("/other", 0, ["/page"]),
        ("/page", 3, ["/page"]),
        ("http://elsewhere.example/other", 3, ["/page"]),
        ("https://here.example/other", 3, ["/page"]),
        ("http://here.example:99999/", 3, ["/page"]),
    ],
)
def test_redirects_stay_within_the_server(location: str, hops: int, asked: list[str]) -> None:
    paths: list[str] = []

    def rule(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if request.url.path == "/page":
            return httpx.Response(302, headers={"Location": location})
        return httpx.Response(200)

    found = call(rule, hops=hops)
    assert (paths, found.url.path == asked[-1]) == (asked, True)
    assert found.is_redirect == (len(asked) == 1)


def test_redirects_come_to_an_end() -> None:
    numbers = iter(range(100))
    found = call(lambda _: httpx.Response(302, headers={"Location": f"/{next(numbers)}"}), hops=3)
    assert (found.status, found.url.path, next(numbers)) == (302, "/2", 4)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 306, 307, 308])
def test_whatever_3xx_names_another_place_leads_there(status: int) -> None:
    """A network that asks to sign in answers with any of them."""
    there = {"location": "https://sign.in/"}
    assert http.HttpResponse(HERE, status, there, b"", is_whole=True).is_redirect
    assert not http.HttpResponse(HERE, status, {}, b"", is_whole=True).is_redirect
