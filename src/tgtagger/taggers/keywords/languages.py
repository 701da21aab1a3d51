"""Tell a post's language, by its letters first, then by the stop words in it.

Chooses nothing.
"""

from __future__ import annotations

import re

from tgtagger.taggers.keywords import words
from tgtagger.taggers.keywords.text import Prepared

FEWEST = 2
"""Stop words that a post must have of a language, to be in it."""

_CYRILLIC_LETTERS = re.compile("[а-яёА-ЯЁ]+")
_LATIN_LETTERS = re.compile("[a-zA-Z]+")
_UKRAINIAN = re.compile("[іїєґІЇЄҐўЎ]")
_NOT_UKRAINIAN = re.compile("[ўыэёъЎЫЭЁЪ]")  # Belarusian, or Russian with a word of Ukrainian
_OTHER_LATIN = re.compile("[à-öø-ÿāăąćčďęěğıłńňőřśşšťůűźżžÀ-ÖØ-ÞĀĂĄĆČĞİŁŃŚŞŠŹŻŽ]")
_TURKISH = re.compile("[ğışİĞŞ]")
_OTHER_SCRIPT = re.compile(r"[^\W\d_a-zA-Zа-яёА-ЯЁ]+")


def language_of(prepared: Prepared) -> str:
    """Return `ru`, `en`, the code of another language with stop words, or `other`."""
    text = prepared.text
    cyrillic = sum(map(len, _CYRILLIC_LETTERS.findall(text)))
    latin = sum(map(len, _LATIN_LETTERS.findall(text)))
    if cyrillic > latin:
        if len(_UKRAINIAN.findall(text)) * 40 <= cyrillic:
            return "ru"
        if may_be_ukrainian(text):
            return "uk"
        return _by_stop_words(prepared) or "other"
    other = len(_OTHER_LATIN.findall(text))
    foreign = sum(map(len, _OTHER_SCRIPT.findall(text)))
    if latin > foreign and other * 50 < latin:
        return _by_stop_words(prepared, "en") or "en"
    language = _by_stop_words(prepared)
    if language is None and len(_TURKISH.findall(text)) > 1:
        return "tr"  # a short post, whose letters no other language has together
    return language or _by_letters(text) or "other"


def may_be_ukrainian(text: str) -> bool:
    """Tell whether a text in Cyrillic has letters of Ukrainian, and none that it lacks."""
    return _NOT_UKRAINIAN.search(text) is None and _UKRAINIAN.search(text) is not None


_ARABIC = re.compile("[\u0620-\u064a\u066e-\u06d3]")
_PERSIAN = re.compile("[پچژگکی]")
_NEITHER = re.compile("[ٹڈڑےںۆێڕڵٺڀڳڻ]")  # Urdu, Kurdish, Sindhi
_DEVANAGARI = re.compile("[\u0900-\u0963]")
_MARATHI = re.compile("ळ|आहे|छ ।|हरू")  # or Nepali


def _by_letters(text: str) -> str | None:
    """Return the language of a text of few stop words that its letters tell."""
    if _ARABIC.search(text) and not _NEITHER.search(text):
        return "fa" if len(_PERSIAN.findall(text)) * 20 > len(_ARABIC.findall(text)) else "ar"
    if _DEVANAGARI.search(text) and not _MARATHI.search(text):
        return "hi"
    if "ß" in text:
        return "de"
    return "es" if re.search("[ñ¿¡]", text) else None


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
