"""Hostile content to every output: what is shown is harmless, what is stored is what came."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from support.hostile import SURROGATES, all_strings, forged, storable, unseen
from support.hostile_archive import MAIN, TEXTS, force, make_hostile
from support.terminal import Shown, in_pipes, on_terminal


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def forced(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return force(archive, tmp_path_factory.mktemp("forced") / "posts.db")


READING = [
    ("tags",),
    ("tags", "--unused"),
    ("channels",),
    ("status",),
    ("doctor",),
    ("config",),
    ("search", "harbour", "--limit", "10000"),
    ("search", "--limit", "10000"),
    ("search", "storm", "--sort", "relevance", "--limit", "10000"),
]
SHOWN = [("show", f"{MAIN}/{at}") for at in range(1, len(TEXTS) + 1)]
SHOWN += [("show", f"{2_000_000_000 + at}/1") for at in range(len(TEXTS))]


def kept(text: str) -> str:
    """Return what is stored of a text that came in an export."""
    return SURROGATES.sub("\ufffd", text).replace("\0", "")


Call = Callable[..., Shown]


@pytest.fixture(params=["pipe", "terminal"])
def call(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("TERM", "xterm-256color")
    return in_pipes if request.param == "pipe" else on_terminal


def assert_harmless(shown: Shown, *, live: bool = False) -> None:
    for text in (shown.output, shown.errors):
        assert not unseen(text, live=live), unseen(text, live=live)[:5]


@pytest.mark.row("I2", "I3")
@pytest.mark.parametrize("arguments", READING, ids=" ".join)
@pytest.mark.parametrize("holds", ["archive", "forced"])
def test_what_a_command_shows_is_harmless(
    call: Call, holds: str, arguments: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    db = request.getfixturevalue(holds)
    shown = call("--db", str(db), *arguments)
    assert not forged(shown.output + shown.errors)
    assert_harmless(shown)


# ---- stored


@pytest.mark.row("I2", "I3", "I4", "I5")
def test_what_is_stored_is_what_came(archive: Path) -> None:
    with closing(sqlite3.connect(archive)) as raw:
        texts = dict(
            raw.execute("SELECT message_id, text FROM posts WHERE channel_id = ?", (MAIN,))
        )
        assert texts == {at: kept(text) for at, text in enumerate(TEXTS, 1)}
        titles = dict(raw.execute("SELECT id, title FROM channels WHERE id <> ?", (MAIN,)))
        assert titles == {2_000_000_000 + at: kept(text) for at, text in enumerate(TEXTS)}
        for at, came in enumerate(TEXTS):
            text, channel = kept(came), 2_000_000_000 + at
            one, file, poll, place, contact, game, undated = raw.execute(
                "SELECT text, author, reactions, forward, entities, media, date, markdown "
                "FROM posts WHERE channel_id = ? AND message_id < 8 ORDER BY message_id",
                (channel,),
            )
            assert one[0] == f"harbour {text} harbour herecode😀odd"
            assert one[1] == text
            assert json.loads(one[2]) == {text: 1, f"custom:{text}": 1}
            assert json.loads(one[3])["channel"] == text
            marks = {each["type"]: each for each in json.loads(one[4])}
            assert marks["text_link"]["url"] == text
            assert marks["pre"]["language"] == text
            assert marks["custom_emoji"]["document_id"] == text
            (media,) = json.loads(file[5])
            assert (media["file_name"], media["mime_type"]) == (text, text)
            assert media["title"] == f"{text} – {text}"
            (media,) = json.loads(poll[5])
            assert (media["question"], media["options"]) == (text, [text])
            (media,) = json.loads(place[5])
            assert media["title"] == text
            (media,) = json.loads(contact[5])
            assert media["title"] == f"{text} {text}"
            (media,) = json.loads(game[5])
            assert (media["title"], media["description"]) == (text, text)
            assert undated[0] == "harbour"
            found = raw.execute(
                "SELECT message_id FROM rejected_posts WHERE channel_id = ?", (channel,)
            ).fetchall()
            assert found == [(text[:100],)]


@pytest.mark.row("I2")
@pytest.mark.parametrize("holds", ["archive", "forced"])
@pytest.mark.parametrize("form", ["jsonl", "json"])
def test_an_export_for_programs_says_what_is_stored(
    call: Call, holds: str, form: str, request: pytest.FixtureRequest
) -> None:
    db = request.getfixturevalue(holds)
    shown = call("--db", str(db), "export", "--format", form)
    if call is on_terminal:
        assert_harmless(shown)
    else:
        assert "\x1b" not in shown.output
    records = lines_of(shown.output) if form == "jsonl" else json.loads(shown.output)
    with closing(sqlite3.connect(db)) as raw:
        stored = raw.execute(
            "SELECT c.id, c.title, c.username, p.message_id, p.text, p.author, "
            "coalesce(p.markdown, p.text), coalesce(p.media, '[]'), coalesce(p.reactions, 'null') "
            "FROM posts AS p JOIN channels AS c ON c.id = p.channel_id ORDER BY p.id DESC"
        ).fetchall()
        tags: dict[tuple[int, int], list[str]] = {}
        for channel, number, name in raw.execute(
            "SELECT p.channel_id, p.message_id, t.name FROM posts AS p JOIN post_tags AS l "
            "ON l.post_id = p.id JOIN tags AS t ON t.id = l.tag_id ORDER BY l.position"
        ):
            tags.setdefault((channel, number), []).append(name)
    assert [
        (each["channel"]["id"], each["channel"]["title"], each["channel"]["username"], each["id"],
         each["text"], each["author"], each["markdown"], each["media"], each["reactions"],
         each["tags"])
        for each in records
    ] == [
        (*row[:7], json.loads(row[7]), json.loads(row[8]), tags.get((row[0], row[3]), []))
        for row in stored
    ]  # fmt: skip


def lines_of(text: str) -> list[Any]:
    return [json.loads(line) for line in text.split("\n") if line]


@pytest.mark.row("I2")
def test_json_for_programs_steers_no_terminal(call: Call, forced: Path) -> None:
    for arguments in (
        ("tags",), ("channels",), ("status",), ("doctor",), ("config",),
        ("search", "harbour", "--limit", "1000"), ("show", "2000000000/1"),
    ):  # fmt: skip
        shown = call("--db", str(forced), *arguments, "--json")
        assert_harmless(shown)
        told = list(all_strings(lines_of(shown.output)))
        assert told
        if arguments[0] in {"tags", "channels", "status"}:
            assert set(storable().values()) <= set(told)


# ---- spreadsheets

FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r")
CALLS = re.compile(r"[=＝]|[^,]*[(|!]")


def cells_that_run(table: str) -> list[str]:
    """Return the cells that a spreadsheet would run, whichever separator it believes in.

    Read with another separator than ours a cell is a torn piece: it has to call something to harm.
    """
    found = []
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(table, newline=""), delimiter=separator):
            for cell in row:
                bare = cell.strip(' "\u200b\u00a0')
                if bare.startswith(FORMULA) and (separator == "," or CALLS.match(bare)):
                    found.append(cell)
    return found


@pytest.mark.row("I4")
@pytest.mark.parametrize("holds", ["archive", "forced"])
def test_a_table_runs_nothing(call: Call, holds: str, request: pytest.FixtureRequest) -> None:
    db = request.getfixturevalue(holds)
    shown = call("--db", str(db), "export", "--format", "csv")
    assert not cells_that_run(shown.output)
    if call is on_terminal:
        assert_harmless(shown)
    else:
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", shown.output)


@pytest.mark.row("I4")
def test_a_raw_table_holds_what_is_stored(archive: Path) -> None:
    shown = in_pipes("--db", str(archive), "export", "--format", "csv", "--raw")
    assert cells_that_run(shown.output)
    rows = list(csv.DictReader(io.StringIO(shown.output, newline="")))
    found = {int(row["id"]): row["text"] for row in rows if int(row["channel_id"]) == MAIN}
    assert found == {at: kept(text) for at, text in enumerate(TEXTS, 1)}
    shown = on_terminal("--db", str(archive), "export", "--format", "csv", "--raw")
    assert_harmless(shown)


# ---- what people read

YAML_FACTS = {
    "generator", "aliases", "channel", "username", "id", "url", "date", "edited", "deleted", "tags",
    "views", "forwards",
}  # fmt: skip
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
ACTIVE = {"img", "iframe", "object", "embed", "video", "audio", "base", "svg", "math", "template"}
SCHEMES = {"", "http", "https", "tg", "mailto", "tel"}


class Page(HTMLParser):
    """What a page could do: its elements that do something, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [key for key, _ in attrs if key.startswith("on") or key == "style"]
        self.found += [name] if name in ACTIVE else []
        for key, value in attrs:
            if key in {"href", "src", "action"}:
                self.links.append(value or "")
                self.found += [value or ""] if self.scheme_of(value or "") not in SCHEMES else []
            if name == "script" and value != "search.js":
                self.found.append("script")

    @staticmethod
    def scheme_of(link: str) -> str:
        head, colon, _ = re.sub(r"[\x00-\x20]", "", link).partition(":")
        return head.lower() if colon and re.fullmatch(r"[\w+.-]+", head) else ""


