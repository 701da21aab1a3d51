"""Archives on the tests' server: one for each process of a test run, emptied after each test."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from support import postgres_server
from support.breaking import CONTENTS
from tgtagger.store import Store
from tgtagger.store.rooms import Opened

_TEMPLATE = "template_of_archives"


def make_archive(name: str) -> str:
    """Make a database with the tables of an empty archive; return its URL."""
    folder = Path(os.environ[postgres_server.FOLDER])
    administrator = postgres_server.url()
    with psycopg.connect(administrator, autocommit=True) as db:
        with postgres_server.alone():
            if not (folder / "template").exists():
                db.execute(f"CREATE DATABASE {_TEMPLATE}")
                Store.open(postgres_server.url(_TEMPLATE)).close()
                (folder / "template").touch()
        db.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
    return postgres_server.url(name)


def make_database(name: str) -> str:
    """Make a database without any table; return its URL."""
    with psycopg.connect(postgres_server.url(), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
    return postgres_server.url(name)


class Archive:
    """An archive that stays open, and is emptied after each test."""

    def __init__(self) -> None:
        store = Store.open(make_archive(f"archive_{os.getpid()}"), busy_timeout=0)
        self.opened: Opened = store._database.opened
        with connected(store) as db:
            tables = db.execute(
                "SELECT relname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace "
                "WHERE nspname = 'public' AND relkind = 'r' "
                "AND relname NOT IN ('alembic_version', 'write_order')"
            ).fetchall()
            # A function, of which the plans are kept; to truncate tables takes ten times as long.
            emptied = " ".join(
                f"IF EXISTS (SELECT 1 FROM {name}) THEN DELETE FROM {name}; END IF;"
                for (name,) in tables
            )
            db.execute(
                "CREATE FUNCTION empty_all() RETURNS void LANGUAGE plpgsql "
                "SET session_replication_role = replica "  # without foreign keys
                f"AS $empty$ BEGIN {emptied} "
                "PERFORM setval('attempts_id_seq', 1, FALSE), setval('jobs_id_seq', 1, FALSE); "
                "END $empty$"
            )

    @contextlib.contextmanager
    def empty(self) -> Iterator[Store]:
        """Yield the archive, in which nothing is; what a test stores in it goes afterwards."""
        store = Store(self.opened)
        yield store
        with connected(store) as db:
            db.execute("SELECT empty_all()")


@contextlib.contextmanager
def connected(store: Store) -> Iterator[psycopg.Connection[Any]]:
    """Connect to a store's server, outside of any transaction."""
    with store._database.opened.engine.connect() as db:  # type: ignore[attr-defined]
        found: psycopg.Connection[Any] = db.connection.driver_connection
        yield found
        if not found.closed:
            found.rollback()


_names = itertools.count()


def new(template: str | None = None) -> str:
    """Make an empty archive, or a copy of another database; return its name."""
    name = f"copy_{os.getpid()}_{next(_names)}"
    if template is None:
        make_archive(name)
        return name
    with psycopg.connect(postgres_server.url(), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return name


def drop(name: str) -> None:
    with psycopg.connect(postgres_server.url(), autocommit=True) as db:
        db.execute(f"DROP DATABASE {name} WITH (FORCE)")


def contents(url: str) -> dict[str, list[Any]]:
    """Return the contents of an archive without times and runs, and what was asked for each post.

    Checks that it is sound: a post is tagged if it has tags, and waits if it is in the queue.
    """
    with psycopg.connect(url) as db:
        torn = db.execute(
            "SELECT count(*) FROM posts AS p WHERE status = 'tagged' AND NOT "
            "EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id)"
        ).fetchone()
        assert torn == (0,)
        found = {name: db.execute(sql).fetchall() for name, sql in CONTENTS.items()}
        found["attempts"] = db.execute(
            "SELECT post_id, class, count(*) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        for table in ("runs", "tag_changes", "answers"):
            found[table] = db.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()
        found["run locks"] = db.execute("SELECT name, is_shared FROM run_leases").fetchall()
    with Store.open_to_read(url) as store:
        assert store.queue.out_of_step() == 0
        assert store._database.opened.check_index()
    return found
