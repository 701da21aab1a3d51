"""Every page and state in a real browser: at two widths, light and dark, in two languages.

The archive holds a bit of all that the pages can show. Who opens it is at work for the whole
module: pages are only looked at.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from support.browser import Visitor, serving
from support.lived_in import FAILED, RICH, live_in
from support.routes import routes_in
from tgtagger.config import load
from tgtagger.store import Store
from tgtagger.web import pages

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
LOOKS: dict[str, dict[str, Any]] = {
    "phone": {"viewport": PHONE, "color_scheme": "dark", "locale": "ru-RU"},
    "desk": {"viewport": DESK, "color_scheme": "light", "locale": "en-GB"},
}

PAGES = (
    *sorted(
        path for method, path in routes_in(pages.include_in) if method == "GET" and "{" not in path
    ),
    "/?query=storm",
    "/?query=tag:storm",
    "/?query=nothing-has-it",
    "/?query=chanel:x",
    "/facets?query=tag:storm",
    f"/posts/{RICH}",
    f"/posts/{FAILED}",
    "/posts/1006503122-904",
    "/tags/tag?name=helpers",
    "/tags/tag?name=gusts",
    "/tags?view=table",
    "/tags?filter=nothing-has-it",
    "/failures?shown=server",
    "/runs?all=true",
    "/posts/1-1",
    "/nowhere",
)
REFUSED = {"/?query=chanel:x", "/posts/1-1", "/nowhere"}


@pytest.fixture(scope="module")
def lived_in(sample_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lived-in") / "posts.db"
    shutil.copy(sample_archive, path)
    with Store.open(str(path)) as store:
        live_in(store)
    return path


@pytest.fixture(scope="module")
def address(lived_in: Path) -> Iterator[str]:
    with serving(load({"db": str(lived_in), "tagger": "keywords"}, {})) as found:
        yield found


@dataclass
class Looker:
    """A visitor with one of the two looks, and the page, which goes from path to path."""

    visitor: Visitor
    page: Page


@pytest.fixture(scope="module")
def lookers(chromium: Browser, address: str) -> Iterator[Callable[[str], Looker]]:
    """Make a looker for a look, once: a page for each test would be a process of the browser."""
    made: dict[str, Looker] = {}

    def look(name: str) -> Looker:
        if name not in made:
            visitor = Visitor(chromium, address)
            made[name] = Looker(visitor, visitor.open(**LOOKS[name]))
        return made[name]

    yield look
    for each in made.values():
        each.visitor.close()


@pytest.fixture
def page(lookers: Callable[[str], Looker], request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page with the look that a test names; red if the page did what it may not."""
    looker = lookers(request.param)
    yield looker.page
    refused = re.compile(r"error: Failed to load resource.* status of 40[04]")
    faults = [fault for fault in looker.visitor.faults if not refused.match(fault)]
    looker.visitor.faults.clear()
    assert faults == []


OUTSIDE = """() => {
  const width = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > width) found.push("the page is too wide");
  for (const each of document.querySelectorAll("main :is(a, button, input, p, h1, h2, td, li)")) {
    const box = each.getBoundingClientRect();
    if (!box.width || each.closest(".hidden, .scroll, [hidden], .text")) continue;
    if (box.left < 0 || box.right > width + 1) found.push(each.outerHTML.slice(0, 80));
    if (each.matches("a, button, .status") && each.scrollWidth > each.clientWidth + 1
      && each.clientWidth) found.push("clipped: " + each.outerHTML.slice(0, 80));
  }
  return found;
}"""


def barriers(page: Page) -> list[str]:
    """Return what keeps people out who see little, hear the page, or use the keyboard."""
    result: dict[str, Any] = Axe().run(page).response
    return [
        f"{found['id']}: {found['help']}: {found['nodes'][0]['html'][:120]}"
        for found in result["violations"]
    ]


def faults_of(page: Page) -> list[str]:
    found: list[str] = [*page.evaluate(OUTSIDE), *barriers(page)]
    headings = page.locator("h1").count()
    return found if headings == 1 else [f"{headings} headings", *found]


def looked_at() -> Iterator[Any]:
    """Return (look, path) of every page: one look of each at once, the other at length."""
    for at, path in enumerate(PAGES):
        for turn, look in enumerate(LOOKS):
            marks = () if turn == at % 2 else (pytest.mark.slow,)
            yield pytest.param(look, path, marks=marks, id=f"{look}-{path}")


@pytest.mark.parametrize(("page", "path"), [*looked_at()], indirect=["page"])
def test_a_page_fits_and_keeps_nobody_out(page: Page, path: str) -> None:
    answer = page.goto(path)
    assert answer is not None
    assert answer.ok is (path not in REFUSED)
    assert faults_of(page) == []


