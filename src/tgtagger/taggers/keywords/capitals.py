"""Find candidates in a post of any language but Russian and English: by capitals and stop words.

Knows no score.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Sequence

from tgtagger.taggers.keywords import grammar, words
from tgtagger.taggers.keywords.candidates import (
    DIGITS,
    NAME_WEIGHT,
    Gathering,
    shape,
    without_owner,
)
from tgtagger.taggers.keywords.text import Prepared, Word, fold


def gather(prepared: Prepared, gathering: Gathering, language: str) -> None:
    stops = words.stop_words_in(language)
    all_words = prepared.words
    if language == "tr":
        all_words = tuple(map(_without_suffix, all_words))
    elif language in {"fr", "it"}:
        all_words = tuple(map(_without_article, all_words))
    all_words = grammar.whole(all_words, language)
    inside = {
        word.lower
        for word in all_words
        if not word.first and word.text[0].isupper() and word.sentence not in prepared.shouting
    }
    at = 0
    while at < len(all_words):
        run = capital_run(all_words, at, prepared.shouting, inside, stops, language)
        if run:
            shown = " ".join(without_owner(word.text) for word in run)
            parts = [without_owner(word.lower) for word in run]
            weight = NAME_WEIGHT if len(run) > 1 else NAME_WEIGHT * 0.95
            gathering.add(shown, parts, weight, run[0], at, name=True)
            at += len(run)
            continue
        if not grammar.is_verb(all_words, at, language, prepared.text):
            _add_plain(all_words, at, gathering, language, stops)
        at += 1


def _without_suffix(word: Word) -> Word:
    """Return a Turkish name without its endings, which an apostrophe sets apart: İstanbul'da."""
    stem, apostrophe, _ = word.text.replace("’", "'").partition("'")
    if not apostrophe or not stem[0].isupper() or len(stem) < 2:
        return word
    # Nothing but a name has the apostrophe, at a sentence's beginning as well.
    return dataclasses.replace(word, text=stem, lower=fold(stem), first=False)


_ELIDED = "(?:[cdjlmnst]|(?:jus|lors|puis)?qu|dell|all|nell|sull|dall|coll|un|quest|quell)"
_ELISION = re.compile(rf"{_ELIDED}['’](?=\w)|(?i:{_ELIDED})['’](?=[^\W\d_A-ZÀ-Þ])")


def _without_article(word: Word) -> Word:
    """Return a French or Italian word without what is written together with it: l'École.

    Names keep it: L'Aquila, D'Annunzio.
    """
    found = _ELISION.match(word.text)
    if not found:
        return word
    text = word.text[found.end() :]
    # A capital after an elision comes from the name, at a sentence's beginning as well.
    first = word.first and not text[0].isupper()
    return dataclasses.replace(word, text=text, lower=fold(text), first=first)


def capital_run(
    all_words: Sequence[Word],
    at: int,
    shouting: frozenset[int],
    inside: set[str],
    stops: frozenset[str],
    language: str,
) -> list[Word]:
    """Return the words from here that make one name: «European Central Bank», «The Hague»."""
    following = [
        word for word in all_words[at + 1 : at + 6] if word.sentence == all_words[at].sentence
    ]
    if not _starts_name(all_words[at], following, shouting, inside, stops):
        return []
    run = [all_words[at]]
    for place, word in enumerate(following):
        if not word.joined or word.sentence in shouting or len(run) == 5:
            break
        after = following[place + 1] if place + 1 < len(following) else None
        if not _continues_name(run, word, after, stops, language):
            break
        run.append(word)
    while run[-1].lower in stops and len(run) > 1:
        run.pop()
    return run


def _is_upper(word: Word | None) -> bool:
    return word is not None and word.joined and word.text[0].isupper()