def exported(db: Path, form: str, folder: Path) -> Path:
    """Export into a folder of a folder: what gets out of it is seen."""
    path = folder / "around" / "out"
    path.parent.mkdir()
    shown = in_pipes("--db", str(db), "export", "--format", form, "-o", str(path))
    assert (shown.code, [each.name for each in path.parent.iterdir()]) == (0, ["out"])
    for each in path.rglob("*"):
        assert not re.search(r'[\x00-\x1f\x7f<>:"|?*\\\u202a-\u202e]|[. ]$', each.name)
        assert len(each.name.encode()) < 200
    return path


@pytest.mark.row("I2", "I5", "I6")
def test_a_site_does_nothing(forced: Path, tmp_path: Path) -> None:
    site = exported(forced, "html", tmp_path)
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        page = Page(text)
        assert not page.found, (path, page.found)
        assert not CONTROLS.search(text)
        for link in page.links:
            if not page.scheme_of(link) and not link.startswith("#"):
                assert (path.parent / unquote(link.partition("#")[0])).is_file(), (path, link)
    for path in (site / "search").rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.search("[<>&\u2028\u2029]", text.partition("\n")[2])
        json.loads(text[text.index("(") + 1 : text.rindex(")")])


@pytest.mark.row("I2", "I5", "I6")
def test_a_vault_holds_its_notes(forced: Path, tmp_path: Path) -> None:
    vault = exported(forced, "md", tmp_path)
    for path in vault.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert not CONTROLS.search(text)
        front, _, body = text.removeprefix("---\n").partition("\n---\n")
        assert set(yaml.load(front, yaml.CSafeLoader)) <= YAML_FACTS
        links = re.findall(r"(?<!\\)\]\(((?:\.\./)*(?:tags|days|channels|posts)/[^)]+)\)", body)
        assert all((path.parent / unquote(link)).is_file() for link in links), path
        assert links or path.parent == vault


@pytest.mark.row("I2", "I5")
def test_a_feed_is_sound(forced: Path) -> None:
    shown = in_pipes("--db", str(forced), "export", "--format", "rss", "--limit", "10000")
    items = ET.fromstring(shown.output).findall("channel/item")
    assert len({item.findtext("guid") for item in items}) == len(items) > len(TEXTS)
    for item in items:
        assert not Page(item.findtext("description") or "").found
        assert urlsplit(item.findtext("link") or "https:").scheme == "https"
