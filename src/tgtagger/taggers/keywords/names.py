"""The nominatives of Russian names: of a person, a place, a thing; and of nouns nobody has listed.

A person is one: where a first name may stand no plural is read, and the words of the name share a
case and a gender, by the dictionary or, of words that it lacks, by their endings. Knows no score,
and no place in a text except by what `Hints` tell.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from tgtagger.taggers.keywords import endings, words
from tgtagger.taggers.keywords.endings import CONSONANTS, WITHOUT_ENDING, Choice
from tgtagger.taggers.keywords.morphology import (
    NAMES,
    Features,
    Form,
    Reading,
    analyse,
    nominative,
    readings,
)
from tgtagger.vocabulary.dictionary import CACHED

_CASES = ("nomn", "gent", "accs", "datv", "ablt", "loct")

# How much a word says for a case and a gender.
_FIRST_NAME = 1.5
_LISTED_NAME = 1.7  # a first name that the dictionary has for a woman alone: Кира, Илона
_COMMON_WORD = 0.7
_BY_SCORE = 0.3
_HINT = 1.0
_PLACE = 3  # times as likely as a first name with the same forms: Ливане
_AS_WRITTEN = 0.3  # the dictionary does not know every name


class Hints(NamedTuple):
    """What stands around a name whose first word may be of a man or of a woman."""

    woman: bool = False  # «сказала» stands near
    case: str = ""  # that the word before tells: «у …», «актёра …»


NO_HINTS = Hints()


# ---- A person


@functools.lru_cache(CACHED // 10)
def person(parts: tuple[str, ...], hints: Hints = NO_HINTS) -> tuple[str, ...]:
    """Return the nominative of a person's name, given as words in lower case."""
    if parts[0] in words.word_set("korean"):
        # Only the last word of Ким Чен Ын is bent.
        return (*parts[:-1], _best(endings.choices(parts[-1]), "masc", parts[-1]))
    if _stands_in_the_nominative(parts[0]):
        return (*parts[:-1], _of_one(parts[-1], parts[0]))
    choices = [_choices(word, parts[at + 1 :]) for at, word in enumerate(parts)]
    votes: dict[tuple[str, str], float] = {}
    for case in _CASES:
        for gender in ("masc", "femn"):
            votes[case, gender] = sum(_weight(every, case, gender) for every in choices)
        votes[case, "femn"] += _HINT * hints.woman
        for gender in ("masc", "femn"):
            votes[case, gender] += _HINT / 2 * (case == hints.case)
    case, gender = max(votes, key=lambda mark: votes[mark])
    return tuple(
        max(
            (one for one in every if one.case in {case, ""} and one.gender in {gender, ""}),
            key=lambda one: one.weight,
            default=Choice("", "", word, 0),
        ).nominative
        for word, every in zip(parts, choices, strict=True)
    )


def _of_one(surname: str, first_name: str) -> str:
    """Return the surname of several as that of one of them: «Ирина и Юрий Вершковы»."""
    if not surname.endswith(("овы", "евы", "ины")):
        return surname
    gender = readings(first_name)[0].features.gender
    return surname[:-1] + ("а" if gender == "femn" else "")


def _stands_in_the_nominative(word: str) -> bool:
    """Tell whether a first name can have no other singular case: then the name is as written."""
    cases = {
        each.features.case
        for each in readings(word)
        if each.features.kind == "Name" and not each.features.plural
    }
    return cases == {"nomn"} and not _listed(word)


def _weight(every: Sequence[Choice], case: str, gender: str) -> float:
    return max(
        (one.weight for one in every if one.case in {case, ""} and one.gender in {gender, ""}),
        default=0,
    )


def _best(every: Sequence[Choice], gender: str, word: str) -> str:
    fitting = [one for one in every if one.gender in {gender, ""}]
    return max(fitting, key=lambda one: one.weight).nominative if fitting else word


