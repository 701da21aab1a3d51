"""Plain SQL on an archive's file, by a connection of the test's own, like another program's.

Only `driver` and `plan` reach into a store: for tests of its connection, its transactions, and of
how its statements are run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeGuard, cast

import psycopg

from support import on_server
from tgtagger.store import Store
from tgtagger.store.sqlite import connections
from tgtagger.store.statements import Select, Statement


@contextmanager
def reading(archive: Store | Path) -> Iterator[sqlite3.Connection]:
    if _is_on_server(archive):
        with on_server.connected(archive) as server:
            yield cast(sqlite3.Connection, _Server(server))
        return
    with _connected(archive) as db:
        db.execute("PRAGMA query_only = ON")
        yield db


@contextmanager
def writing(archive: Store | Path) -> Iterator[sqlite3.Connection]:
    """Write in one transaction; an exception rolls it back."""
    if _is_on_server(archive):
        with on_server.connected(archive) as server, server.transaction():
            server.execute("LOCK TABLE write_order IN EXCLUSIVE MODE")  # as whoever writes does
            yield cast(sqlite3.Connection, _Server(server))
        return
    with _connected(archive) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("BEGIN IMMEDIATE")
        yield db
        db.execute("COMMIT")


@contextmanager
def _connected(archive: Store | Path) -> Iterator[sqlite3.Connection]:
    path = archive.path if isinstance(archive, Store) else archive
    # By its address, so that a missing file is an error of the test, and is not created.
    address = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as db:
        yield db


def _is_on_server(archive: Store | Path) -> TypeGuard[Store]:
    return isinstance(archive, Store) and isinstance(archive.place, str)


class _Server:
    """A server's connection that takes parameters as SQLite's does."""

    def __init__(self, db: psycopg.Connection[Any]) -> None:
        self._db = db

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        return self._db.execute(sql.replace("%", "%%").replace("?", "%s"), values)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._db.cursor().executemany(sql.replace("?", "%s"), rows)


def broken_references(db: sqlite3.Connection) -> list[Any]:
    """Return the rows that refer to none; a server lets nobody make one."""
    is_file = isinstance(db, sqlite3.Connection)
    return db.execute("PRAGMA foreign_key_check").fetchall() if is_file else []


def location(store: Store) -> str:
    """Return by what a store is opened once more."""
    if not _is_on_server(store):
        return str(store.path)
    url = store._database.opened.engine.url  # type: ignore[attr-defined]
    return str(url.render_as_string(hide_password=False))


def driver(store: Store) -> sqlite3.Connection:
    """Return the store's own connection, outside of any transaction."""
    with store._database.opened.engine.connect() as db:  # type: ignore[attr-defined]
        return connections.driver(db)


def plan(store: Store, statement: Statement | Select, **values: object) -> list[str]:
    """Return the steps in which SQLite runs a statement of the store."""
    with store._database.read() as db:
        given = values if isinstance(statement, Statement) else statement.values
        sql, names, _ = Statement(statement.sql)._compile(db)
        found = [given.get(name) for name in names]
        rows = connections.driver(db).execute(f"EXPLAIN QUERY PLAN {sql}", found)
        return [row[3] for row in rows]
