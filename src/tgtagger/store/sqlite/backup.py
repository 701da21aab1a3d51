"""Copy the database as it is at one moment, while others write.

Uses SQLite's backup within one reading transaction: it does not start over when others commit, and
in WAL mode nobody waits for it. VACUUM INTO can neither be stopped nor tell how far it is. The copy
is written beside its target, checked, synced and renamed (see `files`). It is one file, and leaves
WAL mode until somebody writes to it, so that it can be read in a read-only folder. Knows no table
but `posts`, and copies any version of the schema.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import get_args

from tgtagger.errors import InputError, StoreError, system_error
from tgtagger.model.copies import Backup
from tgtagger.model.events import OnSteps, unheard
from tgtagger.store.rooms import LockName
from tgtagger.store.sqlite.aside import aside
from tgtagger.store.sqlite.connections import connect, driver, undisturbed
from tgtagger.store.sqlite.errors import map_errors
from tgtagger.store.sqlite.reader import Reader
from tgtagger.store.sqlite.schema_version import SCHEMA, Schema
from tgtagger.system import files

_STEP = 1024
"""Pages copied at a time (4 MiB): a signal is handled between two steps."""

_LABEL = f"backup-{os.uname().nodename}"
"""The next backup in that folder deletes what a killed one of this machine left: a disk that keeps
backups may be shared by several machines."""

_WITH_IT = ("-wal", "-shm", "-journal", *(f".{name}.lock" for name in get_args(LockName)))
"""The endings of the files that belong to a database."""


def back_up(
    path: Path,
    target: Path,
    on_progress: OnSteps = unheard,
    *,
    over: bool = False,
    schema: Schema = SCHEMA,
) -> Backup:
    """Copy a database to a new file (0600); `over`: replace a file of that name.

    `on_progress` is called with the bytes copied, and the bytes in all.
    Raises InputError for a target that cannot be used; StoreError for a copy that is damaged or
    cannot be written. Then no part of the copy is left.
    """
    try:
        _refuse(path, target, over=over)
        with files.beside(target, exclusive=not over, label=_LABEL) as made:
            version = _copy(path, made, target, on_progress, schema)
            posts = _check(made, path, target)
            size = made.stat().st_size
    except FileExistsError as error:  # somebody made it meanwhile
        raise _there_already(target) from error
    except FileNotFoundError as error:
        raise InputError("copy_without_folder", target=target) from error
    except OSError as error:
        raise system_error(error, "copy_unwritable", target=target) from error
    return Backup(target, posts, size, version)


def _refuse(path: Path, target: Path, *, over: bool) -> None:
    for database in (path.absolute(), path.resolve()):
        names = {database.name + end for end in _WITH_IT}
        if target.name in names and target.parent.resolve() == database.parent.resolve():
            raise InputError("copy_belongs_to_database", target=target)
    if target.is_dir():
        raise InputError("copy_is_folder", target=target)
    if os.path.lexists(target) and not over:
        raise _there_already(target)
    for end in ("-wal", "-journal"):
        beside = f"{target}{end}"
        if os.path.lexists(beside):  # SQLite would write its content into the copy
            raise InputError("copy_beside_another_log", log=beside)


def _there_already(target: Path) -> InputError:
    return InputError("copy_exists", target=target)


def _copy(path: Path, made: Path, target: Path, on_progress: OnSteps, schema: Schema) -> str:
    """Copy the database as it is now; return its schema's version."""
    reader = Reader(path)
    try:
        with map_errors(path), reader.connect() as connection, connection.begin():
            # This query fixes the moment: later commits are not in the copy.
            source = driver(connection)
            version = schema.version_of(source, path)
            if version is None:
                raise InputError("database_empty", path=path)
            with undisturbed(source, path):
                _copy_pages(source, made, target, on_progress)
    finally:
        reader.dispose()
    with made.open("r+b") as file:
        # The versions of the file format that writers and readers must know: 2 is WAL, 1 is not.
        file.seek(18)
        file.write(b"\1\1")
    return version


def _copy_pages(source: sqlite3.Connection, made: Path, target: Path, on_progress: OnSteps) -> None:
    (page_size,) = source.execute("PRAGMA page_size").fetchone()

    def progress(_: int, left: int, total: int) -> None:
        if total:  # 0: the first step failed, and its error is raised after this
            on_progress((total - left) * page_size, total * page_size)

    # nolock: only we know the file, and some file systems that keep copies have no locks.
    with closing(connect(made, "mode=rw&nolock=1")) as copy:
        copy.execute("PRAGMA journal_mode = OFF").fetchone()
        copy.execute("PRAGMA synchronous = OFF")  # it is synced once, when it is whole
        try:
            source.backup(copy, pages=_STEP, progress=progress)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", None) not in _OF_THE_TARGET:
                raise
            with map_errors(target):
                raise


_OF_THE_TARGET = {
    "SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR_WRITE",
    "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE",
}  # fmt: skip
"""Failures that are the target's: the database itself is only read."""


def _check(made: Path, path: Path, target: Path) -> int:
    """Read the whole copy; return how many posts are in it."""
    with (
        map_errors(target),
        closing(connect(made, "immutable=1")) as copy,
        aside(copy, _look) as found,  # so that a signal is handled meanwhile
    ):
        damage, posts = found.result()
    if damage != "ok":
        raise StoreError("copy_damaged", path=path, damage=damage)
    return posts


def _look(copy: sqlite3.Connection) -> tuple[str, int]:
    """Return (`ok`, or what is damaged; the number of posts).

    All pages are read, of tables and of indexes, and all rows. Whether each index agrees with its
    table is left out, which takes as long again: that loses no row (REINDEX makes an index anew).
    """
    try:
        (damage,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        (posts,) = copy.execute("SELECT count(*) FROM posts").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise
        return str(error), 0
    return damage, posts
