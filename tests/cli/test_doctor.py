"""Doctor names what is wrong, and for all of it a fix."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.exports import chat, message, write
from support.preview_server import PreviewServer
from tgtagger.cli import app
from tgtagger.cli.doctor import archive
from tgtagger.cli.doctor.findings import failure
from tgtagger.errors import InputError, StoreError, TgTaggerError, TryLater
from tgtagger.runs.findings import Finding
from tgtagger.store import Store


def look(*arguments: str) -> list[dict[str, Any]]:
    shown = CliRunner().invoke(app, [*arguments, "doctor", "--json"])
    return [item for item in json.loads(shown.stdout) if item["level"] != "ok"]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    export = write(
        tmp_path / "export", chat(message(1, "storm"), message(2, ""), message(3, "tide"))
    )
    db = tmp_path / "posts.db"
    assert CliRunner().invoke(app, ["--db", str(db), "parse", str(export)]).exit_code == 0
    return db


def test_a_finding_that_is_not_well_names_a_fix() -> None:
    with pytest.raises(ValueError, match="no fix"):
        Finding("clock", "warning", "the clock stands still")
    for kind in (InputError, StoreError, TryLater, TgTaggerError):
        assert failure("a check", kind("usage", sentence="it is so", advice=None)).hint
    error = InputError("usage", sentence="it is so", advice="do this")
    assert failure("a check", error).hint == "do this"


def test_posts_without_text_are_named(db: Path) -> None:
    with closing(sqlite3.connect(db)) as raw, raw:
        raw.execute("UPDATE posts SET problem = iif(message_id = 3, 'a new kind', NULL)")
        raw.execute(
            "INSERT INTO rejected_posts "
            "SELECT id, '9', 'desktop', 'no date', '2026-01-01T00:00:00Z' FROM channels"
        )
    whole, textless, rejected = look("--db", str(db))
    assert whole["message"] == "1 post (1006503122/3) could not be read completely"
    assert "--reconvert" in whole["hint"]
    assert textless["message"] == "1 post (1006503122/2): neither text nor media"
    assert rejected["message"] == "message 9 of News was rejected: no date"
    assert rejected["hint"]
    shown = CliRunner().invoke(app, ["--db", str(db), "show", "1006503122/2"])
    assert shown.exit_code == 0


def test_a_queue_out_of_step_is_rebuilt_and_said(db: Path) -> None:
    with closing(sqlite3.connect(db)) as raw, raw:
        raw.execute("DELETE FROM tag_queue")
    (found,) = [item for item in look("--db", str(db)) if item["check"] == "queue"]
    assert found["message"].endswith("differed from the posts (3 posts): it was rebuilt")
    assert not [item for item in look("--db", str(db)) if item["check"] == "queue"]
    summary = CliRunner().invoke(app, ["--db", str(db), "tag", "--json"])
    assert json.loads(summary.stdout)["pending"] == 0


def test_wrong_counts_of_tags_are_made_anew_and_said(db: Path) -> None:
    with Store.open(str(db)) as store:
        store.curation.add("1006503122/1", ["sea"])
    with closing(sqlite3.connect(db)) as raw, raw:
        raw.execute("DELETE FROM tag_uses_since")
    (found,) = [item for item in look("--db", str(db)) if item["check"] == "tags"]
    assert found["message"].endswith("they were counted again")
    assert not [item for item in look("--db", str(db)) if item["check"] == "tags"]
    shown = CliRunner().invoke(app, ["--db", str(db), "tags", "--json"])
    assert [each["posts"] for each in json.loads(shown.stdout)] == [1]


def test_too_little_room_is_said(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LEAST_ROOM", 10**18)
    (found,) = [item for item in look("--db", str(db)) if item["check"] == "room"]
    assert "are free beside the database" in found["message"]
    assert str(db.parent) in found["hint"]


def test_a_folder_is_no_database_and_stays_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (found,) = look("--db", str(tmp_path))
    assert (found["check"], found["level"]) == ("database", "error")
    assert "is a folder" in found["message"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_vocabulary_that_cannot_be_read_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    path = tmp_path / "tags.txt"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("TGTAGGER_VOCABULARY", str(path))
    (found,) = [item for item in look("--db", str(tmp_path / "x.db")) if item["level"] == "error"]
    assert found["check"] == "tagger"
    assert found["message"].count(str(path)) == 1
    assert found["hint"]


def test_the_web_preview_is_asked_for_where_channels_come_from_it(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TGTAGGER_DATA_DIR", str(tmp_path / "nobody signed in"))
    with PreviewServer({1: "storm"}) as preview:
        monkeypatch.setenv("TGTAGGER_PREVIEW_URL", preview.url)
        arguments = ("--db", str(db))
        look(*arguments)
        assert preview.asked == 0  # no channel is read from it
        assert CliRunner().invoke(app, [*arguments, "channels", "add", "newsroom"]).exit_code == 0
        assert not [item for item in look(*arguments) if item["check"] == "preview"]
        assert preview.asked == 1
        assert CliRunner().invoke(app, [*arguments, "parse", "newsroom"]).exit_code == 0
        preview.forget()
        look(*arguments)
        assert preview.asked == 1
    (found,) = [item for item in look(*arguments) if item["check"] == "preview"]
    assert found["level"] == "warning"
    assert "it refuses the connection" in found["message"]
    assert "HTTPS_PROXY" in found["hint"]
    assert CliRunner().invoke(app, [*arguments, "channels", "pause", "newsroom"]).exit_code == 0
    assert not [item for item in look(*arguments) if item["check"] == "preview"]


@pytest.mark.parametrize(
    ("variable", "hint"),
    [("TGTAGGER_LLM_MODLE", "did you mean TGTAGGER_LLM_MODEL?"),
     ("tgtagger_db", "did you mean TGTAGGER_DB?"),
     ("TGTAGGER_XYZZYXYZZY", "docs/settings.md")],
)  # fmt: skip
def test_a_misspelled_variable_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, hint: str
) -> None:
    monkeypatch.setenv(variable, "x")
    db = str(tmp_path / "posts.db")
    result = CliRunner().invoke(app, ["--db", db, "doctor", "--json"])
    (found,) = [f for f in json.loads(result.stdout) if variable in f["message"]]
    assert (found["level"], found["check"]) == ("warning", "settings")
    assert hint in found["hint"]
