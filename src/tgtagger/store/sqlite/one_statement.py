"""Add many rows to a table with triggers by one statement.

Of each statement that fires a trigger SQLite keeps the pages as they were, to take it back if it
fails; within a SAVEPOINT it keeps them until that ends. Row by row, that takes twice the time of
the inserts themselves, and a file. Knows no table but those with triggers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tgtagger.store.rooms import Connection
from tgtagger.store.sqlite.connections import driver

WITH_TRIGGERS = ("post_tags",)

_INSERT = re.compile(r"INSERT INTO (\w+) \(([\w, ]+)\) VALUES \([\w:, ]+\)")


def run(db: Connection, sql: str, rows: Sequence[Sequence[object]]) -> bool:
    """Run a statement for all rows; return False if it is not for a table with triggers."""
    found = _INSERT.fullmatch(sql)
    if found is None or found[1] not in WITH_TRIGGERS:
        return False
    insert(db, found[1], found[2].split(", "), rows)
    return True


def insert(
    db: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Add rows of integers, texts and NULL."""
    chosen: list[str] = []
    values: list[object] = []
    differing: list[Sequence[object]] = []  # most columns hold one value in all rows
    for column in zip(*rows, strict=True):
        if len(set(column)) == 1:
            chosen.append("?")
            values.append(column[0])
        else:
            chosen.append(f"json_extract(value, '$[{len(differing)}]')")
            differing.append(column)
    items: list[Sequence[object]] = (
        [*zip(*differing, strict=True)] if differing else [[]] * len(rows)
    )
    given = json.dumps(items, ensure_ascii=False)  # the driver refuses what is no text
    if "\\u0000" in given:  # SQLite's JSON ends a text there
        marks = ", ".join("?" * len(columns))
        driver(db).executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
        return
    driver(db).execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(chosen)} FROM json_each(?)",
        (*values, given),
    )
