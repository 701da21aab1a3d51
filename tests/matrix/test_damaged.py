"""A damaged database: every command says so or does its work, and writes over nothing (C1).

Damage is done to bytes anywhere in the file, and to single values, which SQLite reads as they are.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from support.breaking import assert_clean_end, run
from support.damage import damaged, page_of, set_value, write_over, wrong_values
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.make import page, post
from support.sql import reading
from tgtagger.cli import app
from tgtagger.errors import StoreError, TgTaggerError
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.store.sqlite import opening

pytestmark = pytest.mark.row("C1")

READING: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("status", "--json"),
    ("search",),
    ("search", "storm", "--limit", "50", "--sort", "relevance"),
    ("show", "news/50"),
    ("export",),
    ("export", "--format", "csv"),
    ("export", "--format", "json", "--query", "storm"),
    ("export", "--format", "rss"),
    ("export", "--format", "md", "-o", "{folder}"),
    ("export", "--format", "html", "-o", "{folder}"),
    ("tags",),
    ("tags", "--unused"),
    ("tags", "suggest"),
    ("tags", "export-vocabulary"),
    ("channels",),
    ("config",),
)
WRITING: tuple[tuple[str, ...], ...] = (
    ("tag",),
    ("retry-failed", "--force"),
    ("sync",),
    ("tags", "rename", "storm", "tempest"),
    ("tags", "merge", "tram", "garden", "--into", "valley"),
    ("tags", "add", "news/50", "seen"),
    ("tags", "undo", "1"),
    ("channels", "remove", "news", "--with-posts", "--yes"),
)
MENDED = ("it was rebuilt", "they were counted again")
"""How `doctor` says that it has written what is made of the posts alone."""


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export that adds posts, and changes others."""
    messages = [message(n, f"brand new {n}") for n in (*range(200, 220), *range(1000, 1020))]
    return write(tmp_path_factory.mktemp("export"), chat(*messages, username="news"))


def put(db: Path, data: bytes) -> None:
    for file in db.parent.glob(f"{db.name}*"):
        file.unlink()
    db.write_bytes(data)


def call(db: Path, arguments: Sequence[str]) -> Result:
    folder = db.with_name("folder")
    shutil.rmtree(folder, ignore_errors=True)
    given = [part.format(folder=folder) for part in arguments]
    result = CliRunner().invoke(app, ["--db", str(db), *given])
    error = result.exception
    assert error is None or isinstance(error, SystemExit), (arguments, repr(error))
    if result.exit_code and arguments[0] != "doctor":
        # A post that fails alone is told as such: the others are tagged.
        is_told = "error: " in result.stderr or (
            result.exit_code == 5 and "failed: 1 post" in result.stderr
        )
        assert is_told, arguments
    return result


def is_refused(db: Path) -> bool:
    try:
        opening.look(db)
    except TgTaggerError:
        return True
    return False


def assert_every_command_ends_well(db: Path, export: Path) -> set[int]:
    """Call all commands on the same file; return their exit codes."""
    data = db.read_bytes()
    refused = is_refused(db)
    codes = set()
    for arguments in (*READING, ("doctor",), *WRITING, ("parse", str(export))):
        put(db, data)
        result = call(db, arguments)
        code = result.exit_code
        codes.add(code)
        mended = any(words in result.stdout for words in MENDED)
        reads = arguments in READING or (arguments == ("doctor",) and not mended)
        assert code in ({0, 2, 6} if reads else {0, 2, 3, 5, 6, 75}), (arguments, result.stderr)
        if refused and arguments != ("config",):
            assert code == 6, arguments
        if reads or refused:
            assert db.read_bytes() == data, arguments
        if refused:
            assert [file.name for file in db.parent.glob("posts.db*")] == ["posts.db"], arguments
    return codes


def test_no_command_falls_over_a_damaged_file(
    whole: Path, export: Path, db: Path, effort: Effort
) -> None:
    data = whole.read_bytes()
    found = 0
    for seed in range(effort.rounds(4, long=500)):
        put(db, damaged(data, seed + 3))
        found += 6 in assert_every_command_ends_well(db, export)
    effort.saw(noticed=found)


