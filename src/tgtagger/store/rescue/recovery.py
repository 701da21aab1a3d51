"""Save what can be read of a damaged database into a new one. Only reads the damaged one.

`salvage` reads rows from the pages, `mend` replaces wrong values, `rejoin` joins rows that belong
together, and the search index is built from the posts. The new file is checked, synced and then
renamed: it is whole, or it does not exist. Does not know how a post is made from a raw record.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from tgtagger.errors import InputError, StoreError, TgTaggerError
from tgtagger.model.copies import Recovered, SavedTable
from tgtagger.store import origins, tag_queue
from tgtagger.store.rescue import mend
from tgtagger.store.rescue.columns import any_columns
from tgtagger.store.rescue.rejoin import Convert, Doubts, rejoin
from tgtagger.store.rescue.salvage import RowShape, Salvage, shapes
from tgtagger.store.rooms import LockName
from tgtagger.store.sqlite import fulltext_index, migrate, stale_log
from tgtagger.store.sqlite.connections import connect, driver
from tgtagger.store.sqlite.engine import create_writer
from tgtagger.store.sqlite.errors import map_errors
from tgtagger.store.sqlite.file_format import Cell, PageFile
from tgtagger.store.sqlite.run_lock import run_lock
from tgtagger.store.sqlite.schema_version import SCHEMA, Schema
from tgtagger.store.times import now
from tgtagger.system import files

__all__ = ["Convert", "recover"]

_KNOWN = {
    "sqlite_autoindex_posts_1": ("known_posts", "channel_id, message_id, id"),
    "sqlite_autoindex_tags_1": ("known_tags", "key, id"),
    "sqlite_autoindex_post_tags_2": ("known_links", "tag_id, post_id, position"),
}
"""Indexes that still know lost rows → (the table for their entries, its columns)."""

_MAKE_KNOWN = """
CREATE TEMP TABLE known_posts (channel_id, message_id, id PRIMARY KEY);
CREATE TEMP TABLE known_tags (key, id PRIMARY KEY);
CREATE TEMP TABLE known_links (tag_id, post_id, position, PRIMARY KEY (post_id, position));
"""

_DERIVED = {"alembic_version", "tag_queue", "claimed_texts", "run_origins", "read_exports"}


def recover(path: Path, target: Path, convert: Convert, schema: Schema = SCHEMA) -> Recovered:
    """Make a new database (0600) from what can be read. Never replaces a file.

    Raises InputError for a target that cannot be used; StoreError if nothing can be saved, or the
    new file cannot be written: then there is none. Raises TryLater if a run is at work on `path`.
    """
    _refuse(path, target)
    path = path.resolve()  # SQLite's log lies beside the file itself, not beside a link to it
    with contextlib.ExitStack() as opened:
        with map_errors(path):
            opened.enter_context(_alone(path))
            file = opened.enter_context(PageFile(path, log=_log_of(path)))
        try:
            made = opened.enter_context(files.beside(target, exclusive=True))
            with map_errors(target):
                found = _fill(made, path, file, convert, schema)
            opened.close()
        except FileExistsError as error:  # somebody made it meanwhile
            raise _there_already(target) from error
        except OSError as error:
            raise _cannot_be_written(target, error) from error
    return found


def _refuse(path: Path, target: Path) -> None:
    if target.is_dir():
        raise InputError("copy_is_folder", target=target)
    for end in ("", *files.COMPANIONS):
        if os.path.lexists(f"{target}{end}"):
            raise _there_already(target.with_name(target.name + end))
    if not path.is_file():
        raise InputError("damaged_file_unusable", path=path, is_there=path.exists())


def _there_already(target: Path) -> InputError:
    return InputError("recovery_target_exists", target=target)


def _cannot_be_written(target: Path, error: OSError) -> TgTaggerError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG}:
        return StoreError("recovery_without_room", target=target, reason=error.strerror)
    return InputError("copy_unwritable", target=target, reason=error.strerror)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the run locks, if their files can be made, so that no run writes meanwhile."""
    with contextlib.ExitStack() as held:
        if os.access(path.parent, os.W_OK):
            for name in get_args(LockName):
                held.enter_context(run_lock(path, name))
        yield


def _log_of(path: Path) -> Path | None:
    """Return the log beside a database that belongs to it, or None."""
    for end in ("-wal", "-journal"):
        log = path.with_name(path.name + end)
        if log.is_file() and log.stat().st_size and stale_log.belongs(path, log):
            return log
    return None


def _fill(made: Path, path: Path, file: PageFile, convert: Convert, schema: Schema) -> Recovered:
    _upgrade(made, schema, _revision(file, path, schema))
    with contextlib.closing(connect(made, "mode=rw")) as db:
        db.execute("PRAGMA journal_mode = OFF").fetchone()
        db.execute("PRAGMA synchronous = OFF")  # it is synced once, when it is whole
        db.execute("PRAGMA foreign_keys = OFF")  # rows may come before those that they refer to
        db.executescript(_MAKE_KNOWN)
        db.execute("BEGIN")
        rows = _Rows(db, Salvage(file, shapes(db)))
        rows.take()
        if not rows.saved:
            raise StoreError("nothing_to_save", path=path)
        joined = rejoin(db, rows.lost, rows.doubts, convert, rows.now)
        tables = tuple(rows.summary(name) for name in rows.tables)
        db.execute("COMMIT")
    _upgrade(made, schema, schema.newest)
    _finish(made)
    return Recovered(tables, joined.restored, joined.marked, joined.to_read, file.log)


# ---- the schema


