"""A post's text and entities as Markdown that shows the same words.

Pure, for every source. Entities have Telegram Desktop's names, count UTF-16 code units, and may
nest and overlap. Bold, italic, strikethrough, code, links and quotes become CommonMark (with the
`~~` of GFM). Underline, and emphasis that CommonMark would ignore (inside a word, beside
punctuation), become the HTML tag. A spoiler stands between `||`. The author's own stars and
brackets are escaped. A link on white space, which hides its address, becomes a link without words:
the address stays. Knows no source and no output format.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tgtagger.model.posts import Entity

_EMPHASIS = {"bold": ("**", "b"), "italic": ("*", "i"), "strikethrough": ("~~", "s")}
_MARKS = ("text_link", *_EMPHASIS, "underline", "spoiler")
_AS_IT_IS = ("code", "link")
_ONCE = frozenset((*_EMPHASIS, "code"))
"""Two spans side by side become one: Markdown would read neither."""
_KINDS = frozenset(("blockquote", "pre", *_MARKS, *_AS_IT_IS))

MOST = 1000
"""Entities that are shown; Telegram's limit is a hundred. Later ones become plain text."""

_WORDS = re.compile(r"\S(?:.*\S)?", re.DOTALL)
_LINES = re.compile(r"[^\n](?:.*[^\n])?", re.DOTALL)
_WORDS_OF_A_LINE = re.compile(r"\S(?:[^\n]*\S)?")
"""Emphasis and links cannot cross a blank line, and cannot begin or end with a space."""

_AT_LINE_START = r"^[ ]*(?:[#>+=-]|\d+[.)])|^(?:[ ]{4}|[ ]*\t)"
_SPECIAL = re.compile(rf"[\\`*_\[\]<~|]|&[#\w]|{_AT_LINE_START}", re.MULTILINE)
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_ANYWHERE = re.compile(  # one set comes first, which makes it quick
    r"[\\`*\[\]<~|&_]"
    r"(?:(?<=[^&_])|(?<=&)(?=[#\w])|(?<=_)(?:(?![^\W_])|(?<![^\W_]_)))"
)
_BEGINNING = re.compile(r"([ ]*)(?:([#>+=-])|(\d+)([.)]))")
_LINE_START = re.compile(f"^{_BEGINNING.pattern}", re.MULTILINE)
_LINE_END = re.compile("\n")
_SPACES = re.compile(r"[ \t]{2,}|\t")
_INDENT = re.compile(r"^[ \t]{2,}|^\t", re.MULTILINE)


def to_markdown(text: str, entities: Sequence[Entity]) -> str | None:
    """Return the Markdown of a text, or None when the text is its own Markdown."""
    if "\r" in text:  # it ends a line of Markdown, too
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    spans = _spans(text, entities) if entities else {}
    if not spans:
        return escape(text) if _is_suspect(text) and _SPECIAL.search(text) else None
    return _Writer(text, spans).write()


def _is_suspect(text: str) -> bool:
    """Tell, quickly, whether a text may have special letters: most texts have none."""
    for mark in "\\`*_[]<~|&\t":  # each search is faster than the step to the next one
        if mark in text:
            return True
    for line in text.split("\n"):
        start = line.lstrip(" ")[:1]
        if start and (start in "#>+=-" or start.isdigit() or line.startswith("    ")):
            return True
    return False


# ---- spans to mark


class _Span(NamedTuple):
    """A stretch of the text, in code points. `target` is a link's address, or a language."""

    start: int
    end: int
    kind: str
    target: str = ""


def _spans(text: str, entities: Sequence[Entity]) -> dict[str, list[_Span]]:
    """Return the spans of each kind, rising; spans of one kind do not overlap."""
    # The UTF-16 offsets of the letters that take two code units.
    pairs = [found.start() + at for at, found in enumerate(_ASTRAL.finditer(text))]
    size = len(text) + len(pairs)
    spans: dict[str, list[_Span]] = {}
    formatting = [entity for entity in entities if entity.type in _KINDS][:MOST]
    for entity in sorted(formatting, key=lambda each: (each.offset, -each.length)):
        kind = entity.type
        start = _position(entity.offset, pairs, size)
        end = _position(entity.offset + entity.length, pairs, size)
        before = spans[kind][-1] if kind in spans else None
        if before is not None and start < before.end:
            start = before.end
        if start >= end or (kind != "text_link" and not text[start:end].strip()):
            continue
        if kind == "link" and not _needs_brackets(text[start:end]):
            continue
        target: str | None = entity.language or ""
        if kind == "text_link" and (target := target_of(entity.url or "")) is None:
            continue
        if before is not None and start == before.end and kind in _ONCE:
            spans[kind][-1] = before._replace(end=end)
        else:
            spans.setdefault(kind, []).append(_Span(start, end, kind, target or ""))
    return spans


