"""How a revision of the schema runs its statements: on a file, and on a server.

They are written in SQLite's words, and the room of a server spells them (`Room.definition`). Where
the two go different ways, as where SQLite has to make a table anew, a statement says whose it is.
Imported by revisions only, since it needs Alembic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alembic import op

from tgtagger.store.rooms import Kind, room_of


@dataclass(frozen=True, slots=True)
class Only:
    """A statement for one kind of archive."""

    kind: Kind
    sql: str


def run(statements: Iterable[str | Only]) -> None:
    """Run the statements of a revision, as far as they are for this kind of archive."""
    db = op.get_bind()
    kind = room_of(db).kind
    for each in statements:
        if isinstance(each, str):
            db.exec_driver_sql(each)
        elif each.kind == kind:
            db.exec_driver_sql(each.sql)