def _choices(word: str, following: Sequence[str]) -> list[Choice]:
    """Return what a word of a person's name can be."""
    single = [each for each in readings(word) if not each.features.plural]
    named = [each for each in single if each.features.kind in NAMES]
    known = analyse(word).known
    if known and named:
        found = [_read(word, each, _FIRST_NAME) for each in named]
        if word in words.word_set("mens_forms"):
            found = [one for one in found if one.gender != "femn"]
        bare = word[-1] in CONSONANTS  # of a woman it may be any case
        found.append(Choice("", "femn" if bare else "", word, _AS_WRITTEN + 0.2 * bare))
    else:
        found = list(endings.choices(word))
        if known:
            found += [_read(word, each, _COMMON_WORD) for each in single]
    if following and (man := _listed(word)):
        found += [
            Choice(one.case, "masc", man, _LISTED_NAME)
            for one in endings.choices(word)
            if one.gender == "masc" and one.nominative == man
        ]
    return found


def _read(word: str, reading: Reading, weight: float) -> Choice:
    features = reading.features
    gender = features.gender if features.gender != "neut" else ""
    return Choice(
        features.case,
        gender,
        nominative(word, reading),
        weight + _BY_SCORE * reading.score - (weight - WITHOUT_ENDING) * features.fixed,
    )


def _listed(word: str) -> str | None:
    """Return the man's first name whose form a word is, of those that the dictionary lacks."""
    names = words.word_set("first_names")
    return next(
        (name for name in (word, word[:-1], word[:-2]) if name in names and len(name) > 1), None
    )


def is_person(parts: Sequence[str], forms: Sequence[Form]) -> bool:
    """Tell whether a run of capitalised words is a person's name, by its first word."""
    first = parts[0]
    if first in words.word_set("korean") or _listed(first):
        return True
    kinds = {each.features.kind for each in readings(first)}
    if "Name" in kinds or ("Surn" in kinds and not forms[0].adjective):
        return True
    if forms[0].known or (forms[1].adjective and not forms[1].known):
        return False
    guesses = [each.features for each in readings(first)]
    return not (guesses and guesses[0].adjective) or bool(forms[1].name)


# ---- A place, an organisation, a thing


