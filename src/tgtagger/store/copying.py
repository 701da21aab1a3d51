"""Copy a whole archive into another database, of the same kind or of another one.

The source is read in one transaction, so the copy is of one moment, whoever writes meanwhile. The
target gets the tables in the order of their references and the rows in that of their keys, some
megabytes a transaction. What a killed copy has left is compared with the source: equal rows stay,
others go. At the end each table is read again and compared by the number and the hash of its rows.
Until then the target's schema version says that it is half a copy, so nothing else can use it.

Knows no kind of database, and of tables only which columns they have (`values`).
"""

from __future__ import annotations

import collections
import contextlib
import marshal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa

from tgtagger.errors import InputError, StoreError
from tgtagger.model.choices import CopyStage
from tgtagger.model.copies import Copied, CopiedTable
from tgtagger.store.database import Database
from tgtagger.store.rooms import Connection, room_of
from tgtagger.store.statements import Statement, savepoint
from tgtagger.store.tag_queue import NEVER
from tgtagger.store.values import COLUMNS

OnProgress = Callable[[CopyStage, int, int], None]
"""Called with what is done now, the rows done, and the rows in all."""

Row = tuple[Any, ...]
Reading = Callable[[], AbstractContextManager[Connection]]
"""Begins what one part of a table is read in."""

_AIM = 2 << 20
"""Bytes of a table that are read or written at a time."""
_MOST = 2000
"""Rows, if they are small."""
_FIRST = 100

_OF_THE_QUEUE = ("post_id", "due_at", "attempts")
"""Claims stay behind: whoever has one works at the source."""
_CHOSEN = {
    "tag_queue": f"(due_at IS NULL OR due_at <> '{NEVER}')",
    "claimed_texts": "1 = 0",
}
"""SQL: which rows of a table are copied, if not all of them."""

_MARK = Statement("UPDATE alembic_version SET version_num = :version")


def begin(target: Database, version: str) -> None:
    """Mark an empty archive as half a copy. Raises InputError if anything is in it."""
    with target.write() as db:
        for name in COLUMNS:
            if Statement(f"SELECT 1 FROM {name} LIMIT 1")(db).fetchone():
                raise InputError("copy_target_used", path=target.opened.path)
        _MARK(db, version=version)


def copy(source: Database, target: Database, version: str, told: OnProgress) -> Copied:
    """Copy all rows, build the search index, compare. Then the target's schema has its version."""
    with source.snapshot() as db:

        @contextlib.contextmanager
        def held() -> Iterator[Connection]:
            with source.opened.explained(db):
                yield db

        with target.write() as new:  # SQLAlchemy's, which knows the keys
            tables = [_Table(new, name) for name in COLUMNS]
        with held():
            total = sum(table.count(db) for table in tables)
        told("copy", 0, total)
        kept = sum(_remove_others(table, held, target) for table in tables)
        made: list[CopiedTable] = []
        for table in tables:
            done = sum(each.rows for each in made)
            for read in _copy_rows(table, held, target):
                told("copy", done + read.rows, total)
            made.append(read.whole(table))
    told("index", total, total)
    target.opened.complete_copy()
    for number, (table, copied) in enumerate(zip(tables, made, strict=True)):
        done = sum(each.rows for each in made[:number])
        told("compare", done, total)
        if _Counted(table.rows(target.read)).whole(table) != copied:
            raise StoreError("copy_differs", path=target.opened.path, table=table.name)
    with target.write() as db:
        _MARK(db, version=version)
    return Copied(source.opened.path, target.opened.path, tuple(made), version, kept)


def _remove_others(table: _Table, held: Reading, target: Database) -> int:
    """Remove the rows of the target that the source has not, or not so; return how many stay.

    What refers to them is removed or changed with them, and is looked at after them.
    """
    there, removed = _Counted(table.rows(target.read)), 0
    for rows in _batches(_needless(table, table.rows(held), there)):
        with target.write() as db:
            table.delete.many(db, [table.key(row) for row in rows])
        removed += len(rows)
    return there.rows - removed


def _copy_rows(table: _Table, held: Reading, target: Database) -> Iterator[_Counted]:
    """Add the rows that the target lacks; yield those read so far, at least once."""
    read = _Counted(table.rows(held))
    for rows in _batches(_missing(read, table.rows(target.read))):
        with target.write() as db:
            table.add(db, rows, target)
        yield read
    yield read


