"""Numbers, sizes and times in words; texts on one line, or in lines of a width. Pure."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Sequence

from tgtagger.model.times import day_of, minute_of
from tgtagger.system.terminal_text import clean, is_ordinary


def one_line(text: str, width: int = 60) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(clean(text[: 10 * width]).split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def number(value: int) -> str:
    """Return `1 234 567`, with narrow no-break spaces, so that no line breaks in it."""
    return f"{value:,}".replace(",", "\u202f")


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size_of(count: int) -> str:
    """Return a number of bytes in the unit that fits: `340 kB`, `1.2 MB`, `13 GB`."""
    size, at = float(count), 0
    while size >= 999.5 and at < len(_UNITS) - 1:
        size, at = size / 1000, at + 1
    return f"{size:.{int(at > 1 and size < 10)}f} {_UNITS[at]}"


def local_time(moment: dt.datetime | None) -> str:
    return minute_of(moment) if moment else "no date"


def ago(moment: dt.datetime | None, *, now: dt.datetime | None = None) -> str:
    """Return `3 h ago`, or the day when it is longer than a month."""
    if moment is None:
        return "never"
    seconds = int(((now or dt.datetime.now(dt.UTC)) - moment).total_seconds())
    if seconds < -60:  # written by a clock that was ahead
        return day_of(moment)
    for size, unit in ((60, "s"), (3600, "min"), (86400, "h"), (30 * 86400, "d")):
        if seconds < size:
            step = {"s": 1, "min": 60, "h": 3600, "d": 86400}[unit]
            return "just now" if unit == "s" else f"{seconds // step} {unit} ago"
    return day_of(moment)


def duration(seconds: float) -> str:
    """Return `about 3 min`."""
    if seconds < 60:
        return "less than a minute"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"


# ---- a text in lines, keeping track of which of its words match a search


def beginning(parts: Sequence[tuple[str, bool]], most: int) -> Iterator[tuple[str, bool]]:
    """Yield the part of a text that can be shown: breaking megabytes into lines takes long."""
    for part, hit in parts:
        yield part[:most], hit
        most -= len(part)
        if most < 0:
            yield "\n…", False
            return


def wrap(parts: Sequence[tuple[str, bool]], width: int, most: int) -> list[list[tuple[str, bool]]]:
    """Break a text of parts into lines, `most` at most; the last one says if there is more."""
    text = "".join(part for part, _ in parts)
    hits = [hit for part, hit in parts for _ in part]
    lines: list[list[tuple[str, bool]]] = []
    at = 0
    for piece in _pieces(text):
        if len(lines) > most:
            break
        for line in list(lines_of(piece, width)) or [""]:
            start = text.index(line, at) if line else at
            at = start + len(line)
            if line or (lines and lines[-1]):  # at most one blank line in a row
                lines.append(_runs(line, hits[start:at]))
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) > most:
        lines = lines[:most]
        lines[-1] = [*_cut_to(lines[-1], width - 2), (" …", False)]
    return lines


def _cut_to(line: list[tuple[str, bool]], width: int) -> list[tuple[str, bool]]:
    """Return a line without the letters that stand beyond a width."""
    text = "".join(part for part, _ in line)
    most = _fitting(text, width) if cells(text) > width else len(text)
    return _runs(text[:most], [hit for part, hit in line for _ in part][:most])


def lines_of(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text that is broken at its blanks, each at most `width` columns.

    A word that is wider than a line is broken where it has to be, as Chinese text is.
    """
    start: int | None = None  # of the line
    end = used = 0
    for found in re.finditer(r"\S+", text):
        word, wide, at = found[0], cells(found[0]), found.start()
        gap = 0 if start is None else cells(text[end:at])
        if start is not None and used + gap + wide > width:
            yield text[start:end]
            start, used, gap = None, 0, 0
        while wide > width:  # only at the beginning of a line
            cut = _fitting(word, width)
            yield word[:cut]
            at, word = at + cut, word[cut:]
            wide = cells(word)
        start = at if start is None else start
        used, end = used + gap + wide, found.end()
    if start is not None and start < end:
        yield text[start:end]


def _fitting(word: str, width: int) -> int:
    """Return how many letters of a word take at most `width` columns; one at least."""
    used = 0
    for at, columns in enumerate(_columns(word)):
        used += columns
        if used > width:
            return max(at, 1)
    return len(word)


def cells(text: str) -> int:
    """Return how many columns a text takes: two for a Chinese letter, none for an accent."""
    return len(text) if text.isascii() or is_ordinary(text) else sum(_columns(text))


def _columns(text: str) -> Iterator[int]:
    """Yield the columns that each letter adds; an emoji made of several is as wide as one."""
    width, joins = 0, False
    for letter in text:
        if letter == "\u200d":  # joins two emoji; elsewhere it only shapes letters
            joins = width == 2
            yield 0
        elif letter == "\ufe0f":  # makes an emoji of a sign
            yield int(width == 1)
            width = 2
        elif joins or ("\U0001f3fb" <= letter <= "\U0001f3ff" and width == 2):
            joins = False
            yield 0
        else:
            width = _width(letter)
            yield width


def _width(letter: str) -> int:
    if unicodedata.east_asian_width(letter) in "WF":
        return 2
    return int(unicodedata.category(letter) not in {"Mn", "Me", "Cf"})


_COMMAND = re.compile(
    r"(?:^|(?<=: )|(?<=run )|(?<=see ))(?:tgtagger|sudo|chmod|pip|mv) (?!\d).*?(?=;|, or | \(|  |$)"
)
"""A command in a line, to be copied."""

_LABEL = re.compile(r" *(?:(?:error|hint|warning): |(?:ok|warning|error) +)?")
"""What a line begins with, before its words."""


def folded(line: str, width: int) -> Iterator[str]:
    """Yield the lines of a line that is too wide, broken at blanks and indented below its label.

    A command stays on one line, and so does a path: a break of ours would be copied with it.
    """
    if cells(line) <= width:
        yield line
        return
    label = _LABEL.match(line)
    shown = label[0] if label else ""
    indent, used, is_empty = " " * cells(shown), cells(shown), True
    for word in _words(line[len(shown) :]):
        wide = cells(word)
        if not is_empty and used + 1 + wide > width:
            yield shown
            shown, used, is_empty = indent, len(indent), True
        shown += word if is_empty else f" {word}"
        used += wide + (not is_empty)
        is_empty = False
    yield shown


def _words(line: str) -> Iterator[str]:
    """Yield the words of a line, a command as one."""
    at = 0
    for found in _COMMAND.finditer(line):
        yield from line[at : found.start()].split()
        end = len(line) - len(line[found.end() :].lstrip(";,)")) if found[0] else found.end()
        yield line[found.start() : end].strip()
        at = end
    yield from line[at:].split()


LONGEST_PIECE = 4000


def _pieces(text: str) -> Iterator[str]:
    """Yield the paragraphs; very long ones in pieces: breaking words takes their length squared."""
    for paragraph in text.split("\n"):
        for at in range(0, len(paragraph) or 1, LONGEST_PIECE):
            yield paragraph[at : at + LONGEST_PIECE]


def _runs(line: str, hits: Sequence[bool]) -> list[tuple[str, bool]]:
    runs: list[tuple[str, bool]] = []
    for letter, hit in zip(line, hits, strict=True):
        if runs and runs[-1][1] == hit:
            runs[-1] = (runs[-1][0] + letter, hit)
        else:
            runs.append((letter, hit))
    return runs
