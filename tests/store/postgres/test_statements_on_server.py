"""Every fixed SQL statement of the program can be run on a server."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy.dialects import postgresql

from support.on_server import Archive
from support.statements import constants
from tgtagger.store import selection, undo
from tgtagger.store.postgres import watching
from tgtagger.store.postgres.room import POSTGRES
from tgtagger.store.rooms import spelled


def test_every_fixed_statement_can_be_prepared(archive_on_server: Archive) -> None:
    import sqlalchemy as sa

    dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    found = constants("sqlite")
    assert len(found) > 250
    with archive_on_server.empty() as store, store._database.write(dry_run=True) as db:
        watching.begin(db)  # makes the tables that some statements are about
        for made in (selection._CHOSEN, selection._CHOSEN_TAGS, undo._PICKED):
            made(db)
        cursor = db.connection.cursor()
        for name, statement in found.items():
            sql = str(sa.text(spelled(POSTGRES, statement.sql)).compile(dialect=dialect))
            if not sql.startswith(("CREATE", "DROP", "EXPLAIN")):
                try:
                    cursor.execute(f"PREPARE tried AS {sql}")
                    cursor.execute("DEALLOCATE tried")
                except psycopg.Error as error:
                    pytest.fail(f"{name}: {error}: {sql}")
