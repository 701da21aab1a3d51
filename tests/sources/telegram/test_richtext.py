"""Entities and rich messages: an example of every class that Telethon knows."""

from __future__ import annotations

import datetime as dt
import html
import inspect
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from telethon.tl import types as tl

from support.hostile import STRINGS
from support.shown import check_ends
from tgtagger.model.posts import Entity, Media
from tgtagger.sources.telegram.blocks import BLOCKS, RichText, rich_text
from tgtagger.sources.telegram.entities import ENTITY_NAMES, entities
from tgtagger.sources.telegram.inline import INLINE

WHEN = dt.datetime(2026, 7, 16, tzinfo=dt.UTC)


def known(prefix: str, base: type | None = None) -> set[str]:
    """Return the names of Telethon's classes with a prefix, and of one TL type."""
    return {
        name
        for name, found in inspect.getmembers(tl, inspect.isclass)
        if name.startswith(prefix) and (base is None or found.SUBCLASS_OF_ID == base.SUBCLASS_OF_ID)  # type: ignore[attr-defined]
    }


# ---- entities

ENTITIES = [
    (tl.MessageEntityBankCard(0, 4), Entity("bank_card", 0, 4)),
    (tl.MessageEntityBlockquote(0, 4), Entity("blockquote", 0, 4, collapsed=False)),
    (tl.MessageEntityBold(3, 4), Entity("bold", 3, 4)),
    (tl.MessageEntityBotCommand(0, 4), Entity("bot_command", 0, 4)),
    (tl.MessageEntityCashtag(0, 4), Entity("cashtag", 0, 4)),
    (tl.MessageEntityCode(0, 4), Entity("code", 0, 4)),
    (tl.MessageEntityCustomEmoji(0, 2, 5368), Entity("custom_emoji", 0, 2, document_id="5368")),
    (tl.MessageEntityDiffDelete(0, 4), Entity("diff_delete", 0, 4)),
    (tl.MessageEntityDiffInsert(0, 4), Entity("diff_insert", 0, 4)),
    (tl.MessageEntityDiffReplace(0, 4, "old"), Entity("diff_replace", 0, 4)),
    (tl.MessageEntityEmail(0, 4), Entity("email", 0, 4)),
    (tl.MessageEntityFormattedDate(0, 4, WHEN), Entity("formatted_date", 0, 4)),
    (tl.MessageEntityHashtag(0, 4), Entity("hashtag", 0, 4)),
    (tl.MessageEntityItalic(0, 4), Entity("italic", 0, 4)),
    (tl.MessageEntityMention(0, 4), Entity("mention", 0, 4)),
    (tl.MessageEntityMentionName(0, 4, 7), Entity("mention_name", 0, 4, user_id=7)),
    (tl.MessageEntityPhone(0, 4), Entity("phone", 0, 4)),
    (tl.MessageEntityPre(0, 4, "py"), Entity("pre", 0, 4, language="py")),
    (tl.MessageEntitySpoiler(0, 4), Entity("spoiler", 0, 4)),
    (tl.MessageEntityStrike(0, 4), Entity("strikethrough", 0, 4)),
    (tl.MessageEntityTextUrl(0, 4, "https://a.b"), Entity("text_link", 0, 4, url="https://a.b")),
    (tl.MessageEntityUnderline(0, 4), Entity("underline", 0, 4)),
    (tl.MessageEntityUnknown(0, 4), None),
    (tl.MessageEntityUrl(0, 4), Entity("link", 0, 4)),
]


@pytest.mark.parametrize(("given", "expected"), ENTITIES, ids=lambda value: type(value).__name__)
def test_the_entity_of(given: Any, expected: Entity | None) -> None:
    assert entities([given.to_dict()]) == ((expected,) if expected else ())


def test_every_entity_is_known() -> None:
    telethon = known("MessageEntity")
    assert {type(given).__name__ for given, _ in ENTITIES} == telethon
    assert set(ENTITY_NAMES) == telethon


