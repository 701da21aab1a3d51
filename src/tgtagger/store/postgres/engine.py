"""SQLAlchemy's engine for an archive on a server: what a transaction and a connection are.

The only module that makes SQLAlchemy and PostgreSQL agree. A transaction begins with one round
trip, which also asks for the schema's version. Who writes holds `write_order` alone, so that
writers come one after another, as in a file; who only reads has a snapshot, and waits for nobody.
Claims of posts, and what runs share, are written beside others, in rows that their statements lock.

If the answer to a COMMIT is lost, the server is asked what became of the transaction: by its
number, which it keeps for a long time. Only after a crash it may give that number again.

Knows no table but these two.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.adapt import Dumper, Loader
from psycopg.types.string import StrDumperUnknown
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry

from tgtagger.errors import InputError, Interrupted
from tgtagger.store.postgres import errors
from tgtagger.store.postgres.room import POSTGRES
from tgtagger.store.rooms import ROOM

CONNECTIONS = 5
"""Connections that are kept open; ten more are opened while they are needed."""

_VERSION = "SELECT version_num, CAST({} AS text) FROM alembic_version"
_WITHOUT_NUMBER = _VERSION.format("NULL")
_WITH_NUMBER = _VERSION.format("pg_current_xact_id()")
"""Asks for the schema's version, and for the number by which a transaction is known afterwards."""

_BECAME = "SELECT pg_xact_status(CAST(%s AS xid8))"
_CRASH = "SELECT CAST(stats_reset AS text) FROM pg_stat_wal"
"""Asks for what is the same until the server crashes: then its statistics begin anew."""

STARTING = 10.0
"""Seconds to wait for a server that says that it is starting, or shutting down."""

LOOKING = 30.0
"""Seconds to look what became of a transaction: so long may a server take to restart."""

READING = f"BEGIN ISOLATION LEVEL REPEATABLE READ; {_WITHOUT_NUMBER}"
# Read committed, whatever the server is set to: who waited for a row sees what became of it.
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_WRITING = (
    f"{_BEGIN}; SET LOCAL lock_timeout = {{patience:d}}; "
    "LOCK TABLE write_order IN EXCLUSIVE MODE{wait}; "
    f"SET LOCAL lock_timeout = 0; {_WITH_NUMBER}"
)
# No lock of its own, but that of who makes the tables is in the way.
_BESIDE = (
    f"{_BEGIN}; SET LOCAL lock_timeout = {{patience:d}}; "
    f"LOCK TABLE write_order IN ACCESS SHARE MODE{{wait}}; {_WITH_NUMBER}"
)
BARE = "BEGIN"
"""Begins a transaction of who makes the tables."""


def writing(patience: float | None) -> str:
    """Return how a transaction begins that writes; it waits for others so many seconds, or not."""
    return _begin_with(_WRITING, patience)


def beside(patience: float | None) -> str:
    """Return how one begins that writes beside others, to rows that it locks."""
    return _begin_with(_BESIDE, patience)


def _begin_with(begin: str, patience: float | None) -> str:
    wait = " NOWAIT" if patience is None else ""
    return begin.format(patience=max(1, int((patience or 0) * 1000)), wait=wait)


def create(url: URL, path: str) -> Engine:
    """Return an engine. Nothing is connected yet."""
    query = dict(url.query)
    prepare = query.pop("prepare_threshold", None)  # 0: behind a pool that knows no statements

    was_reached = False

    def connect() -> psycopg.Connection[Any]:
        until = time.monotonic() + STARTING
        while True:
            try:
                return psycopg.connect(
                    **arguments,
                    autocommit=True,  # each transaction begins by a statement of ours
                    prepare_threshold=_threshold(prepare),
                )
            except psycopg.Error as error:
                failure = errors.unreachable(error, path, was_reached=was_reached)
                if failure.kind != "database_starting" or time.monotonic() > until:
                    raise failure from None  # the cause has the URL's parts
            time.sleep(0.1)

    def set_up(connection: psycopg.Connection[Any], entry: ConnectionPoolEntry) -> None:
        nonlocal was_reached
        was_reached = True
        entry.info[_CRASH] = connection.execute(_CRASH).fetchone()
        connection.adapters.register_loader("numeric", _Number)
        connection.adapters.register_dumper(str, _Text)
        connection.adapters.register_dumper(list, _Refused)

    url = url.set(query=query)
    try:
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            execution_options={ROOM: POSTGRES},
            creator=connect,
            paramstyle="format",
            use_native_hstore=False,
            pool_size=CONNECTIONS,
            hide_parameters=True,  # they hold post text
        )
    except (sa.exc.ArgumentError, ValueError):  # hosts and ports that do not go together
        raise InputError("database_url_unreadable") from None
    _, arguments = engine.dialect.create_connect_args(url)
    arguments.setdefault("application_name", "tgtagger")
    arguments.setdefault("connect_timeout", "10")
    arguments["client_encoding"] = "UTF8"  # whatever the user, the database and libpq are set to
    event.listen(engine, "connect", set_up)
    return engine


