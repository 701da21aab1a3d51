"""SQLAlchemy's engine for an archive on a server: what a transaction and a connection are.

The only module that makes SQLAlchemy and PostgreSQL agree. A transaction begins with one round
trip, which also asks for the schema's version. Who writes holds `write_order` alone, so that
writers come one after another, as in a file; who only reads has a snapshot, and waits for nobody.
Claims of posts, and what runs share, are written beside others, in rows that their statements lock.

Knows no table but these two.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.adapt import Dumper, Loader
from psycopg.types.string import StrDumperUnknown
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import ConnectionPoolEntry

from tgtagger.store.postgres import errors
from tgtagger.store.postgres.room import POSTGRES
from tgtagger.store.rooms import ROOM

CONNECTIONS = 5
"""Connections that are kept open; ten more are opened while they are needed."""

_VERSION = "SELECT version_num FROM alembic_version"
READING = f"BEGIN ISOLATION LEVEL REPEATABLE READ; {_VERSION}"
_WRITING = (
    "BEGIN; SET LOCAL lock_timeout = {patience:d}; LOCK TABLE write_order IN EXCLUSIVE MODE{wait}; "
    f"SET LOCAL lock_timeout = 0; {_VERSION}"
)
# No lock of its own, but that of who makes the tables is in the way.
_BESIDE = (
    "BEGIN; SET LOCAL lock_timeout = {patience:d}; "
    f"LOCK TABLE write_order IN ACCESS SHARE MODE{{wait}}; {_VERSION}"
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

    def connect() -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(
                **arguments,
                autocommit=True,  # each transaction begins by a statement of ours
                prepare_threshold=_threshold(prepare),
            )
        except psycopg.Error as error:
            raise errors.unreachable(error, path) from None  # the cause has the URL's parts

    def set_up(connection: psycopg.Connection[Any], _: ConnectionPoolEntry) -> None:
        connection.adapters.register_loader("numeric", _Number)
        connection.adapters.register_dumper(str, _Text)
        connection.adapters.register_dumper(list, _Refused)

    url = url.set(query=query)
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        execution_options={ROOM: POSTGRES},
        creator=connect,
        paramstyle="format",
        use_native_hstore=False,
        pool_size=CONNECTIONS,
        hide_parameters=True,  # they hold post text
    )
    _, arguments = engine.dialect.create_connect_args(url)
    arguments.setdefault("application_name", "tgtagger")
    arguments.setdefault("connect_timeout", "10")
    event.listen(engine, "connect", set_up)
    return engine


def _threshold(given: object) -> int | None:
    if given is None:
        return 5
    return int(given) if isinstance(given, str) and given.isdecimal() and int(given) else None


@contextlib.contextmanager
def begun(engine: Engine, begin: str) -> Iterator[tuple[Connection, str | None]]:
    """Begin a transaction; yield the connection, and the schema's version if `begin` asks for it.

    A connection that died since its last use is replaced: nothing was done on it.
    """
    with contextlib.ExitStack() as held:
        connection, version = _begin(engine, begin, held)
        with connection.begin():
            yield connection, version


def _begin(engine: Engine, begin: str, held: contextlib.ExitStack) -> tuple[Connection, str | None]:
    for is_last in (False, True):
        connection = engine.connect()
        try:
            cursor: Any = connection.connection.cursor()
            cursor.execute(begin)
            while cursor.nextset():
                pass
            row = cursor.fetchone() if cursor.description else None
        except psycopg.Error as error:
            if is_last or not errors.is_lost(error):
                connection.close()
                raise
            connection.invalidate()
            connection.close()
            engine.dispose()
            continue
        held.callback(connection.close)
        return connection, row and str(row[0])
    raise AssertionError


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
