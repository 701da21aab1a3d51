"""The rules of a database are those of its migrations, whatever way it came to them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support import old_schemas
from tgtagger.store import Store
from tgtagger.store.sqlite import altered_rules
from tgtagger.store.sqlite.schema_version import SCHEMA

pytestmark = pytest.mark.row("C1")


def altered(db: Path) -> list[str]:
    with closing(sqlite3.connect(db)) as raw:
        return altered_rules.tables(raw)


@pytest.mark.parametrize("revision", SCHEMA.revisions)
def test_an_archive_that_was_upgraded_has_the_rules_of_a_new_one(db: Path, revision: str) -> None:
    old_schemas.make(db, revision)
    assert altered(db) == []  # of an older version nothing is said
    with Store.open(str(db)):
        pass
    assert altered(db) == []


def test_a_file_that_recovery_made_has_them_too(db: Path, tmp_path: Path) -> None:
    old_schemas.make(db, SCHEMA.newest)
    Store.recover(str(db), tmp_path / "new.db", lambda *_: None)
    assert altered(tmp_path / "new.db") == []


def test_spaces_and_quotation_marks_are_no_difference(db: Path) -> None:
    old_schemas.make(db, SCHEMA.newest)
    with closing(sqlite3.connect(db, isolation_level=None)) as raw:
        raw.execute("PRAGMA writable_schema = ON")
        raw.execute("UPDATE sqlite_master SET sql = replace(sql, 'CHECK (', 'CHECK  (')")
        raw.execute("""UPDATE sqlite_master SET sql = replace(sql, ' source IN', ' "source" IN')""")
    assert altered(db) == []


@pytest.mark.parametrize(
    ("rule", "other"),
    [("'preview'", "'prewiew'"), ("'tagged'", "'tagged','x'"), ("CHECK (status", "CHECK (source")],
)
def test_another_rule_is_found(db: Path, rule: str, other: str) -> None:
    old_schemas.make(db, SCHEMA.newest)
    with closing(sqlite3.connect(db, isolation_level=None)) as raw:
        raw.execute("PRAGMA writable_schema = ON")
        assert raw.execute("SELECT 1 FROM sqlite_master WHERE instr(sql, ?)", [rule]).fetchone()
        raw.execute("UPDATE sqlite_master SET sql = replace(sql, ?, ?)", [rule, other])
    assert altered(db) == ["posts"]
