"""When two names are forms of one tag: новость and новости, `electric car` and `electric cars`.

Two Russian words are one if they can be forms of one word in the `dictionary`: люди and человек,
not физик and физика. Words that it lacks are compared by their endings and not by Snowball stems,
which take Нигерия for Нигер and экология for эколог and part автомобиль from автомобили. English
stems must be equal and only inflection may differ: for Snowball, management is a form of manager.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

from tgtagger.vocabulary.dictionary import (
    CACHED,
    all_words_of_form,
    common_words_of_form,
    has_nominative,
    is_adjective,
    is_own_plural,
    likely_words_of_form,
    may_agree,
    names_of_form,
    starts_of_form,
    words_of_form,
)
from tgtagger.vocabulary.names import key, words_of

SHARED = 3
"""Letters that the forms of a word share at least."""
LONGEST_CHANGE = 4
"""Letters at a word's end that may differ in a form: `к` and an ending of three."""

# Not -ов and -ев, which would make Медведев of a bear (медведь).
_RUSSIAN_ENDINGS = frozenset([
    "", *"а я о е у ю ы и ь й ой ей ою ею ом ем ам ям ами ями ах ях".split(),
    *"ый ий ая яя ое ее ые ие ого его ому ему ым им ых их ыми ими ую юю".split(),
])  # fmt: skip
_ENGLISH_ENDINGS = ({"", "s", "es"}, {"y", "ies"})
_RUSSIAN = re.compile("[а-я]{3,}")
SHOUTED_RUSSIAN = 5
SHOUTED_ENGLISH = 7
"""Letters of a word in capitals that is hardly an acronym, at least."""
_SHORTEST = 4
"""Letters of a Russian word that is compared by its ending, at least."""
_MOST_BEGINNINGS = 64
_LONGEST_CHANGING = 7
"""Letters of a word of which a form begins otherwise, at most: человек, люди."""
_ENGLISH = re.compile("[a-z]{3,}")
_OBLIQUE = re.compile("(?:[ая]х|[ая]ми|[ыи]ми|[ое]го|[ое]му)$")  # whatever the word
_VOWEL = re.compile("[аеиоуыэюя]")


def beginnings(key: str) -> str:
    """Return the beginnings of a name's words; all forms of one tag have the same ones."""
    if " " not in key:
        return key[:SHARED]
    return " ".join(sorted(word[:SHARED] for word in key.split(" ")))


def beginnings_of_word(key: str) -> frozenset[str]:
    """Return the beginnings of a name, and of the word that it is a form of: люди, человек.

    Only the forms of short words begin otherwise; longer ones are not looked up, for speed.
    """
    own = frozenset([beginnings(key)])
    if len(key) > _LONGEST_CHANGING or not _RUSSIAN.fullmatch(key):
        return own
    return own | {word[:SHARED] for word in words_of_form(key)}


def starts_of_forms(name: str) -> frozenset[str]:
    """Return the letters of which a name that is a form of this one begins with some.

    The first word may be any of its words, and another form of it: человек for людей, and люди
    for человека.
    """
    return frozenset().union(*(_starts(word) for word, *_ in _folded(name)))


@functools.lru_cache(4096)
def beginnings_of_forms(name: str) -> frozenset[str]:
    """Return the beginnings that the forms of a name have, its own among them.

    Of names of many words, whose forms begin in many ways, only its own.
    """
    starts = [_starts(word) for word, *_ in _folded(name)]
    own = beginnings(key(name))
    if prod(map(len, starts)) > _MOST_BEGINNINGS:
        return frozenset([own])
    return frozenset([own, *(" ".join(sorted(each)) for each in product(*starts))])


def _starts(word: str) -> frozenset[str]:
    known = starts_of_form(word, SHARED) if _RUSSIAN.fullmatch(word) else frozenset()
    return known | {word[:SHARED]}


def bends(name: str) -> tuple[int, int]:
    """Return how far a name is from a dictionary's form, to compare forms of one tag by.

    That is: how many of its words are surely bent (новостей), one more if two do not agree (Южный
    Бутово), and the letters of those and of unknown small words: the shortest is the likeliest.
    """
    bent = letters = 0
    for word, _, is_small in _folded(name):
        if _RUSSIAN.fullmatch(word):
            known = words_of_form(word)
            stands = word in known or is_own_plural(word)
            if not stands and not (" " in name and is_adjective(word)):
                bent += bool(known) or bool(_OBLIQUE.search(word))
                letters += len(word) if known or is_small else 0
    words = [word for word, *_ in _folded(name)]
    return bent + (len(words) == 2 and not may_agree(*words)), letters


@functools.lru_cache(CACHED)  # of the most used tags it is asked for each request
def is_bent(name: str) -> bool:
    """Tell whether the first noun or adjective of a name can be no nominative.

    Of unknown words only small ones are judged: names end in any way.
    """
    for word, is_acronym, is_small in _folded(name):
        if not is_acronym and _RUSSIAN.fullmatch(word) and (is_small or words_of_form(word)):
            nominative = has_nominative(word)
            if nominative is not None:
                return not nominative
    return False


