"""SQLite's room: what a SQLite file does in a way of its own, for the rest of the store.

Knows no rule and no transaction; each object is a module or a function of this package.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from tgtagger.store.rooms import Room
from tgtagger.store.sqlite import fulltext
from tgtagger.store.sqlite.connections import driver


def _is_in_transaction(db: Connection) -> bool:
    return driver(db).in_transaction


_SPELLINGS = {
    # The JSON list of integers in a parameter, as a table with the column `value`.
    "listed": "(SELECT value FROM json_each({}))".format,
    "list_of": lambda *values: f"json_array({', '.join(values)})",
    "number_of": "json_extract({}, '$[{}]')".format,
    "text_of": "json_extract({}, '$[{}]')".format,
}

SQLITE = Room(_SPELLINGS, _is_in_transaction, fulltext)
