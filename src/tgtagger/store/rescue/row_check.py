"""Check the values in all rows of a table, and the texts of the posts.

SQL sorts out the rows that are surely right (`fits`), Python looks at the others: so most rows cost
a quarter of the time, and what is found is what Python finds. Works on a damaged file, and then
raises one of UNREADABLE. Names tables and numbers, and never a word of a post's text. Knows no
column but those of a post's text.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence

from tgtagger.model.events import EVERY
from tgtagger.store.checks import has_rules
from tgtagger.store.post_rows import text_hash
from tgtagger.store.rescue.columns import FileColumn, columns
from tgtagger.store.sqlite import fulltext_index
from tgtagger.store.sqlite.fits import has_type, is_told, surely_fit
from tgtagger.store.values import COLUMNS

UNREADABLE = (sqlite3.Error, UnicodeDecodeError, MemoryError)  # names in a message may be damaged
MOST = 10_000
"""Most places of damage that are counted in one table."""

_SAMPLE = 512
"""Of so many rows that are surely right, one is looked at: it tells how far the check is."""

Passed = Callable[[int], None]
"""Called with the rows of a table that were looked at."""


def wrong_rows(
    db: sqlite3.Connection, table: str, *, most: int = MOST, passed: Passed | None = None
) -> tuple[int, str, int]:
    """Return (rows with a wrong value, where the first one is, altered posts) of a table.

    A post is altered if its text does not have the stored hash.
    """
    found = columns(db, table)
    text = [at for at, column in enumerate(found) if column.name in _HASHED]
    is_posts = table == "posts" and len(text) == len(_HASHED)
    sure = "FALSE" if is_posts else surely_fit({each.quoted: each.value for each in found})
    looked_at = wrong = altered = told = 0
    place = ""
    with undecoded(db):
        for is_sure, *row in db.execute(
            f"SELECT ({sure}) IS TRUE, * FROM {table} NOT INDEXED "
            f"WHERE ({sure}) IS NOT TRUE OR (random() & {_SAMPLE - 1}) = 0"
        ):
            bad = next((at for at, each in enumerate(found) if not each.holds(row[at])), None)
            if bad is not None:
                wrong += 1
                place = place or f"{found[bad].name} of {_place(found, row)}"
                if wrong == most:
                    break
            elif is_posts:
                words, media_words, stored = (row[at] for at in text)
                altered += text_hash(words, media_words) != stored
            looked_at += _SAMPLE if is_sure else 1
            if passed is not None and looked_at >= told + EVERY:
                passed(looked_at)
                told = looked_at
    return wrong, place, altered


_HASHED = ("text", "media_text", "text_hash")  # in the table's order


def texts(db: sqlite3.Connection, passed: Passed) -> tuple[int, bool] | None:
    """Return (altered posts, whether their texts have the form that the search index takes).

    None: perhaps a post has a wrong value, so that each has to be looked at.
    """
    found = columns(db, "posts")
    if {each.name for each in found} != set(COLUMNS["posts"]):
        return None
    told: list[FileColumn] = []
    others: list[FileColumn] = []
    for each in found:
        if each.name not in _HASHED:
            (told if is_told(each.value) else others).append(each)
    sure = " AND ".join(
        [
            surely_fit({f"p.{each.quoted}": each.value for each in told}),
            *(has_type(f"p.{each.quoted}", each.value) for each in found if each not in told),
        ]
    )
    checks = [(at, each.holds) for at, each in enumerate(others) if has_rules(each.value)]
    hash_holds = next(each.holds for each in found if each.name == "text_hash")
    altered, have_forms = 0, True
    try:
        # Text that is no UTF-8 is an error here.
        for number, row in enumerate(
            db.execute(
                f"SELECT {sure}, p.text, p.media_text, p.text_hash, f.text, f.media_text, "
                f"{', '.join(f'p.{each.quoted}' for each in others)} "
                "FROM posts AS p NOT INDEXED LEFT JOIN posts_fts_texts AS f ON f.post_id = p.id"
            ),
            1,
        ):
            is_sure, text, media_text, stored, form, media_form, *values = row
            if not is_sure:
                return None
            for at, holds in checks:  # a plain loop: this runs for every post
                if values[at] is not None and not holds(values[at]):
                    return None
            if text_hash(text, media_text) != stored:
                if not hash_holds(stored):
                    return None
                altered += 1
            have_forms = (
                have_forms
                and fulltext_index.has_form(text, form)
                and fulltext_index.has_form(media_text, media_form)
            )
            if number % EVERY == 0:
                passed(number)
    except UNREADABLE:
        return None
    return altered, have_forms


def _place(columns: Sequence[FileColumn], row: Sequence[object]) -> str:
    values = {column.name: value for column, value in zip(columns, row, strict=True)}
    if "message_id" in values and "channel_id" in values:
        names = ["channel_id", "message_id"]
    else:
        names = [column.name for column in columns if column.is_key]
    keys = [(name, values[name]) for name in names]
    # Only numbers: a damaged key may hold anything, even a post's text.
    known = [f"{name} {value}" for name, value in keys if isinstance(value, int)]
    return ", ".join(known) or "a row whose key is no number"


@contextlib.contextmanager
def undecoded(db: sqlite3.Connection) -> Iterator[None]:
    db.text_factory = as_found
    try:
        yield
    finally:
        db.text_factory = str


def as_found(data: bytes) -> str | bytes:
    """Return UTF-8 as text, and other bytes as they are."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data
