"""What a word is to a full-text index, of any database: a text's form, where words end, stems.

Pure; knows no index.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

_JOINERS = "\u00ad\u200d\u2060\ufeff"  # soft hyphen, joiners, a byte order mark
_POINTS = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670"
_INVISIBLE = re.compile(f"(?<=[^\\W\\d_])[{_JOINERS}]|(?<=[\u0900-\u0dff])[{_JOINERS}]|[{_POINTS}]")
"""What stands within a word and is no part of it for who searches: Hebrew points, the vowels and
the stroke of Arabic, a soft hyphen, a joiner after a letter or an Indic sign (not in an emoji)."""

_MAY_BE_INVISIBLE = re.compile(f"[{_JOINERS}{_POINTS}]")  # found in a tenth of the time


def folded(text: str) -> str:
    """Return a text in the form that the index takes: composed, without invisible parts.

    `й` may be one character or two, and a Hebrew word may have points: they are one word.
    """
    if text.isascii():
        return text
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return _INVISIBLE.sub("", text) if _MAY_BE_INVISIBLE.search(text) else text


def tokens(text: str) -> Iterator[str]:
    """Split as the index does: runs of letters, digits, marks and private-use characters."""
    word = ""
    for letter in text:
        if letter.isalnum() or _is_of_word(letter):
            word += letter
        elif word:
            yield word
            word = ""
    if word:
        yield word


def _is_of_word(letter: str) -> bool:
    return unicodedata.category(letter) in {"Mn", "Mc", "Co"} and not "\ufe00" <= letter <= "\ufe0f"


SHORTEST = 3
"""Shorter words (и, of) have no forms; they stand in every other post, so a lookup is slow."""
MAX_FORMS = 200
"""Most forms of one word in an expression: far more than any language has."""


def common_beginning(word: str, its_stem: str) -> str:
    """Return the letters with which all forms of a word begin.

    A word does not always begin with its stem (city, cities → citi): what both share.
    """
    plain, its_stem = bare(word), its_stem.removesuffix("i")
    shared = 0
    while shared < min(len(plain), len(its_stem)) and plain[shared] == its_stem[shared]:
        shared += 1
    return plain[:shared] or plain[:1]


def spellings(beginning: str) -> Iterator[str]:
    """Yield a beginning as it is, and with each one е replaced by ё: no word has two ё."""
    yield beginning
    for at, letter in enumerate(beginning):
        if letter == "е":
            yield beginning[:at] + "ё" + beginning[at + 1 :]


_CYRILLIC = re.compile(r"[а-яё]")


def bare(word: str) -> str:
    """Return a word as an index keeps it (no Latin accents), with е for ё."""
    plain = "".join(
        letter if _CYRILLIC.match(letter) else unicodedata.normalize("NFD", letter)[0]
        for letter in word
    )
    return plain.replace("ё", "е")


def stem(word: str) -> str:
    """Return what a word's forms have in common, by Snowball: words of one stem are one."""
    plain = bare(word)
    language = "russian" if _CYRILLIC.search(plain) else "english" if plain.isascii() else None
    found: str = _stemmer(language).stemWord(plain) if language else plain
    return found


@functools.cache
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(language)
