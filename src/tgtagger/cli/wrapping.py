"""Break a text into lines of a width, keeping track of which of its words match a search. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence


def beginning(parts: Sequence[tuple[str, bool]], most: int) -> Iterator[tuple[str, bool]]:
    """Yield as much of a text as can be shown: breaking megabytes into lines takes long."""
    for part, hit in parts:
        yield part[:most], hit
        most -= len(part)
        if most < 0:
            yield "\n…", False
            return


def wrap(parts: Sequence[tuple[str, bool]], width: int, most: int) -> list[list[tuple[str, bool]]]:
    """Break a text of parts into lines, at most so many; the last says that there is more."""
    text = "".join(part for part, _ in parts)
    hits = [hit for part, hit in parts for _ in part]
    lines: list[list[tuple[str, bool]]] = []
    at = 0
    for piece in _pieces(text):
        if len(lines) > most:
            break
        for line in textwrap.wrap(piece, width, break_on_hyphens=False) or [""]:
            start = text.index(line, at) if line else at
            at = start + len(line)
            if line or (lines and lines[-1]):  # no two blank lines in a row
                lines.append(_runs(line, hits[start:at]))
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) > most:
        lines = lines[:most]
        lines[-1] = [*lines[-1], (" …", False)]
    return lines


def _pieces(text: str) -> Iterator[str]:
    """Yield the paragraphs; very long ones in pieces: breaking words takes their length squared."""
    for paragraph in text.split("\n"):
        for at in range(0, len(paragraph) or 1, LONGEST_PIECE):
            yield paragraph[at : at + LONGEST_PIECE]


LONGEST_PIECE = 4000


def _runs(line: str, hits: Sequence[bool]) -> list[tuple[str, bool]]:
    runs: list[tuple[str, bool]] = []
    for letter, hit in zip(line, hits, strict=True):
        if runs and runs[-1][1] == hit:
            runs[-1] = (runs[-1][0] + letter, hit)
        else:
            runs.append((letter, hit))
    return runs
