"""A frequent word with a rare tag or a small channel: the few posts are looked up in the index."""

from __future__ import annotations

import itertools

import pytest

from support.make import minute, page, post
from support.sql import plan
from tgtagger.model.posts import Channel, PostFilter
from tgtagger.runs.query import read_query
from tgtagger.store import Store, query
from tgtagger.store.query import query_for

LARGE, SMALL, EARLY = (
    Channel(n, name, name) for n, name in enumerate(("large", "small", "early"), 5)
)

pytestmark = pytest.mark.of_file  # the planner of a server chooses by itself


@pytest.fixture
def archive(store: Store) -> Store:
    for at, (channel, count) in enumerate(((EARLY, 9), (SMALL, 3), (LARGE, 20))):
        posts = [
            post(n, f"the word {'often ' * (n % 3)}{n}", date=minute(1000 * at + n))
            for n in range(1, count + 1)
        ]
        store.posts.save_page(page(*posts, channel=channel))
    for name, numbers in (("rare", (3, 6)), ("other", (6, 7)), ("common", range(1, 20))):
        wanted = PostFilter(posts=tuple(f"large/{n}" for n in numbers))
        store.curation.add_to(wanted, [name])
    store.curation.add("early/2", ["rare"])
    return store


QUERIES = (
    "word", "often", "word tag:rare", "word (tag:rare OR tag:other)", "word -tag:rare",
    "often channel:early", "(word OR 7) channel:small", "word tag:rare channel:large",
)  # fmt: skip
FILTERS: tuple[dict[str, object], ...] = (
    {}, {"tags": ("rare",)}, {"tags": ("rare", "common")}, {"any_tags": ("rare", "other")},
    {"channels": ("early",)}, {"channels": ("early", "small")}, {"not_tags": ("common",)},
    {"channels": ("small",), "tags": ("rare",)}, {"tags": ("rare",), "since": minute(2004)},
)  # fmt: skip


@pytest.mark.parametrize(("few", "counted"), [(0, 4), (2, 12), (500, 20_000)])
def test_what_is_found_and_in_which_order_is_the_same_from_either_end(
    archive: Store, monkeypatch: pytest.MonkeyPatch, few: int, counted: int
) -> None:
    cases = [
        (PostFilter(query=read_query(text), limit=at % 3 or None, **given), at % 2 == 1)  # type: ignore[arg-type]
        for at, (text, given) in enumerate(itertools.product(QUERIES, FILTERS))
    ]

    def found() -> list[object]:
        return [
            (
                list(archive.records.search(wanted, by_relevance=by_relevance)),
                archive.queue.count(wanted),
                archive.records.page(wanted, 2),
            )
            for wanted, by_relevance in cases
        ]

    monkeypatch.setattr(query, "_FEW", -1)
    monkeypatch.setattr(query, "_COUNTED", 0)
    expected = found()
    monkeypatch.setattr(query, "_FEW", few)
    monkeypatch.setattr(query, "_COUNTED", counted)
    assert found() == expected


@pytest.mark.parametrize(
    ("given", "way"),
    [
        ({"tags": ("rare",)}, "INDEX 0:=M2"),  # one after the other
        ({"channels": ("small",)}, "INDEX 0:=M2"),
        ({"channels": ("early",)}, "M2><"),
        ({"not_tags": ("rare",)}, "INDEX 192:M2"),
    ],
)
def test_the_index_is_asked_for_few_posts_or_for_a_time(
    archive: Store, monkeypatch: pytest.MonkeyPatch, given: dict[str, object], way: str
) -> None:
    monkeypatch.setattr(query, "_FEW", 5)
    wanted = PostFilter(query=read_query("word"), **given)  # type: ignore[arg-type]
    with archive._database.read() as db:
        select = query_for(db, wanted).select("p.id")
    steps = plan(archive, select)
    assert any(way in step for step in steps), steps