def _threshold(given: object) -> int | None:
    if given is None:
        return 5
    return int(given) if isinstance(given, str) and given.isdecimal() and int(given) else None


@contextlib.contextmanager
def begun(engine: Engine, begin: str) -> Iterator[tuple[Connection, str | None]]:
    """Begin a transaction; yield the connection, and the schema's version if `begin` asks for it.

    A connection that died since its last use is replaced: nothing was done on it. If it dies at the
    end, when the server may have committed or not, the server is asked what it did.
    """
    with contextlib.ExitStack() as held:
        connection, version, number = _begin(engine, begin, held)
        crash = connection.info[_CRASH]
        transaction = connection.begin()
        try:
            yield connection, version
        except BaseException:
            with contextlib.suppress(sa.exc.DBAPIError, psycopg.Error):  # it is gone, and so is all
                transaction.rollback()
            _forget_dead(connection)
            raise
        try:
            transaction.commit()
        except (sa.exc.DBAPIError, psycopg.Error) as error:
            _forget_dead(connection)
            if not errors.is_lost(error):
                raise
            if begin != READING and not (number and _was_committed(engine, number, crash)):
                raise
        except BaseException:  # Ctrl-C: nobody may get the connection within this transaction
            connection.invalidate()
            raise


def _begin(
    engine: Engine, begin: str, held: contextlib.ExitStack
) -> tuple[Connection, str | None, str | None]:
    for is_last in (False, True):
        connection = engine.connect()
        try:
            cursor: Any = connection.connection.cursor()
            cursor.execute(begin)
            while cursor.nextset():
                pass
            row = cursor.fetchone() if cursor.description else None
        except psycopg.Error as error:
            is_lost = errors.is_lost(error)
            if is_lost:
                connection.invalidate()
            connection.close()
            if is_last or not is_lost:
                raise
            engine.dispose()  # the others died with it, if the server was restarted
            continue
        held.callback(connection.close)
        version, number = row or (None, None)
        return connection, version, number
    raise AssertionError


def _forget_dead(connection: Connection) -> None:
    if not connection.invalidated and connection.connection.driver_connection.closed:  # type: ignore[union-attr]
        connection.invalidate()


def _was_committed(engine: Engine, number: str, crash: object) -> bool:
    """Look what became of a transaction of which the end was not heard."""
    until = time.monotonic() + LOOKING
    while time.monotonic() < until:
        try:
            with engine.connect() as db:
                became = db.exec_driver_sql(_BECAME, (number,)).scalar()
                is_sure = db.info[_CRASH] == crash
        except (sa.exc.DBAPIError, psycopg.Error) as error:
            if errors.is_of_value(error):
                return False  # after a crash the server knows no such number
            if not errors.is_lost(error):
                raise
        except Interrupted:  # no connection can be had yet
            pass
        else:
            if became == "aborted":
                return False
            if became != "in progress":
                if became is None or not is_sure:
                    break
                return True
        time.sleep(0.1)
    raise errors.OutcomeUnknown


class _Text(StrDumperUnknown):
    """Writes text, of which PostgreSQL takes no NUL; no source gives one."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)


class _Refused(Dumper):
    """Refuses a list, which the driver would make an array of: no column holds one."""

    def dump(self, obj: object) -> Any:
        raise TypeError(f"a {type(obj).__name__} is no value of a column")


class _Number(Loader):
    """Reads `numeric`, which PostgreSQL makes of a sum of integers, as a number of Python's."""

    def load(self, data: Any) -> int | float:
        text = bytes(data).decode()
        return float(text) if "." in text else int(text)
