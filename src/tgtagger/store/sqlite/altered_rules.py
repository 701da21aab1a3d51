"""Find the tables whose rules are no longer those of the migrations: their file is damaged.

Rules are CHECK constraints. A flipped bit in one makes SQLite refuse what is right. Such a post is
no bad post: it would be rejected, counted as read, and never come again. Knows no table and no
rule.
"""

from __future__ import annotations

import functools
import re
import sqlite3
import threading
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from tgtagger.store.rooms import ROOM
from tgtagger.store.sqlite import migrate
from tgtagger.store.sqlite.room import SQLITE
from tgtagger.store.sqlite.schema_version import SCHEMA

_TABLES = "SELECT CAST(name AS BLOB), CAST(sql AS BLOB) FROM sqlite_master WHERE type = 'table'"
_SPELLING = re.compile(r"[\s\"]+")
_RULE = re.compile(r"(?:CONSTRAINT\w+?)?CHECK\(")

Rules = Mapping[str, Sequence[str]]
"""By table, its rules in order, without spaces and quotation marks of names."""


def tables(db: sqlite3.Connection) -> list[str]:
    """Return the tables of a database whose rules are not those of its version.

    Of an older version nothing is said: its rules are not known.
    """
    (version,) = db.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
    if version != SCHEMA.newest:
        return []
    found = _rules(db)
    with _ONE_AT_A_TIME:
        made = _made()
    return [name for name, rules in made.items() if found.get(name, rules) != rules]


_ONE_AT_A_TIME = threading.Lock()
"""functools.cache lets two threads compute the same, and migrations are for one at a time."""


@functools.cache
def _made() -> Rules:
    """Return the rules as the migrations make them."""
    memory = sa.create_engine("sqlite://", execution_options={ROOM: SQLITE})
    with memory.connect() as made, made.begin():
        migrate.upgrade(made, SCHEMA, SCHEMA.newest)
        driver = made.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        rules = _rules(driver)
    memory.dispose()
    return rules


def _rules(db: sqlite3.Connection) -> Rules:
    return {
        _text(name): _rules_in(_SPELLING.sub("", _text(sql))) for name, sql in db.execute(_TABLES)
    }


def _rules_in(sql: str) -> list[str]:
    """Return the CHECK constraints of a table's definition, each up to its last parenthesis."""
    found = []
    for begin in _RULE.finditer(sql):
        depth, end = 1, begin.end()
        while depth and end < len(sql):
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        found.append(sql[begin.start() : end])
    return sorted(found)


def _text(data: bytes | None) -> str:
    return (data or b"").decode(errors="replace")
