"""The transactions of the archive, for its parts: one kind reads, the other writes.

The only module that begins and ends them. `sqlite.engine` says what a transaction is on SQLite.
Knows no table.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import Connection, Engine

from tgtagger.errors import InputError
from tgtagger.store.rescue import integrity_check
from tgtagger.store.sqlite import engine, stale_log
from tgtagger.store.sqlite.connections import driver, undisturbed
from tgtagger.store.sqlite.errors import map_errors
from tgtagger.store.sqlite.schema_version import Schema

BAD_VALUE = (sqlite3.Error, UnicodeError, OverflowError, TypeError, ValueError)
"""What a bad value in a post can raise: a database error, or one of Python's own."""


class Database:
    """One database file, opened for reading or for writing."""

    def __init__(self, path: Path, made: Engine, schema: Schema) -> None:
        self.path = path
        self.schema = schema
        self._engine = made
        self._file = engine.identity(path)
        self._reading = engine.reading(made)
        self._watching: Connection | None = None
        self._watch = threading.Lock()

    def close(self) -> None:
        if self._watching is not None:
            self._watching.close()
        self._engine.dispose()

    @property
    def is_replaced(self) -> bool:
        """Tell whether the file was moved, deleted, or replaced by another one since."""
        return engine.identity(self.path) != self._file

    def version(self) -> int:
        """Return a number that changes whenever anybody, in any process, has written.

        SQLite counts what others write as one connection sees it: so one is kept open for this.
        """
        with self.explained(), self._watch:
            if self._watching is None:
                self._watching = self._engine.connect()
            (version,) = driver(self._watching).execute("PRAGMA data_version").fetchone()
            return int(version)

    @contextlib.contextmanager
    def write(self, *, patient: bool = True, dry_run: bool = False) -> Iterator[Connection]:
        """Begin a transaction that writes; wait for another writer only if `patient`.

        A dry run is rolled back at its end, so that its results are those of a real run.
        """
        with contextlib.suppress(_DryRun), self.transaction(patient=patient) as db:
            # A newer tgtagger may have upgraded the schema since the store was opened.
            if self.schema.version_of(driver(db), self.path) is None:
                raise InputError("database_empty", path=self.path)
            stale_log.number(driver(db))
            yield db
            if dry_run:
                raise _DryRun

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction that reads: one snapshot, without waiting for writers."""
        with self.explained(), self.snapshot() as db:
            yield db

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read as `read` does, for a caller's body: its errors are raised as they are."""
        opened = contextlib.ExitStack()
        with self.explained(), contextlib.ExitStack() as failed:
            db = failed.enter_context(_begun(self._reading))
            if self.schema.version_of(driver(db), self.path) is None:
                raise InputError("database_empty", path=self.path)
            opened = failed.pop_all()
        try:
            with undisturbed(driver(db), self.path):
                yield db
        except BaseException:
            with self.explained():
                opened.__exit__(*sys.exc_info())
            raise
        with self.explained():
            opened.close()

    @contextlib.contextmanager
    def transaction(self, *, patient: bool = True) -> Iterator[Connection]:
        """Begin a transaction that writes, without checking the schema."""
        with self.explained(), _begun(self._engine, patient=patient) as db:
            yield db

    @contextlib.contextmanager
    def explained(self, db: Connection | None = None) -> Iterator[None]:
        """Turn failures of the database and wrong stored values into our errors; let bugs through.

        Only the database's own errors make the integrity check read the file. If `db` reads
        without locks, a write by somebody else is told first: what was read may be torn.
        """
        with map_errors(self.path):
            try:
                with contextlib.nullcontext() if db is None else undisturbed(driver(db), self.path):
                    yield
            except integrity_check.SYMPTOMS as error:
                integrity_check.explain(error, self.path)
                raise

    @contextlib.contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection outside of any transaction."""
        with map_errors(self.path), self._engine.connect() as connection:
            yield driver(connection)


@contextlib.contextmanager
def _begun(made: Engine, *, patient: bool = True) -> Iterator[Connection]:
    with made.connect() as connection:
        quick = contextlib.nullcontext() if patient else _impatient(driver(connection))
        with quick, connection.begin():
            yield connection


@contextlib.contextmanager
def _impatient(db: sqlite3.Connection) -> Iterator[None]:
    """Let a connection wait for no other writer during the block; its next user may be patient."""
    (timeout,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.Error):  # after a failure of the disk
            db.execute(f"PRAGMA busy_timeout = {timeout:d}")


class _DryRun(Exception):
    """Rolls a transaction back; never leaves this module."""


class Part:
    """A part of the archive: each public method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