def _revision(file: PageFile, path: Path, schema: Schema) -> str:
    """Return the schema version of the damaged file; the newest one if it cannot be read.

    Raises StoreError for another program's file, and a newer tgtagger's.
    """
    newest = schema.newest
    shape = RowShape("alembic_version", any_columns(1), (0,), has_rowid=True, defaults=(None,))
    found = Salvage(file, {shape.name: shape})
    tables = {str(name) for kind, name, *_ in found.schema() if kind == "table"}
    if tables and not tables & {"posts", "channels", "post_tags", "raw_forms", "attempts"}:
        raise StoreError("foreign_database_not_saved", path=path)
    versions = [cell.record[0] for cells in found.rows(shape.name) for cell in cells if cell.record]
    for version in versions:
        if version in schema.revisions:
            return str(version)
        if isinstance(version, str) and re.fullmatch(r"\d{4}", version) and version > newest:
            raise StoreError("database_newer", path=path, version=version, known=newest)
    return newest


def _upgrade(made: Path, schema: Schema, revision: str) -> None:
    engine = create_writer(made)
    try:
        with engine.connect() as connection, connection.begin():
            if schema.version_of(driver(connection), made) != revision:
                migrate.upgrade(connection, schema, revision)
        with engine.connect() as connection:  # a single file, readable in a read-only folder
            driver(connection).execute("PRAGMA journal_mode = DELETE").fetchone()
    finally:
        engine.dispose()


# ---- the rows


class _Rows:
    """Copies the rows of all tables, and the entries of indexes that know lost rows."""

    def __init__(self, db: sqlite3.Connection, source: Salvage) -> None:
        self.source = source
        self.lost: Counter[str] = Counter()
        self.saved = 0
        self.now = now()
        self.tables = sorted(
            name for name, shape in source.shapes.items() if shape.is_ours and name not in _DERIVED
        )
        self._db = db
        self._totals: dict[str, int] = {}  # rows of a table before the damage, by an index

    def take(self) -> None:
        source = self.source
        source.schema()
        for name in self.tables:
            for cells in source.rows(name):
                self._insert(name, cells, count=True)
        self.lost += source.unreadable  # here it counts tables only: below, indexes are read
        indexes = self._db.execute(
            "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' "
            "AND coalesce(sql, '') NOT LIKE '% WHERE %'"
        ).fetchall()
        for index, table in indexes:
            if index in _KNOWN or table in source.torn or self.lost[table]:
                self._remember(index, table)
        if source.torn.intersection(self.tables):
            for name in set(source.shapes) - set(self.tables) - {index for index, _ in indexes}:
                for _ in source.rows(name):
                    pass  # marks their pages as taken
            before = Counter(source.unreadable)
            for name, cells in source.loose():
                self._insert(name, cells, count=False)
            self.lost += source.unreadable - before

    @property
    def doubts(self) -> Doubts:
        torn = self.source.torn | {name for name, count in self.lost.items() if count}
        return Doubts("posts" in self._totals, frozenset(torn))

    def summary(self, table: str) -> SavedTable:
        (count,) = self._db.execute(f"SELECT count(*) FROM {table}").fetchone()
        if table in self._totals:
            return SavedTable(table, count, max(self._totals[table] - count, 0), knows_all=True)
        knows_all = table not in self.source.torn
        return SavedTable(table, count, self.lost[table], knows_all)

    def _insert(self, table: str, cells: list[Cell], *, count: bool) -> None:
        shape = self.source.shapes[table]
        rows = []
        for cell in cells:
            row = shape.row(cell)
            mended = None if row is None else mend.mend(table, shape.columns, row, self.now)
            if mended is not None:
                rows.append(mended)
            elif cell.record is not None:  # `Salvage.unreadable` counts the others
                self.lost[table] += 1
        names = ", ".join(f'"{column.name}"' for column in shape.columns)
        marks = ", ".join("?" * len(shape.columns))
        insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"
        made = max(self._db.executemany(insert, rows).rowcount, 0)  # without what triggers write
        self.saved += made
        if count:  # loose pages may be old ones, whose rows are stored elsewhere
            self.lost[table] += len(rows) - made

    def _remember(self, index: str, table: str) -> None:
        """Store the entries of an index in `_KNOWN`, and the number of rows of any whole index."""
        is_whole, total = True, 0
        for cells in self.source.rows(index):
            records = [cell.record for cell in cells if cell.record is not None]
            good = [r for r in records if all(isinstance(value, int) for value in r[1:])]
            is_whole = is_whole and len(good if index in _KNOWN else records) == len(cells)
            total += len(cells)
            if good and index in _KNOWN:
                name, columns = _KNOWN[index]
                marks = ", ".join("?" * len(good[0]))
                self._db.executemany(
                    f"INSERT OR IGNORE INTO {name} ({columns}) VALUES ({marks})", good
                )
        if is_whole and index not in self.source.torn:
            self._totals[table] = total


# ---- the end


def _finish(made: Path) -> None:
    """Build the search index, the queue and the runs' origins, and check the new file.

    Raises AssertionError if it is damaged.
    """
    with contextlib.closing(connect(made, "mode=rw")) as db:
        db.execute("PRAGMA synchronous = OFF")
        fulltext_index.rebuild(db)
        for statement in (tag_queue.EMPTY, tag_queue.REFILL, origins.EMPTY, origins.REFILL):
            db.execute(statement.sql)
        problems = [line for (line,) in db.execute("PRAGMA integrity_check(1)") if line != "ok"]
        problems += [str(row) for row in db.execute("PRAGMA foreign_key_check")]
        if problems or not fulltext_index.agrees(db):
            raise AssertionError(f"what was recovered is not sound: {problems}")
