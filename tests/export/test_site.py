"""The static site: harmless whatever a post says, whole, and the same again."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from support.make import page, post, tag
from tgtagger.export import site, site_search
from tgtagger.export.folder import Folder
from tgtagger.export.richtext import to_html
from tgtagger.model.posts import Channel, Media, PostFilter
from tgtagger.store import Store

EVIL = "</script><script>alert(1)</script><img src=http://evil/x onerror=alert(1)> \u202e \x1b[31m"


def write(store: Store, path: Path, **wanted: Any) -> Folder:
    with store.select(PostFilter(**wanted)) as selection:
        return site.write(selection, path)


@pytest.fixture
def made(store: Store, tmp_path: Path) -> Path:
    store.posts.save_page(
        page(
            post(1, "Plain words"),
            post(2, EVIL, markdown=EVIL.replace("<", "\\<")),
            post(3, EVIL, markdown=EVIL),  # as no converter of ours writes it
            post(4, "", date=None, media=(Media("document", file_name=EVIL, title=EVIL),)),
            post(5, "x", author=EVIL, reactions={EVIL: 3}),
            channel=Channel(5, EVIL, None),
        )
    )
    tag(store, ["storm", "C#", "</title>", "a" * 40])
    write(store, tmp_path / "site")
    return tmp_path / "site"


class Found(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((name, dict(attrs)))


def tags_of(path: Path) -> list[tuple[str, dict[str, str | None]]]:
    found = Found()
    found.feed(path.read_text(encoding="utf-8"))
    return found.tags


def test_no_post_can_do_anything(made: Path) -> None:
    pages = list(made.rglob("*.html"))
    assert len(pages) > 8
    for path in pages:
        for name, attributes in tags_of(path):
            assert name not in {"img", "iframe", "object", "embed", "video", "audio"}
            assert not [key for key in attributes if key.startswith("on") or key == "style"]
            if name == "script":
                assert path.name == "search.html"
                assert attributes["src"] == "search.js"
            for key in ("src", "href", "action"):
                scheme = urlsplit(attributes.get(key) or "").scheme
                assert scheme in {"", "https", "http"}, (path, attributes)
        assert "\x1b" not in path.read_text(encoding="utf-8")


def test_nothing_is_loaded_from_elsewhere(made: Path) -> None:
    for path in made.rglob("*.html"):
        for name, attributes in tags_of(path):
            if name in {"link", "script"}:
                target = attributes.get("href") or attributes.get("src") or ""
                assert "//" not in target
    assert "http" not in (made / "style.css").read_text()
    for path in (made / "search").rglob("*.js"):
        assert "</script" not in path.read_text(encoding="utf-8")


def test_all_links_of_the_site_lead_somewhere(made: Path) -> None:
    links = 0
    for path in made.rglob("*.html"):
        for name, attributes in tags_of(path):
            target = attributes.get("href")
            if name != "a" or not target or urlsplit(target).scheme:
                continue
            file, _, anchor = target.partition("#")
            there = (path.parent / unquote(file)).resolve() if file else path
            assert there.is_file(), (path, target)
            if anchor:
                assert f'id="{anchor}"' in there.read_text(encoding="utf-8")
            links += 1
    assert links > 30


def called(path: Path, function: str) -> Any:
    """Return what a script calls the search page's function with."""
    text = path.read_text(encoding="utf-8")
    call = re.fullmatch(rf"/\*.*\*/\nwindow\.{function}\((.*)\);\n", text, re.DOTALL)
    assert call
    return json.loads(call[1])


def test_what_is_searched_is_what_came(made: Path) -> None:
    names, files = called(made / "search/contents.js", "tgtaggerContents")
    assert files == ["2026-01-1", "undated-1"]
    assert [name.startswith("</script>") for name in names.values()] == [True]
    rows = called(made / "search/2026-01-1.js", "tgtaggerPosts")
    assert [row[2] for row in rows] == [5, 3, 2, 1]
    assert rows[-1][4] == "Plain words"


def test_the_index_knows_each_file_that_a_word_is_in(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_search, "POSTS", 3)
    monkeypatch.setattr(site_search, "_IN_MEMORY", 5)
    texts = ["ёлка storm", "Ёлки", "storms", "a", "ёлка", "stormy weather", "x" * 20]
    store.posts.save_page(page(*(post(number, text) for number, text in enumerate(texts, 1))))
    write(store, tmp_path / "site")
    folder = tmp_path / "site/search"
    _, files = called(folder / "contents.js", "tgtaggerContents")
    assert files == ["2026-01-1", "2026-01-2", "2026-01-3"]
    assert called(folder / "words/435-43b.js", "tgtaggerWords") == {"елка": [0, 1], "елки": [0]}
    assert called(folder / "words/73-74.js", "tgtaggerWords") == {
        "storm": [0], "storms": [0], "stormy": [1],
    }  # fmt: skip
    assert called(folder / "words/78-78.js", "tgtaggerWords") == {"x" * 6: [2]}


