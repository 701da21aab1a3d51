"""The full-text index here: a narrow table of the words of each post, and one of their forms.

The words are those of SQLite's index (`terms`), with their places; a GIN finds posts by them. All
words that ever stood in a post are kept (`known_words`), among which a query's word finds its forms
by their stems: so search finds the same posts in both. Knows no rule.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Sequence

from tgtagger.model import query as tree
from tgtagger.model.query import Words
from tgtagger.store import expressions
from tgtagger.store.expressions import Signs
from tgtagger.store.postgres import snippets
from tgtagger.store.postgres.terms import term, vector, words
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

TABLES = (
    """
    CREATE TABLE post_words (
        post_id INTEGER NOT NULL,
        words tsvector NOT NULL,
        PRIMARY KEY (post_id),
        CONSTRAINT fk_post_words_post_id FOREIGN KEY (post_id) REFERENCES posts (id)
            ON DELETE CASCADE ON UPDATE CASCADE
    )
    """,
    "CREATE INDEX ix_post_words_words ON post_words USING gin (words)",
    """
    CREATE TABLE known_words (
        word TEXT NOT NULL,
        PRIMARY KEY (word)
    )
    """,
)
"""Creates the index."""

CAP = 2000
"""Posts that are counted before a query is planned: fewer are found, sorted and read; of more the
newest are met soon by walking through all posts."""

FREQUENT = 20 * CAP
"""Posts from which on the planner's estimate is good enough."""

_INSERT = Statement(
    "INSERT INTO post_words (post_id, words) VALUES (:id, CAST(:words AS tsvector)) "
    "ON CONFLICT (post_id) DO UPDATE SET words = excluded.words"
)
_DELETE_POSTS = Statement("DELETE FROM post_words WHERE post_id IN listed(:posts)")
_KNOW = Statement(
    "INSERT INTO known_words (word) SELECT value FROM listed_texts(:words) AS j "
    "ON CONFLICT (word) DO NOTHING"
)
_BEGINNING = Statement("SELECT word FROM known_words WHERE word >= :begin AND word < :end")
_FITS = "words @@ CAST(:expression AS tsquery)"
_HAS = Statement(f"SELECT 1 FROM post_words WHERE {_FITS} LIMIT 1")
_LIKE = Statement(
    "SELECT word FROM known_words WHERE word >= :begin AND word < :end "
    "AND length(word) BETWEEN :shortest AND :longest LIMIT :most"
)
_ESTIMATE = Statement(f"EXPLAIN (FORMAT json) SELECT 1 FROM post_words WHERE {_FITS}")
_COUNT = Statement(
    f"SELECT count(*) FROM (SELECT 1 FROM post_words WHERE {_FITS} LIMIT :cap) AS found"
)

SOURCE = "post_words AS w JOIN posts AS p ON p.id = w.post_id"
KEY = "w.post_id"
FOUND = f"SELECT post_id FROM post_words AS w WHERE {_FITS}"
# 1: a word in a short post says more.
RELEVANCE = "ts_rank_cd(w.words, CAST(:expression AS tsquery), 1) DESC, w.post_id DESC"
SNIPPET = snippets.SOURCE
_ALL = f"w.{_FITS}"
_FEW = f"w.post_id = ANY(ARRAY({FOUND}))"
# The function, not the operator: the index is not asked, and the posts are walked through by time.
_DENSE = "ts_match_vq(w.words, CAST(:expression AS tsquery))"

marked = snippets.marked


def matches(db: Connection, expression: str) -> tuple[str, str]:
    """Return the condition that a post fits an :expression, for the newest, and for all."""
    return (_DENSE, _ALL) if _is_frequent(db, expression) else (_FEW, _FEW)


def stands_in(db: Connection, expression: str) -> str:
    """Return the condition that a post, `p`, fits an :expression: each is looked at if many do."""
    if not _is_frequent(db, expression):
        return f"p.id IN ({FOUND})"
    return f"EXISTS (SELECT 1 FROM post_words AS w WHERE w.post_id = p.id AND {_DENSE})"


def _is_frequent(db: Connection, expression: str) -> bool:
    # To count the posts of a frequent word takes long, even up to a cap: all are gathered first.
    ((((plan,)),),) = _ESTIMATE(db, expression=expression).fetchall()
    count = plan["Plan"]["Plan Rows"]
    if count < FREQUENT:
        (count,) = _COUNT(db, expression=expression, cap=CAP).fetchone()
    return bool(count >= CAP)


# ---- add and remove posts


