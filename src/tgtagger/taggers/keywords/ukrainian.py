"""Find candidates in a Ukrainian post by pymorphy3's dictionary, an extra; without it by capitals.

Nouns and names in the nominative, no verbs. Knows no score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tgtagger.taggers.keywords import capitals, words
from tgtagger.taggers.keywords.candidates import DIGITS, NAME_WEIGHT, Gathering
from tgtagger.taggers.keywords.text import Prepared, Word
from tgtagger.vocabulary import dictionary

_OF_PERSONS = {"Name", "Surn", "Patr"}


def can_read() -> bool:
    """Tell whether the dictionary is there."""
    return dictionary.ukrainian() is not None


def gather(prepared: Prepared, gathering: Gathering) -> None:
    if not can_read():
        capitals.gather(prepared, gathering, "uk")
        return
    stops = words.stop_words_in("uk")
    every = prepared.words
    inside = {
        word.lower
        for word in every
        if not word.first and word.text[0].isupper() and word.sentence not in prepared.shouting
    }
    at = 0
    while at < len(every):
        run = capitals.capital_run(every, at, prepared.shouting, inside, stops, "uk")
        if run and run[0].first and _is_common(run[0]) and run[0].lower not in inside:
            run = run[:0]  # Президент України: a word of the language begins the sentence
        for name in _split(run):
            taken = _of_adjective(every, at, name)
            shown = taken or " ".join(_nominatives(name))
            parts = shown.lower().split()
            weight = NAME_WEIGHT if len(parts) > 1 else NAME_WEIGHT * 0.95
            gathering.add(shown, parts, weight, name[0], at, name=True)
            at += len(name) + bool(taken)
        if not run:
            _add_noun(every[at], at, gathering, stops)
            at += 1


def _split(run: Sequence[Word]) -> list[list[Word]]:
    """Return the names of a run: another one begins after a bent word (України Володимир …)."""
    if run and run[0].quoted:
        return [[*run]]
    found: list[list[Word]] = []
    for word in run:
        before = found[-1][-1] if found else None
        if before is None or (
            (_is_first_name(word) or (_has_nominative(word) and not _has_nominative(before)))
            and _is_common(before)
        ):
            found.append([word])
        else:
            found[-1].append(word)
    return found


def _has_nominative(word: Word) -> bool:
    return any("nomn" in each.tag and "plur" not in each.tag for each in _parses(word))


def _is_common(word: Word) -> bool:
    """Tell whether a word can be a common noun, an adjective or a verb in this form."""
    first = _parses(word)[0]
    return first.is_known and not _OF_PERSONS & first.tag.grammemes


def _is_first_name(word: Word) -> bool:
    return any("Name" in each.tag.grammemes for each in _parses(word))


def _of_adjective(every: Sequence[Word], at: int, name: Sequence[Word]) -> str | None:
    """Return an adjective's name with its noun in the nominative: Одеська область."""
    if len(name) > 1 or at + 1 >= len(every) or not every[at + 1].joined:
        return None
    adjective = _of_kind(name[0], "ADJF")
    noun = _of_kind(every[at + 1], "NOUN")
    if adjective is None or noun is None or "plur" in noun.tag:
        return None
    gender = next((one for one in ("masc", "femn", "neut") if one in noun.tag), None)
    shown = adjective.inflect({"nomn", gender}) if gender else None
    if shown is None:
        return None
    return f"{_as_written(shown.word, name[0])} {noun.normal_form}"


def _of_kind(word: Word, kind: str) -> Any:
    """Return a word's first reading if it is of a part of speech."""
    first = _parses(word)[0]
    return first if kind == first.tag.POS else None


def _nominatives(name: Sequence[Word]) -> list[str]:
    if name[0].quoted:  # a title stands as it is
        return [word.text for word in name]
    is_person = len(name) > 1 and any(map(_is_first_name, name))
    return [_as_written(_nominative(word, is_person=is_person), word) for word in name]


def _nominative(word: Word, *, is_person: bool) -> str:
    parses = [each for each in _parses(word) if each.tag.POS in {"NOUN", "ADJF"}]
    if not parses or _has_nominative(word):
        return word.text
    # A lone name is rather a town than a man of its name: Харкові.
    wanted = [
        each
        for each in parses
        if bool(_OF_PERSONS & each.tag.grammemes or "ADJF" in each.tag) == is_person
        and "plur" not in each.tag
    ]
    best = (wanted or parses)[0]
    shown = best.inflect({"nomn"})
    return str(shown.word if shown is not None else best.normal_form)


def _as_written(found: str, word: Word) -> str:
    """Return a form with the capitals of the word in the text."""
    if found == word.text or (word.text.isupper() and len(word.text) > 1):
        return word.text
    return found[:1].upper() + found[1:]


def _add_noun(word: Word, at: int, gathering: Gathering, stops: frozenset[str]) -> None:
    if word.lower in stops or len(word.lower) < 3 or DIGITS.fullmatch(word.lower):
        return
    noun = _of_kind(word, "NOUN")
    if noun is None:
        return
    shown = noun.normal_form
    if shown in stops:
        return
    if word.text.isupper() and len(word.text) > 1:
        shown = word.text
    weight = 1.0 + min(len(shown), 12) / 40
    gathering.add(shown, (shown.lower(),), weight, word, at, name=False)


def _parses(word: Word) -> list[Any]:
    parses: list[Any] = dictionary.ukrainian().parse(word.lower)
    return parses
