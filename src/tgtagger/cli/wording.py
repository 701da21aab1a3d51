"""Numbers, sizes and times in words; texts on one line, or in lines of a width. Pure."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Sequence

from tgtagger.model.times import day_of, minute_of
from tgtagger.system.terminal_text import clean


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
        lines[-1] = [*lines[-1], (" …", False)]
    return lines


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
    for at, letter in enumerate(word):
        used += cells(letter)
        if used > width:
            return max(at, 1)
    return len(word)


def cells(text: str) -> int:
    """Return how many columns a text takes: two for a Chinese letter, none for an accent."""
    if text.isascii():
        return len(text)
    return sum(
        2
        if unicodedata.east_asian_width(letter) in "WF"
        else unicodedata.category(letter) not in {"Mn", "Me", "Cf"}
        for letter in text
    )


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
