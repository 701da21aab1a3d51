"""Rich text as plain text and Markdown: every entity, node and block that Telethon knows.

By enumeration: what a newer layer brings fails here, and is to be looked at.
"""

from __future__ import annotations

import datetime as dt
import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import types

from tgtagger.sources.telegram.blocks import BLOCKS, rich_text
from tgtagger.sources.telegram.richtext import ENTITY_NAMES, INLINE, entities, line
from tgtagger.sources.telegram.source import plain

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def known(prefix: str, *others: str) -> set[str]:
    return {
        name
        for name, found in vars(types).items()
        if inspect.isclass(found) and name.startswith(prefix) and name not in others
    }


def text(words: str) -> Any:
    return types.TextPlain(words)


def caption(words: str = "", credit: str = "") -> Any:
    return types.PageCaption(text(words), text(credit))


# ---- entities

ENTITIES: dict[str, tuple[Any, dict[str, Any]]] = {
    name: (getattr(types, f"MessageEntity{name}")(1, 4), {"type": kind})
    for name, kind in {
        "BankCard": "bank_card", "Bold": "bold", "BotCommand": "bot_command",
        "Cashtag": "cashtag", "Code": "code", "DiffDelete": "diff_delete",
        "DiffInsert": "diff_insert", "Email": "email", "Hashtag": "hashtag", "Italic": "italic",
        "Mention": "mention", "Phone": "phone", "Spoiler": "spoiler", "Strike": "strikethrough",
        "Underline": "underline", "Url": "link",
    }.items()
}  # fmt: skip
ENTITIES |= {
    "Blockquote": (
        types.MessageEntityBlockquote(1, 4, collapsed=True),
        {"type": "blockquote", "collapsed": True},
    ),
    "CustomEmoji": (
        types.MessageEntityCustomEmoji(1, 4, 2**60),
        {"type": "custom_emoji", "document_id": str(2**60)},
    ),
    "DiffReplace": (types.MessageEntityDiffReplace(1, 4, "old"), {"type": "diff_replace"}),
    "FormattedDate": (types.MessageEntityFormattedDate(1, 4, NOW), {"type": "formatted_date"}),
    "MentionName": (
        types.MessageEntityMentionName(1, 4, 77),
        {"type": "mention_name", "user_id": 77},
    ),
    "Pre": (types.MessageEntityPre(1, 4, "py"), {"type": "pre", "language": "py"}),
    "TextUrl": (
        types.MessageEntityTextUrl(1, 4, "https://e.org"),
        {"type": "text_link", "url": "https://e.org"},
    ),
}


def test_every_entity_has_a_golden_case() -> None:
    names = {f"MessageEntity{name}" for name in ENTITIES} | {"MessageEntityUnknown"}
    assert names == known("MessageEntity") == ENTITY_NAMES.keys()


@pytest.mark.parametrize("name", ENTITIES)
def test_entities(name: str) -> None:
    made, expected = ENTITIES[name]
    (found,) = entities([plain(made.to_dict())])
    assert (found.offset, found.length) == (1, 4)
    assert {key: getattr(found, key) for key in expected} == expected


def test_an_unknown_entity_is_left_out_and_a_new_one_named() -> None:
    assert entities([types.MessageEntityUnknown(0, 3).to_dict()]) == ()
    (found,) = entities([{"_": "MessageEntityGlowingText", "offset": 0, "length": 2}])
    assert found.type == "glowing_text"


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_comes_nothing_is_raised(value: object) -> None:
    entities(value)
    rich_text(value)
    line(value)


# ---- the nodes of a line