def _needs_brackets(words: str) -> bool:
    """Tell whether an address needs brackets; a plain one is a link in all Markdown."""
    return bool(_SPECIAL.search(words)) and is_address(words)


def _position(offset: int, pairs: Sequence[int], size: int) -> int:
    """Return the code point at a UTF-16 offset (the middle of a pair counts as its start)."""
    offset = min(max(offset, 0), size)
    return offset - bisect_left(pairs, offset)


def _cut(spans: Iterable[_Span], borders: Sequence[int]) -> Iterator[_Span]:
    """Yield the pieces into which the borders (rising) cut the spans."""
    for span in spans:
        start = span.start
        for border in borders[bisect_right(borders, start) : bisect_left(borders, span.end)]:
            yield span._replace(start=start, end=border)
            start = border
        yield span._replace(start=start)


def _trim(spans: Iterable[_Span], text: str, words: re.Pattern[str]) -> Iterator[_Span]:
    """Yield the stretches of words in spans."""
    for span in spans:
        for found in words.finditer(text, span.start, span.end):
            yield span._replace(start=found.start(), end=found.end())


def _borders(spans: Iterable[_Span]) -> list[int]:
    return [place for span in spans for place in (span.start, span.end)]


def _holding(place: int, spans: Sequence[_Span]) -> _Span | None:
    """Return the span that holds the letter at a place. Spans rise, and do not overlap."""
    at = bisect_right(spans, place, key=lambda span: span.start) - 1
    return spans[at] if at >= 0 and place < spans[at].end else None


def _touches(span: _Span, spans: Sequence[_Span]) -> bool:
    """Tell whether a span shares letters with others, which rise and do not overlap."""
    at = bisect_left(spans, span.end, key=lambda other: other.start) - 1
    return at >= 0 and spans[at].end > span.start


# ---- writing


