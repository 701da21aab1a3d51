"""An archive on a server: open it, begin transactions in it, care for it.

What SQLite does in a way of its own stands behind the same names (`rooms`). Knows no table.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from sqlalchemy.engine import Connection, Engine

from tgtagger.errors import InputError
from tgtagger.model.database import ServerState, Storage
from tgtagger.model.events import OnSteps, unheard
from tgtagger.model.integrity import IntegrityReport
from tgtagger.store.again import Again
from tgtagger.store.driver_errors import unwrapped
from tgtagger.store.postgres import (
    engine,
    fulltext,
    integrity,
    leases,
    opening,
    schema,
    server_check,
)
from tgtagger.store.postgres.errors import map_errors
from tgtagger.store.rooms import LockName
from tgtagger.store.sqlite.schema_version import OlderSchema, Schema

_SIZE = "SELECT pg_database_size(current_database())"
_SNAPSHOT = "SELECT CAST(pg_current_snapshot() AS text)"


class ArchiveOnServer:
    """An archive on a PostgreSQL server."""

    def __init__(self, path: str, made: Engine, known: Schema, patience: float) -> None:
        self.path = path
        self.is_new = False  # opening it made its tables
        self.engine = made
        self._schema = known
        self.patience = patience

    def close(self) -> None:
        self.engine.dispose()

    @property
    def schema_version(self) -> str:
        """The version of the schema that it has."""
        return self._schema.newest

    @property
    def identity(self) -> object:
        """What tells it from another one: its URL, of which the options may name the server."""
        return self.engine.url.set(password=None)

    @property
    def is_replaced(self) -> bool:
        """A server is asked at each use: nothing can take its place unseen."""
        return False

    def size(self) -> int:
        """Return how many bytes the database has on the server."""
        with self.explained(), self.reading() as db:
            return int(db.exec_driver_sql(_SIZE).scalar_one())

    def version(self) -> int:
        """Return a number that changes whenever anybody, on any machine, has written.

        It is made of the transactions that the server knows of: a commit changes them.
        """
        with self.explained(), self.reading() as db:
            snapshot = str(db.exec_driver_sql(_SNAPSHOT).scalar_one())
        return int.from_bytes(blake2b(snapshot.encode(), digest_size=7).digest())

    # ---- transactions

    @contextlib.contextmanager
    def writing(self, *, patient: bool, beside: bool = False) -> Iterator[Connection]:
        """Begin a transaction that writes; wait for another writer only if `patient`.

        `beside`: others may write meanwhile.
        """
        patience = self.patience if patient and self.patience else None
        begin = engine.beside(patience) if beside else engine.writing(patience)
        with engine.begun(self.engine, begin) as (db, version):
            self._check(version)
            yield db

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Begin a transaction that reads: one snapshot, without waiting for writers."""
        with engine.begun(self.engine, engine.READING) as (db, version):
            self._check(version)
            yield db

    @contextlib.contextmanager
    def undisturbed(self, db: Connection) -> Iterator[None]:
        """Raise the driver's own errors; a snapshot of a server is never torn."""
        with unwrapped():
            yield

    @contextlib.contextmanager
    def explained(self, db: Connection | None = None) -> Iterator[None]:
        """Turn failures of the server into our errors; let bugs through."""
        with map_errors(self.path), unwrapped():
            yield

    def _check(self, version: str | None) -> None:
        # A newer tgtagger may have upgraded the schema since.
        if version is None:
            raise InputError("database_empty", path=self.path)
        self._schema.known(version, self.path)

    def require_newest(self) -> None:
        """Raise NoDatabase if there are no tables, OlderSchema if they are not up to date."""
        with self.explained(), engine.begun(self.engine, engine.BARE) as (db, _):
            found = schema.version_of(db, self._schema, self.path)
            self._schema.require_newest(schema.require(found, self.path), self.path)

    # ---- care

    def lock(
        self, name: LockName, *, shared: bool = False, of: Sequence[str] = ()
    ) -> contextlib.AbstractContextManager[None]:
        """Hold the lock of this kind of run. Raises TryLater at once if another run holds it."""
        return leases.hold(self.engine, self.path, name, self.patience, shared=shared, of=of)

    def storage(self) -> Storage:
        """Return how it is kept: by a server, which locks for all."""
        return Storage("server", True, None)

    def check(self, on_steps: OnSteps = unheard) -> IntegrityReport:
        """Read all rows, and return the integrity report."""
        with self.explained(), self.reading() as db:
            return integrity.report(db, on_steps)

    def check_index(self) -> bool:
        """Tell whether each post has its words in the index, and no other words."""
        with self.explained(), self.reading() as db:
            return fulltext.agrees(db)

    def rebuild_index(self) -> None:
        """Make the words of all posts anew."""
        with self.explained(), self.writing(patient=True) as db:
            fulltext.rebuild(db)

    def server(self) -> ServerState | None:
        """Return the state of the server."""
        with self.explained(), self.reading() as db:
            return server_check.look(db)

    def complete_copy(self) -> None:
        """Make the index of the rows that were copied; let numbers go on behind theirs."""
        self.rebuild_index()
        with self.explained(), self.writing(patient=True) as db:
            schema.go_on_numbering(db)
            db.exec_driver_sql("ANALYZE")


def open_to_write(
    location: str,
    known: Schema,
    *,
    create: bool = True,
    busy_timeout: float,
    on_upgrade: OnSteps = unheard,
) -> ArchiveOnServer:
    """Open for writing, and bring the schema up to date. Raises StoreError, TryLater.

    `create`: make the tables if the database is empty; else raise NoDatabase.
    """
    url = opening.read_url(location)
    path = opening.shown(url)
    opened = ArchiveOnServer(path, engine.create(url, path), known, busy_timeout)
    try:
        opened.is_new = Again(busy_timeout)(
            lambda: schema.bring_up_to_date(
                opened.engine, known, path, create=create, on_upgrade=on_upgrade
            )
        )
    except BaseException:
        opened.close()
        raise
    return opened


def open_to_read(location: str, known: Schema) -> ArchiveOnServer:
    """Open for reading, and change nothing.

    Raises NoDatabase if there is none, OlderSchema if it is not up to date.
    """
    url = opening.read_url(location)
    path = opening.shown(url)
    opened = ArchiveOnServer(path, engine.create(url, path), known, 0)
    try:
        Again(0)(opened.require_newest)
    except BaseException:
        opened.close()
        raise
    return opened


def open_up_to_date(
    location: str, known: Schema, *, on_upgrade: OnSteps = unheard
) -> ArchiveOnServer:
    """Open for reading; first an older schema is brought up to date."""
    try:
        return open_to_read(location, known)
    except OlderSchema:
        open_to_write(location, known, busy_timeout=30, on_upgrade=on_upgrade).close()
        return open_to_read(location, known)
