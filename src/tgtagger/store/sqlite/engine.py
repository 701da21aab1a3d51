"""SQLAlchemy's engine for a SQLite file: what a transaction and a connection are.

The only module that makes SQLAlchemy and SQLite agree. Knows no table.

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
from tgtagger.store.sqlite.connections import BUSY_TIMEOUT
from tgtagger.store.sqlite.room import SQLITE


def create_writer(path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> Engine:
    """Return an engine whose transactions begin with BEGIN IMMEDIATE; see `reading`."""
    return _engine(path, "mode=rw", "BEGIN IMMEDIATE", busy_timeout)


def reading(engine: Engine) -> Engine:
    """Return the same engine, with the same connections, for transactions that only read.

    They take no write lock. A write in one is a bug: it fails at once, without waiting, if another
    process has written since it began.
    """
    return engine.execution_options(**{_BEGIN: "BEGIN DEFERRED"})


def create_reader(path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> Engine:
    """Return an engine that cannot write; each transaction is one snapshot."""
    return _engine(path, "mode=ro", "BEGIN DEFERRED", busy_timeout)


def _engine(path: Path, mode: str, begin: str, busy_timeout: float) -> Engine:
    def connect() -> sqlite3.Connection:
        opened = connections.to_write if mode == "mode=rw" else connections.to_read
        return opened(path, busy_timeout)

    def set_up(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # `say_begin` sends BEGIN instead
        record.info[_FILE] = identity(path)
        # macOS: fsync stops at the disk's own cache; on other systems this has no effect.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        # A reader reads each page once: a large cache would only cost memory (KiB, negative).
        connection.execute(f"PRAGMA cache_size = {-16384 if mode == 'mode=rw' else -2048}")
        # A page of posts is about 1 MB: a checkpoint each (SQLite's default) writes twice as much.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages of 4 KiB
        # The log grows while somebody reads (an export, say). After that it is cut to this size.
        connection.execute(f"PRAGMA journal_size_limit = {connections.LARGE_LOG}").fetchone()

    def say_begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, begin))

    def check_file(connection: Connection) -> None:
        # SQLite would go on writing to a file that was moved or deleted, and report success.
        if mode == "mode=rw" and connection.info[_FILE] != identity(path):
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


_FILE = "tgtagger.file"
_BEGIN = "tgtagger_begin"


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one of its name; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
