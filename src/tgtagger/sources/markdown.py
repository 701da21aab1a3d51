"""A post's text and entities as Markdown that shows the same words.

Pure, for every source: entities carry Telegram Desktop's names and count UTF-16 code units, may
nest and overlap. Bold, italic, strikethrough, code, links and quotes become CommonMark (with the
`~~` of GFM); underline, and emphasis where CommonMark's rules would not see it (inside a word,
beside punctuation), become the HTML tag; a spoiler stands between `||`. The author's own stars and
brackets are escaped. Knows no source and no output format.
"""

from __future__ import annotations

import html
import itertools
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tgtagger.types import Entity

_TAGS = {"bold": ("**", "b"), "italic": ("*", "i"), "strikethrough": ("~~", "s")}
_FORMATTING = frozenset(
    (*_TAGS, "underline", "spoiler", "code", "pre", "text_link", "blockquote", "link")
)

_BLOCKS = {"blockquote", "pre"}

MOST_SPANS = 1000
"""Stretches of a text that are formatted: Telegram's own limit is a hundred, and what marks do to
each other takes time with the square of their number. Later ones are plain words."""

_AT_LINE_START = r"^[ ]*(?:[#>+=-]|\d+[.)])|^(?:[ ]{4}|[ ]*\t)"
_SPECIAL = re.compile(rf"[\\`*_\[\]<~|]|&[#\w]|{_AT_LINE_START}", re.MULTILINE)
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_ANYWHERE = re.compile(r"[\\`*\[\]<~|]|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])")
_LINE_START = re.compile(r"^([ ]*)(?:([#>+=-])|(\d+)([.)]))", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]{2,}|^\t", re.MULTILINE)


def to_markdown(text: str, entities: Sequence[Entity]) -> str | None:
    """Return the Markdown of a text, or None when the text is its own Markdown."""
    spans = list(itertools.islice(_spans(text, entities), MOST_SPANS)) if entities else []
    if not spans:
        return escape(text) if _is_suspect(text) and _SPECIAL.search(text) else None
    return "".join(_Writer(text, spans).write())


def _is_suspect(text: str) -> bool:
    """Look whether there may be anything special: most texts have none, and this is quick."""
    if any(mark in text for mark in "\\`*_[]<~|&\t"):
        return True
    for line in text.split("\n"):
        start = line.lstrip(" ")[:1]
        if start and (start in "#>+=-" or start.isdigit() or line.startswith("    ")):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Span:
    """An entity in code points."""

    start: int
    end: int
    entity: Entity


def _spans(text: str, entities: Sequence[Entity]) -> Iterator[_Span]:
    formatting = (entity for entity in entities if entity.type in _FORMATTING)
    wanted = _without_seams(itertools.islice(formatting, MOST_SPANS))
    if not wanted:
        return
    # The UTF-16 offsets of the letters that take two code units.
    pairs = [found.start() + at for at, found in enumerate(_ASTRAL.finditer(text))]
    size = len(text) + len(pairs)
    for entity in wanted:
        start = _position(entity.offset, pairs, size)
        end = _position(entity.offset + entity.length, pairs, size)
        if entity.type == "link" and not _SPECIAL.search(text[start:end]):
            continue  # a bare address is shown as a link wherever Markdown is read
        if entity.type in {"code", "pre", "blockquote", "link"}:
            if text[start:end].strip():
                yield _Span(start, end, entity)
            continue
        # Neither emphasis nor a link can cross a blank line, nor begin or end with a space.
        for line in re.finditer(r"[^\n]+", text[start:end]):
            words = line.group()
            left = start + line.start() + len(words) - len(words.lstrip())
            right = start + line.end() - (len(words) - len(words.rstrip()))
            if left < right:
                yield _Span(left, right, entity)


def _without_seams(entities: Iterable[Entity]) -> list[Entity]:
    """Join code that touches code: two spans side by side would be read as neither."""
    joined: list[Entity] = []
    for entity in sorted(entities, key=lambda each: each.offset):
        last = next((each for each in reversed(joined) if each.type == "code"), None)
        if entity.type == "code" and last and last.offset + last.length == entity.offset:
            joined[joined.index(last)] = replace(last, length=last.length + entity.length)
        else:
            joined.append(entity)
    return joined


