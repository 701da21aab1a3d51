"""Posts as an RSS 2.0 feed, the newest first: a title, the text as HTML, tags as categories.

All that a reader shows comes through `richtext`, so that no post can run anything there. Knows no
store.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.utils import format_datetime
from html import escape
from typing import BinaryIO
from xml.sax import saxutils

from tgtagger import __version__
from tgtagger.export import captions
from tgtagger.export.richtext import to_html
from tgtagger.model.stored import Post

_LINK = "https://t.me/"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(posts: Iterable[Post], stream: BinaryIO, *, title: str) -> int:
    """Write posts as a feed with this title; return how many."""
    namespace = "http://purl.org/dc/elements/1.1/"
    beginning = (
        '<?xml version="1.0" encoding="utf-8"?>\n',
        f'<rss version="2.0" xmlns:dc="{namespace}"><channel>',
        _element("title", title),
        _element("link", _LINK),
        _element("description", f"Telegram posts kept by tgtagger: {title}"),
        _element("generator", f"tgtagger {__version__}"),
    )
    stream.write("".join(beginning).encode())
    count = 0
    for post in posts:
        if (
            post.date and not count
        ):  # the post's time, not the clock's: the same posts make the same file
            stream.write(_element("lastBuildDate", format_datetime(post.date)).encode())
        stream.write("".join(_item(post)).encode())
        count += 1
    stream.write(b"</channel></rss>")
    return count


def _element(name: str, text: str, attributes: str = "") -> str:
    if not text:
        return f"<{name}{attributes}/>\n"
    words = saxutils.escape(text if text.isprintable() else _NOT_XML.sub("\ufffd", text))
    return f"<{name}{attributes}>{words}</{name}>\n"


def _item(post: Post) -> Iterator[str]:
    yield "<item>"
    yield _element("title", captions.caption(post))
    if post.url:
        yield _element("link", post.url)
    # The link would not do: it changes with the channel's name.
    name = f"tgtagger:{post.channel.id}/{post.id.message_id}"
    yield _element("guid", name, ' isPermaLink="false"')
    if post.date:
        yield _element("pubDate", format_datetime(post.date))
    facts = [
        *filter(None, [captions.origin(post)]),
        *([f"answers message {post.reply_to}"] if post.reply_to else []),
        *captions.notes(post),
    ]
    notes = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    html = to_html(_NOT_XML.sub("\ufffd", post.markdown)) + (f"<ul>{notes}</ul>" if notes else "")
    yield _element("description", html)
    yield _element("dc:creator", post.channel.title)
    for tag in post.tags:
        yield _element("category", tag)
    yield "</item>\n"
