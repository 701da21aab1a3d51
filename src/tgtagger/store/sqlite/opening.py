"""Find the file that a location names, check what is there, make the file if there is none.

The check comes before anything is opened for writing: a refused file keeps every byte, and no file
is made beside it. Knows no rows, and of tables only the names that tell our database from another
program's.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from pathlib import Path

from tgtagger.errors import InputError, NoDatabase, StoreError
from tgtagger.store.sqlite import connections, stale_log
from tgtagger.store.sqlite.errors import map_errors
from tgtagger.store.sqlite.schema_version import SCHEMA, Schema
from tgtagger.system import files

_DENIED = connections.DENIED | {sqlite3.SQLITE_IOERR_DELETE}  # a journal that cannot be deleted

_OLDEST = (3, 35, 0)
"""The first SQLite with RETURNING and DROP COLUMN. Python 3.11 also works with older ones."""

_WAL_HEADER = 32
"""Bytes of an empty write-ahead log."""


def database_path(location: str) -> Path:
    """Return the file that a path or a SQLAlchemy URL names.

    Raises InputError for a URL that cannot be read, and for other databases than SQLite.
    """
    if "://" not in location:
        return _expanded(location)
    from sqlalchemy.engine import make_url  # few name a file so
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(location)
    except ArgumentError as error:
        raise InputError("database_url_unreadable") from error
    if url.get_backend_name().startswith("postgres"):
        raise InputError("database_on_server")
    if url.get_backend_name() != "sqlite":
        raise InputError("database_kind_unsupported", name=url.get_backend_name())
    if not url.database or url.database == ":memory:":
        raise InputError("database_not_a_file")
    return _expanded(url.database)


def _expanded(path: str) -> Path:
    if "\0" in path:
        raise InputError("database_path_with_nul")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # ~nobody
        raise InputError("database_home_unknown", path=path) from error


def create_file(path: Path) -> None:
    """Make an empty database file for its owner only (0600), and its folder if it is missing."""
    with map_errors(path):
        files.make_folder(path.parent)
        if not path.exists():
            # SQLite gives its -wal and -shm files the mode of the database.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                files.sync_folder(path.parent)


def look(path: Path, schema: Schema = SCHEMA) -> str | None:
    """Return the schema version of the database at a path; None: no file, or an empty one.

    Raises InputError for a folder, a pipe, a device, and if SQLite is too old; StoreError for a
    file that is damaged, another program's, or a newer tgtagger's.
    """
    if sqlite3.sqlite_version_info < _OLDEST:
        raise InputError("sqlite_too_old", version=sqlite3.sqlite_version, needed="3.35")
    with map_errors(path):
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        if stat.S_ISDIR(found.st_mode):
            raise InputError("database_is_folder", path=path)
        if not stat.S_ISREG(found.st_mode):
            raise InputError("database_no_ordinary_file", path=path)
        if not found.st_size:
            if _is_logged(path.resolve()):  # SQLite would delete the log, which has all the data
                raise StoreError("database_cut_off", path=path)
            return None
        file = path.resolve()  # SQLite's log lies beside the file itself, not beside a link to it
        stale_log.check(file)
        return _version(file, schema)


def require(version: str | None, path: Path) -> str:
    """Return the version that `look` found. Raises NoDatabase if it found no database."""
    if version is None:
        raise NoDatabase("no_database", path=path)
    return version


def _is_logged(path: Path) -> bool:
    return _size(path, "-wal") > _WAL_HEADER


def _size(path: Path, end: str) -> int:
    try:
        return path.with_name(path.name + end).stat().st_size
    except FileNotFoundError:
        return 0


def _version(path: Path, schema: Schema) -> str | None:
    # Without a log or a journal the file is complete, and is read without a lock, for which SQLite
    # would make files. If that fails, somebody may be writing just now.
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
        # A journal to be rolled back, or a folder without locks: opening it later meets the same,
        # and raises the error.
        code = getattr(error, "sqlite_errorcode", 0)
        primary = code & 0xFF
        if code not in _DENIED and primary not in {
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_CANTOPEN,
        }:
            raise
        if _size(path, "-journal"):  # half written: its version cannot be read yet
            return schema.newest
        return _read_version(path, "immutable=1", schema)


def _read_version(path: Path, mode: str, schema: Schema) -> str | None:
    with contextlib.closing(connections.connect(path, mode)) as db:
        return schema.version_of(db, path)
