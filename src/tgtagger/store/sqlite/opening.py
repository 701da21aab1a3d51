"""What lies at a database's path: looked at before anything is opened to write.

What is refused stays byte for byte what it was; not even a file beside it is made. Knows no table
but the names that tell an archive from another program's database.
"""

from __future__ import annotations

import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

from tgtagger.errors import InputError, StoreError
from tgtagger.store.sqlite import connections, engine, stale_log
from tgtagger.store.sqlite.schema_version import SCHEMA, Schema

_DENIED = connections.DENIED | {sqlite3.SQLITE_IOERR_DELETE}  # a journal that may not go

_OLDEST = (3, 35, 0)
"""The SQLite that first knew RETURNING and DROP COLUMN. Python 3.11 is content with less."""

_WAL_HEADER = 32
"""Bytes of a write-ahead log in which nothing is logged."""


def look(path: Path, schema: Schema = SCHEMA) -> str | None:
    """Return the schema version of the database that is there; None: there is none, or 0 bytes.

    Raises InputError for a folder, a pipe, a device, and for a SQLite that is too old; StoreError
    for what is damaged, another program's, or a newer tgtagger's.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise InputError(
            f"SQLite {sqlite3.sqlite_version} is too old: tgtagger needs 3.35 or newer",
            hint="SQLite comes with Python, or with the system: take a newer one of either",
        )
    with engine.map_errors(path):
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        if stat.S_ISDIR(found.st_mode):
            raise InputError(f"{path} is a folder, not a database", hint="name a file in it")
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path} is no ordinary file", hint="name another with --db")
        if not found.st_size:
            if _is_logged(path.resolve()):  # SQLite would delete the log, and with it what is left
                raise StoreError(
                    f"{path} is cut off: it is empty, though {path.name}-wal beside it is not",
                    hint=engine.RECOVER,
                )
            return None
        file = path.resolve()  # SQLite has its log beside the file itself, not beside a link to it
        stale_log.check(file)
        return _version(file, schema)


def _is_logged(path: Path) -> bool:
    return _size(path, "-wal") > _WAL_HEADER


def _size(path: Path, end: str) -> int:
    try:
        return path.with_name(path.name + end).stat().st_size
    except FileNotFoundError:
        return 0


def _version(path: Path, schema: Schema) -> str | None:
    # With nothing beside it the file is all there is, and can be read without a lock, for which
    # SQLite would make files. Where that fails, somebody may be writing just now.
    for wait in (0.005, 0.02, None):
        if _is_logged(path) or _size(path, "-journal"):
            break
        try:
            return _read_version(path, "immutable=1", schema)
        except (sqlite3.Error, UnicodeDecodeError):
            if wait is None:
                raise
            time.sleep(wait)
    try:
        return _read_version(path, "mode=ro", schema)
    except sqlite3.OperationalError as error:
        # A journal to be rolled back, or a folder where no lock can be had: who opens it to write
        # or to read meets the same, and says it.
        code = getattr(error, "sqlite_errorcode", 0)
        primary = code & 0xFF
        if code not in _DENIED and primary not in {
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_CANTOPEN,
        }:
            raise
        if _size(path, "-journal"):  # half written: no look at it tells anything yet
            return schema.newest
        return _read_version(path, "immutable=1", schema)


def _read_version(path: Path, mode: str, schema: Schema) -> str | None:
    with closing(engine.connect(path, mode)) as db:
        return schema.version_of(db, path)
