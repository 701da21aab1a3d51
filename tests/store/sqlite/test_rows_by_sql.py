"""SQL sorts out the rows that are surely right: what is found is what Python alone finds."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.make import page, post, tag
from tgtagger.store import Store
from tgtagger.store.checks import check_of
from tgtagger.store.post_rows import text_hash
from tgtagger.store.rescue import row_check
from tgtagger.store.rescue.columns import columns
from tgtagger.store.sqlite.fits import has_type, is_told, surely_fit
from tgtagger.store.values import COLUMNS, Value

TEXTS = (
    b"",
    b"tagged",
    b"tagged\0",
    b"tagged\0\xff",
    b"desktop",
    b"human",
    b"two\nlines",
    b" ~",
    b"\x7f",
    "слово".encode(),
    "слово".encode() + b"\xff",
    b"\xff",
    b"\xc3",
    b"\xc1\x81",
    b"\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"2026-01-31T23:59:59Z",
    b"2026-01-31T23:59:59Z\0",
    b"2026-01-31T23:59:59Z ",
    b" 2026-01-31T23:59:59Z",
    b"2026-01-31 23:59:59Z",
    b"2026-01-31T23:59:59",
    b"2026-01-31T23:59:59+00:00",
    b"2026-02-29T00:00:00Z",
    b"2024-02-29T00:00:00Z",
    b"2026-04-31T00:00:00Z",
    b"2026-13-01T00:00:00Z",
    b"2026-00-10T00:00:00Z",
    b"2026-01-00T00:00:00Z",
    b"2026-01-01T24:00:00Z",
    b"2026-01-01T23:60:00Z",
    b"2026-01-01T23:59:60Z",
    b"0000-01-01T00:00:00Z",
    b"0001-01-01T00:00:00Z",
    b"9999-12-31T23:59:59Z",
    b"-2026-01-01T00:00:0Z",
    b"2026-01-31T23:59:59z",
    b"now",
    b"2461072.5",
    "٢٠٢٦-01-01T00:00:00Z".encode(),
    b"[]",
    b"{}",
    b"null",
    b"1",
    b'"x"',
    b"[1]",
    b'["x"]',
    b'{"x": 1}',
    b'{"x": "1"}',
    b"{",
    b"[NaN]",
    b'["\\ud800"]',
    b'[{"type": "photo"}]',
    b'[{"type": "photo", "duration": 1}]',
    b'[{"type": "photo", "size": 1.0}]',
    b'[{"type": 5}]',
    b'[{"type": "bold", "offset": 1, "length": 2}]',
    b'[{"type": "bold", "offset": 1}]',
    b'{"channel": null, "id": 1, "url": null, "channel_id": null}',
    b'{"x": 99999999999999999999999}',
    b"[[[[[[[[]]]]]]]]",
    b"0123456789abcdef",
    b"0123456789ABCDEF",
    b"0123456789abcdef\n",
    b"0123456789abcdef:0123456789abcdef",
    b"0123456789abcdef" * 2,
)
OTHERS = (None, 0, 1, -1, 2**63 - 1, -(2**63), 1.0, 1.5, -0.0, 1e300, float("inf"), b"", b"x\0\xff")
WORDS = sorted(
    {
        word.encode()
        for known in COLUMNS.values()
        for value in known.values()
        for word in value.allowed
    }
)
OTHERS_AS_BYTES = (b"tagged", b"2026-01-31T23:59:59Z", b"[]")


def values() -> Iterator[tuple[str, Any]]:
    """Yield SQL for a value, and its parameter."""
    for text in (*TEXTS, *WORDS):
        yield "CAST(? AS TEXT)", text
    for other in (*OTHERS, *OTHERS_AS_BYTES):
        yield "?", other


def every_rule() -> Iterator[tuple[str, Value]]:
    for table, known in COLUMNS.items():
        for name, value in known.items():
            yield f"{table}.{name}", value


@pytest.mark.parametrize(("column", "value"), list(every_rule()))
def test_sql_is_sure_of_what_is_right_alone(column: str, value: Value) -> None:
    holds = check_of(value)
    declared = value.kind.upper()
    with closing(sqlite3.connect(":memory:")) as db:
        db.text_factory = row_check.as_found
        db.execute(f"CREATE TABLE t (x {declared})")
        for given, parameter in values():
            db.execute("DELETE FROM t")
            db.execute(f"INSERT INTO t VALUES ({given})", [parameter])
            ((sure, typed, found),) = db.execute(
                f"SELECT ({surely_fit({'x': value})}) IS TRUE, {has_type('x', value)}, x FROM t"
            )
            right = holds(found)
            assert right or not sure, (column, found)
            if value.kind == "blob" and given != "?":
                continue  # bytes that came as text are in doubt, and right
            assert typed or not right, (column, found)
            if is_told(value):
                # Python from 3.14 on takes 24:00 for a time: that is in doubt, and right.
                assert bool(sure) is right or "T24" in str(found), (column, found)


def make(db: sqlite3.Connection, table: str, chance: random.Random, *, wrong: float) -> None:
    """Make a table of that name and its columns without any rule, with rows of any values."""
    known = COLUMNS[table]
    right = {
        name: [each for each in values() if is_right(each, value)] for name, value in known.items()
    }
    names = ", ".join(f'"{name}"' for name in known)
    db.execute(f"CREATE TABLE {table} ({names})")
    db.execute("CREATE TABLE posts_fts_texts (post_id INTEGER PRIMARY KEY, text, media_text)")
    every = list(values())
    for _ in range(60):
        row = {
            name: chance.choice(every if chance.random() < wrong else right[name]) for name in known
        }
        if table == "posts" and chance.random() < 0.9:
            text, media_text = (as_text(row[name]) for name in ("text", "media_text"))
            if isinstance(text, str) and not isinstance(media_text, bytes):
                row["text_hash"] = ("?", text_hash(text, media_text))
        db.execute(
            f"INSERT INTO {table} VALUES ({', '.join(sql for sql, _ in row.values())})",
            [parameter for _, parameter in row.values()],
        )


def as_text(given: tuple[str, Any]) -> Any:
    sql, value = given
    return row_check.as_found(value) if sql != "?" else value


def is_right(given: tuple[str, Any], value: Value) -> bool:
    return check_of(value)(as_text(given))


def by_python(db: sqlite3.Connection, table: str) -> tuple[int, str, int]:
    """Look at each value of each row, in Python alone."""
    found = columns(db, table)
    wrong = altered = 0
    place = ""
    with row_check.undecoded(db):
        for row in db.execute(f"SELECT * FROM {table}"):
            bad = next((at for at, each in enumerate(found) if not each.holds(row[at])), None)
            if bad is not None:
                wrong += 1
                place = place or f"{found[bad].name} of {row_check._place(found, row)}"
            elif table == "posts":
                facts = dict(zip((each.name for each in found), row, strict=True))
                text, media_text = facts["text"], facts["media_text"]
                altered += text_hash(text, media_text) != facts["text_hash"]
    return wrong, place, altered


@pytest.mark.parametrize("table", COLUMNS)
def test_the_same_rows_are_found_as_by_python_alone(table: str) -> None:
    kinds = set()
    for seed in range(6):
        wrong = (0.0, 0.002, 0.05)[seed % 3]
        with closing(sqlite3.connect(":memory:")) as db:
            make(db, table, random.Random(seed), wrong=wrong)
            expected = by_python(db, table)
            assert row_check.wrong_rows(db, table) == expected
            kinds.add(expected[0] > 0)
            if table == "posts":
                texts = row_check.texts(db, lambda _: None)
                assert (None if texts is None else texts[0]) == (
                    None if expected[0] else expected[2]
                )
    assert kinds == {False, True}


def test_most_rows_are_not_looked_at_by_python() -> None:
    """What SQL is sure of is sorted out by SQL: else it saves nothing."""
    row = (1, 0, 2, "llm", "model-1", "0123456789abcdef", None, 3, "2026-01-31T23:59:59Z")
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE TABLE post_tags ({', '.join(COLUMNS['post_tags'])})")
        db.execute(f"INSERT INTO post_tags VALUES ({', '.join('?' * len(row))})", row)
        sure = surely_fit(COLUMNS["post_tags"])
        assert db.execute(f"SELECT ({sure}) IS TRUE FROM post_tags").fetchone() == (1,)


def test_a_large_table_without_a_fault_tells_how_far_it_is() -> None:
    told: list[int] = []
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE album_members (channel_id, message_id, post_id)")
        db.executemany(
            "INSERT INTO album_members VALUES (1, ?, ?)", ((n, n) for n in range(20_000))
        )
        assert row_check.wrong_rows(db, "album_members", passed=told.append) == (0, "", 0)
    assert len(told) > 5
    assert told == sorted(told)


# ---- the search index, which is compared meanwhile

BREAKS: dict[str, Callable[[sqlite3.Connection], object]] = {
    "a word is gone": lambda raw: raw.execute(
        "INSERT INTO posts_fts (posts_fts, rowid, text, media_text) "
        "SELECT 'delete', id, text, media_text FROM posts WHERE message_id = 2"
    ),
    "a form is gone": lambda raw: raw.execute("DELETE FROM posts_fts_texts"),
    "a form is another": lambda raw: raw.execute("UPDATE posts_fts_texts SET text = 'other'"),
    "all of it is gone": lambda raw: raw.execute("DELETE FROM posts_fts_data"),
}


@pytest.fixture
def filled(store: Store) -> Store:
    folds = post(3, "и\u0306ог")
    store.posts.save_page(page(post(1, "text"), post(2, "words"), folds))
    tag(store, ["news"])
    return store


@pytest.mark.of_file
def test_the_index_is_compared_meanwhile(filled: Store) -> None:
    assert filled.integrity.check().index_agrees


@pytest.mark.of_file
@pytest.mark.parametrize("name", BREAKS)
def test_an_index_that_differs_does_not_agree(filled: Store, db: Path, name: str) -> None:
    with closing(sqlite3.connect(db)) as raw:
        BREAKS[name](raw)
        raw.commit()
    found = filled.integrity.check()
    assert (found.damage, found.index_agrees) == ((), False)


@pytest.mark.of_file
def test_while_somebody_writes_the_index_is_not_compared(filled: Store, db: Path) -> None:
    """Nobody is waited for: doctor compares it later, and waits then."""
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = filled.integrity.check()
        assert (found.damage, found.index_agrees) == ((), False)
    assert filled.integrity.check().index_agrees


@pytest.mark.of_file
def test_the_comparison_leaves_no_lock_and_the_log_as_it_is(filled: Store, db: Path) -> None:
    log = db.with_name(f"{db.name}-wal")
    before = log.read_bytes(), db.read_bytes()
    assert filled.integrity.check().index_agrees
    assert (log.read_bytes(), db.read_bytes()) == before
    with closing(sqlite3.connect(db, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
