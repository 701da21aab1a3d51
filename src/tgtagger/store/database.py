"""The transactions of the archive, for its parts: one kind reads, the other writes.

The only module that begins and ends them; what a transaction is, the room of the database says
(`rooms`). Knows no table.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from sqlalchemy.engine import Connection

from tgtagger.store.rooms import Opened


class Database:
    """The transactions of an archive that is open for reading or for writing."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened

    @contextlib.contextmanager
    def write(
        self, *, patient: bool = True, dry_run: bool = False, beside: bool = False
    ) -> Iterator[Connection]:
        """Begin a transaction that writes; wait for another writer only if `patient`.

        A dry run is rolled back at its end, so that its results are those of a real run. `beside`:
        others may write meanwhile, if the database can; the statements lock what they share.
        """
        opened = self.opened
        with (
            contextlib.suppress(_DryRun),
            opened.explained(),
            opened.writing(patient=patient, beside=beside) as db,
        ):
            yield db
            if dry_run:
                raise _DryRun

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a transaction that reads: one snapshot, without waiting for writers."""
        with self.opened.explained(), self.snapshot() as db:
            yield db

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read as `read` does, for a caller's body: its errors are raised as they are."""
        explained = self.opened.explained
        begun = contextlib.ExitStack()
        with explained():
            db = begun.enter_context(self.opened.reading())
        try:
            with self.opened.undisturbed(db):
                yield db
        except BaseException:
            with explained():
                begun.__exit__(*sys.exc_info())
            raise
        with explained():
            begun.close()


class _DryRun(Exception):
    """Rolls a transaction back; never leaves this module."""


class Part:
    """A part of the archive: each public method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