NODES: dict[str, tuple[Any, str, str]] = {
    "TextAnchor": (types.TextAnchor(text("x"), "name"), "x", "x"),
    "TextAutoEmail": (types.TextAutoEmail(text("a@e.org")), "a@e.org", "a@e.org"),
    "TextAutoPhone": (types.TextAutoPhone(text("+44 1")), "+44 1", "+44 1"),
    "TextAutoUrl": (types.TextAutoUrl(text("e.org")), "e.org", "e.org"),
    "TextBankCard": (types.TextBankCard(text("4242")), "4242", "4242"),
    "TextBold": (types.TextBold(text(" x ")), " x ", " **x** "),
    "TextBotCommand": (types.TextBotCommand(text("/go")), "/go", "/go"),
    "TextButton": (
        types.TextButton(text("Press"), types.InlineButtonTypeUrl("https://e.org"))
        if hasattr(types, "InlineButtonTypeUrl")
        else {"_": "TextButton", "text": plain(text("Press").to_dict())},
        "Press",
        "Press",
    ),
    "TextCashtag": (types.TextCashtag(text("$TON")), "$TON", "$TON"),
    "TextConcat": (types.TextConcat([text("a"), types.TextItalic(text("b"))]), "ab", "a*b*"),
    "TextCustomEmoji": (types.TextCustomEmoji(5, "🙂"), "🙂", "🙂"),
    "TextDate": (types.TextDate(text("1 May"), NOW), "1 May", "1 May"),
    "TextDiff": (types.TextDiff(text("new"), text("old")), "old new", "~~old~~ new"),
    "TextEmail": (types.TextEmail(text("me"), "a@e.org"), "me", "[me](mailto:a@e.org)"),
    "TextEmpty": (types.TextEmpty(), "", ""),
    "TextFixed": (types.TextFixed(text("a`b")), "a`b", "`` a`b ``"),
    "TextHashtag": (types.TextHashtag(text("#tag")), "#tag", "#tag"),
    "TextImage": (types.TextImage(5, 10, 10), "", ""),
    "TextItalic": (types.TextItalic(text("x")), "x", "*x*"),
    "TextMarked": (types.TextMarked(text("x")), "x", "<mark>x</mark>"),
    "TextMath": (types.TextMath("x^2"), "x^2", "$x^2$"),
    "TextMention": (types.TextMention(text("@me")), "@me", "@me"),
    "TextMentionName": (types.TextMentionName(text("Me"), 5), "Me", "Me"),
    "TextPhone": (types.TextPhone(text("call"), "+1"), "call", "call"),
    "TextPlain": (text("2 * 3 [x]"), "2 * 3 [x]", r"2 \* 3 \[x\]"),
    "TextSpoiler": (types.TextSpoiler(text("x")), "x", "||x||"),
    "TextStrike": (types.TextStrike(text("x")), "x", "~~x~~"),
    "TextSubscript": (types.TextSubscript(text("2")), "2", "<sub>2</sub>"),
    "TextSuperscript": (types.TextSuperscript(text("2")), "2", "<sup>2</sup>"),
    "TextUnderline": (types.TextUnderline(text("x")), "x", "<u>x</u>"),
    "TextUrl": (
        types.TextUrl(text("x"), "https://e.org/a(b)", 0),
        "x",
        "[x](https://e.org/a%28b%29)",
    ),
}


def test_every_node_has_a_golden_case() -> None:
    assert NODES.keys() == known("Text", "TextWithEntities") == INLINE.keys()


@pytest.mark.parametrize("name", NODES)
def test_nodes(name: str) -> None:
    made, words, markdown = NODES[name]
    assert line(made if isinstance(made, dict) else plain(made.to_dict())) == (words, markdown)


# ---- blocks

