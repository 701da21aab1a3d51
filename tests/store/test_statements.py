"""What every SQL statement of the program keeps to."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

import tgtagger
from support.make import page, post
from support.statements import constants
from tgtagger.store import Store, selection, undo
from tgtagger.store.rooms import spelled
from tgtagger.store.sqlite import watching
from tgtagger.store.sqlite.connections import driver
from tgtagger.store.sqlite.room import SQLITE
from tgtagger.store.statements import Statement

SOURCES = sorted(Path(tgtagger.__file__).parent.rglob("*.py"))
POSITIONAL = re.compile(r'INSERT (?:OR \w+ )?INTO [\w{}.\[\]]+[" f\n]*(?:VALUES|SELECT)\b')


def test_every_insert_names_its_columns() -> None:
    found = [
        f"{path.name}: {match[0]}"
        for path in SOURCES
        for match in POSITIONAL.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


@pytest.mark.parametrize(
    "statement", ['"INSERT INTO tags VALUES (?)"', '"INSERT OR IGNORE INTO tags "\n  "SELECT 1"']
)
def test_an_insert_without_columns_is_seen(statement: str) -> None:
    assert POSITIONAL.search(statement)


ROOMS = ("store/sqlite/", "store/postgres/", "store/rescue/")
"""Where a kind of database may be named; what saves a damaged file belongs to SQLite, too."""

FORBIDDEN = {
    "a driver": r"^\s*(?:import|from) (?:sqlite3|psycopg)\b",
    "a name of a database": r"dialect\.name (?:==|!=|in)|(?:==|!=|in) [\"'(](?:sqlite|postgres)",
    "words of SQLite alone": r"PRAGMA|rowid|json_(?:array|extract|each|object|set|group)|GLOB|"
    r"typeof\(|strftime|INSERT OR|UPDATE OR|\biif\(|group_concat|->>|sqlite_|posts_fts|\?[1-9]\b",
    "a cursor": r"\.cursor\(|exec_driver_sql|driver_connection",
}
HOMES_OF_CURSORS = ("store/statements.py", "store/migration.py")


def faults(path: str, text: str) -> list[str]:
    """Return what a module outside of the rooms may not say; its docstrings may."""
    said = re.sub(r'"""(?!\n    WITH).*?"""', "", text, flags=re.DOTALL)
    wanted = {
        name: pattern
        for name, pattern in FORBIDDEN.items()
        if path not in HOMES_OF_CURSORS or name != "a cursor"
    }
    return [
        f"{path}: {name}: {found[0]}"
        for name, pattern in wanted.items()
        for found in re.finditer(pattern, said, re.MULTILINE)
    ]


def test_only_rooms_know_a_kind_of_database() -> None:
    root = Path(tgtagger.__file__).parent
    modules = {path.relative_to(root).as_posix(): path for path in SOURCES}
    found = [
        fault
        for name, path in modules.items()
        if name.startswith("store/") and not name.startswith(ROOMS)
        for fault in faults(name, path.read_text(encoding="utf-8"))
    ]
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "import sqlite3",
        'if db.dialect.name == "sqlite":',
        'if kind == "postgresql":',
        '"SELECT rowid FROM posts"',
        '"INSERT OR IGNORE INTO tags (id) VALUES (1)"',
        "\"SELECT json_extract(before, '$[1]')\"",
        '"SELECT ?1"',
        "db.connection.cursor()",
        "db.exec_driver_sql(sql)",
    ],
)
def test_what_only_rooms_may_say_is_seen(line: str) -> None:
    assert faults("store/tags.py", line)


def test_every_fixed_statement_can_be_run(store: Store) -> None:
    found = constants("postgres")
    assert len(found) > 250
    with store._database.write(dry_run=True) as db:
        watching.begin(db)  # makes the tables that some statements are about
        for made in (selection._CHOSEN, selection._CHOSEN_TAGS, undo._PICKED):
            made(db)
        raw = driver(db)
        for name, statement in found.items():
            sql, names, _ = statement._compile(db)
            if not sql.startswith(("CREATE", "DROP")):
                try:
                    raw.execute(f"EXPLAIN {sql}", [None] * len(names))
                except sqlite3.Error as error:
                    pytest.fail(f"{name}: {error}: {sql}")


def test_values_are_those_that_a_statement_names(store: Store) -> None:
    statement = Statement("SELECT :one, :two, :one")
    with store._database.read() as db:
        assert statement(db, one=1, two=2).fetchall() == [(1, 2, 1)]
        for values in ({"one": 1}, {"one": 1, "two": 2, "three": 3}):
            with pytest.raises(TypeError, match="values of"):
                statement(db, **values)


@pytest.mark.parametrize(
    ("sql", "spelled_as"),
    [
        ("SELECT listed(:ids)", "SELECT (SELECT value FROM json_each(:ids))"),
        ("list_of('a, (b', list_of(c))", "json_array('a, (b', json_array(c))"),
        ("contains(p.text, ':)') OR x", "(instr(p.text, ':)') > 0) OR x"),
        ("unlisted(1)", "unlisted(1)"),
    ],
)
def test_functions_of_our_own_are_spelled(sql: str, spelled_as: str) -> None:
    assert spelled(SQLITE, sql) == spelled_as


@pytest.mark.of_file
def test_rows_that_are_not_read_to_the_end_may_outlive_their_database(store: Store) -> None:
    store.posts.save_page(page(*(post(number) for number in range(1, 4))))
    with store._database.read() as db:
        rows = Statement("SELECT message_id FROM posts ORDER BY id").rows(db)
        assert next(rows)[0] == 1
    store.close()
    rows.close()  # as when they are forgotten