def test_entities_that_are_special() -> None:
    inside = {"_": "InputUser", "user_id": 1, "access_hash": 2}
    assert entities(
        [
            {
                "_": "InputMessageEntityMentionName",
                "offset": 0,
                "length": 4,
                "user_id": inside,
            },
            {"_": "MessageEntityBlockquote", "offset": 0, "length": 4, "collapsed": True},
            {"_": "MessageEntityGlowingText", "offset": 5, "length": 1},
        ]
    ) == (
        Entity("mention_name", 0, 4),
        Entity("blockquote", 0, 4, collapsed=True),
        Entity("glowing_text", 5, 1),
    )


def test_entities_count_utf16() -> None:
    # Kept as they come: the emoji takes two.
    assert entities([tl.MessageEntityBold(3, 2).to_dict()]) == (Entity("bold", 3, 2),)


@pytest.mark.parametrize(
    "hostile",
    [
        None,
        7,
        "text",
        {"_": "MessageEntityBold"},
        [None, 7, "text", [], {}],
        [{"_": "MessageEntityBold", "offset": "0", "length": 4}],
        [{"_": "MessageEntityBold", "offset": True, "length": 4}],
        [{"_": "MessageEntityBold", "offset": -1, "length": 4}],
        [{"_": "MessageEntityBold", "offset": 0, "length": 0}],
        [{"_": "MessageEntityBold", "offset": 0, "length": 10**5000}],
        [{"_": "MessageEntityTextUrl", "offset": 0, "length": 4, "url": 7}],
        [{"_": ["MessageEntityBold"], "offset": 0, "length": 4}],
        [{"_": "MessageEntityé\0", "offset": 0, "length": 4}],
    ],
)
def test_what_is_no_entity_is_left_out(hostile: object) -> None:
    assert entities(hostile) == ()


# ---- rich texts


def plain(text: str = "word") -> Any:
    return tl.TextPlain(text)


def concat(*texts: Any) -> Any:
    return tl.TextConcat(list(texts))


EMPTY = tl.TextEmpty()
STYLE: Any = tl.InlineButtonTypeUrl("https://a.b/c")

LINES: list[tuple[Any, str, str]] = [
    (tl.TextAnchor(plain(), "here"), "word", "word"),
    (tl.TextAutoEmail(plain("a@b.c")), "a@b.c", "a@b.c"),
    (tl.TextAutoPhone(plain("+7999")), "+7999", "\\+7999"),
    (tl.TextAutoUrl(plain("https://a.b/*c")), "https://a.b/*c", "<https://a.b/*c>"),
    (tl.TextBankCard(plain("4242")), "4242", "4242"),
    (tl.TextBold(plain()), "word", "**word**"),
    (tl.TextBotCommand(plain("/go")), "/go", "/go"),
    (tl.TextButton(plain("Go"), STYLE), "Go", "[Go](https://a.b/c)"),
    (tl.TextCashtag(plain("$TON")), "$TON", "$TON"),
    (tl.TextConcat([plain("a "), tl.TextBold(plain("b"))]), "a b", "a **b**"),
    (tl.TextCustomEmoji(5, "😀"), "😀", "😀"),
    (tl.TextDate(plain("today"), WHEN), "today", "today"),
    (tl.TextDiff(plain("new"), plain("old")), "old new", "~~old~~ new"),
    (tl.TextEmail(plain("write"), "a@b.c"), "write", "[write](mailto:a@b.c)"),
    (tl.TextEmpty(), "", ""),
    (tl.TextFixed(plain("a`b*")), "a`b*", "``a`b*``"),
    (tl.TextHashtag(plain("#tag")), "#tag", "\\#tag"),
    (tl.TextImage(5, 10, 20), "", ""),
    (tl.TextItalic(plain()), "word", "*word*"),
    (tl.TextMarked(plain()), "word", "<mark>word</mark>"),
    (tl.TextMath("a_1 < 2$"), "a_1 < 2$", "$a_1 < 2\\$$"),
    (tl.TextMention(plain("@name")), "@name", "@name"),
    (tl.TextMentionName(plain("Ann"), 7), "Ann", "Ann"),
    (tl.TextPhone(plain("call"), "+7999"), "call", "[call](tel:+7999)"),
    (tl.TextPlain("a*b"), "a*b", "a\\*b"),
    (tl.TextSpoiler(plain()), "word", "||word||"),
    (tl.TextStrike(plain()), "word", "~~word~~"),
    (tl.TextSubscript(plain("2")), "2", "<sub>2</sub>"),
    (tl.TextSuperscript(plain("2")), "2", "<sup>2</sup>"),
    (tl.TextUnderline(plain()), "word", "<u>word</u>"),
    (tl.TextUrl(plain("[x]"), "https://a/(b) c", 0), "[x]", "[\\[x\\]](https://a/%28b%29%20c)"),
]


