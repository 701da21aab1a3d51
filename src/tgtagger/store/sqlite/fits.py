"""Tell in SQL whether columns hold what they may.

SQLite checks what is written, never what it reads. For records, which are read by the thousand and
written out as they are. The rules are those of `values`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tgtagger.store.checks import has_rules
from tgtagger.store.values import value_of


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
            words = ", ".join(f"'{word}'" for word in value.allowed)
            parts.append(f"{name} IN ({words})")
        if value.is_time:
            given = f"coalesce({name}, '0000-00-00T00:00:00Z')" if value.null else name
            parts.append(f"{given} GLOB '????-??-??T??:??:??Z'")
    return " AND ".join(parts)
