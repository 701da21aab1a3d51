"""Candidates for a tag, with their features; `russian` and `capitals` both find them.

Chooses nothing, and knows no language.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tgtagger.taggers.keywords.text import Word

NAME_WEIGHT = 2.2
LONGEST = 4
"""Words of a tag, at most; a longer name is split, or loses its first words."""

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
DIGITS = re.compile(r"[\d.,%°$€£₽-]+\w?")
_RUSSIAN_WORD = re.compile("[а-яё-]+", re.IGNORECASE)
_ROMAN = re.compile("[IVXLCDM]+")


@dataclass(slots=True)
class Candidate:
    """A possible tag: how it is shown, its words, and its places in the text."""

    shown: str
    parts: frozenset[str]  # the ground forms of its words
    weight: float
    name: bool = False
    positions: list[int] = field(default_factory=list)
    sentences: set[int] = field(default_factory=set)


class Gathering:
    """Gathers candidates: the same words make the same candidate."""

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
        if len(shown) > 2 * LONGEST and not shown.isalpha() and joints(shown) >= LONGEST:
            return  # no word, but a list of them
        key = frozenset(parts)
        candidate = self.found.get(key)
        if candidate is None:
            candidate = self.found[key] = Candidate(shown, key, weight, name)
        elif weight > candidate.weight:
            candidate.shown, candidate.weight, candidate.name = shown, weight, name
        candidate.positions.append(position)
        candidate.sentences.add(at.sentence)


_JOINT = re.compile(r"[-'’.](?=\w)")


def joints(text: str) -> int:
    """Return how often a hyphen, an apostrophe or a dot joins words in one."""
    return len(_JOINT.findall(text))


class Shape(NamedTuple):
    """The features of a word that its letters show."""

    capital: bool  # begins with a capital, and is not an acronym
    acronym: bool
    russian: bool  # nothing but Russian letters and hyphens
    cyrillic: bool  # at least one such letter


@functools.lru_cache(10_000)  # the same words come again and again
def shape(text: str) -> Shape:
    """Return the shape of a word. A Roman numeral is not an acronym."""
    upper = text.isupper()
    return Shape(
        text[0].isupper() and (len(text) == 1 or not upper),
        2 <= len(text) <= 7 and upper and not _ROMAN.fullmatch(text),
        _RUSSIAN_WORD.fullmatch(text) is not None,
        CYRILLIC.search(text) is not None,
    )


def without_owner(text: str) -> str:
    """Return an English word without its possessive ending."""
    return text[:-2] if text.endswith(("'s", "’s")) else text
