"""A post's Markdown as HTML that is safe wherever it is shown.

Only the HTML tags that `sources.markdown` writes pass, and open ones are closed; any other `<` is
text. Images are left out (they would tell a server who reads what). A link goes to the web, to
Telegram, to mail or a phone, never to a script or a file beside the page. Knows no page.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

_TAG = re.compile(r"<(/?)(b|i|s|u|sub|sup|mark)>")
_ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]}'»”…]")
_REL = "noopener noreferrer nofollow"
_SCHEMES = {"http", "https", "tg", "mailto", "tel"}


def to_html(markdown: str) -> str:
    """Return the HTML of a post's Markdown: paragraphs, lists, quotes, code, links."""
    return _plain(markdown) or str(_reader().render(markdown))


_MARKS = "\\`*_[<~&|\r\0"
_BEGINNINGS = "#>+=-"


def _plain(markdown: str) -> str | None:
    """Return the HTML of Markdown without any marks, as most posts are; None: it may have some."""
    if any(mark in markdown for mark in _MARKS):
        return None
    shown = []
    for block in markdown.split("\n\n"):
        lines = block.strip("\n").split("\n")
        if lines == [""]:
            continue
        for line in lines:
            if line != line.strip() or line[:1] in _BEGINNINGS or line[0].isdigit():
                return None
        words = "<br>\n".join(map(_with_links if "http" in block else escape, lines))
        shown.append(f"<p>{words}</p>\n")
    return "".join(shown)


@functools.cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"breaks": True}, renderer_cls=_Renderer)
    reader.enable("strikethrough")
    reader.disable(["html_block", "image", "reference", "text_join"])
    reader.validateLink = _is_harmless  # type: ignore[method-assign]
    reader.options["maxNesting"] = 20
    return reader


def _is_harmless(url: str) -> bool:
    try:
        return urlsplit(re.sub(r"[\x00-\x20]", "", url)).scheme.lower() in _SCHEMES
    except ValueError:
        return False


class _Renderer(RendererHTML):
    """markdown-it's renderer with our rules for raw HTML, bare addresses, and spoilers (`||`)."""

    def renderInline(self, tokens: Sequence[Token], options: Any, env: Any) -> str:  # noqa: N802
        shown: list[str] = []
        opened: list[str] = []
        in_link = False
        for at, token in enumerate(tokens):
            match token.type:
                case "html_inline":
                    shown.append(_raw(token.content, opened))
                case "text_special":  # an escaped letter: an author's own star, bar or bracket
                    shown.append(escape(token.content))
                case "text":
                    shown += _text(token.content, opened, in_link=in_link)
                case "code_inline":
                    shown.append(f"<code>{escape(token.content)}</code>")
                case "hardbreak" | "softbreak":
                    shown.append("<br>\n")
                case _:
                    in_link = token.type == "link_open" or (in_link and token.type != "link_close")
                    if token.type == "link_open":
                        token.attrSet("rel", _REL)
                    shown.append(self.renderToken(tokens, at, options, env))
        shown += [f"</{name}>" for name in reversed(opened)]
        return "".join(shown)


def _raw(tag: str, opened: list[str]) -> str:
    found = _TAG.fullmatch(tag)
    if found is None:
        return escape(tag)
    name = found[2]
    if not found[1]:
        opened.append(name)
        return tag
    if opened[-1:] == [name]:
        opened.pop()
        return tag
    return ""


def _text(text: str, opened: list[str], *, in_link: bool) -> Iterator[str]:
    for at, part in enumerate(text.split("||")):
        if at and opened[-1:] == ["span"]:
            opened.pop()
            yield "</span>"
        elif at:
            opened.append("span")
            yield '<span class="spoiler" tabindex="0">'
        yield escape(part) if in_link else _with_links(part)


def _with_links(text: str) -> str:
    shown = []
    end = 0
    for found in _ADDRESS.finditer(text):
        address = escape(found[0])
        shown += [escape(text[end : found.start()])]
        shown += [f'<a href="{address}" rel="{_REL}">{address}</a>']
        end = found.end()
    return "".join([*shown, escape(text[end:])])
