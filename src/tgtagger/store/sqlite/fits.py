"""Tell in SQL whether columns hold what they may.

SQLite checks what is written, never what it reads. `fits` is for records, which are read by the
thousand and written out as they are. `surely_fit` is for whoever checks all rows: in SQL that takes
a quarter of the time. The rules are those of `values`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tgtagger.store.checks import has_rules
from tgtagger.store.values import Value, ValueKind, value_of

_TYPES: Mapping[ValueKind, tuple[str, ...]] = {
    "integer": ("integer",),
    "real": ("real", "integer"),
    "text": ("text",),
    "blob": ("blob",),
}
"""SQLite's types for a value of a column."""


def fits(columns: Mapping[str, str]) -> str:
    """Return SQL that is true if all columns hold allowed values.

    `columns` maps the SQL of each to its name: `{"p.text": "posts.text"}`.
    """
    values = {name: value_of(column) for name, column in columns.items()}
    typed = [name for name, value in values.items() if not value.null and not has_rules(value)]
    kinds = "".join(values[name].kind for name in typed)
    parts = [f"{' || '.join(f'typeof({name})' for name in typed)} = '{kinds}'"]
    for name, value in values.items():
        if value.allowed:
            parts.append(_is_allowed(name, value))
        if value.is_time:
            given = f"coalesce({name}, '0000-00-00T00:00:00Z')" if value.null else name
            parts.append(f"{given} GLOB '????-??-??T??:??:??Z'")
    return " AND ".join(parts)


def surely_fit(columns: Mapping[str, Value]) -> str:
    """Return SQL that is true only if all columns hold allowed values, and not true in doubt.

    In doubt is what SQL cannot tell: JSON, patterns, and whether text that is not ASCII is UTF-8.
    """
    parts = [_surely(name, value) for name, value in columns.items() if value.kind != "any"]
    return " AND ".join(parts) or "TRUE"


def is_told(value: Value) -> bool:
    """Tell whether SQL alone tells of each value of a column whether it is allowed."""
    is_free = value.kind == "text" and not value.allowed and not value.is_time
    return not is_free and value.json is None and value.pattern is None


def has_type(name: str, value: Value) -> str:
    """Return SQL that is true if a column holds a value of an allowed type, whatever is in it."""
    types = (*_TYPES[value.kind], *(("null",) if value.null else ()))
    if len(types) == 1:
        return f"typeof({name}) = '{types[0]}'"
    return f"typeof({name}) IN ({_listed(types)})"


def _surely(name: str, value: Value) -> str:
    if value.json is not None or value.pattern is not None:
        return f"{name} IS NULL" if value.null else "FALSE"
    if value.is_time:
        # What is no time of this form comes back as another text, and so does what is no day of
        # the calendar, once days are added. Python knows no year 0.
        form = "%Y-%m-%dT%H:%M:%SZ"
        rule = f"{name} = strftime('{form}', {name}, '+0 days') AND {name} NOT GLOB '0000*'"
    elif value.allowed:
        rule = _is_allowed(name, value)
    elif value.kind == "text":
        # GLOB ends at a NUL.
        rule = (
            f"typeof({name}) = 'text' AND {name} NOT GLOB '*[^ -~]*' "
            f"AND length({name}) = length(CAST({name} AS BLOB))"
        )
    elif value.least is not None:
        rule = f"{has_type(name, value)} AND {name} >= {value.least:d}"
    else:
        return has_type(name, value)
    return f"({name} IS NULL OR ({rule}))" if value.null else rule


def _is_allowed(name: str, value: Value) -> str:
    return f"{name} IN ({_listed(value.allowed)})"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)
