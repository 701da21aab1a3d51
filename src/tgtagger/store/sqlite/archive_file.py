"""An archive in a SQLite file: open it, begin transactions in it, care for it.

What other databases have in another way of their own stands behind the same names (`rooms`). Knows
no table.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tgtagger.errors import InputError, TryLater
from tgtagger.model.events import OnSteps, unheard
from tgtagger.store import tag_queue
from tgtagger.store.driver_errors import unwrapped
from tgtagger.store.rooms import Connection, LockName
from tgtagger.store.sqlite import opening, stale_log
from tgtagger.store.sqlite.connections import (
    BUSY_TIMEOUT,
    Unlocked,
    driver,
    fold_large_log,
    identity,
    log_of,
    undisturbed,
)
from tgtagger.store.sqlite.errors import SYMPTOMS, map_errors
from tgtagger.store.sqlite.reader import Reader, ReadingConnection
from tgtagger.store.sqlite.run_lock import run_lock
from tgtagger.store.sqlite.schema_version import OlderSchema, Schema
from tgtagger.system.mounts import network_file_system

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection as SqlConnection
    from sqlalchemy.engine import Engine

    from tgtagger.model.database import ServerState, Storage
    from tgtagger.model.integrity import IntegrityReport

_PATIENCE = 1.0
"""Seconds for which who may share a lock waits: another one may look whether all are dead."""


class ArchiveFile:
    """A SQLite file, opened for reading or for writing."""

    patience = BUSY_TIMEOUT

    def __init__(
        self, path: Path, schema: Schema, reading: Engine | Reader, writing: Engine | None = None
    ) -> None:
        self.path = path
        self.is_new = False  # opening it made it
        self._schema = schema
        self._file = identity(path)
        self._reading = reading
        self.engine = writing or reading  # of a reader each write fails
        self._watching: SqlConnection | ReadingConnection | None = None
        self._watch = threading.Lock()
        self._log = log_of(path)
        self._left = 0  # bytes of a large log that somebody still read when it was to be folded

    def close(self) -> None:
        if self._watching is not None:
            self._watching.close()
        self._reading.dispose()
        self.fold()

    def fold(self) -> None:
        """Fold a large log back into the file, unless somebody reads what is in it.

        Here, too, where others stay who only read: a large change would leave its log to them.
        """
        self._left = fold_large_log(self._log, beyond=self._left)

    @property
    def schema_version(self) -> str:
        """The version of the schema that it has."""
        return self._schema.newest

    @property
    def identity(self) -> object:
        """What tells the file from another one of its name."""
        return self._file

    @property
    def is_replaced(self) -> bool:
        """Tell whether the file was moved, deleted, or replaced by another one since."""
        return identity(self.path) != self._file

    def size(self) -> int:
        """Return how many bytes the file and its log have."""
        file = self.path.resolve()  # beside which SQLite has its log
        files = (file, file.with_name(file.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def version(self) -> int:
        """Return a number that changes whenever anybody, in any process, has written.

        SQLite counts what others write as one connection sees it: so one is kept open for this.
        """
        with self.explained(), self._watch:
            if self._watching is None:
                self._watching = self._reading.connect()
            (version,) = driver(self._watching).execute("PRAGMA data_version").fetchone()
            return int(version)

    # ---- transactions

    @contextlib.contextmanager
    def writing(self, *, patient: bool, beside: bool = False) -> Iterator[Connection]:
        """Begin a transaction that writes; wait for another writer only if `patient`.

        Nobody else writes to a file meanwhile, even if they could.
        """
        with self._begun(self.engine, patient=patient) as db:
            self._check(db)
            stale_log.number(driver(db))
            yield db
        self.fold()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Begin a transaction that reads: one snapshot, without waiting for writers."""
        with self._begun(self._reading) as db:
            self._check(db)
            yield db

    @contextlib.contextmanager
    def undisturbed(self, db: Connection) -> Iterator[None]:
        """Raise the driver's own errors, and TryLater if somebody wrote meanwhile.

        Only a reader without locks can be disturbed.
        """
        with undisturbed(driver(db), self.path), unwrapped():
            yield

    @contextlib.contextmanager
    def explained(self, db: Connection | None = None) -> Iterator[None]:
        """Turn failures of the database and wrong stored values into our errors; let bugs through.

        Only the database's own errors make the integrity check read the file. If `db` reads
        without locks, a write by somebody else is told first: what was read may be torn.
        """
        with map_errors(self.path):
            try:
                with unwrapped() if db is None else self.undisturbed(db):
                    yield
            except SYMPTOMS as error:
                from tgtagger.store.rescue import integrity_check

                integrity_check.explain(error, self.path)
                raise

    @contextlib.contextmanager
    def _begun(self, made: Engine | Reader, *, patient: bool = True) -> Iterator[Connection]:
        with made.connect() as connection:
            quick = contextlib.nullcontext() if patient else _impatient(driver(connection))
            with quick, connection.begin():
                yield connection

    def _check(self, db: Connection) -> None:
        # A newer tgtagger may have upgraded the schema since the file was opened.
        if self._schema.version_of(driver(db), self.path) is None:
            raise InputError("database_empty", path=self.path)

    # ---- care

    @contextlib.contextmanager
    def lock(
        self, name: LockName, *, shared: bool = False, of: Sequence[str] = ()
    ) -> Iterator[None]:
        """Hold the lock of this kind of run. Raises TryLater at once if another run holds it."""
        del of  # a file has one writer anyway
        if name == "tag":
            self._free_posts_of_the_dead()
        with contextlib.ExitStack() as held:
            until = time.monotonic() + (_PATIENCE if shared else 0)
            while True:
                try:
                    held.enter_context(run_lock(self.path, name, shared=shared))
                    break
                except TryLater:
                    if time.monotonic() >= until:
                        raise
                    time.sleep(0.02)
            yield

    def _free_posts_of_the_dead(self) -> None:
        """Give back what was claimed by runs that were killed, if no other one is at work.

        Their locks died with them: so nobody has to wait until their leases are over.
        """
        with contextlib.ExitStack() as alone:
            try:
                alone.enter_context(run_lock(self.path, "tag"))
            except TryLater:
                return
            with self.explained():
                with self.reading() as db:
                    is_any = tag_queue.any_claimed(db)
                if is_any:
                    with self.writing(patient=True) as db:
                        tag_queue.release_all(db)

    def storage(self) -> Storage:
        """Return how SQLite keeps the file: its journal, locks, a network file system."""
        from tgtagger.model.database import Storage

        with self.explained(), self.reading() as db:
            (mode,) = driver(db).execute("PRAGMA journal_mode").fetchone()
            is_locked = not isinstance(driver(db), Unlocked)
        return Storage(str(mode), is_locked, network_file_system(self.path))

    def check(self, on_steps: OnSteps = unheard) -> IntegrityReport:
        """Read the whole file, damaged or not, and return the integrity report."""
        from tgtagger.store.rescue import integrity_check

        return integrity_check.report(self.path, on_steps)

    def check_index(self) -> bool:
        """Tell whether the search index agrees with the posts. Needs a file opened to write."""
        from tgtagger.store.sqlite import fulltext_index

        with self.explained(), self._begun(self.engine) as db:
            return fulltext_index.agrees(driver(db))

    def rebuild_index(self) -> None:
        """Rebuild the search index from the posts."""
        from tgtagger.store.sqlite import fulltext_index

        with map_errors(self.path), self.engine.connect() as connection:
            fulltext_index.rebuild(driver(connection))

    def server(self) -> ServerState | None:
        """Return None: there is no server."""
        return None

    def complete_copy(self) -> None:
        """Make the search index of the rows that were copied into it."""
        self.rebuild_index()


