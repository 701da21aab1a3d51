"""What a Russian name that no dictionary has can be, by its ending: its case, gender, nominative.

Knows no dictionary and no text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

CONSONANTS = "бвгджзйклмнпрстфхцчшщ"
SURNAME_ENDINGS = ("ов", "ев", "ин", "ын")

CERTAIN = 1.0
WITHOUT_ENDING = 0.5  # Клуни: any case
_OBLIQUE_LOOK = 0.6  # a nominative that looks like another case: Хосей
_MEN_IN_A = 0.6  # how much less a man's name in а or я says: Никита, Яхья


class Choice(NamedTuple):
    """A case and a gender that a word can have (empty: any), its nominative in them, a weight."""

    case: str
    gender: str
    nominative: str
    weight: float


class _Ending(NamedTuple):
    ending: str
    cases: tuple[str, ...]
    gender: str
    nominative: str  # the ending of the nominative; ~ is ь after a consonant, й after a vowel
    weight: float
    stem: re.Pattern[str]  # what the stem ends with


def _rows(*rows: tuple[str, str, str, str, float, str]) -> tuple[_Ending, ...]:
    return tuple(
        _Ending(ending, tuple(cases.split()), gender, bare, weight, re.compile(f"(?:{stem})$"))
        for ending, cases, gender, bare, weight, stem in rows
    )


_SURNAME = "(?:[оеы]в|[иы]н)"
_OTHER = "(?<![оеы]в)(?<![иы]н)"
_HARD = "[бвгджзклмнпрстфхцчшщ]"
_SOFT = "[бвджзлмнпрстфаеёоуыэюя]"
_ADJECTIVE = "[сц]к"
_HUSHING = "[гкхжшчщ]"
_SURELY = f"{_HARD}(?<![сц])к"  # Сердючки
_ALL_OF_HERS = "gent datv ablt loct"

_ENDINGS = _rows(
    ("а", "gent accs", "masc", "", 1.0, _HARD),
    ("у", "datv", "masc", "", 1.0, _HARD),
    ("ом", "ablt", "masc", "", 1.0, _HARD),
    ("ем", "ablt", "masc", "", 1.0, "[жшчщц]"),
    ("ым", "ablt", "masc", "", 1.0, _SURNAME),
    ("е", "loct", "masc", "", 0.4, _HARD),
    ("я", "gent accs", "masc", "~", 1.0, _SOFT),
    ("ю", "datv", "masc", "~", 0.7, _SOFT),
    ("ем", "ablt", "masc", "~", 0.9, _SOFT),
    ("е", "loct", "masc", "~", 0.3, _SOFT),
    ("а", "nomn", "femn", "а", 1.0, _SURNAME),
    ("ой", _ALL_OF_HERS, "femn", "а", 1.0, _SURNAME),
    ("у", "accs", "femn", "а", 1.0, ""),
    ("а", "nomn", "femn", "а", 0.6, _OTHER),  # a foreign name in а: rarer than a man's genitive
    ("ы", "gent", "femn", "а", 1.2, ""),  # hardly a nominative
    ("ой", "ablt", "femn", "а", 1.0, _OTHER),
    ("е", "datv loct", "femn", "а", 0.4, ""),
    ("я", "nomn", "femn", "я", 1.0, ""),
    ("ю", "accs", "femn", "я", 0.4, ""),
    ("ей", "ablt", "femn", "я", 1.0, ""),
    ("и", "gent", "femn", "а", 0.4, _HUSHING),
    ("и", "gent", "femn", "а", 0.9, _SURELY),
    ("и", "gent", "femn", "я", 0.4, "[^гкхжшчщ]"),
    ("и", "gent", "femn", "я", 0.9, "[иь]"),
    ("и", "gent", "masc", "я", 0.9, "[иь]"),
    ("ий", "nomn", "masc", "ий", 1.0, _ADJECTIVE),
    ("ого", "gent accs", "masc", "ий", 1.0, _ADJECTIVE),
    ("ому", "datv", "masc", "ий", 1.0, _ADJECTIVE),
    ("им", "ablt", "masc", "ий", 1.0, _ADJECTIVE),
    ("ом", "loct", "masc", "ий", 1.0, _ADJECTIVE),
    ("ая", "nomn", "femn", "ая", 1.0, _ADJECTIVE),
    ("ой", _ALL_OF_HERS, "femn", "ая", 1.0, _ADJECTIVE),
    ("ую", "accs", "femn", "ая", 1.0, _ADJECTIVE),
)


def choices(word: str) -> Sequence[Choice]:
    """Return what a name in lower case can be.

    Of a double surname the first half is bent like the other: Коробкова-Землянского.
    """
    first, hyphen, last = word.rpartition("-")
    if not hyphen:
        return _of_one_word(word)
    halves = {
        (one.case, one.gender): one.nominative
        for one in (_of_one_word(first) if "-" not in first else ())
        if one.nominative.endswith((*SURNAME_ENDINGS, "ский", "ская", "ова", "ева", "ина"))
    }
    return [
        one._replace(nominative=f"{halves.get((one.case, one.gender), first)}-{one.nominative}")
        for one in _of_one_word(last)
    ]


@functools.lru_cache(10_000)
def _of_one_word(word: str) -> tuple[Choice, ...]:
    found = [*_as_written(word)]
    for row in _ENDINGS:
        stem = word.removesuffix(row.ending)
        if stem != word and len(stem) > 1 and row.stem.search(stem):
            found += _bent(stem, row)
    return tuple(found)


def _as_written(word: str) -> list[Choice]:
    if len(word) > 2 and (word[-1] in CONSONANTS or word[-1] == "ь"):
        # A woman's name without an ending is any case, a man's would have one.
        oblique = word.endswith(("ом", "ем", "ым", "им", "ой", "ей"))
        weight = CERTAIN * (_OBLIQUE_LOOK if oblique else 1)
        return [Choice("nomn", "masc", word, weight), Choice("", "femn", word, WITHOUT_ENDING)]
    if word.endswith(("ску", "ия")):  # Чаушеску, Гахария
        return [Choice("", "", word, CERTAIN)]
    return [Choice("", "", word, WITHOUT_ENDING * (word[-1] != "ы"))]


def _bent(stem: str, row: _Ending) -> list[Choice]:
    ending = row.nominative
    if ending == "~":
        ending = "ь" if stem[-1] in CONSONANTS else "й"
    if not ending and stem.endswith("вц"):
        stem = f"{stem[:-1]}ец"  # Тишковца
    found = [Choice(case, row.gender, stem + ending, row.weight) for case in row.cases]
    if ending in {"а", "я"} and not stem.endswith(SURNAME_ENDINGS):
        less = row.weight - _MEN_IN_A
        found += [Choice(case, "masc", stem + ending, less) for case in row.cases]
    return found
