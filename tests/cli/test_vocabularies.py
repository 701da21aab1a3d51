"""`tags preview` and `tags export-vocabulary --cover`: a list of tags before it is used."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from support.make import page, post
from tgtagger.cli import app
from tgtagger.model.posts import Channel
from tgtagger.store import Store

Run = Callable[..., Result]
LIST = "шторм | буря\nпорт\nпланетарий\nобсерватория | обсерватории\nкомета\n"


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "posts.db"


@pytest.fixture
def run(db: Path) -> Run:
    texts = (
        "Буря остановила порт Роттердама", "Порт Гамбурга открыт", "Планетарий в Иркутске",
        "Новую комету видно из планетария", "Ремонт дороги", "🔥",
    )  # fmt: skip
    with Store.open(str(db)) as store:
        store.posts.save_page(page(*(post(n, text) for n, text in enumerate(texts, 1))))
        sea = Channel(1006503123, "Море", "sea")
        more = (post(n, "Шторм у порта") for n in range(1, 4))
        store.posts.save_page(page(*more, channel=sea))

    def call(*arguments: str) -> Result:
        result = CliRunner().invoke(app, ["--db", str(db), *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    assert call("tag").exit_code == 0
    return call


@pytest.fixture
def vocabulary(tmp_path: Path) -> str:
    path = tmp_path / "mine.txt"
    path.write_text(LIST, encoding="utf-8")
    return str(path)


def rows(db: Path, sql: str) -> list[Any]:
    with sqlite3.connect(db) as open_:
        return open_.execute(sql).fetchall()


def test_a_preview_says_what_the_run_then_does(
    run: Run, db: Path, vocabulary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("tags", "add", "1006503122/5", "ремонт")
    run("tags", "remove", "комета")
    before = hashlib.sha256(db.read_bytes()).hexdigest()
    found = json.loads(run("tags", "preview", "--vocabulary", vocabulary, "--json").stdout)
    assert hashlib.sha256(db.read_bytes()).hexdigest() == before
    monkeypatch.setenv("TGTAGGER_VOCABULARY_MODE", "closed")
    run("tag", "--force", "--yes", "--vocabulary", vocabulary)
    given = dict(rows(db, "SELECT t.name, count(*) FROM post_tags JOIN tags AS t ON t.id = tag_id "
                          "WHERE source = 'keywords' GROUP BY 1"))  # fmt: skip
    assert {tag["name"]: tag["posts"] for tag in found["tags"] if tag["posts"]} == given
    assert [tag["name"] for tag in found["tags"] if not tag["posts"]] == ["обсерватория", "комета"]
    without = "SELECT count(*) FROM posts WHERE id NOT IN (SELECT post_id FROM post_tags)"
    assert [(found["without"],)] == rows(db, without)
    assert found["channels"] == [
        {"title": "News", "posts": 6, "without": 1}, {"title": "Море", "posts": 3, "without": 0},
    ]  # fmt: skip


def test_a_preview_for_a_model_goes_by_the_tags_that_posts_have(
    run: Run, vocabulary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TGTAGGER_LLM_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("TGTAGGER_LLM_MODEL", "m")
    run("tags", "rename", "порт", "гавань")
    found = json.loads(run("tags", "preview", "--vocabulary", vocabulary, "--json").stdout)
    assert found["by"] == "tags"
    # `порт` is an alias of `гавань` now: what the archive has under either name counts.
    assert {tag["name"]: tag["posts"] for tag in found["tags"]} == {
        "шторм": 4, "порт": 5, "планетарий": 2, "обсерватория": 0, "комета": 1,
    }  # fmt: skip
    assert (found["posts"], found["without"]) == (9, 2)


def test_a_preview_in_words(run: Run, vocabulary: str) -> None:
    result = run("tags", "preview", "--vocabulary", vocabulary, "--channel", "Море")
    assert "on no post: планетарий, обсерватория, комета" in result.stdout
    assert "0 of 3 posts (0\u202f%) would have no tag, if these 5 tags were the only ones" in (
        result.stderr
    )
    assert json.loads(
        run("tags", "preview", "--vocabulary", vocabulary, "--limit", "2", "--json").stdout
    )["posts"] == 2  # fmt: skip


def test_a_preview_needs_a_list(run: Run, tmp_path: Path) -> None:
    result = run("tags", "preview")
    assert (result.exit_code, "--vocabulary FILE" in result.stderr) == (2, True)
    assert run("tags", "preview", "--vocabulary", str(tmp_path / "none")).exit_code == 2


def test_few_tags_that_most_posts_have(run: Run, tmp_path: Path) -> None:
    result = run("tags", "export-vocabulary", "--cover", "70")
    assert result.stdout.splitlines() == ["порт", "планетарий"]
    assert "2 tags: on 87.5 % of 8 posts that have tags" in result.stderr
    fewer = run("tags", "export-vocabulary", "--cover", "90", "--limit", "1")
    assert "1 tag: on 62.5 % of 8 posts that have tags; 90 % takes more than 1 tag" in fewer.stderr
    mine = tmp_path / "mine.txt"
    mine.write_text("# mode: closed\nПорт | гавань | ships\nхлеб\n", encoding="utf-8")
    result = run("--config", _config(tmp_path, mine), "tags", "export-vocabulary", "--cover", "50")
    assert result.stdout.splitlines() == ["# mode: closed", "Порт | гавань | ships"]


def _config(tmp_path: Path, vocabulary: Path) -> str:
    path = tmp_path / "config.toml"
    path.write_text(f'[tagging]\nvocabulary = "{vocabulary}"\n', encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("percent", ["0", "101", "x"])
def test_a_share_that_is_none_is_refused(run: Run, percent: str) -> None:
    assert run("tags", "export-vocabulary", "--cover", percent).exit_code == 2


# ---- other names


@pytest.fixture
def doubled(run: Run) -> Run:
    """Let the archive have the same thing under several names."""
    run("tags", "add", "1006503122/1", "ЕС", "РФ", "Голландия", "БПЛА")
    run("tags", "add", "1006503122/2", "Евросоюз", "дрон", "Чечня")
    run("tags", "add", "1006503122/3", "дрон", "Питер")
    return run


def names(db: Path, post_: int) -> set[str]:
    return {name for (name,) in rows(
        db, "SELECT t.name FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id "
        f"JOIN posts AS p ON p.id = l.post_id WHERE p.message_id = {post_} AND l.source = 'human'")
    }  # fmt: skip


def test_the_bundled_names_change_nothing_before_they_are_applied(doubled: Run, db: Path) -> None:
    before = hashlib.sha256(db.read_bytes()).hexdigest()
    listed = doubled("tags", "aliases", "--bundled")
    assert "Евросоюз | ЕС, Европейский союз" in listed.stdout.splitlines()
    shown = doubled("tags", "aliases", "--bundled", "--dry-run").stdout
    assert "Нидерланды ← Голландия" in shown
    assert doubled("tags", "aliases", "--bundled", "--apply").exit_code == 2  # nobody to ask
    assert hashlib.sha256(db.read_bytes()).hexdigest() == before
    assert doubled("tags", "aliases").stdout == ""


def test_the_bundled_names_become_the_archives(doubled: Run, db: Path) -> None:
    done = json.loads(doubled("tags", "aliases", "--bundled", "--apply", "--yes", "--json").stdout)
    assert {"tag", "name", "merged", "added", "posts", "dry_run"} == done[0].keys()
    assert names(db, 1) == {"Евросоюз", "Россия", "Нидерланды", "беспилотник"}
    assert names(db, 2) == {"Евросоюз", "беспилотник", "Чечня"}
    own = doubled("tags", "aliases").stdout.splitlines()
    assert "Нидерланды | Голландия" in own
    # From now on each of the names is the tag, whoever gives it.
    doubled("tags", "add", "1006503122/4", "Европейский союз", "СПб")
    assert names(db, 4) == {"Евросоюз", "Санкт-Петербург"}
    assert json.loads(doubled("tags", "aliases", "--bundled", "--dry-run", "--json").stdout) == []


def test_one_undo_takes_back_all_bundled_names(doubled: Run, db: Path) -> None:
    before = [names(db, n) for n in (1, 2, 3)]
    doubled("tags", "aliases", "--bundled", "--apply", "--yes")
    assert [names(db, n) for n in (1, 2, 3)] != before
    assert doubled("tags", "undo", "--yes").exit_code == 0
    assert [names(db, n) for n in (1, 2, 3)] == before
    assert doubled("tags", "aliases").stdout == ""


def test_a_form_of_a_blocked_tag_is_blocked_in_what_is_shown_before(
    doubled: Run, tmp_path: Path
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("# mode: closed\nштормы\n")
    preview = ("tags", "preview", "--vocabulary", str(listed), "--tagger", "keywords", "--json")
    assert json.loads(doubled(*preview).stdout)["tags"][0]["posts"] > 0
    doubled("tags", "add", "1006503122/5", "шторм")
    doubled("tags", "remove", "шторм")
    assert json.loads(doubled(*preview).stdout)["tags"][0]["posts"] == 0
    doubled("tags", "remove", "Голландия")
    planned = json.loads(doubled("tags", "aliases", "--bundled", "--dry-run", "--json").stdout)
    assert "Нидерланды" not in {each["name"] for each in planned}


def test_what_a_person_decided_beats_the_bundled_names(doubled: Run, db: Path) -> None:
    doubled("tags", "remove", "Питер")
    doubled("tags", "rename", "Голландия", "Тюльпания")
    doubled("tags", "rename", "РФ", "Россия")
    with Store.open(str(db)) as store:
        store.tags.keep_apart(["ЕС"], "Евросоюз")
    doubled("tags", "aliases", "--bundled", "--apply", "--yes")
    assert names(db, 1) == {"ЕС", "Россия", "Тюльпания", "беспилотник"}
    assert names(db, 3) == {"беспилотник"}
    doubled("tags", "add", "1006503122/4", "Голландия")
    assert names(db, 4) == {"Тюльпания"}


def test_a_list_of_names_is_a_vocabulary(doubled: Run, tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    assert doubled("tags", "aliases", "--bundled", "-o", str(path)).exit_code == 0
    assert doubled("tags", "preview", "--vocabulary", str(path)).exit_code == 0
    assert doubled("tags", "aliases", "--apply").exit_code == 2