def open_to_write(
    location: str,
    schema: Schema,
    *,
    create: bool = True,
    busy_timeout: float = BUSY_TIMEOUT,
    on_upgrade: OnSteps = unheard,
) -> ArchiveFile:
    """Open for writing, and bring the schema up to date. Raises StoreError, TryLater.

    `create`: make the file if there is none; else raise NoDatabase. `busy_timeout` is in seconds.
    """
    path = opening.database_path(location)
    version = opening.look(path, schema)
    if not create:
        opening.require(version, path)
    if version is None:
        opening.create_file(path)
    from tgtagger.store.sqlite import engine, migrate  # with SQLAlchemy, for whoever writes

    made = engine.create_writer(path, busy_timeout=busy_timeout)
    opened = ArchiveFile(path, schema, engine.reading(made), made)
    opened.is_new = version is None
    try:
        migrate.migrate(made, path, schema, on_upgrade)
    except BaseException:
        opened.close()
        raise
    opened.fold()
    return opened


def open_to_read(location: str, schema: Schema) -> ArchiveFile:
    """Open for reading only, and change nothing.

    Raises NoDatabase if there is none, OlderSchema if it is not up to date.
    """
    path = opening.database_path(location)
    version = opening.require(opening.look(path, schema), path)
    schema.require_newest(version, path)
    opened = ArchiveFile(path, schema, Reader(path))
    try:
        with opened.explained(), opened.reading() as db:  # `look` could not read a half-written one
            schema.require_newest(schema.version_of(driver(db), path), path)
    except BaseException:
        opened.close()
        raise
    return opened


def open_up_to_date(location: str, schema: Schema, *, on_upgrade: OnSteps = unheard) -> ArchiveFile:
    """Open for reading only; first an older schema is brought up to date, a large log ended."""
    try:
        opened = open_to_read(location, schema)
    except OlderSchema:  # the reader is closed: the last connection may write, and ends the log
        open_to_write(location, schema, on_upgrade=on_upgrade).close()
        opened = open_to_read(location, schema)
    opened.fold()
    return opened


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
