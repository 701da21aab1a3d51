"""Every fixed SQL statement of the program can be run on a server."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from support.make import page, post
from support.on_server import Archive
from support.statements import constants
from tgtagger.store import given_tags, queue, selection, shown_names, tag_queue, undo
from tgtagger.store.postgres import watching
from tgtagger.store.postgres.room import POSTGRES
from tgtagger.store.rooms import spelled
from tgtagger.store.statements import Statement


def numbered(statement: Statement) -> str:
    """Return the SQL of a statement, its parameters as a server numbers them."""
    dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    return str(sa.text(spelled(POSTGRES, statement.sql)).compile(dialect=dialect))


def test_every_fixed_statement_can_be_prepared(archive_on_server: Archive) -> None:
    found = constants("sqlite")
    assert len(found) > 250
    with archive_on_server.empty() as store, store._database.write(dry_run=True) as db:
        watching.begin(db)  # makes the tables that some statements are about
        for made in (selection._CHOSEN, selection._CHOSEN_TAGS, undo._PICKED):
            made(db)
        cursor = db.connection.cursor()
        for name, statement in found.items():
            sql = numbered(statement)
            if not sql.startswith(("CREATE", "DROP", "EXPLAIN")):
                try:
                    cursor.execute(f"PREPARE tried AS {sql}")
                    cursor.execute("DEALLOCATE tried")
                except psycopg.Error as error:
                    pytest.fail(f"{name}: {error}: {sql}")


FEW = {
    **{
        name: each
        for name, each in vars(tag_queue).items()
        if isinstance(each, Statement) and "IN few" in each.sql
    },
    **{name: getattr(queue, name) for name in ("_FOUND", "_REPLACE", "_PLACES")},
    "_NAMED": given_tags._NAMED,
    "_NAMES": shown_names._NAMES,
}
"""What claims and finishes posts."""


def test_few_rows_are_looked_up_in_an_index(archive_on_server: Archive) -> None:
    """By the plan that a connection keeps, too, which it makes before posts have tags."""
    found = []
    with archive_on_server.empty() as store:
        store.posts.save_page(page(*(post(number, f"text {number}") for number in range(2500))))
        with store._database.read() as db:
            server: Any = db
            run = server.exec_driver_sql
            run("SET LOCAL plan_cache_mode = force_generic_plan")
            for name, statement in FEW.items():
                run(f"PREPARE tried AS {numbered(statement)}")
                values = ", ".join(["NULL"] * statement._compile(db)[2])
                plan = run(f"EXPLAIN EXECUTE tried ({values})").scalars().all()
                run("DEALLOCATE tried")
                found += [f"{name}: {line}" for line in plan if "Seq Scan" in line]
    assert found == []
