"""The transactions of the archive, for its parts: one kind reads, the other writes.

The only module that begins and ends them; what a transaction is, the room of the database says
(`rooms`). One that was broken off is done again (`again`). Knows no table.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

from tgtagger.store.again import Again
from tgtagger.store.rooms import Connection, Opened

P = ParamSpec("P")
S = TypeVar("S", bound="HasDatabase")
T = TypeVar("T")


class Database:
    """The transactions of an archive that is open for reading or for writing."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.again = Again(opened.patience)

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


class HasDatabase:
    """Works with the transactions of an archive."""

    def __init__(self, database: Database) -> None:
        self._database = database


def one_transaction(
    method: Callable[Concatenate[S, P], T],
) -> Callable[Concatenate[S, P], T]:
    """Let a method, which is one transaction, be called again if that was broken off."""

    @functools.wraps(method)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._database.again(lambda: method(self, *args, **kwargs))

    return call


class Part(HasDatabase):
    """A part of the archive: each public method is one transaction.

    A method that returns an iterator is not called again: what it has given, it would give twice.
    """

    def __init_subclass__(cls) -> None:
        for name, method in list(vars(cls).items()):
            if not name.startswith("_") and _does_all_at_once(method):
                setattr(cls, name, one_transaction(method))


def _does_all_at_once(method: Any) -> bool:
    return inspect.isfunction(method) and not inspect.isgeneratorfunction(method)
