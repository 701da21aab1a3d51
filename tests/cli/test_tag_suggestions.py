"""`tags suggest`: tags that are probably one are merged, together or one by one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.exports import chat, message, write


@pytest.fixture
def bent(run: Any, tmp_path: Path) -> Any:
    """An archive whose tags are forms of one word, and a doubtful pair."""
    posts = chat(*(message(number, f"Пост номер {number} о разном") for number in range(1, 8)))
    assert run("parse", str(write(tmp_path / "export", posts))).exit_code == 0
    names = ("ракеты", "ракета", "ракетой", "новости", "новость", "ВВС", "BBC")
    for number, name in enumerate(names, 1):
        assert run("tags", "add", f"1006503122/{number}", name).exit_code == 0
    return run


def test_forms_are_merged_after_a_look(bent: Any) -> None:
    refused = bent("tags", "suggest", "--apply", "forms")
    assert refused.exit_code == 2
    assert "add --yes" in refused.stderr
    assert bent("tags", "suggest", "--apply", "all").exit_code == 2
    before = len(lines_of_tags(bent))
    merged = json.loads(bent("tags", "suggest", "--apply", "forms", "--yes", "--json").stdout)
    assert {item["into"] for item in merged} == {"ракета", "новость"}
    assert lines_of_tags(bent) == {"ракета": 3, "новость": 2, "ВВС": 1, "BBC": 1}
    assert bent("tags", "suggest", "--apply", "forms", "--yes").exit_code == 0  # nothing is left
    for _ in merged:
        assert bent("tags", "undo", "--yes").exit_code == 0
    assert len(lines_of_tags(bent)) == before


def lines_of_tags(run: Any) -> dict[str, int]:
    return {tag["name"]: tag["posts"] for tag in json.loads(run("tags", "--json").stdout)}


def test_suggestions_are_decided_one_by_one(
    bent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bent("tags", "suggest", "--interactive").exit_code == 2  # nobody is there
    found = json.loads(bent("tags", "suggest", "--json").stdout)
    assert [item["into"] for item in found if item["doubtful"]]
    answers = iter("mxn" + "l" * len(found))
    monkeypatch.setattr("tgtagger.cli.tags.suggestions.is_asked", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    assert bent("tags", "suggest", "--interactive").exit_code == 0
    left = json.loads(bent("tags", "suggest", "--json").stdout)
    assert len(left) == len(found) - 2  # one merged, one never again
    history = json.loads(bent("tags", "history", "--json").stdout)
    assert history[0]["what"] == "merge"
