"""Telegram's plain form: any JSON as a message, as a rich message, as entities over a text."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from fuzz.posts import LONGEST_SHOWN, check_all, check_markdown
from support.make import CHANNEL
from support.shown import check_ends, shown
from tgtagger.model.posts import Entity, PostData, StoredRawRecord
from tgtagger.sources.markdown import to_markdown
from tgtagger.sources.telegram.blocks import rich_text
from tgtagger.sources.telegram.convert import convert, convert_page, reconvert
from tgtagger.sources.telegram.entities import entities
from tgtagger.sources.telegram.media import media_of

TEXT = "Hello wörld 😀, see https://a.b/c_d\nand so on: x = 1"
MARKS: list[dict[str, Any]] = [
    {"_": "MessageEntityBold", "offset": 0, "length": 11},
    {"_": "MessageEntityItalic", "offset": 6, "length": 8},
    {"_": "MessageEntityUrl", "offset": 20, "length": 15},
    {"_": "MessageEntityTextUrl", "offset": 36, "length": 3, "url": "https://e.org/(x)"},
    {"_": "MessageEntityPre", "offset": 47, "length": 5, "language": "py"},
    {"_": "MessageEntityBlockquote", "offset": 36, "length": 9, "collapsed": True},
    {"_": "MessageEntityCustomEmoji", "offset": 12, "length": 2, "document_id": 5},
]


def message(number: int = 7, text: str = "", **facts: Any) -> dict[str, Any]:
    date = "2026-05-01T12:00:00+00:00"
    return {"_": "Message", "id": number, "date": date, "message": text, **facts}


def _plain(text: str) -> dict[str, Any]:
    return {"_": "TextPlain", "text": text}


def _paragraph(text: Any) -> dict[str, Any]:
    return {"_": "PageBlockParagraph", "text": text}


_DOCUMENT = {
    "_": "Document", "id": 3, "mime_type": "video/mp4", "size": 99,
    "attributes": [
        {"_": "DocumentAttributeVideo", "duration": 9.5, "w": 6, "h": 4, "round_message": False},
        {"_": "DocumentAttributeAudio", "duration": 3, "title": "T", "performer": "P"},
        {"_": "DocumentAttributeSticker", "alt": "🔥"},
        {"_": "DocumentAttributeFilename", "file_name": "v.mp4"},
    ],
}  # fmt: skip
_PHOTO = {
    "_": "Photo", "id": 9,
    "sizes": [{"_": "PhotoSizeProgressive", "w": 1280, "h": 720, "sizes": [100, 5000]},
              {"_": "PhotoSize", "w": 90, "h": 90, "size": 100}],
}  # fmt: skip


def _words(text: str) -> dict[str, Any]:
    return {"_": "TextWithEntities", "text": text, "entities": []}


MEDIA: list[dict[str, Any]] = [
    {"_": "MessageMediaPhoto", "photo": _PHOTO},
    {"_": "MessageMediaDocument", "document": _DOCUMENT},
    {"_": "MessageMediaWebPage", "webpage": {"_": "WebPage", "url": "https://e.org", "title": "T"}},
    {
        "_": "MessageMediaPoll",
        "poll": {"question": _words("Why?"), "answers": [{"text": _words("so")}]},
    },
    {"_": "MessageMediaToDo", "todo": {"title": _words("t"), "list": [{"title": _words("i")}]}},
    {"_": "MessageMediaVenue", "geo": {"lat": 1.5, "long": -2.0}, "title": "T", "address": "A"},
    {"_": "MessageMediaGiveaway", "prize_description": "Books"},
]

_LINE = {
    "_": "TextConcat",
    "texts": [
        _plain("a & b "),
        {"_": "TextBold", "text": {"_": "TextItalic", "text": _plain("c*d")}},
        {"_": "TextUrl", "text": _plain("here"), "url": "https://e.org/(x)"},
        {"_": "TextFixed", "text": _plain("`x`")},
        {"_": "TextMath", "source": "a_1 $"},
        {"_": "TextAutoUrl", "text": _plain("https://a.b/c_d")},
        {"_": "TextSpoiler", "text": _plain("hid|den")},
        {"_": "TextImage", "document_id": 3},
        {"_": "TextDiff", "old_text": _plain("old"), "text": _plain("new")},
    ],
}
_ITEMS = [
    {"_": "PageListItemText", "text": _plain("one"), "checkbox": True, "checked": True},
    {
        "_": "PageListItemBlocks",
        "blocks": [_paragraph(_plain("two")), _paragraph(_plain("3."))],
    },
]
_NUMBERED = [{"_": "PageListOrderedItemText", "num": "iv", "value": 4, "text": _plain("four")}]
_ROWS = [{"cells": [{"text": _plain("a|b"), "colspan": 2}, {"text": _plain("c")}]}, {"cells": []}]
BLOCKS: list[dict[str, Any]] = [
    {"_": "PageBlockHeading1", "text": _plain("Title #")},
    _paragraph(_LINE),
    {"_": "PageBlockList", "items": _ITEMS},
    {"_": "PageBlockOrderedList", "start": 4, "reversed": True, "items": _NUMBERED},
    {"_": "PageBlockTable", "title": _plain("t"), "rows": _ROWS},
    {"_": "PageBlockBlockquote", "text": _plain("said"), "caption": _plain("by")},
    {"_": "PageBlockPreformatted", "text": _plain("x = 1\n```"), "language": "py"},
    {"_": "PageBlockDetails", "title": _plain("more"), "blocks": [{"_": "PageBlockDivider"}]},
    {
        "_": "PageBlockPhoto",
        "photo_id": 9,
        "caption": {"_": "PageCaption", "text": _plain("p"), "credit": _plain("by")},
    },
    {"_": "PageBlockVideo", "video_id": 3},
    {"_": "PageBlockMath", "source": "x^2"},
    {"_": "PageBlockEmbed", "url": "https://e.org/a_b"},
    {"_": "PageBlockNew", "text": "new"},
]


def _rich(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"blocks": list(blocks), "photos": [_PHOTO], "documents": [_DOCUMENT]}


_FACTS: dict[str, Any] = {
    "views": 10,
    "forwards": 0,
    "edit_date": "2026-05-01T13:00:00+00:00",
    "grouped_id": 5,
    "replies": {"replies": 4},
    "post_author": "Ann",
    "reactions": {
        "results": [
            {"reaction": {"_": "ReactionEmoji", "emoticon": "👍"}, "count": 5},
            {"reaction": {"_": "ReactionCustomEmoji", "document_id": 2**60}, "count": 2},
        ]
    },
    "fwd_from": {"from_id": {"channel_id": 8}, "from_name": "N", "channel_post": 77},
    "reply_to": {"_": "MessageReplyHeader", "reply_to_msg_id": 3, "quote_text": "q"},
    "restriction_reason": [{"reason": "porn"}],
}
MESSAGES = [
    json.dumps(record).encode()
    for record in (
        message(text=TEXT, entities=MARKS),
        message(**_FACTS, media=MEDIA[0]),
        *(message(text="caption", media=each) for each in MEDIA),
        message(rich_message=_rich(*BLOCKS)),
        {"_": "MessageService", "id": 3, "action": {"_": "MessageActionChatEditTitle"}},
        {"_": "MessageEmpty", "id": 4},
        # What was found.
        message(text="a") | {"date": "0001-01-01T00:00:00+10:00", "grouped_id": [5]},
        message(text="a😀", entities=[{"_": "MessageEntityBold", "offset": 2, "length": 99}]),
    )
]
RICH_TEXTS = [
    *(json.dumps(_rich(block)).encode() for block in BLOCKS),
    json.dumps(_rich(*BLOCKS)).encode(),
    # What was found.
    json.dumps(_rich({"_": "PageBlockMath", "source": "<!--"})).encode(),
    json.dumps(_rich(_paragraph({"_": "TextMath", "source": "a<b>c"}))).encode(),
]


def _tree(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def fuzz_telegram(data: bytes) -> None:
    """A message, or an album of two: what it is, with the text as it came."""
    record = _tree(data)
    if not isinstance(record, dict):
        media_of(record)
        entities(record)
        return
    is_rich = "rich_message" in record
    found = convert(record)
    check_all([found] if found is not None else [], is_rich=is_rich)
    if isinstance(found, PostData):
        assert found.raw is not None
        assert reconvert(StoredRawRecord(CHANNEL, "telegram", found.raw.data)) == found
        text = record.get("message")
        if isinstance(text, str) and (words := text.replace("\0", "")):
            assert found.text == words
    check_all(convert_page([record, {**record, "id": 1}]), is_rich=is_rich)


def fuzz_rich_text(data: bytes) -> None:
    """A rich message: its Markdown shows every word of it, and nothing leaks out."""
    found = rich_text(_tree(data))
    assert "\0" not in found.text + found.markdown
    assert len(found.text) < 100 * len(data) + 1000
    if len(found.markdown) > LONGEST_SHOWN:
        return
    check_ends(found.markdown)
    if b"OrderedList" not in data and b"&" not in data:  # whose numbers, and names, may be others
        seen = Counter(re.findall(r"\w", shown(found.markdown)))
        assert not Counter(re.findall(r"\w", found.text)) - seen


_KINDS = ["bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "text_link",
          "blockquote", "link", "hashtag", "unheard_of"]  # fmt: skip
_URLS = ["https://u", "", "x y(z)", "a`b", "\\", "<a>", "[a](b)", "é&lt;\x7f"]


def read_marks(data: bytes) -> tuple[str, list[Entity]]:
    """Return the text and the entities that some bytes stand for."""
    count = data[0] % 8 if data else 0
    head, rest = data[1 : 1 + 4 * count], data[1 + 4 * count :]
    marks = [
        Entity(
            _KINDS[head[at] % len(_KINDS)],
            head[at + 1] - 4,
            head[at + 2] - 4 if head[at + 2] < 250 else 2**40,
            url=_URLS[head[at + 3] % len(_URLS)],
            language=_URLS[head[at + 3] % len(_URLS)],
        )
        for at in range(0, len(head) - 3, 4)
    ]
    return rest.decode(errors="replace").replace("\0", ""), marks


MARKED_TEXTS = [
    bytes([2, 0, 4, 9, 0, 1, 8, 7, 0]) + TEXT.encode(),
    bytes([3, 6, 6, 9, 5, 8, 4, 30, 0, 7, 20, 9, 3]) + b"a\n> b\n\n1. c `d` &amp; e\n- f",
    bytes([1, 9, 4, 40, 0]) + b"https://a.b/c_d*e",
    # What was found.
    bytes([1, 6, 4, 5, 0]) + b"x > y",
    bytes([2, 8, 4, 8, 0, 6, 5, 13, 0]) + b"p; q # r",
    bytes([2, 9, 4, 9, 0, 5, 5, 7, 0]) + b"ps:_#",
    bytes([1, 4, 5, 7, 0]) + b"c_c_d",
]


def fuzz_markdown(data: bytes) -> None:
    """Any entities over any text: the words stay, nothing leaks out."""
    text, marks = read_marks(data)
    check_markdown(text, to_markdown(text, marks))
