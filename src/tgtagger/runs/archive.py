"""The archive as a server holds it: opened once for all requests, and what was counted remembered.

The store is opened when it is first asked for, and again when another file has its name. Knows no
face.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tgtagger.config import Settings
from tgtagger.store import Store

T = TypeVar("T")

SHARE = 20
"""What was counted is shown for so many times as long as the count took: while somebody writes,
counting takes a twentieth of the time at most."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What was counted, of which version of the archive, and until when it is good anyway."""

    value: object
    version: int
    until: float
    lasts: bool


@dataclass(slots=True)
class Archive:
    """The archive that a server shows, and its settings. `media`: folders of exports.

    `is_ending`: the server ends, and so shall whoever follows a job.
    """

    settings: Settings
    read_only: bool = False
    media: tuple[Path, ...] = ()
    opens: Callable[[str], Store] | None = None
    is_ending: bool = False
    _store: Store | None = field(default=None)
    _was_open: bool = False
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _known: dict[str, _Known] = field(default_factory=dict)
    _counting: dict[str, threading.Lock] = field(default_factory=dict)
    _changes: int = 0  # what persons changed in these pages

    @property
    def is_open(self) -> bool:
        """Tell whether the store is at hand, and of the file that has its name now."""
        return self._store is not None and not self._store.is_replaced

    @property
    def store(self) -> Store:
        """The store, opened when it is first asked for, and when another file has its name."""
        with self._opening:
            if self._store is not None and self._store.is_replaced:
                self.close()
                self._known.clear()
            if self._store is None:
                db = self.settings.db
                self._store = (
                    Store.open(db, create=not self._was_open)
                    if self.opens is None
                    else self.opens(db)
                )
                self._was_open = True
            return self._store

    def remember(
        self, name: str, count: Callable[[], T], *, lasts: bool = False, is_exact: bool = False
    ) -> T:
        """Return what `count` returns, from memory as long as nobody has written.

        For counts of the whole archive, which take long on a large one; who asks for the same one
        meanwhile waits for it. `lasts`: a person's own change does not make it old at once.
        `is_exact`: while somebody writes it is counted at each call.
        """
        with self._counting.setdefault(name, threading.Lock()):
            version, began = self.store.status.version(), time.monotonic()
            changes = self._changes
            known = self._known.get(name)
            is_good = known is not None and not is_exact and began < known.until
            if known is not None and (is_good or known.version == version):
                return known.value  # type: ignore[return-value]  # made by the same `count`
            value = count()
            now = time.monotonic()
            is_old = changes != self._changes and not lasts  # a person changed something meanwhile
            until = now if is_old else now + SHARE * (now - began)
            self._known[name] = _Known(value, version, until, lasts)
            return value

    def forget(self, *, all_of_it: bool = False) -> None:
        """Forget what was counted: a person has changed something, and wants to see it.

        `all_of_it`: also what `lasts`; an undo may bring back what was left out of it.
        """
        self._changes += 1
        self._known = {
            name: known for name, known in self._known.items() if known.lasts and not all_of_it
        }

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
