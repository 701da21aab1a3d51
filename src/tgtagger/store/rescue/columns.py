"""The columns of a table as they are in a file, each with the check of its values.

`values` says what a column may hold. A column that is unknown there (of an older or a newer
version) is checked by the type that the file declares. Knows nothing of pages.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from tgtagger.store.checks import Check, check_of
from tgtagger.store.values import BLOB, COLUMNS, INTEGER, REAL, TEXT, Value, or_null

_DECLARED = {"INTEGER": INTEGER, "TEXT": TEXT, "VARCHAR": TEXT, "REAL": REAL, "BLOB": BLOB}
_ANYTHING = Value("any")


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of a table in a file, and the check of its values."""

    name: str
    value: Value
    holds: Check
    is_key: bool
    may_be_null: bool
    is_known: bool = True  # its declared type is one that we use

    @property
    def quoted(self) -> str:
        """The name as SQL takes it, whatever is in it."""
        name = self.name.replace('"', '""')
        return f'"{name}"'


def columns(db: sqlite3.Connection, table: str) -> tuple[FileColumn, ...]:
    """Return the columns of a table as it is in this database."""
    known = COLUMNS.get(table, {})
    found = []
    for _, name, declared, needed, _, key in db.execute(f"PRAGMA table_info({table})"):
        kind = _DECLARED.get(declared.partition("(")[0])
        declares = kind or _ANYTHING if needed or key else or_null(kind or _ANYTHING)
        value = known.get(name, declares)
        holds = check_of(value)
        found.append(FileColumn(name, value, holds, bool(key), not needed, kind is not None))
    return tuple(found)


def any_columns(width: int) -> tuple[FileColumn, ...]:
    """Return columns that accept any value."""
    column = FileColumn("", _ANYTHING, check_of(_ANYTHING), is_key=False, may_be_null=True)
    return (column,) * width