def are_two_words(name: str, other: str) -> bool:
    """Tell whether two single words may be two, although one can be a form of the other.

    So it is if both are in the dictionary's form (час, часы), if only one is known (гайд, гайда),
    and if both are names in the nominative (Красный, Красная; Сумы, Сума).
    """
    word, two = _folded(name)[0].folded, _folded(other)[0].folded
    if " " in name or not (_RUSSIAN.fullmatch(word) and _RUSSIAN.fullmatch(two)):
        return False
    words, others = words_of_form(word), words_of_form(two)
    if bool(words) != bool(others):
        return True
    if name[0].isupper():
        return has_nominative(word) is not False and has_nominative(two) is not False
    return word in words and two in others


def are_forms(name: str, other: str, *, surely: bool = False) -> bool:
    """Tell whether two normalised names have the same words, in any order, in any form.

    Acronyms, unknown short words, and words with digits or signs have no forms; long known words in
    capitals do (ВАКЦИНА). `surely`: a form that can be a word itself is no form of another one,
    however rare that word is.
    """
    words, others = _folded(name), _folded(other)
    if len(words) > 1:
        of_word, of_other = _words_in(name, words), _words_in(other, others)
    else:
        of_word = of_other = words_of_form if surely else likely_words_of_form
    return len(words) == len(others) and (
        all(any(_are_forms(word, each, of_word, of_other) for each in others) for word in words)
        and all(any(_are_forms(word, each, of_word, of_other) for word in words) for each in others)
    )


def is_among(name: str, others: Collection[str]) -> bool:
    """Tell whether a normalised name is one of these, or another form of one."""
    return name in others or any(are_forms(name, other) for other in others)


class Word(NamedTuple):
    folded: str
    is_acronym: bool
    is_small: bool  # no name


def _folded(name: str) -> Sequence[Word]:
    return [
        Word(
            word.casefold().replace("ё", "е"),
            len(word) > 1 and word.isupper() and not _is_shouted(word),
            word.islower(),
        )
        for word in words_of(name)
    ]


def _is_shouted(word: str) -> bool:
    """Tell whether capitals are no acronym's: ВАКЦИНА. Of Russian words the dictionary knows it."""
    small = word.casefold().replace("ё", "е")
    if _RUSSIAN.fullmatch(small):
        return len(small) >= SHOUTED_RUSSIAN and bool(words_of_form(small))
    return len(small) >= SHOUTED_ENGLISH


WordsOf = Callable[[str], frozenset[str]]


def _words_in(name: str, words: Sequence[Word]) -> WordsOf:
    """Return to which words the forms in a name of several belong.

    In a full name each is a name: Анне is a form of Анна, and not the French name. Beside a bent
    word the next one is bent, too: ставок in ключевых ставок is many a ставка, and no pond.
    """
    if all(word[:1].isupper() for word in words_of(name)) and all(
        names_of_form(word) or not words_of_form(word) for word, *_ in words
    ):
        return _words_of_names
    if any(_RUSSIAN.fullmatch(word) and has_nominative(word) is False for word, *_ in words[:1]):
        return all_words_of_form
    return likely_words_of_form


def _words_of_names(form: str) -> frozenset[str]:
    return likely_words_of_form(form) | names_of_form(form)


def _are_forms(one: Word, two: Word, of_one: WordsOf, of_other: WordsOf) -> bool:
    word, other = one.folded, two.folded
    if word == other:
        return True
    if one.is_acronym or two.is_acronym:
        return False
    if _RUSSIAN.fullmatch(word) and _RUSSIAN.fullmatch(other):
        words, others = of_one(word), of_other(other)
        if words and others:
            words |= common_words_of_form(word) if one.is_small else words
            others |= common_words_of_form(other) if two.is_small else others
            return not words.isdisjoint(others)
        return min(len(word), len(other)) >= _SHORTEST and (
            _differ_in_ending(word, other) or _differ_in_ending(_closed(word), _closed(other))
        )
    if _ENGLISH.fullmatch(word) and _ENGLISH.fullmatch(other):
        shared = _shared(word, other)
        return (
            shared >= SHARED
            and any({word[shared:], other[shared:]} <= endings for endings in _ENGLISH_ENDINGS)
            and _english_stem(word) == _english_stem(other)
        )
    return False


def _differ_in_ending(word: str, other: str) -> bool:
    shared = _shared(word, other)
    return any(  # криптовалюта, криптовалютами: their endings begin alike
        stem >= SHARED
        and word[stem:] in _RUSSIAN_ENDINGS
        and other[stem:] in _RUSSIAN_ENDINGS
        and bool(_VOWEL.search(word, 0, stem))
        for stem in (shared, shared - 1)
    )


def _shared(word: str, other: str) -> int:
    """Return the number of letters that the beginnings of two words share."""
    pairs = enumerate(zip(word, other, strict=False))
    return next((at for at, (one, two) in pairs if one != two), min(len(word), len(other)))


def _closed(word: str) -> str:
    """Drop the vowel that the other forms lack: рынок, рынки; украинец, украинцы."""
    return word[:-2] + word[-1] if len(word) > 4 and word.endswith(("ок", "ек", "ец")) else word


@functools.lru_cache(4096)
def _english_stem(word: str) -> str:
    stem: str = _stemmer().stemWord(word)
    return stem


@functools.cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")
