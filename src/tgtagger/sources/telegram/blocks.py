"""A rich message (2026: headings, lists, tables, formulas) as plain text and Markdown. Pure.

Reads Telegram's plain form. A block that is not known keeps its words. Media inside blocks are
described; those of the message itself are not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tgtagger.sources.telegram import media
from tgtagger.sources.telegram.media import string
from tgtagger.sources.telegram.richtext import DEPTH, NOTHING, Line, line, plain, unknown
from tgtagger.types import Media

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RichText:
    """A rich message for the archive. `problem` says why something is missing."""

    text: str
    markdown: str
    media: tuple[Media, ...] = ()
    problem: str | None = None


@dataclass(slots=True)
class _Reader:
    """What the blocks refer to, and what was met on the way."""

    photos: dict[object, Node] = field(default_factory=dict)
    documents: dict[object, Node] = field(default_factory=dict)
    media: list[Media] = field(default_factory=list)
    too_deep: bool = False

    def block(self, node: object, depth: int = 0) -> Line:
        if not isinstance(node, dict):
            return NOTHING
        if depth > DEPTH:
            self.too_deep = True
            return NOTHING
        write = BLOCKS.get(str(node.get("_", "")))
        return write(self, node, depth + 1) if write else unknown(node, depth + 1)

    def blocks(self, nodes: object, depth: int) -> Line:
        nodes = nodes if isinstance(nodes, list) else []
        return _stack(self.block(node, depth) for node in nodes)


def rich_text(message: object) -> RichText:
    """Return a RichMessage's words, and the media in it."""
    if not isinstance(message, dict):
        return RichText("", "", problem="its rich text cannot be read")
    reader = _Reader(_by_id(message.get("photos")), _by_id(message.get("documents")))
    found = reader.blocks(message.get("blocks"), 0)
    problem = None
    if message.get("part"):
        problem = "only a part of its rich text came"
    elif reader.too_deep:
        problem = "its rich text is nested too deeply"
    return RichText(found.text, found.markdown, tuple(reader.media), problem)


def _by_id(items: object) -> dict[object, Node]:
    found = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return {item.get("id"): item for item in found if isinstance(item.get("id"), int)}


def _stack(parts: Iterable[Line], between: str = "\n\n") -> Line:
    kept = [part for part in parts if part.text.strip() or part.markdown.strip()]
    return Line(
        between.join(part.text for part in kept if part.text.strip()),
        between.join(part.markdown for part in kept),
    )


