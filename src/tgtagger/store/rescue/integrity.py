"""The health of the database file, as callers ask for it; and its search index made anew.

What is looked at is told by `integrity_check`, what an index is by `fulltext`.
"""

from __future__ import annotations

from tgtagger.model.archive import IntegrityReport, Storage
from tgtagger.store.database import Part
from tgtagger.store.rescue import integrity_check
from tgtagger.store.sqlite import fulltext
from tgtagger.store.sqlite.connections import Unlocked
from tgtagger.system.mounts import network_file_system


class Integrity(Part):
    """The health of the database file."""

    def storage(self) -> Storage:
        """Tell how the file is kept: its journal, locks, a file system over the network."""
        with self._database.read() as db:
            (mode,) = db.execute("PRAGMA journal_mode").fetchone()
            is_locked = not isinstance(db, Unlocked)
        return Storage(str(mode), is_locked, network_file_system(self._database.path))

    def check(self) -> IntegrityReport:
        """Read the whole file and say what is wrong with it; a damaged one, too."""
        return integrity_check.report(self._database.path)

    def check_index(self) -> bool:
        """Tell whether the search index agrees with the posts. Needs a store opened to write."""
        with self._database.transaction() as db:
            return fulltext.agrees(db)

    def rebuild_index(self) -> None:
        """Make the search index anew from the posts."""
        with self._database.connection() as db:
            fulltext.rebuild(db)
