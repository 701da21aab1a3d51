"""English nouns by WordNet: how often a word is one, how common, its singular, terms of two words.

The lists are loaded at the first English post. Knows no text. scripts/english_nouns.py makes them.
"""

from __future__ import annotations

import functools
import os
import re
import zlib
from collections.abc import Mapping
from typing import NamedTuple

_DATA = os.path.join(os.path.dirname(__file__), "data")  # noqa: PTH118, PTH120
_GZIP = 31  # what zlib calls a gzip file; the module gzip would cost 3 ms of the start


class Known(NamedTuple):
    """What WordNet counted of a word in texts."""

    share: float  # of its uses as a noun, 0 to 1
    common: int  # the binary logarithm of these uses, about; 9 at most


_NO_NOUN = Known(0.0, 0)


def _lines(name: str) -> list[str]:
    with open(os.path.join(_DATA, name), "rb") as file:  # noqa: PTH118, PTH123
        return zlib.decompress(file.read(), _GZIP).decode().splitlines()


@functools.cache
def _terms() -> frozenset[str]:
    return frozenset(_lines("english_terms.gz"))


@functools.cache
def _words() -> tuple[Mapping[str, Known], Mapping[str, str]]:
    """Return what is known of each word, and the singulars of irregular plurals."""
    known: dict[str, Known] = {}
    irregular: dict[str, str] = {}
    for line in _lines("english_words.gz"):
        head, *found = line.split(" ")
        if head == "=":
            irregular.update(dict.fromkeys(found[1:], found[0]))
        else:
            known.update(dict.fromkeys(found, Known(int(head[0]) / 9, int(head[1]))))
    return known, irregular


def _singulars(word: str) -> tuple[str, ...]:
    """Return what a word's singular may be, the likeliest first."""
    irregular = _words()[1].get(word)
    if irregular:
        return (irregular,)
    if word.endswith("men") and len(word) > 5:
        return (word[:-3] + "man",)
    if not word.endswith("s") or word.endswith(("ss", "us", "is")) or len(word) < 4:
        return (word,)
    if word.endswith("ies") and len(word) > 4:
        return (word[:-3] + "y", word[:-1])
    if word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):
        return (word[:-2], word[:-1])
    return (word[:-1],)


@functools.lru_cache(20_000)
def singular(word: str) -> str:
    """Return a word's singular: the one that WordNet met, or the likeliest."""
    known = _words()[0]
    if word in known:
        return word
    found = _singulars(word)
    return next((form for form in found if form in known), found[0])


@functools.lru_cache(20_000)
def look_up(word: str) -> Known | None:
    """Return what is known of a word in any form; None for one that is not listed."""
    known = _words()[0]
    for form in (word, singular(word)):
        if form in known:
            return known[form]
    if word.endswith("ly") and len(word) > 4:
        return _NO_NOUN
    if any(known[form].share < 1 for form in _verbs(word) if form in known):
        return _NO_NOUN
    first, hyphen, last = word.rpartition("-")
    return look_up(last) if first and hyphen and last else None


_INFLECTED = re.compile(r"(.{2,}?)(?:ed|ing)")


def _verbs(word: str) -> tuple[str, ...]:
    """Return the verbs that a word may be a form of: planned → plan, hoping → hope."""
    found = _INFLECTED.fullmatch(word)
    if not found:
        return ()
    stem = found[1]
    double = (stem[:-1],) if stem[-1] == stem[-2:-1] else ()
    return (stem, stem + "e", *double, *((stem[:-1] + "y",) if stem[-1] == "i" else ()))


@functools.lru_cache(20_000)
def is_term(first: str, second: str) -> bool:
    """Tell whether WordNet has two words as a noun, either of them in the singular."""
    terms = _terms()
    return any(
        f"{one} {other}" in terms
        for one in dict.fromkeys((first, *_singulars(first)))
        for other in dict.fromkeys((second, *_singulars(second)))
    )
