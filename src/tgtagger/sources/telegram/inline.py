"""The lines inside a rich message, as plain text and Markdown. Pure.

Reads Telegram's plain form: nested dicts with the class's name under "_". An unknown class keeps
its words; a value of the wrong type is skipped. Knows no blocks (see `blocks`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from tgtagger.sources.markdown import escape, is_address, target_of
from tgtagger.sources.telegram.media import string

Node = dict[str, Any]

DEPTH = 60
"""Levels of nesting that are read; deeper ones are left out (Telegram allows far fewer)."""


class Line(NamedTuple):
    """The same words twice: plain, and as Markdown."""

    text: str
    markdown: str

    def __bool__(self) -> bool:
        return bool(self.text.strip())


NOTHING = Line("", "")


class Found(NamedTuple):
    """A rich text's line, the images in it, and whether a part was nested too deeply to read."""

    line: Line
    images: tuple[Node, ...] = ()
    too_deep: bool = False


def read(node: object, depth: int = 0) -> Found:
    """Return the line and the images of a rich text."""
    reader = _Reader()
    reader.take(node, depth)
    text = "".join(reader.parts)
    line = Line(text, _Writer(text, reader.spans).write())
    return Found(line, tuple(reader.images), reader.too_deep)


def plain(words: object) -> Line:
    found = string(words) or ""
    return Line(found, escape(found))


def address(url: object) -> Line:
    """Return a link's address."""
    found = string(url) or ""
    return Line(found, f"<{found}>" if is_address(found) else escape(found))


def formula(source: str) -> str:
    """Return a formula that Markdown without formulas shows as text; its spaces have no meaning."""
    source = re.sub(r"<(?=[A-Za-z/!?])", "< ", source)
    return re.sub(r"\](?=[(:\[])", "] ", source).replace("$", "\\$")


def name(node: object) -> str:
    """Return the name of a node's class."""
    found = node.get("_") if isinstance(node, dict) else None
    return found if isinstance(found, str) else ""


# ---- reading


class Rule(NamedTuple):
    """The fields of a class with words, its mark, and its address."""

    inside: tuple[str, ...] = ("text",)
    mark: str = ""
    target: Callable[[Node], str | None] | None = None


def _field(key: str, scheme: str = "") -> Callable[[Node], str | None]:
    def target(node: Node) -> str | None:
        found = string(node.get(key))
        return scheme + found if found else None

    return target


def _pressed(node: Node) -> str | None:
    kind = node.get("type")
    return string(kind.get("url")) if isinstance(kind, dict) else None


INLINE: dict[str, Rule] = {
    "TextAnchor": Rule(),
    "TextAutoEmail": Rule(),
    "TextAutoPhone": Rule(),
    "TextAutoUrl": Rule(mark="address"),
    "TextBankCard": Rule(),
    "TextBold": Rule(mark="bold"),
    "TextBotCommand": Rule(),
    "TextButton": Rule(mark="link", target=_pressed),
    "TextCashtag": Rule(),
    "TextConcat": Rule(("texts",)),
    "TextCustomEmoji": Rule(("alt",)),
    "TextDate": Rule(),
    "TextDiff": Rule(("old_text", "text")),
    "TextEmail": Rule(mark="link", target=_field("email", "mailto:")),
    "TextEmpty": Rule(()),
    "TextFixed": Rule(mark="code"),
    "TextHashtag": Rule(),
    "TextImage": Rule(()),
    "TextItalic": Rule(mark="italic"),
    "TextMarked": Rule(mark="mark"),
    "TextMath": Rule(("source",), "math"),
    "TextMention": Rule(),
    "TextMentionName": Rule(),
    "TextPhone": Rule(mark="link", target=_field("phone", "tel:")),
    "TextPlain": Rule(),
    "TextSpoiler": Rule(mark="spoiler"),
    "TextStrike": Rule(mark="strikethrough"),
    "TextSubscript": Rule(mark="sub"),
    "TextSuperscript": Rule(mark="sup"),
    "TextUnderline": Rule(mark="u"),
    "TextUrl": Rule(mark="link", target=_field("url")),
}
"""Every node of a rich text that Telethon's layer knows; tests/sources/telegram compares."""

_WORDS = frozenset(("text", "title", "alt", "source", "description", "author", "url", "caption"))
"""Fields of unknown classes whose strings hold words."""


def children(node: Node) -> Iterator[str | Node | list[Any]]:
    """Yield the parts of an unknown class that may hold words."""
    for key, value in node.items():
        if isinstance(value, dict | list) or (isinstance(value, str) and key in _WORDS):
            yield value


class _Span(NamedTuple):
    start: int
    end: int
    mark: str
    target: str = ""


