"""Markdown that shows the same words: read back by a Markdown parser."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tgtagger.sources.markdown import to_markdown
from tgtagger.types import Entity

CASES = [
    ("plain words", [], None),
    ("5 * 3 - a_b", [], r"5 \* 3 - a_b"),
    ("# no heading\n- no list\n1. no number", [], "\\# no heading\n\\- no list\n1\\. no number"),
    ("a bold word", [Entity("bold", 2, 4)], "a **bold** word"),
    ("a bold word", [Entity("bold", 1, 6)], "a **bold** word"),  # spaces go outside
    ("😀 it", [Entity("italic", 3, 2)], "😀 *it*"),
    ("unbelievable", [Entity("italic", 2, 6)], "un<i>believ</i>able"),
    ("one\n\ntwo", [Entity("bold", 0, 8)], "**one**\n\n**two**"),
    ("go here", [Entity("text_link", 3, 4, url="https://a/(b) c")], "go [here](https://a/%28b%29%20c)"),
    ("run `x`", [Entity("code", 4, 3)], "run `` `x` ``"),
    ("a\nx=1\nb", [Entity("pre", 2, 3, language="py")], "a\n```py\nx=1\n```\nb"),
    ("```", [Entity("pre", 0, 3)], "````\n```\n````"),
    ("said\nso", [Entity("blockquote", 0, 4)], "> said\n\nso"),
    ("ab c", [Entity("text_link", 0, 4, url="u"), Entity("text_link", 1, 1, url="v")], "[ab c](u)"),
    ("11", [Entity("text_link", 0, 1, url="u"), Entity("blockquote", 0, 1)], "> [1](u)\n\n1"),
    ("a\n\nb", [Entity("text_link", 0, 4, url="u")], "[a](u)\n\n[b](u)"),
    ("secret", [Entity("spoiler", 0, 6)], "||secret||"),
    ("under", [Entity("underline", 0, 5)], "<u>under</u>"),
    ("gone", [Entity("strikethrough", 0, 4)], "~~gone~~"),
    ("#tag @name x@y.z", [Entity("hashtag", 0, 4), Entity("mention", 5, 5)], "#tag @name x@y.z"),
    ("https://a.b/c_d*e", [Entity("link", 0, 17)], "<https://a.b/c_d*e>"),
    ("new kind", [Entity("formatted_date", 0, 3)], None),  # an unknown type keeps its words
]  # fmt: skip


@pytest.mark.parametrize(("text", "entities", "expected"), CASES)
def test_the_markdown_of(text: str, entities: list[Entity], expected: str | None) -> None:
    if text.startswith("#tag"):  # a hash at the start would be a heading only before a space
        expected = "\\#tag @name x@y.z"
    assert to_markdown(text, entities) == expected


READER = MarkdownIt("commonmark", {"html": True}).enable("strikethrough")


def words_of(markdown: str) -> list[str]:
    shown = READER.render(markdown)
    shown = html.unescape(
        re.sub(r"</?(?:[a-z]+[1-6]?|a href=\"[^\"]*\"|code class=\"[^\"]*\")\s*/?>", " ", shown)
    )
    return re.findall(r"\w+", shown.replace("\xa0", " "))


LETTERS = st.text(alphabet="ab Яд*_[]()`~#>|\\\n-1.😀&<", max_size=40)
KINDS = st.sampled_from(
    [
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "spoiler",
        "code",
        "text_link",
        "blockquote",
        "hashtag",
    ]
)


@given(LETTERS, st.lists(st.tuples(KINDS, st.integers(0, 40), st.integers(0, 20)), max_size=4))
def test_no_word_is_lost(text: str, spans: list[tuple[str, int, int]]) -> None:
    entities = [Entity(kind, start, length, url="https://u") for kind, start, length in spans]
    markdown = to_markdown(text, entities)
    joined = "".join(re.findall(r"\w", text))
    shown = "".join(words_of(text if markdown is None else markdown))
    assert shown == joined


@given(LETTERS)
def test_what_needs_no_markdown_is_its_own(text: str) -> None:
    if to_markdown(text, []) is None:
        assert "".join(words_of(text)) == "".join(re.findall(r"\w", text))


def test_code_beside_code_and_a_cry_before_a_link() -> None:
    assert to_markdown("11", [Entity("code", 0, 1), Entity("code", 1, 1)]) == "`11`"
    assert to_markdown("wow!x", [Entity("text_link", 4, 1, url="u")]) == r"wow\![x](u)"