GONE = {
    "a tag": "DELETE FROM tags WHERE id = (SELECT max(tag_id) FROM post_tags)",
    "a channel": "DELETE FROM channels WHERE id = (SELECT max(channel_id) FROM posts)",
    "a post": "DELETE FROM posts WHERE id = (SELECT max(post_id) FROM post_tags)",
    "links of a post": "DELETE FROM post_tags WHERE post_id = (SELECT max(post_id) FROM post_tags)",
}


@pytest.mark.parametrize("behind_its_indexes", [False, True])
@pytest.mark.parametrize("statement", GONE.values(), ids=GONE)
def test_no_command_falls_over_a_row_that_is_gone(
    whole: Path, export: Path, db: Path, statement: str, *, behind_its_indexes: bool
) -> None:
    """What names it is still there: a link, a post, or an index."""
    shutil.copy(whole, db)
    hidden: list[tuple[object, ...]] = []
    chosen = "FROM sqlite_master WHERE type = 'index' AND sql <> '' AND tbl_name = ?"
    if behind_its_indexes:
        with closing(sqlite3.connect(db, isolation_level=None)) as raw:
            raw.execute("PRAGMA writable_schema = ON")
            table = [statement.split()[2]]
            hidden = raw.execute(f"SELECT * {chosen}", table).fetchall()
            raw.execute(f"DELETE {chosen}", table)
    with closing(sqlite3.connect(db, isolation_level=None)) as raw:
        raw.execute("PRAGMA writable_schema = ON")
        assert raw.execute(statement).rowcount
        raw.executemany("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", hidden)
    assert_every_command_ends_well(db, export)


@pytest.mark.parametrize(
    ("rule", "flipped"),
    [("'desktop'", "'desktgp'"), ("'pending'", "'pendinf'"), ("media IS NULL", "media IS NOLL")],
)
def test_an_altered_rule_rejects_no_post(
    whole: Path, export: Path, db: Path, rule: str, flipped: str
) -> None:
    """A rejected post counts as read: what a flipped bit refuses would never come again."""
    shutil.copy(whole, db)
    with closing(sqlite3.connect(db, isolation_level=None)) as raw:
        raw.execute("PRAGMA writable_schema = ON")
        changed = "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = 'posts'"
        raw.execute(changed, [rule, flipped])
    before = db.read_bytes()
    result = call(db, ["parse", str(export)])
    assert result.exit_code == 6
    assert "is damaged" in result.stderr
    assert db.read_bytes() == before


def test_no_command_falls_over_a_wrong_value(
    whole: Path, export: Path, db: Path, effort: Effort
) -> None:
    values = list(wrong_values(whole))
    random.Random(3).shuffle(values)
    hard = [
        ("posts", "media", "'[{\"type\": 5}]'"),
        ("posts", "status", "'no'"),
        ("runs", "prompt", "x'00ff'"),
        ("tag_queue", "attempts", "1e300"),
    ]
    for table, column, value in [*hard, *values][: effort.rounds(6, long=len(values) + len(hard))]:
        shutil.copy(whole, db)
        if set_value(db, table, column, value):
            assert_every_command_ends_well(db, export)
        put(db, b"")


def test_the_same_as_real_processes(whole: Path, export: Path, db: Path, effort: Effort) -> None:
    data = whole.read_bytes()
    commands = (("status",), ("export",), ("doctor",), ("tag",), ("parse", str(export)))
    for seed in range(effort.rounds(1, long=20)):
        for arguments in commands if effort.is_long else commands[seed : seed + 2]:
            put(db, damaged(data, seed + 3))
            ended = run("--db", str(db), *arguments, env={"NO_COLOR": "1"})
            if arguments == ("doctor",):  # it says on stdout what it found
                assert ended.code in {0, 2, 6}
                assert not ended.errors
            else:
                assert_clean_end(ended, 0, 2, 3, 5, 6, 75)


# ---- what is said


