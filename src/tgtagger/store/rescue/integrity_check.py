"""The integrity check of pages, values, owners and the search index. Slow: it reads all of them.

It never changes the file. It works on a damaged one: a query that fails is a finding. It names
tables and posts, and never a word of a post's text. Does not know which values a column may hold
(`values`), nor what to do about damage.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tgtagger.errors import StoreError
from tgtagger.model.events import OnSteps, counted, unheard
from tgtagger.model.integrity import IntegrityReport, PostCount, RejectedPost
from tgtagger.store import notable
from tgtagger.store.checks import WrongValueError
from tgtagger.store.post_rows import text_hash
from tgtagger.store.rescue.columns import FileColumn, columns
from tgtagger.store.sqlite import altered_rules, connections, fulltext_index, tag_uses
from tgtagger.store.sqlite.errors import is_failure, map_errors
from tgtagger.store.times import from_text
from tgtagger.store.values import COLUMNS

_BUGS = (sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""What the driver raises if it is used wrongly."""

_UNREADABLE = (sqlite3.Error, UnicodeDecodeError, MemoryError)  # names in a message may be damaged
_MOST = 10_000
"""Most places of damage that are counted in one table."""

_PAGES = 4
"""To check the pages takes as long as to check such a part of the rows, about."""

_Heard = Callable[[Iterable[Any]], Iterator[Any]]


def report(path: Path, on_steps: OnSteps = unheard) -> IntegrityReport:
    """Return the integrity report, without the search index: to check that, SQLite must write."""
    # A connection of its own: after damage was met, even the end of a transaction may fail.
    with (
        map_errors(path),
        contextlib.closing(connections.to_read(path)) as db,
    ):
        db.execute("BEGIN")
        return _look(db, on_steps)


def _look(db: sqlite3.Connection, on_steps: OnSteps) -> IntegrityReport:
    damage = [*_missing(db), *_altered_rules(db)]
    counts = {table: _count(db, table) for table in _tables(db)}
    done = sum(counts.values()) // _PAGES
    total = sum(counts.values()) + done
    damage += _pages(db)
    on_steps(done, total)
    altered = 0
    for table, count in counts.items():
        heard = functools.partial(counted, on_steps=on_steps, total=total, done=done)
        done += count
        with contextlib.suppress(*_UNREADABLE):  # its pages are damaged: `_pages` has said so
            wrong, place, different = _rows(db, table, heard=heard)
            altered += different
            if wrong:
                rows = "a row" if wrong == 1 else f"{wrong} rows"
                damage.append(f"{table}: {rows} with values that cannot be, such as {place}")
    damage += _orphans(db)
    return IntegrityReport(
        tuple(damage),
        altered,
        _found(db, notable.UNREADABLE),
        _found(db, notable.TEXTLESS),
        _rejected(db),
        _newest(db),
    )


def explain(error: BaseException, path: Path) -> None:
    """Raise StoreError if the file is damaged, which explains the error (one of `errors.SYMPTOMS`).

    Stops at the first damage. In a large database without damage this takes long.
    """
    if is_failure(error) or isinstance(error, _BUGS):
        return
    try:
        db = connections.to_read(path)
    except sqlite3.Error:
        return
    with contextlib.closing(db):
        try:
            found = next(_first(db), None)
        except _UNREADABLE:
            found = "it cannot be read"
    if found is None and isinstance(error, WrongValueError):
        found = f"a value in it cannot be ({error})"
    if found is not None:  # `from None`: the error may hold a post's text
        raise StoreError("database_damaged_at", path=path, found=found) from None


def _first(db: sqlite3.Connection) -> Iterator[str]:
    yield from _missing(db)
    yield from _altered_rules(db)
    if not fulltext_index.is_readable(db):
        yield "its search index cannot be read"
    for table in _tables(db):
        wrong, place, _ = _rows(db, table, most=1)
        if wrong:
            yield f"a value in {table} cannot be: {place}"
    yield from _pages(db)
    yield from _orphans(db)


# ---- the single checks


def _tables(db: sqlite3.Connection) -> list[str]:
    """Return our tables; other programs may have added their own."""
    try:
        found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return [name for (name,) in found if name in COLUMNS]
    except _UNREADABLE:
        return []


def _count(db: sqlite3.Connection, table: str) -> int:
    """Return how many rows a table has, as far as that can be known."""
    with contextlib.suppress(*_UNREADABLE):
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    return 0


