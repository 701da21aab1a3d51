"""Twice as much of anything takes about twice as long: measured at length only, and generously."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import pytest

from fuzz import preview, telegram
from fuzz.typed import store
from tgtagger.model.posts import Entity, PostFilter
from tgtagger.runs.query import read_query
from tgtagger.sources.desktop.convert import convert as convert_desktop
from tgtagger.sources.markdown import to_markdown
from tgtagger.sources.preview.convert import convert as convert_html
from tgtagger.sources.preview.page import read_page
from tgtagger.sources.telegram.blocks import rich_text
from tgtagger.sources.telegram.convert import convert
from tgtagger.taggers.llm.api.answers import read_tags
from tgtagger.vocabulary import Vocabulary, normalise

LEAST = 0.05
"""Seconds below which a measurement says nothing."""


def read_html(html: str) -> None:
    found = read_page(html)
    for message in found.messages if found else ():
        convert_html(message)


def with_text(inner: str, parts: str = "") -> str:
    return preview.page(preview.message(10, inner, parts))


def search(query: str) -> None:
    list(store().records.search(PostFilter(query=read_query(query))))


def marks(kind: str, size: int, step: int) -> list[Entity]:
    return [Entity(kind, step * place, 10**6 if step < 3 else 1, url="u") for place in range(size)]


MUCH: dict[str, Callable[[int], Any]] = {
    "markdown of many marks": lambda n: to_markdown("x! " * n, marks("bold", n, 3)),
    "markdown of many links": lambda n: to_markdown("x! " * n, marks("text_link", n, 3)),
    "markdown of many codes": lambda n: to_markdown("x! " * n, marks("code", n, 3)),
    "markdown of many quotes": lambda n: to_markdown("x! " * n, marks("blockquote", n, 3)),
    "markdown of many blocks": lambda n: to_markdown("x! " * n, marks("pre", n, 3)),
    "markdown of overlapping": lambda n: to_markdown("x!\n" * n, marks("bold", n, 1)),
    "markdown of special letters": lambda n: to_markdown("*_`[<&" * n, []),
    "messages of a page": lambda n: read_html(
        preview.page(*(preview.message(k, "hi") for k in range(1, n // 10)))
    ),
    "tags of a post": lambda n: read_html(with_text("<b>x</b> " * n)),
    "tags without an end": lambda n: read_html(with_text("<b><p><a href=x>" * min(n, 300))),
    "options of a poll": lambda n: read_html(
        with_text("x", '<div class="tgme_widget_message_poll_option_text">' * min(n, 900))
    ),
    "letters of a page": lambda n: read_html(with_text("x" * 100 * n)),
    "entities of an export": lambda n: convert_desktop(
        {"id": 1, "text_entities": [{"type": "bold", "text": "x "}] * n}
    ),
    "entities of a message": lambda n: convert(
        telegram.message(text="x " * n, entities=telegram.MARKS * n)
    ),
    "blocks of a rich message": lambda n: rich_text({"blocks": telegram.BLOCKS[:6] * (n // 20)}),
    "brackets of an answer": lambda n: read_tags('{"a": [' * n, ("p1",)),
    "objects of an answer": lambda n: read_tags('{"a":} ' * n, ("p1",)),
    "posts of an answer": lambda n: read_tags('{"id":"p2","tags":["a"]}' * n, ("p1",)),
    "thoughts of an answer": lambda n: read_tags("<think>" * n, ("p1",)),
    "words of a query": lambda n: search(" ".join(f"w{k}" for k in range(n // 10))),
    "names of tags": lambda n: Vocabulary("open", maximum=7).choose(["a, b"] * n, "text"),
    "letters of a tag": lambda n: normalise("#" * n + "_\u200b" * n),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", MUCH)
def test_twice_as_much_takes_about_twice_as_long(what: str) -> None:
    make = MUCH[what]
    size = 1000
    while (once := measure(make, size)) < LEAST and size < 100_000:
        size *= 2
    twice = measure(make, 2 * size)
    assert twice < 3.3 * once + LEAST, f"{size}: {once:.2f} s, {2 * size}: {twice:.2f} s"


def measure(make: Callable[[int], Any], size: int) -> float:
    """Return the least of several times: another process may have been in the way."""
    taken: list[float] = []
    while len(taken) < 3 and sum(taken) < 1:
        gc.collect()
        start = time.process_time()
        make(size)
        taken.append(time.process_time() - start)
    return min(taken)
