"""A rich message (2026: headings, lists, tables, formulas) as plain text and Markdown. Pure.

Reads Telegram's plain form. An unknown block keeps its words. Media inside blocks are described.
Knows nothing about the media of the message itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from tgtagger.model.choices import MediaType
from tgtagger.model.posts import Media
from tgtagger.sources.markdown import language_of
from tgtagger.sources.telegram import media
from tgtagger.sources.telegram.inline import (
    DEPTH,
    INLINE,
    NOTHING,
    Line,
    address,
    children,
    formula,
    name,
    plain,
    read,
)
from tgtagger.sources.telegram.media import records, string, whole

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RichText:
    """A rich message for the archive. `problem` says why a part is missing."""

    text: str
    markdown: str
    media: tuple[Media, ...] = ()
    problem: str | None = None


@dataclass(slots=True)
class _Reader:
    """Reads blocks: holds the media they refer to, and the media and problems found."""

    photos: dict[int, Node] = field(default_factory=dict)
    documents: dict[int, Node] = field(default_factory=dict)
    media: list[Media] = field(default_factory=list)
    too_deep: bool = False
    unsupported: bool = False

    def block(self, node: object, depth: int = 0) -> Line:
        if isinstance(node, str):
            return plain(node)
        if not isinstance(node, dict | list):
            return NOTHING
        if depth > DEPTH:
            self.too_deep = True
            return NOTHING
        if isinstance(node, list):
            return self.blocks(node, depth + 1)
        write = BLOCKS.get(name(node))
        if write is not None:
            return write(self, node, depth + 1)
        if name(node).startswith("Text"):
            return self.line(node, depth)
        return self._unknown(node, depth + 1)

    def blocks(self, nodes: object, depth: int) -> Line:
        nodes = nodes if isinstance(nodes, list) else []
        return _stack([self.block(node, depth) for node in nodes])

    def line(self, node: object, depth: int) -> Line:
        found = read(node, depth)
        self.too_deep |= found.too_deep
        for image in found.images:
            if whole(image.get("document_id")) in self.documents:
                self.add_document(image.get("document_id"), "document")
        return found.line

    def add_photo(self, number: object, url: str | None = None) -> None:
        photo = media.photo(self.photos.get(whole(number) or 0))
        self.media.append(replace(photo, url=url))

    def add_document(self, number: object, kind: MediaType) -> None:
        document = self.documents.get(whole(number) or 0)
        self.media.append(Media(kind) if document is None else media.document(document))

    def _unknown(self, node: Node, depth: int) -> Line:
        """Return all words in an unknown block, and note its media."""
        for key, value in node.items():
            if key.endswith("_id") and type(value) is int:
                if value in self.photos:
                    self.add_photo(value)
                elif value in self.documents:
                    self.add_document(value, "document")
        parts = []
        for child in children(node):
            is_line = isinstance(child, list) and any(name(item) in INLINE for item in child)
            parts.append(self.line(child, depth) if is_line else self.block(child, depth))
        return _stack(parts)


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
    elif reader.unsupported:
        problem = "its rich text holds what this version cannot read: a newer one may"
    return RichText(found.text, found.markdown, tuple(reader.media), problem)


def _by_id(items: object) -> dict[int, Node]:
    return {number: item for item in records(items) if (number := whole(item.get("id")))}


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


def _text(reader: _Reader, node: Node, depth: int) -> Line:
    return reader.line(node.get("text"), depth)


def _heading(level: int) -> Callable[[_Reader, Node, int], Line]:
    def write(reader: _Reader, node: Node, depth: int) -> Line:
        found = reader.line(node.get("text"), depth)
        title = " ".join(found.markdown.split("\n")).strip()
        title = re.sub(r"(?<![#\\])(#+)$", r"\\\1", title)  # otherwise it would close the heading
        return Line(found.text, f"{'#' * level} {title}") if found else found

    return write


_NO_FORMULA = re.compile(r"^[ \t]*(?:[<#>=+*-]|\d+[.)]|```|~~~|$)|\r|&#?\w+;", re.MULTILINE)
"""Text that Markdown without formulas would read as other marks, perhaps to the post's end."""


