"""The search of the site, in a browser: what a reader types is found, and nothing is run."""

from __future__ import annotations

import hashlib
import re
from html import unescape
from importlib.resources import files as resources
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from support.browser import Visit
from support.make import page, post, tag
from tgtagger.export import site
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store

TEXTS = {
    1: "Ракета упала в море",
    2: "Ёлка в центре города; ракетный полигон",
    3: "e-mail about C++ and a storm",
    4: "<script>document.title = 'run'</script> storm <b>bold</b>",
    5: "The sea, и море",
    6: "Съёмки в кафе Café de la gare; районы города",
    7: "Big cities of the world " + "far away " * 60 + "stories",
    8: "हिन्दी दिल",
}
WANTED = {
    "ракет": {1, 2},
    '"центре города" елка': {2},
    "storm C++": {3},
    "storm": {3, 4},
    "storming": {3, 4},
    "ракетами": {1},
    "города": {2, 6},
    "городах": {2, 6},
    '"город"': set(),
    "съемка": {6},
    "cafe": {6},
    "раи\u0306он": {6},
    "city story": {7},
    "दिल": {8},
    "ракет*": {1, 2},
    "Новый год": {1, 2, 3, 4, 5, 6, 7, 8},
    "новые годы": {1, 2, 3, 4, 5, 6, 7, 8},
    "нет такого": set(),
}

WHY = {
    "ракетами": "<mark>Ракета</mark> упала в море",
    "съемка": "<mark>Съёмки</mark>",
    "city story": "Big <mark>cities</mark> of the world far away",
    "новые годы": '<span class="why">tag: <mark dir="auto">Новый год</mark></span>',
}


@pytest.fixture
def made(store: Store, tmp_path: Path) -> Path:
    store.posts.save_page(page(*(post(number, text) for number, text in TEXTS.items())))
    tag(store, ["Новый год"])  # every post has it
    with store.select(PostFilter()) as selection:
        site.write(selection, tmp_path / "site")
    return tmp_path / "site"


def test_what_is_typed_is_found(made: Path, visit: Visit) -> None:
    visitor = visit(f"{made.as_uri()}/")
    asked = visitor.open("search.html")
    for query, expected in WANTED.items():
        visitor.go(asked, f"search.html?q={quote(query)}")
        expect(asked.locator("#said")).to_have_text(re.compile(r"\bposts? with "))
        shown = asked.content()
        posts = re.findall(r'href="channels/[^"]*#p(\d+)"', unescape(shown))
        assert set(map(int, posts)) == expected, query
        assert WHY.get(query, "") in shown, query
        assert "<title>Search</title>" in shown  # no text of a post was run
    visitor.close()
    missing = "error: Failed to load resource: net::ERR_FILE_NOT_FOUND"  # no post has such a word
    assert [fault for fault in visitor.faults if fault != missing] == []


def test_the_stemmers_are_those_that_are_named() -> None:
    files = resources("tgtagger.export") / "site_files"
    *_, base, english, russian = (files / "snowball.js").read_text(encoding="utf-8").splitlines()
    named = (files / "SNOWBALL.md").read_text(encoding="utf-8")
    for code in (base.removeprefix("var "), english, russian):
        assert hashlib.sha256(code.encode()).hexdigest() in named