class _Reader:
    """Takes a rich text apart: its words, and their marks."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.spans: list[_Span] = []  # outer spans before inner ones
        self.images: list[Node] = []
        self.too_deep = False
        self._size = 0

    def take(self, node: object, depth: int) -> None:
        if isinstance(node, str):
            self._add(node.replace("\0", ""))
        elif not isinstance(node, dict | list):
            return
        elif depth > DEPTH:
            self.too_deep = True
        elif isinstance(node, list):
            for item in node:
                self.take(item, depth + isinstance(item, list))
        elif (rule := INLINE.get(name(node))) is not None:
            self._known(node, rule, depth)
        else:
            self._unknown(node, depth)

    def _known(self, node: Node, rule: Rule, depth: int) -> None:
        if name(node) == "TextImage":
            self.images.append(node)
        start, before = self._size, len(self.spans)
        for key in rule.inside:
            value = node.get(key)
            if key == "old_text":
                value = [{"_": "TextStrike", "text": value}, " "] if read(value, depth).line else ""
            if rule.mark == "math" and isinstance(value, str):
                value = " ".join(value.split())
            self.take(value, depth + 1)
        target = rule.target(node) if rule.target is not None else ""
        if rule.mark and target is not None and self._size > start:
            self.spans.insert(before, _Span(start, self._size, rule.mark, target))

    def _unknown(self, node: Node, depth: int) -> None:
        start = self._size
        for child in children(node):
            gap = self._size > start
            if gap:
                self._add(" ")
            before = self._size
            self.take(child, depth + 1)
            if gap and self._size == before:
                self._size -= len(self.parts.pop())

    def _add(self, words: str) -> None:
        if words:
            self.parts.append(words)
            self._size += len(words)


# ---- writing

_EMPHASIS = {"bold": ("**", "b"), "italic": ("*", "i"), "strikethrough": ("~~", "s")}
_WORDS_OF_A_LINE = re.compile(r"\S(?:[^\n]*\S)?")


class _Writer:
    """Writes a text piece by piece, between the places where a mark begins or ends.

    The spans of a tree nest. No mark crosses a line, or begins or ends with a space: Markdown
    would ignore it.
    """

    def __init__(self, text: str, spans: Iterable[_Span]) -> None:
        lines = (
            span._replace(start=found.start(), end=found.end())
            for span in spans
            for found in _WORDS_OF_A_LINE.finditer(text, span.start, span.end)
        )
        self._text = text
        self._spans = sorted(lines, key=lambda span: (span.start, -span.end))
        self._has_math = any(span.mark == "math" for span in self._spans)
        self._out: list[str] = []
        self._open: list[tuple[_Span, str]] = []  # a span, and its closing mark
        self._done = 0

    def write(self) -> str:
        following = [*self._spans[1:], None]
        for span, after in zip(self._spans, following, strict=False):
            is_open = {other.mark for other, _ in self._open if other.end > span.start}
            if span.start < self._done or span.mark in is_open:
                continue  # inside a piece that is written unchanged; or bold twice
            leaf = after is None or after.start >= span.end
            as_it_is = self._as_it_is(span, leaf=leaf, linked="link" in is_open)
            if as_it_is is None and span.mark in {"address", "math"}:
                continue
            self._go_to(span.start)
            if as_it_is is not None:
                self._out.append(as_it_is)
                self._done = span.end
            else:
                opening, closing = self._marks(span)
                if opening == "[" and self._out and self._out[-1].endswith("!"):
                    self._out[-1] = self._out[-1][:-1] + "\\!"  # otherwise it would be an image
                self._out.append(opening)
                self._open.append((span, closing))
        self._go_to(len(self._text))
        return "".join(self._out)

    def _go_to(self, place: int) -> None:
        while self._open and self._open[-1][0].end <= place:
            span, closing = self._open.pop()
            self._piece(span.end)
            self._out.append(closing)
        self._piece(place)

    def _piece(self, end: int) -> None:
        if end <= self._done:
            return
        at_line_start = self._done == 0 or self._text[self._done - 1] == "\n"
        words = escape(self._text[self._done : end], line_start=at_line_start)
        self._out.append(words.replace("$", "\\$") if self._has_math else words)
        self._done = end

    def _as_it_is(self, span: _Span, *, leaf: bool, linked: bool) -> str | None:
        words = self._text[span.start : span.end]
        if span.mark == "math":
            return f"${formula(words)}$"
        if span.mark == "address" and not linked and is_address(words):
            return f"<{words}>" if escape(words) != words else None
        beside = self._done == span.start and self._out and self._out[-1].endswith("`")
        if span.mark == "code" and leaf and not beside:
            fence = "`" * (max((len(run) for run in re.findall("`+", words)), default=0) + 1)
            pad = " " if words[0] == "`" or words[-1] == "`" else ""
            return f"{fence}{pad}{words}{pad}{fence}"
        return None

    def _marks(self, span: _Span) -> tuple[str, str]:
        if span.mark == "link":
            there = target_of(span.target)
            return ("", "") if there is None else ("[", f"]({there})")
        if span.mark == "spoiler":
            return "||", "||"
        mark, tag = _EMPHASIS.get(span.mark, ("", span.mark))
        return (mark, mark) if mark and self._stands_free(span) else (f"<{tag}>", f"</{tag}>")

    def _stands_free(self, span: _Span) -> bool:
        """Tell whether CommonMark sees a mark here: words inside, and no letter or mark outside."""
        text, start, end = self._text, span.start, span.end
        return (
            text[start].isalnum()
            and text[end - 1].isalnum()
            and (start == 0 or text[start - 1].isspace())
            and (end == len(text) or text[end].isspace() or text[end] in ".,:;!?")
            and not any(other.mark in _EMPHASIS for other, _ in self._open)
        )