def test_doctor_names_what_is_damaged_and_what_to_do(whole: Path, db: Path) -> None:
    shutil.copy(whole, db)
    write_over(db, page_of(db, "attempts"), b"\x77" * 2000)
    data = db.read_bytes()
    result = call(db, ["doctor"])
    assert result.exit_code == 6
    assert "damaged: attempts: " in result.stdout
    assert "doctor --recover FILE" in result.stdout
    assert "damaged: posts" not in result.stdout
    assert db.read_bytes() == data


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE posts SET text = 'other' WHERE message_id = 250", "altered: 1 post: its text"),
        ("UPDATE posts SET date = 'no' WHERE message_id = 60", "such as date of channel_id 100"),
        ("DELETE FROM channels WHERE username = 'news'", "without what it belongs to in channels"),
        ("DELETE FROM posts WHERE message_id = 70", "raw_forms: a row without what it belongs to"),
        ("ALTER TABLE attempts DROP COLUMN error", "attempts: its column error is missing"),
        ("DROP TABLE removed_tags", "the table removed_tags is missing"),
    ],
)  # fmt: skip
def test_doctor_finds_what_is_no_page(whole: Path, db: Path, change: str, words: str) -> None:
    shutil.copy(whole, db)
    with closing(sqlite3.connect(db)) as raw:
        raw.execute(change)
        raw.commit()
    result = call(db, ["doctor"])
    assert result.exit_code == 6
    assert words in result.stdout
    assert "doctor --recover FILE" in result.stdout


@pytest.mark.parametrize("command", ["export", "search", "tag"])
def test_no_word_of_a_damaged_post_is_shown(whole: Path, db: Path, command: str) -> None:
    shutil.copy(whole, db)
    canary = b"secret words " + b"\xff" * 3
    with closing(sqlite3.connect(db)) as raw:
        raw.execute(
            "UPDATE posts SET text = CAST(? AS TEXT), status = 'pending' WHERE id = "
            "(SELECT max(id) FROM posts)",
            (canary,),
        )
        raw.execute("INSERT OR IGNORE INTO tag_queue (post_id) SELECT max(id) FROM posts")
        raw.commit()
    result = call(db, ["-vv", command])
    assert result.exit_code == 6
    assert "a value in posts cannot be: text of channel_id" in result.stderr
    assert "secret" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("posts", "author"), ("posts", "markdown"), ("posts", "text"), ("tags", "name"),
        ("channels", "title"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_text_are_not_exported(
    whole: Path, db: Path, table: str, column: str
) -> None:
    shutil.copy(whole, db)
    with closing(sqlite3.connect(db)) as raw:
        raw.execute(f"UPDATE {table} SET {column} = CAST(x'41ff' AS TEXT)")
        raw.commit()
    result = call(db, ["export", "--limit", "1"])
    assert (result.exit_code, result.stdout) == (6, "")


def test_a_bug_of_a_caller_is_not_taken_for_damage(whole: Path, db: Path) -> None:
    """Only the database's own errors send the check through the file, which finds this damage."""
    shutil.copy(whole, db)
    set_value(db, "runs", "command", "x'00ff'")
    for bug in (KeyError("a face"), OSError("a target"), sqlite3.OperationalError("a session")):
        with Store.open_to_read(str(db)) as store:
            with pytest.raises(type(bug)) as caught, store.select(PostFilter()) as selection:
                assert selection.count
                raise bug
            assert caught.value is bug
            for _ in store.records.posts(PostFilter(limit=3)):
                with pytest.raises(type(bug)):
                    raise bug
    with Store.open(str(db)) as store, pytest.raises(sqlite3.ProgrammingError):
        store.runs.start(object())  # type: ignore[arg-type]
    with Store.open(str(db)) as store, pytest.raises(StoreError, match="command"):
        store.status.archive()


def test_what_was_committed_before_the_damage_was_met_stays(db: Path, tmp_path: Path) -> None:
    with Store.open(str(db)) as store:
        store.posts.save_page(page(*(post(n, f"words {n} " * 20) for n in range(1, 600))))
        store.channels.save(page().channel)
    write_over(db, page_of(db, "posts", share=0.1), b"\x00" * 4000)
    new = [message(n, f"new {n}", username="news") for n in range(1000, 1100)]
    old = [message(n, f"edited {n}") for n in range(1, 600)]
    paths = [
        str(write(tmp_path / name, chat(*messages, username="news")))
        for name, messages in (("new", new), ("old", old))
    ]
    ended = run("--db", str(db), "parse", *paths)
    assert_clean_end(ended, 6)
    assert "is damaged" in ended.errors
    with Store.open_to_read(str(db)) as store:
        assert store.records.post("news/1000").post.text == "new 1000"
        with reading(store) as raw_:
            ended_with = raw_.execute("SELECT exit_code FROM runs").fetchall()
    assert ended_with == [(6,)]