def _math(_reader: _Reader, node: Node, _depth: int) -> Line:
    source = string(node.get("source")) or ""
    if not source.strip():
        return NOTHING
    if _NO_FORMULA.search(source):
        return Line(source, _fence(source, "math"))
    return Line(source, f"$$\n{formula(source)}\n$$")


def _divider(_reader: _Reader, _node: Node, _depth: int) -> Line:
    return Line("", "---")


def _author(reader: _Reader, node: Node, depth: int) -> Line:
    return reader.line(node.get("author"), depth)


def _fenced(reader: _Reader, node: Node, depth: int) -> Line:
    found = reader.line(node.get("text"), depth)
    language = language_of(string(node.get("language")))
    return Line(found.text, _fence(found.text, language)) if found else found


def _fence(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _quote(found: Line) -> Line:
    if not found.markdown:
        return found
    lines = found.markdown.split("\n")
    return Line(found.text, "\n".join(f"> {each}" if each else ">" for each in lines))


def _blockquote(reader: _Reader, node: Node, depth: int) -> Line:
    body = (
        reader.blocks(node.get("blocks"), depth) if "blocks" in node else _text(reader, node, depth)
    )
    return _quote(_stack([body, reader.line(node.get("caption"), depth)], "\n"))


def _caption(reader: _Reader, node: Node, depth: int) -> Line:
    caption = node.get("caption")
    if not isinstance(caption, dict) or name(caption) != "PageCaption":
        return reader.line(caption, depth)
    parts = [reader.line(caption.get(key), depth) for key in ("text", "credit")]
    return _stack(parts, "\n")


def _photo(reader: _Reader, node: Node, depth: int) -> Line:
    reader.add_photo(node.get("photo_id"), string(node.get("url")))
    return _caption(reader, node, depth)


def _file(key: str, kind: MediaType) -> Callable[[_Reader, Node, int], Line]:
    def write(reader: _Reader, node: Node, depth: int) -> Line:
        reader.add_document(node.get(key), kind)
        return _caption(reader, node, depth)

    return write


def _several(reader: _Reader, node: Node, depth: int) -> Line:
    return _stack([reader.blocks(node.get("items"), depth), _caption(reader, node, depth)])


def _embed(reader: _Reader, node: Node, depth: int) -> Line:
    return _stack([address(node.get("url")), _caption(reader, node, depth)])


def _embedded_post(reader: _Reader, node: Node, depth: int) -> Line:
    return _stack(
        [
            plain(node.get("author")),
            reader.blocks(node.get("blocks"), depth),
            address(node.get("url")),
            _caption(reader, node, depth),
        ]
    )


def _channel(_reader: _Reader, node: Node, _depth: int) -> Line:
    channel = node.get("channel")
    return plain(channel.get("title")) if isinstance(channel, dict) else NOTHING


def _cover(reader: _Reader, node: Node, depth: int) -> Line:
    return reader.block(node.get("cover"), depth)


def _map(reader: _Reader, node: Node, depth: int) -> Line:
    place = media.media_of({"_": "MessageMediaGeo", "geo": node.get("geo")})
    if place is not None:
        reader.media.append(place)
    return _caption(reader, node, depth)


def _details(reader: _Reader, node: Node, depth: int) -> Line:
    title = reader.line({"_": "TextBold", "text": node.get("title")}, depth)
    return _stack([title, reader.blocks(node.get("blocks"), depth)])


def _list(reader: _Reader, node: Node, depth: int) -> Line:
    return _stack(
        [_item(reader, item, depth, "•", "-") for item in records(node.get("items"))], "\n"
    )


def _numbered(reader: _Reader, node: Node, depth: int) -> Line:
    items = records(node.get("items"))
    number = _ordinal(node.get("start"), len(items) if node.get("reversed") else 1)
    step = -1 if node.get("reversed") else 1
    lines = []
    for item in items:
        number = _ordinal(item.get("value"), number)
        label = (string(item.get("num")) or str(number)).rstrip(".")
        lines.append(_item(reader, item, depth, f"{label}.", f"{max(number, 0)}."))
        number += step
    return _stack(lines, "\n")


def _ordinal(value: object, otherwise: int) -> int:
    return value if type(value) is int and abs(value) < 10**9 else otherwise


def _item(reader: _Reader, item: Node, depth: int, mark: str, markdown_mark: str) -> Line:
    if "blocks" in item:
        body = reader.blocks(item.get("blocks"), depth)
    elif "text" in item:
        body = reader.line(item.get("text"), depth)
    else:
        body = reader.block(item, depth)
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


def _table(reader: _Reader, node: Node, depth: int) -> Line:
    title = reader.line(node.get("title"), depth)
    rows = [_row(reader, row, depth) for row in records(node.get("rows"))]
    width = max((len(row) for row in rows), default=0)
    if not width:
        return title
    # GFM has no table without a heading; a row may be shorter than it.
    rows[0] += [NOTHING] * (width - len(rows[0]))
    drawn = [f"| {' | '.join(cell.markdown for cell in row)} |" for row in rows]
    drawn.insert(1, f"|{' --- |' * width}")
    words = (" | ".join(cell.text for cell in row if cell) for row in rows)
    return _stack([title, Line("\n".join(filter(None, words)), "\n".join(drawn))])


def _row(reader: _Reader, row: Node, depth: int) -> list[Line]:
    cells = []
    for node in records(row.get("cells")) if "cells" in row else [row]:
        cell = reader.line(node.get("text") if "text" in node else node, depth)
        markdown = re.sub(r"\\.|\|", _escape_bar, " ".join(cell.markdown.split("\n")))
        cells.append(Line(" ".join(cell.text.split("\n")), markdown))
        # A cell over several columns stands in the first.
        cells += [NOTHING] * (min(whole(node.get("colspan")) or 1, 32) - 1)
    return cells


def _escape_bar(found: re.Match[str]) -> str:
    return "\\|" if found.group() == "|" else found.group()


def _articles(reader: _Reader, node: Node, depth: int) -> Line:
    found = [reader.line(node.get("title"), depth)]
    for article in records(node.get("articles")):
        facts = [plain(article.get(key)) for key in ("title", "description", "author")]
        found.append(_stack([*facts, address(article.get("url"))], "\n"))
    return _stack(found)


def _buttons(reader: _Reader, node: Node, depth: int) -> Line:
    buttons = [{**button, "_": "TextButton"} for button in records(node.get("buttons"))]
    return _stack([reader.line(button, depth) for button in buttons], " · ")


def _anchor(_reader: _Reader, _node: Node, _depth: int) -> Line:
    return NOTHING  # an anchor without words


def _unsupported(reader: _Reader, _node: Node, _depth: int) -> Line:
    reader.unsupported = True
    return NOTHING


BLOCKS: dict[str, Callable[[_Reader, Node, int], Line]] = {
    "PageBlockAnchor": _anchor,
    "PageBlockAudio": _file("audio_id", "audio"),
    "PageBlockAuthorDate": _author,
    "PageBlockBlockquote": _blockquote,
    "PageBlockBlockquoteBlocks": _blockquote,
    "PageBlockButtonRow": _buttons,
    "PageBlockChannel": _channel,
    "PageBlockCollage": _several,
    "PageBlockCover": _cover,
    "PageBlockDetails": _details,
    "PageBlockDivider": _divider,
    "PageBlockDocument": _file("document_id", "document"),
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
    "PageBlockVideo": _file("video_id", "video"),
}
"""Every block that Telethon's layer knows; tests/sources/telegram compares."""
