"""The migrations make the schema that the queries need, once, whoever comes first."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from support import old_schemas
from support.breaking import assert_sound
from support.make import page, post
from support.next_version import NEXT, OLD
from support.sql import reading, writing
from tgtagger.cli.hints import hint_of
from tgtagger.errors import StoreError
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.store.sqlite import migrate
from tgtagger.store.sqlite.schema_version import SCHEMA, OlderSchema
from tgtagger.store.values import COLUMNS


def test_the_schema_is_what_the_values_say(store: Store) -> None:
    """What the database itself checks of a value is what reading checks."""
    with reading(store) as db:
        made = {
            table: sql
            for table, sql in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
            if table != "alembic_version" and not table.startswith(("posts_fts", "tag_uses"))
        }
        assert made.keys() == COLUMNS.keys()
        for table, sql in made.items():
            found = {
                name: (kind.lower(), not needed and not key)
                for _, name, kind, needed, _, key in db.execute(f"PRAGMA table_info({table})")
            }
            assert found == {name: (it.kind, it.null) for name, it in COLUMNS[table].items()}
            words = dict(re.findall(r"(\w+) IN \(([^)]*)\)", sql))
            for name, given in words.items():
                assert set(COLUMNS[table][name].allowed) == set(re.findall(r"'(\w+)'", given))
            is_json = set(re.findall(r"json_valid\((\w+)\)", sql))
            assert is_json == {name for name, it in COLUMNS[table].items() if it.json is not None}


def test_the_newest_revision_is_the_one_known(store: Store) -> None:
    files = sorted(file for folder in SCHEMA.folders for file in folder.glob("[0-9]*.py"))
    assert tuple(file.name[:4] for file in files) == SCHEMA.revisions
    with reading(store) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchone() == (SCHEMA.newest,)


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


@pytest.mark.row("K3")
@pytest.mark.parametrize("version", NEXT.revisions)
def test_every_version_is_brought_up_to_date_with_its_data(
    db: Path, tmp_path: Path, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    old_schemas.make(db, version)
    before, statements = old_schemas.read(db), old_schemas.schema_of(db)
    assert all(before.values()), "a table without a row"
    with Store.open(str(db), schema=NEXT) as store:
        assert store.status.archive().schema == NEXT.newest
        assert len(list(store.records.posts(PostFilter()))) == len(store.status.channels()) == 4
        assert store.channels.find(1) is not None
    Store.open(str(tmp_path / "new.db"), schema=NEXT).close()
    assert old_schemas.schema_of(db) == old_schemas.schema_of(tmp_path / "new.db")
    assert_sound(db)
    assert old_schemas.lost(before, old_schemas.read(db)) == []
    kept = migrate.backup_path(db, version)
    assert kept.exists() is (version != NEXT.newest)
    if version != NEXT.newest:
        assert str(kept) in caplog.text
        assert_sound(kept)
        assert (old_schemas.read(kept), old_schemas.schema_of(kept)) == (before, statements)
        assert kept.stat().st_mode & 0o777 == 0o600
    caplog.clear()
    Store.open(str(db), schema=NEXT).close()
    assert caplog.text == ""  # it is said once


def test_only_who_says_so_brings_an_older_schema_up_to_date(db: Path) -> None:
    old_schemas.make(db, OLD[-1])
    before = db.read_bytes()
    with pytest.raises(OlderSchema):
        Store.open_to_read(str(db), schema=NEXT)
    assert db.read_bytes() == before
    assert list(db.parent.iterdir()) == [db]
    with Store.open_up_to_date(str(db), schema=NEXT) as store:
        assert len(store.status.channels()) == 4


def test_the_log_of_an_upgrade_does_not_stay(db: Path) -> None:
    """Who reads beside it would keep who migrates from being the last, who ends the log."""
    old_schemas.make(db, OLD[-1], rows=500)
    with Store.open_up_to_date(str(db), schema=NEXT):
        assert db.with_name(f"{db.name}-wal").stat().st_size == 0


def test_a_second_attempt_replaces_the_backup_of_the_first(db: Path) -> None:
    old_schemas.make(db, "0001")
    kept = migrate.backup_path(db, "0001")
    kept.write_text("from an attempt that was killed, before more was written")
    Store.open(str(db), schema=NEXT).close()
    assert_sound(kept)
    assert {path.name for path in db.parent.iterdir()} == {db.name, kept.name}


def test_without_its_backup_nothing_is_migrated(db: Path) -> None:
    old_schemas.make(db, "0001")
    before, statements = old_schemas.read(db), old_schemas.schema_of(db)
    kept = migrate.backup_path(db, "0001")
    kept.mkdir()
    for open_it in (Store.open, Store.open_up_to_date):
        with pytest.raises(StoreError, match="was not upgraded") as caught:
            open_it(str(db), schema=NEXT)
        assert str(kept) in caught.value.message
        assert "is unchanged" in (hint_of(caught.value) or "")
    assert (old_schemas.read(db), old_schemas.schema_of(db)) == (before, statements)


def test_a_table_that_is_made_anew_takes_nothing_along(store: Store, db: Path) -> None:
    """Where foreign keys are on, DROP TABLE deletes what refers to it: all tags, for posts."""
    store.posts.save_page(page(post(1, "text")))
    with writing(store) as raw:
        raw.execute("INSERT INTO attempts (post_id, at) SELECT id, 'x' FROM posts")
    store.close()
    Store.open(str(db), schema=NEXT).close()
    with closing(sqlite3.connect(db)) as raw:
        assert raw.execute("SELECT count(*) FROM posts").fetchone() == (1,)
        assert raw.execute("SELECT count(*) FROM attempts").fetchone() == (1,)
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
