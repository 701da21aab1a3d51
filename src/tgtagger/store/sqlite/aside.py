"""Run a long statement in another thread, so that this one can do other work, or handle a signal.

SQLite lets go of Python's lock during a statement. Knows no statement.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


@contextlib.contextmanager
def aside(db: sqlite3.Connection, look: Callable[[sqlite3.Connection], T]) -> Iterator[Future[T]]:
    """Give the result of `look`, which runs in another thread; it has ended when the body has.

    A body that does not wait for the result, or is broken off by a signal, interrupts it. `db`
    belongs to `look` alone. Raises RuntimeError if the system has no thread left.
    """
    found: Future[T] = Future()

    def work() -> None:
        try:
            found.set_result(look(db))
        except Exception as error:  # noqa: BLE001 -- it is raised where the result is waited for
            found.set_exception(error)

    thread = Thread(target=work, daemon=True)
    try:
        thread.start()
        yield found
    finally:
        while thread.is_alive():
            if not found.done():
                db.interrupt()  # ends the running statement only, so it is repeated
            thread.join(0.05)
