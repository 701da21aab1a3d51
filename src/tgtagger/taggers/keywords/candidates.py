"""What could be a tag, and what is seen of it; what both ways of finding such share.

Chooses nothing, and knows no language: see `russian` and `capitals`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tgtagger.taggers.keywords.text import Word

NAME_WEIGHT = 2.2

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
DIGITS = re.compile(r"[\d.,%°$€£₽-]+\w?")
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


def is_capital(text: str) -> bool:
    """Tell whether a word begins with a capital, and is no acronym."""
    return text[0].isupper() and (len(text) == 1 or not text.isupper())


def is_acronym(text: str) -> bool:
    """Tell whether a word is an acronym; a Roman numeral is not."""
    return 2 <= len(text) <= 7 and text.isupper() and not _ROMAN.fullmatch(text)


def without_owner(text: str) -> str:
    """Return an English word without its possessive ending."""
    return re.sub(r"['’]s$", "", text)
