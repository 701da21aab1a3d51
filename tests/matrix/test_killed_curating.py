"""K7: killed while tags are put in order, nothing is half done."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support.breaking import (
    Fault,
    assert_sound,
    contents,
    copy_database,
    count_calls,
    files_of,
    points,
    run,
)
from support.fault_matrix import Effort
from support.make import page, post, tag
from tgtagger.store import Store

COMMANDS = {
    "merge": ("tags", "merge", "one", "two", "--into", "three", "--yes"),
    "rename": ("tags", "rename", "one", "uno", "--yes"),
    "remove": ("tags", "remove", "one", "two", "--yes"),
    "add": ("tags", "add", "news/1", "mine", "also mine"),
    "drop": ("tags", "drop", "news/1", "one", "two"),
}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    db = tmp_path / "base.db"
    with Store.open(str(db)) as store:
        store.posts.save_page(page(*(post(number, f"text {number}") for number in range(1, 301))))
        tag(store, ["one", "two", "three", "four"])
    return db


def decided(db: Path) -> list[object]:
    with closing(sqlite3.connect(db)) as raw:
        kept = [
            raw.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in ("tag_aliases",)
        ]
        counts = [
            raw.execute(f"SELECT count(*) FROM {table}").fetchone()
            for table in ("removed_tags", "barred_tags")
        ]
    return [contents(db)["tags"], kept, counts]


@pytest.mark.row("K7")
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_it_is_done_or_not_begun(
    name: str, base: Path, tmp_path: Path, effort: Effort
) -> None:
    command, db = COMMANDS[name], tmp_path / "posts.db"
    before = decided(base)
    copy_database(base, db)
    counts = count_calls("--db", str(db), *command, paths=files_of(db))
    after = decided(db)
    assert after != before
    plan = [(call, nth) for call, count in counts.items() for nth in points(count, 40)]
    chosen = plan if effort.is_long else [plan[at - 1] for at in points(len(plan), 3)]
    outcomes = set()
    for call, nth in chosen:
        copy_database(base, db)
        fault = Fault(call, "signal=SIGKILL", nth, paths=files_of(db))
        ended = run("--db", str(db), *command, fault=fault)
        effort.saw(rounds=1, kills=ended.hit)
        assert_sound(db)
        found = decided(db)
        assert found in (before, after), (call, nth)
        outcomes.add(found == after)
    if effort.is_long:
        assert outcomes == {False, True}
