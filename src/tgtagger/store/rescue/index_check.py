"""Compare the search index with the posts in another thread, while this one checks the rest.

FTS5 compares for writers only, so this needs a connection that may write; it changes nothing.
Knows no value of a row.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from tgtagger.store.rescue.row_check import UNREADABLE
from tgtagger.store.sqlite import connections, fulltext_index
from tgtagger.store.sqlite.aside import aside


@contextlib.contextmanager
def meanwhile(db: sqlite3.Connection, path: Path) -> Iterator[Callable[[], bool]]:
    """Compare while the body runs; give the function that waits for the result.

    That is whether index and posts surely agree, except for the forms of the texts. `db` is the
    connection that reads meanwhile: as long as it is open, the other one cannot end the log.
    """
    with contextlib.ExitStack() as opened:
        try:
            if not _is_possible(db):
                raise sqlite3.OperationalError("without a log")
            other = opened.enter_context(
                contextlib.closing(connections.connect(path.resolve(), "mode=rw", timeout=0))
            )
            found = opened.enter_context(aside(other, _compare))
        except (*UNREADABLE, RuntimeError):  # RuntimeError: no thread is left
            yield lambda: False
            return

        def is_right() -> bool:
            try:
                return found.result()
            except UNREADABLE:
                return False

        yield is_right


def _is_possible(db: sqlite3.Connection) -> bool:
    """Tell whether another one may write while `db` reads, and neither waits for a processor."""
    (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    is_locked = not isinstance(db, connections.Unlocked)
    return mode == "wal" and is_locked and (os.cpu_count() or 1) > 1


def _compare(db: sqlite3.Connection) -> bool:
    db.execute("BEGIN IMMEDIATE")
    try:
        return fulltext_index.agrees(db, forms=False)
    finally:  # at once: others wait to write
        if db.in_transaction:
            db.execute("ROLLBACK")
