"""A program that calls the API, without a network between."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from tgtagger.config import load
from tgtagger.web.application import make_app
from tgtagger.web.guard import Access

V1 = "/api/v1"
PROBLEM_KEYS = {"type", "title", "status", "detail", "kind", "hint"}


def app_of(db: Path, access: Access | None = None) -> FastAPI:
    """Return the application for an archive."""
    return make_app(load({"db": str(db), "tagger": "keywords"}, {}), access)


def ask(
    app: Any, method: str, path: str, *, host: str = "localhost:8344", **sent: Any
) -> httpx.Response:
    """Send one request to an application; an error that it raises is its answer 500."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.request(method, path, **sent)

    return asyncio.run(send())


class Api:
    """Calls routes under /api/v1."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def __call__(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent: dict[str, Any] = {} if body is None else {"json": body}
        return ask(self.app, method, V1 + path, headers=named, **sent)

    def get(self, path: str) -> Any:
        """Return what a route gives, if it gives something."""
        answer = self("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the problem document of a request that is refused."""
        answer = self(method, path, body)
        assert answer.headers["content-type"] == "application/problem+json"
        shape = answer.json()
        assert shape.keys() - {"candidates"} == PROBLEM_KEYS
        assert (shape["status"], shape["type"]) == (
            answer.status_code, f"urn:tgtagger:{shape['kind']}",
        )  # fmt: skip
        assert shape["detail"]
        return shape
