"""The expressions of FTS5: what a query wants of words, each joined by its forms in the index.

The forms of a word are looked up in the index's own list of terms (those with the same Snowball
stem), not in a second, stemmed index: the counts are the same for a fifth of the building time. The
index folds case and accents but keeps ё apart from е; the lookup joins them.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from sqlalchemy.engine import Connection

from tgtagger.model import query as tree
from tgtagger.model.query import AllOf, AnyOf, Not, Words
from tgtagger.store.statements import Statement
from tgtagger.store.words import folded, tokens

_TERMS = Statement("SELECT term FROM posts_fts_terms WHERE term >= :begin AND term < :end")


def expression(db: Connection, part: tree.Query) -> str | None:
    """Return the expression of a part made of words, each joined by its forms in the index.

    None: FTS5 has no expression for it, since its NOT wants something on its left.
    """
    match part:
        case Words():
            return _words(db, part)
        case AllOf(parts):
            wanted = [expression(db, each) for each in parts if not isinstance(each, Not)]
            unwanted = [expression(db, each.part) for each in parts if isinstance(each, Not)]
            if not wanted or None in wanted or None in unwanted:
                return None
            without = "".join(f" NOT {each}" for each in unwanted)
            return f"({' AND '.join(filter(None, wanted))}{without})"
        case AnyOf(parts):
            any_of = [expression(db, each) for each in parts]
            return None if None in any_of else f"({' OR '.join(filter(None, any_of))})"
    return None


def _words(db: Connection, words: Words) -> str:
    """Return the FTS5 expression of a word with its forms, of a phrase, or of a beginning.

    A word also stands as it was typed: FTS5 folds case as it did in the posts, while Python folds
    ß to ss and a ligature to its letters. One that splits in two (e-mail, C++20/23) is a phrase.
    """
    text = folded(words.text.replace("\0", " ").encode(errors="replace").decode())
    parts = [*tokens(text)]
    if words.kind == "beginning":
        more = _spellings(_bare(parts[0].casefold())) if len(parts) == 1 else ()
        return "(" + " OR ".join(f"{_quote(each)}*" for each in dict.fromkeys([text, *more])) + ")"
    if words.kind == "phrase" or len(parts) > 1:
        return _quote(text)
    forms = dict.fromkeys([text, *_forms(db, parts[0])])
    return "(" + " OR ".join(map(_quote, forms)) + ")"


def _quote(words: str) -> str:
    return '"' + words.replace('"', '""') + '"'


SHORTEST = 3
"""Shorter words (и, of) have no forms; they stand in every other post, so a lookup is slow."""
MAX_FORMS = 200
"""Most forms of one word in an expression: far more than any language has."""


def _forms(db: Connection, word: str) -> list[str]:
    word = word.casefold()
    forms = dict.fromkeys([word, *_spellings(_bare(word))])
    if len(word) < SHORTEST:
        return list(forms)
    stem = _stem(word)
    for beginning in _spellings(_common_beginning(word, stem)):
        for (term,) in _TERMS(db, begin=beginning, end=beginning + "\U0010ffff"):
            if _stem(term) == stem:
                forms[term] = None
                if len(forms) == MAX_FORMS:
                    return list(forms)
    return list(forms)


def _common_beginning(word: str, stem: str) -> str:
    # A word does not always begin with its stem (city, cities → citi): use what both share.
    bare, stem = _bare(word), stem.removesuffix("i")
    shared = 0
    while shared < min(len(bare), len(stem)) and bare[shared] == stem[shared]:
        shared += 1
    return bare[:shared] or bare[:1]


def _spellings(beginning: str) -> Iterator[str]:
    """Yield a beginning as it is, and with each one е replaced by ё: no word has two ё."""
    yield beginning
    for at, letter in enumerate(beginning):
        if letter == "е":
            yield beginning[:at] + "ё" + beginning[at + 1 :]


_CYRILLIC = re.compile(r"[а-яё]")


def _bare(word: str) -> str:
    """Return a word as the index keeps it (no Latin accents), with е for ё."""
    bare = "".join(
        letter if _CYRILLIC.match(letter) else unicodedata.normalize("NFD", letter)[0]
        for letter in word
    )
    return bare.replace("ё", "е")


def _stem(word: str) -> str:
    bare = _bare(word)
    language = "russian" if _CYRILLIC.search(bare) else "english" if bare.isascii() else None
    stem: str = _stemmer(language).stemWord(bare) if language else bare
    return stem


@functools.cache
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(language)
