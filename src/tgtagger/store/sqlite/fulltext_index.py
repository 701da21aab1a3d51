"""The tables of FTS5's index: create them, compare them with the posts, build them anew.

The index holds nothing that the posts do not. Knows neither who writes posts (`fulltext` keeps the
index up to date) nor any query.
"""

from __future__ import annotations

import sqlite3

from tgtagger.store.sqlite import stale_log
from tgtagger.store.words import folded

TABLES = ("posts_fts_data", "posts_fts_idx", "posts_fts_docsize", "posts_fts_config")
"""The tables that FTS5 keeps an index in."""

# fmt: off
_LATER_SYMBOLS = (
    (0x2065, 0x2069), (0x2072, 0x2073), (0x208F, 0x208F), (0x209D, 0x209F), (0x20BA, 0x20CF),
    (0x20F1, 0x20FF), (0x218A, 0x218F), (0x23F4, 0x23FF), (0x2427, 0x243F), (0x244B, 0x245F),
    (0x2700, 0x2700), (0x2B4D, 0x2B4F), (0x2B5A, 0x2BFF), (0x1F321, 0x1F32F), (0x1F336, 0x1F336),
    (0x1F37D, 0x1F37F), (0x1F394, 0x1F39F), (0x1F3C5, 0x1F3C5), (0x1F3CB, 0x1F3DF),
    (0x1F3F1, 0x1F3FF), (0x1F43F, 0x1F43F), (0x1F441, 0x1F441), (0x1F4F8, 0x1F4F8),
    (0x1F4FD, 0x1F4FF), (0x1F53E, 0x1F53F), (0x1F544, 0x1F54F), (0x1F568, 0x1F5FA),
    (0x1F641, 0x1F644), (0x1F6C6, 0x1F6FF), (0x1F7D5, 0x1F7FF), (0x1F900, 0x1FAFF),
)
# fmt: on
"""Symbols and emoji (first, last) that SQLite's tokenizer, which knows Unicode 6.1, takes for
letters: those of U+2000 to U+2BFF and of the blocks of emoji, future ones included."""

_SELECTORS = ((0xFE00, 0xFE0F),)
"""Variation selectors, which follow a symbol and are no part of a word."""

SYMBOLS = "".join(
    chr(code) for first, last in (*_LATER_SYMBOLS, *_SELECTORS) for code in range(first, last + 1)
)

TOKENIZER = (
    "unicode61 remove_diacritics 2 categories ''L* N* Co Mn Mc'' " + f"separators ''{SYMBOLS}''"
)

CREATE = (
    # Texts that the index takes in another form than the posts have them: few.
    """
    CREATE TABLE posts_fts_texts (
        post_id INTEGER NOT NULL,
        text TEXT NOT NULL,
        media_text TEXT,
        PRIMARY KEY (post_id),
        CONSTRAINT fk_posts_fts_texts_post_id FOREIGN KEY(post_id) REFERENCES posts (id)
            ON DELETE CASCADE ON UPDATE CASCADE
    )
    """,
    """
    CREATE VIEW posts_fts_words AS
    SELECT p.id AS id, coalesce(f.text, p.text) AS text,
           coalesce(f.media_text, p.media_text) AS media_text
    FROM posts AS p LEFT JOIN posts_fts_texts AS f ON f.post_id = p.id
    """,
    # External content: the text is stored once, in posts. Kept in step by the store, a page at a
    # time; triggers would halve the rate of storing (docs/performance.md). A letter's marks (Mn,
    # Mc) belong to its word; a symbol separates words: `🟠Новости` is found by its word.
    f"""
    CREATE VIRTUAL TABLE posts_fts USING fts5(
        text, media_text, content='posts_fts_words', content_rowid='id',
        tokenize='{TOKENIZER}'
    )
    """,
    # Bytes of new words kept in memory: those of a whole page, so that each word is written once.
    "INSERT INTO posts_fts (posts_fts, rank) VALUES ('hashsize', 16777216)",
    # Merge eight parts of the index at a time, not four: storing takes a tenth less time.
    "INSERT INTO posts_fts (posts_fts, rank) VALUES ('automerge', 8)",
    "CREATE VIRTUAL TABLE posts_fts_terms USING fts5vocab('posts_fts', 'row')",
)
"""Creates the index, and what stands with it."""


