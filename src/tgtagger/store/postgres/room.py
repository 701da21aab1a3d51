"""PostgreSQL's room: what a server does in a way of its own, for the rest of the store.

Knows no rule and no transaction; each object is a module or a function of this package.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from psycopg.pq import TransactionStatus

from tgtagger.store.postgres import arrays, errors, fulltext, watching
from tgtagger.store.postgres.definitions import definition
from tgtagger.store.postgres.fits import fits
from tgtagger.store.postgres.zone import local_zone
from tgtagger.store.rooms import Connection, Room
from tgtagger.store.values import value_of


def _is_in_transaction(db: Connection) -> bool:
    driver: Any = db.connection.driver_connection
    status = driver.info.transaction_status
    return status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}


_numbers = itertools.count()


def _large_cursor(db: Connection) -> Any:
    """Return a cursor of the server, from which rows are fetched some at a time."""
    driver: Any = db.connection.driver_connection
    cursor = driver.cursor(f"rows_{next(_numbers)}")
    cursor.itersize = 500
    return cursor


def _item(value: str, *names: str) -> str:
    return f"(CAST({value} AS json) #>> '{{{','.join(names)}}}')"


def _typed(value: str) -> str:
    """Return a value with its type, if it is a parameter or a literal, which has none."""
    return f"CAST({value} AS text)" if value.startswith((":", "'")) else value


def _object_of(*parts: str) -> str:
    # Only the JSON of a row has no blanks.
    columns = ", ".join(
        f'{value} AS "{name[1:-1]}"' for name, value in zip(parts[::2], parts[1::2], strict=True)
    )
    return f"(SELECT to_json(made) FROM (SELECT {columns}) AS made)"


def _list_of(*values: str) -> str:
    return f"array_to_json(ARRAY[{', '.join(f'to_json({_typed(value)})' for value in values)}])"


def _local_day(value: str) -> str:
    return f"to_char(CAST({value} AS timestamptz) AT TIME ZONE {local_zone()}, 'YYYY-MM-DD')"


_ITEMS = "json_array_elements_text(CAST({} AS json)) AS items"


_TYPES = {"integer": "int8", "real": "float8", "text": "text", "blob": "bytea"}


def _load(
    db: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Add rows by COPY, which takes a fraction of the time of inserts.

    In its binary format: in that of text a NUL would cut a text off, without a word.
    """
    cursor: Any = db.connection.cursor()
    names = ", ".join(f'"{name}"' for name in columns)
    with cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as into:
        into.set_types([_TYPES[value_of(f"{table}.{name}").kind] for name in columns])
        for row in rows:
            into.write_row(row)


_SPELLINGS: dict[str, Callable[..., str]] = {
    # The JSON list of integers in a parameter, as a table with the column `value`; of texts.
    "listed": f"(SELECT CAST(value AS bigint) AS value FROM {_ITEMS})".format,
    "listed_texts": f"(SELECT value FROM {_ITEMS})".format,
    # A list that is short: as an array it is looked up in an index, whatever the planner knows of
    # the table; a long one that is compared with each row would take for ever.
    "IN few": f"= ANY(ARRAY(SELECT CAST(value AS bigint) FROM {_ITEMS}))".format,
    "IN few_texts": f"= ANY(ARRAY(SELECT value FROM {_ITEMS}))".format,
    "IN few_of": "= ANY(ARRAY({}))".format,
    "contains": "(strpos({}, {}) > 0)".format,
    "local_day": _local_day,
    "unindexed": "{}".format,
    "larger": "greatest({}, {})".format,
    "primary_key": lambda _: "BIGINT PRIMARY KEY",
    "by_key": lambda _: "",
    # JSON: of values, of the rows of a SELECT with one column, of JSON text; and items of a list.
    "object_of": _object_of,
    "list_of": _list_of,
    "collected": lambda _, query: f"array_to_json(ARRAY({query}))",
    "as_json": "CAST({} AS json)".format,
    "as_text": "CAST({} AS text)".format,
    "quoted": "CAST(to_json({}) AS text)".format,
    "as_bytes": "{}".format,
    "text_of": _item,
    "number_of": lambda *parts: f"CAST({_item(*parts)} AS bigint)",
    "locked": "FOR NO KEY UPDATE OF {}".format,
    "skip_locked": "FOR NO KEY UPDATE OF {} SKIP LOCKED".format,
    "count_in": lambda value, path: f"CAST({_item(value, *path.split('.'))} AS bigint)",
}

POSTGRES = Room(
    "server", _SPELLINGS, "%s", "JOIN", definition, _is_in_transaction, _large_cursor, fulltext,
    watching, errors, _load, arrays.run, lambda _: None, fits,
)  # fmt: skip