def test_a_second_export_changes_nothing(made: Path, store: Store) -> None:
    assert (write(store, made).changed, write(store, made).removed) == (0, 0)


def test_full_pages_stay_as_they_are(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "_POSTS", 10)
    store.posts.save_page(page(*(post(number, f"text {number}") for number in range(1, 26))))
    write(store, tmp_path / "site")
    folder = tmp_path / "site/channels/news"
    assert {path.name for path in folder.iterdir()} == {"1.html", "2.html", "3.html"}
    texts = (folder / "1.html").read_text()
    assert "text 10<" in texts
    assert "text 11<" not in texts
    store.posts.save_page(page(post(26, "text 26")))
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    write(store, tmp_path / "site")
    changed = {path.name for path in folder.iterdir() if path.stat().st_mtime_ns != before[path]}
    assert changed == {"3.html"}
    assert "text 26<" in (folder / "3.html").read_text()


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**b** *i* ~~s~~ <u>u</u> `c`", ("<p><strong>b</strong> <em>i</em> <s>s</s> <u>u</u> "
         "<code>c</code></p>")),
        ("||a|| \\|\\|b\\|\\|", '<p><span class="spoiler" tabindex="0">a</span> ||b||</p>'),
        ("H<sub>2</sub>O <sup>x</sup> <mark>m</mark>", ("<p>H<sub>2</sub>O <sup>x</sup> "
         "<mark>m</mark></p>")),
        ("<b>open", "<p><b>open</b></p>"),
        ("</b>x<u></b></u>", "<p>x<u></u></p>"),
        ("<b onclick=1>", "<p>&lt;b onclick=1&gt;</p>"),
        ("<div>x</div>", "<p>&lt;div&gt;x&lt;/div&gt;</p>"),
        ("![x](http://e/i.png)", ('<p>!<a href="http://e/i.png" rel="noopener noreferrer nofollow">'
         "x</a></p>")),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>"),
        ("[x](JaVaScRiPt&colon;alert)", "<p>[x](JaVaScRiPt:alert)</p>"),
        ("see https://a.b/c?d=e&f.", ('<p>see <a href="https://a.b/c?d=e&amp;f" '
         'rel="noopener noreferrer nofollow">https://a.b/c?d=e&amp;f</a>.</p>')),
        ("a\nb", "<p>a<br>\nb</p>"),
    ],
)  # fmt: skip
def test_formatting(markdown: str, html: str) -> None:
    assert to_html(markdown).strip() == html


def test_a_tags_page_shows_related_tags_and_those_of_its_posts(
    store: Store, tmp_path: Path
) -> None:
    new = PostFilter(statuses=("pending",))
    store.posts.save_page(page(post(1, "one")))
    tag(store, ["storm", "sea"], wanted=new)
    store.posts.save_page(page(post(2, "two")))
    tag(store, ["storm", "sea", "wind"], wanted=new)
    store.posts.save_page(page(post(3, "three")))
    tag(store, ["calm"], wanted=new)
    write(store, tmp_path / "site")
    text = (tmp_path / "site/tags/storm.html").read_text(encoding="utf-8")
    head, posts = text.split('<ul class="outline"')
    related = re.findall(r'href="\.\./tags/(\w+)\.html"[^>]*>\w+<small>(\d+)<', head)
    assert related == [("sea", "2"), ("wind", "1")]
    shown = [re.findall(r'href="\.\./tags/(\w+)\.html"', item) for item in posts.split("<li>")[1:]]
    assert shown == [["sea", "wind"], ["sea"]]
    alone = (tmp_path / "site/tags/calm.html").read_text(encoding="utf-8")
    assert "Related" not in alone


def test_a_channels_pages_say_how_many_posts_or_which(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "_POSTS", 10)
    store.posts.save_page(page(*(post(number, f"text {number}") for number in range(1, 16))))
    write(store, tmp_path / "site")
    folder = tmp_path / "site/channels/news"
    assert '<p class="lead">15 posts' in (folder / "2.html").read_text(encoding="utf-8")
    assert "posts 1 to 10, counted from the oldest" in (folder / "1.html").read_text()


def test_links_look_like_links(store: Store, tmp_path: Path) -> None:
    store.posts.save_page(page(post(1, "text")))
    write(store, tmp_path / "site")
    css = (tmp_path / "site/style.css").read_text(encoding="utf-8")
    for selector in ("a", ".outline .what, #found .where"):
        rule = re.search(rf"^{re.escape(selector)} {{([^}}]*)}}", css, re.MULTILINE)
        assert rule is not None
        assert "text-decoration: underline" in rule[1]