def insert(db: Connection, rows: Iterable[tuple[int, str, str | None]]) -> None:
    """Add new posts (id, text, media_text), empty ones too."""
    made = [(number, *vector(text, media_text)) for number, text, media_text in sorted(rows)]
    _INSERT.many(db, [(number, words) for number, words, _ in made])
    _learn(db, set().union(*(found for _, _, found in made)))


def replace(db: Connection, rows: Sequence[tuple[int, str, str | None]]) -> None:
    """Replace the words of posts (id, text, media_text)."""
    insert(db, rows)


def delete_posts(db: Connection, posts: Sequence[int]) -> None:
    """Remove posts from the index, before they are deleted."""
    _DELETE_POSTS(db, posts=json.dumps(sorted(posts)))


_LONGEST_FORM = 64
"""Letters of a word that has forms; what is longer is none."""


def _learn(db: Connection, found: set[str]) -> None:
    """Keep the words that have forms."""
    words = [word for word in found if len(word) <= _LONGEST_FORM and not word.isdecimal()]
    if words:
        _KNOW(db, words=json.dumps(sorted(words), ensure_ascii=False))


# ---- words of the archive


def has_term(db: Connection, word: str) -> bool:
    """Tell whether any post has a word."""
    wanted = term(word)
    is_word = [found for _, _, found in words(wanted)] == [wanted]
    return is_word and _HAS(db, expression=f"'{wanted}'").fetchone() is not None


def terms_like(db: Connection, begin: str, lengths: tuple[int, int], most: int) -> list[str]:
    """Return words of posts that begin so, of these lengths; how frequent they are nobody knows."""
    shortest, longest = lengths
    rows = _LIKE(
        db, begin=begin, end=begin + "\U0010ffff", shortest=shortest, longest=longest, most=most
    )
    return [word for (word,) in rows]


# ---- expressions


_SIGNS = Signs(" & ", " | ", " & !")


def expression(db: Connection, part: tree.Query) -> str | None:
    """Return the expression of a part made of words, each joined by its forms in the posts."""
    return expressions.expression(part, functools.partial(_words_of, db), _SIGNS)


def _words_of(db: Connection, wanted: Words) -> str:
    """Return the expression of a word with its forms, of a phrase, or of a beginning."""
    text = folded(wanted.text.replace("\0", " ").encode(errors="replace").decode())
    parts = [*tokens(text)]
    phrase = " <-> ".join(f"'{term(part)}'" for part in parts)
    if wanted.kind == "beginning":
        more = spellings(bare(parts[0].casefold())) if len(parts) == 1 else ()
        begins = dict.fromkeys([phrase, *(f"'{each}'" for each in more)])
        return "(" + " | ".join(f"{each}:*" for each in begins) + ")"
    if wanted.kind == "phrase" or len(parts) > 1:
        return f"({phrase})"
    forms = dict.fromkeys([term(parts[0]), *_forms(db, parts[0])])
    return "(" + " | ".join(f"'{form}'" for form in forms) + ")"


def _forms(db: Connection, word: str) -> list[str]:
    word = word.casefold()
    forms = dict.fromkeys([word, *spellings(bare(word))])
    if len(word) < SHORTEST:
        return list(forms)
    wanted = stem(word)
    for beginning in spellings(common_beginning(word, wanted)):
        rows = _BEGINNING(db, begin=beginning, end=beginning + "\U0010ffff")
        forms |= dict.fromkeys(form for (form,) in rows if stem(form) == wanted)
    return list(forms)[:MAX_FORMS]


# ---- the whole index


_BATCH = 500
_POSTS = Statement(
    "SELECT id, text, media_text FROM posts WHERE id > :last ORDER BY id LIMIT :most"
)
_WRONG = Statement(
    "SELECT 1 FROM posts AS p LEFT JOIN post_words AS w ON w.post_id = p.id "
    "WHERE p.id = :id AND coalesce(w.words <> CAST(:words AS tsvector), TRUE)"
)
_EMPTY = Statement("DELETE FROM post_words")


def agrees(db: Connection) -> bool:
    """Tell whether each post has its words in the index (slow: reads everything)."""
    return all(
        _WRONG(db, id=number, words=vector(text, media_text)[0]).fetchone() is None
        for posts in _all_posts(db)
        for number, text, media_text in posts
    )


def rebuild(db: Connection) -> None:
    """Build the index from the posts: it holds nothing else."""
    _EMPTY(db)
    for posts in _all_posts(db):
        insert(db, posts)


def _all_posts(db: Connection) -> Iterator[list[tuple[int, str, str | None]]]:
    last = -1
    while posts := _POSTS(db, last=last, most=_BATCH).fetchall():
        yield posts
        last = posts[-1][0]
