"""The dictionary of Russian: to which words a form can belong. Only this module loads pymorphy3.

Loaded at the first Russian word that is looked up (70 ms). Without pymorphy3 no word is known, with
one warning. Caches are bounded; they change only the time. Knows no tag.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

CACHED = 100_000
"""Word forms remembered: a day's posts, at a few hundred bytes each."""


RARE = 10
"""How many times likelier another reading is than that of a rare word with ё."""
LIKELIER = 7
"""How many times likelier a word's bent form is than another word in the nominative."""

_DECLINED = ("NOUN", "ADJF", "PRTF")
_OF_PERSONS = ("Name", "Surn", "Patr")
_NAMES = (*_OF_PERSONS, "Geox")


_OF_MEN = re.compile("[бвгджзклмнпрстфхцчшщ]$(?<![ая][мх])(?<![ое][мв])(?<![ыи][мх])")
"""An unknown word that ends so is rather a nominative than a genitive plural: биткоин."""


_OWN_PLURALS: Mapping[str, str] = {
    "выбор": "выборы", "переговор": "переговоры", "учение": "учения", "финанс": "финансы",
    "беспорядок": "беспорядки", "осадок": "осадки", "очки": "очки", "санкция": "санкции",
}  # fmt: skip
"""Of some words: the plural that is another thing."""
PLURALS: Mapping[str, str] = {
    **_OWN_PLURALS,
    "ребенок": "дети", "технология": "технологии", "исследование": "исследования",
    "соцсеть": "соцсети", "животное": "животные", "цена": "цены", "налог": "налоги",
    "дрон": "дроны", "мигрант": "мигранты", "пенсионер": "пенсионеры", "школьник": "школьники",
}  # fmt: skip
"""Those, and the plurals by which a person names other topics: the tagger shows them where a text
has them. Tags of the second kind are suggested for the dictionary's form (`forms.bends`)."""


def is_own_plural(form: str) -> bool:
    """Tell whether a plural is another thing than its singular: учения, of an army."""
    return form in _OWN_PLURALS.values()


