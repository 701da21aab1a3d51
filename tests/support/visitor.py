"""Somebody who visits the pages: a browser without JavaScript, or one with htmx."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tgtagger.config import load
from tgtagger.web.application import make_app
from tgtagger.web.guard import Access


class Visitor:
    """Keeps cookies, and follows redirects as a browser does."""

    def __init__(self, db: Path, language: str = "en", **access: Any) -> None:
        self.app = make_app(load({"db": str(db)}), Access(**access))
        self.language = language
        self._cookies = httpx.Cookies()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.app.state.archive.close()

    def get(self, path: str, *, target: str = "") -> httpx.Response:
        return self._send("GET", path, target)

    def post(self, path: str, form: Mapping[str, Any], *, target: str = "") -> httpx.Response:
        return self._send("POST", path, target, data=dict(form))

    def _send(self, method: str, path: str, target: str, **sent: Any) -> httpx.Response:
        return asyncio.run(self._ask(method, path, target, **sent))

    async def _ask(self, method: str, path: str, target: str, **sent: Any) -> httpx.Response:
        headers = {"accept": "text/html", "accept-language": self.language}
        if method != "GET":
            headers["sec-fetch-site"] = "same-origin"
        if target:
            headers |= {"hx-request": "true", "hx-target": target, "accept": "*/*"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://localhost",
            cookies=self._cookies,
            headers=headers,
            follow_redirects=True,
        ) as client:
            answer = await client.request(method, path, **sent)
            self._cookies = client.cookies
        return answer


def words(answer: httpx.Response) -> str:
    """Return what a page shows, without its tags, on one line."""
    text = re.sub(r"<(script|style|title)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def told(answer: httpx.Response) -> str:
    """Return what a page says about the last action."""
    found = re.search(r'id="told".*', answer.text, re.DOTALL)
    text = found[0].partition("<footer")[0].partition(">")[2] if found else ""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def fields(answer: httpx.Response, action: str) -> dict[str, str]:
    """Return the hidden fields of the page's form for an action."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', answer.text, re.DOTALL)
    assert form is not None, f"no form for {action}"
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form[0])
    return {name: html.unescape(value) for name, value in found}
