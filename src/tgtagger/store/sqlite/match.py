"""The expressions of FTS5: what a query wants of words, each joined by its forms in the index.

The forms of a word are looked up in the index's own list of terms (those with the same Snowball
stem), not in a second, stemmed index: the counts are the same for a fifth of the building time. The
index folds case and accents but keeps ё apart from е; the lookup joins them.
"""

from __future__ import annotations

import functools

from tgtagger.model import query as tree
from tgtagger.model.query import Words
from tgtagger.store import expressions
from tgtagger.store.expressions import Signs
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.words import (
    MAX_FORMS,
    SHORTEST,
    bare,
    common_beginning,
    folded,
    spellings,
    stem,
    tokens,
)

_TERMS = Statement("SELECT term FROM posts_fts_terms WHERE term >= :begin AND term < :end")


_SIGNS = Signs(" AND ", " OR ", " NOT ")


def expression(db: Connection, part: tree.Query) -> str | None:
    """Return the expression of a part made of words, each joined by its forms in the index.

    None: FTS5 has no expression for it, since its NOT wants something on its left.
    """
    return expressions.expression(part, functools.partial(_words, db), _SIGNS)


def _words(db: Connection, words: Words) -> str:
    """Return the FTS5 expression of a word with its forms, of a phrase, or of a beginning.

    A word also stands as it was typed: FTS5 folds case as it did in the posts, while Python folds
    ß to ss and a ligature to its letters. One that splits in two (e-mail, C++20/23) is a phrase.
    """
    text = folded(words.text.replace("\0", " ").encode(errors="replace").decode())
    parts = [*tokens(text)]
    if words.kind == "beginning":
        more = spellings(bare(parts[0].casefold())) if len(parts) == 1 else ()
        return "(" + " OR ".join(f"{_quote(each)}*" for each in dict.fromkeys([text, *more])) + ")"
    if words.kind == "phrase" or len(parts) > 1:
        return _quote(text)
    forms = dict.fromkeys([text, *_forms(db, parts[0])])
    return "(" + " OR ".join(map(_quote, forms)) + ")"


def _quote(words: str) -> str:
    return '"' + words.replace('"', '""') + '"'


def _forms(db: Connection, word: str) -> list[str]:
    word = word.casefold()
    forms = dict.fromkeys([word, *spellings(bare(word))])
    if len(word) < SHORTEST:
        return list(forms)
    wanted = stem(word)
    for beginning in spellings(common_beginning(word, wanted)):
        for (term,) in _TERMS(db, begin=beginning, end=beginning + "\U0010ffff"):
            if stem(term) == wanted:
                forms[term] = None
                if len(forms) == MAX_FORMS:
                    return list(forms)
    return list(forms)
