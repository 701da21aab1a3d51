"""The only map from the errors of PostgreSQL and its driver to ours.

Knows SQLSTATE's codes and the kind of each. Knows no SQL and no table. What the server says of a
value is never passed on: it may hold a post's text.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import sqlalchemy as sa

from tgtagger.errors import (
    InputError,
    Interrupted,
    Locked,
    NoDatabase,
    StoreError,
    TgTaggerError,
    TryLater,
)
from tgtagger.store.checks import WrongValueError
from tgtagger.store.driver_errors import of_the_driver
from tgtagger.store.rooms import Connection

BAD_VALUE = (psycopg.Error, UnicodeError, OverflowError, TypeError, ValueError)
"""What a bad value can raise: an error of the database, or one of Python's own."""

_OF_VALUES = ("22", "23", "54000")
"""The codes of what was given: no such value, a broken rule, something that is too large."""


class OutcomeUnknown(psycopg.OperationalError):
    """Whether a transaction was committed cannot be told."""


def is_fatal(error: BaseException) -> bool:
    """Tell whether the database failed; else it was given a bad value."""
    return isinstance(of_the_driver(error), psycopg.Error) and not is_of_value(error)


def is_of_value(error: BaseException) -> bool:
    """Tell whether the database was given a bad value."""
    error = of_the_driver(error)
    # The driver's own, for a value that it cannot send, has no code.
    is_of_driver = isinstance(error, psycopg.ProgrammingError) and not _code(error)
    return is_of_driver or _code(error).startswith(_OF_VALUES)


def is_of_damage(_db: Connection, _error: BaseException) -> bool:
    """Tell that a server is not damaged: for its administrator to find out (pg_amcheck)."""
    return False


def broken_rule(error: BaseException) -> str | None:
    """Return the rule of the schema that a value breaks; None: it is none.

    Its name alone: the server tells the whole row.
    """
    if not isinstance(error, psycopg.IntegrityError):
        return None
    return error.diag.constraint_name or error.diag.column_name or type(error).__name__


def is_lost(error: BaseException) -> bool:
    """Tell whether the connection is gone."""
    error = of_the_driver(error)
    return isinstance(error, psycopg.Error) and _kind(error) == _LOST


@contextlib.contextmanager
def map_errors(path: str) -> Iterator[None]:
    """Turn the errors a user can act on into ours; let bugs through."""
    try:
        yield
    except UnicodeEncodeError:  # it holds the text
        raise InputError("text_not_unicode") from None
    except WrongValueError as error:
        raise StoreError("value_on_server_wrong", path=path, what=str(error)) from None
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        found = of_the_driver(error)
        translated = _translate(found, path)
        if translated is not None:
            raise translated from None  # the cause may hold a value
        if not _code(found):
            raise
        # A bug: its report must not hold what the server says of values, or of the whole row.
        bare = type(found)(f"SQLSTATE {_code(found)}")
        raise bare.with_traceback(found.__traceback__) from None


def unreachable(error: psycopg.Error, path: str, *, was_reached: bool) -> TgTaggerError:
    """Return why no connection can be had. Then libpq gives no code, but what the server said.

    A server that was reached before may be restarting: it is worth a wait.
    """
    said = " ".join(str(error).split())
    passing = Interrupted if was_reached else TryLater
    for phrase, kind in _PASSING:
        if phrase in said:
            return passing(kind, path=path)
    for words, kind, made in _REFUSALS:
        if all(word in said for word in words):
            return made(kind, path=path)
    return passing("database_unreachable", path=path)


def _code(error: BaseException) -> str:
    return getattr(error, "sqlstate", None) or ""


def _kind(error: BaseException) -> str | None:
    code = _code(error)
    if isinstance(error, OutcomeUnknown):
        return "database_outcome_unknown"
    if not code and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return _LOST
    return _FAILURES.get(code) or _FAILURES.get(code[:2])


def _translate(error: BaseException, path: str) -> TgTaggerError | None:
    kind = _kind(error)
    if kind is None:
        return None
    if kind == "database_locked":
        return Locked(kind, path=path, process=None, program=None)
    if kind in {_LOST, "database_busy", "database_server_full"}:
        return Interrupted(kind, path=path)
    if kind in {"database_outcome_unknown", "database_statement_cancelled"}:
        return TryLater(kind, path=path)
    if kind in {"database_server_disk_full", "server_read_only"}:
        return StoreError(kind, path=path)
    if kind in {"database_server_failed", "database_server_damaged"}:
        return StoreError(kind, path=path, name=_code(error))
    return InputError(kind, path=path)


_LOST = "database_connection_lost"
_FAILURES: dict[str, str] = {
    "08": _LOST,  # connection exceptions
    "57P01": _LOST,  # the server is shut down
    "57P02": _LOST,  # it crashed
    "57P03": _LOST,  # it does not take connections yet
    "57P05": _LOST,  # idle for too long
    "25P03": _LOST,  # idle in a transaction for too long
    "25P04": _LOST,
    "57014": "database_statement_cancelled",
    "55P03": "database_locked",
    "40001": "database_busy",
    "40P01": "database_busy",
    "53300": "database_server_full",
    "26000": "statements_mixed_up",  # a pool has given the connection to somebody else
    "42P05": "statements_mixed_up",
    "53100": "database_server_disk_full",
    "53200": "database_server_failed",
    "58": "database_server_failed",
    "25006": "server_read_only",
    "42501": "database_forbidden",
    "28": "database_forbidden",
    "3D000": "no_database_on_server",
    "XX000": "database_server_failed",
    "XX001": "database_server_damaged",
    "XX002": "database_server_damaged",
}
"""PostgreSQL's failures that a user can act on, each with its kind; any other is a bug."""

_REFUSALS: tuple[tuple[tuple[str, ...], str, type[TgTaggerError]], ...] = (
    (("FATAL", 'database "', "does not exist"), "no_database_on_server", NoDatabase),
    (("certificate",), "database_not_trusted", InputError),
    (("SSL",), "database_not_trusted", InputError),
    (("authentication failed",), "database_forbidden", InputError),
    (("no password supplied",), "database_forbidden", InputError),
    (("pg_hba.conf",), "database_forbidden", InputError),
    (("FATAL", 'role "'), "database_forbidden", InputError),
    (("permission denied for database",), "database_forbidden", InputError),
    (("invalid connection option",), "database_url_unreadable", InputError),
    (("invalid", "value"), "database_url_unreadable", InputError),
    (("bad value",), "database_url_unreadable", InputError),
    (("invalid port number",), "database_url_unreadable", InputError),
    (("port numbers to",), "database_url_unreadable", InputError),
    (("definition of service",), "database_url_unreadable", InputError),
    (("unrecognized configuration parameter",), "database_url_unreadable", InputError),
)
"""What libpq says about a refusal, and its kind."""

_PASSING = (
    ("too many clients", "database_server_full"),
    ("too many connections", "database_server_full"),
    ("connection slots are reserved", "database_server_full"),
    ("the database system is", "database_starting"),  # or shutting down
)
"""What libpq says about a refusal that passes, and its kind."""
