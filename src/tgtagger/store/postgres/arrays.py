"""Run a statement for many rows in one go: each of its parameters becomes an array of values.

A server takes half the time for it that it takes for as many statements. Two forms are known:
INSERT … VALUES, with DO NOTHING at most, and UPDATE … WHERE one column = a parameter. Which type a
parameter has says the column that it is for (`values`). Knows no table.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tgtagger.store.rooms import Connection, arguments
from tgtagger.store.statements import Statement
from tgtagger.store.values import value_of

_INSERT = re.compile(
    r"INSERT INTO (\w+) \(([\w, ]+)\) VALUES \((.*)\)( ON CONFLICT .*DO NOTHING)?"
)  # fmt: skip
_UPDATE = re.compile(r"UPDATE (\w+) SET ((?:\w+ = :\w+(?:, )?)+) WHERE (\w+ = :\w+)")
_PARAMETER = re.compile(r":(\w+)")


def run(db: Connection, sql: str, rows: Sequence[Sequence[object]]) -> bool:
    """Run a statement for all rows, of values in the order of its parameters."""
    statement, writers = _with_arrays(sql)
    columns = zip(*rows, strict=True)
    values = {
        name: f"{{{','.join(map(write, column))}}}"
        for (name, write), column in zip(writers.items(), columns, strict=True)
    }
    statement(db, **values)
    return True


def _integer(value: Any) -> str:
    return "NULL" if value is None else f"{value:d}"


def _text(value: Any) -> str:
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} is no text")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_TYPES = {"integer": ("bigint", _integer), "text": ("text", _text)}


@functools.cache
def _with_arrays(sql: str) -> tuple[Statement, dict[str, Callable[[Any], str]]]:
    """Return the statement that takes arrays, and by its parameters what writes their values."""
    stands_for: Iterable[Sequence[str]]  # a column, and what becomes its value
    if found := _INSERT.fullmatch(sql):
        table, columns, values, rest = found.groups()
        stands_for = zip(columns.split(", "), arguments(f"{values})"), strict=False)
        made = f"INSERT INTO {table} ({columns}) SELECT {_of_row(values)} FROM {{}}{rest or ''}"
    else:
        found = _UPDATE.fullmatch(sql)
        assert found, f"not for many rows in one go: {sql}"
        table, changes, key = found.groups()
        stands_for = [each.split(" = ") for each in (*changes.split(", "), key)]
        made = f"UPDATE {table} SET {_of_row(changes)} FROM {{}} WHERE {table}.{_of_row(key)}"
    types = {
        name: _TYPES[value_of(f"{table}.{column}").kind]
        for column, value in stands_for
        for name in _PARAMETER.findall(value)
    }
    arrays = ", ".join(f"CAST(:{name} AS {type_}[])" for name, (type_, _) in types.items())
    names = ", ".join(f'"{name}"' for name in types)
    rows = f"unnest({arrays}) AS given ({names})"
    return Statement(made.format(rows)), {name: write for name, (_, write) in types.items()}


def _of_row(sql: str) -> str:
    return _PARAMETER.sub(r'given."\1"', sql)
