"""Mark the words of a query in a post, and choose the part of it that is shown: as FTS5 does.

The rules are those of FTS5's `snippet` and `highlight` (https://sqlite.org/fts5.html), so that a
search shows the same in both databases. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tgtagger.store.postgres.terms import words
from tgtagger.store.rooms import MARK_END, MARK_START
from tgtagger.store.words import folded

_BETWEEN = "\x1f"
SOURCE = f"p.text || chr({ord(_BETWEEN)}) || coalesce(p.media_text, '')"
"""SQL: the texts of a post, as `marked` takes them."""

_LONG = 5000  # letters
_SHOWN = 24
"""Words of a snippet."""

_PHRASE = re.compile(r"'[^']*'(?::\*)?(?: <-> '[^']*'(?::\*)?)*")
_WORD = re.compile(r"'([^']*)'(:\*)?")
_UNWANTED = re.compile(r" & !\([^()]*\)")
_BRACKETS = re.compile(r"(?<!!)\(([^()]*)\)")

_FIRST, _AGAIN = 1000, 1
"""What a phrase is worth when it is met first, and again."""
_BEGINS_TEXT, _BEGINS_SENTENCE = 120, 100


@dataclass(frozen=True, slots=True)
class _Match:
    """Where a phrase stands: the places of its first word, and after its last one."""

    phrase: int
    begin: int
    end: int


@dataclass(slots=True)
class _Column:
    """A text, its words (begin, end, word), and where phrases stand in it."""

    text: str
    words: list[tuple[int, int, str]]
    matches: list[_Match]


def marked(found: str, expression: str) -> str:
    """Return the part of a post where an expression's words stand, marked; of a long one all."""
    phrases = [_WORD.findall(phrase) for phrase in _PHRASE.findall(_wanted(expression))]
    text, _, media_text = found.rpartition(_BETWEEN)
    columns = [_column(folded(each), phrases) for each in (text, media_text)]
    if len(text) > _LONG:
        return _show(columns[0], 0, len(columns[0].words))
    best, column, begin = 0, columns[0], 0
    for each in columns:
        for score, start in _scores(each):
            if score > best:
                best, column, begin = score, each, start
    return _show(column, begin, begin + _SHOWN)


def _wanted(expression: str) -> str:
    """Return an expression without what it does not want: another part of it may find a post."""
    while expression != (fewer := _BRACKETS.sub(r"\1", _UNWANTED.sub("", expression))):
        expression = fewer
    return expression


def _column(text: str, phrases: Sequence[Sequence[tuple[str, str]]]) -> _Column:
    split = [*words(text)]
    terms = [word for _, _, word in split]
    matches = [
        _Match(number, at, at + len(phrase))
        for at in range(len(terms))
        for number, phrase in enumerate(phrases)
        if _stands(terms, at, phrase)
    ]
    return _Column(text, split, matches)


def _stands(terms: Sequence[str], at: int, phrase: Sequence[tuple[str, str]]) -> bool:
    return at + len(phrase) <= len(terms) and all(
        found.startswith(wanted) if is_beginning else found == wanted
        for found, (wanted, is_beginning) in zip(terms[at:], phrase, strict=False)
    )


def _scores(column: _Column) -> list[tuple[int, int]]:
    """Return what each beginning of a snippet is worth: around a match, and with its sentence."""
    count = len(column.words)
    sentences = _sentences(column)
    found = []
    for match in column.matches:
        score, first, last = _score(column, match.begin)
        middle = first - _half(_SHOWN - (last - first))
        found.append((score, max(min(middle, count - _SHOWN), 0)))
        begin = max(place for place in sentences if place <= match.begin)
        if begin < match.begin and count > _SHOWN:
            score, _, _ = _score(column, begin)
            found.append((score + (_BEGINS_SENTENCE if begin else _BEGINS_TEXT), begin))
    return found


def _half(number: int) -> int:
    return int(number / 2)  # rounded towards zero, as C does


def _score(column: _Column, begin: int) -> tuple[int, int, int]:
    within = [each for each in column.matches if begin <= each.begin < begin + _SHOWN]
    distinct = len({each.phrase for each in within})
    score = distinct * _FIRST + (len(within) - distinct) * _AGAIN
    return score, (within[0].begin if within else 0), (within[-1].end if within else 0)


def _sentences(column: _Column) -> list[int]:
    """Return the places of the words that begin the text, or stand behind a `.` or a `:`."""
    begins = []
    for place, (begin, _, _) in enumerate(column.words):
        before = column.text[:begin].rstrip(" \t\n\r") if begin else ""
        if not place or (before != column.text[:begin] and before.endswith((".", ":"))):
            begins.append(place)
    return begins


def _show(column: _Column, begin: int, end: int) -> str:
    """Return the words from one place up to another, and what stands between them, marked."""
    count = len(column.words)
    is_first, is_last = begin == 0, end >= count
    first = 0 if is_first else column.words[begin][0]
    last = len(column.text) if is_last else column.words[end - 1][1]
    parts, at = [], first
    for start, stop in _merged(column, begin, min(end, count)):
        parts += [column.text[at:start], MARK_START, column.text[start:stop], MARK_END]
        at = stop
    parts.append(column.text[at:last])
    return ("" if is_first else "…") + "".join(parts) + ("" if is_last else "…")


def _merged(column: _Column, begin: int, end: int) -> list[tuple[int, int]]:
    """Return from which letter to which one is marked: matches that overlap are one."""
    marks: list[tuple[int, int]] = []
    for match in column.matches:
        first, last = max(match.begin, begin), min(match.end, end)
        if first >= last:
            continue
        if marks and first < marks[-1][1]:
            marks[-1] = (marks[-1][0], max(marks[-1][1], last))
        else:
            marks.append((first, last))
    return [(column.words[first][0], column.words[last - 1][1]) for first, last in marks]
