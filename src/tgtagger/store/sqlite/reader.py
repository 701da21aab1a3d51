"""Transactions that only read a file, on the driver's own connections.

Whoever only reads needs neither SQLAlchemy's transactions nor its pool, and does not wait for them
to load: that takes longer than a search. What they are to whoever writes is in `engine`; both have
the same face, as far as the store knows it (`rooms.Connection`). Several threads may read at once,
each on a connection of its own. Knows no table.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tgtagger.store.rooms import ROOM
from tgtagger.store.sqlite import connections
from tgtagger.store.sqlite.connections import BUSY_TIMEOUT
from tgtagger.store.sqlite.room import SQLITE

_KEPT = 5
"""Connections that are kept open for the next transactions, at most."""


class Reader:
    """The connections to a file that is only read."""

    def __init__(self, path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> None:
        self._path, self._timeout = path, busy_timeout
        self._idle: list[sqlite3.Connection] = []

    def connect(self) -> ReadingConnection:
        """Return a connection; as a context it is given back at its end."""
        try:
            driver = self._idle.pop()
        except IndexError:
            driver = connections.to_read(self._path, self._timeout)
            connections.set_up(driver, writes=False)
        return ReadingConnection(self, driver)

    def take_back(self, driver: sqlite3.Connection) -> None:
        """Keep a connection for the next one who reads, if it is as good as new."""
        try:
            if driver.in_transaction:
                driver.rollback()
        except sqlite3.Error:
            driver.close()
            return
        if len(self._idle) < _KEPT:
            self._idle.append(driver)
        else:
            driver.close()

    def dispose(self) -> None:
        """Close the connections that nobody has."""
        while self._idle:
            self._idle.pop().close()


class _Dialect:
    """What the store asks of SQLAlchemy's dialect."""

    name = "sqlite"
    loaded_dbapi = sqlite3


class ReadingConnection:
    """A connection that only reads, and its transaction: a `rooms.Connection`."""

    dialect = _Dialect

    def __init__(self, reader: Reader, driver: sqlite3.Connection) -> None:
        self._reader = reader
        self.driver_connection = driver
        self.cursor = driver.cursor
        self.closed = False

    @property
    def connection(self) -> Self:
        return self

    def get_execution_options(self) -> Mapping[str, Any]:
        return _OPTIONS

    @contextlib.contextmanager
    def begin(self) -> Iterator[None]:
        """Begin a transaction: one snapshot, from the first query on."""
        driver = self.driver_connection
        driver.execute("BEGIN DEFERRED")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # the error of the body says more
                driver.rollback()
            raise
        driver.commit()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._reader.take_back(self.driver_connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()


_OPTIONS = {ROOM: SQLITE}
