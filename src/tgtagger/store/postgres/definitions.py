"""The SQL that makes a table here, from SQLite's, in which the migrations are written.

Pure; knows no table by name.
"""

from __future__ import annotations

import re

_TYPES = {
    "INTEGER": "BIGINT",  # ids of channels and posts have more than four bytes
    "BLOB": "BYTEA",
    "REAL": "DOUBLE PRECISION",
    "TEXT": 'TEXT COLLATE "C"',  # times sort as text, and names as in SQLite
}
_TYPE = re.compile(rf"\b({'|'.join(_TYPES)})\b(?! COLLATE)")
_IS_DEFINITION = re.compile(r"\s*(CREATE (TEMP )?TABLE|ALTER TABLE)\b")
_VALID = re.compile(r"json_valid\((\w+)\)")


def definition(sql: str) -> str:
    """Return a statement of a migration as PostgreSQL takes it."""
    if not _IS_DEFINITION.match(sql):
        return sql
    sql = _TYPE.sub(lambda found: _TYPES[found[1]], sql)
    # Not IS JSON, which is of PostgreSQL 16.
    sql = _VALID.sub(r"CAST(\1 AS json) IS NOT NULL", sql)
    return re.sub(r"\s*WITHOUT ROWID", "", sql)
