"""Open the SQLite file: its pragmas, its transactions, its permissions, its schema's version.

The one place that knows how SQLAlchemy and SQLite must be made to agree, and the one map from
their exceptions to ours. Knows no table.

Why the BEGIN hook: left to itself the driver opens no transaction before a SAVEPOINT, so the
outermost SAVEPOINT is the transaction, its release commits, and a later rollback undoes nothing.
With `isolation_level = None` SQLAlchemy says BEGIN itself, and says IMMEDIATE for writers: a
deferred transaction that reads first and writes later fails at once when another process has
written in between, without waiting for the busy timeout.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from tgtagger.errors import InputError, Locked, NoDatabase, StoreError, TgTaggerError, system_error
from tgtagger.store.sqlite import connections, diagnose
from tgtagger.store.sqlite.holders import holder
from tgtagger.system import files

BUSY_TIMEOUT = 30.0
"""Seconds to wait for another process's write to end."""

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""The schema's versions, oldest first: the migrations' revisions."""
HEAD = REVISIONS[-1]
"""The version this program reads and writes."""


def database_path(location: str) -> Path:
    """Return the file that a path or SQLAlchemy URL names; refuse other databases than SQLite."""
    if "://" not in location:
        return _expanded(location)
    try:
        url = make_url(location)
    except sa.exc.ArgumentError as error:
        raise InputError("the database's URL cannot be read", hint=_URL_HINT) from error
    if url.get_backend_name() != "sqlite":
        raise InputError(
            f"databases of kind {url.get_backend_name()!r} are not supported: tgtagger keeps "
            "its posts in one SQLite file",
            hint=_URL_HINT,
        )
    if not url.database or url.database == ":memory:":
        raise InputError("the database must be a file", hint=_URL_HINT)
    return _expanded(url.database)


def _expanded(path: str) -> Path:
    if "\0" in path:
        raise InputError("the database's path holds a NUL, which no path does", hint=_URL_HINT)
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # ~nobody
        raise InputError(f"{path}: there is no such home folder", hint=_URL_HINT) from error


def missing(path: Path) -> NoDatabase:
    return NoDatabase(
        f"there is no database yet at {path}",
        hint="fill it: tgtagger parse @CHANNEL, or a Desktop export's folder; "
        "or name another with --db",
    )


_URL_HINT = "give a path, or a URL such as sqlite:////home/me/posts.db"


def create_file(path: Path) -> None:
    """Make an empty database file that only its owner can read, and its folder if missing."""
    with map_errors(path):
        files.make_folder(path.parent)
        if not path.exists():
            # SQLite gives its -wal and -shm files the mode of the database.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                files.sync_folder(path.parent)


def create_writer(path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> Engine:
    """Return an engine whose every transaction is BEGIN IMMEDIATE."""
    return _engine(path, "mode=rw", "BEGIN IMMEDIATE", busy_timeout)


def create_reader(path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> Engine:
    """Return an engine that cannot write, whose every transaction is one snapshot."""
    return _engine(path, "mode=ro", "BEGIN DEFERRED", busy_timeout)


def driver(connection: Connection) -> sqlite3.Connection:
    """Return the driver's own connection."""
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)  # the one driver that `_engine` sets up
    return found


