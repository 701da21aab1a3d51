"""The word lists: stop words, how tag-like a word is. Loaded at their first use.

Knows no text. The head of each list, in data/, tells its source.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping

# Without pathlib and importlib.resources: each costs 8 ms, a tenth of the start.
_DATA = os.path.join(os.path.dirname(__file__), "data")  # noqa: PTH118, PTH120


def _lines(name: str, first: str = "") -> Iterator[list[str]]:
    """Yield the words of each line, or of those with a first word alone: to split takes time."""
    for line in _read(name):
        if not first or line.startswith(f"{first} "):
            yield line.split()


def _read(name: str) -> list[str]:
    with open(os.path.join(_DATA, name), encoding="utf-8") as file:  # noqa: PTH118, PTH123
        return [line for line in file.read().splitlines() if line and not line.startswith("#")]


@functools.cache
def stop_words(language: str) -> frozenset[str]:
    """Return a language's words that are never a tag (`en+`, `ru+`: see data/stopwords.txt)."""
    return frozenset(word for line in _lines("stopwords.txt", language) for word in line[1:])


@functools.cache
def english_stop_words() -> frozenset[str]:
    """Return all the words that are never a tag in an English text."""
    return stop_words("en") | stop_words("en+")


@functools.cache
def all_stop_words() -> frozenset[str]:
    """Return the stop words of all languages, for a text in an unknown language."""
    return frozenset(
        word for line in _lines("stopwords.txt") if not line[0].endswith("+") for word in line[1:]
    )


@functools.cache
def stop_words_in(language: str) -> frozenset[str]:
    """Return the stop words for a post in a language other than English and Russian."""
    more = (line[1:] for line in _lines("stopwords_more.txt", language))
    return all_stop_words().union(stop_words(f"{language}+"), *more)


@functools.cache
def languages_of_words() -> Mapping[str, tuple[str, ...]]:
    """Return the languages whose stop word a word is."""
    languages: dict[str, tuple[str, ...]] = {}
    for name in ("stopwords.txt", "stopwords_more.txt"):
        for language, *stopped in _lines(name):
            if not language.endswith("+"):
                for word in stopped:
                    languages[word] = (*languages.get(word, ()), language)
    return languages


@functools.cache
def weights(language: str) -> Mapping[str, float]:
    """Return how tag-like words are: below 1 generic, above 1 specific; a missing word has 1."""
    return {word: float(line[1]) for line in _lines("weights.txt", language) for word in line[2:]}


@functools.cache
def word_set(name: str) -> frozenset[str]:
    """Return one of the small sets in data/wordsets.txt."""
    return frozenset(word for line in _lines("wordsets.txt", name) for word in line[1:])


@functools.cache
def counted(name: str) -> frozenset[str]:
    """Return one of the sets in data/counted.txt, which scripts/count_words.py writes."""
    return frozenset(word for line in _lines("counted.txt", name) for word in line[1:])


@functools.cache
def terms() -> Mapping[str, frozenset[str]]:
    """Return the adjectives that make a term with a noun, by the noun: ставка → ключевой."""
    adjectives: dict[str, set[str]] = {}
    for term in counted("term"):
        adjective, _, noun = term.partition("_")
        adjectives.setdefault(noun, set()).add(adjective)
    return {noun: frozenset(found) for noun, found in adjectives.items()}


@functools.cache
def footers() -> re.Pattern[str]:
    """Return the pattern that a channel's footers match in small letters: subscribe, read more."""
    lines = _read("footers.txt")
    # One look for the beginning of a word, and not one for each line: three times as fast.
    begun = "|".join(line[2:] for line in lines if line.startswith(r"\b"))
    others = "|".join(line for line in lines if not line.startswith(r"\b"))
    return re.compile(rf"{others}|\b(?:{begun})")


@functools.cache
def known_names() -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """Return the nominatives of names that the dictionary misreads, by their forms in a text."""
    return {
        tuple(form.split("_")): tuple(line[0].casefold().split("_"))
        for line in _lines("names.txt")
        for form in line[1:]
    }


@functools.cache
def begin_known_names() -> frozenset[str]:
    """Return the first words of the known names that have several."""
    return frozenset(form[0] for form in known_names() if len(form) > 1)


@functools.cache
def places() -> Mapping[str, str]:
    """Return the places of Russian adjectives: московский → Москва."""
    return {
        adjective: line[0].replace("_", " ")
        for line in _lines("places.txt")
        for adjective in line[1:]
    }


@functools.cache
def countries() -> Mapping[str, str]:
    """Return the countries of English demonyms, of short names for states, and of themselves."""
    return {
        name.replace("_", " "): line[0].replace("_", " ")
        for line in _lines("countries_en.txt")
        for name in (line[0].lower(), *line[1:])
    }
