"""Posts as an RSS 2.0 feed, the newest first: a title, the text as HTML, tags as categories.

All that a reader shows comes through `richtext`, so that no post can run anything there. Knows no
store.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import format_datetime
from html import escape
from typing import BinaryIO
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from tgtagger import __version__
from tgtagger.export import captions
from tgtagger.export.richtext import to_html
from tgtagger.model.archive import Post

_LINK = "https://t.me/"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(posts: Iterable[Post], stream: BinaryIO, *, title: str) -> int:
    """Write posts as a feed with this title; return how many."""
    out = _Writer(stream)
    out.startDocument()
    out.open("rss", {"version": "2.0", "xmlns:dc": "http://purl.org/dc/elements/1.1/"})
    out.open("channel")
    out.element("title", title)
    out.element("link", _LINK)
    out.element("description", f"Telegram posts kept by tgtagger: {title}")
    out.element("generator", f"tgtagger {__version__}")
    count = 0
    for post in posts:
        if (
            post.date and not count
        ):  # the post's time, not the clock's: the same posts make the same file
            out.element("lastBuildDate", format_datetime(post.date))
        _write_item(out, post)
        count += 1
    out.endElement("channel")
    out.endElement("rss")
    out.endDocument()
    return count


class _Writer(XMLGenerator):
    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream, encoding="utf-8", short_empty_elements=True)

    def open(self, name: str, attributes: dict[str, str] | None = None) -> None:
        self.startElement(name, AttributesImpl(attributes or {}))

    def element(self, name: str, text: str, attributes: dict[str, str] | None = None) -> None:
        self.open(name, attributes)
        self.characters(_NOT_XML.sub("\ufffd", text))
        self.endElement(name)
        self.ignorableWhitespace("\n")


def _write_item(out: _Writer, post: Post) -> None:
    out.open("item")
    out.element("title", captions.caption(post))
    if post.url:
        out.element("link", post.url)
    # The link would not do: it changes with the channel's name.
    out.element(
        "guid", f"tgtagger:{post.channel.id}/{post.id.message_id}", {"isPermaLink": "false"}
    )
    if post.date:
        out.element("pubDate", format_datetime(post.date))
    facts = [
        *filter(None, [captions.origin(post)]),
        *([f"answers message {post.reply_to}"] if post.reply_to else []),
        *captions.notes(post),
    ]
    notes = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    html = to_html(_NOT_XML.sub("\ufffd", post.markdown)) + (f"<ul>{notes}</ul>" if notes else "")
    out.element("description", html)
    out.element("dc:creator", post.channel.title)
    for tag in post.tags:
        out.element("category", tag)
    out.endElement("item")
    out.ignorableWhitespace("\n")
