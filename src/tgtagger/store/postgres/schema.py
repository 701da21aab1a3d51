"""The tables of an archive on a server: made of SQLite's, looked at, brought up to date.

There is one history of the schema (`sqlite/migrations`). A new archive begins at its end: an empty
one is made in memory, and its tables, indexes and rows are written down here, so that the two
cannot differ. A later revision runs here as it does there, its statements spelled for this
database; what only one of them needs it says by `migration.run`. All of it happens in one
transaction, which others wait for: the schema is the old one or the new one.

Knows of tables only those that are this room's own, and the names that tell our database.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from tgtagger.errors import InputError, NoDatabase, StoreError
from tgtagger.model.events import OnSteps, unheard
from tgtagger.store.driver_errors import unwrapped
from tgtagger.store.postgres import engine, fulltext, leases, watching
from tgtagger.store.postgres.definitions import definition
from tgtagger.store.postgres.errors import map_errors
from tgtagger.store.postgres.room import POSTGRES
from tgtagger.store.rooms import ROOM
from tgtagger.store.sqlite import migrate
from tgtagger.store.sqlite.room import SQLITE
from tgtagger.store.sqlite.schema_version import Schema

_log = logging.getLogger(__name__)

_OLDEST = 140000

_ONE_AT_A_TIME = 7_409_211_530_128_211_000
"""The number of the advisory lock, held to the end of a transaction, of who makes the tables."""

_OWN = ("posts_fts", "tag_uses")
"""How the names of what only SQLite has begin."""

_NUMBERED = ("attempts", "jobs")
"""Tables whose rows are numbered by the database."""

_CLAIMED = "tag_queue"
"""The table whose rows change all the time: its pages keep room, and are tidied up early."""

_VIEWS = {
    "tagged_posts": """
    CREATE VIEW tagged_posts AS
    SELECT c.username AS channel, c.title AS channel_title, p.channel_id, p.message_id,
           CASE WHEN p.message_id < 0 THEN NULL
                WHEN c.username IS NOT NULL
                    THEN 'https://t.me/' || c.username || '/' || p.message_id
                WHEN p.channel_id > 0
                    THEN 'https://t.me/c/' || p.channel_id || '/' || p.message_id
           END AS url,
           p.date, p.text,
           CAST(array_to_json(ARRAY(
               SELECT t.name FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id
               WHERE l.post_id = p.id ORDER BY l.position)) AS text) AS tags
    FROM posts AS p JOIN channels AS c ON c.id = p.channel_id
    """,
    # A server counts them quickly, and many who write would wait for the counts of common tags.
    "tag_uses": """
    CREATE VIEW tag_uses AS
    SELECT tag_id, source, count(*) AS posts, max(added_at) AS latest
    FROM post_tags GROUP BY tag_id, source
    """,
}
"""Made anew by each upgrade: they are in the way of changes of their tables."""


def version_of(db: Connection, schema: Schema, path: str) -> str | None:
    """Return the version of the schema; None: the database is empty.

    Raises InputError for a server that is too old or writes no UTF-8, StoreError for the database
    of another program, and for a newer tgtagger's.
    """
    run = db.exec_driver_sql
    number, encoding = run(
        "SELECT CAST(current_setting('server_version_num') AS integer), "
        "current_setting('server_encoding')"
    ).one()
    if number < _OLDEST:
        raise InputError("postgres_too_old", version=str(number // 10000), needed="14")
    if encoding != "UTF8":
        raise InputError("database_encoding", path=path, encoding=encoding)
    names = set(
        run(
            "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
        ).scalars()
    )
    if not names:
        return None
    if not {"alembic_version", "posts", "channels", "write_order"} <= names:
        raise StoreError("foreign_database", path=path)
    return schema.known(run("SELECT version_num FROM alembic_version").scalar(), path)


def require(version: str | None, path: str) -> str:
    """Return the version that was found. Raises NoDatabase if there are no tables."""
    if version is None:
        raise NoDatabase("no_database", path=path)
    return version


def bring_up_to_date(
    made: Engine, schema: Schema, path: str, *, create: bool, on_upgrade: OnSteps = unheard
) -> bool:
    """Make the tables, or bring them up to date. Return whether they are new.

    Raises NoDatabase if there are none and none shall be made.
    """
    with map_errors(path), unwrapped():
        with engine.begun(made, engine.BARE) as (db, _):
            old = version_of(db, schema, path)
        if not create:
            require(old, path)
        if old == schema.newest:
            return False
        with engine.begun(made, engine.BARE) as (db, _):
            db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})")
            old = version_of(db, schema, path)  # another process may have been first
            if old is None:
                _make(db, schema)
            elif old != schema.newest:
                _upgrade(db, schema, old, on_upgrade)
    if old is not None and old != schema.newest:
        _log.warning("%s was upgraded to schema %s (from %s)", path, schema.newest, old)
    return old is None


def _upgrade(db: Connection, schema: Schema, old: str, on_upgrade: OnSteps) -> None:
    db.exec_driver_sql("LOCK TABLE write_order IN ACCESS EXCLUSIVE MODE")
    for name in _VIEWS:
        db.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")

    def spell(*call: Any) -> tuple[str, Any]:
        _, _, statement, parameters, *_ = call
        return definition(statement), parameters

    event.listen(db, "before_cursor_execute", spell, retval=True)
    try:
        migrate.upgrade(db, schema, schema.newest, old, on_upgrade)
    finally:
        event.remove(db, "before_cursor_execute", spell)
    for view in _VIEWS.values():
        db.exec_driver_sql(view)
    _make_triggers(db)


def _make(db: Connection, schema: Schema) -> None:
    statements, rows = _described(schema)
    for statement in statements:
        db.exec_driver_sql(statement)
    for statement in (
        *fulltext.TABLES,
        *leases.TABLES,
        "CREATE TABLE write_order ()",
        *_VIEWS.values(),
    ):
        db.exec_driver_sql(definition(statement))
    db.exec_driver_sql(
        f"ALTER TABLE {_CLAIMED} SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01)"
    )
    _make_triggers(db)
    for insert, values in rows:
        db.exec_driver_sql(insert, values)


def go_on_numbering(db: Connection) -> None:
    """Let the numbers that the database gives go on behind the highest there is, as in a file."""
    for table in _NUMBERED:
        db.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), greatest(max(id), 1), "
            f"max(id) IS NOT NULL) FROM {table}"
        )


def _make_triggers(db: Connection) -> None:
    for statement in watching.triggers(POSTGRES):
        db.exec_driver_sql(statement.replace("%", "%%"))


def _described(schema: Schema) -> tuple[list[str], list[tuple[str, tuple[object, ...]]]]:
    """Return the statements that make the tables and indexes, and what the tables hold at first."""
    memory = sa.create_engine("sqlite://", execution_options={ROOM: SQLITE})
    with memory.connect() as lite, lite.begin():
        migrate.upgrade(lite, schema, schema.newest)
        found = lite.exec_driver_sql(
            "SELECT type, name, sql FROM sqlite_master "
            "WHERE sql IS NOT NULL AND type IN ('table', 'index') AND name NOT LIKE 'sqlite%'"
        ).all()
        ours = [(kind, name, sql) for kind, name, sql in found if not name.startswith(_OWN)]
        tables = {name: sql for kind, name, sql in ours if kind == "table"}
        indexes = [sql for kind, _, sql in ours if kind == "index"]
        rows = []
        for name in tables:
            held = lite.exec_driver_sql(f'SELECT * FROM "{name}"')
            names = tuple(held.keys())
            columns = ", ".join(f'"{each}"' for each in names)
            insert = f'INSERT INTO "{name}" ({columns}) VALUES ({", ".join(["%s"] * len(names))})'
            rows += [(insert, tuple(row)) for row in held]
    memory.dispose()
    made = [_numbered(name, definition(tables[name])) for name in _ordered(tables)]
    return [*made, *indexes], rows


def _numbered(name: str, sql: str) -> str:
    if name not in _NUMBERED:
        return sql
    key = "id BIGINT NOT NULL"
    assert key in sql
    return sql.replace(key, "id BIGINT GENERATED BY DEFAULT AS IDENTITY", 1)


def _ordered(tables: dict[str, str]) -> Iterator[str]:
    """Yield the tables, each behind those that it refers to."""
    done: set[str] = set()
    while len(done) < len(tables):
        for name, sql in tables.items():
            wanted = set(re.findall(r'REFERENCES "?(\w+)"?', sql)) - {name}
            if name not in done and wanted <= done:
                done.add(name)
                yield name