PHOTO = types.Photo(
    9, 1, b"", NOW, [types.PhotoSize("m", 320, 200, 1000), types.PhotoSize("x", 800, 500, 9000)], 2
)
FILE = types.Document(
    7, 1, b"", NOW, "video/mp4", 5000, 2,
    [types.DocumentAttributeVideo(12.5, 640, 360), types.DocumentAttributeFilename("v.mp4")],
)  # fmt: skip
P = types.PageBlockParagraph
CELL = types.PageTableCell
BLOCK_CASES: dict[str, tuple[Any, str, str]] = {
    "PageBlockAnchor": (types.PageBlockAnchor("here"), "", ""),
    "PageBlockAudio": (types.PageBlockAudio(7, caption("song")), "song", "song"),
    "PageBlockAuthorDate": (types.PageBlockAuthorDate(text("Ann"), NOW), "Ann", "Ann"),
    "PageBlockBlockquote": (
        types.PageBlockBlockquote(text("a\nb"), text("Who")),
        "a\nb\nWho",
        "> a\n> b\n> Who",
    ),
    "PageBlockBlockquoteBlocks": (
        types.PageBlockBlockquoteBlocks([P(text("a")), P(text("b"))], text("Who")),
        "a\n\nb\nWho",
        "> a\n>\n> b\n> Who",
    ),
    "PageBlockButtonRow": (
        {"_": "PageBlockButtonRow", "buttons": [{"_": "PageButton", "text": "Go"}]},
        "Go",
        "Go",
    ),
    "PageBlockChannel": (
        types.PageBlockChannel(types.Channel(5, "News", types.ChatPhotoEmpty(), NOW)),
        "News",
        "News",
    ),
    "PageBlockCollage": (
        types.PageBlockCollage([types.PageBlockPhoto(9, caption("one"))], caption("all")),
        "one\n\nall",
        "one\n\nall",
    ),
    "PageBlockCover": (types.PageBlockCover(P(text("c"))), "c", "c"),
    "PageBlockDetails": (
        types.PageBlockDetails([P(text("inside"))], text("More")),
        "More\n\ninside",
        "**More**\n\ninside",
    ),
    "PageBlockDivider": (types.PageBlockDivider(), "", "---"),
    "PageBlockDocument": (types.PageBlockDocument(7, caption("file")), "file", "file"),
    "PageBlockEmbed": (
        types.PageBlockEmbed(caption("see"), url="https://e.org"),
        "https://e.org\n\nsee",
        "<https://e.org>\n\nsee",
    ),
    "PageBlockEmbedPost": (
        types.PageBlockEmbedPost("https://e.org", 0, 0, "Ann", NOW, [P(text("p"))], caption("c")),
        "Ann\n\np\n\nhttps://e.org\n\nc",
        "Ann\n\np\n\n<https://e.org>\n\nc",
    ),
    "PageBlockFooter": (types.PageBlockFooter(text("f")), "f", "f"),
    "PageBlockHeader": (types.PageBlockHeader(text("h")), "h", "## h"),
    **{
        f"PageBlockHeading{n}": (getattr(types, f"PageBlockHeading{n}")(text("h")), "h", f"{'#' * n} h")
        for n in range(1, 7)
    },
    "PageBlockKicker": (types.PageBlockKicker(text("k")), "k", "k"),
    "PageBlockList": (
        types.PageBlockList(
            [
                types.PageListItemText(text("a")),
                types.PageListItemText(text("b"), checkbox=True, checked=True),
                types.PageListItemBlocks([P(text("c")), P(text("d"))]),
            ]
        ),
        "• a\n• ☑ b\n• c\n\n  d",
        "- a\n- [x] b\n- c\n\n  d",
    ),
    "PageBlockMap": (
        types.PageBlockMap(types.GeoPoint(30.5, 59.9, 1), 10, 5, 5, caption("here")),
        "here",
        "here",
    ),
    "PageBlockMath": (types.PageBlockMath("e=mc^2"), "e=mc^2", "$$\ne=mc^2\n$$"),
    "PageBlockOrderedList": (
        types.PageBlockOrderedList(
            [
                types.PageListOrderedItemText(text("a")),
                types.PageListOrderedItemBlocks([P(text("b"))]),
            ],
            start=3,
        ),
        "3. a\n4. b",
        "3. a\n4. b",
    ),
    "PageBlockParagraph": (P(text("p")), "p", "p"),
    "PageBlockPhoto": (types.PageBlockPhoto(9, caption("view", "Ann")), "view\nAnn", "view\nAnn"),
    "PageBlockPreformatted": (
        types.PageBlockPreformatted(text("x = ```"), "py"),
        "x = ```",
        "````py\nx = ```\n````",
    ),
    "PageBlockPullquote": (types.PageBlockPullquote(text("q"), text("Who")), "q\nWho", "> q\n> Who"),
    "PageBlockRelatedArticles": (
        types.PageBlockRelatedArticles(
            text("See also"),
            [types.PageRelatedArticle("https://e.org", 0, title="T", description="D", author="A")],
        ),
        "See also\n\nT\nD\nA\nhttps://e.org",
        "See also\n\nT\nD\nA\nhttps://e.org",
    ),
    "PageBlockSlideshow": (
        types.PageBlockSlideshow([types.PageBlockPhoto(9, caption("one"))], caption()),
        "one",
        "one",
    ),
    "PageBlockSubheader": (types.PageBlockSubheader(text("s")), "s", "### s"),
    "PageBlockSubtitle": (types.PageBlockSubtitle(text("s")), "s", "## s"),
    "PageBlockTable": (
        types.PageBlockTable(
            text("T"),
            [
                types.PageTableRow([CELL(header=True, text=text("a")), CELL(text=text("b|c"))]),
                types.PageTableRow([CELL(text=text("1"))]),
            ],
        ),
        "T\n\na | b|c\n1",
        "T\n\n| a | b\\|c |\n| --- | --- |\n| 1 |  |",
    ),
    "PageBlockThinking": (types.PageBlockThinking(text("hm")), "hm", "hm"),
    "PageBlockTitle": (types.PageBlockTitle(text("t")), "t", "# t"),
    "PageBlockUnsupported": (types.PageBlockUnsupported(), "", ""),
    "PageBlockVideo": (types.PageBlockVideo(7, caption("film")), "film", "film"),
}  # fmt: skip
MEDIA = {
    "PageBlockAudio": "video", "PageBlockCollage": "photo", "PageBlockDocument": "video",
    "PageBlockMap": "geo", "PageBlockPhoto": "photo", "PageBlockSlideshow": "photo",
    "PageBlockVideo": "video",
}  # fmt: skip


