"""Another face behind the same guard: its first request starts it, the server ends it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tgtagger.config import load
from tgtagger.web.application import make_app
from tgtagger.web.guard import Access, Receive, Scope, Send, Token
from tgtagger.web.neighbour import Made, Neighbour

TOKEN = "0123456789abcdef"


async def _hello(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def test_it_starts_with_its_first_request_and_ends_with_the_server(db: Path) -> None:
    told: list[str] = []

    @contextlib.asynccontextmanager
    async def lasting() -> AsyncIterator[None]:
        told.append("begun")
        yield
        told.append("ended")

    def make() -> Made:
        told.append("made")
        if told == ["made"]:
            raise ValueError("not the first time")
        return _hello, lasting()

    async def ask() -> None:
        neighbour = Neighbour("/mcp", make)
        app = make_app(load({"db": str(db)}), Access(token=Token(TOKEN)), neighbour=neighbour)
        transport = httpx.ASGITransport(app)
        async with (
            neighbour.run(),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            assert (await client.post("/mcp")).status_code == 401
            assert told == []
            client.headers["authorization"] = f"Bearer {TOKEN}"
            assert (await client.post("/mcp")).status_code == 500
            answers = await asyncio.gather(*(client.post("/mcp") for _ in range(5)))
            assert [answer.text for answer in answers] == ["hello"] * 5
            assert "content-security-policy" in answers[0].headers
            assert told == ["made", "made", "begun"]
        assert told[-1] == "ended"

    asyncio.run(ask())


def test_one_that_does_not_begin_is_tried_again(db: Path) -> None:
    @contextlib.asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise OSError("it does not begin")
        yield

    async def ask() -> None:
        neighbour = Neighbour("/mcp", lambda: (_hello, broken()))
        for _ in range(2):
            with pytest.raises(OSError, match="does not begin"):
                await neighbour({}, None, None)  # type: ignore[arg-type]

    asyncio.run(ask())
