"""TGTAGGER_SHELVES, from the setting to the tags of the archive and to the prompt of a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from support.make import page, post
from tgtagger.cli import app
from tgtagger.store import Store

Run = Callable[..., Result]
TEXTS = (
    "На трассе столкнулись автобус и грузовик, двое погибли.",
    "Астрономы увидели чёрную дыру в далёкой галактике.",
    "Police arrested a man suspected of two burglaries.",
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    db = str(tmp_path / "posts.db")
    with Store.open(db) as store:
        store.posts.save_page(page(*(post(n, text) for n, text in enumerate(TEXTS, 1))))

    def call(*arguments: str, shelves: str | None = None) -> Result:
        if shelves is None:
            monkeypatch.delenv("TGTAGGER_SHELVES", raising=False)
        else:
            monkeypatch.setenv("TGTAGGER_SHELVES", shelves)
        result = CliRunner().invoke(app, ["--db", db, *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


def shelves_of(run: Run) -> set[str]:
    tags = {each["name"] for each in json.loads(run("tags", "--json").stdout)}
    return tags & {"происшествия", "космос", "crime", "криминал", "небо"}


def tagged(result: Result) -> int:
    assert result.exit_code == 0, result.stderr
    return int(json.loads(result.stdout)["tagged"])


def test_shelves_are_on_and_another_setting_makes_posts_stale(run: Run, tmp_path: Path) -> None:
    assert tagged(run("tag", "--json")) == 3
    assert shelves_of(run) == {"происшествия", "космос", "crime"}
    assert tagged(run("tag", "--stale", "--json")) == 0
    assert tagged(run("tag", "--stale", "--json", shelves="off")) == 3
    assert shelves_of(run) <= set()
    mine = tmp_path / "mine.txt"
    mine.write_text("небо: галактика\n", encoding="utf-8")
    assert tagged(run("tag", "--stale", "--json", shelves=str(mine))) == 3
    assert shelves_of(run) == {"небо"}
    assert tagged(run("tag", "--stale", "--json", shelves=str(mine))) == 0
    mine.write_text("небо: комета\n", encoding="utf-8")
    assert tagged(run("tag", "--stale", "--json", shelves=str(mine))) == 3


def test_a_persons_decision_holds_for_shelves(run: Run) -> None:
    assert run("tag").exit_code == 0
    assert run("tags", "remove", "космос").exit_code == 0
    assert run("tags", "rename", "crime", "криминал").exit_code == 0
    assert tagged(run("tag", "--force", "--yes", "--json")) == 3
    assert shelves_of(run) == {"происшествия", "криминал"}


@pytest.mark.parametrize(
    ("content", "says", "hint"),
    [
        (b"sport match\n", "line 1: write the name of a shelf, a colon", "a line is: sport: match"),
        (b"# mine\n", "the file has no shelf", "a line is: sport: match"),
        (b"\xff\xfe", "is not UTF-8", "save it as UTF-8"),
        (None, "the shelves .*nowhere.txt cannot be read", "the words on and off need no file"),
    ],
)
def test_a_wrong_file_is_named(
    run: Run, tmp_path: Path, content: bytes | None, says: str, hint: str
) -> None:
    path = tmp_path / ("nowhere.txt" if content is None else "mine.txt")
    if content is not None:
        path.write_bytes(content)
    result = run("tag", shelves=str(path))
    assert result.exit_code == 2
    words = " ".join(result.stderr.split())
    assert str(path) in result.stderr.replace("\n", "")
    assert all(each in words for each in says.split(" .*")[:1])
    assert hint in words


def test_both_taggers_have_the_same_shelves(run: Run) -> None:
    model = ("--tagger", "llm", "--provider", "ollama", "--model", "m")

    def prompt(shelves: str | None = None) -> str:
        shown: Any = run("tag", "--show-prompt", *model, shelves=shelves)
        assert shown.exit_code == 0, shown.stderr
        return " ".join(shown.stdout.split())

    assert "космос / space" in prompt()
    assert "космос" not in prompt("off")
    assert run("tag").exit_code == 0
    assert run("tags", "remove", "космос").exit_code == 0
    assert run("tags", "rename", "crime", "law and order").exit_code == 0
    assert "космос" not in prompt()
    assert "криминал / law and order" in prompt()
