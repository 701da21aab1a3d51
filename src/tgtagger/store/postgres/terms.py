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


_PRIVATE = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
_MARKED = (range(0x300, 0x20000), range(0xE0100, 0xE01F0))
"""Where characters are that belong to a word besides letters and digits."""


@functools.cache
def _words() -> re.Pattern[str]:
    """Return the pattern of a word: letters, digits, marks and private-use characters."""
    category = unicodedata.category
    marks = [code for codes in _MARKED for code in codes if category(chr(code)) in {"Mn", "Mc"}]
    ranges, first, last = [], marks[0], marks[0]
    for mark in [*marks[1:], sys.maxunicode]:
        if mark != last + 1:
            ranges.append(f"{chr(first)}-{chr(last)}")
            first = mark
        last = mark
    kept = "".join(each for each in ranges if each != "\ufe00-\ufe0f")  # which follow a symbol
    return re.compile(rf"(?:[^\W_]|[{kept}{_PRIVATE}])+")


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
    split = _words().findall
    places: dict[str, list[int]] = {}
    place = 0
    for part in (text, media_text):
        if part:
            found = split(folded(part))
            for at, word in enumerate(map(term, found), place + 1):
                places.setdefault(word, []).append(at)
            place += len(found) + _GAP
    if place > _LAST_PLACE:
        places = {
            word: [*dict.fromkeys(min(each, _LAST_PLACE) for each in at)][:_MOST_PLACES]
            for word, at in places.items()
        }
    # A word has no quotation mark and no backslash.
    written = [f"'{word}':{','.join(map(str, at))}" for word, at in places.items()]
    return " ".join(written), set(places)