@functools.cache
def analyzer() -> Any:
    """Return pymorphy3's analyzer; None if it cannot be loaded."""
    try:
        import pymorphy3
        import pymorphy3_dicts_ru  # comes with it
    except ImportError:
        warnings.warn(
            "pymorphy3 cannot be loaded: Russian tags stay in the form they are written in",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    # With the path of its dictionary it does not search all installed packages: 20 ms of 50.
    found = pymorphy3.MorphAnalyzer(path=pymorphy3_dicts_ru.get_path(), lang="ru")
    table = found.prob_estimator.p_t_given_w
    if hasattr(table, "dct"):  # in C, an extra of pymorphy3, it is fast enough
        found.prob_estimator.p_t_given_w = _Likelihoods(table)
    return found


class _Likelihoods:
    """How likely each reading of a word is: pymorphy3's table, in which a word is found once.

    To find it again for each of its readings took a fifth of the time of a new word.
    """

    def __init__(self, table: Any) -> None:
        self._nodes = table.dct
        self._whole = table.MULTIPLIER
        self._last: tuple[str, int | None] = ("", None)

    def prob(self, word: str, tag: object) -> float:
        last, found = self._last
        if word != last:
            found = self._nodes.follow_bytes(f"{word}:".encode(), self._nodes.ROOT)
            self._last = word, found
        at = found and self._nodes.follow_bytes(str(tag).encode(), found)
        return self._nodes.value(at) / self._whole if at and self._nodes.has_value(at) else 0.0


def has(form: str) -> bool:
    """Tell whether a form is in the dictionary."""
    known = analyzer()
    return known is not None and bool(known.word_is_known(form))


def is_known(parse: Any) -> bool:
    """Tell whether a parse's word is in the dictionary, as `Parse.is_known`, which looks it up.

    It is if the last method that made the parse was a look into the dictionary alone, which names
    a unit, a word, its paradigm and its place in that.
    """
    return len(parse.methods_stack[-1]) == _METHOD_OF_DICTIONARY


_METHOD_OF_DICTIONARY = 4


@functools.cache
def ukrainian() -> Any:
    """Return pymorphy3's analyzer of Ukrainian; None: its dictionary, an extra, is not there."""
    try:
        import pymorphy3
        import pymorphy3_dicts_uk
    except ImportError:
        return None
    return pymorphy3.MorphAnalyzer(path=pymorphy3_dicts_uk.get_path(), lang="uk")


_LOANS = frozenset("вайб гайд джун дрилл мидл оффер скам чилл".split())
_OF_LOANS = ("ами", "ов", "ом", "ам", "ах", "а", "у", "е", "ы", "")


def loan_of_form(form: str) -> str | None:
    """Return the new masculine noun that a form belongs to; None: it is none of these.

    The dictionary takes them for forms of others: гайд for many a гайда, a bagpipe.
    """
    for ending in _OF_LOANS:
        if form.endswith(ending) and (stem := form[: len(form) - len(ending)]) in _LOANS:
            return stem
    return None


@functools.lru_cache(CACHED)
def words_of_form(form: str) -> frozenset[str]:
    """Return the words that a Russian form in lower case can belong to; empty if it is unknown.

    A form that is a word itself, a noun or an adjective in the nominative, is that word alone:
    физика is no form of физик. Words are written with е for ё.
    """
    loan = loan_of_form(form)
    return frozenset([loan]) if loan else frozenset(map(_word, _readings(form)))


@functools.lru_cache(CACHED)
def likely_words_of_form(form: str) -> frozenset[str]:
    """Return these words, and those of which the form is far more often a bent form.

    By the dictionary's counts суда is rather a суд than many a судно. In the singular alone: a tag
    such as техник is no bent техника. And of no person's name: Александра.
    """
    words = words_of_form(form)
    if not words:
        return words
    parses = analyzer().parse(form)
    nominative = [each for each in parses if _is_nominative(str(each.tag))]
    if any("Name" in str(each.tag) for each in nominative):
        return words
    itself = sum(each.score for each in nominative)
    scores: dict[str, float] = defaultdict(float)
    for each in parses:
        if str(each.tag).startswith("NOUN") and "sing" in str(each.tag):
            scores[_word(each)] += each.score
    return words | {word for word, score in scores.items() if score >= LIKELIER * itself}


@functools.lru_cache(CACHED // 10)
def all_words_of_form(form: str) -> frozenset[str]:
    """Return the words of all noun and adjective readings of a form that is known to be bent."""
    known = analyzer()
    if known is None or not known.word_is_known(form):
        return frozenset()
    parses = [each for each in known.parse(form) if str(each.tag).startswith(_DECLINED)]
    return frozenset(map(_word, parses or known.parse(form)))


@functools.lru_cache(CACHED // 10)
def common_words_of_form(form: str) -> frozenset[str]:
    """Return the common nouns of a form that as a nominative is only a name: роман for романов."""
    if not words_of_form(form):
        return frozenset()
    tags = {str(each.tag): each for each in analyzer().parse(form)}
    if any(_is_nominative(tag) and not _is_name(tag) for tag in tags):
        return frozenset()
    return frozenset(
        _word(each) for tag, each in tags.items() if tag.startswith("NOUN") and not _is_name(tag)
    )


@functools.lru_cache(CACHED // 10)
def names_of_form(form: str) -> frozenset[str]:
    """Return the first names, surnames and patronymics that a form can be, in any case."""
    known = analyzer()
    if known is None:
        return frozenset()
    return frozenset(
        _word(each)
        for each in known.parse(form)
        if each.is_known and any(kind in str(each.tag) for kind in _OF_PERSONS)
    )


@functools.lru_cache(CACHED)
def starts_of_form(form: str, letters: int) -> frozenset[str]:
    """Return how all forms of a form's words begin: чел and люд for люди, as for человек."""
    known = analyzer()
    if known is None or not known.word_is_known(form):
        return frozenset()
    return frozenset(
        each.word.replace("ё", "е")[:letters] for word in known.parse(form) for each in word.lexeme
    )


def is_adjective(form: str) -> bool:
    """Tell whether a form can be an adjective in the nominative singular: южная."""
    known = analyzer()
    return known is not None and any(
        {"ADJF", "nomn", "sing"} <= each.tag.grammemes for each in known.parse(form)
    )


@functools.lru_cache(CACHED // 10)
def may_agree(word: str, other: str) -> bool:
    """Tell whether two words can be an adjective and its noun, or are none: южное бутово."""
    known = analyzer()
    if known is None or not (known.word_is_known(word) and known.word_is_known(other)):
        return True
    of_word = [each.tag for each in known.parse(word)]
    if not all(tag.POS == "ADJF" for tag in of_word):
        return True
    nouns = [each.tag for each in known.parse(other) if each.tag.POS == "NOUN"]
    return not nouns or any(
        adjective.number == noun.number
        and adjective.case == noun.case
        and adjective.gender in {noun.gender, None}
        for adjective in of_word
        for noun in nouns
    )


def kinds_of_name(form: str) -> frozenset[str]:
    """Return which names a form is in the nominative, of one person or a place: Name, Geox."""
    known = analyzer()
    if known is None or not known.word_is_known(form):
        return frozenset()
    tags = [str(each.tag) for each in known.parse(form)]
    return frozenset(
        kind
        for kind in _NAMES
        for tag in tags
        if kind in tag and "nomn" in tag and ("sing" in tag or kind == "Geox")
    )


@functools.lru_cache(CACHED // 10)
def has_nominative(form: str) -> bool | None:
    """Tell whether a form can be a nominative; None for a verb and the like.

    Of an unknown form its ending decides: биткоину can be none.
    """
    known = analyzer()
    if known is None:
        return None
    tags = [str(each.tag) for each in known.parse(form)]
    if not tags[0].startswith(_DECLINED):
        return None
    if not known.word_is_known(form) and _OF_MEN.search(form):
        return True
    return any(map(_is_nominative, tags))


def _is_name(tag: str) -> bool:
    return any(kind in tag for kind in _NAMES)


def _word(parse: Any) -> str:
    return str(parse.normal_form).replace("ё", "е")


def _readings(form: str) -> list[Any]:
    known = analyzer()
    if known is None or not known.word_is_known(form):
        return []
    parses = known.parse(form)
    itself = [each for each in parses if _is_nominative(str(each.tag))]
    if itself and all("ё" in each.word for each in itself):
        # Written with е it is far more often another one's form: лет is one of год, hardly лёт.
        least = RARE * max(each.score for each in itself)
        spelled = [each for each in parses if each.word == form and each.score >= least]
        itself = [each for each in spelled if "NOUN" in str(each.tag)] or itself
    return itself or parses


def _is_nominative(tag: str) -> bool:
    return tag.startswith(_DECLINED) and "nomn" in tag
