"""Markdown that shows the same words: read back as CommonMark is."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from support.hostile import STRINGS
from support.shown import check_ends, check_words
from tgtagger.model.posts import Entity
from tgtagger.sources.markdown import to_markdown

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
    ("a b c", [Entity("code", 0, 5), Entity("bold", 2, 1)], "`a b c`"),
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
    ("go on", [Entity("text_link", 2, 1, url="https://a")], "go[](https://a) on"),
    ("go\n\non", [Entity("text_link", 2, 2, url="https://a")], "go[](https://a)\n\non"),
    ("\N{NO-BREAK SPACE}on", [Entity("text_link", 0, 1, url="u")], "[](u)\N{NO-BREAK SPACE}on"),
    ("\N{ZERO WIDTH SPACE}on", [Entity("text_link", 0, 1, url="u")], "[\u200b](u)on"),
    ("on! ", [Entity("text_link", 3, 1, url="u")], "on\\![](u) "),
    ("a b", [Entity("bold", 0, 3), Entity("text_link", 1, 1, url="u")], "**a[](u) b**"),
    ("a b", [Entity("text_link", 0, 1, url="u"), Entity("text_link", 1, 1, url="u")], "[a](u) b"),
    ("a ", [Entity("text_link", 0, 2, url="u")], "[a](u) "),
    ("a b", [Entity("text_link", 1, 1, url="javascript:x")], None),
    (" ", [Entity("text_link", 0, 1, url="u")], "[](u) "),
    ("new kind", [Entity("formatted_date", 0, 3)], None),  # an unknown type keeps its words
]  # fmt: skip


@pytest.mark.parametrize(("text", "entities", "expected"), CASES)
def test_the_markdown_of(text: str, entities: list[Entity], expected: str | None) -> None:
    if text.startswith("#tag"):  # a hash at the start would be a heading only before a space
        expected = "\\#tag @name x@y.z"
    assert to_markdown(text, entities) == expected


SAME_WORDS = [
    ("\r> no quote", []),
    ("😀> no quote", [Entity("blockquote", 2, 9)]),
    ("x > no quote", [Entity("pre", 0, 1)]),
    ("x # no heading", [Entity("blockquote", 0, 1)]),
    ("\n\n[", [Entity("code", 0, 7)]),
    ("one\ntwo *", [Entity("code", 0, 9)]),
    ("x", [Entity("pre", 0, 1), Entity("strikethrough", 0, 1)]),
    ("x y", [Entity("bold", 0, 3), Entity("pre", 2, 1)]),
    ("p; q", [Entity("blockquote", 0, 4), Entity("pre", 1, 9)]),
    ("a\nb\nc", [Entity("pre", 0, 3), Entity("blockquote", 2, 3)]),
    ("&mp; &amp;", [Entity("spoiler", 1, 9)]),
    ("1. *", [Entity("link", 1, 3)]),
    ("ps:_#", [Entity("link", 0, 5), Entity("code", 1, 3)]),
    ("b\n#", [Entity("bold", 0, 6), Entity("link", 0, 8)]),
    ("c_c_d", [Entity("spoiler", 1, 3)]),
    ("a`b c`d", [Entity("text_link", 0, 1, url="`"), Entity("text_link", 4, 1, url="`")]),
    ("a:b\x01c*", [Entity("link", 0, 6)]),
    ("x\n", [Entity("code", 0, 2), Entity("italic", 0, 2)]),
]


@pytest.mark.row("I5")
@pytest.mark.parametrize(("text", "entities"), SAME_WORDS)
def test_the_same_words_are_shown(text: str, entities: list[Entity]) -> None:
    markdown = to_markdown(text, entities)
    check_words(text, markdown)
    check_ends(text if markdown is None else markdown)


LETTERS = st.text(alphabet="ab Яд*_[]()`~#>|\\\n-1.😀&<!:;\t\r", max_size=40)
SPANS = st.builds(
    Entity,
    st.sampled_from(
        "bold italic underline strikethrough spoiler code pre text_link link blockquote tag".split()
    ),
    st.integers(-3, 40),
    st.integers(-3, 20) | st.just(2**40),
    url=st.sampled_from(["https://u", "x y(z)", "`\\<", ""]),
    language=st.none() | st.sampled_from(["py", "a`b c"]),
)


@pytest.mark.row("I5")
@given(LETTERS, st.lists(SPANS, max_size=5))
def test_no_word_is_lost_and_no_mark_leaks(text: str, entities: list[Entity]) -> None:
    markdown = to_markdown(text, entities)
    check_words(text, markdown)
    check_ends(text if markdown is None else markdown)


def test_code_beside_code_and_a_cry_before_a_link() -> None:
    assert to_markdown("11", [Entity("code", 0, 1), Entity("code", 1, 1)]) == "`11`"
    assert to_markdown("wow!x", [Entity("text_link", 4, 1, url="u")]) == r"wow\![x](u)"


# ---- what strangers write

READER = MarkdownIt("commonmark", {"html": True}).enable("strikethrough")

MANY = 50_000


@pytest.mark.row("I7")
@pytest.mark.parametrize(
    "entities",
    [
        lambda: [Entity("bold", 2 * n, 1) for n in range(MANY)],
        lambda: [Entity("code", 2 * n, 1) for n in range(MANY)],
        lambda: [Entity("text_link", 2 * n, 1, url="u") for n in range(MANY)],
        lambda: [Entity(("bold", "italic")[n % 2], n, MANY) for n in range(MANY)],
        lambda: [Entity("blockquote", n, 2 * (MANY - n)) for n in range(MANY)],
        lambda: [Entity("spoiler", 0, 2 * MANY)] * MANY,
    ],
    ids=["flat", "code", "links", "crossing", "nested", "the same"],
)
@pytest.mark.parametrize("text", ["a!" * MANY, "a\n" * MANY], ids=["line", "lines"])
def test_any_number_of_entities_takes_little_time(
    text: str, entities: Callable[[], list[Entity]]
) -> None:
    made_up = entities()
    started = time.process_time()
    made = to_markdown(text, made_up)
    assert time.process_time() - started < 5
    assert made is not None
    assert len(made) < 20 * len(text)


@pytest.mark.row("I5")
@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JavaScript:x", "data:text/html,<script>", "vbscript:x", "file:///x",
     "javascript&colon;alert(1)", "javascript&#58;x", "java&Tab;script:x", "java\nscript:x",
     " javascript:x", "obsidian://open?vault=x", "\x01javascript:x"],
)  # fmt: skip
def test_a_link_to_no_web_page_is_none(url: str) -> None:
    for entity in (Entity("text_link", 0, 4, url=url), Entity("link", 0, 30)):
        shown = READER.render(to_markdown("here" if entity.url else url, [entity]) or url)
        for target in re.findall('(?:href|src)="([^"]*)"', shown):
            bare = re.sub(r"[\x00-\x20]", "", html.unescape(target)).lower()
            assert not re.match(r"[a-z][a-z0-9+.-]*:", bare), shown


@pytest.mark.parametrize(
    "url", ["https://a.b/?x=1&copy;=2&lt", "http://a.b", "tg://resolve?domain=x", "mailto:x@y.z"]
)
def test_a_link_leads_where_it_led(url: str) -> None:
    (found,) = re.findall('href="([^"]*)"', READER.render(
        to_markdown("here", [Entity("text_link", 0, 4, url=url)]) or ""
    ))  # fmt: skip
    assert html.unescape(found) == url


@pytest.mark.row("I5")
def test_no_text_is_markdown_of_its_own() -> None:
    plain = {"paragraph_open", "paragraph_close", "inline", "text", "softbreak", "hardbreak",
             "text_special"}  # fmt: skip
    for name, text in STRINGS.items():
        tokens = READER.parse(to_markdown(text, []) or text)
        kinds = {token.type for each in tokens for token in (each, *(each.children or ()))}
        assert kinds <= plain, name


@pytest.mark.row("I5")
def test_a_language_is_a_word() -> None:
    for language in (*STRINGS.values(), "{=html}", "py`x", "c++", "objective-c"):
        made = to_markdown("<b>x</b>", [Entity("pre", 0, 8, language=language)]) or ""
        assert re.fullmatch(r"```[\w+#.-]{0,40}\n<b>x</b>\n```", made), language