def message(*blocks: Any, photos: Any = (), documents: Any = ()) -> dict[str, Any]:
    found: dict[str, Any] = tl.RichMessage(list(blocks), list(photos), list(documents)).to_dict()
    return found


def read(*blocks: Any) -> tuple[str, str]:
    found = rich_text(message(*blocks))
    return found.text, found.markdown


def paragraph(text: Any) -> Any:
    return tl.PageBlockParagraph(plain(text) if isinstance(text, str) else text)


@pytest.mark.parametrize(
    ("given", "text", "markdown"), LINES, ids=[type(line[0]).__name__ for line in LINES]
)
def test_the_line_of(given: Any, text: str, markdown: str) -> None:
    assert read(paragraph(given)) == (text, markdown)


def test_every_rich_text_is_known() -> None:
    telethon = known("Text", tl.TextPlain)
    assert {type(given).__name__ for given, _, _ in LINES} == telethon
    assert set(INLINE) == telethon


BOLD = tl.TextBold
MARKS = [
    (concat(plain("un"), BOLD(plain("believ")), plain("able")), "un<b>believ</b>able"),
    (concat(BOLD(plain("a")), tl.TextItalic(plain("b"))), "<b>a</b><i>b</i>"),
    (BOLD(BOLD(plain("twice"))), "**twice**"),
    (BOLD(concat(plain("a "), tl.TextItalic(plain("b")))), "**a <i>b</i>**"),
    (concat(plain("a"), BOLD(plain(" b ")), plain("c")), "a **b** c"),
    (BOLD(plain("one\n\ntwo")), "**one**\n\n**two**"),
    (concat(plain("1"), tl.TextDate(plain(". x"), WHEN)), "1\\. x"),
    (plain("# no\n- list"), "\\# no\n\\- list"),
    (concat(plain("wow!"), tl.TextUrl(plain("x"), "u", 0)), "wow\\![x](u)"),
    (tl.TextUrl(tl.TextAutoUrl(plain("https://a*b")), "u", 0), "[https://a\\*b](u)"),
    (tl.TextUrl(tl.TextUrl(plain("x"), "v", 0), "u", 0), "[x](u)"),
    (tl.TextUrl(plain("x"), "", 0), "x"),
    (tl.TextFixed(tl.TextUrl(plain("x"), "u", 0)), "<code>[x](u)</code>"),
    (concat(tl.TextFixed(plain("a")), tl.TextFixed(plain("b"))), "`a`<code>b</code>"),
    (concat(plain("$5 is "), tl.TextMath("x")), "\\$5 is $x$"),
    (plain("$5 is"), "$5 is"),
]


@pytest.mark.row("I5")
@pytest.mark.parametrize(
    ("source", "markdown"),
    [
        ("x<b>y", "$$\nx< b>y\n$$"),
        ("<!--", "```math\n<!--\n```"),
        ("x\n+ y", "```math\nx\n+ y\n```"),
        ("x\n\n```", "````math\nx\n\n```\n````"),
        (" \n", ""),
    ],
)
def test_a_formula_begins_nothing_else(source: str, markdown: str) -> None:
    assert read(tl.PageBlockMath(source))[1] == markdown
    check_ends(read(tl.PageBlockMath(source), paragraph("after"))[1])


def test_a_formula_in_a_line_holds_no_tag() -> None:
    assert read(paragraph(tl.TextMath("a<b>c </d <!-- 1<2")))[1] == "$a< b>c < /d < !-- 1<2$"


@pytest.mark.parametrize(("given", "markdown"), MARKS)
def test_marks_stand_where_markdown_sees_them(given: Any, markdown: str) -> None:
    assert read(paragraph(given))[1] == markdown