def _indent(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    return "\n".join([first + lines[0], *(rest + each if each else each for each in lines[1:])])


# ---- the blocks


def _text(_reader: _Reader, node: Node, depth: int) -> Line:
    return line(node.get("text"), depth)


def _heading(level: int) -> Callable[[_Reader, Node, int], Line]:
    def write(_reader: _Reader, node: Node, depth: int) -> Line:
        found = line(node.get("text"), depth)
        return Line(found.text, f"{'#' * level} {found.markdown}") if found else found

    return write


def _math(_reader: _Reader, node: Node, _depth: int) -> Line:
    source = string(node.get("source")) or ""
    return Line(source, f"$$\n{source}\n$$" if source else "")


def _divider(_reader: _Reader, _node: Node, _depth: int) -> Line:
    return Line("", "---")


def _author(_reader: _Reader, node: Node, depth: int) -> Line:
    return line(node.get("author"), depth)


def _fenced(_reader: _Reader, node: Node, depth: int) -> Line:
    found = line(node.get("text"), depth)
    fence = "```"
    while fence in found.text:
        fence += "`"
    language = "".join((string(node.get("language")) or "").split()).replace("`", "")
    return Line(found.text, f"{fence}{language}\n{found.text}\n{fence}") if found else found


def _quote(found: Line) -> Line:
    return Line(found.text, _indent(found.markdown, "> ", "> ").replace("\n\n", "\n>\n"))


def _blockquote(reader: _Reader, node: Node, depth: int) -> Line:
    body = (
        reader.blocks(node.get("blocks"), depth) if "blocks" in node else _text(reader, node, depth)
    )
    return _quote(_stack([body, line(node.get("caption"), depth)], "\n"))


def _caption(node: Node, depth: int) -> Line:
    caption = node.get("caption")
    if not isinstance(caption, dict):
        return NOTHING
    return _stack([line(caption.get("text"), depth), line(caption.get("credit"), depth)], "\n")


def _photo(reader: _Reader, node: Node, depth: int) -> Line:
    reader.media.append(media.photo(reader.photos.get(node.get("photo_id"))))
    return _caption(node, depth)


def _file(key: str) -> Callable[[_Reader, Node, int], Line]:
    def write(reader: _Reader, node: Node, depth: int) -> Line:
        reader.media.append(media.document(reader.documents.get(node.get(key))))
        return _caption(node, depth)

    return write


def _several(reader: _Reader, node: Node, depth: int) -> Line:
    return _stack([reader.blocks(node.get("items"), depth), _caption(node, depth)])


def _embed(_reader: _Reader, node: Node, depth: int) -> Line:
    url = string(node.get("url"))
    return _stack([Line(url, f"<{url}>") if url else NOTHING, _caption(node, depth)])


def _embedded_post(reader: _Reader, node: Node, depth: int) -> Line:
    url = string(node.get("url"))
    return _stack(
        [
            plain(string(node.get("author")) or ""),
            reader.blocks(node.get("blocks"), depth),
            Line(url, f"<{url}>") if url else NOTHING,
            _caption(node, depth),
        ]
    )


def _channel(_reader: _Reader, node: Node, _depth: int) -> Line:
    channel = node.get("channel")
    return plain(string(channel.get("title")) or "") if isinstance(channel, dict) else NOTHING


def _cover(reader: _Reader, node: Node, depth: int) -> Line:
    return reader.block(node.get("cover"), depth)


def _map(reader: _Reader, node: Node, depth: int) -> Line:
    place = media.media_of({"_": "MessageMediaGeo", "geo": node.get("geo")})
    if place is not None:
        reader.media.append(place)
    return _caption(node, depth)


def _details(reader: _Reader, node: Node, depth: int) -> Line:
    title = line(node.get("title"), depth)
    shown = Line(title.text, f"**{title.markdown}**") if title else title
    return _stack([shown, reader.blocks(node.get("blocks"), depth)])


def _list(reader: _Reader, node: Node, depth: int) -> Line:
    return _stack((_item(reader, item, depth, "•", "-") for item in _nodes(node, "items")), "\n")


def _numbered(reader: _Reader, node: Node, depth: int) -> Line:
    items = _nodes(node, "items")
    start = node.get("start")
    number = start if type(start) is int else len(items) if node.get("reversed") else 1
    step = -1 if node.get("reversed") else 1
    lines = []
    for item in items:
        value = item.get("value")
        number = value if type(value) is int else number
        label = (string(item.get("num")) or str(number)).rstrip(".")
        lines.append(_item(reader, item, depth, f"{label}.", f"{max(number, 0)}."))
        number += step
    return _stack(lines, "\n")


def _item(reader: _Reader, item: Node, depth: int, mark: str, markdown_mark: str) -> Line:
    body = (
        reader.blocks(item.get("blocks"), depth)
        if "blocks" in item
        else line(item.get("text"), depth)
    )
    if item.get("checkbox"):
        done = bool(item.get("checked"))
        body = Line(
            f"{'☑' if done else '☐'} {body.text}", f"[{'x' if done else ' '}] {body.markdown}"
        )
    if not body:
        return body
    return Line(
        _indent(body.text, f"{mark} ", " " * (len(mark) + 1)),
        _indent(body.markdown, f"{markdown_mark} ", " " * (len(markdown_mark) + 1)),
    )


def _nodes(node: Node, key: str) -> list[Node]:
    items = node.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _table(_reader: _Reader, node: Node, depth: int) -> Line:
    rows = [
        [line(cell.get("text"), depth) for cell in _nodes(row, "cells")]
        for row in _nodes(node, "rows")
    ]
    title = line(node.get("title"), depth)
    if not rows:
        return title
    width = max(len(row) for row in rows)

    def drawn(row: list[Line]) -> str:
        cells = [cell.markdown.replace("|", "\\|").replace("\\\\|", "\\|") for cell in row]
        cells = [" ".join(cell.split("\n")) for cell in cells] + [""] * (width - len(row))
        return f"| {' | '.join(cells)} |"

    lines = [drawn(rows[0]), f"|{' --- |' * width}", *(drawn(row) for row in rows[1:])]
    words = "\n".join(" | ".join(" ".join(cell.text.split("\n")) for cell in row) for row in rows)
    return _stack([title, Line(words, "\n".join(lines))])


def _articles(_reader: _Reader, node: Node, depth: int) -> Line:
    found = [line(node.get("title"), depth)]
    for article in _nodes(node, "articles"):
        facts = (string(article.get(key)) for key in ("title", "description", "author", "url"))
        found.append(_stack((plain(fact) for fact in facts if fact), "\n"))
    return _stack(found)


def _buttons(_reader: _Reader, node: Node, depth: int) -> Line:
    return _stack((unknown(button, depth) for button in _nodes(node, "buttons")), " · ")


def _unsupported(_reader: _Reader, _node: Node, _depth: int) -> Line:
    return NOTHING


BLOCKS: dict[str, Callable[[_Reader, Node, int], Line]] = {
    "PageBlockAnchor": _unsupported,  # a place to jump to: no words
    "PageBlockAudio": _file("audio_id"),
    "PageBlockAuthorDate": _author,
    "PageBlockBlockquote": _blockquote,
    "PageBlockBlockquoteBlocks": _blockquote,
    "PageBlockButtonRow": _buttons,
    "PageBlockChannel": _channel,
    "PageBlockCollage": _several,
    "PageBlockCover": _cover,
    "PageBlockDetails": _details,
    "PageBlockDivider": _divider,
    "PageBlockDocument": _file("document_id"),
    "PageBlockEmbed": _embed,
    "PageBlockEmbedPost": _embedded_post,
    "PageBlockFooter": _text,
    "PageBlockHeader": _heading(2),
    "PageBlockHeading1": _heading(1),
    "PageBlockHeading2": _heading(2),
    "PageBlockHeading3": _heading(3),
    "PageBlockHeading4": _heading(4),
    "PageBlockHeading5": _heading(5),
    "PageBlockHeading6": _heading(6),
    "PageBlockKicker": _text,
    "PageBlockList": _list,
    "PageBlockMap": _map,
    "PageBlockMath": _math,
    "PageBlockOrderedList": _numbered,
    "PageBlockParagraph": _text,
    "PageBlockPhoto": _photo,
    "PageBlockPreformatted": _fenced,
    "PageBlockPullquote": _blockquote,
    "PageBlockRelatedArticles": _articles,
    "PageBlockSlideshow": _several,
    "PageBlockSubheader": _heading(3),
    "PageBlockSubtitle": _heading(2),
    "PageBlockTable": _table,
    "PageBlockThinking": _text,
    "PageBlockTitle": _heading(1),
    "PageBlockUnsupported": _unsupported,
    "PageBlockVideo": _file("video_id"),
}
"""Every block that Telethon's layer knows; tests/sources/telegram compares."""
