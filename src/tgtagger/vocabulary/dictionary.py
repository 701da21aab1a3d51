"""The dictionary of Russian: to which words a form can belong. Only this module loads pymorphy3.

Loaded at the first Russian word that is looked up (70 ms). Without pymorphy3 no word is known, with
one warning. Caches are bounded; they change only the time. Knows no tag.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

CACHED = 100_000
"""Word forms remembered: a day's posts, at a few hundred bytes each."""


RARE = 10
"""How many times likelier another reading is than that of a rare word with ё."""


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
    return pymorphy3.MorphAnalyzer(path=pymorphy3_dicts_ru.get_path(), lang="ru")


@functools.lru_cache(CACHED)
def words_of_form(form: str) -> frozenset[str]:
    """Return the words that a Russian form in lower case can belong to; empty if it is unknown.

    A form that is a word itself, a noun or an adjective in the nominative, is that word alone:
    физика is no form of физик. Words are written with е for ё.
    """
    return frozenset(each.normal_form.replace("ё", "е") for each in _readings(form))


@functools.lru_cache(CACHED)
def starts_of_form(form: str, letters: int) -> frozenset[str]:
    """Return how all forms of a form's words begin: чел and люд for люди, as for человек."""
    return frozenset(
        each.word.replace("ё", "е")[:letters] for word in _readings(form) for each in word.lexeme
    )


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
    return tag.startswith(("NOUN", "ADJF")) and "nomn" in tag