class _Writer:
    """Writes a text piece by piece.

    Quotes and code blocks are lines of their own, and no mark crosses their borders; a code block
    may stand in a quote. All other marks are cut at the ends of lines. A piece that is written
    unchanged stands inside a mark as a whole, or outside. Where two marks overlap, the inner one
    is closed and opened again.
    """

    def __init__(self, text: str, spans: Mapping[str, Sequence[_Span]]) -> None:
        self._text = text
        self._quotes = list(_trim(spans.get("blockquote", ()), text, _WORDS))
        pieces = _cut(spans.get("pre", ()), _borders(self._quotes))
        self._blocks = [
            span for span in _trim(pieces, text, _LINES) if text[span.start : span.end].strip()
        ]
        self._pieces = self._read_pieces(spans)
        self._changes = self._find_changes()
        self._places = sorted(self._changes)
        self._out: list[str] = []
        self._open: list[tuple[_Span, str]] = []  # a span, and its closing mark
        self._done = 0  # letters of the text
        self._next = 0  # of the pieces
        self._prefix = ""  # of each line in a quote
        self._is_fresh = True  # a line begins here
        self._gap = 0  # line ends that must stand before the next words

    def _read_pieces(self, spans: Mapping[str, Sequence[_Span]]) -> list[_Span]:
        """Return the marks, and the pieces that are written unchanged, by their beginnings."""
        borders = sorted(_borders(self._quotes) + _borders(self._blocks))
        lines = {
            kind: [
                span
                for span in _trim(_cut(found, borders), self._text, _WORDS_OF_A_LINE)
                if not _holding(span.start, self._blocks)
            ]
            for kind, found in spans.items()
            if kind not in {"blockquote", "pre"}
        }
        codes = lines.pop("code", [])
        addresses = [
            span
            for span in lines.pop("link", ())
            if _needs_brackets(self._text[span.start : span.end]) and not _touches(span, codes)
        ]
        as_it_is = sorted([*codes, *addresses])
        marks = (span for kind in _MARKS for span in _around(lines.get(kind, ()), as_it_is))
        hidden = self._hidden(spans.get("text_link", ()))
        pieces = [*_trim(marks, self._text, _WORDS_OF_A_LINE), *as_it_is, *hidden]
        return sorted(pieces, key=lambda span: (span.start, -span.end))

    def _hidden(self, links: Sequence[_Span]) -> Iterator[_Span]:
        """Yield the links on white space alone, as pieces; not a part of the link beside it."""
        beside = {(place, link.target) for link in links for place in (link.start, link.end)
                  if self._text[link.start : link.end].strip()}  # fmt: skip
        for link in links:
            if self._text[link.start : link.end].strip() or _holding(link.start, self._blocks):
                continue
            if not {(link.start, link.target), (link.end, link.target)} & beside:
                yield link._replace(kind="hidden")

    def _find_changes(self) -> dict[int, str]:
        """Return the replacements of single letters, by the letters' places."""
        text = self._text
        changes = {found.start(): f"\\{found[0]}" for found in _ANYWHERE.finditer(text)}
        new_lines = _borders(self._quotes) + _borders(self._blocks)
        for place in (0, *(found.end() for found in _LINE_END.finditer(text)), *new_lines):
            if found := _BEGINNING.match(text, place):
                at = found.start(2) if found[2] else found.start(4)
                changes[at] = f"\\{text[at]}"
            if found := _SPACES.match(text, place):
                changes |= dict.fromkeys(range(*found.span()), "")
                changes[found.start()] = _hard_spaces(found)
        for place in (*new_lines, *_borders(self._pieces)):
            for at in (place - 1, place):  # no longer within a word
                if text[at : at + 1] == "_":
                    changes[at] = "\\_"
        return changes

    def write(self) -> str:
        blocks = iter([*self._blocks, None])
        block = next(blocks)
        end = len(self._text)
        for quote in (*self._quotes, None):
            begin = end if quote is None else quote.start
            while block is not None and block.start < begin:
                self._write_block(block)
                block = next(blocks)
            self._write_to(begin)
            if quote is None:
                break
            self._begin_line()
            self._put("> ", is_fresh=True)
            self._prefix = "> "
            while block is not None and block.start < quote.end:
                self._write_block(block)
                block = next(blocks)
            self._write_to(quote.end)
            self._prefix = ""
            self._gap = 2  # without a blank line the next words would belong to it
        return "".join(self._out)

    def _write_block(self, span: _Span) -> None:
        self._write_to(span.start)
        self._begin_line()
        words = self._text[span.start : span.end]
        fence = "`" * max(3, _longest_run(words) + 1)
        self._put(
            f"{fence}{language_of(span.target)}\n{words}\n{fence}".replace(
                "\n", f"\n{self._prefix}"
            )
        )
        self._done, self._gap = span.end, 1

    def _begin_line(self) -> None:
        if not self._is_fresh and not self._gap:
            self._put(f"\n{self._prefix}", is_fresh=True)

    def _put(self, words: str, *, is_fresh: bool = False) -> None:
        if self._gap:
            self._out.append(f"\n{self._prefix}" * self._gap)
            self._gap = 0
        self._out.append(words)
        self._is_fresh = is_fresh

    def _write_to(self, end: int) -> None:
        """Write the text before a place, and close the marks that end there."""
        while self._next < len(self._pieces) and self._pieces[self._next].start < end:
            span = self._pieces[self._next]
            self._next += 1
            self._close_to(span.start)
            if span.kind in _MARKS:
                self._put_text(span.start)
                self._begin(span)
            elif span.kind == "hidden":
                self._put_text(span.start)
                self._keep_from_image()
                self._put(f"[]({span.target})")
            elif span.kind == "code" or not self._is_open(
                "text_link"
            ):  # a link may not hold a link
                self._put_text(span.start)
                self._put(self._verbatim(span))
                self._done = span.end
        self._close_to(end)
        self._put_text(end)

    def _close_to(self, place: int) -> None:
        while self._open:
            end = min(span.end for span, _ in self._open)
            if end > place:
                return
            self._put_text(end)
            first = next(at for at, (span, _) in enumerate(self._open) if span.end == end)
            closing, self._open = self._open[first:], self._open[:first]
            for _, mark in reversed(closing):
                self._put(mark)
            for span, _ in closing:
                if span.end > end:
                    self._begin(span._replace(start=end))

    def _begin(self, span: _Span) -> None:
        opening, closing = self._marks_of(span)
        if opening == "[":
            self._keep_from_image()
        self._put(opening)
        self._open.append((span, closing))

    def _keep_from_image(self) -> None:
        """Escape an exclamation mark at the end: with it a link would be an image."""
        if self._out and self._out[-1].endswith("!"):
            self._out[-1] = self._out[-1][:-1] + "\\!"

    def _put_text(self, end: int) -> None:
        if end <= self._done:
            return
        words, at = [], self._done
        first = bisect_left(self._places, at)
        for place in self._places[first : bisect_left(self._places, end)]:
            words += [self._text[at:place], self._changes[place]]
            at = place + 1
        whole = "".join(words) + self._text[at:end]
        self._done = end
        if self._gap:
            self._gap = max(self._gap - (len(whole) - len(whole.lstrip("\n"))), 0)
        is_fresh = whole.endswith("\n")
        self._put(whole.replace("\n", f"\n{self._prefix}"), is_fresh=is_fresh)

    def _verbatim(self, span: _Span) -> str:
        words = self._text[span.start : span.end]
        if span.kind == "link":
            return f"<{words}>"
        fence = "`" * (_longest_run(words) + 1)
        pad = " " if words[0] == "`" or words[-1] == "`" else ""
        return f"{fence}{pad}{words}{pad}{fence}"

    def _marks_of(self, span: _Span) -> tuple[str, str]:
        match span.kind:
            case "text_link":
                return "[", f"]({span.target})"
            case "underline":
                return "<u>", "</u>"
            case "spoiler":
                return "||", "||"
        mark, tag = _EMPHASIS[span.kind]
        return (mark, mark) if self._stands_free(span) else (f"<{tag}>", f"</{tag}>")

    def _stands_free(self, span: _Span) -> bool:
        """Tell whether CommonMark sees a mark here: words inside, and no letter or mark outside."""
        text, start, end = self._text, span.start, span.end
        return (
            text[start].isalnum()
            and text[end - 1].isalnum()
            and (start == 0 or text[start - 1].isspace())
            and (end == len(text) or text[end].isspace() or text[end] in ".,:;!?")
            and not any(self._is_open(kind) for kind in _EMPHASIS)
        )

    def _is_open(self, kind: str) -> bool:
        return any(span.kind == kind for span, _ in self._open)