def _starts_name(
    word: Word,
    following: Sequence[Word],
    shouting: frozenset[int],
    inside: set[str],
    stops: frozenset[str],
) -> bool:
    text, lower = word.text, without_owner(word.lower)
    if not text[0].isupper() and not _is_mixed(text):
        return False
    after = following[0] if following else None
    if lower in words.word_set("titles") or DIGITS.fullmatch(text):
        return False
    if lower in stops:
        # «The Hague», «New York»: the capital does not come from the sentence's beginning.
        return (
            (not word.first or lower == "new")
            and len(text) > 1
            and not text.isupper()
            and word.sentence not in shouting
            and _is_upper(after)
            and after is not None
            and after.lower not in stops
        )
    if shape(text).acronym or _is_mixed(text):
        return word.sentence not in shouting or _is_mixed(text)
    if word.sentence in shouting:
        return lower in inside
    if not word.first or lower in inside:
        return len(text) > 1
    return _looks_like_name(word, lower, after, stops)


def _is_mixed(text: str) -> bool:
    return not text.isupper() and any(letter.isupper() for letter in text[1:])


def _looks_like_name(word: Word, lower: str, after: Word | None, stops: frozenset[str]) -> bool:
    """Tell whether a sentence's first word is a name: it is not like a word of the language."""
    if word.lower.endswith("'s") or _is_upper(after):
        return True
    if lower in words.weights("en") or lower.endswith(_COMMON_ENDINGS) or len(lower) < 4:
        return False
    # «Coffee prices hit …» against «Netflix has …»: names seldom stand before a noun.
    return after is None or not after.joined or after.lower in stops


_COMMON_ENDINGS = (
    "ing", "ed", "ly", "tion", "sion", "ment", "ness", "s", "ity", "ous", "ful", "ive", "able",
    "ible", "logy", "ship", "ist", "age", "ance", "ence",
)  # fmt: skip


_OF = {"es": {"de", "del"}, "pt": {"de", "do", "da"}, "fr": {"de", "du"}, "it": {"di", "del"}}
"""Between the words of a name: Universidad de Granada."""


def _continues_name(
    run: Sequence[Word], word: Word, after: Word | None, stops: frozenset[str], language: str
) -> bool:
    before = run[-1]
    if before.text.endswith(("'s", "’s")) and len(run) == 1:
        return False
    if word.text[0].isupper():
        return word.lower not in stops or word.text.isupper() or len(run) > 1
    if word.lower in {"of", "&"}:  # University of Toronto
        return not run[0].first and _is_upper(after)
    if word.text in _OF.get(language, ()):
        return _is_upper(after)
    return word.text.isdigit() and len(word.text) < 4 and before.text[-1].isalpha()


def _add_plain(
    all_words: Sequence[Word], at: int, gathering: Gathering, language: str, stops: frozenset[str]
) -> None:
    word = all_words[at]
    lower = word.lower
    bare = lower.removesuffix("'s")
    shortest = 2 if _DENSE.match(bare) else 3
    if (
        _VOWEL_SIGNS.sub("", bare) in stops
        or len(bare) < shortest
        or DIGITS.fullmatch(bare)
        or bare[0].isdigit()
    ):
        return
    weight = 1.0 + min(len(bare), 12) / 40
    plain = word.text.isascii() and language != "de"
    shown = bare if plain else _shown(word.text, language)
    gathering.add(shown, (bare,), weight, word, at, name="." in bare)


_VOWEL_SIGNS = re.compile("[\u064b-\u0652]")  # of Arabic; most texts leave them out
# Scripts that write a syllable or a word in one character.
_DENSE = re.compile("[\u1100-\u11ff\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LIGATURES = re.compile("[\ufb00-\ufb06]")


def _shown(text: str, language: str) -> str:
    """Return a word in lower case as its language writes it: Straße, οδός; İ keeps its form."""
    text = _LIGATURES.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    if "İ" in text or (language == "de" and text[0].isupper()):
        return text
    if language == "tr":
        text = text.replace("I", "ı")
    return text.lower().replace("’", "'").removesuffix("'s")
