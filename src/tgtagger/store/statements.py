"""The fixed SQL of the archive: statements written once, and compiled once for each database.

A statement is a constant with named parameters. It runs on the driver's cursor, in the open
transaction: SQLAlchemy's `Connection.execute` takes five times as long for it, and a page is a
thousand posts. What is put together, as a filter is (`query`), becomes a `Select`.

The SQL is what all databases understand, and a few functions of our own (`listed`, `text_of` …),
which the room of a database spells (`rooms`). CROSS JOIN with ON keeps the order of its tables,
where a database would otherwise choose a worse one. The only module outside of the rooms that takes
a cursor; knows no table.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tgtagger.store.rooms import Connection, room_of, spelled


class Cursor(Protocol):
    """The rows of a statement that ran, as the database's driver gives them (PEP 249)."""

    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


PARAMETER = re.compile(r"(?<![:\w]):(\w+)")
"""A named parameter in SQL; `::` is none."""


class Statement:
    """A fixed statement. Called with a connection and the values of its parameters, it runs."""

    __slots__ = ("_compiled", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._compiled: dict[str, tuple[str, tuple[str, ...], int]] = {}

    def __call__(self, db: Connection, /, **values: object) -> Cursor:
        """Run with named values; return the rows."""
        sql, names, count = self._compiled.get(db.dialect.name) or self._compile(db)
        if len(values) != count:
            raise TypeError(f"values of {sorted(values)} for {sorted(set(names))}")
        cursor: Any = db.connection.cursor()
        cursor.execute(sql, [values[name] for name in names])
        return cursor  # type: ignore[no-any-return]

    def rows(self, db: Connection, /, **values: object) -> Generator[Any]:
        """Run as a call does; yield the rows, of which only some are in memory at a time."""
        sql, names, _ = self._compiled.get(db.dialect.name) or self._compile(db)
        cursor: Any = room_of(db).large_cursor(db)
        try:
            cursor.execute(sql, [values[name] for name in names])
            yield from itertools.chain(cursor)  # `yield from` would close the cursor itself
        finally:
            if not db.closed:  # who stops reading may forget this after the database is closed
                cursor.close()

    def many(self, db: Connection, rows: Iterable[Sequence[object]]) -> Cursor:
        """Run once for each row of values, which stand in the order of the parameters."""
        sql, names, count = self._compiled.get(db.dialect.name) or self._compile(db)
        assert len(names) == count, "a parameter that stands twice has no place in a row"
        cursor: Any = db.connection.cursor()
        cursor.executemany(sql, rows)
        return cursor  # type: ignore[no-any-return]

    def at_once(self, db: Connection, rows: Sequence[Sequence[object]]) -> None:
        """Run as `many` does, where no row needs that another is done, and none has its key.

        In one go where the database has a way: a row that fails fails all, as in `many`.
        """
        if rows and not room_of(db).run_at_once(db, self.sql, rows):
            self.many(db, rows)

    def _compile(self, db: Connection) -> tuple[str, tuple[str, ...], int]:
        room = room_of(db)
        sql = spelled(room, self.sql)
        names = tuple(PARAMETER.findall(sql))
        if room.mark.startswith("%"):
            sql = sql.replace("%", "%%")
        sql = PARAMETER.sub(room.mark, sql)
        made = self._compiled[db.dialect.name] = (sql, names, len(set(names)))
        return made


@dataclass(frozen=True, slots=True)
class Select:
    """A SELECT that was put together, and the values of its parameters. Called, it runs."""

    sql: str
    values: Mapping[str, object]

    def __call__(self, db: Connection) -> Cursor:
        """Run; return the rows."""
        return Statement(self.sql)(db, **self.values)

    def rows(self, db: Connection) -> Generator[Any]:
        """Yield the rows, of which only some are in memory at a time."""
        return Statement(self.sql).rows(db, **self.values)

    def batches(self, db: Connection, size: int) -> Iterator[Sequence[Any]]:
        """Yield the rows, so many at a time: for who reads very many."""
        rows = self.rows(db)
        try:
            while batch := list(itertools.islice(rows, size)):
                yield batch
        finally:
            rows.close()

    def within(self, sql: str) -> Select:
        """Return this SELECT within another one, in the place of `{}`."""
        return Select(sql.format(self.sql), self.values)


class savepoint:  # noqa: N801 -- reads as a statement
    """A SAVEPOINT around the body: rolled back if the body fails.

    By the driver: SQLAlchemy's own takes sixty times as long, and hides the error of a full disk,
    after which SQLite has rolled everything back by itself.
    """

    def __init__(self, db: Connection, name: str) -> None:
        self._db, self._name = db, name

    def __enter__(self) -> None:
        self._run("SAVEPOINT")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_open = room_of(self._db).is_in_transaction
        if kind is not None and is_open(self._db):
            self._run("ROLLBACK TO SAVEPOINT")
        if is_open(self._db):
            self._run("RELEASE SAVEPOINT")

    def _run(self, verb: str) -> None:
        self._db.connection.cursor().execute(f"{verb} {self._name}")