# ---- blocks

CAPTION = tl.PageCaption(plain("shown"), plain("by me"))
NO_CAPTION = tl.PageCaption(EMPTY, EMPTY)


def cell(text: str, **facts: Any) -> Any:
    return tl.PageTableCell(text=plain(text), **facts)


CHANNEL = tl.Channel(id=5, title="My *channel*", photo=tl.ChatPhotoEmpty(), date=WHEN)
ARTICLE = tl.PageRelatedArticle("https://a.b/c", 5, title="Title", description="Why")

PIECES: list[tuple[Any, str, str]] = [
    (tl.PageBlockAnchor("here"), "", ""),
    (tl.PageBlockAudio(5, CAPTION), "shown\nby me", "shown\nby me"),
    (tl.PageBlockAuthorDate(plain("Ann"), WHEN), "Ann", "Ann"),
    (tl.PageBlockBlockquote(plain("a\nb"), plain("Ann")), "a\nb\nAnn", "> a\n> b\n> Ann"),
    (
        tl.PageBlockBlockquoteBlocks([paragraph("a"), paragraph("b")], EMPTY),
        "a\n\nb",
        "> a\n>\n> b",
    ),
    (
        tl.PageBlockButtonRow(
            [
                tl.PageButton(plain("Go"), tl.InlineButtonTypeUrl("https://a.b")),
                tl.PageButton(plain("Buy"), tl.InlineButtonTypeBuy()),
            ]
        ),
        "Go · Buy",
        "[Go](https://a.b) · Buy",
    ),
    (tl.PageBlockChannel(CHANNEL), "My *channel*", "My \\*channel\\*"),
    (tl.PageBlockCollage([paragraph("a")], CAPTION), "a\n\nshown\nby me", "a\n\nshown\nby me"),
    (tl.PageBlockCover(paragraph("a")), "a", "a"),
    (tl.PageBlockDetails([paragraph("a")], plain("More")), "More\n\na", "**More**\n\na"),
    (tl.PageBlockDivider(), "", "---"),
    (tl.PageBlockDocument(5, CAPTION), "shown\nby me", "shown\nby me"),
    (
        tl.PageBlockEmbed(CAPTION, url="https://a.b"),
        "https://a.b\n\nshown\nby me",
        "<https://a.b>\n\nshown\nby me",
    ),
    (
        tl.PageBlockEmbedPost("https://a.b", 5, 6, "Ann", WHEN, [paragraph("a")], NO_CAPTION),
        "Ann\n\na\n\nhttps://a.b",
        "Ann\n\na\n\n<https://a.b>",
    ),
    (tl.PageBlockFooter(plain()), "word", "word"),
    (tl.PageBlockHeader(plain()), "word", "## word"),
    (tl.PageBlockHeading1(plain("C #")), "C #", "# C \\#"),
    (tl.PageBlockHeading2(plain("a\nb")), "a\nb", "## a b"),
    (tl.PageBlockHeading3(plain()), "word", "### word"),
    (tl.PageBlockHeading4(plain()), "word", "#### word"),
    (tl.PageBlockHeading5(plain()), "word", "##### word"),
    (tl.PageBlockHeading6(plain()), "word", "###### word"),
    (tl.PageBlockKicker(plain()), "word", "word"),
    (
        tl.PageBlockList(
            [
                tl.PageListItemText(plain("a")),
                tl.PageListItemText(plain("b"), checkbox=True, checked=True),
                tl.PageListItemText(plain("c"), checkbox=True),
                tl.PageListItemBlocks(
                    [
                        paragraph("d"),
                        tl.PageBlockList([tl.PageListItemText(plain("e"))]),
                    ]
                ),
            ]
        ),
        "• a\n• ☑ b\n• ☐ c\n• d\n\n  • e",
        "- a\n- [x] b\n- [ ] c\n- d\n\n  - e",
    ),
    (
        tl.PageBlockMap(tl.GeoPoint(30.5, 59.25, 1), 5, 10, 20, CAPTION),
        "shown\nby me",
        "shown\nby me",
    ),
    (tl.PageBlockMath("x^2 < y"), "x^2 < y", "$$\nx^2 < y\n$$"),
    (
        tl.PageBlockOrderedList(
            [
                tl.PageListOrderedItemText(plain("a")),
                tl.PageListOrderedItemText(plain("b"), num="b", value=7),
                tl.PageListOrderedItemBlocks([paragraph("c"), paragraph("d")]),
                tl.PageListOrderedItemText(plain("e"), checkbox=True),
            ],
            start=3,
        ),
        "3. a\nb. b\n8. c\n\n   d\n9. ☐ e",
        "3. a\n7. b\n8. c\n\n   d\n9. [ ] e",
    ),
    (tl.PageBlockParagraph(plain()), "word", "word"),
    (tl.PageBlockPhoto(5, CAPTION), "shown\nby me", "shown\nby me"),
    (
        tl.PageBlockPreformatted(plain("a = `b`\n```"), "py"),
        "a = `b`\n```",
        "````py\na = `b`\n```\n````",
    ),
    (tl.PageBlockPullquote(plain(), plain("Ann")), "word\nAnn", "> word\n> Ann"),
    (
        tl.PageBlockRelatedArticles(plain("Read"), [ARTICLE]),
        "Read\n\nTitle\nWhy\nhttps://a.b/c",
        "Read\n\nTitle\nWhy\n<https://a.b/c>",
    ),
    (tl.PageBlockSlideshow([paragraph("a")], NO_CAPTION), "a", "a"),
    (tl.PageBlockSubheader(plain()), "word", "### word"),
    (tl.PageBlockSubtitle(plain()), "word", "## word"),
    (
        tl.PageBlockTable(
            plain("Sums"),
            [
                tl.PageTableRow([cell("a|b", header=True), cell("c", header=True)]),
                tl.PageTableRow([cell("1\n2"), cell("\\|")]),
                tl.PageTableRow([cell("wide", colspan=2)]),
                tl.PageTableRow([tl.PageTableCell(), cell("3")]),
            ],
        ),
        "Sums\n\na|b | c\n1 2 | \\|\nwide\n3",
        "Sums\n\n| a\\|b | c |\n| --- | --- |\n| 1 2 | \\\\\\| |\n| wide |  |\n|  | 3 |",
    ),
    (tl.PageBlockThinking(plain()), "word", "word"),
    (tl.PageBlockTitle(plain()), "word", "# word"),
    (tl.PageBlockUnsupported(), "", ""),
    (tl.PageBlockVideo(5, CAPTION), "shown\nby me", "shown\nby me"),
]


