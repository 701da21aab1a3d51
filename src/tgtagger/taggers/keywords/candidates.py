"""Candidates for a tag, with what is known of each; shared by both ways of finding them.

Chooses nothing, and knows no language: see `russian` and `capitals`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tgtagger.taggers.keywords.text import Word

NAME_WEIGHT = 2.2

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
DIGITS = re.compile(r"[\d.,%°$€£₽-]+\w?")
_RUSSIAN_WORD = re.compile("[а-яё-]+", re.IGNORECASE)
_ROMAN = re.compile("[IVXLCDM]+")


@dataclass(slots=True)
class Candidate:
    """A possible tag, how it is shown, what it is made of, and where it stands."""

    shown: str
    parts: frozenset[str]  # its words in their ground form
    weight: float
    name: bool = False
    positions: list[int] = field(default_factory=list)
    sentences: set[int] = field(default_factory=set)


class Gathering:
    """Gathers candidates: the same words again are the same candidate."""

    def __init__(self) -> None:
        self.found: dict[frozenset[str], Candidate] = {}

    def add(
        self,
        shown: str,
        parts: Iterable[str],
        weight: float,
        at: Word,
        position: int,
        *,
        name: bool,
    ) -> None:
        key = frozenset(parts)
        candidate = self.found.get(key)
        if candidate is None:
            candidate = self.found[key] = Candidate(shown, key, weight, name)
        elif weight > candidate.weight:
            candidate.shown, candidate.weight, candidate.name = shown, weight, name
        candidate.positions.append(position)
        candidate.sentences.add(at.sentence)


class Shape(NamedTuple):
    """What a word's letters say."""

    capital: bool  # begins with one, and is no acronym
    acronym: bool
    russian: bool  # nothing but Russian letters and hyphens
    cyrillic: bool  # at least one such letter


@functools.lru_cache(40_000)  # the same words come again and again
def shape(text: str) -> Shape:
    """Return what a word's letters say. A Roman numeral is no acronym."""
    upper = text.isupper()
    return Shape(
        text[0].isupper() and (len(text) == 1 or not upper),
        2 <= len(text) <= 7 and upper and not _ROMAN.fullmatch(text),
        _RUSSIAN_WORD.fullmatch(text) is not None,
        CYRILLIC.search(text) is not None,
    )


def without_owner(text: str) -> str:
    """Return an English word without its possessive ending."""
    return re.sub(r"['’]s$", "", text)
