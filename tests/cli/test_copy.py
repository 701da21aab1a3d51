"""`tgtagger copy`, as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from support.make import page, post
from support.terminal import on_terminal
from tgtagger.cli import app
from tgtagger.store import Store
from tgtagger.store.sqlite.schema_version import SCHEMA


@pytest.fixture
def old(store: Store, db: Path) -> Path:
    store.posts.save_page(page(*(post(number, f"post {number}") for number in range(1, 4))))
    return db


def copy(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["copy", *map(str, arguments)])


def test_it_says_what_was_copied(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    done = copy(old, new)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"copied 3 posts from {old} to {new} (10 rows)\n"
    silent = copy("-q", old, tmp_path / "silent.db")
    assert (silent.exit_code, silent.output) == (0, "")


def test_it_says_so_in_json(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    done = json.loads(copy(old, new, "--json").stdout)
    tables = {each["table"]: each["rows"] for each in done.pop("tables")}
    assert done == {
        "from": str(old), "to": str(new), "posts": 3, "rows": sum(tables.values()), "kept": 0,
        "schema": SCHEMA.newest,
    }  # fmt: skip
    assert (tables["raw_forms"], tables["channels"], tables["tags"]) == (3, 1, 0)


def test_what_cannot_be_copied_is_one_line_and_a_hint(old: Path, tmp_path: Path) -> None:
    for source, target, words in (
        (tmp_path / "none.db", "new.db", "there is no archive at"),
        (old, old, "is both where to copy from and where to copy to"),
        (old, tmp_path, "is a folder"),
        (old, "mysql://x/y", "'mysql'"),
    ):
        refused = copy(source, target)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert words in refused.stderr.splitlines()[0]
        assert [line.split(":")[0] for line in refused.stderr.splitlines()] == ["error", "hint"]
    assert copy(old).exit_code == 2


def test_half_a_copy_says_how_to_go_on(old: Path, tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    new = tmp_path / "new.db"
    with pytest.raises(KeyboardInterrupt):
        Store.copy(str(old), str(new), stop)
    refused = CliRunner().invoke(app, ["--db", str(new), "status"])
    assert refused.exit_code == 6
    assert "half a copy" in refused.stderr
    assert "tgtagger copy FROM TO" in refused.stderr
    assert copy(old, new).exit_code == 0
    assert CliRunner().invoke(app, ["--db", str(new), "status"]).exit_code == 0


def test_the_password_of_a_server_is_not_shown(old: Path, server_url: str) -> None:
    url = server_url.replace("postgres@", "postgres:secret@")
    done = copy(old, url, "--json")
    assert (done.exit_code, "secret" in done.output) == (0, False)
    assert json.loads(done.stdout)["to"].startswith("postgresql://postgres@/own_")
    refused = copy(old, url)
    assert (refused.exit_code, "secret" in refused.output) == (2, False)


def test_on_a_terminal_it_shows_how_far_it_is(old: Path, tmp_path: Path) -> None:
    shown = on_terminal("copy", str(old), str(tmp_path / "new.db"))
    assert "copied 3 posts" in shown.output