@pytest.mark.parametrize(
    ("given", "text", "markdown"), PIECES, ids=[type(piece[0]).__name__ for piece in PIECES]
)
def test_the_block_of(given: Any, text: str, markdown: str) -> None:
    assert read(given) == (text, markdown)


def test_every_block_is_known() -> None:
    telethon = known("PageBlock")
    assert {type(given).__name__ for given, _, _ in PIECES} == telethon
    assert set(BLOCKS) == telethon


def test_every_part_of_a_block_is_in_an_example() -> None:
    parts = known("Page") - known("PageBlock") - {"Page"}
    shown = json.dumps([given.to_dict() for given, _, _ in PIECES], default=str)
    assert {name for name in parts if f'"{name}"' not in shown} == set()


def test_the_media_in_blocks() -> None:
    photo = tl.Photo(5, 1, b"", WHEN, [tl.PhotoSize("x", 800, 600, 999)], 2)
    video = tl.Document(
        6, 1, b"", WHEN, "video/mp4", 77, 2, [tl.DocumentAttributeVideo(1.5, 640, 480)]
    )
    blocks = [
        tl.PageBlockCover(tl.PageBlockPhoto(5, NO_CAPTION, url="https://a.b")),
        tl.PageBlockSlideshow([tl.PageBlockVideo(6, NO_CAPTION)], NO_CAPTION),
        tl.PageBlockAudio(404, NO_CAPTION),
        tl.PageBlockMap(tl.GeoPoint(30.5, 59.25, 1), 5, 10, 20, NO_CAPTION),
    ]
    assert rich_text(message(*blocks, photos=[photo], documents=[video])).media == (
        Media("photo", size=999, width=800, height=600, url="https://a.b"),
        Media("video", mime_type="video/mp4", size=77, duration=1.5, width=640, height=480),
        Media("audio"),  # not among the documents that came
        Media("geo", description="59.250000, 30.500000"),
    )


