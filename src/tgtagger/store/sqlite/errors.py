"""The only map from the errors of SQLite, SQLAlchemy and the system to ours.

Knows SQLite's codes and the kind of each, and asks `access_diagnosis` for the reason. Knows no SQL
and no table.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tgtagger.errors import InputError, Locked, StoreError, TgTaggerError, system_error
from tgtagger.store.checks import WrongValueError
from tgtagger.store.driver_errors import of_the_driver
from tgtagger.store.rooms import Connection
from tgtagger.store.sqlite import access_diagnosis
from tgtagger.store.sqlite.connections import driver

SYMPTOMS = (sqlite3.Error, UnicodeDecodeError, MemoryError, WrongValueError)
"""What the driver and the checks of values raise for a damaged database."""

BAD_VALUE = (sqlite3.Error, UnicodeError, OverflowError, TypeError, ValueError)
"""What a bad value can raise: an error of the database, or one of Python's own."""


def is_failure(error: BaseException) -> bool:
    """Tell whether the database itself failed, for instance because the disk is full."""
    error = of_the_driver(error)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, OSError) or (isinstance(error, sqlite3.Error) and code in _FAILURES)


def is_full(error: BaseException) -> bool:
    """Tell whether the disk is full."""
    return getattr(of_the_driver(error), "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def is_fatal(error: BaseException) -> bool:
    """Tell whether the database failed or is damaged; else it was given a bad value."""
    # SQLITE_ERROR: a statement cannot be run, since a table or the search index is missing.
    cannot_run = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return (
        cannot_run
        or is_failure(error)
        or isinstance(error, UnicodeDecodeError)
        or _is_undecoded(error)
    )


def is_of_damage(db: Connection, error: BaseException) -> bool:
    """Tell whether the error accuses a good value, since the database itself is damaged.

    A free key counts as taken if a table and its index differ; a value breaks a rule that a flipped
    bit has made.
    """
    if "UNIQUE constraint failed: posts." in str(error):
        (found,) = driver(db).execute("PRAGMA integrity_check('posts')").fetchone()
        return bool(found != "ok")
    if broken_rule(error) is None:
        return False
    from tgtagger.store.sqlite import altered_rules  # which migrates a database in memory

    return bool(altered_rules.tables(driver(db)))


def broken_rule(error: BaseException) -> str | None:
    """Return the rule of the schema that a value breaks; None: it is none."""
    return str(error) if isinstance(error, sqlite3.IntegrityError) else None


@contextlib.contextmanager
def map_errors(path: Path) -> Iterator[None]:
    """Turn the errors a user can act on into ours; let bugs through."""
    try:
        yield
    except UnicodeEncodeError:  # it holds the text
        raise InputError("text_not_unicode") from None
    except Exception as error:
        if not isinstance(of_the_driver(error), (sqlite3.Error, OSError, UnicodeDecodeError)):
            raise
        if isinstance(error, UnicodeDecodeError) or _is_undecoded(error):
            raise StoreError("database_damaged", path=path) from None  # the cause holds the text
        translated = _translate(of_the_driver(error), path)
        if translated is None:
            raise
        raise translated from error


def _is_undecoded(error: BaseException) -> bool:
    # The driver's own error for stored text that is not UTF-8: it has no code, but the text.
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith("Could not decode")


def _translate(error: BaseException, path: Path) -> TgTaggerError | None:
    if isinstance(error, OSError):
        where = error.filename or path
        return system_error(error, "database_file_refused", otherwise=StoreError, path=where)
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None:
        return None
    kind = _FAILURES.get(code) or _FAILURES.get(code & 0xFF)  # the last byte: the primary code
    if kind is None:
        return None
    owner = access_diagnosis.lock_owner(path) if kind == _LOCKED else None
    found = None if owner else access_diagnosis.diagnose(path, code)
    if found is not None:
        return found
    if kind == _LOCKED:
        process, program = owner or (None, None)
        return Locked(kind, path=path, process=process, program=program)
    return StoreError(kind, path=path, name=error.sqlite_errorname)


_LOCKED = "database_locked"
_FAILURES: dict[int, str] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: "database_disk_full",
    sqlite3.SQLITE_READONLY: "database_read_only",
    sqlite3.SQLITE_READONLY_ROLLBACK: "database_half_written",
    sqlite3.SQLITE_PERM: "database_unusable",
    sqlite3.SQLITE_AUTH: "database_unusable",
    sqlite3.SQLITE_CANTOPEN: "database_unopenable",
    sqlite3.SQLITE_NOTADB: "not_a_database",
    sqlite3.SQLITE_CORRUPT: "database_corrupt",  # also of an unreadable disk
    sqlite3.SQLITE_IOERR: "database_io_failed",
    sqlite3.SQLITE_IOERR_WRITE: "database_write_failed",
    sqlite3.SQLITE_IOERR_SHMSIZE: "shared_memory_unwritable",
    sqlite3.SQLITE_PROTOCOL: "database_locking_failed",
}
"""SQLite's failures that a user can act on, each with its kind; any other is a bug."""
