"""Russian word forms: dictionary forms and readings, by `vocabulary.dictionary`.

Without the dictionary words stay as they are written. Caches are bounded; they change only the
time. Knows no text, and no rule of names (`names`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tgtagger.vocabulary import dictionary
from tgtagger.vocabulary.dictionary import CACHED

NOUN_SCORE = 0.4
SMALL_SCORE = 0.1
"""How likely a common noun must be, to be read for a surname that is written small."""
MOST_READINGS = 8

NAMES = ("Name", "Surn", "Patr")
_KINDS = (*NAMES, "Geox", "Orgn")
_CASES = ("nomn", "gent", "datv", "accs", "ablt", "loct", "gen2", "loc2")


@dataclass(frozen=True, slots=True)
class Form:
    """The grammar of a word form. `lemma` is the form that a person would use as a tag."""

    lemma: str
    noun: bool
    adjective: bool
    name: str | None  # Name, Surn, Patr
    place: bool
    known: bool
    animate: bool  # one person or animal
    woman_did: bool  # a past form of a verb, of a woman: сказала


class Features(NamedTuple):
    """What a grammar tag says of a noun or an adjective."""

    case: str
    gender: str  # masc, femn, neut; empty: any
    plural: bool
    kind: str  # Name, Surn, Patr, Geox, Orgn; empty: a common word
    adjective: bool
    fixed: bool  # the same in all cases


class Reading(NamedTuple):
    """One of the forms that a word can be."""

    features: Features
    lemma: str
    score: float
    place: int  # among the parses


@functools.lru_cache(512)  # a word is asked for twice: is it a name, and which is its nominative
def _parses(word: str) -> list[Any]:
    analyzer = dictionary.analyzer()
    return [] if analyzer is None else analyzer.parse(word)


@functools.lru_cache(CACHED)
def analyse(word: str) -> Form:
    """Return the likeliest reading of a Russian word in lower case."""
    parses = _parses(word)
    if not parses:
        return Form(word, True, False, None, False, False, False, False)
    best = parses[0]
    tags = [str(parse.tag) for parse in parses[:4]]  # asking a tag object costs ten times more
    if not tags[0].startswith("NOUN"):
        # For a tag, a noun is better than a reading that is only a little likelier.
        best = next(
            (p for p in parses if p.score >= NOUN_SCORE and str(p.tag).startswith("NOUN")), best
        )
    text = str(best.tag)
    lemma = best.normal_form
    known = dictionary.is_known(best)
    if loan := dictionary.loan_of_form(word):
        return Form(loan, True, False, None, False, True, False, False)
    if not known and lemma != word and (man := _mans(word, lemma, parses)):
        lemma = man
    plural = dictionary.PLURALS.get(lemma.replace("ё", "е"))
    if plural is not None and ("plur" in text or word == plural):
        lemma = plural
    return Form(
        lemma,
        noun=text.startswith("NOUN"),
        adjective=text.startswith("ADJF"),
        name=None if text.startswith("PREP") else _name_in(tags),  # «Из», many an Иза
        place=any("Geox" in tag for tag in tags[:3]),
        known=known,
        animate=",anim," in text and "plur" not in text,
        woman_did=text.startswith("VERB") and "femn" in text,
    )


def common_lemma(word: str) -> str:
    """Return the dictionary form of a word that is written small: волков are of волк, no Волков."""
    form = analyse(word)
    if form.name is None or form.lemma != word:
        return form.lemma
    common: dict[str, float] = {}
    for parse in _parses(word):
        tag = str(parse.tag)
        if tag.startswith("NOUN") and _name_in([tag]) is None:
            common[parse.normal_form] = common.get(parse.normal_form, 0) + parse.score
    likely = max(common, key=lambda lemma: common[lemma], default=word)
    return likely if common.get(likely, 0) >= SMALL_SCORE and word not in common else word


def _name_in(tags: Sequence[str]) -> str | None:
    return next((mark for mark in NAMES for tag in tags if mark in tag), None)


@functools.lru_cache(2048)
def lemmas(word: str, likely: float) -> tuple[str, ...]:
    """Return a word in lower case and its dictionary forms that are at least so likely."""
    found = [each.normal_form.replace("ё", "е") for each in _parses(word) if each.score >= likely]
    return tuple(dict.fromkeys((word, *found)))


_COMMON_HERS = re.compile("NOUN,(?!.*Name).*femn.*")


def _mans(word: str, lemma: str, parses: list[Any]) -> str | None:
    """Return the masculine noun that an unknown word rather is: ретрит, no many a ретрита.

    None for others, and where it ends in a known feminine noun: криптовалют.
    """
    stem = lemma[:-1]
    if (
        lemma[-1] not in "ао"
        or word not in {stem, f"{stem}ы"}
        or (word != stem and not any(each.normal_form == stem for each in parses))
    ):
        return None
    is_compound = any(
        dictionary.has(word[cut:]) and _COMMON_HERS.fullmatch(str(_parses(word[cut:])[0].tag))
        for cut in range(2, len(word) - 3)
    )
    return None if is_compound else stem


@functools.lru_cache(2048)  # there are some hundred grammar tags
def _features(tag: str) -> Features | None:
    marks = tag.replace(" ", ",").split(",")
    if marks[0] not in {"NOUN", "ADJF", "PRTF"}:
        return None
    case = next((mark for mark in _CASES if mark in marks), "")
    if not case:
        return None
    genders = [mark for mark in ("masc", "femn", "neut") if mark in marks]
    return Features(
        {"gen2": "gent", "loc2": "loct"}.get(case, case),
        genders[0] if genders else "",
        "plur" in marks,
        next((mark for mark in _KINDS if mark in marks), ""),
        marks[0] != "NOUN",
        "Fixd" in marks,
    )


@functools.lru_cache(CACHED // 5)
def readings(word: str) -> tuple[Reading, ...]:
    """Return what a word in lower case can be as a noun or an adjective, the likeliest first."""
    found = []
    for place, parse in enumerate(_parses(word)[:MOST_READINGS]):
        features = _features(str(parse.tag))
        if features is not None:
            found.append(Reading(features, parse.normal_form, parse.score, place))
    return tuple(found)


def nominative(word: str, reading: Reading, gender: str = "", *, plural: bool = False) -> str:
    """Return the nominative of one of a word's readings; of an adjective in the gender."""
    features = reading.features
    is_one = features.case == "nomn" and features.plural == plural
    other = features.adjective and not plural and gender not in {"", features.gender}
    if features.fixed or (is_one and not other):
        return word
    womans = features.gender == "femn" and features.kind == "Surn"  # the lemma is a man's
    if not plural and not features.adjective and not womans and features.kind != "Patr":
        return reading.lemma
    wanted = {"nomn", "plur" if plural else "sing"}
    if features.adjective and not plural and (gender or features.gender):
        wanted.add(gender or features.gender)
    bent = _parses(word)[reading.place].inflect(wanted)
    return reading.lemma if bent is None else str(bent.word)
