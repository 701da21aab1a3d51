"""`tag --review`: what would be given is seen first; nothing is given before a person agrees."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from llm_server import LlmServer, contents
from support.exports import chat, message, write
from support.make import page, post
from tgtagger.cli import app
from tgtagger.store import Store

POSTS = chat(
    message(2, "Учёные из Томска нашли новую комету #астрономия"),
    message(3, "В Иркутске открыли планетарий"),
    message(4, "A storm over the harbour of Rotterdam stopped the wind turbines"),
    message(5, "🔥"),
)

Run = Callable[..., Result]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "posts.db"


@pytest.fixture
def run(db: Path, tmp_path: Path) -> Run:
    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["--db", str(db), *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    assert call("parse", str(write(tmp_path / "export", POSTS))).exit_code == 0
    return call


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Let a person answer; return what was not asked for."""

    def given(*answers: str) -> list[str]:
        left = list(answers)
        monkeypatch.setattr("tgtagger.cli.review.is_asked", lambda: True)
        monkeypatch.setattr("typer.prompt", lambda *_, **__: left.pop(0))
        return left

    return given


def rows(db: Path, sql: str) -> list[Any]:
    with sqlite3.connect(db) as open_:
        return open_.execute(sql).fetchall()


def content(db: Path) -> str:
    with sqlite3.connect(db) as open_:
        return hashlib.sha256("\n".join(open_.iterdump()).encode()).hexdigest()


def tags(db: Path) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for number, name in rows(
        db, "SELECT p.message_id, t.name FROM post_tags AS l JOIN posts AS p ON p.id = l.post_id "
        "JOIN tags AS t ON t.id = l.tag_id ORDER BY p.id, l.position",
    ):  # fmt: skip
        found.setdefault(number, []).append(name)
    return found


def waiting(db: Path) -> list[int]:
    sql = "SELECT message_id FROM posts WHERE status = 'pending' ORDER BY 1"
    return [number for (number,) in rows(db, sql)]


def test_where_nobody_answers_the_proposals_are_printed_and_nothing_is_written(
    run: Run, db: Path
) -> None:
    before = content(db)
    found = json.loads(run("tag", "--review", "--json").stdout)
    assert [item["id"] for item in found] == [5, 4, 3, 2]
    assert found[3]["tags"][0] == {"name": "астрономия", "source": "hashtag", "posts": None}
    assert (found[0]["status"], found[0]["tags"]) == ("skipped", [])
    plain = run("tag", "--review", "2")
    assert "Rotterdam  (new)" in plain.stdout
    assert "планетарий" not in plain.stdout
    assert "2 proposals; no post was changed" in plain.stderr
    assert content(db) == before
    run("tag")
    assert {item["id"]: [tag["name"] for tag in item["tags"]] for item in found} == {
        5: [], **tags(db)
    }  # fmt: skip


def test_what_is_accepted_is_what_a_run_gives(
    run: Run, db: Path, answer: Any, tmp_path: Path
) -> None:
    left = answer("a", "a", "s", "q")
    result = run("tag", "--review")
    assert (result.exit_code, left) == (0, [])
    assert tags(db).keys() == {4}
    assert waiting(db) == [2, 3]
    assert rows(db, "SELECT command, exit_code FROM runs ORDER BY id DESC LIMIT 1") == [("tag", 0)]
    by_review = tags(db)[4]
    run("tag")
    assert tags(db)[4] == by_review
    run("tags", "undo", "2", "--yes")
    assert waiting(db) == [4, 5]


def test_an_edit_is_the_word_of_a_person(run: Run, db: Path, answer: Any) -> None:
    answer("e", "", "e", "a" * 200, "e", "-Rotterdam, +wind power", "e", "Наука,планетарий", "q")
    run("tag", "--review")
    assert "Rotterdam" not in tags(db)[4]
    assert tags(db)[4][-1] == "wind power"
    assert sorted(tags(db)[3]) == ["Наука", "планетарий"]
    by_hand = "SELECT t.name FROM post_tags JOIN tags AS t ON t.id = tag_id WHERE source = 'human'"
    assert sorted(rows(db, by_hand)) == [("wind power",), ("Наука",)]
    run("tag", "--force", "--yes")
    assert "Rotterdam" not in tags(db)[4]
    assert "Иркутск" not in tags(db)[3]


def test_never_blocks_a_tag_that_the_archive_does_not_have_yet(
    run: Run, db: Path, answer: Any
) -> None:
    answer("s", "n", "nothing", "n", "2", "a", "q")
    run("tag", "--review")
    first, second, *_ = tags(db)[4]
    run("tag", "--force", "--yes")
    assert tags(db)[4][:2] == [first, second]
    (blocked,) = rows(db, "SELECT t.name FROM barred_tags JOIN tags AS t ON t.id = tag_id")
    assert blocked[0] not in tags(db)[4]
    assert json.loads(run("tags", "history", "--json").stdout)[1]["what"] == "remove"


def test_never_asks_before_a_tag_goes_off_many_posts(run: Run, db: Path, answer: Any) -> None:
    with Store.open(str(db)) as store:
        more = (post(n, f"Rotterdam has weather {'x' * n}") for n in range(20, 32))
        store.posts.save_page(page(*more))
    run("tag", "--limit", "12")
    answer("n", "Rotterdam", "n", "s")
    run("tag", "--review", "--post", "1006503122/4")
    assert len(tags(db)) == 12
    answer("n", " rotterdam", "y", "q")
    run("tag", "--review", "--post", "1006503122/4")
    assert not any("Rotterdam" in names for names in tags(db).values())


