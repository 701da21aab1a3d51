"""Choose the shelf of a post: the broad topic of which its words speak.

Each word speaks for the shelves whose lists have it, the earlier the louder. Where no shelf speaks
clearly, a post gets none. Pure. Knows no list (`vocabulary.shelves`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tgtagger.taggers.keywords import morphology
from tgtagger.taggers.keywords.candidates import CYRILLIC, without_owner
from tgtagger.taggers.keywords.text import Prepared, Word
from tgtagger.vocabulary.dictionary import CACHED
from tgtagger.vocabulary.shelves import STRONG, Shelves, Sign

FAR = 40
"""A word so far from the beginning speaks half as loud as the first one."""
ENOUGH = 1.0
ENOUGH_WEAK = 1.1
"""How loud several words must speak, one of them strong; and weak ones alone."""
ENOUGH_ALONE = 0.8
ALONE = 1.8
"""How loud one strong word must speak alone, and how much louder than another shelf."""
CLEARLY = 1.15
"""How much louder a shelf speaks than the next one, unless it wins over that."""
LIKELY = 0.25
"""A reading of a Russian word that is at least so likely counts."""


@dataclass(slots=True)
class _Voice:
    """How loud a shelf speaks in a post, by which words."""

    loud: float = 0.0
    words: dict[str, float] = field(default_factory=dict)
    strong: bool = False

    def add(self, word: str, weight: float, loud: float) -> None:
        before = self.words.get(word, 0.0)
        if loud > before:
            self.words[word] = loud
            self.loud += loud - before
            self.strong = self.strong or weight >= STRONG

    def is_enough(self, loudest_other: float) -> bool:
        if len(self.words) > 1:
            return self.loud >= (ENOUGH if self.strong else ENOUGH_WEAK)
        return self.strong and self.loud >= max(ENOUGH_ALONE, ALONE * loudest_other)


def shelf_of(
    prepared: Prepared, language: str, shelves: Shelves, named_in: str | None = None
) -> str | None:
    """Return the name of a post's shelf, in its language or another one; None: it has none."""
    if shelves.languages is not None and language not in shelves.languages:
        return None
    voices = _voices(prepared.words, shelves)
    ranked = sorted(voices, key=lambda shelf: (-voices[shelf].loud, shelf))
    if not ranked:
        return None
    best = ranked[0]
    for other in ranked[1:]:
        if voices[other].loud * CLEARLY <= voices[ranked[0]].loud:
            break
        winner = _winner(shelves, best, other)
        if winner is None:
            return None
        best = winner
    others = (voices[other].loud for other in ranked if other != best)
    if not voices[best].is_enough(max(others, default=0.0)):
        return None
    return shelves.shelves[best].name(named_in or language)


def _winner(shelves: Shelves, one: int, other: int) -> int | None:
    """Return which of two shelves that speak alike is given; None: neither."""
    for winner, loser in ((one, other), (other, one)):
        if not shelves.shelves[winner].over.isdisjoint(shelves.shelves[loser].names.values()):
            return winner
    return None


def _voices(words: Sequence[Word], shelves: Shelves) -> dict[int, _Voice]:
    voices: dict[int, _Voice] = {}
    signs_of = _signs_by(shelves)
    for at, word in enumerate(words):
        for said, (shelf, weight, following) in signs_of(word.lower):
            if not following or _follow(words, at, following):
                voice = voices.get(shelf)
                if voice is None:
                    voice = voices[shelf] = _Voice()
                voice.add(said, weight, weight / (1 + at / FAR))
    return voices


@functools.lru_cache(4)  # lists are told apart as objects
def _signs_by(shelves: Shelves) -> Callable[[str], Sequence[tuple[str, Sign]]]:
    """Return what finds a word's signs, each with what it says, as the list has it."""
    words, beginnings = shelves.words, shelves.beginnings

    @functools.lru_cache(CACHED)
    def signs_of(lower: str) -> Sequence[tuple[str, Sign]]:
        found = [(form, sign) for form in ground_forms(lower) for sign in words.get(form, ())]
        for end in range(2, len(lower) + 1):
            found += [(lower[:end], sign) for sign in beginnings.get(lower[:end], ())]
        return tuple(
            (f"{form} {sign.following[0]}" if sign.following else form, sign)
            for form, sign in found
        )

    return signs_of


def ground_forms(lower: str) -> tuple[str, ...]:
    """Return a word and its likely dictionary forms, as a list may have them."""
    if CYRILLIC.search(lower):
        return morphology.lemmas(lower, LIKELY)
    bare = without_owner(lower)
    found = [lower, bare]
    if len(bare) > 3 and bare.endswith("s"):
        found.append(bare[:-1])
        if bare.endswith("ies"):
            found.append(bare[:-3] + "y")
        elif bare.endswith("es"):
            found.append(bare[:-2])
    return tuple(dict.fromkeys(found))


def _follow(words: Sequence[Word], at: int, following: Sequence[str]) -> bool:
    after = words[at + 1 : at + 1 + len(following)]
    return len(after) == len(following) and all(
        word.joined and wanted in ground_forms(word.lower)
        for word, wanted in zip(after, following, strict=True)
    )
