"""The migrations make the schema that the queries need, once, whoever comes first."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from tgtagger.store import Store, _engine
from tgtagger.store._schema import metadata

BEYOND = {"alembic_version", "tagged_posts"}


def normal(sql: str) -> str:
    return re.sub(r"\s+", " ", sql.replace('"', "")).replace("( ", "(").replace(" )", ")").strip()


def test_the_schema_is_what_the_metadata_says(store: Store) -> None:
    dialect = sa.create_engine("sqlite://").dialect
    expected = {
        table.name: normal(str(CreateTable(table).compile(dialect=dialect)))
        for table in metadata.tables.values()
    } | {
        str(index.name): normal(str(CreateIndex(index).compile(dialect=dialect)))
        for table in metadata.tables.values()
        for index in table.indexes
    }
    with store._read() as db:
        made = {
            name: normal(sql)
            for name, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
            if name not in BEYOND and not name.startswith("posts_fts")
        }
    assert made == expected


def test_the_newest_revision_is_the_one_known(store: Store) -> None:
    files = sorted(Path(_engine.__file__).parent.glob("migrations/versions/[0-9]*.py"))
    assert tuple(file.name[:4] for file in files) == _engine.REVISIONS
    with store._read() as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchone() == (_engine.HEAD,)


def test_opening_again_costs_no_migration(store: Store, db: Path) -> None:
    store.close()
    program = (
        "import sys\nfrom tgtagger.store import Store\nStore.open(sys.argv[1]).close()\n"
        "print('alembic' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(db)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_six_at_once_make_one_database(db: Path) -> None:
    program = "import sys\nfrom tgtagger.store import Store\nStore.open(sys.argv[1]).close()\n"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(db)], stderr=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    for process in processes:
        _, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
    raw = sqlite3.connect(db)
    assert raw.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    raw.close()


def make_first(db: Path) -> None:
    """Make a database of the first schema, with a channel and a post."""
    from importlib import import_module

    first = import_module("tgtagger.store.migrations.versions.0001_baseline")
    raw = sqlite3.connect(db)
    for statement in first.STATEMENTS:
        raw.execute(statement)
    raw.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    raw.execute("INSERT INTO alembic_version VALUES ('0001')")
    raw.execute(
        "INSERT INTO channels (id, title, kind, added_at, since) "
        "VALUES (1, 'News', 'channel', '2026-01-01T00:00:00Z', '2025-01-01T00:00:00Z')"
    )
    raw.execute(
        "INSERT INTO posts (id, channel_id, message_id, text, source, text_hash, added_at) "
        "VALUES (1, 1, 1, 'words', 'desktop', 'x', '2026-01-01T00:00:00Z')"
    )
    raw.commit()
    raw.close()


def test_the_first_schema_is_brought_up_to_date_with_its_data(db: Path) -> None:
    make_first(db)
    with Store.open(str(db)) as store:
        assert store.state().schema == _engine.HEAD
        assert [state.posts for state in store.channels()] == [1]
        assert store.reading(1, "telegram").since is not None
        test_the_schema_is_what_the_metadata_says(store)


def test_reading_commands_bring_an_older_schema_up_to_date_too(db: Path) -> None:
    make_first(db)
    with Store.open_to_read(str(db)) as store:
        assert [state.channel.title for state in store.channels()] == ["News"]
