"""The web preview: any bytes as a page."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from fuzz.posts import check
from support.make import CHANNEL
from tgtagger.model.posts import PostData, StoredRawRecord
from tgtagger.sources.preview.convert import convert, reconvert
from tgtagger.sources.preview.page import read_instead, read_page

_VIEW = base64.urlsafe_b64encode(json.dumps({"c": -1234567890, "p": 1}).encode()).decode()
_TEXT = (
    'Hello <b>bold <i>both</i></b> <a href="https://e.org/x_y">https://e.org/x_y</a><br>'
    '<a href="?q=%23news">#news</a> <tg-emoji emoji-id="5"><i class="emoji"><b>😄</b></i>'
    "</tg-emoji>"
    "<tg-spoiler>hidden</tg-spoiler> <code>a*b</code><pre>x = 1</pre>"
    "<blockquote expandable>said</blockquote>"
)
_HEAD = (
    '<div class="tgme_channel_info_header_title">News</div>'
    '<div class="tgme_channel_info_header_username"><a>@news</a></div>'
)
_PARTS = (
    '<a class="tgme_widget_message_forwarded_from_name" href="https://t.me/orig/7">Orig</a>'
    '<a class="tgme_widget_message_reply" href="https://t.me/news/9"><div class='
    '"tgme_widget_message_text js-message_reply_text">quoted</div></a>'
    '<div class="tgme_widget_message_grouped_wrap">'
    '<a class="tgme_widget_message_photo_wrap" style="width:400px" href="https://t.me/news/10"></a>'
    '<a class="tgme_widget_message_photo_wrap" href="https://t.me/news/11?single"></a></div>'
    '<a class="tgme_widget_message_video_player"><time class="message_video_duration">0:42</time>'
    '</a><a class="tgme_widget_message_document_wrap"><div class="tgme_widget_message_document_'
    'title">a.pdf</div></a><div class="tgme_widget_message_poll"><div class='
    '"tgme_widget_message_poll_question">Why?</div><div class="tgme_widget_message_poll_option_text'
    '">so</div></div><a class="tgme_widget_message_link_preview" href="https://e.org"><div '
    'class="link_preview_title">T</div></a>'
)
_FOOT = (
    '<div class="tgme_widget_message_reactions"><span class="tgme_reaction"><i class="emoji">'
    "<b>👍</b></i>1.2K</span></div>"
    '<span class="tgme_widget_message_views">1.95M</span>'
    '<span class="tgme_widget_message_from_author">Ann</span>'
    '<a class="tgme_widget_message_date"><time datetime="2026-05-01T10:00:00+03:00">10</time></a>'
)


def message(number: int, text: str, parts: str = "") -> str:
    return (
        f'<div class="tgme_widget_message js-widget_message" data-post="news/{number}" '
        f'data-view="{_VIEW}">{parts}'
        f'<div class="tgme_widget_message_text js-message_text">{text}</div>{_FOOT}</div>'
    )


_SERVICE = '<div class="tgme_widget_message service_message" data-post="news/9">pinned</div>'


def page(*messages: str) -> str:
    inside = "".join(f'<div class="tgme_widget_message_wrap">{each}</div>' for each in messages)
    return f'{_HEAD}<section class="tgme_channel_history">{inside}</section>'


_REAL = Path(os.environ.get("TGTAGGER_TEST_DATA", "no such folder")) / "preview"
INPUTS = [
    page(
        message(10, _TEXT, _PARTS), message(12, "see <a href='//t.me/o/5'>o</a>"), _SERVICE
    ).encode(),
    b'<div class="tgme_page_title">News</div><div class="tgme_page_extra">9 subscribers</div>',
    *(path.read_bytes() for path in sorted(_REAL.glob("*.html"))),
    # What was found.
    page(
        message(10, "x", _PARTS.replace("orig/7", "orig/²").replace("news/11", "news/0"))
    ).encode(),
    page(message(10, "x").replace("1.95M", f"{'9' * 400}K")).encode(),
    page(message(10, "a\r> b<pre>c</pre># d<code>e\n\nf</code>")).encode(),
    page('<div class="tgme_widget_message" data-post="news/8">' * 50).encode(),
    # What reached what nothing else did.
    page(
        message(
            10,
            '<code>a <b>b</b></code> <a href="https://t.me/ann">@ann</a><script>x</script>',
            _PARTS.replace("link_preview_title", "link_preview_site_name"),
        ).replace("1.2K", "..")
    ).encode(),
]


def fuzz_preview(data: bytes) -> None:
    """A page, perhaps: of posts that are what they should be, no longer than it is."""
    html = data.decode(errors="replace")
    assert read_instead(html) in {"channel", "group", "person", "nothing", "foreign"}
    found = read_page(html)
    if found is None:
        return
    assert found.number is None or 0 < found.number < 2**63
    for each in found.messages:
        item = convert(each)
        check(item)
        if isinstance(item, PostData):
            assert item.raw is not None
            assert reconvert(StoredRawRecord(CHANNEL, "preview", item.raw.data)) == item
            assert len(item.text) <= len(html)
            assert item.ids[-1] - item.ids[0] < 20