def test_every_block_has_a_golden_case() -> None:
    assert BLOCK_CASES.keys() == known("PageBlock") == BLOCKS.keys()


@pytest.mark.parametrize("name", BLOCK_CASES)
def test_blocks(name: str) -> None:
    made, words, markdown = BLOCK_CASES[name]
    message = plain(types.RichMessage([], [PHOTO], [FILE]).to_dict())
    message["blocks"] = [made if isinstance(made, dict) else plain(made.to_dict())]
    found = rich_text(message)
    assert (found.text, found.markdown) == (words, markdown)
    assert [item.type for item in found.media] == ([MEDIA[name]] if name in MEDIA else [])
    if MEDIA.get(name) == "photo":
        assert (found.media[0].width, found.media[0].height) == (800, 500)
    if MEDIA.get(name) == "video":
        assert (found.media[0].file_name, found.media[0].duration) == ("v.mp4", 12.5)


def test_an_unknown_block_keeps_its_words() -> None:
    node = {
        "_": "PageBlockHologram",
        "title": {"_": "TextBold", "text": {"_": "TextPlain", "text": "loud"}},
        "layers": [{"_": "PageLayer", "text": "quiet"}],
        "hash": 5,
    }
    found = rich_text({"_": "RichMessage", "blocks": [node]})
    assert found.text == "loud quiet"
    inline = {"_": "TextShaking", "text": {"_": "TextPlain", "text": "words"}}
    assert line(inline).text == "words"


def test_a_part_says_so_and_depth_has_an_end() -> None:
    assert rich_text({"_": "RichMessage", "blocks": [], "part": True}).problem is not None
    node: dict[str, Any] = {"_": "PageBlockParagraph", "text": {"_": "TextPlain", "text": "deep"}}
    for _ in range(400):
        node = {"_": "PageBlockDetails", "title": None, "blocks": [node]}
    assert rich_text({"_": "RichMessage", "blocks": [node]}).problem is not None