def test_a_block_that_is_not_known_keeps_its_words_and_media() -> None:
    photo = tl.Photo(5, 1, b"", WHEN, [tl.PhotoSize("x", 800, 600, 999)], 2).to_dict()
    newer = {
        "_": "PageBlockHologram",
        "title": "Name",
        "style": "technical",
        "hash": b"\x00",
        "date": WHEN,
        "photo_id": 5,
        "text": concat(plain("a "), BOLD(plain("b"))).to_dict(),
        "lines": [plain("c").to_dict(), {"_": "TextGlow", "text": plain("d").to_dict()}],
        "blocks": [paragraph("e").to_dict(), tl.PageBlockHeading1(plain("f")).to_dict()],
        "caption": CAPTION.to_dict(),
    }
    found = rich_text({"_": "RichMessage", "blocks": [newer], "photos": [photo], "documents": []})
    assert found.text.split() == "Name a b cd e f shown by me".split()
    assert "a **b**" in found.markdown
    assert "# f" in found.markdown
    assert "technical" not in found.text
    assert found.media == (Media("photo", size=999, width=800, height=600),)


def test_a_text_that_is_not_known_keeps_its_words() -> None:
    glow = {"_": "TextGlow", "color": "red", "text": plain("a").to_dict(), "alt": "b"}
    block = {"_": "PageBlockParagraph", "text": {"_": "TextConcat", "texts": ["x ", glow]}}
    assert rich_text({"blocks": [block]}) == RichText("x a b", "x a b")


def test_what_is_missing_is_said() -> None:
    part = {**message(paragraph("a")), "part": True}
    assert "only a part" in (rich_text(part).problem or "")
    assert "newer" in (rich_text(message(tl.PageBlockUnsupported())).problem or "")
    assert rich_text(message(paragraph("a"))).problem is None


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ({"_": "PageBlockCover"}, "cover"),
        ({"_": "PageBlockHologram"}, "blocks"),
        ({"_": "TextBold"}, "text"),
        ({"_": "TextGlow"}, "text"),
        ({"_": "PageBlockParagraph"}, "text"),
    ],
)
def test_deep_nesting_is_cut(outer: dict[str, Any], inner: str) -> None:
    node: dict[str, Any] = paragraph("deep").to_dict()
    for _ in range(10_000):
        node = {**outer, inner: node}
    found = rich_text({"blocks": [paragraph("first").to_dict(), node]})
    assert found.text == "first"
    assert "too deeply" in (found.problem or "")


def test_deep_lists_are_cut() -> None:
    node: Any = paragraph("deep").to_dict()
    for _ in range(10_000):
        item = {"_": "PageListItemBlocks", "blocks": [node]}
        node = {"_": "PageBlockList", "items": [item]}
    assert "too deeply" in (rich_text({"blocks": [node]}).problem or "")
    node = []
    for _ in range(10_000):
        node = [node]
    assert "too deeply" in (rich_text({"blocks": node}).problem or "")


def test_nul_is_removed() -> None:
    assert read(
        paragraph("a\0b"), tl.PageBlockMath("x\0"), tl.PageBlockPreformatted(plain("\0c"), "\0")
    ) == ("ab\n\nx\n\nc", "ab\n\n$$\nx\n$$\n\n```\nc\n```")


KEYS = [
    "text", "texts", "blocks", "items", "caption", "credit", "rows", "cells", "title", "articles",
    "buttons", "type", "num", "value", "start", "photo_id", "document_id", "video_id", "url",
    "channel", "geo", "lat", "long", "cover", "author", "source", "alt", "old_text", "language",
    "colspan", "checkbox", "id", "sizes", "attributes", "w",
]  # fmt: skip
CLASSES = sorted(known("PageBlock") | known("Text") | known("PageList") | known("PageTable"))
HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.binary(max_size=3) | st.just(10**400) | st.just(WHEN),
    lambda inner: st.lists(inner, max_size=3)
    | st.builds(
        lambda kind, fields: {"_": kind, **fields},
        st.sampled_from(CLASSES) | inner,
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    ),
    max_leaves=12,
)  # fmt: skip


