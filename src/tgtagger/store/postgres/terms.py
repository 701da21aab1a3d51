"""What a text is to the index here: its words as SQLite's index would take them, and their places.

The server splits no text and knows no language, so that posts are found alike wherever the archive
is kept, and whatever the server's version and locale. Pure.
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Iterator

from tgtagger.store.words import folded

_LONGEST = 400
"""Letters of a word; of longer ones the rest is no part of it (a word has 2 KB at most)."""
_LAST_PLACE = 16_383
"""Words have places up to this one; those behind have it, too."""
_MOST_PLACES = 256
"""Places of one word in a post."""
_GAP = 100
"""Places between a text and the text of its media: no phrase stands in both."""


@functools.cache
def _words() -> re.Pattern[str]:
    """Return the pattern of a word: letters, digits, marks and private-use characters."""
    marks = [
        chr(code)
        for code in range(0x300, sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Mn", "Mc", "Co"} and not 0xFE00 <= code <= 0xFE0F
    ]
    ranges, first, last = [], marks[0], marks[0]
    for mark in marks[1:]:
        if ord(mark) != ord(last) + 1:
            ranges.append(f"{first}-{last}")
            first = mark
        last = mark
    return re.compile(rf"(?:[^\W_]|[{''.join(ranges)}{first}-{last}])+")


def words(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each word of a text begins and ends, and the word as the index keeps it."""
    for found in _words().finditer(text):
        yield *found.span(), term(found[0])


_PLAIN = re.compile(r"[0-9a-zа-яё]*")
_MASK = 0x08029FDF | 0x000361F8 << 32
_STROKES = frozenset(chr(0x300 + at) for at in range(50) if _MASK >> at & 1)
"""Accents that stand behind their letter and are no part of a word, as SQLite knows them."""


@functools.lru_cache(200_000)
def term(word: str) -> str:
    """Return a word as the index keeps it: in small letters, without accents of Latin ones."""
    word = word.lower()
    if not _PLAIN.fullmatch(word):
        word = "".join(_plain(letter) for letter in word if letter not in _STROKES) or word
    return word[:_LONGEST]


def _plain(letter: str) -> str:
    base = unicodedata.normalize("NFD", letter)[0]
    return base if base.isascii() else letter


def vector(text: str, media_text: str | None) -> tuple[str, set[str]]:
    """Return a post's words with their places, as `tsvector` reads them, and the words alone."""
    places: dict[str, list[int]] = {}
    place = 0
    for part in (text, media_text or ""):
        for _, _, word in words(folded(part)):
            place = min(place + 1, _LAST_PLACE)
            places.setdefault(word, []).append(place)
        place = min(place + _GAP, _LAST_PLACE)
    # A word has no quotation mark and no backslash.
    written = (
        f"'{word}':{','.join(map(str, dict.fromkeys(at[:_MOST_PLACES])))}"
        for word, at in places.items()
    )
    return " ".join(written), set(places)