def _missing(db: sqlite3.Connection) -> Iterator[str]:
    with contextlib.suppress(*_UNREADABLE):
        for table, known in COLUMNS.items():
            found = columns(db, table)
            there = {column.name for column in found}
            for column in found:
                if not column.is_known and column.name in known:
                    yield f"{table}: the type of a column is none"
            missing = next((name for name in known if name not in there), None)
            if missing is not None:
                yield (
                    f"{table}: its column {missing} is missing"
                    if there
                    else f"the table {table} is missing"
                )


def _altered_rules(db: sqlite3.Connection) -> Iterator[str]:
    with contextlib.suppress(*_UNREADABLE):
        for table in altered_rules.tables(db):
            yield f"{table}: its rules are not those it was made with"


def _pages(db: sqlite3.Connection) -> list[str]:
    if _lines(db, str(_MOST)) == ["ok"]:
        return []
    found = []
    for table in [*_tables(db), *fulltext_index.TABLES, *tag_uses.TABLES]:
        lines = _lines(db, f"'{table}'")
        if lines != ["ok"]:
            places = f"{len(lines)} places, such as: " if len(lines) > 1 else ""
            found.append(f"{table}: {places}{lines[0]}")
    return found or ["its list of tables, or pages that belong to none"]


def _lines(db: sqlite3.Connection, what: str) -> list[str]:
    lines = []
    try:
        for (found,) in db.execute(f"PRAGMA integrity_check({what})"):
            lines += [line for line in found.splitlines() if not line.startswith("***")]
    except _UNREADABLE:
        lines.append("it cannot be read")
    return lines


def _rows(
    db: sqlite3.Connection, table: str, *, most: int = _MOST, heard: _Heard = iter
) -> tuple[int, str, int]:
    """Return (rows with a wrong value, where the first one is, altered posts) of a table.

    A post is altered if its text does not have the stored hash. The rows pass through `heard`.
    """
    found = columns(db, table)
    checks = [(at, column.holds) for at, column in enumerate(found)]
    text = [at for at, column in enumerate(found) if column.name in _HASHED]
    is_posts = table == "posts" and len(text) == len(_HASHED)
    wrong = altered = 0
    place = ""
    with _undecoded(db):
        for row in heard(db.execute(f"SELECT * FROM {table}")):
            bad = next((at for at, holds in checks if not holds(row[at])), None)
            if bad is not None:
                wrong += 1
                place = place or f"{found[bad].name} of {_place(found, row)}"
                if wrong == most:
                    break
            elif is_posts:
                words, media_words, stored = (row[at] for at in text)
                altered += text_hash(words, media_words) != stored
    return wrong, place, altered


_HASHED = ("text", "media_text", "text_hash")  # in the table's order


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
def _undecoded(db: sqlite3.Connection) -> Iterator[None]:
    db.text_factory = _as_found
    try:
        yield
    finally:
        db.text_factory = str


def _as_found(data: bytes) -> str | bytes:
    """Return UTF-8 as text, and other bytes as they are."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _orphans(db: sqlite3.Connection) -> Iterator[str]:
    with contextlib.suppress(*_UNREADABLE):
        counts: dict[tuple[str, str], int] = {}
        for table, _, owner, _ in db.execute("PRAGMA foreign_key_check"):
            counts[table, owner] = counts.get((table, owner), 0) + 1
        (raw,) = db.execute(
            "SELECT count(*) FROM raw_forms WHERE post_id NOT IN (SELECT id FROM posts)"
        ).fetchone()
        if raw:
            counts["raw_forms", "posts"] = raw
        for (table, owner), count in sorted(counts.items()):
            rows = "a row" if count == 1 else f"{count} rows"
            yield f"{table}: {rows} without what it belongs to in {owner}"


def _found(db: sqlite3.Connection, condition: str) -> PostCount:
    with contextlib.suppress(*_UNREADABLE):
        return notable.posts_found(db.execute(notable.FOUND.format(condition)).fetchall())
    return PostCount(0)


def _rejected(db: sqlite3.Connection) -> tuple[RejectedPost, ...]:
    with contextlib.suppress(*_UNREADABLE, WrongValueError):
        return notable.rejected(db.execute(notable.REJECTED).fetchall())
    return ()


def _newest(db: sqlite3.Connection) -> dt.datetime | None:
    """Return the end of the last run, or the date of the newest post, whichever is later."""
    try:
        (newest,) = db.execute(notable.NEWEST).fetchone()
        return from_text(newest)
    except (*_UNREADABLE, WrongValueError):
        return None
