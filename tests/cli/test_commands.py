"""The commands on a real export, from end to end, as a user types them."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.exports import account, chat, message, write
from support.news import NEWS, lines
from support.terminal import on_terminal
from tgtagger.cli import app
from tgtagger.cli.render import Live
from tgtagger.export.folder import NOTE
from tgtagger.export.memory import STATE
from tgtagger.store.sqlite.schema_version import SCHEMA


def test_parse_sums_up_as_json(run: Any, tmp_path: Path) -> None:
    path = str(write(tmp_path / "export", NEWS))
    result = run("parse", path, "--json")
    summary = json.loads(result.stdout)
    assert {k: summary[k] for k in ("new", "updated", "rejected")} == {
        "new": 4, "updated": 0, "rejected": 0}  # fmt: skip
    (channel,) = summary["channels"]
    assert (channel["source"], channel["id"], channel["title"]) == (path, 1006503122, "News")
    assert (channel["complete"], channel["error"], channel["service"]) == (True, None, 1)
    again = json.loads(run("parse", path, "--json").stdout)
    assert (again["new"], again["updated"]) == (0, 0)


def test_a_newer_export_updates_and_adds(archive: Any, tmp_path: Path) -> None:
    newer = chat(
        *NEWS["messages"][:-1],
        message(5, "now with words", photo="p.jpg", edited_unixtime="1800000000", edited="x"),
        message(6, "added"),
    )
    summary = json.loads(archive("parse", str(write(tmp_path / "newer", newer)), "--json").stdout)
    assert (summary["new"], summary["updated"]) == (1, 1)


def test_one_bad_source_stops_no_other(run: Any, tmp_path: Path) -> None:
    good = str(write(tmp_path / "export", NEWS))
    result = run("parse", str(tmp_path / "none"), good, "--json")
    assert result.exit_code == 2
    summary = json.loads(result.stdout)
    assert summary["new"] == 4
    assert [item["error"] is None for item in summary["channels"]] == [False, True]
    assert result.stderr.count("error:") == 1


def test_a_rejected_post_is_said_and_is_code_5(run: Any, tmp_path: Path) -> None:
    bad = chat(message(1, "good"), message("x", "secret words"), message(3, "good"))
    result = run("parse", str(write(tmp_path / "export", bad)))
    assert result.exit_code == 5
    assert "rejected: message x" in result.stderr
    assert "secret" not in result.stderr + result.stdout


def test_a_cut_off_file_keeps_what_came_before(run: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "export", NEWS)
    path.write_text(path.read_text()[:-60])
    result = run("parse", str(path))
    assert result.exit_code == 2
    assert "cut off" in result.stderr
    assert len(lines(run("export"))) >= 3


def test_a_limit_an_account_and_tags_at_once(run: Any, tmp_path: Path) -> None:
    path = str(write(tmp_path / "export", account(chat(message(1, "a b c"), message(2, "Москва")))))
    assert json.loads(run("parse", path, "--limit", "1", "--json").stdout)["new"] == 1
    summary = json.loads(run("parse", path, "--then-tag", "--json").stdout)
    assert summary["tag"]["tagger"] == "keywords"
    assert summary["tag"]["pending"] == 0


def test_reconvert_has_nothing_to_do_yet(archive: Any) -> None:
    assert json.loads(archive("parse", "--reconvert", "--json").stdout)["updated"] == 0
    assert archive("parse").exit_code == 3  # channels without public names need an account
    assert archive("parse", "--reconvert", "x").exit_code == 2


def test_tag_names_itself_once(run: Any, tmp_path: Path) -> None:
    run("parse", str(write(tmp_path / "export", NEWS)))
    dry = json.loads(run("tag", "--dry-run", "--json").stdout)
    assert (dry["posts"], dry["requests"], dry["cost_usd"]) == (4, 0, 0.0)
    first = run("tag", "--json")
    summary = json.loads(first.stdout)
    assert (summary["tagged"], summary["skipped"], summary["failed"]) == (3, 1, 0)
    assert (summary["pending"], summary["tagger"], summary["stopped"]) == (0, "keywords", None)
    assert "embedded tagger" in first.stderr
    assert "TGTAGGER_LLM_PROVIDER" in first.stderr
    again = run("tag", "--force", "--yes").stderr
    assert again == (
        "tagged 3 posts with the embedded tagger, skipped 1 post with nothing to tag\n"
    )


def test_without_a_terminal_one_line_sums_up(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Live, "show", lambda _: None)  # what takes longer than a second, here
    export = str(write(tmp_path / "export", NEWS))
    parsed = run("parse", export).stderr.splitlines()
    assert parsed[0].startswith("a new database: ")
    assert parsed[1:] == ["News: 4 new posts, 1 service message"]
    both = account(NEWS | {"id": 7, "name": "Other"}, NEWS)
    several = run("parse", str(write(tmp_path / "both", both))).stderr
    assert several == "2 channels: 4 new posts, 4 unchanged, 2 service messages\n"
    assert run("tag").stderr.splitlines()[-1].startswith("tagged 6 posts with the embedded tagger")
    assert run("tag").stderr.startswith("nothing to tag")
    assert run("retry-failed").stderr.startswith("nothing to retry")
    assert run("export", "-o", str(tmp_path / "a.jsonl")).stderr == (
        f"wrote 8 posts to {tmp_path / 'a.jsonl'}\n"
    )
    site = run("export", "-o", str(tmp_path / "site"), "--format", "html").stderr
    assert site.startswith("wrote 8 posts to ")
    assert run("doctor", "--backup", str(tmp_path / "b.db")).stderr.startswith("copied 8 posts")
    for command in (
        ["parse", export], ["tag"], ["retry-failed"], ["export", "-o", str(tmp_path / "b.jsonl")],
        ["doctor", "--backup", str(tmp_path / "c.db")],
    ):  # fmt: skip
        quiet = run("-q", *command)
        assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")
    for command in (["parse", export, "--json"], ["tag", "--json"]):
        assert run(*command).stderr == ""


def test_after_parsing_the_next_step_is_named(run: Any, tmp_path: Path) -> None:
    export = str(write(tmp_path / "export", NEWS))
    shown = on_terminal("--db", str(tmp_path / "posts.db"), "parse", export).output
    assert "tag the posts: tgtagger tag" in shown


def test_a_post_that_a_list_had_nothing_for_is_looked_at_again_when_it_grows(
    archive: Any, tmp_path: Path
) -> None:
    words = tmp_path / "tags.txt"

    def tag_by(text: str) -> tuple[int, int]:
        words.write_text(f"# mode: closed\n{text}\n")
        told = json.loads(archive("tag", "--vocabulary", str(words), "--stale", "--json").stdout)
        return told["tagged"], told["skipped"]

    assert tag_by("nonsense") == (0, 3)
    assert tag_by("nonsense") == (0, 0)
    assert tag_by("nonsense\ncomet\nкомета")[0] > 0


def test_what_is_no_number_is_called_that(run: Any) -> None:
    assert "'x' is not a whole number" in run("tags", "undo", "x").stderr
    assert "'x' is not a whole number" in run("parse", "@news", "--refresh", "x").stderr


def test_tag_again_only_when_asked(archive: Any) -> None:
    assert json.loads(archive("tag", "--json").stdout)["tagged"] == 0
    assert json.loads(archive("tag", "--stale", "--json").stdout)["tagged"] == 0
    one = json.loads(archive("tag", "--post", "1006503122/2", "--force", "--json").stdout)
    assert one["tagged"] == 1
    assert archive("tag", "--force").exit_code == 2  # everything: asks, and nobody can answer
    assert archive("tag", "--force", "--stale").exit_code == 2
    assert archive("tag", "--tagger", "llm").exit_code == 2


def test_a_provider_named_is_not_passed_over(archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TGTAGGER_LLM_PROVIDER", "openai")
    result = archive("tag", "--force", "--yes")
    assert result.exit_code == 2
    assert "TGTAGGER_LLM_MODEL" in result.stderr
    monkeypatch.setenv("TGTAGGER_LLM_MODEL", "gpt-5-nano")
    assert "OPENAI_API_KEY" in archive("tag", "--force", "--yes").stderr
    monkeypatch.setenv("TGTAGGER_TAGGER", "keywords")
    assert archive("tag", "--force", "--yes").exit_code == 0


def test_time_that_is_over_is_code_75(archive: Any, tmp_path: Path) -> None:
    many = chat(*(message(n, f"Москва {n}") for n in range(100, 900)))
    archive("parse", str(write(tmp_path / "many", many)))
    result = archive("tag", "--max-time", "0s", "--json")
    assert result.exit_code == 75
    summary = json.loads(result.stdout)
    assert summary["stopped"]["class"] == "time_cap"
    assert summary["pending"] > 0
    assert archive("tag").exit_code == 0


def test_search_finds_word_forms(archive: Any) -> None:
    (found,) = lines(archive("search", "новость", "--json"))
    assert found["id"] == 3
    assert "**новости**" in found["snippet"]
    assert lines(archive("search", "комета", "--json"))[0]["tags"][0] == "астрономия"
    assert [item["id"] for item in lines(archive("search", "--json", "--limit", "2"))] == [5, 4]
    shown = archive("search", "terminal").stdout
    assert "\x1b" not in shown
    assert r"\x1b[31m" in shown
    assert archive("search", '"open').exit_code == 2
    assert archive("search", "--sort", "relevance").exit_code == 2
    assert archive("search", "--sort", "relevance", "--", "-comet").exit_code == 2
    without = lines(archive("search", "channel:News -кометы status:tagged", "--json"))
    assert [item["id"] for item in without] == [4, 3]
    assert without[1]["snippet"] == without[1]["text"]
    assert archive("search", "x", "--sort", "size").exit_code == 2
    assert archive("search", "--status", "new").exit_code == 2
    assert archive("search", "--since", "2026-02-01", "--until", "2026-01-01").exit_code == 2


def test_show_says_where_tags_come_from(archive: Any) -> None:
    result = archive("show", "1006503122/2")
    assert "hashtag" in result.stdout
    assert "keywords-4" in result.stdout
    details = json.loads(archive("show", "1006503122/2", "--json").stdout)
    assert details["links"][0]["source"] == "hashtag"
    assert details["attempts"] == []
    assert archive("show", "nobody/1").exit_code == 2


def test_export_equals_the_database(archive: Any, tmp_path: Path) -> None:
    records = lines(archive("export"))
    assert [record["id"] for record in records] == [5, 4, 3, 2]
    assert [
        lines(archive("show", f"1006503122/{r['id']}", "--json"))[0]["text"] for r in records
    ] == [record["text"] for record in records]
    assert json.loads(archive("export", "--format", "json").stdout) == records
    assert json.loads(archive("export", "--format", "json", "--query", "нетникого").stdout) == []
    target = tmp_path / "out.jsonl"
    assert archive("export", "-o", str(target)).exit_code == 0
    assert [json.loads(line) for line in target.read_text().splitlines()] == records
    assert target.stat().st_mode & 0o777 == 0o600


def test_csv_is_harmless_in_a_spreadsheet(archive: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(archive("export", "--format", "csv").stdout)))
    assert len(rows) == 4
    assert rows[1]["text"].startswith("'=1+1")
    raw = list(csv.DictReader(io.StringIO(archive("export", "--format", "csv", "--raw").stdout)))
    assert raw[1]["text"].startswith("=1+1")
    assert "; " in rows[2]["tags"]
    assert archive("export", "--raw").exit_code == 2
    assert archive("export", "--format", "xls").exit_code == 2


def test_a_target_that_cannot_be(archive: Any, tmp_path: Path) -> None:
    assert archive("export", "-o", str(tmp_path)).exit_code == 2


@pytest.mark.parametrize(
    ("name", "options", "beginning"),
    [
        ("posts.csv", (), b"channel_id,"),
        ("posts.JSON", (), b"[\n"),
        ("posts.xml", (), b"<?xml"),
        ("posts.ndjson", (), b'{"channel"'),
        ("posts", (), b'{"channel"'),
        ("posts-2026.01.31", (), b'{"channel"'),
        ("posts.txt", ("--format", "csv"), b"channel_id,"),
    ],
)
def test_a_file_is_what_its_name_says(
    archive: Any, tmp_path: Path, name: str, options: tuple[str, ...], beginning: bytes
) -> None:
    target = tmp_path / name
    assert archive("export", "-o", str(target), *options).exit_code == 0
    assert target.read_bytes().removeprefix(b"\xef\xbb\xbf").startswith(beginning)
    assert archive("export", "-o", str(tmp_path / "no" / "such" / "folder.jsonl")).exit_code == 2


def test_lists_and_status(archive: Any) -> None:
    tags = json.loads(archive("tags", "--json").stdout)
    assert {"name", "posts", "sources", "last_used"} <= set(tags[0])
    assert "астрономия" in archive("tags").stdout
    assert json.loads(archive("tags", "--unused", "--json").stdout) == []
    (channel,) = json.loads(archive("channels", "--json").stdout)
    assert (channel["id"], channel["posts"], channel["pending"]) == (1006503122, 4, 0)
    assert "News" in archive("channels").stdout
    status = json.loads(archive("status", "--json").stdout)
    assert status["posts"] == {"pending": 0, "tagged": 3, "skipped": 1, "failed": 0}
    assert {"posts", "failures", "channels", "tags", "runs", "database"} <= set(status)
    assert [item["command"] for item in status["runs"]] == ["tag", "parse"]
    assert status["database"]["schema"] == SCHEMA.newest
    assert "3 tagged" in archive("status").stdout


def test_doctor_looks_at_everything(archive: Any, tmp_path: Path) -> None:
    found = json.loads(archive("doctor", "--json").stdout)
    assert {item["level"] for item in found} == {"ok"}
    assert {
        "settings", "tagger", "reader", "session", "permissions", "database", "search", "clock",
        "storage", "versions", "room",
    } == {item["check"] for item in found}  # fmt: skip
    (tmp_path / "posts.db").chmod(0o644)
    assert "chmod 600" in archive("doctor").stdout
    import sqlite3

    with sqlite3.connect(tmp_path / "posts.db") as raw:
        raw.execute("UPDATE posts SET text = 'changed behind our back' WHERE message_id = 2")
    raw.close()
    assert archive("doctor").exit_code == 6


def test_a_channels_posts_are_kept_for_a_time(archive: Any, tmp_path: Path) -> None:
    archive("tags", "add", "1006503122/3", "mine")
    would = archive("channels", "keep", "News", "1d", "--dry-run", "--json")
    assert json.loads(would.stdout) == {"title": "News", "keep_days": 1, "removed": 3, "stay": 1}
    refused = archive("channels", "keep", "News", "1d")
    assert (refused.exit_code, "--yes" in refused.stderr) == (2, True)
    assert len(lines(archive("export"))) == 4
    kept = archive("channels", "keep", "News", "1d", "--yes").stdout
    assert kept == (
        "News: posts are kept for 1d; 3 older posts deleted\n"
        "kept: 1 older post that a person or an agent tagged\n"
    )
    assert [post["id"] for post in lines(archive("export"))] == [3]
    assert "News (1d)" in archive("channels").stdout
    assert json.loads(archive("channels", "--json").stdout)[0]["keep_days"] == 1
    again = archive("parse", str(tmp_path / "export"), "--json")  # they do not come back
    assert json.loads(again.stdout)["new"] == 0
    assert archive("channels", "keep", "News", "Forever").stdout == "News: all posts are kept\n"
    assert json.loads(archive("parse", str(tmp_path / "export"), "--json").stdout)["new"] == 3
    with contextlib.closing(sqlite3.connect(tmp_path / "posts.db")) as db, db:
        db.execute("UPDATE channels SET keep_days = 1")
    assert archive("parse", str(tmp_path / "export")).exit_code == 0  # each run that reads sweeps
    assert [post["id"] for post in lines(archive("export"))] == [3]
    wrong = archive("channels", "keep", "News", "soon")
    assert (wrong.exit_code, "365d" in wrong.stderr) == (2, True)
    assert archive("channels", "keep", "@nobody", "1y").exit_code == 2


@pytest.mark.parametrize("command", ["search", "export", "tags", "channels", "status"])
def test_without_a_database_every_reader_says_what_to_do(run: Any, command: str) -> None:
    result = run(command)
    assert result.exit_code == 2
    assert "tgtagger parse" in result.stderr
    assert result.stdout == ""


def test_the_demo_leaves_nothing_behind_unless_asked(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["demo"])
    assert shown.exit_code == 0, shown.stderr
    for words in ("Harbour Notes", "Записки обсерватории", "#", "Next steps", "новост"):
        assert words in shown.stdout
    assert "\x1b" not in shown.stdout
    assert shown.stderr == ""
    kept = tmp_path / "demo.db"
    assert CliRunner().invoke(app, ["--db", str(kept), "demo"]).exit_code == 0
    assert kept.exists()


def test_real_posts_in_are_real_posts_out(run: Any, real_data: Path) -> None:
    path = real_data / "desktop/zh_public_channel.result.json"
    summary = json.loads(run("parse", str(path), "--then-tag", "--json").stdout)
    root = json.loads(path.read_text())
    records = lines(run("export"))
    messages = [item for item in root["messages"] if item["type"] != "service"]
    assert sum(len(record["ids"]) for record in records) == len(messages)
    assert summary["new"] == len(records)
    assert summary["tag"]["pending"] == 0


@pytest.mark.parametrize(
    "call",
    [
        ("tags", "--json", "suggest"),
        ("tags", "--unused", "history"),
        ("channels", "--json", "pause", "News"),
        ("config", "--json", "path"),
    ],
)
def test_an_option_that_a_command_never_sees_is_refused(archive: Any, call: Any) -> None:
    refused = archive(*call)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"{call[1]} before {call[2]} has no effect" in refused.stderr


def test_options_before_a_word_for_the_listing(archive: Any) -> None:
    listed = archive("tags", "--json", "list")
    assert listed.stdout == archive("tags", "--json").stdout != ""
    assert archive("tags", "-q", "history").exit_code == 0


@pytest.mark.parametrize("name", ["not a name", "https://example.com/x", "@"])
def test_a_wrong_name_to_add_makes_no_database(run: Any, tmp_path: Path, name: str) -> None:
    assert run("channels", "add", "@durov", name).exit_code == 2
    assert not (tmp_path / "posts.db").exists()


def test_channels_are_added_paused_and_removed(archive: Any, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("# my channels\n@durov\n\nt.me/telegram\n")
    assert "added 2 channels" in archive("channels", "add", "--from-file", str(names)).stdout
    assert json.loads(archive("channels", "add", "@durov", "--json").stdout) == []
    assert "added, not read yet: @durov, @telegram" in archive("status").stdout
    assert "nothing was added" in archive("channels", "add", "t.me/durov").stdout
    forgotten = archive("channels", "remove", "durov", "--json")
    assert json.loads(forgotten.stdout) == {"title": "@durov", "removed": 0, "kept": 0}
    assert archive("channels", "pause", "-1001006503122").exit_code == 0
    assert archive("show", "-1001006503122/2", "--json").exit_code == 0
    assert "did you mean --json?" in archive("channels", "add", "--jsno").stderr
    assert "begin with - after --" in archive("search", "-война").stderr
    assert archive("channels", "add", "not a name").exit_code == 2
    assert archive("channels", "add").exit_code == 2
    assert archive("channels", "pause", "News").stdout == "paused: News\n"
    assert "paused" in archive("channels").stdout
    assert archive("channels", "resume", "1006503122").exit_code == 0
    assert "stay" in archive("channels", "remove", "News").stdout
    refused = archive("channels", "remove", "News", "--with-posts")
    assert (refused.exit_code, "--yes" in refused.stderr) == (2, True)
    removed = archive("channels", "remove", "News", "--with-posts", "--yes", "--json")
    assert json.loads(removed.stdout)["removed"] == 4
    assert lines(archive("export")) == []


def test_a_vocabulary_goes_round(archive: Any, tmp_path: Path) -> None:
    archive("tags", "alias", "астрономия", "небеса")
    file = tmp_path / "tags.txt"
    assert archive(
        "tags", "export-vocabulary", "-o", str(file), "--mode", "closed", "--limit", "30"
    ).exit_code == 0  # fmt: skip
    text = file.read_text()
    assert text.startswith("# mode: closed\n")
    assert "астрономия | небеса\n" in text
    assert len(archive("tags", "export-vocabulary", "--limit", "4").stdout.splitlines()) == 4
    file.write_text(text + "погода | | дождь и снег\n")
    again = archive("--config", str(_settings(tmp_path, file)), "tags", "export-vocabulary").stdout
    assert again.startswith(file.read_text())  # the file's own tags first, as they stand
    assert archive("tag", "--force", "--yes", "--vocabulary", str(file)).exit_code == 0
    assert {tag for record in lines(archive("export")) for tag in record["tags"]} <= {
        line.split("|")[0].strip() for line in file.read_text().splitlines()[1:]
    }


def test_old_names_are_followed_in_a_closed_vocabulary(archive: Any, tmp_path: Path) -> None:
    archive("tags", "rename", "Иркутск", "Сибирь")
    file = tmp_path / "tags.txt"
    file.write_text("# mode: closed\nСибирь\n")
    told = archive("tag", "--force", "--yes", "--vocabulary", str(file), "--json")
    assert json.loads(told.stdout)["tagged"] == 1
    assert [record["id"] for record in lines(archive("export", "--tag", "Сибирь"))] == [3]
    assert re.search(r"^ +\d+  tag .* 1 tagged$", archive("status").stdout, re.MULTILINE)


@pytest.mark.parametrize("command", [["search"], ["search", "x"], ["export"], ["tag"]])
def test_any_number_is_a_limit(archive: Any, command: list[str]) -> None:
    assert archive(*command, "--limit", "9" * 30).exit_code == 0


def test_a_query_needs_no_quotes(archive: Any) -> None:
    assert [record["id"] for record in lines(archive("search", "tag:комета", "комету", "--json"))]
    assert archive("search", "chanel:x", "комета").exit_code == 2


def _settings(tmp_path: Path, vocabulary: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(f'[tagging]\nvocabulary = "{vocabulary}"\n')
    return file


def test_folders_and_feeds_are_exported(archive: Any, tmp_path: Path) -> None:
    for form in ("md", "html"):
        assert archive("export", "--format", form).exit_code == 2  # where to?
        assert archive("export", "--format", form, "-o", str(tmp_path / form)).exit_code == 0
    assert (tmp_path / "md/Home.md").is_file()
    assert (tmp_path / "html/index.html").is_file()
    feed = archive("export", "--format", "rss", "--tag", "астрономия").stdout
    assert "<title>астрономия</title>" in feed
    assert feed.count("<item>") == 1


def test_a_query_holds_filters(archive: Any) -> None:
    found = lines(archive("search", "tag:астрономия channel:News", "--json"))
    assert [record["id"] for record in found] == [2]
    assert lines(archive("search", "комету -tag:астрономия", "--json")) == []
    both = lines(archive("search", "since:2026 новости", "--until", "2027", "--json"))
    assert [record["id"] for record in both] == [3]
    either = lines(archive("search", "комету OR (новости -has:photo) | has:photo", "--json"))
    assert [record["id"] for record in either] == [5, 3, 2]
    assert archive("search", "(комету").exit_code == 2
    assert len(lines(archive("export", "--query", "комету OR новости"))) == 2


def test_hits_are_counted(archive: Any, tmp_path: Path) -> None:
    assert archive("search", "--count").stdout == "4\n"
    assert archive("search", "--count", "--limit", "1", "комету | новости").stdout == "2\n"
    assert json.loads(archive("search", "--count", "--json", "комету").stdout) == {"posts": 1}
    db = str(tmp_path / "posts.db")
    some = on_terminal("--db", db, "search", "--limit", "2").output
    assert "2 of 4 posts; for more: --limit 4" in some
    assert "1 post found" in on_terminal("--db", db, "search", "комету").output


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("вселенная", "nothing found"),
        ("новостт", "did you mean новости?"),
        ("yjdjcnb", "did you mean новости?"),
        ("астрономея", "did you mean астрономия?"),
        ("tag:астрономия вселенная", "nothing found"),
    ],
)
def test_nothing_found_is_said_with_near_words(archive: Any, query: str, said: str) -> None:
    for more in ((), ("--json",)):
        result = archive("search", query, *more)
        assert (result.exit_code, result.stdout) == (0, "")
        assert said in result.stderr
    assert archive("-q", "search", query).stderr == ""


def test_the_tab_key_knows_tags_and_channels(archive: Any, tmp_path: Path) -> None:
    database = tmp_path / "posts.db"

    def offered(*words: str) -> list[str]:
        """Return what bash is told; it hands over its words line by line."""
        variables = {
            "_TGTAGGER_COMPLETE": "complete_bash",
            "COMP_WORDS": "\n".join(["tgtagger", "--db", str(database), *words]),
            "COMP_CWORD": str(len(words) + 2),
        }
        result = CliRunner().invoke(app, [], env=variables, prog_name="tgtagger")
        assert result.stderr == ""
        return str(result.stdout).splitlines()

    archive("channels", "add", "@durov")
    archive("tags", "add", "1006503122/2", "солнечная энергия", "l'été")
    assert "астрономия" in offered("search", "--tag", "астр")
    assert offered("channels", "pause", "1006") == ["1006503122"]
    assert offered("channels", "remove", "@", "du") == ["@durov"]  # bash parts them there
    assert offered("export", "--format", "js") == ["jsonl", "json"]
    assert offered("export", "--status", "p") == ["pending"]
    # As bash puts it in: behind a backslash, in the quotes that were begun, after a =.
    assert offered("tags", "remove", "сол") == [r"солнечная\ энергия"]
    assert offered("tags", "remove", r"солнечная\ эн") == [r"солнечная\ энергия"]
    assert offered("tags", "remove", "'солнечная эн") == ["солнечная энергия"]
    assert offered("search", "--tag", "=", "солн") == [r"солнечная\ энергия"]
    assert offered("tags", "remove", "l") == [r"l\'été"]
    assert offered("tags", "remove", '"l') == ["l'été"]
    assert offered("tags", "remove", "'l") == [r"l'\''été"]
    assert offered("tags", "remove", "нет") == [""]


def test_the_tab_key_changes_nothing(archive: Any, tmp_path: Path) -> None:
    database = tmp_path / "posts.db"
    with contextlib.closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    variables = {"_TGTAGGER_COMPLETE": "complete_bash", "COMP_CWORD": "5"}
    for name in ("posts.db", "none.db"):
        words = ["tgtagger", "--db", str(tmp_path / name), "tags", "remove", "а"]
        result = CliRunner().invoke(
            app, [], env={**variables, "COMP_WORDS": "\n".join(words)}, prog_name="tgtagger"
        )
        assert (result.stdout.strip(), result.stderr) == ("", "")
    assert not list(tmp_path.glob("*.backup")) + list(tmp_path.glob("none*"))


def test_messages_from_before_a_supergroup_are_stored_and_shown(run: Any, tmp_path: Path) -> None:
    old, number = message(-999_999_939, "words of the old group"), -999_999_939
    old["date_unixtime"] = message(1)["date_unixtime"]
    group = chat(old, message(2, "new words"), type="private_supergroup", id=1234567890)
    path = str(write(tmp_path / "export", group))
    first = run("parse", path, "--groups", "--json")
    again = run("parse", path, "--groups", "--json")
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert [json.loads(each.stdout)["new"] for each in (first, again)] == [2, 0]
    urls = {post["id"]: post["url"] for post in lines(run("export"))}
    assert urls == {number: None, 2: "https://t.me/c/1234567890/2"}
    assert "words of the old group" in run("show", f"1234567890/{number}").stdout
    assert [post["id"] for post in lines(run("search", "old group", "--json"))] == [number]
    for form in ("md", "html", "rss", "csv"):
        done = run("export", "--format", form, "-o", str(tmp_path / f"made-{form}"))
        assert done.exit_code == 0, done.stderr
    assert run("doctor").exit_code == 0


@pytest.mark.parametrize(
    "option",
    [
        ["--via", "preview"],
        ["--account", "work"],
        ["--refresh", "5"],
        ["--backfill"],
        ["--no-backfill"],
    ],
)
def test_an_option_of_channels_is_refused_for_an_export(
    run: Any, tmp_path: Path, option: list[str]
) -> None:
    result = run("parse", str(write(tmp_path / "export", NEWS)), *option)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{option[0]} works with channels" in result.stderr


@pytest.mark.parametrize(
    "option", [["--limit", "5"], ["--since", "7d"], ["--via", "preview"], ["--groups"]]
)
def test_reconvert_takes_no_other_option(archive: Any, option: list[str]) -> None:
    result = archive("parse", "--reconvert", *option)
    assert result.exit_code == 2
    assert f"{option[0]} does not work with --reconvert" in result.stderr
    assert archive("parse", "--reconvert", "--then-tag").exit_code == 0


def test_a_named_account_never_reads_the_preview(run: Any) -> None:
    result = run("parse", "@news", "--account", "work")
    assert result.exit_code == 3
    assert "login --account work" in result.stderr
    assert run("parse", "@news", "--account", "work", "--via", "preview").exit_code == 2
    assert run("sync", "--account", "work", "--via", "preview").exit_code == 2


def test_relevance_wants_words(archive: Any) -> None:
    assert archive("search", "--sort", "relevance", "tag:комета").exit_code == 2
    assert archive("search", "--sort", "relevance", "комета").exit_code == 0


@pytest.mark.parametrize(
    "command",
    [
        "parse", "parse --reconvert", "tag", "tag --dry-run", "tag --force --yes", "retry-failed",
        "retry-failed --dry-run", "sync", "status", "search", "show @news/1", "export", "tags",
        "tags suggest", "tags rename a b", "tags undo 1", "channels", "channels pause @news",
        "channels remove @news --yes", "doctor --backup copy.db",
    ],
)  # fmt: skip
@pytest.mark.parametrize("folder", ["", "missing"])
def test_a_database_that_is_not_there_is_told_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / folder / "mistyped.db"
    result = CliRunner().invoke(app, ["--db", str(path), *command.split()])
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"there is no database yet at {path}" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_new_database_is_told(run: Any, tmp_path: Path) -> None:
    export = str(write(tmp_path / "export", NEWS))
    told = f"a new database: {tmp_path / 'posts.db'}\n"
    assert told in run("parse", export).stderr
    assert told not in run("parse", export).stderr
    (tmp_path / "posts.db").unlink()
    assert told in run("channels", "add", "@news").stderr
    (tmp_path / "posts.db").unlink()
    assert run("-q", "channels", "add", "@news").stderr == ""


@pytest.mark.parametrize(
    ("name", "form", "fits"),
    [
        ("x.pdf", "", ".csv (csv)"),
        ("x.txt", "", "for any other name add --format"),
        ("x.xlsx", "csv", "a file of csv ends with .csv"),
        ("x.jsonl.gz", "jsonl", "a file of jsonl ends with .jsonl or .ndjson"),
        ("x.CSV", "jsonl", "a file of jsonl ends with .jsonl or .ndjson"),
        ("x.json", "jsonl", "a file of jsonl ends with .jsonl or .ndjson"),
        ("x.json", "rss", "a file of rss ends with .rss or .xml"),
        ("x.html", "rss", "a file of rss ends with .rss or .xml"),
        ("x.md", "", "--format md -o FOLDER"),
        ("x.md", "md", "--format md -o FOLDER"),
        ("x.html", "", "--format html -o FOLDER"),
        ("x.htm", "html", "--format html -o FOLDER"),
        ("x.zip", "html", "html writes a folder"),
        ("x.csv", "md", "md writes a folder"),
        ("x/", "", "give the name of a file in it"),
    ],
)
def test_a_name_that_does_not_fit_is_refused_with_what_fits(
    archive: Any, tmp_path: Path, name: str, form: str, fits: str
) -> None:
    before = {*tmp_path.iterdir()}
    result = archive("export", "-o", f"{tmp_path}/{name}", *(["--format", form] if form else []))
    assert result.exit_code == 2
    assert fits in result.stderr
    assert {*tmp_path.iterdir()} == before


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("before", [0o644, 0o640, 0o600, 0o666])
def test_an_export_keeps_the_mode_of_the_file_it_replaces(
    archive: Any, tmp_path: Path, before: int
) -> None:
    target = tmp_path / "feed.xml"
    assert archive("export", "-o", str(target)).exit_code == 0
    assert mode(target) == 0o600
    target.write_text("old")
    target.chmod(before)
    assert archive("export", "-o", str(target)).exit_code == 0
    assert target.read_text().startswith("<?xml")
    assert mode(target) == before


def test_a_public_export_is_for_a_web_server(archive: Any, tmp_path: Path) -> None:
    feed, site = tmp_path / "feed.xml", tmp_path / "www" / "site"
    old = os.umask(0o077)
    try:
        assert archive("export", "--public", "-o", str(feed)).exit_code == 0
        assert archive("export", "--format", "html", "-o", str(site)).exit_code == 0
        assert mode(site / "index.html") == 0o600
        assert archive("export", "--format", "html", "--public", "-o", str(site)).exit_code == 0
    finally:
        os.umask(old)
    assert mode(feed) == 0o644
    shown = [path for path in site.rglob("*") if path.name not in {NOTE, STATE}]
    assert {mode(path) for path in shown if path.is_file()} == {0o644}
    assert {mode(path) for path in (site, *shown) if path.is_dir()} == {0o755}
    # Without the option what is replaced stays for everybody to read.
    (site / "index.html").write_text("touched")
    (site / "index.html").chmod(0o644)
    assert archive("export", "--format", "html", "-o", str(site)).exit_code == 0
    assert (site / "index.html").read_text() != "touched"
    assert mode(site / "index.html") == 0o644


def test_a_public_export_makes_folders_that_a_web_server_can_enter(
    archive: Any, tmp_path: Path
) -> None:
    site = tmp_path / "www" / "site"
    assert archive("export", "--format", "html", "--public", "-o", str(site)).exit_code == 0
    assert (mode(site.parent), mode(site), mode(site / "index.html")) == (0o755, 0o755, 0o644)


@pytest.mark.parametrize(
    "options",
    [["-o", "x.csv"], ["-o", "x.jsonl"], ["--format", "md", "-o", "x"], ["--format", "rss"]],
)
def test_only_files_for_web_servers_are_public(archive: Any, options: list[str]) -> None:
    result = archive("export", "--public", *options)
    assert result.exit_code == 2
    assert "--public " in result.stderr


def test_csv_in_a_file_begins_with_a_byte_order_mark(archive: Any, tmp_path: Path) -> None:
    target, mark = tmp_path / "posts.csv", b"\xef\xbb\xbf"
    assert archive("export", "-o", str(target)).exit_code == 0
    assert target.read_bytes().startswith(mark + b"channel_id,")
    rows = list(csv.DictReader(io.StringIO(target.read_text(encoding="utf-8-sig"))))
    assert rows[-1]["text"].startswith("Учёные")
    assert archive("export", "-o", str(target), "--raw").exit_code == 0
    assert target.read_bytes().startswith(b"channel_id,")
    assert archive("export", "--format", "csv").stdout.startswith("channel_id,")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["tags", "list"], "астрономия"),
        (["tags", "ls", "--unused"], ""),
        (["tags", "delete", "астрономия"], "removed 'астрономия'"),
        (["tags", "rm", "астрономия"], "removed 'астрономия'"),
        (["channels", "list"], "News"),
        (["channels", "rm", "News"], "removed: News"),
        (["help"], "Keep Telegram channels"),
        (["help", "tag"], " tag [OPTIONS]"),
        (["help", "tags", "merge"], " tags merge [OPTIONS]"),
        (["version"], "tgtagger "),
    ],
)
def test_habits_work(archive: Any, typed: list[str], said: str) -> None:
    result = archive(*typed)
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    assert said in result.stdout


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["tags", "renam", "a", "b"], "did you mean rename?"),
        (["channels", "paus", "x"], "did you mean pause?"),
        (["tags", "zzz"], "tags --help"),
        (["find", "x"], "tgtagger search"),
        (["retry"], "tgtagger retry-failed"),
        (["backup"], "doctor --backup FILE"),
        (["serch"], "did you mean search or serve?"),
        (["help", "serch"], "did you mean search or serve?"),
        (["help", "tags", "renam"], "did you mean rename?"),
    ],
)
def test_typos_are_told_the_nearest(archive: Any, typed: list[str], hint: str) -> None:
    result = archive(*typed)
    assert result.exit_code == 2
    assert hint in result.stderr


def test_several_channels_are_named_at_once(run: Any, tmp_path: Path) -> None:
    chats = [NEWS | {"id": 7, "name": "BBC World"}, NEWS | {"id": 8, "name": "BBC Sport ё"},
             NEWS | {"id": 9, "name": "The Wörld"}]  # fmt: skip
    assert run("parse", str(write(tmp_path / "export", account(*chats)))).exit_code == 0
    paused = run("channels", "pause", "bbc w", "SPORT Е").stdout
    assert paused == "paused: BBC World\npaused: BBC Sport ё\n"
    assert run("channels", "pause", "bbc w", "nothing").exit_code == 2
    assert run("channels", "resume", "7", "8").stdout.count("resumed") == 2
    both = run("channels", "pause", "bbc")
    assert both.exit_code == 2
    assert "2 channels have 'bbc' in their title: BBC World, BBC Sport ё" in both.stderr
    assert len(lines(run("search", "--channel", "wörld", "--json"))) == 4
    assert run("search", "--channel", "world", "--json").exit_code == 0  # one title contains it
    assert run("channels", "add", "@other").exit_code == 0
    gone = run("channels", "remove", "@other", "BBC World", "sport", "--with-posts", "--yes").stdout
    assert gone.splitlines() == [
        "removed: @other",
        "removed: BBC World and its 4 posts",
        "removed: BBC Sport ё and its 4 posts",
    ]
    assert run("channels", "remove", "The", "nothing", "--with-posts", "--yes").exit_code == 2
    assert "The Wörld" in run("channels").stdout


@pytest.mark.parametrize(("options", "says"), [((), True), (("-q",), False)])
def test_ctrl_c_says_that_what_was_stored_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], *, says: bool
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tgtagger.runs.parse.parse_into", interrupted)
    export = str(write(tmp_path / "export", NEWS))
    shown = on_terminal("--db", str(tmp_path / "posts.db"), *options, "parse", export)
    assert shown.code == 130
    assert ("everything stored so far is kept" in shown.output) is says