def _around(spans: Iterable[_Span], as_it_is: Sequence[_Span]) -> Iterator[_Span]:
    """Yield spans that neither begin nor end inside a piece that is written unchanged."""
    for span in spans:
        first, last = _holding(span.start, as_it_is), _holding(span.end, as_it_is)
        start = first.end if first is not None and first.start < span.start else span.start
        end = span.end if last is None else last.start
        if start < end:
            yield span._replace(start=start, end=end)


def _longest_run(words: str) -> int:
    return max((len(run) for run in re.findall(r"`+", words)), default=0)


_SCHEME = re.compile(r"[\x00-\x20]*([a-zA-Z][\w+.-]*):")
_TELEGRAMS = {"http", "https", "tg", "ton", "tonsite", "mailto", "tel", "ftp"}
"""The schemes that Telegram links to; a link to a script or a local file is forbidden."""
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,31}:[^\s<>\x00-\x20\x7f]+")
_NOT_IN_A_TARGET = re.compile(r"[()<>\\`\x00-\x20\x7f]")


def target_of(url: str) -> str | None:
    """Return an address as the target of a link; None for a forbidden address."""
    # First as Markdown reads it, then as a browser does.
    scheme = _SCHEME.match(html.unescape(re.sub(r"[\t\r\n]", "", url)))
    if scheme is not None and scheme[1].lower() not in _TELEGRAMS:
        return None
    url = re.sub(r"&(?=#?\w+;)", "&amp;", url)
    return _NOT_IN_A_TARGET.sub(lambda found: f"%{ord(found[0]):02X}", url)


def is_address(words: str) -> bool:
    """Tell whether words between angle brackets are an allowed link."""
    return bool(_ADDRESS.fullmatch(words)) and target_of(words) is not None


def language_of(name: str | None) -> str:
    """Return the language of a code block as one word, since some readers interpret more."""
    return re.sub(r"[^\w+#.-]", "", name or "")[:40]


def escape(text: str, *, line_start: bool = True) -> str:
    """Return text with its own stars, brackets and line beginnings escaped."""
    escaped = _ANYWHERE.sub(lambda found: "\\" + found.group(), text)
    head, newline, rest = escaped.partition("\n")
    if line_start:
        head, newline, rest = "", "", escaped
    rest = _LINE_START.sub(_escape_line_start, rest)
    rest = _INDENT.sub(_hard_spaces, rest)
    return head + newline + rest


def _escape_line_start(found: re.Match[str]) -> str:
    indent, mark, number, stop = found.groups()
    return f"{indent}\\{mark}" if mark else f"{indent}{number}\\{stop}"


def _hard_spaces(found: re.Match[str]) -> str:
    return "&nbsp;" * len(found.group().expandtabs(4))