STATES: dict[str, Callable[[Page], None]] = {}


def state(found: Callable[[Page], None]) -> Callable[[Page], None]:
    STATES[found.__name__] = found
    return found


@state
def keys_shown(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


@state
def tags_offered(page: Page) -> None:
    for key in ("j", "t", "s"):
        page.keyboard.press(key)
    expect(page.get_by_role("option").first).to_be_visible()


@state
def many_chosen(page: Page) -> None:
    for key in ("j", "x", "j", "x", "T"):
        page.keyboard.press(key)
    expect(page.locator("#picked [role=option]").first).to_be_visible()


@state
def question_asked(page: Page) -> None:
    page.goto("/tags/suggestions")
    page.locator(".bar button").click()
    expect(page.get_by_role("dialog")).to_be_visible()


@state
def question_of_its_own(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.locator("#picked [name=tag]").fill("anything")
    page.locator("[name=every]").check()
    page.evaluate("document.querySelector('#picked').submit()")  # as without scripts
    expect(page.locator("main h1")).to_contain_text("anything")


@pytest.mark.parametrize("page", LOOKS, indirect=True)
@pytest.mark.parametrize("name", STATES)
def test_a_state_of_a_page_fits_and_keeps_nobody_out(page: Page, name: str) -> None:
    page.goto("/")
    STATES[name](page)
    assert faults_of(page) == []


def test_an_empty_archive_fits_and_keeps_nobody_out(
    chromium: Browser, store: Store, serve: Callable[..., str]
) -> None:
    visitor = Visitor(chromium, serve())
    shown = visitor.open(**LOOKS["phone"])
    for path in ("/", "/tags", "/channels", "/runs", "/statistics", "/jobs"):
        shown.goto(path)
        assert faults_of(shown) == [], path
    visitor.close()
    assert visitor.faults == []


# ---- without scripts


def test_every_action_is_a_form_of_a_page(address: str) -> None:
    found: set[str] = set()
    with httpx.Client(base_url=address, headers={"accept": "text/html"}) as client:
        for path in (*PAGES, "/enter"):
            text = client.get(path).text
            found |= {*re.findall(r'<form [^>]*method="post" action="([^"]+)"', text)}
            found |= {*re.findall(r'formaction="([^"]+)"', text)}
    actions = {path for method, path in routes_in(pages.include_in) if method == "POST"} - {
        "/enter"
    }
    assert {re.sub(r"/posts/-?\d+-\d+", "/posts/{name}", action) for action in found} == actions


# ---- the language

TEXTS = """() => {
  const own = "[dir=auto], article .text, .tag, .tags, .channel, .media, .origin, code, kbd, time, "
    + ".file, .offers, .help, datalist, script, style, noscript, template, [hidden]";
  const found = [document.title];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement;
    if (at.closest(own) || at.closest("option")) continue;
    found.push(walk.currentNode.data);
  }
  for (const each of document.querySelectorAll("[aria-label], [placeholder], [title], [alt]")) {
    if (each.closest("datalist")) continue;
    for (const name of ["aria-label", "placeholder", "title", "alt"])
      found.push(each.getAttribute(name) || "");
  }
  return found.map((text) => text.trim()).filter((text) => /[a-z]{2}/i.test(text));
}"""


def test_a_russian_page_has_no_english_left(
    chromium: Browser, address: str, lived_in: Path
) -> None:
    visitor = Visitor(chromium, address)
    shown = visitor.open(locale="ru-RU")
    with Store.open(str(lived_in)) as store:
        named = {name for tag in store.tags.listed() for name in (tag.name, *tag.aliases)}
    english = {
        f"{path}: {text}"
        for path in PAGES
        if shown.goto(path)
        for text in shown.evaluate(TEXTS)
        if words_in({DATA.sub("", text)}) - ALLOWED - words_in(named)
    }
    visitor.close()
    assert sorted(english) == []


ALLOWED = {"tgtagger", "Telegram", "API", "USD", "HTTP", "GET", "name", "me"}
DATA = re.compile(
    r"@\w+|chann?el\b|/nowhere|nothing-has-it|tag:storm|Harbour Notes|News|Quiet|Gone|Anna|gusts|"
    r"Fails \d+|Storm \*\*.*|(A long_word_)+|a-model|keywords-4|no such channel|"
    r"look at its name|throttled"
)
"""What the archive holds, and what was asked for. Errors are kept in the language of the runs."""


def words_in(texts: set[str]) -> set[str]:
    return {word for text in texts for word in re.findall(r"[A-Za-z]{2,}", text)}
