"""Note by temporary triggers which rows a change of tags touches, and what they held.

They are the connection's own: no other one pays for them. Knows no reason for a change.
"""

from __future__ import annotations

from collections.abc import Iterator

from tgtagger.store.recording import STATE_OF, TOUCHED, WATCHED
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement

_VERBS = {"INSERT": ("NEW",), "DELETE": ("OLD",), "UPDATE": ("OLD", "NEW")}


def _statements() -> Iterator[str]:
    for table, (keys, columns, _) in TOUCHED.items():
        yield (
            f"CREATE TEMP TABLE touched_{table} ({', '.join((*keys, *columns))}, "
            f"PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID"
        )
    for watched, (table, names) in WATCHED.items():
        keys, columns, states = TOUCHED[table]
        for verb, sides in _VERBS.items():
            body = "".join(
                f"INSERT OR IGNORE INTO touched_{table} ({', '.join((*keys, *columns))}) SELECT "
                + ", ".join([*given, *(STATE_OF[state].format(*given) for state in states)])
                + "; "
                for given in ([f"{side}.{name}" for name in names] for side in sides)
            )
            yield (
                f"CREATE TEMP TRIGGER touch_{watched}_{verb} BEFORE {verb} ON main.{watched} "
                f"BEGIN {body}END"
            )


_BEGIN = [*map(Statement, _statements())]
_END = [
    Statement(f"DROP TRIGGER temp.touch_{watched}_{verb}") for watched in WATCHED for verb in _VERBS
]
_FORGET = [Statement(f"DROP TABLE temp.touched_{table}") for table in TOUCHED]


def begin(db: Connection) -> None:
    """Note from here on what each row held before it was touched."""
    for statement in _BEGIN:
        statement(db)


def end(db: Connection) -> None:
    """Note no more; the tables stay."""
    for statement in _END:
        statement(db)


def forget(db: Connection) -> None:
    """Forget what was noted: the tables go."""
    for statement in _FORGET:
        statement(db)
