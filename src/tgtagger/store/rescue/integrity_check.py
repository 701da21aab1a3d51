"""The integrity check of pages, values, owners and the search index. Slow: it reads all of them.

It never changes the file. It works on a damaged one: a query that fails is a finding. It names
tables and posts, and never a word of a post's text. Does not know which values a column may hold
(`values`), how they are checked (`row_check`), nor what to do about damage.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from tgtagger.errors import StoreError
from tgtagger.model.events import OnSteps, unheard
from tgtagger.model.integrity import IntegrityReport, PostCount, RejectedPost
from tgtagger.store import notable
from tgtagger.store.checks import WrongValueError
from tgtagger.store.rescue import index_check, row_check
from tgtagger.store.rescue.columns import columns
from tgtagger.store.rescue.row_check import MOST, UNREADABLE
from tgtagger.store.sqlite import altered_rules, connections, fulltext_index, tag_uses
from tgtagger.store.sqlite.errors import is_failure, map_errors
from tgtagger.store.times import from_text
from tgtagger.store.values import COLUMNS

_BUGS = (sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""What the driver raises if it is used wrongly."""

_PAGES = 4
"""To check the pages takes as long as to check such a part of the rows, about."""


def report(path: Path, on_steps: OnSteps = unheard) -> IntegrityReport:
    """Return the integrity report, if possible with the search index.

    To compare that, SQLite must write, so another thread does it, on a connection of its own.
    """
    # A connection of its own: after damage was met, even the end of a transaction may fail.
    with (
        map_errors(path),
        contextlib.closing(connections.to_read(path)) as db,
    ):
        db.execute("BEGIN")
        with index_check.meanwhile(db, path) as is_right:
            return _look(db, on_steps, is_right)


def _look(
    db: sqlite3.Connection, on_steps: OnSteps, is_right: Callable[[], bool]
) -> IntegrityReport:
    damage = [*_missing(db), *_altered_rules(db)]
    counts = {table: _count(db, table) for table in _tables(db)}
    done = sum(counts.values()) // _PAGES
    total = sum(counts.values()) + done
    damage += _pages(db)
    on_steps(done, total)
    altered = 0
    has_forms = False
    for table, count in counts.items():
        passed = functools.partial(_tell, on_steps, done, count, total)
        with contextlib.suppress(*UNREADABLE):  # its pages are damaged: `_pages` has said so
            texts = row_check.texts(db, passed) if table == "posts" else None
            if texts is not None:
                altered, has_forms = texts
            else:
                wrong, place, different = row_check.wrong_rows(db, table, passed=passed)
                altered += different
                if wrong:
                    rows = "a row" if wrong == 1 else f"{wrong} rows"
                    damage.append(f"{table}: {rows} with values that cannot be, such as {place}")
        done += count
    damage += _orphans(db)
    return IntegrityReport(
        tuple(damage),
        altered,
        _found(db, notable.UNREADABLE),
        _found(db, notable.TEXTLESS),
        _rejected(db),
        _newest(db),
        not damage and not altered and has_forms and is_right(),
    )


def _tell(on_steps: OnSteps, done: int, count: int, total: int, passed: int) -> None:
    on_steps(done + min(passed, count), total)


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
        except UNREADABLE:
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
        wrong, place, _ = row_check.wrong_rows(db, table, most=1)
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
    except UNREADABLE:
        return []


def _count(db: sqlite3.Connection, table: str) -> int:
    """Return how many rows a table has, as far as that can be known."""
    with contextlib.suppress(*UNREADABLE):
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    return 0


def _missing(db: sqlite3.Connection) -> Iterator[str]:
    with contextlib.suppress(*UNREADABLE):
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
    with contextlib.suppress(*UNREADABLE):
        for table in altered_rules.tables(db):
            yield f"{table}: its rules are not those it was made with"


def _pages(db: sqlite3.Connection) -> list[str]:
    if _lines(db, str(MOST)) == ["ok"]:
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
    except UNREADABLE:
        lines.append("it cannot be read")
    return lines


def _orphans(db: sqlite3.Connection) -> Iterator[str]:
    with contextlib.suppress(*UNREADABLE):
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
    with contextlib.suppress(*UNREADABLE):
        return notable.posts_found(db.execute(notable.FOUND.format(condition)).fetchall())
    return PostCount(0)


def _rejected(db: sqlite3.Connection) -> tuple[RejectedPost, ...]:
    with contextlib.suppress(*UNREADABLE, WrongValueError):
        return notable.rejected(db.execute(notable.REJECTED).fetchall())
    return ()


def _newest(db: sqlite3.Connection) -> dt.datetime | None:
    """Return the end of the last run, or the date of the newest post, whichever is later."""
    try:
        (newest,) = db.execute(notable.NEWEST).fetchone()
        return from_text(newest)
    except (*UNREADABLE, WrongValueError):
        return None