@given(HOSTILE, HOSTILE, HOSTILE)
def test_whatever_comes_nothing_is_raised(blocks: Any, photos: Any, documents: Any) -> None:
    for value in ([blocks], blocks):
        found = rich_text({"blocks": value, "photos": photos, "documents": [documents]})
        assert "\0" not in found.text + found.markdown
    rich_text(blocks)
    entities(blocks)


# ---- read back by a Markdown parser

READER = MarkdownIt("commonmark", {"html": True}).enable(["strikethrough", "table"])
WRAPPERS = [
    BOLD,
    tl.TextItalic,
    tl.TextStrike,
    tl.TextUnderline,
    tl.TextFixed,
    lambda inner: tl.TextUrl(inner, "https://u.v", 0),
]
TEXTS = st.recursive(
    st.builds(plain, st.text(alphabet="ab Яд*_[]()`~#>\\\n-1.😀&<!+", max_size=12)),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda texts: concat(*texts))
        | st.builds(lambda wrap, text: wrap(text), st.sampled_from(WRAPPERS), inner)
    ),
    max_leaves=6,
)


def letters(shown: str) -> str:
    """Return the letters, digits and punctuation of what is shown; spaces may differ."""
    bare = re.sub(r"</?[a-z]+[1-6]?(?: [a-z]+=\"[^\"]*\")*\s*/?>", "", shown)
    return "".join(html.unescape(bare).split())


@given(TEXTS, st.sampled_from(["paragraph", "heading", "item", "cell", "quote"]))
def test_the_markdown_shows_the_same_words(text: Any, place: str) -> None:
    block = {
        "paragraph": lambda: paragraph(text),
        "heading": lambda: tl.PageBlockHeading2(text),
        "item": lambda: tl.PageBlockList([tl.PageListItemText(text)]),
        "cell": lambda: tl.PageBlockTable(EMPTY, [tl.PageTableRow([tl.PageTableCell(text=text)])]),
        "quote": lambda: tl.PageBlockBlockquote(text, EMPTY),
    }[place]()
    found, markdown = read(block)
    assert letters(READER.render(markdown)) == "".join(found.removeprefix("• ").split())


@pytest.mark.row("I5")
@pytest.mark.parametrize("words", [*STRINGS.values(), "javascript:alert(1)", "$$\n[x]: data:x"])
def test_no_words_are_markdown_of_their_own(words: str) -> None:
    """Of hostile words there is no HTML and no link to a script, whatever they stand in."""
    line = concat(plain(words), BOLD(plain(words)), tl.TextMath(words), tl.TextFixed(plain(words)),
                  tl.TextUrl(plain(words), words, 0), tl.TextUrl(plain("x"), words, 0),
                  tl.TextAutoUrl(plain(words)), tl.TextEmail(plain(words), words))  # fmt: skip
    blocks = [
        paragraph(line), tl.PageBlockHeading2(line), tl.PageBlockMath(words),
        tl.PageBlockPreformatted(plain(words), words),
        tl.PageBlockList([tl.PageListItemText(line)]), tl.PageBlockBlockquote(line, EMPTY),
        tl.PageBlockTable(EMPTY, [tl.PageTableRow([tl.PageTableCell(text=line)])]),
        tl.PageBlockEmbed(tl.PageCaption(EMPTY, EMPTY), url=words, html=words),
    ]  # fmt: skip
    for block in blocks:
        _, markdown = read(block)
        shown = READER.render(markdown)
        tags = set(re.findall(r"</?([a-z]\w*|[!?/]+)", shown))
        ours = "p h1 h2 h3 h4 h5 h6 hr pre code ul li blockquote strong em s b i u br a"
        assert tags <= {*ours.split(), "table", "thead", "tbody", "tr", "th", "td"}
        for target in re.findall('(?:href|src)="([^"]*)"', shown):
            bare = re.sub(r"[\x00-\x20]", "", html.unescape(target)).lower()
            assert re.match(r"(?:mailto|tel|https?):|(?![a-z][a-z0-9+.-]*:)", bare), target
