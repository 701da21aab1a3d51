"""Notes for Obsidian: YAML reads them, links lead somewhere, only what changed is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from support.make import minute, page, post, tag
from tgtagger.errors import InputError
from tgtagger.export import vault
from tgtagger.export.folder import NOTE, Folder, file_name
from tgtagger.model.posts import Channel, Entity, Media, PostFilter
from tgtagger.sources.markdown import to_markdown
from tgtagger.store import Store

NASTY = 'a: "b"\n---\nx: y\u2028z\x85\x1b[31m <script>alert(1)</script> #tag [x](y) ```'


def write(store: Store, path: Path, **wanted: Any) -> Folder:
    with store.select(PostFilter(**wanted)) as selection:
        return vault.write(selection, path)


@pytest.fixture
def archive(store: Store) -> Store:
    store.posts.save_page(page(post(1, "Bare words"), post(2, NASTY), post(3, "", date=None)))
    store.posts.save_page(page(post(1, "Other"), channel=Channel(7, "../../etc/passwd", None)))
    tag(store, ["AI & ethics", "C#", "../up", "Привет, мир"])
    return store


def read_note(path: Path) -> tuple[dict[str, Any], str]:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("---\n")
    front, _, body = text[4:].partition("\n---\n")
    return yaml.safe_load(front), body


def test_a_note_holds_what_the_post_says(archive: Store, tmp_path: Path) -> None:
    write(archive, tmp_path / "vault")
    front, body = read_note(tmp_path / "vault/posts/news/2026-01/2026-01-01-1.md")
    assert front["channel"] == "News"
    assert front["id"] == 1
    assert front["date"] == minute(1).astimezone().replace(tzinfo=None)
    assert front["aliases"] == ["Bare words"]
    assert front["tags"] == ["AI_ethics", "C_sharp", "up"]
    assert "Bare words" in body


def test_nothing_in_a_post_ends_the_front_matter(archive: Store, tmp_path: Path) -> None:
    write(archive, tmp_path / "vault")
    for path in (tmp_path / "vault/posts").rglob("*.md"):
        front, _ = read_note(path)
        assert set(front) <= {
            "generator", "aliases", "channel", "username", "id", "url", "date", "edited", "deleted",
            "tags", "views", "forwards",
        }  # fmt: skip
    titles = {read_note(path)[0]["channel"] for path in (tmp_path / "vault/posts").rglob("*-1.md")}
    assert titles == {"News", "../../etc/passwd"}


def test_all_links_lead_to_a_note(archive: Store, tmp_path: Path) -> None:
    write(archive, tmp_path / "vault")
    links = 0
    for path in (tmp_path / "vault").rglob("*.md"):
        for target in re.findall(r"(?<!\\)\]\(([^)]+\.md)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / unquote(target)).resolve().is_file(), f"{path}: {target}"
            links += 1
    assert links > 20


def test_nothing_is_written_outside(archive: Store, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    write(archive, tmp_path / "vault")
    assert set(tmp_path.iterdir()) - before == {tmp_path / "vault"}
    for path in (tmp_path / "vault").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
        assert not re.search(r'[\x00-\x1f<>:"|?*\\]', path.name)


def test_a_second_export_changes_only_what_changed(archive: Store, tmp_path: Path) -> None:
    first = write(archive, tmp_path / "vault")
    assert first.changed > 10
    again = write(archive, tmp_path / "vault")
    assert (again.changed, again.removed) == (0, 0)
    archive.posts.save_page(page(post(1, "Bare words, edited", edited=minute(9))))
    third = write(archive, tmp_path / "vault")
    # The post lost nothing else: its note, and the lists of its channel, tags and day.
    assert 0 < third.changed <= 7
    assert third.removed == 0


def test_what_is_gone_is_removed_and_what_is_not_ours_stays(archive: Store, tmp_path: Path) -> None:
    write(archive, tmp_path / "vault")
    (tmp_path / "vault/posts/mine.md").write_text("my own thoughts")
    done = write(archive, tmp_path / "vault", channels=("News",))
    assert done.removed > 0
    assert not list((tmp_path / "vault/posts").rglob("*passwd*/*"))
    assert (tmp_path / "vault/posts/mine.md").read_text() == "my own thoughts"


def test_a_channel_keeps_its_folder_when_its_name_changes(archive: Store, tmp_path: Path) -> None:
    write(archive, tmp_path / "vault")
    archive.posts.save_page(page(channel=Channel(1006503122, "Newer", "newer")))
    write(archive, tmp_path / "vault")
    assert (tmp_path / "vault/posts/news/2026-01/2026-01-01-1.md").is_file()
    assert not (tmp_path / "vault/posts/newer").exists()


def test_a_folder_that_is_not_ours_is_refused(archive: Store, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.md").write_text("x")
    with pytest.raises(InputError, match="not an export of tgtagger"):
        write(archive, tmp_path / "notes")
    assert [path.name for path in (tmp_path / "notes").iterdir()] == ["mine.md"]
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / NOTE).write_text('{"format": "html", "names": {}}')
    with pytest.raises(InputError, match="another format"):
        write(archive, tmp_path / "site")
    with pytest.raises(InputError, match="exists, and is not"):
        write(archive, tmp_path / "notes/mine.md")


def test_no_link_leads_out_of_the_folder(archive: Store, tmp_path: Path) -> None:
    write(archive, tmp_path / "vault")
    outside = tmp_path / "outside"
    (tmp_path / "vault/days").rename(outside)
    (tmp_path / "vault/days").symlink_to(outside)
    for path in outside.iterdir():
        path.write_text("changed")
    with pytest.raises(InputError, match="symbolic link"):
        write(archive, tmp_path / "vault")
    assert {path.read_text() for path in outside.iterdir()} == {"changed"}


def test_a_damaged_note_of_the_folder_lets_nothing_out(archive: Store, tmp_path: Path) -> None:
    write(archive, tmp_path / "vault")
    (tmp_path / "vault" / NOTE).write_text(
        '{"format": "md", "names": {"1006503122": "../../outside", "7": "ok/../../x"}}'
    )
    write(archive, tmp_path / "vault")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a/b", "CON", "nul.txt", "x" * 400, "ё" * 200, "-rf", "a\nb", "a\x00b", " a ",
     "~", "a:b", "#", "\ud800", "🙂" * 90, ".hidden"],
)  # fmt: skip
def test_names_are_safe(text: str) -> None:
    name = file_name(text)
    assert 0 < len(name.encode()) < 130
    assert not re.search(r'[/\\\x00-\x1f:*?"<>|#]', name)
    assert not name.startswith((".", " "))
    assert name.split(".")[0].upper() not in {"CON", "NUL"}
    assert name == file_name(text)


def test_different_texts_have_different_names() -> None:
    texts = ["a/b", "a:b", "a?b", "x" * 300, "x" * 301, "C", "C#", "", ".", ".."]
    assert len({file_name(text).casefold() for text in texts}) == len(texts)


def test_long_lists_are_several_pages(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "_LINES", 10)
    store.posts.save_page(page(*(post(number, f"text {number}") for number in range(1, 26))))
    write(store, tmp_path / "vault")
    pages = sorted((tmp_path / "vault/channels").iterdir())
    assert [path.name for path in pages] == ["news.md", "news@1.md"]
    assert "[older](news%401.md)" in (tmp_path / "vault/channels/news.md").read_text()
    assert "older" not in (tmp_path / "vault/channels/news@1.md").read_text()


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        ("Ново\ufeffсть дня", "Ново\ufeffсть дня"),
        ("строка\u2028другая", "строка\nдругая"),
        ("a\u2029b\x85c\x0bd\x0ce\rf\r\ng", "a\nb\nc\nd\ne\nf\ng"),
        ("a\u2028# no heading\u2028- no list\x851. none", "a # no heading - no list 1. none"),
        (
            "نرم\u200cافزار 👨\u200d👩 \u202bx\u202c \xad",
            "نرم\u200cافزار 👨\u200d👩 \u202bx\u202c \xad",
        ),
        ("\ue000 \ufffc \U000e0067 \ufdd0", "\ue000 \ufffc \U000e0067 \ufdd0"),
        ("a\x00b\x1b", "a\ufffdb\ufffd"),
    ],
)
def test_what_has_a_place_in_a_note_stays(
    store: Store, tmp_path: Path, text: str, noted: str
) -> None:
    store.posts.save_page(page(post(1, text)))
    write(store, tmp_path / "vault")
    front, body = read_note(tmp_path / "vault/posts/news/2026-01/2026-01-01-1.md")
    assert body.strip().startswith(noted)
    listed = (tmp_path / "vault/channels/news.md").read_text(encoding="utf-8")
    if "\ufeff" in text:  # no space tears the word apart
        assert noted in listed
        assert front["aliases"] == [noted]
    assert "\ufffd" not in listed


@pytest.mark.parametrize(
    ("text", "entities", "noted"),
    [
        ("a secret here", [Entity("spoiler", 2, 6)], "a ==secret== here"),
        ("ab", [Entity("spoiler", 0, 1), Entity("spoiler", 1, 1)], "==ab=="),
        ("=a=", [Entity("spoiler", 0, 3)], r"==\=a\==="),
        ("one\ntwo", [Entity("blockquote", 0, 7), Entity("spoiler", 0, 7)], "> ==one==\n> ==two=="),
        ("see https://a.b/c", [Entity("spoiler", 4, 13)], "see ==https://a.b/c=="),
        (
            "https://a.b/#x",
            [Entity("text_link", 0, 14, url="https://a.b/||x||?a=$1&b=%%")],
            "[https://a.b/#x](https://a.b/||x||?a=$1&b=%%)",
        ),
        ("a||b||c", [Entity("code", 0, 7)], "`a||b||c`"),
        ("a ||b|| c", [], r"a \|\|b\|\| c"),
        ("b", [Entity("bold", 0, 1)], "**b**"),
        ("i", [Entity("italic", 0, 1)], "*i*"),
        ("s", [Entity("strikethrough", 0, 1)], "~~s~~"),
        ("u", [Entity("underline", 0, 1)], "<u>u</u>"),
        ("🔥 hot", [Entity("custom_emoji", 0, 2, document_id="5")], "🔥 hot"),
        ("all of it", [Entity("blockquote", 0, 9, collapsed=True)], "> all of it"),
        ("x = $1", [Entity("pre", 0, 6, language="python")], "```python\nx = $1\n```"),
        ("x()", [Entity("pre", 0, 3, language="dataviewjs")], "```\nx()\n```"),
        ("path:x", [Entity("pre", 0, 6, language="Query")], "```\npath:x\n```"),
        ("@some_name", [Entity("mention", 0, 10)], "@some_name"),
        ("Anna", [Entity("mention_name", 0, 4, user_id=7)], "Anna"),
        ("to #tag #🔥 (#x)", [Entity("hashtag", 3, 4)], r"to \#tag \#🔥 (\#x)"),
        ("$TON and $5", [Entity("cashtag", 0, 4)], r"\$TON and \$5"),
        ("/start a@b.cc +1 23", [Entity("bot_command", 0, 6)], "/start a@b.cc +1 23"),
        ("https://a.b/x_y_#z", [Entity("link", 0, 18)], "<https://a.b/x_y_#z>"),
        ("ten ^2\n[[x]] %%y%% ==z==", [], "ten \\^2\n\\[\\[x\\]\\] \\%\\%y\\%\\% \\=\\=z\\=\\="),
    ],
)
def test_what_is_telegrams_own_is_obsidians_or_plain(
    store: Store, tmp_path: Path, text: str, entities: list[Entity], noted: str
) -> None:
    said = post(1, text, entities=tuple(entities), markdown=to_markdown(text, entities))
    store.posts.save_page(page(said))
    write(store, tmp_path / "vault")
    _, body = read_note(tmp_path / "vault/posts/news/2026-01/2026-01-01-1.md")
    assert body.strip().rpartition("\n\n")[0] == noted


def test_lists_and_facts_are_plain_and_keep_addresses(store: Store, tmp_path: Path) -> None:
    page_of = Media("webpage", title="a_b", url="https://a.b/x_y_z")
    store.posts.save_page(page(post(1, "from $5 to $6 %%x%%", media=(page_of,))))
    write(store, tmp_path / "vault")
    listed = (tmp_path / "vault/channels/news.md").read_text(encoding="utf-8")
    assert r"[from \$5 to \$6 \%%x\%%]" in listed
    _, body = read_note(tmp_path / "vault/posts/news/2026-01/2026-01-01-1.md")
    assert r"- webpage: a\_b · <https://a.b/x_y_z>" in body
