"""Read a page of the web preview: its channel and messages, or the kind of another page. Pure.

A page that does not look like t.me is refused before it is parsed: the parser's time grows with the
square of the depth of elements. Knows no post.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tgtagger.model.refs import username
from tgtagger.sources.preview.convert import channel_number, line

Instead = Literal["channel", "group", "person", "nothing", "foreign"]
"""The subject of a page without messages. "channel": it has no preview; "foreign": the page is
not Telegram's."""

TAGS = 25_000
"""Tags of a page at most; real ones have some 3,000."""

LONGEST = 100_000
"""Letters at most between the beginnings of two tags: one tag with its attributes, or a text."""

MESSAGES = 200
"""Messages of a page at most; real ones have some 20."""

DEEPEST = 1000
"""Elements within elements; real pages have some twenty."""

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
         "track", "wbr"}  # fmt: skip
_MESSAGE = ".tgme_widget_message[data-post]"


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """`messages` are HTML, in the page's order (oldest first); `older`: older messages exist."""

    title: str | None
    username: str | None
    number: int | None
    messages: tuple[str, ...]
    older: bool = False


def read_page(html: str) -> PreviewPage | None:
    """Return a page of messages; None for a page of another kind."""
    tree = _parse(html)
    if tree is None or tree.css_first(".tgme_channel_history") is None:
        return None
    title = tree.css_first(".tgme_channel_info_header_title")
    name = tree.css_first(".tgme_channel_info_header_username a")
    if len(tree.css(_MESSAGE)) > MESSAGES:
        return None
    inside = {node.mem_id for node in tree.css(f"{_MESSAGE} {_MESSAGE}")}
    nodes = [node for node in tree.css(_MESSAGE) if node.mem_id not in inside]
    numbers = [channel_number(node) for node in nodes]
    number = next((number for number in numbers if number is not None), None)
    own = username((line(name) or "").removeprefix("@"))
    return PreviewPage(
        line(title),
        own,
        number,
        tuple(  # without those of another channel
            node.html or ""
            for node, of in zip(nodes, numbers, strict=True)
            if of == number or (of is None and _has_name(node, own))
        ),
        tree.css_first('link[rel="prev"], a.tme_messages_more[data-before]') is not None,
    )


def _has_name(node: LexborNode, own: str | None) -> bool:
    """Tell whether a message may belong to a channel of this name."""
    name = (node.attributes.get("data-post") or "").partition("/")[0]
    return own is None or name.lower() == own.lower()


def read_instead(html: str) -> Instead:
    """Tell what a name without a preview stands for."""
    tree = _parse(html)
    if tree is None or tree.css_first('[class*="tgme_"]') is None:
        return "foreign"
    if tree.css_first(".tgme_channel_history") is not None:
        return "foreign"  # a page that `read_page` did not recognise
    extra = tree.css_first(".tgme_page_extra")
    words = (line(extra) or "").lower()
    if tree.css_first(".tgme_page_title") is None:
        return "nothing"
    if "subscriber" in words:
        return "channel"
    if "member" in words or "online" in words:
        return "group"
    return "person"


def _parse(html: str) -> LexborHTMLParser | None:
    """Return the tree of a page; None for a page that does not look like Telegram's."""
    pieces = html.split("<", TAGS + 1)
    if len(pieces) > TAGS + 1 or max(map(len, pieces)) > LONGEST or _nests_too_deeply(html):
        return None
    return LexborHTMLParser(html)


def _nests_too_deeply(html: str) -> bool:
    depth = 0
    for found in _TAG.finditer(html):
        if found[2].lower() not in _VOID:
            depth = max(depth - 1, 0) if found[1] else depth + 1
        if depth > DEEPEST:
            return True
    return False
