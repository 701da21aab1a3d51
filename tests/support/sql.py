"""Plain SQL on an archive's file, by a connection of the test's own, like another program's.

Only `driver` reaches into a store, for tests of the store's connection and its transactions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tgtagger.store import Store


@contextmanager
def reading(archive: Store | Path) -> Iterator[sqlite3.Connection]:
    with _connected(archive) as db:
        db.execute("PRAGMA query_only = ON")
        yield db


@contextmanager
def writing(archive: Store | Path) -> Iterator[sqlite3.Connection]:
    """Write in one transaction; an exception rolls it back."""
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


def driver(store: Store) -> sqlite3.Connection:
    """Return the store's own connection, outside of any transaction."""
    with store._database.connection() as db:
        return db
