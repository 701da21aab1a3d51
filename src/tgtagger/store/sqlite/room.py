"""SQLite's room: what a SQLite file does in a way of its own, for the rest of the store.

Knows no rule and no transaction; each object is a module or a function of this package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tgtagger.store.rooms import Connection, Room
from tgtagger.store.sqlite import errors, fulltext, one_statement, tag_uses, watching
from tgtagger.store.sqlite.connections import driver
from tgtagger.store.sqlite.fits import fits


def _is_in_transaction(db: Connection) -> bool:
    return driver(db).in_transaction


def _large_cursor(db: Connection) -> Any:
    return db.connection.cursor()  # which holds one row


def _item(value: str, at: str, *names: str) -> str:
    """Return the SQL of an item of a JSON list, or of a value within it."""
    path = "".join((f"$[{at}]", *(f".{name}" for name in names)))
    return f"json_extract({value}, '{path}')"


def _load(
    db: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    if table in one_statement.WITH_TRIGGERS:
        one_statement.insert(db, table, columns, rows)
        return
    names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    driver(db).executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


_SPELLINGS: dict[str, Callable[..., str]] = {
    # The JSON list of integers in a parameter, as a table with the column `value`; of texts.
    "listed": "(SELECT value FROM json_each({}))".format,
    "listed_texts": "(SELECT value FROM json_each({}))".format,
    # A list of a page at most; it makes a difference elsewhere.
    "IN few": "IN (SELECT value FROM json_each({}))".format,
    "IN few_texts": "IN (SELECT value FROM json_each({}))".format,
    "IN few_of": "IN ({})".format,
    "contains": "(instr({}, {}) > 0)".format,
    "local_day": "date({}, 'localtime')".format,
    # A column by which SQLite shall not choose an index.
    "unindexed": "+{}".format,
    "larger": "max({}, {})".format,
    "primary_key": lambda _: "INTEGER PRIMARY KEY",
    "by_key": lambda _: "WITHOUT ROWID",  # how a table with a key of several columns is kept
    # JSON: of values, of the rows of a SELECT with one column, of JSON text; and items of a list.
    "object_of": lambda *parts: f"json_object({', '.join(parts)})",
    "list_of": lambda *values: f"json_array({', '.join(values)})",
    "collected": "(SELECT json_group_array({}) FROM ({}))".format,
    "as_json": "json({})".format,
    "as_text": "{}".format,
    "quoted": "json_quote({})".format,  # a text as JSON
    "as_bytes": "CAST({} AS BLOB)".format,  # of a text, where that saves time
    "number_of": _item,
    "text_of": _item,
    "count_in": "json_extract({}, '$.{}')".format,
    # At the end of a SELECT: its rows of a table are locked, and those that others locked waited
    # for, or skipped. Here who writes has the whole file to itself.
    "locked": lambda _: "",
    "skip_locked": lambda _: "",
}

SQLITE = Room(
    "file", _SPELLINGS, "?", "CROSS JOIN", str, _is_in_transaction, _large_cursor, fulltext,
    watching, errors, _load, one_statement.run, tag_uses.recount, fits,
)  # fmt: skip
