"""What the words of a query become: an expression of FTS5, with each word's forms.

Word forms are found by looking a word's relatives up in the index's own list of terms (those with
the same Snowball stem), not by a second, stemmed index: the counts are the same for a fifth of
the building time. The index folds case and accents but keeps ё apart from е; the look-up joins
them. Knows nothing of filters other than words.
"""

from __future__ import annotations

import functools
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tgtagger.errors import InputError


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a query: words in a row, perhaps only the beginning of one, perhaps unwanted.

    `text` is what was typed: the index splits it as it split the posts, by a Unicode of its own.
    """

    text: str
    words: tuple[str, ...]
    phrase: bool = False
    prefix: bool = False
    excluded: bool = False


_PART = re.compile(r'(?P<minus>-)?(?:"(?P<phrase>[^"]*)(?P<close>"?)|(?P<word>[^\s"]+))')


def parse_query(query: str) -> tuple[Term, ...]:
    """Read a query: words (all of them), "a phrase", begin*, -unwanted.

    Raises InputError for a quote that is not closed and for a query without a word.
    """
    terms: list[Term] = []
    for part in _PART.finditer(query):
        if part["word"] is None and not part["close"]:
            raise InputError("query_quote_open")
        text = part["word"] if part["phrase"] is None else part["phrase"]
        prefix = part["word"] is not None and text.endswith("*")
        text = text.replace("\0", " ").encode(errors="replace").decode()
        words = tuple(_tokens(text))
        if words:
            # What splits in two (e-mail, C++20/23) is looked for as words in a row.
            phrase = part["phrase"] is not None or len(words) > 1
            terms.append(Term(text, words, phrase, prefix, bool(part["minus"])))
    if not terms:
        raise InputError("query_without_words")
    return tuple(dict.fromkeys(terms))


def match_expression(db: sqlite3.Connection, terms: Iterable[Term]) -> str:
    """Return the FTS5 expression for a query, each word joined by its forms in the index.

    Of unwanted words alone it finds the posts that have one: FTS5 knows no NOT without what to
    take it from.
    It stands as it was typed, too: the index folds case as it did in the posts, but Python does it
    otherwise (ß to ss, a ligature to its letters).
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for term in terms:
        expression = _quote(term.text)
        if term.prefix:
            expression += "*"
        elif not term.phrase:
            words = dict.fromkeys([term.text, *_forms(db, term.words[0])])
            expression = "(" + " OR ".join(map(_quote, words)) + ")"
        (unwanted if term.excluded else wanted).append(expression)
    if not wanted:
        return " OR ".join(unwanted)
    return " AND ".join(wanted) + "".join(f" NOT {expression}" for expression in unwanted)


def _quote(words: str) -> str:
    return '"' + words.replace('"', '""') + '"'


def _tokens(text: str) -> Iterator[str]:
    """Split as the index does: runs of letters, digits, marks and private-use characters."""
    for run in re.split(r"[^\w\u0300-\u036f\ue000-\uf8ff]|_", text):
        if run:
            yield run


SHORTEST = 3
"""Shorter words (и, of) have no forms, and stand in every other post, which looking would count."""
MAX_FORMS = 200
"""Forms of one word looked for: bounds the expression, far beyond what a language has."""


def _forms(db: sqlite3.Connection, word: str) -> list[str]:
    word = word.casefold()
    forms = {word: None}
    if len(word) < SHORTEST:
        return list(forms)
    stem = _stem(word)
    for beginning in _spellings(_common_beginning(word, stem)):
        rows = db.execute(
            "SELECT term FROM posts_fts_terms WHERE term >= ? AND term < ?",
            (beginning, beginning + "\U0010ffff"),
        )
        for (term,) in rows:
            if _stem(term) == stem:
                forms[term] = None
                if len(forms) == MAX_FORMS:
                    return list(forms)
    return list(forms)


def _common_beginning(word: str, stem: str) -> str:
    # A stem need not begin its word (city, cities → citi): go by what all forms share.
    bare, stem = _bare(word), stem.removesuffix("i")
    shared = 0
    while shared < min(len(bare), len(stem)) and bare[shared] == stem[shared]:
        shared += 1
    return bare[:shared] or bare[:1]


def _spellings(beginning: str) -> Iterator[str]:
    """Return a stem's beginning as it stands and with one ё for an е: no word has two."""
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