@functools.lru_cache(CACHED // 10)
def thing(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the nominative of a name like Курская область or Чемпионат России.

    The adjectives agree with the first noun, what follows it stays as it is written.
    """
    every = [readings(word) for word in parts]
    head = next((at for at in range(len(parts)) if not describes(every[at : at + 2])), 0)
    case, gender, plural = _agreement(every[: head + 1])
    if head == 0 and plural and case in {"gent", "accs"} and _stands_beside(every[1:2]):
        return parts  # «Мумий Тролль» is hardly of many mummies
    bent = []
    for at, (word, found) in enumerate(zip(parts, every, strict=True)):
        if at > head:
            bent.append(_after_the_noun(word, found, case, plural=plural))
            continue
        reading = _fitting(found, case, gender, plural=plural)
        noun = _gender_of(every[head], case, plural=plural) if at < head else ""
        bent.append(word if reading is None else nominative(word, reading, noun, plural=plural))
    return tuple(bent)


def describes(pair: Sequence[Sequence[Reading]]) -> bool:
    """Tell whether a word is an adjective of the next one: they share a case."""
    if len(pair) < 2:
        return False
    marks = {_mark(each.features) for each in pair[1]}
    genders = {each.features.gender for each in pair[1] if each.features.fixed}  # Бутово
    return any(
        each.features.adjective
        and (_mark(each.features) in marks or each.features.gender in genders)
        for each in pair[0]
    )


def _stands_beside(following: Sequence[Sequence[Reading]]) -> bool:
    """Tell whether what follows a noun does not depend on it: it cannot be in the genitive."""
    return any(not any(each.features.case == "gent" for each in found) for found in following)


def _mark(features: Features) -> tuple[str, str, bool]:
    return (features.case, "" if features.plural else features.gender, features.plural)


def _after_the_noun(word: str, found: Sequence[Reading], case: str, *, plural: bool) -> str:
    """Return a word as it is written, but for the surname of several: Братьев Карамазовых."""
    for each in found:
        if plural and each.features[2:4] == (True, "Surn") and each.features.case == case:
            return nominative(word, each, plural=True)
    return word


def _agreement(every: Sequence[Sequence[Reading]]) -> tuple[str, str, bool]:
    """Return the case, gender and number that most of the words can share."""
    votes: dict[tuple[str, str, bool], float] = {}
    for found in every:
        seen: dict[tuple[str, str, bool], float] = {}
        for each in found:
            features = each.features
            mark = _mark(features)
            weight = 1 + each.score + 0.5 * bool(features.kind) + 0.01 * (features.gender == "masc")
            seen[mark] = max(seen.get(mark, 0), weight)
        for mark, weight in seen.items():
            votes[mark] = votes.get(mark, 0) + weight
    return max(votes, key=lambda mark: votes[mark], default=("", "", False))


def _fitting(found: Sequence[Reading], case: str, gender: str, *, plural: bool) -> Reading | None:
    for each in found:
        features = each.features
        if (
            features.case == case
            and features.plural == plural
            and (plural or features.gender in {gender, ""})
        ):
            return each
    return found[0] if found and not plural else None


def _gender_of(found: Sequence[Reading], case: str, *, plural: bool) -> str:
    return next(
        (
            each.features.gender
            for each in found
            if each.features.plural == plural
            and (each.features.case == case or each.features.fixed)
        ),
        "",
    )


@functools.lru_cache(CACHED // 10)
def term(adjective: str, noun: str) -> tuple[str, str] | None:
    """Return the nominative of a term in lower case: «ключевую ставку» → ключевая ставка."""
    for one in readings(noun):
        for each in readings(adjective):
            if each.features.adjective and _mark(each.features) == _mark(one.features):
                several = one.features.plural and not one.features.gender  # выборы
                first = nominative(adjective, each, one.features.gender, plural=several)
                return first, nominative(noun, one, plural=several)
    return None


@functools.lru_cache(CACHED // 10)
def of_each(adjective: str, noun: str) -> tuple[str, str] | None:
    """Return an adjective with its plural noun as one: «Курской … областей» → курская область."""
    every = [
        each for each in readings(noun) if each.features.plural and not each.features.adjective
    ]
    if not every:
        return None
    one = every[0]
    single = nominative(noun, one)
    reading = next(
        (
            each
            for each in readings(adjective)
            if each.features.adjective and not each.features.plural
        ),
        None,
    )
    return reading and (nominative(adjective, reading, one.features.gender), single)


# ---- A single word


def single(word: str, *, woman: Callable[[str], bool]) -> str:
    """Return the nominative of a known word with a capital inside a sentence.

    `woman` tells of a woman's surname in the nominative whether the post speaks of her.
    """
    every = [each for each in readings(word) if each.features.kind]
    one = [each for each in every if not each.features.plural or _has_no_singular(each)]
    if not one:
        # «Нилов»: the dictionary has it as a plural of Нил.
        surname = any(each.lemma == word[:-2] for each in every) and word.endswith(("ов", "ев"))
        return word if surname else _of_things(word)
    if word in words.counted("small"):
        return analyse(word).lemma
    surnames = [each for each in one if each.features.kind == "Surn"]
    womans = [each for each in surnames if each.features.gender == "femn"]
    if womans and len(womans) < len(surnames):
        hers = nominative(word, womans[0])
        is_hers = woman(hers) and not womans[0].features.fixed
        one = [each for each in one if each.features.kind != "Surn" or (each in womans) == is_hers]
    scores: dict[str, float] = {}
    for each in one:
        bare = nominative(word, each)
        score = each.score * (_PLACE if each.features.kind == "Geox" else 1)
        scores[bare] = scores.get(bare, 0) + score
    return max(scores, key=lambda bare: scores[bare])


def _has_no_singular(reading: Reading) -> bool:
    """Tell whether a plural is the name of a place: Сумы."""
    return reading.features.kind == "Geox" and reading.lemma.endswith(("ы", "и"))


def of_these(word: str, nominatives: Collection[str]) -> str | None:
    """Return the first of some surnames that a word is a form of: «Бжании», of «Бжания»."""
    if not nominatives or word in nominatives:
        return word if word in nominatives else None
    for bare in nominatives:
        if bare[:2] == word[:2] and any(one.nominative == bare for one in _choices(word, ())):
            return bare
    return None


def _of_things(word: str) -> str:
    """Return the dictionary form of a common noun with a capital; of things the plural stays.

    «Госуслугами» is the name Госуслуги.
    """
    form = analyse(word)
    first = next(iter(readings(word)), None)
    if first is None or form.animate or not first.features.plural or first.features.kind:
        return form.lemma
    if form.lemma != first.lemma or first.features.adjective or first.features.case == "nomn":
        return form.lemma
    return nominative(word, first, plural=True)