def test_a_proposal_has_the_names_of_the_archive(run: Run, db: Path) -> None:
    run("tag")
    run("tags", "rename", "Иркутск", "Сибирь")
    run("tags", "drop", "1006503122/3", "планетарий")
    run("tags", "add", "1006503122/3", "Наука")
    (found,) = json.loads(
        run("tag", "--review", "--post", "1006503122/3", "--force", "--json").stdout
    )
    assert found["tags"] == [{"name": "Сибирь", "source": "keywords", "posts": 1}]
    assert (found["keeps"], found["replaces"]) == (["Наука"], ["Сибирь"])
    run("tags", "add", "1006503122/4", "Rotterdam")
    (found,) = json.loads(
        run("tag", "--review", "1", "--force", "--post", "1006503122/4", "--json").stdout
    )
    assert found["keeps"] == ["Rotterdam"]
    assert "Rotterdam" not in {tag["name"] for tag in found["tags"]}


def test_a_post_that_was_edited_meanwhile_gets_nothing(run: Run, db: Path, answer: Any) -> None:
    answer("a")

    def edit(*_: object, **__: object) -> str:
        with Store.open(str(db)) as store:
            store.posts.save_page(page(post(4, "Other words"), source="telegram"))
        return "a"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.prompt", edit)
        result = run("tag", "--review", "--post", "1006503122/4")
    assert "not stored: the post was edited meanwhile" in result.stderr
    assert tags(db) == {}


def test_a_review_that_is_broken_off_is_no_bug(
    run: Run, db: Path, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer()

    def break_off(*_: object, **__: object) -> str:
        raise typer.Abort

    monkeypatch.setattr("typer.prompt", break_off)
    result = CliRunner().invoke(app, ["--db", str(db), "tag", "--review"])
    assert result.exit_code == 130
    assert rows(db, "SELECT exit_code FROM runs ORDER BY id DESC LIMIT 1") == [(130,)]
    assert tags(db) == {}


@pytest.mark.parametrize("more", [["--limit", "3"], ["--dry-run"], ["--max-time", "5m"]])
def test_what_has_no_meaning_beside_a_review_is_refused(run: Run, more: list[str]) -> None:
    result = run("tag", "--review", *more)
    assert (result.exit_code, "--review" in result.stderr) == (2, True)


# ---- by a model


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LlmServer]:
    with LlmServer() as made:
        monkeypatch.setenv("TGTAGGER_LLM_URL", made.url)
        monkeypatch.setenv("TGTAGGER_LLM_MODEL", "test-model")
        monkeypatch.setenv("TGTAGGER_RETRY_BASE", "0.01")
        yield made


def test_what_a_model_was_paid_for_is_never_paid_twice(
    run: Run, db: Path, answer: Any, server: LlmServer
) -> None:
    answer("s", "a", "q")
    assert run("tag", "--review").exit_code == 0
    asked = len(server.completions)
    assert (asked, set(tags(db)), waiting(db)) == (1, {4}, [2, 3, 5])
    assert rows(db, "SELECT DISTINCT source FROM post_tags") == [("llm",)]
    found = json.loads(run("tag", "--review", "--json").stdout)
    assert {tag["source"] for item in found for tag in item["tags"]} == {"cache"}
    run("tag")
    assert (len(server.completions), server.paid_twice(), waiting(db)) == (asked, {}, [])
    assert len(rows(db, "SELECT DISTINCT post_id FROM attempts")) == 3


def test_a_review_of_a_model_where_nobody_answers_leaves_the_posts_alone(
    run: Run, db: Path, server: LlmServer
) -> None:
    assert run("tag", "--review", "--json").exit_code == 0
    assert (tags(db), waiting(db)) == ({}, [2, 3, 4, 5])
    run("tag")
    assert (len(server.completions), server.paid_twice()) == (1, {})


def test_a_post_at_which_the_model_fails_is_shown_and_stays_as_it_was(
    run: Run, db: Path, answer: Any, server: LlmServer
) -> None:
    server.rule = lambda seen: contents.refusal() if "Rotterdam" in "".join(seen.texts) else None
    answer("s", "a", "a")
    result = run("tag", "--review")
    assert "not tagged (refused)" in result.stdout
    assert (set(tags(db)), waiting(db)) == ({2, 3}, [4, 5])
    statuses = rows(db, "SELECT count(*) FROM attempts WHERE class = 'refused'")
    assert statuses[0][0] >= 1


def test_equal_texts_are_asked_once_also_anew_and_in_several_portions(
    run: Run, db: Path, answer: Any, server: LlmServer
) -> None:
    with Store.open(str(db)) as store:
        more = (post(n, f"Rain number {n % 12}") for n in range(20, 44))
        store.posts.save_page(page(*more))
    run("tag")
    before = len(server.completions)
    found = json.loads(run("tag", "--review", "24", "--force", "--json").stdout)
    assert len(found) == 24
    asked = [text for seen in server.completions[before:] for text in seen.texts]
    assert len(asked) == len(set(asked)) == 12
