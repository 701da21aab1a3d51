"""`tgtagger doctor --backup`, and the backup that a migration makes, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.exports import chat, message, write
from tgtagger.cli import app
from tgtagger.store import Store
from tgtagger.store.sqlite.migrate import backup_path
from tgtagger.store.sqlite.schema_version import SCHEMA


@pytest.fixture
def run(db: Path) -> Any:
    return lambda *arguments: CliRunner().invoke(app, ["--db", str(db), *arguments])


@pytest.fixture
def archive(run: Any, tmp_path: Path) -> Any:
    posts = chat(*(message(n, f"post {n} of the storm") for n in range(1, 4)))
    assert run("parse", str(write(tmp_path / "export", posts))).exit_code == 0
    return run


def test_a_backup_is_said_in_json_or_not_at_all(archive: Any, tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    made = archive("doctor", "--backup", str(first), "--json")
    assert json.loads(made.stdout) == {
        "path": str(first), "posts": 3, "bytes": first.stat().st_size, "schema": SCHEMA.newest,
    }  # fmt: skip
    silent = archive("-q", "doctor", "--backup", str(second))
    assert (silent.exit_code, silent.stdout, silent.stderr) == (0, "", "")
    copy = json.loads(CliRunner().invoke(app, ["--db", str(second), "status", "--json"]).stdout)
    assert copy["posts"]["pending"] == 3


def test_a_target_that_cannot_be_had_is_one_line_and_a_hint(archive: Any, tmp_path: Path) -> None:
    (tmp_path / "there.db").write_text("mine")
    for target, words in (
        ("there.db", "exists already"), ("posts.db", "exists already"),
        ("none/x.db", "none/x.db does not exist"), ("export", "is a folder"),
        ("posts.db-journal", "belongs to the database"),
    ):  # fmt: skip
        refused = archive("doctor", "--backup", str(tmp_path / target))
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert words in refused.stderr.splitlines()[0]
        assert [line.split(":")[0] for line in refused.stderr.splitlines()] == ["error", "hint"]
    assert archive("doctor", "--backup", "").exit_code == 2  # as from a variable that is not set
    assert (tmp_path / "there.db").read_text() == "mine"
    assert not [*tmp_path.glob(".*")]


def test_nothing_to_copy_is_no_success(run: Any, tmp_path: Path) -> None:
    refused = run("doctor", "--backup", str(tmp_path / "copy.db"))
    assert (refused.exit_code, "no database yet" in refused.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_the_backup_that_an_upgrade_left_is_told(run: Any, store: Store, db: Path) -> None:
    kept = str(backup_path(db, SCHEMA.newest))
    run("doctor", "--backup", kept)
    found = [item for item in json.loads(run("doctor", "--json").stdout) if kept in item["message"]]
    assert [(item["check"], item["level"]) for item in found] == [("backup", "ok")]
