"""A page of the web preview: whose it is, its messages, or what it is instead. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from selectolax.lexbor import LexborHTMLParser

from tgtagger.sources.names import username
from tgtagger.sources.preview.convert import channel_number

DEEPEST = 1000
"""Elements within elements; real pages have some twenty."""

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
         "track", "wbr"}  # fmt: skip


def nests_too_deeply(html: str) -> bool:
    """Tell whether a page would keep the parser busy: its time grows with the depth's square."""
    depth = 0
    for found in _TAG.finditer(html):
        if found[2].lower() not in _VOID:
            depth = max(depth - 1, 0) if found[1] else depth + 1
        if depth > DEEPEST:
            return True
    return False


Instead = Literal["channel", "group", "person", "nothing"]
"""What a page without messages is about: a channel without a preview, …"""


_MESSAGE = ".tgme_widget_message[data-post]"


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """`messages` are HTML, in the page's order (oldest first)."""

    title: str | None
    username: str | None
    number: int | None
    messages: tuple[str, ...]


def read_page(html: str) -> PreviewPage | None:
    """Return a page of messages; None for a page of another kind."""
    tree = LexborHTMLParser(html)
    if tree.css_first(".tgme_channel_history") is None:
        return None
    title = tree.css_first(".tgme_channel_info_header_title")
    name = tree.css_first(".tgme_channel_info_header_username a")
    inside = {node.mem_id for node in tree.css(f"{_MESSAGE} {_MESSAGE}")}
    nodes = [node for node in tree.css(_MESSAGE) if node.mem_id not in inside]
    numbers = (channel_number(node) for node in nodes)
    return PreviewPage(
        title.text(strip=True) if title is not None else None,
        username(name.text(strip=True).removeprefix("@")) if name is not None else None,
        next((number for number in numbers if number is not None), None),
        tuple(node.html or "" for node in nodes),
    )


def read_instead(html: str) -> Instead:
    """Tell what a name stands for when it has no preview."""
    tree = LexborHTMLParser(html)
    extra = tree.css_first(".tgme_page_extra")
    words = extra.text(strip=True).lower() if extra is not None else ""
    if tree.css_first(".tgme_page_title") is None:
        return "nothing"
    if "subscriber" in words:
        return "channel"
    if "member" in words or "online" in words:
        return "group"
    return "person"
