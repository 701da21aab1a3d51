"""The full-text index of FTS5: add and remove posts, find its words.

The modules that write posts call it in the same transaction. Knows neither how the index is made
(`fulltext_index`) nor what a query is made of (`match` writes its expression).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from tgtagger.store.rooms import MARK_END, MARK_START, Connection
from tgtagger.store.sqlite.match import expression as expression  # noqa: PLC0414 -- a part of this room
from tgtagger.store.statements import Statement
from tgtagger.store.words import folded

_INSERT = Statement(
    "INSERT INTO posts_fts (rowid, text, media_text) VALUES (:id, :text, :media_text)"
)
_KEEP = Statement(
    "INSERT INTO posts_fts_texts (post_id, text, media_text) VALUES (:id, :text, :media_text)"
)
_DELETE_POSTS = Statement(
    "INSERT INTO posts_fts (posts_fts, rowid, text, media_text) "
    "SELECT 'delete', id, text, media_text FROM posts_fts_words WHERE id IN listed(:posts)"
)
_FORGET_POSTS = Statement("DELETE FROM posts_fts_texts WHERE post_id IN listed(:posts)")

_TERM = Statement("SELECT 1 FROM posts_fts_terms WHERE term = :word")
_TERMS = Statement(
    "SELECT term FROM posts_fts_terms WHERE term >= :begin AND term < :end "
    "AND length(term) BETWEEN :shortest AND :longest ORDER BY doc DESC LIMIT :most"
)

SOURCE = "posts_fts CROSS JOIN posts AS p ON p.id = posts_fts.rowid"
KEY = "posts_fts.rowid"
FOUND = "SELECT rowid FROM posts_fts WHERE posts_fts MATCH :expression"
RELEVANCE = "rank, posts_fts.rowid DESC"
_MATCHES = "posts_fts MATCH :expression"

_LONG = 5000  # letters
_MARKS = f"char({ord(MARK_START)}), char({ord(MARK_END)})"
# FTS5's time for a snippet grows with the square of the words found in it.
SNIPPET = f"""iif(length(p.text) > {_LONG}, highlight(posts_fts, 0, {_MARKS}),
 snippet(posts_fts, -1, {_MARKS}, '…', 24))"""


def matches(_db: Connection, _expression: str) -> tuple[str, str]:
    """Return the condition that a post fits an :expression: FTS5 walks by time, or finds all."""
    return _MATCHES, _MATCHES


def stands_in(_db: Connection, _expression: str) -> str:
    """Return the condition that a post, `p`, fits an :expression."""
    return f"p.id IN ({FOUND})"


def marked(found: str, _expression: str) -> str:
    """Return a snippet as it is: FTS5 has marked it."""
    return found


def insert(db: Connection, rows: Iterable[tuple[int, str, str | None]]) -> None:
    """Add new posts (id, text, media_text), empty ones too."""
    # In rising order: FTS5 writes out its buffer whenever an id is lower than the one before.
    _INSERT.many(db, [_taken(db, row) for row in sorted(rows)])


def replace(db: Connection, rows: Sequence[tuple[int, str, str | None]]) -> None:
    """Replace the words of posts (id, text, media_text), before the posts are changed."""
    delete_posts(db, [number for number, *_ in rows])
    insert(db, rows)


def delete_posts(db: Connection, posts: Sequence[int]) -> None:
    """Remove posts from the index, before they are changed or deleted."""
    # In rising order, as `insert` does.
    listed = json.dumps(sorted(posts))
    _DELETE_POSTS(db, posts=listed)
    _FORGET_POSTS(db, posts=listed)


def has_term(db: Connection, word: str) -> bool:
    """Tell whether any post has a word, as the index keeps words."""
    return _TERM(db, word=word).fetchone() is not None


def terms_like(db: Connection, begin: str, lengths: tuple[int, int], most: int) -> list[str]:
    """Return the index's words that begin so, of these lengths, the most frequent first."""
    shortest, longest = lengths
    rows = _TERMS(
        db, begin=begin, end=begin + "\U0010ffff", shortest=shortest, longest=longest, most=most
    )
    return [term for (term,) in rows]


def _taken(db: Connection, row: tuple[int, str, str | None]) -> tuple[int, str, str | None]:
    """Return a post's texts as the index takes them; keep them if they differ from the post's."""
    number, text, media_text = row
    found = (number, folded(text), media_text and folded(media_text))
    if found != row:
        _KEEP.many(db, [found])
    return found
