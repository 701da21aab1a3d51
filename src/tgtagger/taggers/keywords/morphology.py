"""Russian word forms: dictionary forms, and possible names, by `vocabulary.dictionary`.

Without the dictionary words stay as they are written. Caches are bounded; they change only the
time. Knows no text.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from tgtagger.vocabulary import dictionary
from tgtagger.vocabulary.dictionary import CACHED

NOUN_SCORE = 0.4

_NAMES = ("Name", "Surn", "Patr")
_PLURAL = {
    "выбор": "выборы", "ребенок": "дети", "переговор": "переговоры", "учение": "учения",
    "санкция": "санкции", "беспорядок": "беспорядки", "технология": "технологии",
    "исследование": "исследования", "соцсеть": "соцсети", "финанс": "финансы",
    "животное": "животные", "цена": "цены", "налог": "налоги", "дрон": "дроны", "осадок": "осадки",
    "мигрант": "мигранты", "пенсионер": "пенсионеры", "школьник": "школьники", "очки": "очки",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """The grammar of a word form. `lemma` is the form that a person would use as a tag."""

    lemma: str
    noun: bool
    adjective: bool
    name: str | None  # Name, Surn, Patr
    place: bool
    known: bool


@functools.lru_cache(CACHED)
def analyse(word: str) -> Form:
    """Return the likeliest reading of a Russian word in lower case."""
    analyzer = dictionary.analyzer()
    if analyzer is None:
        return Form(word, noun=True, adjective=False, name=None, place=False, known=False)
    parses = analyzer.parse(word)
    best = parses[0]
    tags = [str(parse.tag) for parse in parses[:4]]  # asking a tag object costs ten times more
    if not tags[0].startswith("NOUN"):
        # For a tag, a noun is better than a reading that is only a little likelier.
        best = next(
            (p for p in parses if p.score >= NOUN_SCORE and str(p.tag).startswith("NOUN")), best
        )
    text = str(best.tag)
    lemma = best.normal_form
    if "plur" in text:
        lemma = _PLURAL.get(lemma.replace("ё", "е"), lemma)
    return Form(
        lemma,
        noun=text.startswith("NOUN"),
        adjective=text.startswith("ADJF"),
        name=next((mark for mark in _NAMES for tag in tags if mark in tag), None),
        place=any("Geox" in tag for tag in tags[:3]),
        known=best.is_known,
    )


@functools.lru_cache(CACHED // 10)
def nominative(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return a name's words in the nominative, agreeing with each other where they can.

    Takes and returns words in lower case; a word that cannot be inflected stays.
    """
    analyzer = dictionary.analyzer()
    if analyzer is None:
        return words
    readings = [[parse for parse in analyzer.parse(word)[:8] if _bends(parse)] for word in words]
    case_gender = _agreement(readings)
    bent: list[str] = []
    for word, parses in zip(words, readings, strict=True):
        parse = _choose(parses, case_gender)
        if parse is None:
            bent.append(_without_ending(word, case_gender))
        else:
            bent.append(_bend(parse, word, plural=case_gender[2] == "plur"))
    return tuple(bent)


def _bends(parse: Any) -> bool:
    return parse.tag.POS in {"NOUN", "ADJF"} and parse.tag.case is not None


def _agreement(readings: list[list[Any]]) -> tuple[Any, Any, Any]:
    """Return the case, gender and number that most of the words can share."""
    votes: dict[tuple[Any, Any, Any], float] = {}
    for parses in readings:
        seen: dict[tuple[Any, Any, Any], float] = {}
        for parse in parses:
            tag = parse.tag
            named = any(mark in tag for mark in (*_NAMES, "Geox", "Orgn"))
            mark = (tag.case, tag.gender if tag.number == "sing" else None, tag.number)
            seen[mark] = max(seen.get(mark, 0), 1 + parse.score + 0.5 * named)
        for mark, weight in seen.items():
            votes[mark] = votes.get(mark, 0) + weight
    return max(votes, key=lambda mark: votes[mark], default=(None, None, None))


def _choose(parses: list[Any], wanted: tuple[Any, Any, Any]) -> Any:
    case, gender, number = wanted
    fitting = [
        parse
        for parse in parses
        if parse.tag.case == case
        and parse.tag.number == number
        and (number == "plur" or parse.tag.gender in {gender, None} or "ms-f" in str(parse.tag))
    ]
    if fitting:
        return fitting[0]
    return parses[0] if parses and parses[0].is_known else None


_MASCULINE_ENDINGS = {"gent": "а", "accs": "а", "datv": "у", "ablt": "ом", "loct": "е"}


def _without_ending(word: str, wanted: tuple[Any, Any, Any]) -> str:
    """Return the nominative of a man's unknown surname: «Тимберлейка» beside «Джастина»."""
    case, gender, _ = wanted
    ending = _MASCULINE_ENDINGS.get(case, "")
    if gender == "masc" and ending and word.endswith(ending) and len(word) > len(ending) + 2:
        return word[: -len(ending)]
    return word


def unknown_name(word: str) -> str:
    """Return the likeliest nominative of a name that no dictionary has: «Хургады» → Хургада."""
    if len(word) > 4 and word.endswith("ы"):
        return word[:-1] + "а"
    if len(word) > 4 and word.endswith(("ги", "ки", "хи")):
        return word[:-1] + "а"
    form = analyse(word)
    # Нотр-Дам looks like a form of a verb, so it stays as it is written.
    return word if "-" in word and not form.noun else form.lemma


def _bend(parse: Any, word: str, *, plural: bool) -> str:
    if "Fixd" in parse.tag:
        return word
    wanted = {"nomn", "plur" if plural else "sing"}
    if parse.tag.POS == "ADJF" and parse.tag.gender and not plural:
        wanted.add(parse.tag.gender)
    bent = parse.inflect(wanted)
    return str(bent.word) if bent is not None else word
