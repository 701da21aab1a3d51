"""The search index out of step with the posts, or in pieces: doctor makes it anew (C4)."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support.fault_matrix import Effort
from support.make import page, post, tag
from support.sql import reading
from tgtagger.cli import app
from tgtagger.errors import StoreError
from tgtagger.model.posts import ServiceMessage
from tgtagger.store import Store
from tgtagger.store.sqlite import fulltext_index

pytestmark = pytest.mark.row("C4")

ONE = "(SELECT max(id) FROM posts WHERE channel_id = 1006503122 AND text LIKE '%museum%')"
NO_INDEX = ("DROP TABLE posts_fts_terms", "DROP TABLE posts_fts")
BROKEN: dict[str, tuple[str, ...]] = {
    "a post is gone": (
        "PRAGMA foreign_keys = ON",
        f"DELETE FROM raw_forms WHERE post_id = {ONE}",
        f"DELETE FROM posts WHERE id = {ONE}",
    ),
    "a post is not in it": (
        """
        INSERT INTO posts_fts (posts_fts, rowid, text, media_text)
        SELECT 'delete', id, text, media_text FROM posts WHERE message_id = 250
        """,
    ),
    "a part of the words is gone": ("DELETE FROM posts_fts_data WHERE id > 10",),
    "it lies in other pages than it says": (
        "DELETE FROM posts_fts_idx WHERE pgno = (SELECT max(pgno) FROM posts_fts_idx)",
    ),
    "all is gone": NO_INDEX,
    "its list of words is gone": ("DROP TABLE posts_fts_terms",),
    "its parts are empty": ("DELETE FROM posts_fts_data",),
    "its words are noise": (
        "UPDATE posts_fts_data SET block = randomblob(length(block)) WHERE id > 10",
    ),
    "its settings are gone": ("DELETE FROM posts_fts_config",),
    "its sizes are gone": ("DELETE FROM posts_fts_docsize",),
    **{f"{table} is gone": (f"DROP TABLE {table}",) for table in fulltext_index.TABLES},
}


def call(db: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--db", str(db), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), arguments
    return result.exit_code, result.stdout + result.stderr


def found(db: Path) -> list[tuple[int, int]]:
    code, output = call(db, "search", "museum", "--json", "--limit", "1000")
    assert code == 0, output
    records = [json.loads(line) for line in output.splitlines()]
    return [(record["channel"]["id"], record["id"]) for record in records]


def test_doctor_makes_a_broken_index_anew(whole: Path, db: Path, effort: Effort) -> None:
    for name in list(BROKEN)[: effort.rounds(5, long=len(BROKEN))]:
        for file in db.parent.glob("posts.db*"):
            file.unlink()
        shutil.copy(whole, db)
        with closing(sqlite3.connect(db)) as raw:
            for statement in BROKEN[name]:
                raw.execute(statement)
            raw.commit()
        code, _ = call(db, "search", "museum")  # whatever it finds: it does not fall over
        assert code in {0, 6}, name
        code, told = call(db, "doctor")
        assert (code, "the search index differed from the posts" in told) == (0, True), name
        assert "it was rebuilt" in told
        code, told = call(db, "doctor")
        assert (code, "the search index agrees with the posts" in told) == (0, True), name
        after, before = found(db), found(whole)
        gone = set(before) - set(after)
        assert after == [each for each in before if each not in gone], name
        assert len(gone) == (name == "a post is gone"), name


def test_what_is_lost_of_the_posts_is_no_matter_of_the_index(whole: Path, db: Path) -> None:
    """An index that differs from posts that are damaged themselves is a witness, and stays."""
    shutil.copy(whole, db)
    with closing(sqlite3.connect(db)) as raw:
        raw.execute("UPDATE posts SET text = 'other' WHERE message_id = 50")
        raw.commit()
    before = db.read_bytes()
    code, told = call(db, "doctor")
    assert code == 6
    assert "it was rebuilt" not in told
    assert db.read_bytes() == before


def test_the_index_that_is_made_anew_is_the_one_of_the_migrations(whole: Path, db: Path) -> None:
    shutil.copy(whole, db)

    def made() -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(db)) as raw:
            rows = raw.execute(
                "SELECT name, sql FROM sqlite_master WHERE name LIKE 'posts_fts%' ORDER BY name"
            ).fetchall()
            rows += raw.execute("SELECT * FROM posts_fts_config ORDER BY k").fetchall()
        return [tuple("".join(str(part).split()) for part in row) for row in rows]

    before = made()
    with closing(sqlite3.connect(db, isolation_level=None)) as raw:
        for statement in NO_INDEX:
            raw.execute(statement)
        fulltext_index.rebuild(raw)
    assert made() == before


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE posts_fts",
        "DELETE FROM posts_fts_config",
        "DROP TABLE raw_forms",
        "DROP TABLE service_messages",
    ],
)
def test_no_post_is_rejected_for_what_is_missing_in_the_database(db: Path, sql: str) -> None:
    """A rejected post counts as read: it would never come again."""
    with Store.open(str(db)) as store:
        store.posts.save_page(page(post(1, "one")))
    with closing(sqlite3.connect(db)) as raw:
        raw.execute(sql)
        raw.commit()
    service = ServiceMessage(3, None, "pin_message")
    with Store.open(str(db)) as store:
        with pytest.raises(StoreError, match="is damaged: "):
            store.posts.save_page(page(post(2, "two"), service=(service,)))
        with reading(store) as raw:
            assert raw.execute("SELECT count(*) FROM rejected_posts").fetchone() == (0,)


def test_no_answer_is_dropped_for_what_is_missing_in_the_database(db: Path) -> None:
    with Store.open(str(db)) as store:
        store.posts.save_page(page(post(1, "one")))
        with closing(sqlite3.connect(db)) as raw:
            raw.execute("DROP TABLE tag_aliases")
        with pytest.raises(StoreError, match="is damaged: the table tag_aliases is missing"):
            tag(store, ["new"])


def test_tables_of_other_programs_are_no_damage(db: Path) -> None:
    with Store.open(str(db)) as store:
        store.posts.save_page(page(post(1, "one")))
    with closing(sqlite3.connect(db)) as raw:
        raw.executescript(
            'CREATE TABLE "my notes" (at DATETIME, x, added_at TEXT);'
            "INSERT INTO \"my notes\" VALUES (1, x'ff', 'yesterday');"
            "ALTER TABLE posts ADD COLUMN rating; UPDATE posts SET rating = 5;"
        )
    result = CliRunner().invoke(app, ["--db", str(db), "doctor"])
    assert (result.exit_code, result.exception) == (0, None), result.output
