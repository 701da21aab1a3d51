"""Note by triggers which rows a change of tags touches, and what they held.

The triggers stand in the schema and do nothing until a transaction says that it watches; so nobody
waits for a lock to make them. Their functions are made anew by each upgrade, out of what
`recording` says today. Knows no reason for a change.
"""

from __future__ import annotations

from collections.abc import Iterator

from tgtagger.store.recording import STATE_OF, TOUCHED, WATCHED
from tgtagger.store.rooms import Connection, Room, spelled

_TYPES = {"tag_id": "BIGINT", "post_id": "BIGINT"}
_TEXT = 'TEXT COLLATE "C"'

_IS_WATCHED = "current_setting('tgtagger.watching', TRUE) = 'on'"


def _tables() -> Iterator[str]:
    for table, (keys, columns, _) in TOUCHED.items():
        typed = (f"{name} {_TYPES.get(name, _TEXT)}" for name in (*keys, *columns))
        yield (
            f"CREATE TEMP TABLE IF NOT EXISTS touched_{table} ({', '.join(typed)}, "
            f"PRIMARY KEY ({', '.join(keys)}))"
        )


def triggers(room: Room) -> Iterator[str]:
    """Yield the statements that make the triggers, in the place of any older ones."""
    for watched, (table, names) in WATCHED.items():
        keys, columns, states = TOUCHED[table]
        notes = {
            side: (
                f"INSERT INTO touched_{table} ({', '.join((*keys, *columns))}) SELECT "
                + ", ".join([*given, *(STATE_OF[state].format(*given) for state in states)])
                + f" ON CONFLICT ({', '.join(keys)}) DO NOTHING;"
            )
            for side, given in (
                (side, [f"{side}.{name}" for name in names]) for side in ("OLD", "NEW")
            )
        }
        body = spelled(
            room,
            f"IF TG_OP <> 'INSERT' THEN {notes['OLD']} END IF; "
            f"IF TG_OP <> 'DELETE' THEN {notes['NEW']} RETURN NEW; END IF; RETURN OLD;",
        )
        yield (
            f"CREATE OR REPLACE FUNCTION touch_{watched}() RETURNS trigger LANGUAGE plpgsql "
            f"AS $touch$ BEGIN {body} END $touch$"
        )
        yield f"DROP TRIGGER IF EXISTS touch_{watched} ON {watched}"
        yield (
            f"CREATE TRIGGER touch_{watched} BEFORE INSERT OR DELETE OR UPDATE ON {watched} "
            f"FOR EACH ROW WHEN ({_IS_WATCHED}) EXECUTE FUNCTION touch_{watched}()"
        )


_EMPTY = "; ".join(f"DELETE FROM touched_{table}" for table in TOUCHED)
_BEGIN = f"{'; '.join(_tables())}; {_EMPTY}; SELECT set_config('tgtagger.watching', 'on', TRUE)"
_END = "SELECT set_config('tgtagger.watching', 'off', TRUE)"


def begin(db: Connection) -> None:
    """Note from here on what each row held before it was touched."""
    db.connection.cursor().execute(_BEGIN)


def end(db: Connection) -> None:
    """Note no more; the tables stay."""
    db.connection.cursor().execute(_END)


def forget(db: Connection) -> None:
    """Forget what was noted. The tables are the session's, and stay: to make them takes long."""
    db.connection.cursor().execute(_EMPTY)