def is_readable(db: sqlite3.Connection) -> bool:
    """Tell whether the index can be queried."""
    try:
        db.execute("SELECT 1 FROM posts_fts WHERE posts_fts MATCH 'a' LIMIT 1").fetchone()
        for table in ("posts_fts_terms", *TABLES):
            db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()
    except sqlite3.Error:
        return False
    return True


def agrees(db: sqlite3.Connection, *, forms: bool = True) -> bool:
    """Tell whether the index agrees with the posts, word by word (slow: reads everything).

    Without `forms`, the texts in the form of the index are taken as they are (`has_form`).
    """
    try:
        db.execute("INSERT INTO posts_fts (posts_fts, rank) VALUES ('integrity-check', 1)")
        return _finds_all(db) and is_readable(db) and (not forms or _have_forms(db))
    except sqlite3.DatabaseError as error:
        # SQLITE_ERROR: a part of the index is missing. Other errors say nothing about it.
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR}:
            return False
        raise


def _finds_all(db: sqlite3.Connection) -> bool:
    """Tell whether each page of words can be found, which FTS5's own check does not test.

    A page's number holds that of its segment; its third and fourth byte say where its list of
    words begins, if it has one (https://sqlite.org/fts5.html, and fts5_index.c).
    """
    pages = db.execute(
        "SELECT id, substr(block, 3, 2), length(block) FROM posts_fts_data "
        "WHERE id > 10 AND (id >> 36) & 1 = 0"
    )
    with_words = {
        (number >> 37, number & 0x7FFFFFFF)
        for number, end, length in pages
        if length > int.from_bytes(end)
    }
    return with_words <= set(db.execute("SELECT segid, pgno >> 1 FROM posts_fts_idx"))


def has_form(text: str | None, beside: str | None) -> bool:
    """Tell whether the index takes a post's text in the right form: as it is, or that beside it."""
    return text is None or folded(text) == (text if beside is None else beside)


def _have_forms(db: sqlite3.Connection) -> bool:
    """Tell whether the texts of all posts stand in the right form beside them, or need none."""
    db.create_function("has_form", 2, has_form, deterministic=True)
    (wrong,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM posts AS p LEFT JOIN posts_fts_texts AS f "
        "ON f.post_id = p.id WHERE NOT has_form(p.text, f.text) "
        "OR NOT has_form(p.media_text, f.media_text))"
    ).fetchone()
    return not wrong


def _fold_all(db: sqlite3.Connection) -> None:
    """Keep the texts of all posts that the index takes in another form."""
    db.create_function("folded", 1, lambda text: text and folded(text), deterministic=True)
    db.execute("DELETE FROM posts_fts_texts")
    db.execute(
        "INSERT INTO posts_fts_texts (post_id, text, media_text) "
        "SELECT id, folded(text), folded(media_text) FROM posts "
        "WHERE folded(text) <> text OR folded(media_text) <> media_text"
    )


def rebuild(db: sqlite3.Connection) -> None:
    """Build the index from the posts: it holds nothing else.

    Call it outside of a transaction: an index that even FTS5 cannot open is deleted from the
    schema, which SQLite then has to read again.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        stale_log.number(db)
        try:
            db.execute("SAVEPOINT rebuild")
            _fold_all(db)
            db.execute("INSERT INTO posts_fts (posts_fts) VALUES ('rebuild')")
            if not is_readable(db):
                make_anew(db)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR}:
                raise
            db.execute("ROLLBACK TO rebuild")
            make_anew(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def make_anew(db: sqlite3.Connection) -> None:
    """Create the index in the open transaction, in the place of any other, and fill it."""
    db.execute("PRAGMA writable_schema = ON")
    try:
        db.execute("DELETE FROM sqlite_master WHERE name IN ('posts_fts', 'posts_fts_terms')")
    finally:
        db.execute("PRAGMA writable_schema = RESET")
    for table in TABLES:
        db.execute(f"DROP TABLE IF EXISTS {table}")
    db.execute("DROP VIEW IF EXISTS posts_fts_words")
    db.execute("DROP TABLE IF EXISTS posts_fts_texts")
    for statement in CREATE:
        db.execute(statement)
    _fold_all(db)
    db.execute("INSERT INTO posts_fts (posts_fts) VALUES ('rebuild')")