def connect(path: Path, mode: str, *, busy_timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """Open a file as the mode says: `mode=rw`, `mode=ro`, or `immutable=1`, without any lock."""
    return sqlite3.connect(
        f"{connections.uri(path)}?{mode}",
        uri=True, timeout=busy_timeout, check_same_thread=False, isolation_level=None,
    )  # fmt: skip


def _engine(path: Path, mode: str, begin: str, busy_timeout: float) -> Engine:
    def connect() -> sqlite3.Connection:
        opened = connections.to_write if mode == "mode=rw" else connections.to_read
        return opened(path, busy_timeout)

    def set_up(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # SQLAlchemy says BEGIN itself, see `say_begin`
        record.info[_FILE] = _identity(path)
        # macOS: fsync stops at the disk's own cache; elsewhere this is nothing.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        # A reader goes through once: a large cache would only be memory (KiB, negative).
        connection.execute(f"PRAGMA cache_size = {-16384 if mode == 'mode=rw' else -2048}")
        # A page of posts is about 1 MB: a checkpoint each (SQLite's default) writes twice as much.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages of 4 KiB
        # The log grows while somebody reads, an export for instance. Else it would stay so large.
        connection.execute(f"PRAGMA journal_size_limit = {_LARGE_LOG}").fetchone()

    def say_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    def check_file(connection: Connection) -> None:
        # SQLite would write on into a file that nobody finds any more, and so report success.
        if mode == "mode=rw" and connection.info[_FILE] != _identity(path):
            raise StoreError(
                f"{path} was moved or removed while it was in use",
                hint="nothing more was written; run it again with the database where it is now",
            )

    engine = sa.create_engine(
        URL.create("sqlite"),
        creator=connect,
        poolclass=sa.pool.QueuePool,
        hide_parameters=True,  # they are post text
    )
    event.listen(engine, "connect", set_up)
    event.listen(engine, "begin", say_begin)
    event.listen(engine, "commit", check_file)
    return engine


_FILE = "tgtagger.file"

_LARGE_LOG = 64 << 20


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


# ---- the schema's version


def schema_version(db: sqlite3.Connection, path: Path) -> str | None:
    """Return the database's schema version, None for an empty file.

    Raises StoreError for another program's database, and for one written by a newer tgtagger.
    """
    tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    names = {name for (name,) in tables}
    if not names:
        return None
    if not {"alembic_version", "posts", "channels"} <= names:
        raise StoreError(
            f"{path} is another program's database, and stays untouched",
            hint="name another file with --db or TGTAGGER_DB",
        )
    (version,) = db.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
    # user_version is 0 so far: a later version raises it when an older program must keep off.
    (user_version,) = db.execute("PRAGMA user_version").fetchone()
    if version not in REVISIONS or user_version:
        raise StoreError(
            f"{path} was written by a newer tgtagger (schema {version}, this one knows {HEAD})",
            hint="update tgtagger: nothing was changed",
        )
    return str(version)


# ---- errors


def empty(path: Path) -> InputError:
    return InputError(f"{path} is empty", hint="fill it: tgtagger parse PATH-TO-EXPORT")


def is_failure(error: BaseException) -> bool:
    """Tell a failure of the database itself, such as a full disk, from all other errors."""
    error = (isinstance(error, sa.exc.DBAPIError) and error.orig) or error
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, OSError) or (isinstance(error, sqlite3.Error) and code in _FAILURES)


def is_full(error: BaseException) -> bool:
    """Tell whether it was the disk's room that did not suffice."""
    if isinstance(error, sa.exc.DBAPIError):
        error = error.orig or error
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def is_fatal(error: BaseException) -> bool:
    """Tell a failure of the database, or damage in it, from a bad value given to it."""
    # The plain code says that a statement cannot be run: a table or the search index is not there.
    cannot_run = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return (
        cannot_run
        or is_failure(error)
        or isinstance(error, UnicodeDecodeError)
        or _is_undecoded(error)
    )


def _is_undecoded(error: BaseException) -> bool:
    # The driver's own error for stored text that is not UTF-8: without a code, but with the text.
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith("Could not decode")


@contextlib.contextmanager
def map_errors(path: Path) -> Iterator[None]:
    """Turn the errors a user can act on into ours; let bugs through."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error, OSError, UnicodeDecodeError) as error:
        if isinstance(error, UnicodeDecodeError) or _is_undecoded(error):
            raise StoreError(f"{path} is damaged", hint=RECOVER) from None  # it holds the text
        translated = _translate(error, path)
        if translated is None:
            raise
        raise translated from error


def _translate(error: BaseException, path: Path) -> TgTaggerError | None:
    if isinstance(error, sa.exc.DBAPIError):
        error = error.orig or error
    if isinstance(error, OSError):
        where = str(error.filename or path)
        return system_error(error, where, kind=StoreError, hint=_PERMISSIONS)
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None:
        return None
    found = _FAILURES.get(code) or _FAILURES.get(code & 0xFF)  # that is the primary code
    if found is None:
        return None
    kind, message, hint = found
    who = holder(path) if kind is Locked else None
    denial = None if who else diagnose.why(path, code)
    if denial is not None:
        return StoreError(denial.message, hint=denial.hint)
    words = {"path": path, "name": error.sqlite_errorname, "who": who or "another program"}
    return kind(message.format_map(words), hint=hint)


_PERMISSIONS = "check the path, and the permissions of the file and its folder"
RECOVER = "see what is left: tgtagger doctor; save it: tgtagger doctor --recover FILE"
_DISK = "check the disk, then run: tgtagger doctor"
_LOCKED = (
    Locked,
    "{path} is locked by {who}",
    "end that program, or try again when it has finished",
)
_FAILURES: dict[int, tuple[type[TgTaggerError], str, str]] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: (
        StoreError,
        "no space left to write {path}",
        "make room; what was committed is kept",
    ),
    sqlite3.SQLITE_READONLY: (StoreError, "{path} cannot be written to", _PERMISSIONS),
    sqlite3.SQLITE_READONLY_ROLLBACK: (
        StoreError,
        "{path} was left half written by a run that was killed, and may not be mended here",
        "run tgtagger doctor as somebody who may write to the file and its folder",
    ),
    sqlite3.SQLITE_PERM: (StoreError, "{path} cannot be used", _PERMISSIONS),
    sqlite3.SQLITE_AUTH: (StoreError, "{path} cannot be used", _PERMISSIONS),
    sqlite3.SQLITE_CANTOPEN: (StoreError, "{path} cannot be opened", _PERMISSIONS),
    sqlite3.SQLITE_NOTADB: (
        StoreError,
        "{path} is not a database, and stays untouched",
        "name another file with --db or TGTAGGER_DB",
    ),
    sqlite3.SQLITE_CORRUPT: (
        StoreError,
        "{path} is damaged, or its disk cannot be read",  # SQLite takes one for the other
        RECOVER,
    ),
    sqlite3.SQLITE_IOERR: (StoreError, "{path}: reading or writing failed ({name})", _DISK),
    sqlite3.SQLITE_IOERR_WRITE: (
        StoreError,
        "{path}: writing failed ({name})",
        "a quota, a limit of a file's size (ulimit -f), or a disk that fails: see tgtagger doctor",
    ),
    sqlite3.SQLITE_IOERR_SHMSIZE: (
        StoreError,
        "{path}-shm cannot be written ({name})",
        "make room, or check the disk: tgtagger doctor; what was committed is kept",
    ),
    sqlite3.SQLITE_PROTOCOL: (StoreError, "{path}: locking failed ({name})", _DISK),
}
"""SQLite's failures that a user can act on; any other is a bug."""
