"""Check the archive for the store's callers, and rebuild its search index.

The room of the database does both. Does not know how a report is shown.
"""

from __future__ import annotations

from tgtagger.model.database import ServerState, Storage
from tgtagger.model.events import OnSteps, unheard
from tgtagger.model.integrity import IntegrityReport
from tgtagger.store.database import Part
from tgtagger.store.rooms import room_of
from tgtagger.store.statements import Statement

_COUNTED = "SELECT tag_id, source, posts, latest FROM tag_uses"
_THERE = (
    "SELECT tag_id, source, count(*) AS posts, max(added_at) AS latest FROM post_tags "
    "GROUP BY unindexed(tag_id), source"
)
_MISCOUNTED = Statement(  # each side has a tag with a source once, and is computed once
    "SELECT 1 FROM ("
    f"SELECT tag_id, source, posts, latest, 1 AS side FROM ({_COUNTED}) AS counted UNION ALL "
    f"SELECT tag_id, source, posts, latest, -1 AS side FROM ({_THERE}) AS there) AS uses "
    "GROUP BY tag_id, source, posts, latest HAVING sum(side) <> 0 LIMIT 1"
)


class Integrity(Part):
    """The integrity of the archive and of its search index."""

    def storage(self) -> Storage:
        """Return how the archive is kept: its journal, locks, a network file system."""
        return self._database.opened.storage()

    def server(self) -> ServerState | None:
        """Return the state of the server that the archive is on; None: it is in a file."""
        return self._database.opened.server()

    def check(self, on_steps: OnSteps = unheard) -> IntegrityReport:
        """Read the whole archive, damaged or not, and return the integrity report."""
        return self._database.opened.check(on_steps)

    def check_index(self) -> bool:
        """Tell whether the search index agrees with the posts. Needs a store opened to write."""
        return self._database.opened.check_index()

    def rebuild_index(self) -> None:
        """Rebuild the search index from the posts."""
        self._database.opened.rebuild_index()

    def check_uses(self) -> bool:
        """Tell whether the posts that are counted for each tag are those that have it."""
        with self._database.read() as db:
            return _MISCOUNTED(db).fetchone() is None

    def recount_uses(self) -> None:
        """Count the posts of each tag anew."""
        with self._database.write() as db:
            room_of(db).recount_uses(db)
