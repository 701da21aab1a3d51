"""doctor --recover: what can be read of a damaged database is saved, and nothing is made up (C1).

Compared with what the file held before it was damaged, row by row; and, where the sqlite3 shell is
installed, with how much its own `.recover` reads.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
import subprocess
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from support import old_schemas
from support.breaking import Fault, assert_clean_end, assert_sound, run
from support.damage import PAGE, damaged, leaves_of, page_of, write_over
from support.exports import write
from support.fault_matrix import Effort
from support.make import page, post
from support.next_version import NEXT
from tgtagger.cli import app
from tgtagger.store import Store
from tgtagger.store.rescue import recovery
from tgtagger.store.rescue.mend import DAMAGED
from tgtagger.store.sqlite.file_format import PageFile

pytestmark = pytest.mark.row("C1")

Rows = dict[str, dict[tuple[Any, ...], dict[str, Any]]]
"""The rows of each table by their keys."""

CONTENT = (
    "channel_id message_id size date edited deleted text media_text markdown entities media views "
    "forwards replies reactions forward reply_to reply author grouped_id source text_hash"
).split()
FORGOTTEN = {"readings", "unread_ranges"}  # on purpose, where posts may be missing
HASHED = ["text", "media_text"]


def rows_of(db: Path) -> Rows:
    found: Rows = {}
    with closing(sqlite3.connect(db)) as raw:
        raw.row_factory = sqlite3.Row
        tables = [
            name
            for (name,) in raw.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%_fts%' "
                "AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'tag_uses%' "
                "AND name NOT IN ('alembic_version', 'tag_queue', 'claimed_texts', "
                "'run_origins', 'read_exports')"
            )
        ]
        for table in tables:
            info = raw.execute(f"PRAGMA table_info({table})").fetchall()
            keys = [column["name"] for column in info if column["pk"]]
            found[table] = {
                tuple(row[key] for key in keys): dict(row)
                for row in raw.execute(f"SELECT * FROM {table}")
            }
    return found


def recover(db: Path, target: Path) -> tuple[Result, dict[str, Any]]:
    def files() -> dict[str, bytes]:
        found = [file for file in db.parent.glob(f"{db.name}*") if file.is_file()]
        return {file.name: file.read_bytes() for file in found if file.suffix != ".lock"}

    before = files()
    target.unlink(missing_ok=True)
    result = CliRunner().invoke(
        app, ["--db", str(db), "doctor", "--recover", str(target), "--json"]
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert files() == before
    if result.exit_code in {0, 5}:
        assert target.stat().st_mode & 0o777 == 0o600
        assert_sound(target)
        return result, json.loads(result.stdout)
    assert "error: " in result.stderr
    assert list(target.parent.glob(f"*{target.name}*")) == []
    return result, {}


def compare(whole: Rows, target: Path, told: dict[str, Any]) -> dict[str, int]:
    """Check that every row is the one of before, or says that it is not; return counts."""
    saved = rows_of(target)
    seen = {"saved": 0, "lost": 0, "marked": 0, "altered": 0, "invented": 0}
    said = {item["table"]: item for item in told["tables"]}
    for table, rows in saved.items():
        missing = whole[table].keys() - rows.keys()
        if table not in FORGOTTEN:
            item = said[table]
            assert item["saved"] == len(rows)
            # Of a key that was flipped into another, and is as good, nothing can be said.
            flipped = len(rows.keys() - whole[table].keys())
            assert not item["knows_all"] or item["lost"] + flipped >= len(missing), table
        for key, row in rows.items():
            seen["saved"] += 1
            old = whole[table].get(key)
            if old is None:
                seen["invented"] += 1
                assert table not in {"posts", "raw_forms"}, (table, key)
            elif table == "posts" and row["problem"] == DAMAGED != old["problem"]:
                seen["marked"] += 1
            elif table == "posts":
                assert [row[n] for n in HASHED] == [old[n] for n in HASHED], key
                seen["altered"] += any(row[name] != old[name] for name in CONTENT)
            else:
                seen["altered"] += row != old
        seen["lost"] += len(missing)
    assert told["complete"] == (told["restored"] == told["marked"] == 0 and not any(
        item["lost"] or not item["knows_all"] for item in told["tables"]
    ))  # fmt: skip
    return seen


def shell_reads(db: Path, folder: Path) -> int:
    """Return how many posts the sqlite3 shell recovers; -1 where it is not installed."""
    if shutil.which("sqlite3") is None:
        return -1
    target = folder / "shell.db"
    target.unlink(missing_ok=True)
    script = subprocess.run(["sqlite3", str(db), ".recover"], capture_output=True, check=False)
    subprocess.run(["sqlite3", str(target)], input=script.stdout, capture_output=True, check=False)
    try:
        with closing(sqlite3.connect(target)) as raw:
            (count,) = raw.execute("SELECT count(*) FROM posts").fetchone()
            return int(count)
    except sqlite3.Error:
        return 0


def test_what_can_be_read_is_saved_as_it_was(
    whole: Path, tmp_path: Path, db: Path, effort: Effort
) -> None:
    before, data = rows_of(whole), whole.read_bytes()
    target = tmp_path / "saved.db"
    total = sum(map(len, before.values()))
    for seed in range(effort.rounds(6, long=500)):
        db.write_bytes(damaged(data, seed + 5))
        result, told = recover(db, target)
        if result.exit_code == 6:  # cut off so early that no row is left
            assert db.stat().st_size < 20 * PAGE
            continue
        seen = compare(before, target, told)
        effort.saw(**{f"rows_{name}": count for name, count in seen.items()}, rows_were=total)
        if effort.is_long:
            yardstick = shell_reads(db, tmp_path)
            effort.saw(posts_by_the_shell=max(yardstick, 0))
            assert len(rows_of(target)["posts"]) >= yardstick * 0.98


def pages_of(db: Path, wanted: Callable[[Any], bool]) -> list[int]:
    with PageFile(db) as file:
        return [n for n in range(2, file.count + 1) if wanted(file.page(n))]


def is_inner(page: Any) -> bool:
    return page is not None and page.kind in {2, 5}


HEADERS: dict[str, tuple[int, bytes]] = {
    "no magic": (0, b"hello"),
    "no header": (0, bytes(100)),
    "another page size": (16, struct.pack(">H", 8192)),
    "an impossible page size": (16, b"\0\0"),
    "a list of free pages that leads into a table": (32, struct.pack(">2I", 5, 9)),
    "bytes left out on each page": (20, b"\x40"),
    "another text encoding": (56, struct.pack(">I", 2)),
    "no list of tables": (0, bytes(PAGE)),
}


def test_no_part_of_the_file_is_needed_to_find_the_rest(
    whole: Path, tmp_path: Path, db: Path, effort: Effort
) -> None:
    before = rows_of(whole)
    posts = len(before["posts"])
    names = list(HEADERS)
    for name in names[-effort.rounds(3, long=len(names)) :]:
        shutil.copy(whole, db)
        at, data = HEADERS[name]
        write_over(db, 1, data, at)
        _, told = recover(db, tmp_path / "saved.db")
        compare(before, tmp_path / "saved.db", told)
        saved = {item["table"]: item["saved"] for item in told["tables"]}
        assert (saved["posts"], saved["post_tags"]) == (posts, len(before["post_tags"])), name
    # The pages between the roots and the leaves of every tree, and the list of tables.
    for number in [1, *pages_of(whole, is_inner)]:
        write_over(db, number, bytes(PAGE))
    _, told = recover(db, tmp_path / "saved.db")
    compare(before, tmp_path / "saved.db", told)
    saved = {item["table"]: item["saved"] for item in told["tables"]}
    assert saved["posts"] == posts
    assert saved["post_tags"] > 0.9 * len(before["post_tags"])


def zero(db: Path, *places: tuple[str, float]) -> None:
    numbers = [page_of(db, table, share=share) for table, share in places]
    for number in numbers:
        write_over(db, number, bytes(PAGE))


def test_a_post_whose_row_is_gone_is_made_of_its_raw_form(
    whole: Path, tmp_path: Path, db: Path
) -> None:
    shutil.copy(whole, db)
    zero(db, ("posts", 0.3))
    _, told = recover(db, tmp_path / "saved.db")
    compare(rows_of(whole), tmp_path / "saved.db", told)
    assert told["restored"] > 3
    assert {item["table"]: item["lost"] for item in told["tables"]}["posts"] == 0
    assert told["to_read"] == ["@news"]
    again = rows_of(tmp_path / "saved.db")["posts"]
    before = rows_of(whole)["posts"]
    assert all(row["text"] == before[key]["text"] for key, row in again.items())
    # A raw form knows no status: a post made of one waits for its tags again.
    other = [row for key, row in again.items() if row["status"] != before[key]["status"]]
    assert {row["status"] for row in other} == {"pending"}
    assert len(other) <= told["restored"]


def test_reading_an_export_again_fills_the_gaps(whole: Path, tmp_path: Path, db: Path) -> None:
    shutil.copy(whole, db)
    target = tmp_path / "saved.db"
    write_over(db, page_of(db, "posts", share=0.5), b"#" * 300, 3000)
    forms = leaves_of(db, "raw_forms")
    zero(db, ("posts", 0.3), ("posts", 0.6))
    for number in forms:
        write_over(db, number, bytes(PAGE))
    result, told = recover(db, target)
    assert result.exit_code == 5
    assert {item["table"]: item["lost"] for item in told["tables"]}["posts"] > 0
    before = rows_of(whole)["posts"]
    export = json.loads((whole.parent / f"{whole.name}-export" / "result.json").read_text())
    again = CliRunner().invoke(
        app, ["--db", str(target), "parse", str(write(tmp_path / "export", export))]
    )
    assert again.exit_code == 0, again.stderr
    assert_sound(target)
    after = rows_of(target)["posts"]
    texts = {(row["channel_id"], row["message_id"]): row["text"] for row in after.values()}
    for row in before.values():
        if row["channel_id"] == 1006503122:
            assert texts[row["channel_id"], row["message_id"]] == row["text"]
    assert not [row for row in after.values() if row["problem"] == DAMAGED]


def test_what_a_source_has_read_is_forgotten_where_posts_are_missing(
    whole: Path, tmp_path: Path, db: Path
) -> None:
    target = tmp_path / "saved.db"
    shutil.copy(whole, db)
    result, told = recover(db, target)
    assert (result.exit_code, told["to_read"]) == (0, [])
    assert rows_of(target)["unread_ranges"] == rows_of(whole)["unread_ranges"]
    # The newest posts are those of the private channel.
    zero(db, ("posts", 1.0), ("raw_forms", 1.0))
    _, told = recover(db, target)
    assert told["to_read"] == ["Записки обсерватории"]
    readings = rows_of(target)["readings"]
    assert {channel for channel, _ in readings} == {-4005001}
    # Where it cannot be known which posts there were, everything is read anew.
    zero(db, ("sqlite_autoindex_posts_1", 0.5))
    _, told = recover(db, target)
    assert len(told["to_read"]) == 3
    assert rows_of(target)["readings"] == rows_of(target)["unread_ranges"] == {}


def test_a_lost_channel_and_lost_tags_take_nothing_along(
    whole: Path, tmp_path: Path, db: Path
) -> None:
    target = tmp_path / "saved.db"
    shutil.copy(whole, db)
    zero(db, ("channels", 0), ("tags", 0))
    _, _ = recover(db, target)
    before, after = rows_of(whole), rows_of(target)
    assert after["posts"].keys() == before["posts"].keys()
    assert {row["title"] for row in after["channels"].values()} == {
        "channel 1006503122", "channel 1500000001", "channel 4005001"}  # fmt: skip
    assert after["post_tags"].keys() == before["post_tags"].keys()  # the index knows the names
    assert {row["key"] for row in after["tags"].values()} <= {
        row["key"] for row in before["tags"].values()
    }


# ---- the file, and what lies beside it


def test_the_commits_in_the_log_are_saved(tmp_path: Path) -> None:
    db, target = tmp_path / "posts.db", tmp_path / "saved.db"
    with Store.open(str(db)) as store:
        store.posts.save_page(page(*(post(n, f"words {n}") for n in range(1, 50))))
        wal = db.with_name("posts.db-wal").read_bytes()
        data = db.read_bytes()
    copy = tmp_path / "copy" / "posts.db"
    copy.parent.mkdir()
    copy.write_bytes(data)
    copy.with_name("posts.db-wal").write_bytes(wal + b"torn" * 300)
    _, told = recover(copy, target)
    assert told["complete"]
    assert len(rows_of(target)["posts"]) == 49
    copy.write_bytes(b"")  # all that is left is the log
    _, told = recover(copy, target)
    assert len(rows_of(target)["posts"]) == 49


def test_what_was_not_committed_is_not_saved(whole: Path, tmp_path: Path) -> None:
    db, target = tmp_path / "copy" / "posts.db", tmp_path / "saved.db"
    db.parent.mkdir()
    source = tmp_path / "posts.db"
    shutil.copy(whole, source)
    with closing(sqlite3.connect(source, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
        raw.execute("PRAGMA cache_size = 2")  # so that pages go to the file before the commit
        raw.execute("BEGIN")
        raw.execute("UPDATE posts SET text = 'not committed ' || text")
        raw.execute("DELETE FROM posts WHERE id % 3 = 0")
        for end in ("", "-journal"):
            shutil.copy(f"{source}{end}", f"{db}{end}")
        raw.execute("ROLLBACK")
    _, told = recover(db, target)
    assert told["complete"]
    assert rows_of(target) == rows_of(whole)


@pytest.mark.parametrize("version", NEXT.revisions)
def test_an_older_schema_is_recovered_and_brought_up_to_date(
    db: Path, tmp_path: Path, version: str
) -> None:
    old_schemas.make(db, version, rows=0)
    with closing(sqlite3.connect(db)) as raw:
        raw.execute(
            "INSERT INTO channels (id, title, kind, added_at) "
            "VALUES (1, 'News', 'channel', '2026-01-01T00:00:00Z')"
        )
        raw.execute(
            "INSERT INTO posts (id, channel_id, message_id, text, source, text_hash, added_at) "
            "VALUES (1, 1, 1, '', 'desktop', '4f7a2b0d8e2bb8a1', '2026-01-01T00:00:00Z')"
        )
        raw.commit()
    write_over(db, page_of(db, "runs"), b"#" * 50)
    target = tmp_path / "saved.db"
    tables = recovery.recover(db, target, lambda _: None, NEXT).tables
    saved = {table.name: table.saved for table in tables}
    assert (saved["channels"], saved["posts"]) == (1, 1)
    with Store.open_to_read(str(target), schema=NEXT) as store:
        assert store.status.channels()[0].channel.title == "News"


def refused(db: Path, target: Path) -> Result:
    result = CliRunner().invoke(app, ["--db", str(db), "doctor", "--recover", str(target)])
    assert isinstance(result.exception, SystemExit)
    assert "error: " in result.stderr
    return result


def test_a_target_that_cannot_be_is_refused(whole: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.write_bytes(b"mine")
    log = tmp_path / "log.db"
    log.with_name("log.db-wal").write_bytes(b"mine")
    for target in (there, log, tmp_path, tmp_path / "no" / "folder.db", whole):
        assert refused(whole, target).exit_code == 2
    assert there.read_bytes() == b"mine"
    assert not log.exists()
    assert refused(tmp_path / "none.db", tmp_path / "new.db").exit_code == 2


def foreign(db: Path) -> None:
    with closing(sqlite3.connect(db)) as raw:
        raw.execute("CREATE TABLE theirs (x)")


def newer(db: Path) -> None:
    Store.open(str(db)).close()
    with closing(sqlite3.connect(db)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (foreign, "another program"),
        (newer, "newer tgtagger (schema 9999"),
        (lambda db: db.write_bytes(b"hello " * 9000), "can be saved"),
        (lambda db: db.write_bytes(bytes(90_000)), "can be saved"),
        (lambda db: db.write_bytes(b""), "can be saved"),
    ],
)
def test_what_is_no_archive_is_not_recovered(
    db: Path, tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    make(db)
    result = refused(db, tmp_path / "saved.db")
    assert result.exit_code == 6
    assert words in result.stderr
    assert not (tmp_path / "saved.db").exists()


def test_nothing_is_recovered_while_a_run_is_at_work(whole: Path, tmp_path: Path) -> None:
    with Store.open(str(whole)) as store, store.lock("tag"):
        assert refused(whole, tmp_path / "saved.db").exit_code == 75


@pytest.mark.row("K4")
def test_killed_in_a_rescue_there_is_a_whole_file_or_none(
    whole: Path, tmp_path: Path, db: Path, effort: Effort
) -> None:
    shutil.copy(whole, db)
    write_over(db, page_of(db, "posts"), b"#" * 300)
    target = tmp_path / "saved.db"
    faults: Iterable[Fault] = [
        Fault(call, "signal=SIGKILL", nth)
        for call, nth in (("fsync", 1), ("unlink", 2), ("link", 1), ("pwrite64", 200))
    ]
    for fault in list(faults)[: effort.rounds(1, long=4)]:
        run("--db", str(db), "doctor", "--recover", str(target), fault=fault)
        if target.exists():
            assert_sound(target)
            target.unlink()
        ended = run("--db", str(db), "doctor", "--recover", str(target))
        assert_clean_end(ended, 5)
        assert_sound(target)
        target.unlink()
        assert list(tmp_path.glob(".part*")) == []


def test_an_altered_post_is_marked_though_something_was_wrong_with_it_before(
    whole: Path, tmp_path: Path, db: Path
) -> None:
    shutil.copy(whole, db)
    with closing(sqlite3.connect(db)) as raw:
        made = raw.execute("UPDATE posts SET text = text || 'x' WHERE problem IS NOT NULL")
        raw.commit()
    _, told = recover(db, tmp_path / "saved.db")
    assert told["marked"] == made.rowcount > 0
    assert told["to_read"] == ["Записки обсерватории"]
