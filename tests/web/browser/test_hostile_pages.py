"""Every page over an archive that strangers filled: nothing of theirs runs, or leaves its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from support.browser import Visit
from support.hostile_archive import MAIN, TEXTS, force, make_hostile
from support.routes import routes_in
from tgtagger.config import load
from tgtagger.web import pages
from tgtagger.web.application import make_app

PAGES = sorted(
    path for method, path in routes_in(pages.include_in) if method == "GET" and "{" not in path
)
POSTS = [f"/posts/{MAIN}-{at}" for at in range(1, len(TEXTS) + 1)]
POSTS += [f"/posts/{2_000_000_000 + at}-1" for at in range(len(TEXTS))]
IN_A_BROWSER = POSTS[:: len(POSTS) // 6]


@pytest.fixture(scope="module")
def forced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forced")
    return force(make_hostile(folder), folder / "forced.db")


class Danger(HTMLParser):
    """Notes what a page must not have: scripts but ours, handlers, foreign links that run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        source = given.get("src", "")
        if tag in {"iframe", "object", "embed", "base", "style"}:
            self.found.append(tag)
        if (tag == "script" or source) and not source.startswith(("/static/", "/posts/")):
            self.found.append(f"{tag} {source[:40]}")
        for name, value in given.items():
            if name.startswith(("on", "hx-on")) or name == "style":
                self.found.append(f"{tag} {name}")
            is_link = name in {"href", "action", "formaction"}
            scheme = re.match(r"\s*([a-z][a-z0-9+.-]*):", value, re.IGNORECASE)
            if is_link and scheme and scheme[1].lower() not in {"http", "https", "tg"}:
                self.found.append(f"{name} {value[:40]}")


@pytest.fixture(scope="module")
def app(forced: Path) -> FastAPI:
    return make_app(load({"db": str(forced), "tagger": "keywords"}, {}))


async def test_no_page_holds_what_would_run(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    address = "http://localhost"
    async with httpx.AsyncClient(transport=transport, base_url=address) as client:
        for path in (*PAGES, *POSTS):
            answer = await client.get(path, headers={"Accept": "text/html"})
            assert answer.status_code in {200, 303, 307}, (path, answer.status_code)
            danger = Danger()
            danger.feed(answer.text)
            assert danger.found == [], path
            assert "\x1b" not in answer.text, path
            assert "\0" not in answer.text, path


def test_a_browser_runs_nothing_of_it(
    forced: Path, visit: Visit, serve_file: Callable[[Path], str]
) -> None:
    visitor = visit(serve_file(forced))
    page = visitor.open("/")
    for path in (*PAGES, *IN_A_BROWSER):
        visitor.go(page, path)
        assert page.locator("main").count() == 1, path
        assert page.title().endswith("tgtagger"), path
    visitor.close()
    assert visitor.faults == []