def _position(offset: int, pairs: Sequence[int], size: int) -> int:
    """Return the code point at a UTF-16 offset (the middle of a pair counts as its start)."""
    offset = min(max(offset, 0), size)
    return offset - bisect_left(pairs, offset)


class _Writer:
    """Writes a text piece by piece, between the places where a span begins or ends."""

    def __init__(self, text: str, spans: Iterable[_Span]) -> None:
        self._text = text
        # Where two begin together the block is the outer one, else the longer.
        self._spans = sorted(
            spans, key=lambda span: (span.start, span.entity.type not in _BLOCKS, -span.end)
        )
        self._open: list[tuple[_Span, str]] = []  # with what closes it

    def write(self) -> Iterator[str]:
        borders = sorted({at for span in self._spans for at in (span.start, span.end)})
        waiting = iter([*self._spans, None])
        upcoming = next(waiting)
        done = 0
        for border in borders:
            if border > done:
                yield self._piece(done, border)
            done = max(done, border)
            yield from self._close(border)
            while upcoming is not None and upcoming.start <= border:
                inline = self._step_out() if upcoming.entity.type in _BLOCKS else []
                yield from (closing for _, closing in reversed(inline))
                if upcoming.entity.type in {"code", "pre", "link"}:
                    if upcoming.start >= done:  # else it overlaps what is already written
                        yield self._verbatim(upcoming)
                        done = upcoming.end
                else:
                    yield self._begin(upcoming)
                for span, _ in inline:
                    if span.end > done:
                        yield self._begin(_Span(max(done, border), span.end, span.entity))
                upcoming = next(waiting)
        if done < len(self._text):
            yield self._piece(done, len(self._text))
        yield from self._close(len(self._text))

    def _step_out(self) -> list[tuple[_Span, str]]:
        """Take what is open but no quote off the stack: a block cannot stand inside a line."""
        inline = [item for item in self._open if item[0].entity.type not in _BLOCKS]
        self._open = [item for item in self._open if item[0].entity.type in _BLOCKS]
        return inline

    def _close(self, border: int) -> Iterator[str]:
        ending = [at for at, (span, _) in enumerate(self._open) if span.end <= border]
        if not ending:
            return
        # Spans that began later but end later overlap: close them too, then open them again.
        again = self._open[ending[0] :]
        del self._open[ending[0] :]
        for _, closing in reversed(again):
            yield closing
        for span, _ in again:
            if span.end > border:
                yield self._begin(_Span(border, span.end, span.entity))

    def _begin(self, span: _Span) -> str:
        opening, closing = self._marks(span)
        self._open.append((span, closing))
        return opening

    def _marks(self, span: _Span) -> tuple[str, str]:
        entity = span.entity
        if any(other.entity.type == entity.type for other, _ in self._open):
            return "", ""  # Markdown has no link in a link, and nothing is twice as bold
        match entity.type:
            case "text_link":
                there = target_of(entity.url or "")
                return ("", "") if there is None else ("[", f"]({there})")
            case "blockquote":
                before = "" if self._at_line_start(span.start) else "\n"
                # Without a blank line the next one would be read as part of the quote.
                after = "\n" if self._at_line_end(span.end) else "\n\n"
                return f"{before}> ", after if span.end < len(self._text) else ""
            case "underline":
                return "<u>", "</u>"
            case "spoiler":
                return "||", "||"
        mark, tag = _TAGS[entity.type]
        return (mark, mark) if self._stands_free(span) else (f"<{tag}>", f"</{tag}>")

    def _stands_free(self, span: _Span) -> bool:
        """Whether CommonMark sees a mark here: words inside, and no letter or mark outside."""
        text = self._text
        inside = text[span.start].isalnum() and text[span.end - 1].isalnum()
        before = span.start == 0 or text[span.start - 1].isspace()
        after = span.end == len(text) or text[span.end].isspace() or text[span.end] in ".,:;!?"
        alone = not any(
            other is not span and other.entity.type in _TAGS and span.start <= other.end
            and other.start <= span.end
            for other in self._near(span)
        )  # fmt: skip
        return inside and before and after and alone

    def _near(self, span: _Span) -> list[_Span]:
        return [other for other, _ in self._open if other.entity is not span.entity]

    def _piece(self, start: int, end: int) -> str:
        piece = escape(self._text[start:end], line_start=self._at_line_start(start))
        if piece.endswith("!") and any(
            span.start == end and span.entity.type == "text_link" for span in self._spans
        ):
            piece = piece[:-1] + "\\!"  # before a link it would make an image
        return self._quoted(piece)

    def _quoted(self, piece: str) -> str:
        if any(span.entity.type == "blockquote" for span, _ in self._open):
            return piece.replace("\n", "\n> ")
        return piece

    def _verbatim(self, span: _Span) -> str:
        words = self._text[span.start : span.end]
        match span.entity.type:
            case "link":
                return f"<{words}>" if is_address(words) else self._quoted(escape(words))
            case "code":
                fence = "`" * (_longest_run(words) + 1)
                pad = " " if words[0] in "` " or words[-1] in "` " else ""
                return f"{fence}{pad}{self._quoted(words)}{pad}{fence}"
        fence = "`" * max(3, _longest_run(words) + 1)
        before = "" if self._at_line_start(span.start) else "\n"
        after = "" if self._at_line_end(span.end) else "\n"
        block = f"{fence}{language_of(span.entity.language)}\n{words.rstrip(chr(10))}\n{fence}"
        return before + self._quoted(block) + after

    def _at_line_start(self, at: int) -> bool:
        return at == 0 or self._text[at - 1] == "\n"

    def _at_line_end(self, at: int) -> bool:
        return at >= len(self._text) or self._text[at] == "\n"


