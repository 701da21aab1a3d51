"""The full-text index of FTS5: add and remove posts.

The modules that write posts call it in the same transaction. Knows neither how the index is made
(`fulltext_index`) nor any query (`query`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from sqlalchemy.engine import Connection

from tgtagger.store.statements import Statement

_INSERT = Statement(
    "INSERT INTO posts_fts (rowid, text, media_text) VALUES (:id, :text, :media_text)"
)
_DELETE = Statement(
    "INSERT INTO posts_fts (posts_fts, rowid, text, media_text) "
    "VALUES ('delete', :id, :text, :media_text)"
)
_KEPT = Statement("SELECT text, media_text FROM posts_fts_texts WHERE post_id = :id")
_KEEP = Statement(
    "INSERT INTO posts_fts_texts (post_id, text, media_text) VALUES (:id, :text, :media_text)"
)
_FORGET = Statement("DELETE FROM posts_fts_texts WHERE post_id = :id")
_DELETE_CHANNEL = Statement(
    "INSERT INTO posts_fts (posts_fts, rowid, text, media_text) "
    "SELECT 'delete', id, text, media_text FROM posts_fts_words "
    "WHERE id IN (SELECT id FROM posts WHERE channel_id = :channel)"
)
_FORGET_CHANNEL = Statement(
    "DELETE FROM posts_fts_texts "
    "WHERE post_id IN (SELECT id FROM posts WHERE channel_id = :channel)"
)

Texts = tuple[str, str | None]

_JOINERS = "\u00ad\u200d\u2060\ufeff"  # soft hyphen, joiners, a byte order mark
_POINTS = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670"
_INVISIBLE = re.compile(f"(?<=[^\\W\\d_])[{_JOINERS}]|(?<=[\u0900-\u0dff])[{_JOINERS}]|[{_POINTS}]")
"""What stands within a word and is no part of it for who searches: Hebrew points, the vowels and
the stroke of Arabic, a soft hyphen, a joiner after a letter or an Indic sign (not in an emoji)."""


def folded(text: str) -> str:
    """Return a text in the form that the index takes: composed, without invisible parts.

    `й` may be one character or two, and a Hebrew word may have points: they are one word.
    """
    if text.isascii():
        return text
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    return _INVISIBLE.sub("", text)


def insert(db: Connection, rows: Iterable[tuple[int, str, str | None]]) -> None:
    """Add new posts (id, text, media_text), empty ones too."""
    # In rising order: FTS5 writes out its buffer whenever an id is lower than the one before.
    _INSERT.many(db, [(number, *_taken(db, number, texts)) for number, *texts in sorted(rows)])


def replace(db: Connection, post_id: int, old: Texts, new: Texts) -> None:
    """Replace a post's words. The index keeps no texts: `old` must be exactly what it was given."""
    delete(db, post_id, old)
    text, media_text = _taken(db, post_id, new)
    _INSERT(db, id=post_id, text=text, media_text=media_text)


def delete(db: Connection, post_id: int, old: Texts) -> None:
    """Remove a post from the index. `old` must be exactly what it was given."""
    kept = _KEPT(db, id=post_id).fetchone()
    text, media_text = kept or old
    _DELETE(db, id=post_id, text=text, media_text=media_text)
    if kept:
        _FORGET(db, id=post_id)


def delete_channel(db: Connection, channel_id: int) -> None:
    """Remove all posts of a channel from the index, before they are deleted."""
    _DELETE_CHANNEL(db, channel=channel_id)
    _FORGET_CHANNEL(db, channel=channel_id)


def _taken(db: Connection, post_id: int, texts: Sequence[str | None]) -> list[str | None]:
    """Return a post's texts as the index takes them; keep them if they differ from the post's."""
    found = [text and folded(text) for text in texts]
    if found != list(texts):
        text, media_text = found
        _KEEP(db, id=post_id, text=text, media_text=media_text)
    return found
