"""What is read from a server is what is read from a file: records, finds, snippets, counts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.hostile import storable
from support.make import minute, page, post, tag
from support.on_server import Archive
from tgtagger.export import FORMATS
from tgtagger.export.memory import STATE
from tgtagger.model.posts import Forward, Media, PostFilter, Reply
from tgtagger.runs.query import read_query
from tgtagger.store import Store

WORDS = (
    "Шторм шторма штормы у берега берегу ёлка елка ёлки новость новости НОВОСТЕЙ город городской "
    "мир мира миров мирный не и в на C++20 e-mail node.js storm storms stormy harbour harbours "
    "café cafe naïve 3d 2026 1,5 🌊 日本語 東京 हिन्दी שָׁלוֹם за́мок замок straße strasse ﬁnance "
    "it's rock'n'roll a_b_c x:y Straße ŠKODA škoda İstanbul город-герой"
).split()

QUERIES = (
    "шторм", "берег", "елка", "ёлка", "новость", "город", "мир", "не", "storm", "harbour", "cafe",
    "strasse", "straße", "замок", "skoda", "3d", "2026", "日本語", "हिन्दी", "שלום", "istanbul",
    '"у берега"', '"шторм у"', '"мира новости"', "шт*", "го*", '"storm har"*', "e-mail", "C++20",
    "node.js", "шторм берег", "шторм OR storm", "шторм -storm", "(шторм OR мир) NOT новость",
    "NOT шторм", "has:photo шторм", "город OR tag:sea", "finance", "rock'n'roll", "a_b_c",
    "it's",
)  # fmt: skip


def fill(store: Store) -> None:
    chosen = random.Random(7)
    texts = []
    for _ in range(120):
        said = chosen.choices(WORDS, k=chosen.choice((3, 9, 40, 200)))
        marks = chosen.choices((" ", " ", " ", ". ", ", ", ": ", "\n", " — "), k=len(said))
        texts.append("".join(word + mark for word, mark in zip(said, marks, strict=True)))
    texts += (text for text in storable().values() if "\0" not in text)  # no source gives one
    texts.append("шторм " * 1500 + "конец")
    posts = [
        post(number, text, media=(Media("photo", title=chosen.choice(WORDS)),) * (number % 2))
        for number, text in enumerate(texts, 1)
    ]
    store.posts.save_page(page(*posts))
    full = post(
        900, "_all_", markdown="**all**", ids=(900, 901), views=3, reactions=(("👍", 2),),
        forward=Forward(5, "Other", "other", 9), reply=Reply(7, quote="q"), author="Anna",
        edited=minute(950),
    )  # fmt: skip
    store.posts.save_page(page(full))
    tag(store, ["море", "sea", "Ёлка"], wanted=PostFilter(posts=("news/3", "news/900")))


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory, archive_on_server: Archive
) -> Iterator[tuple[Store, Store]]:
    path = tmp_path_factory.mktemp("both") / "posts.db"
    with Store.open(str(path)) as file, archive_on_server.empty() as server:
        fill(file)
        fill(server)
        yield file, server


def test_records_are_equal_byte_for_byte(both: tuple[Store, Store]) -> None:
    file, server = both
    lines = [[*store.records.lines(PostFilter())] for store in (file, server)]
    assert len(lines[0]) > 130
    assert lines[0] == lines[1]


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_finds_and_shows_the_same(both: tuple[Store, Store], query: str) -> None:
    wanted = PostFilter(query=read_query(query))
    file, server = (
        [(item.post.id, item.snippet) for item in store.records.search(wanted)] for store in both
    )
    assert [number for number, _ in server] == [number for number, _ in file]
    assert [snippet for _, snippet in server] == [snippet for _, snippet in file]
    counts = [store.queue.count(wanted) for store in both]
    assert counts[0] == counts[1] == len(file)


def test_what_is_not_wanted_is_not_marked(both: tuple[Store, Store]) -> None:
    # A post is found by another part, though it has these words. FTS5 marks of them what it met.
    _, server = both
    wanted = PostFilter(query=read_query("шторм OR город -(берег -мир)"))
    parts = [part for item in server.records.search(wanted) for part in item.snippet or ()]
    marked = {text.casefold()[:3] for text, is_marked in parts if is_marked}
    assert marked == {"што", "гор"}
    assert any("берег" in text for text, _ in parts)


def test_words_that_are_spelled_alike_are_the_same(both: tuple[Store, Store]) -> None:
    for word in ("шторн", "nowosti", "yjdjcnb", "harbuor"):
        near = [{*store.records.near(PostFilter(query=read_query(word)))} for store in both]
        assert near[0] == near[1], word


def test_posts_leave_the_same_traces(both: tuple[Store, Store]) -> None:
    found = []
    for store in both:
        with store.select(PostFilter()) as selection:
            traces = [*selection.traces()]
            some = [each.id for each in selection.posts_with([each.key for each in traces[:9]])]
            numbered = [*selection.numbered_between(traces[3].key, traces[7].key)]
            between = [*selection.posts_between(traces[0].channel, 2, 5)]
            found.append(([each[:-1] for each in traces], some, numbered, between))
    assert len(found[0][0]) > 130
    assert [len(part) for part in found[0][1:]] == [9, 5, 4]
    assert found[0] == found[1]


def test_an_export_selects_the_same(both: tuple[Store, Store]) -> None:
    found = []
    for store in both:
        with store.select(PostFilter()) as selection:
            found.append(
                (
                    selection.count,
                    selection.channels(),
                    [
                        (group, [*posts])
                        for by in ("tag", "day")
                        for group, posts in selection.outline(by)
                    ],
                    [(tag_, [*related], [*posts]) for tag_, related, posts in selection.tags()],
                    [*selection.posts()],
                )
            )
    assert found[0][0] > 130
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["html", "md"])
def test_the_folders_of_an_export_are_equal(
    both: tuple[Store, Store],
    tmp_path: Path,
    name: str,
) -> None:
    found = []
    for number, store in enumerate(both):
        folder = tmp_path / str(number) / "folder"
        folder.parent.mkdir()
        with store.select(PostFilter()) as selection:
            FORMATS[name].write(selection, folder)
        found.append(
            {
                file.relative_to(folder): file.read_bytes()
                for file in folder.rglob("*")
                if file.is_file() and file.name != STATE
            }
        )
    assert len(found[0]) > 20
    assert found[0].keys() == found[1].keys()
    assert [path for path, content in found[0].items() if content != found[1][path]] == []