def _needless(table: _Table, ours: Iterator[Row], theirs: Iterable[Row]) -> Iterator[Row]:
    """Yield their rows that are not equal to ours; both are in the order of their keys."""
    key, our = table.key, next(ours, None)
    for row in theirs:
        while our is not None and key(our) < key(row):
            our = next(ours, None)
        if row != our:
            yield row


def _missing(ours: Iterable[Row], theirs: Iterator[Row]) -> Iterator[Row]:
    """Yield our rows that they lack; they have no others, and the same order."""
    their = next(theirs, None)
    for row in ours:
        if row == their:
            their = next(theirs, None)
        else:
            yield row


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the rows in lists that are no larger than a transaction should be."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += _size(row)
        if size >= _AIM or len(batch) >= _MOST:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(row: Row) -> int:
    return len(_written(row))


def _written(row: Row) -> bytes:
    # Version 2 is the last that writes equal values equally, wherever they are from.
    return marshal.dumps(row, 2)


class _Counted:
    """Counts the rows that pass, and makes a hash of them."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self.rows = 0
        self._passing, self._hash = rows, blake2b(digest_size=16)

    def __iter__(self) -> Iterator[Row]:
        for row in self._passing:
            self.rows += 1
            self._hash.update(_written(row))
            yield row

    def whole(self, table: _Table) -> CopiedTable:
        """Read what is left; return what the table has."""
        collections.deque(self, maxlen=0)
        return CopiedTable(table.name, self.rows, self._hash.hexdigest())


class _Table:
    """A table: how its rows are read in the order of their keys, added and removed."""

    def __init__(self, db: Connection, name: str) -> None:
        columns = _OF_THE_QUEUE if name == "tag_queue" else tuple(COLUMNS[name])
        condition = _CHOSEN.get(name, "1 = 1")
        keys = sa.inspect(db).get_pk_constraint(name)["constrained_columns"]
        self._at = [columns.index(key) for key in keys]
        self.name, self._columns, self._keys = name, columns, keys
        names, order = _listed(columns), _listed(keys)
        given = ", ".join(f":{key}" for key in keys)
        read = f"SELECT {names} FROM {name} WHERE {condition}"
        self._count = Statement(f"SELECT count(*) FROM {name} WHERE {condition}")
        self._first = Statement(f"{read} ORDER BY {order} LIMIT :most")
        self._next = Statement(f"{read} AND ({order}) > ({given}) ORDER BY {order} LIMIT :most")
        same = " AND ".join(f'"{key}" = :{key}' for key in keys)
        self.delete = Statement(f"DELETE FROM {name} WHERE {same}")

    def key(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[at] for at in self._at)

    def count(self, db: Connection) -> int:
        (count,) = self._count(db).fetchone()
        return int(count)

    def rows(self, reading: Reading) -> Iterator[Row]:
        """Yield all rows; each part is read when the last one has passed."""
        after: dict[str, Any] | None = None
        most = _FIRST
        while True:
            with reading() as db:
                found = self._first if after is None else self._next
                rows = found(db, **(after or {}), most=most).fetchall()
            yield from rows
            if len(rows) < most:
                return
            after = dict(zip(self._keys, self.key(rows[-1]), strict=True))
            size = sum(map(_size, rows)) // most
            most = max(1, min(_MOST, 2 * most, _AIM // (size + 1)))

    def add(self, db: Connection, rows: Sequence[Row], target: Database) -> None:
        """Add rows. Raises StoreError with the key of a row that the database refuses."""
        errors = room_of(db).errors
        try:
            with savepoint(db, "rows"):
                room_of(db).load(db, self.name, self._columns, rows)
        except errors.BAD_VALUE as error:
            if errors.is_fatal(error):
                raise
            if len(rows) == 1:
                key = "/".join(str(part) for part in self.key(rows[0]) if isinstance(part, int))
                path = target.opened.path
                # Without the cause, which may quote the row.
                raise StoreError("copy_row_refused", path=path, table=self.name, key=key) from None
            half = len(rows) // 2
            self.add(db, rows[:half], target)
            self.add(db, rows[half:], target)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
