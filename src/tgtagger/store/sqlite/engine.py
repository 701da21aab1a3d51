"""SQLAlchemy's engine for a SQLite file that is written to: its transactions and connections.

The only module that makes SQLAlchemy and SQLite agree; imported where somebody writes. Who only
reads has a `reader`. Knows no table.

Why the BEGIN hook: by default the driver opens no transaction before a SAVEPOINT, so the outermost
SAVEPOINT is the transaction, its release commits, and a later rollback undoes nothing. With
`isolation_level = None` the hook sends BEGIN itself, and BEGIN IMMEDIATE for writers: a deferred
transaction that reads first and writes later fails at once if another process has written in
between, without waiting for the busy timeout.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry

from tgtagger.errors import StoreError
from tgtagger.store.rooms import ROOM
from tgtagger.store.sqlite import connections
from tgtagger.store.sqlite.connections import BUSY_TIMEOUT, identity
from tgtagger.store.sqlite.room import SQLITE


def create_writer(path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> Engine:
    """Return an engine whose transactions begin with BEGIN IMMEDIATE; see `reading`."""

    def connect() -> sqlite3.Connection:
        return connections.to_write(path, busy_timeout)

    def set_up(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info[_FILE] = identity(path)
        connections.set_up(connection, writes=True)

    def say_begin(connection: Connection) -> None:
        begin = connection.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE")
        connection.exec_driver_sql(begin)

    def check_file(connection: Connection) -> None:
        # SQLite would go on writing to a file that was moved or deleted, and report success.
        if connection.info[_FILE] != identity(path):
            raise StoreError("database_moved", path=path)

    engine = sa.create_engine(
        URL.create("sqlite"),
        execution_options={ROOM: SQLITE},
        creator=connect,
        poolclass=sa.pool.QueuePool,
        hide_parameters=True,  # they hold post text
    )
    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", say_begin)
    event.listen(engine, "commit", check_file)
    return engine


def reading(engine: Engine) -> Engine:
    """Return the same engine, with the same connections, for transactions that only read.

    They take no write lock. A write in one is a bug: it fails at once, without waiting, if another
    process has written since it began.
    """
    return engine.execution_options(**{_BEGIN: "BEGIN DEFERRED"})


_FILE = "tgtagger.file"
_BEGIN = "tgtagger_begin"
