"""Tell a post's language, by its letters first, then by the stop words in it.

Chooses nothing.
"""

from __future__ import annotations

import re

from tgtagger.taggers.keywords import words
from tgtagger.taggers.keywords.text import Prepared

FEWEST = 2
"""Stop words that a post must have of a language, to be in it."""

_CYRILLIC_LETTER = re.compile("[а-яёА-ЯЁ]")
_LATIN_LETTER = re.compile("[a-zA-Z]")
_UKRAINIAN = re.compile("[іїєґІЇЄҐўЎ]")
_OTHER_LATIN = re.compile("[à-öø-ÿāăąćčďęěğıłńňőřśşšťůűźżžÀ-ÖØ-ÞĀĂĄĆČĞİŁŃŚŞŠŹŻŽ]")
_TURKISH = re.compile("[ğışİĞŞ]")
_OTHER_SCRIPT = re.compile(r"[^\W\d_a-zA-Zа-яёА-ЯЁ]+")


def language_of(prepared: Prepared) -> str:
    """Return `ru`, `en`, the code of another language with stop words, or `other`."""
    text = prepared.text
    cyrillic = len(_CYRILLIC_LETTER.findall(text))
    latin = len(_LATIN_LETTER.findall(text))
    if cyrillic > latin:
        if len(_UKRAINIAN.findall(text)) * 40 <= cyrillic:
            return "ru"
        return _by_stop_words(prepared) or "other"
    other = len(_OTHER_LATIN.findall(text))
    foreign = sum(map(len, _OTHER_SCRIPT.findall(text)))
    if latin > foreign and other * 50 < latin:
        return _by_stop_words(prepared, "en") or "en"
    language = _by_stop_words(prepared)
    if language is None and len(_TURKISH.findall(text)) > 1:
        return "tr"  # a short post, whose letters no other language has together
    return language or "other"


def _by_stop_words(prepared: Prepared, likeliest: str | None = None) -> str | None:
    """Return the language of the most stop words; None where it is the likeliest, or unclear."""
    languages = words.languages_of_words()
    counts: dict[str, int] = {}
    for word in prepared.words:
        for language in languages.get(word.lower, ()):
            counts[language] = counts.get(language, 0) + 1
    if not counts:
        return None
    best, most = max(counts.items(), key=lambda item: item[1])
    return best if most >= FEWEST and most > counts.get(likeliest or "", 0) else None