def _longest_run(words: str) -> int:
    return max((len(run) for run in re.findall(r"`+", words)), default=0)


_SCHEME = re.compile(r"[\x00-\x20]*([a-zA-Z][\w+.-]*):")
_TELEGRAMS = {"http", "https", "tg", "ton", "tonsite", "mailto", "tel", "ftp"}
"""What Telegram links to; a script or a file of the reader's own it does not."""
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,31}:[^\s<>]+")
_QUOTED = {"(": "%28", ")": "%29", "<": "%3C", ">": "%3E", "\\": "%5C"}


def target_of(url: str) -> str | None:
    """Return an address as the target of a link; None where it may be none."""
    # As a browser would read it, and Markdown before that.
    scheme = _SCHEME.match(html.unescape(re.sub(r"[\t\r\n]", "", url)))
    if scheme is not None and scheme[1].lower() not in _TELEGRAMS:
        return None
    url = re.sub(r"&(?=#?\w+;)", "&amp;", url)
    return re.sub(
        r"[()<>\\\x00-\x20]", lambda found: _QUOTED.get(found[0], f"%{ord(found[0]):02X}"), url
    )


def is_address(words: str) -> bool:
    """Tell whether words between angle brackets are a link, and may be one."""
    return bool(_ADDRESS.fullmatch(words)) and target_of(words) is not None


def language_of(name: str | None) -> str:
    """Return the language of a code block: a word, since some readers know more than words."""
    return re.sub(r"[^\w+#.-]", "", name or "")[:40]


def escape(text: str, *, line_start: bool = True) -> str:
    """Return text whose own stars, brackets and line beginnings Markdown shows as they are."""
    escaped = _ANYWHERE.sub(lambda found: "\\" + found.group(), text)
    head, newline, rest = escaped.partition("\n")
    if line_start:
        head, newline, rest = "", "", escaped
    rest = _LINE_START.sub(_escape_line_start, rest)
    rest = _INDENT.sub(lambda found: "&nbsp;" * len(found.group().expandtabs(4)), rest)
    return head + newline + rest


def _escape_line_start(found: re.Match[str]) -> str:
    indent, mark, number, stop = found.groups()
    return f"{indent}\\{mark}" if mark else f"{indent}{number}\\{stop}"
