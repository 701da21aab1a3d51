"""What a Russian post says about the words of its names: forms, women, names so far.

Knows no candidate.
"""

from __future__ import annotations

import functools
from collections import Counter

from tgtagger.taggers.keywords import words
from tgtagger.taggers.keywords.candidates import shape
from tgtagger.taggers.keywords.morphology import analyse, readings
from tgtagger.taggers.keywords.names import Hints
from tgtagger.taggers.keywords.text import Prepared

MOST_SURNAMES = 50
"""Remembered of a post: each is compared with each name that stands alone."""


class Surroundings:
    """A post's words, and what is known of its names so far."""

    def __init__(self, prepared: Prepared) -> None:
        self.words = prepared.words
        self.shouting = prepared.shouting
        # The words with a capital inside a sentence, and their dictionary forms.
        self.capitals = {
            word.lower
            for word in self.words
            if word.text[0].isupper()
            and not word.first
            and shape(word.text).capital
            and word.sentence not in self.shouting
        }
        self.inside = {analyse(lower).lemma for lower in self.capitals}
        self.surnames: dict[str, None] = {}  # of the persons so far, in the nominative, in order

    def met(self, surname: str) -> None:
        """Remember the surname of a person, given in the nominative."""
        if len(self.surnames) < MOST_SURNAMES:
            self.surnames[surname] = None

    @functools.cached_property
    def _forms(self) -> Counter[str]:
        return Counter(word.lower for word in self.words)

    def count(self, form: str) -> int:
        """Return how often a word form in lower case stands in the post."""
        return self._forms[form]

    def before(self, at: int) -> str:
        """Return the word before in lower case; empty at the beginning."""
        return self.words[at - 1].lower if at else ""

    def shouts(self, at: int) -> bool:
        return self.words[at].sentence in self.shouting

    def hints(self, at: int, length: int) -> Hints:
        """Return what stands around a person's name whose first word may be of a man or a woman."""
        if not self.words[at].lower.endswith(("а", "я")):
            return Hints()
        return Hints(self._woman_did(at, at + length), self._case(at))

    def is_woman(self, surname: str, at: int) -> bool:
        """Tell whether a word is the surname, given in the nominative, of a woman of the post."""
        return (
            self.words[at].lower.endswith("ой")
            or surname in self.surnames
            or self.count(surname[:-1] + "ой") > 0
            or self._woman_did(at, at + 1)
        )

    def _woman_did(self, start: int, end: int) -> bool:
        """Tell whether «сказала» or the like stands within two words, and is not of a thing."""
        sentence = self.words[start].sentence
        if start and not self.words[start].first and self._is_thing(self.before(start)):
            return False  # «книга Шишкина вышла»
        return any(
            word.sentence == sentence
            and word.lower.endswith(("ла", "лась"))
            and analyse(word.lower).woman_did
            for word in (*self.words[max(0, start - 2) : start], *self.words[end : end + 2])
        )

    def _is_thing(self, lower: str) -> bool:
        return not analyse(lower).animate and any(
            each.case == "nomn" and each.gender == "femn" and not each.adjective
            for each in (reading.features for reading in readings(lower)[:2])
        )

    def _case(self, at: int) -> str:
        """Return the case that the word before tells; empty where it tells none."""
        if self.words[at].first or not at:
            return "nomn"
        before = self.before(at)
        if before in words.word_set("before_genitive"):
            return "gent"
        likeliest = [each.features for each in readings(before)[:2]]
        mans = [each for each in likeliest if each.gender == "masc" and not each.plural]
        if any(each.case == "nomn" for each in mans):
            return "nomn" if analyse(before).animate else ""  # «врач Евгения Сомова»
        return next((each.case for each in mans if each.case in {"gent", "accs"}), "")
