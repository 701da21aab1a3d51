"""Make databases as every version of the schema had them, with rows in each table; read them back.

Uses the migrations and SQLite's own description of the tables, so that a new version needs no
change here.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from support.next_version import NEXT
from tgtagger.store import tag_queue
from tgtagger.store.sqlite import engine, migrate, opening
from tgtagger.store.values import COLUMNS, Value

_JSON = {
    "entities": "[]",
    "media": '[{"type": "photo"}]',
    "tags": '["tag"]',
    "reactions": '{"x": 1}',
    "forward": '{"channel": null, "id": 1, "url": null, "channel_id": 2}',
}

Contents = dict[str, list[dict[str, Any]]]


def make(db: Path, revision: str, rows: int = 4) -> None:
    """Make a database of this version, with so many rows in each table."""
    opening.create_file(db)
    writer = engine.create_writer(db)
    with writer.connect() as connection, connection.begin():
        migrate.upgrade(connection, NEXT, revision)
    writer.dispose()
    with closing(sqlite3.connect(db)) as raw, raw:
        for table in _tables(raw):
            columns = _columns(raw, table)
            allowed = _allowed(raw, table)
            names = ", ".join(f'"{name}"' for name, *_ in columns)
            marks = ", ".join("?" * len(columns))
            for n in range(1, rows + 1):
                raw.execute(
                    f"INSERT INTO {table} ({names}) VALUES ({marks})",
                    [_value(table, column, n, allowed) for column in columns],
                )
        if raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'tag_queue'").fetchone():
            raw.execute(tag_queue.REFILL.sql)
        for (name,) in raw.execute(
            "SELECT name FROM sqlite_master WHERE sql LIKE '%VIRTUAL TABLE%USING fts5(%'"
        ).fetchall():
            raw.execute(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")


def _tables(raw: sqlite3.Connection) -> list[str]:
    rows = raw.execute(
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main' "
        "AND name NOT IN ('alembic_version', 'posts_fts_texts', 'tag_queue', 'claimed_texts', "
        "'run_origins') "
        "AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'tag_uses%' ORDER BY name"
    )
    return [name for (name,) in rows]


def _columns(raw: sqlite3.Connection, table: str) -> list[tuple[str, str, bool]]:
    return [
        (name, kind, bool(needed))
        for _, name, kind, needed, _, _ in raw.execute(f"PRAGMA table_info({table})")
    ]


def _allowed(raw: sqlite3.Connection, table: str) -> dict[str, list[str]]:
    """Return the words that this version of a table allows, by column; later ones allow more."""
    (sql,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    return {
        name: [word for word in value.allowed if f"'{word}'" in sql]
        for name, value in COLUMNS[table].items()
    }


def _value(
    table: str, column: tuple[str, str, bool], row: int, allowed: dict[str, list[str]]
) -> Any:
    """Return a value for the column; every second row has only required values."""
    name, kind, needed = column
    if not needed and row % 2 == 0:
        return None
    may = COLUMNS[table].get(name, Value("text"))
    words = allowed.get(name) or may.allowed
    if words:
        return words[row % len(words)]
    if may.json is not None:
        return _JSON.get(name, "{}")
    if may.is_time:
        return f"2026-01-{row % 28 + 1:02}T12:00:00Z"
    if may.pattern is not None:
        return ":".join([f"{row:016x}"] * (may.pattern.count(":") + 1))
    values = {"INTEGER": row, "REAL": row / 8, "BLOB": f"{table} {row}".encode()}
    return values.get(kind, f"{table} {name} {row} " + "слово " * 20)


def read(db: Path) -> Contents:
    """Return the rows of every table."""
    with closing(sqlite3.connect(db)) as raw:
        raw.row_factory = sqlite3.Row
        return {
            table: [dict(row) for row in raw.execute(f"SELECT * FROM {table}")]
            for table in _tables(raw)
        }


def schema_of(db: Path) -> tuple[str, ...]:
    """Return the statements that make this schema, and its version."""
    with closing(sqlite3.connect(db)) as raw:
        made = raw.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        statements = tuple(re.sub(r'[\s"]+', " ", sql) for (sql,) in made.fetchall())
        return (*statements, *raw.execute("SELECT version_num FROM alembic_version").fetchone())


def lost(before: Contents, after: Contents) -> list[str]:
    """Return the tables whose rows have changed; a later schema may add columns."""

    def shown(rows: list[dict[str, Any]], columns: list[str]) -> list[str]:
        return sorted(repr([row.get(column) for column in columns]) for row in rows)

    found = []
    for table, rows in before.items():
        columns = [name for name in (rows or [{}])[0] if any(row[name] is not None for row in rows)]
        if shown(rows, columns) != shown(after.get(table, []), columns):
            found.append(table)
    return found
