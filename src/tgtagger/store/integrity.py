"""Check the database file for the store's callers, and rebuild its search index.

`integrity_check` does the check, `fulltext` the rebuild. Does not know how a report is shown.
"""

from __future__ import annotations

from tgtagger.model.archive import IntegrityReport, Storage
from tgtagger.store.database import Part
from tgtagger.store.rescue import integrity_check
from tgtagger.store.sqlite import fulltext_index
from tgtagger.store.sqlite.connections import Unlocked, driver
from tgtagger.system.mounts import network_file_system


class Integrity(Part):
    """The integrity of the database file and of its search index."""

    def storage(self) -> Storage:
        """Return how SQLite keeps the file: its journal, locks, a network file system."""
        with self._database.read() as db:
            (mode,) = db.execute("PRAGMA journal_mode").fetchone()
            is_locked = not isinstance(driver(db), Unlocked)
        return Storage(str(mode), is_locked, network_file_system(self._database.path))

    def check(self) -> IntegrityReport:
        """Read the whole file, damaged or not, and return the integrity report."""
        return integrity_check.report(self._database.path)

    def check_index(self) -> bool:
        """Tell whether the search index agrees with the posts. Needs a store opened to write."""
        with self._database.transaction() as db:
            return fulltext_index.agrees(driver(db))

    def rebuild_index(self) -> None:
        """Rebuild the search index from the posts."""
        with self._database.connection() as db:
            fulltext_index.rebuild(db)
