"""Dictionary forms of Russian nouns that the dictionary lacks: биткоина → биткоин, Гуфа → Гуф.

By the forms that stand in the same post, by a short list, and by what the ending is likely to be.
Knows no place in a text.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from tgtagger.taggers.keywords import words
from tgtagger.taggers.keywords.morphology import analyse, nominative, readings
from tgtagger.vocabulary import dictionary

_CONSONANTS = "бвгджзйклмнпрстфхцчшщ"
_ENDINGS = ("ами", "ам", "ах", "ом", "ов", "а", "у", "е", "ы")
_NO_MASCULINE = ("ств", "ени", "ани", "ци")
_IN_POST = 5
"""How many times more a form in the post says than the list."""


def ground_form(
    word: str, *, capital: bool, count: Callable[[str], int], listed: bool = True
) -> str:
    """Return the likeliest dictionary form of a word in lower case.

    `count` tells how often a form stands in the post; without `listed` no list is asked.
    """
    if "-" in word:
        return _hyphenated(word, capital=capital)
    if capital and word.endswith(("о", "э")):
        return word  # Сийярто
    for ending in _ENDINGS:
        stem = word[: -len(ending)]
        if word.endswith(ending) and len(stem) > 2 and stem[-1] in _CONSONANTS:
            votes = _votes_for_a_man(stem, count, listed=listed)
            if votes:
                return stem if votes > 0 else stem + "а"
            if ending == "а":
                return stem if _strips(word, stem, capital=capital) else word
            if capital and ending == "ов":
                return word  # a surname
            if capital and ending == "ы":
                return stem + "а"
    return _guess(word, capital=capital)


def _votes_for_a_man(stem: str, count: Callable[[str], int], *, listed: bool) -> int:
    votes = 0
    if listed:
        votes = (stem in words.counted("masculine")) - (stem in words.counted("feminine"))
    if stem[-1] == "к" and stem[-2] in _CONSONANTS and votes <= 0:
        return votes  # кнопка, not кнопк
    said = count(stem) + count(stem + "ом") - count(stem + "ой") - count(stem + "ою")
    return _IN_POST * said + votes


def _strips(word: str, stem: str, *, capital: bool) -> bool:
    """Tell whether а is the ending of a genitive: some word of the language is bent like that."""
    if stem.endswith(_NO_MASCULINE) or (stem[-1] == "к" and stem[-2] in _CONSONANTS):
        return False
    if not capital and (word.endswith("ла") or _ends_in_a_womans(word)):
        return False  # a verb; криптовалюта
    return any(
        each.lemma.replace("ё", "е") == stem
        and each.features.gender == "masc"
        and each.features.case in {"gent", "accs"}
        for each in readings(word)
    )


@functools.lru_cache(4096)
def _ends_in_a_womans(word: str) -> bool:
    """Tell whether the longest known noun at a word's end is feminine: валюта."""
    for cut in range(2, len(word) - 4):
        end = word[cut:]
        # Asked first: to guess what an unknown word is takes a millisecond.
        known = dictionary.has(end) or dictionary.loan_of_form(end)
        if known and analyse(end).noun:
            first = readings(end)[0].features
            return first.gender == "femn" and first.case == "nomn"
    return False


def _guess(word: str, *, capital: bool) -> str:
    if not capital:
        return word if word in words.counted("masculine") else analyse(word).lemma
    if word[-1] in _CONSONANTS and not word.endswith(("ом", "ем", "ым", "им", "ой", "ей", "их")):
        return word  # Вильфанд: a name stands in the singular
    if word.endswith("и"):
        if word.endswith(("ги", "ки", "хи", "жи", "ши", "чи", "щи")) and len(word) > 4:
            return word[:-1] + "а"
        return word[:-1] + "я" if word.endswith("ии") else word
    one = [each for each in readings(word) if not each.features.plural and not each.features.fixed]
    if not one:
        return word
    return nominative(word, max(one, key=lambda each: each.score))


def _hyphenated(word: str, *, capital: bool) -> str:
    """Bend the last part, and the first with it where both are nouns: банками-партнёрами.

    Нотр-Дам stays as it is written.
    """
    head, _, tail = word.rpartition("-")
    whole = analyse(word).lemma
    first, last = analyse(head), analyse(tail)
    if not capital and len(head) > 2 and first.known and first.noun and whole != word:
        return whole
    every = readings(tail)
    if not last.known:
        bent = tail if capital else ground_form(tail, capital=False, count=lambda _: 0)
    elif not every or (capital and tail[-1] in _CONSONANTS and every[0].features.plural):
        bent = tail
    elif every[0].features.adjective:
        bent = nominative(tail, every[0])
    else:
        bent = last.lemma if last.noun else tail
    return f"{head}-{bent}"
