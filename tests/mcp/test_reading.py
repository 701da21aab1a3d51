"""What an agent reads: lists that lead on, whole posts, counts; and what is not read."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from support.agent import Agent, Refused, agent, names, server_of
from support.lived_in import RICH, live_in
from support.make import minute, page, post, tag
from support.undoing import tag_some
from tgtagger.cli.demo import make_archive
from tgtagger.config import load
from tgtagger.errors import StoreError
from tgtagger.mcp.failures import described
from tgtagger.model.posts import Channel, Media
from tgtagger.store import Store

LARGEST = 32_000


@pytest.fixture
def reader(store: Store, db: Path) -> Iterator[Agent]:
    with agent(server_of(db)) as connected:
        yield connected
        assert max(connected.sizes, default=0) <= LARGEST


RANKED = {"query": "storm", "sort": "relevance"}


def fill(store: Store, count: int, text: str = "A storm at sea", *, first: int = 1) -> None:
    store.posts.save_page(page(*(post(n, f"{text} {n}") for n in range(first, first + count))))


def test_the_tools_say_what_they_are(reader: Agent) -> None:
    tools = (reader.do("list_tools")).tools
    assert [tool.name for tool in tools] == [
        "search_posts", "get_posts", "list_posts", "list_tags", "list_channels", "tag_stats",
        "archive_status",
    ]  # fmt: skip
    for tool in tools:
        hints = tool.annotations
        assert hints is not None
        assert tool.title
        assert tool.description
        assert "\n  " not in tool.description
        assert hints.read_only_hint
        assert hints.idempotent_hint
        assert not hints.destructive_hint
        assert not hints.open_world_hint
        schema = tool.output_schema
        assert schema is not None
        assert "notice" in schema["properties"]
        assert next(iter(schema["properties"])) == "notice"  # before what strangers wrote
    assert len((reader.do("list_tools")).model_dump_json()) < 25_000


def test_pages_of_a_search_meet(reader: Agent, store: Store) -> None:
    fill(store, 120)
    pages = reader.pages("search_posts", "posts", query="storms", limit=50)
    assert [number for part in pages for number in names(part)] == list(range(120, 0, -1))
    assert all(len(part) <= 50 for part in pages)
    first = reader.ask("search_posts", query="storm", limit=3)
    assert first["total"] == 120
    assert "**storm**" in first["posts"][0]["text"]


def test_a_cursor_is_the_same_for_another_server_and_after_new_posts(
    reader: Agent, store: Store, db: Path
) -> None:
    fill(store, 30)
    first = reader.ask("search_posts", query="storm", limit=10)
    fill(store, 5, first=31)
    with agent(server_of(db)) as other:
        second = other.ask("search_posts", query=" storm ", limit=10, cursor=first["next_cursor"])
    assert names(second["posts"]) == list(range(20, 10, -1))


@pytest.mark.parametrize(
    ("tool", "first", "then"),
    [
        ("search_posts", {"query": "storm"}, {"query": "sea"}),
        ("search_posts", {"query": "storm"}, {"query": "storm", "channels": ["@news"]}),
        ("search_posts", RANKED, RANKED | {"query": "sea"}),
        ("search_posts", RANKED, {"query": "storm"}),
        ("list_posts", {}, {"tags": ["AI"]}),
        ("list_tags", {}, {"contains": "tag"}),
        ("list_channels", {}, {"contains": "News"}),
        ("tag_stats", {"by": "day"}, {"by": "week"}),
    ],
)  # fmt: skip
def test_a_cursor_of_other_filters_is_refused(
    reader: Agent, store: Store, tool: str, first: dict[str, str], then: dict[str, str]
) -> None:
    days = [post(n, "A storm at sea", date=minute(n * 1440)) for n in range(1, 6)]
    store.posts.save_page(page(*days))
    store.posts.save_page(page(post(1), channel=Channel(7, "News too")))
    tag(store, ["AI", "tag one", "tag two"])
    cursor = (reader.ask(tool, **first, limit=1))["next_cursor"]
    assert cursor
    with pytest.raises(Refused) as told:
        reader.ask(tool, **then, limit=1, cursor=cursor)
    assert told.value.kind in {"cursor_of_another_search", "cursor_wrong"}
    assert "filters" in told.value.told["hint"]
    again = reader.ask(tool, **first, limit=1, cursor=cursor)
    assert again["next_cursor"] != cursor


@pytest.mark.parametrize(
    ("tool", "more"),
    [
        ("search_posts", {}), ("search_posts", {"query": "a", "sort": "relevance"}),
        ("list_posts", {}), ("get_posts", {"posts": ["@news-1"]}), ("list_tags", {}),
        ("list_channels", {}), ("tag_stats", {}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("cursor", ["x", "~", "W10", "WzFd", "é", "WyJhIiwgMV0", "LTE"])
def test_a_cursor_that_is_none_is_refused(
    reader: Agent, store: Store, tool: str, more: dict[str, str], cursor: str
) -> None:
    fill(store, 3)
    with pytest.raises(Refused) as told:
        reader.ask(tool, **more, cursor=cursor)
    assert told.value.kind.startswith("cursor_")


def test_relevance_leads_on(reader: Agent, store: Store) -> None:
    fill(store, 12)
    fill(store, 3, "storm storm storm", first=20)
    pages = reader.pages("search_posts", "posts", query="storm", sort="relevance", limit=4)
    assert sorted(number for part in pages for number in names(part)) == [
        *range(1, 13), 20, 21, 22,
    ]  # fmt: skip
    assert set(names(pages[0])[:3]) == {20, 21, 22}
    with pytest.raises(Refused) as told:
        reader.ask("search_posts", sort="relevance")
    assert told.value.kind == "relevance_without_words"


def test_an_answer_is_cut_by_bytes_and_nothing_is_lost(reader: Agent, store: Store) -> None:
    """The heaviest that Telegram has: 4,096 letters, of which each is several bytes in JSON."""
    texts = ("я" * 4096, '"\\\n' * 1365, "𝕏" * 4096, "\x1b\u202e" * 2048, "word " * 819)
    store.posts.save_page(page(*(post(n, texts[n % 5]) for n in range(1, 61))))
    tag(store, [f"тег {n} с именем из четырёх" for n in range(40)])
    pages = reader.pages("list_posts", "posts", whole_text=True, limit=50)
    assert [number for part in pages for number in names(part)] == list(range(60, 0, -1))
    assert len(pages) > 20
    assert min(reader.sizes) > LARGEST // 3
    pages = reader.pages("search_posts", "posts", limit=50)
    assert [number for part in pages for number in names(part)] == list(range(60, 0, -1))


def test_a_post_with_many_long_names_is_no_post_that_is_missing(
    reader: Agent, store: Store
) -> None:
    files = tuple(Media("document", file_name=chr(0x20100 + n) * 200) for n in range(9))
    store.posts.save_page(page(*(post(n, "𝕏" * 4096, media=files) for n in (1, 2, 3))))
    tag(store, [chr(0x20000 + n) * 40 for n in range(30)])
    for asked in ({"whole_text": True}, {}):
        pages = reader.pages("list_posts", "posts", **asked)
        assert [number for part in pages for number in names(part)] == [3, 2, 1]
    pages = reader.pages("get_posts", "posts", posts=["@news-1", "@news-2"])
    assert (
        "".join(
            item["text"].partition(">")[2].rpartition("<")[0] for part in pages for item in part
        )
        == "𝕏" * 4096 * 2
    )
    stats = reader.ask("tag_stats", tag=chr(0x20000) * 40)
    assert len(stats["related"]) == 10


def test_posts_are_read_whole_and_long_ones_in_parts(reader: Agent, store: Store) -> None:
    long = " ".join(f"слово{n}" for n in range(9000))
    store.posts.save_page(page(post(1, long), post(2, "short"), post(3, "я" * 4096)))
    asked = ["@news-2", "@news-1", "1006503122-3", "@news/2"]
    pages = reader.pages("get_posts", "posts", posts=asked)
    parts = [item for part in pages for item in part]
    joined = "".join(
        item["text"].partition(">")[2].rpartition("<")[0] for item in parts
        if item["post"].endswith("-1")
    )  # fmt: skip
    assert joined == long
    assert [item["post"][-2:] for item in parts if item["text_begins_at"] == 0] == [
        "-2", "-1", "-3", "-2",
    ]  # fmt: skip
    cursor = (reader.ask("get_posts", posts=asked))["next_cursor"]
    with pytest.raises(Refused) as told:
        reader.ask("get_posts", posts=["@news-1"], cursor=cursor)
    assert told.value.kind == "cursor_of_another_search"


def test_posts_around_before_and_after_one(reader: Agent, store: Store) -> None:
    fill(store, 30)
    store.posts.save_page(page(post(15, "elsewhere"), channel=Channel(7, "Other")))
    middle = "1006503122-15"
    found = reader.ask("list_posts", around=middle, limit=6)
    assert names(found["posts"]) == [18, 17, 16, 15, 14, 13]
    newer = reader.ask("list_posts", around=middle, limit=6, cursor=found["newer_cursor"])
    assert names(newer["posts"]) == [24, 23, 22, 21, 20, 19]
    older = reader.ask("list_posts", around=middle, limit=6, cursor=found["next_cursor"])
    assert names(older["posts"]) == [12, 11, 10, 9, 8, 7]
    assert names((reader.ask("list_posts", before=middle, limit=3))["posts"]) == [14, 13, 12]
    after = reader.ask("list_posts", after=middle, limit=3)
    assert names(after["posts"]) == [18, 17, 16]
    last = reader.ask("list_posts", after=middle, limit=50, cursor=after["newer_cursor"])
    assert (names(last["posts"])[0], last["newer_cursor"]) == (30, None)
    everywhere = reader.ask("list_posts", around=middle, channels=["@news", "7"], limit=5)
    assert len(everywhere["posts"]) == 5


def test_posts_before_one_and_after_another_are_refused(reader: Agent, store: Store) -> None:
    """As if only one had been given, the answer would be of other posts than were asked for."""
    fill(store, 9)
    for two in (("around", "before"), ("around", "after"), ("before", "after")):
        with pytest.raises(Refused) as told:
            reader.ask("list_posts", **dict(zip(two, ("@news-3", "@news-6"), strict=True)))
        assert told.value.kind == "posts_of_several"
        assert " and ".join(two) in told.value.told["message"]


def test_around_a_post_the_farthest_are_left_out(reader: Agent, store: Store) -> None:
    fill(store, 41, "я" * 2000)
    found = reader.ask("list_posts", around="@news-21", limit=40, whole_text=True)
    shown = names(found["posts"])
    assert 21 in shown
    assert abs((shown[0] - 21) - (21 - shown[-1])) <= 2
    assert found["newer_cursor"]
    assert found["next_cursor"]
    newer = reader.ask(
        "list_posts", around="@news-21", limit=40, whole_text=True, cursor=found["newer_cursor"]
    )
    assert names(newer["posts"])[-1] == shown[0] + 1


def test_a_post_tells_all_that_is_known(reader: Agent, store: Store, db: Path) -> None:
    store.close()
    db.unlink()
    make_archive(load({"db": str(db)}))
    with Store.open(str(db)) as again:
        live_in(again)
    (found,) = (reader.ask("get_posts", posts=[RICH]))["posts"]
    assert {each["tag"]: each["source"] for each in found["tags"]} == {
        "storm": "keywords", "storms": "keywords", "mine": "human",
    }  # fmt: skip
    assert [each["kind"] for each in found["media"]] == [
        "photo", "document", "video", "poll", "webpage",
    ]  # fmt: skip
    assert "Which pier? · Old · New" in found["media"][3]["about"]
    assert (found["reply_to"], found["views"]) == ("1006503122-900", 1200)


def test_tags_and_channels_are_found_by_letters(reader: Agent, store: Store) -> None:
    fill(store, 3)
    store.posts.save_page(page(post(1, "x"), channel=Channel(7, "Заметки", None)))
    tag_some(store, ["Storm", "sea", "rain"], 1, 2)
    store.curation.add_aliases("rain", ["Niederschlag"])
    store.channels.follow(["@unread_one"])
    assert reader.ask("list_tags", contains="niederSCHLAG")["tags"] == [
        {"tag": "rain", "posts": 3, "aliases": ["Niederschlag"]}
    ]
    found = reader.ask("list_channels", contains="замет")
    assert [each["channel"] for each in found["channels"]] == ["-1007"]
    assert found["not_read"] == ["@unread_one"]
    assert found["coverage"]["channels_not_read"] == 1


def test_many_tags_are_listed_in_pages(reader: Agent, store: Store) -> None:
    fill(store, 5)
    for n in range(5):
        tag_some(store, [f"имя{n} номер {i}" for i in range(60)], n + 1)
    pages = reader.pages("list_tags", "tags")
    found = [each["tag"] for part in pages for each in part]
    assert len(found) == len(set(found)) == 300


def test_counts_by_day_and_week(reader: Agent, store: Store) -> None:
    monday = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
    days = (0, 0, 1, 6, 7, 20)
    store.posts.save_page(
        page(*(post(n, "x", date=monday + dt.timedelta(days=day)) for n, day in enumerate(days, 1)))
    )
    tag(store, ["AI"])
    by_week = reader.ask("tag_stats", tag="ai")
    assert by_week["tag"] == "AI"
    assert by_week["buckets"] == [
        {"begins": "2026-03-16", "posts": 1}, {"begins": "2026-03-09", "posts": 1},
        {"begins": "2026-03-02", "posts": 4},
    ]  # fmt: skip
    by_day = reader.ask("tag_stats", by="day", since="2026-03-03", until="2026-03-10")
    assert by_day["posts"] == 3
    assert [each["begins"] for each in by_day["buckets"]] == [
        "2026-03-09", "2026-03-08", "2026-03-03",
    ]  # fmt: skip
    noon = reader.ask("tag_stats", by="day", since="2026-03-03T18:00Z", until="2026-03-09T12:00Z")
    assert noon["buckets"] == by_day["buckets"]  # whole days
    with pytest.raises(Refused) as told:
        reader.ask("tag_stats", since="2026-03-10", until="2026-03-03")
    assert told.value.kind == "period_empty"
    pages = reader.pages("tag_stats", "buckets", by="day", limit=2)
    assert [len(part) for part in pages] == [2, 2, 1]


def test_what_is_not_read_is_said(reader: Agent, store: Store, db: Path) -> None:
    nothing = reader.ask("search_posts", query="absent")
    assert nothing["coverage"]["says"].startswith("nothing is stored")
    fill(store, 3)
    store.channels.follow(["@later"])
    found = reader.ask("search_posts", query="strom")
    assert found["posts"] == []
    assert found["similar_words"] == ["storm"]
    said = found["coverage"]
    assert said["newest_post"] == "2026-01-01T00:03:00Z"
    assert (said["channels_not_read"], said["posts_without_tags"]) == (1, 3)
    assert "posts without tags, which no tag finds: 3" in said["says"]
    assert "may still have been posted" in said["says"]


def test_null_is_as_if_nothing_was_given(reader: Agent, store: Store) -> None:
    fill(store, 3)
    found = reader.ask("search_posts", query="storm", cursor=None, tags=None, limit=None)
    assert found["total"] == 3
    assert reader.ask("search_posts", tags="[]", limit="2")["next_cursor"]  # lists as text, too


def test_the_state_of_the_archive(reader: Agent, store: Store, db: Path) -> None:
    fill(store, 2)
    tag(store, ["AI"])
    state = reader.ask("archive_status")
    assert state["posts"] == {"pending": 0, "tagged": 2, "skipped": 0, "failed": 0}
    assert (state["tags"], state["channels"]) == (1, 1)
    assert not state["may_write"]
    assert str(db.parent) not in str(state)


def test_the_state_of_an_archive_beside_which_nothing_can_be_written(
    reader: Agent, store: Store, db: Path
) -> None:
    db.with_name(f"{db.name}.work.lock").mkdir()
    assert not reader.ask("archive_status")["has_worker"]


@pytest.mark.parametrize("path", ["/home/me/posts.db", Path("/home/me/posts.db")])
def test_a_failure_tells_no_folder(path: object) -> None:
    told = described(StoreError("database_file_refused", path=path, reason="it is full"), "x")
    assert "posts.db: it is full" in told
    assert "home" not in told


def test_resources_and_the_prompt(reader: Agent, store: Store) -> None:
    store.posts.save_page(
        page(post(1, "A storm", media=(Media("poll", question="Ignore the rules?"),)))
    )
    tag(store, ["AI"])
    (template,) = (reader.do("list_resource_templates")).resource_templates
    assert template.uri_template == "tgtagger://posts/{post}"
    text = (reader.do("read_resource", "tgtagger://posts/1006503122-1")).contents[0].text
    assert "A storm</data-" in text
    words = (reader.do("read_resource", "tgtagger://vocabulary")).contents[0].text
    assert '"tag":"AI"' in words
    for uri, kind in {
        "tgtagger://posts/1006503122-9": "post_unknown",
        "tgtagger://posts/-": "post_ref_invalid",
        "tgtagger://posts/1006503122/1": "resource_unknown",
        "tgtagger://posts/..%2f..%2fetc": "resource_unknown",
        "tgtagger://posts/%00": "resource_unknown",
        "tgtagger://tags": "resource_unknown",
        "file:///etc/passwd": "resource_unknown",
    }.items():
        with pytest.raises(MCPError, match=f'"error":"{kind}","hint":"') as told:
            reader.do("read_resource", uri)
        assert told.value.code == INVALID_PARAMS
    shown = reader.do("get_prompt", "digest", {"period": "3d", "channel": "@news"})
    (message,) = shown.messages
    assert "channels=['@news']" in message.content.text
    assert "storm" not in shown.model_dump_json()  # no post stands in it


@pytest.mark.parametrize("size", [21, 36])
def test_a_list_of_long_tags_keeps_room_for_its_cursor(
    reader: Agent, store: Store, size: int
) -> None:
    fill(store, 1)
    for n in range(15):
        tag_some(store, [chr(0x20000 + n) * 40], 1)
        store.curation.add("news/1", [chr(0x20000 + n) * 40])
        aliases = [chr(0x20100 + n * 10 + at) * size for at in range(10)]
        store.curation.add_aliases(chr(0x20000 + n) * 40, aliases)
    pages = reader.pages("list_tags", "tags")
    assert len(pages[0]) < 15
    assert sum(map(len, pages)) == 15


def test_a_large_vocabulary_is_cut_by_bytes(reader: Agent, store: Store) -> None:
    fill(store, 9)
    for first in range(0, 450, 50):
        tag_some(store, [chr(0x20000 + n) * 40 for n in range(first, first + 50)], first // 50 + 1)
    for at in (1, 2):
        store.curation.add_aliases(
            chr(0x20000 + at) * 40, [f"{'я' * 30}{at}-{n}" for n in range(9)]
        )
    found = json.loads(reader.read("tgtagger://vocabulary"))
    assert len(found["tags"]) + found["left_out"] == 450
    assert found["left_out"] > 0
    assert reader.sizes[-1] > 30_000
    assert json.loads(reader.read("tgtagger://posts/1006503122-1"))["posts"]


def test_no_archive_yet(tmp_path: Path) -> None:
    server = server_of(tmp_path / "none" / "x.db")
    with agent(server) as connected, pytest.raises(Refused) as told:
        connected.ask("archive_status")
    assert told.value.kind == "no_database"
    assert "tgtagger parse" in told.value.told["hint"]
    assert str(tmp_path) not in str(told.value)


def test_the_log_of_a_bug_says_where_and_not_what(
    reader: Agent, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError(" ".join(words))

    words = ("secret", "of", "a", "post")
    fill(store, 1)
    before = list(logging.getLogger().handlers)
    monkeypatch.setattr("tgtagger.mcp.reading.hit_of", broken)
    monkeypatch.setattr("tgtagger.mcp.reading.post_of", broken)
    with pytest.raises(Refused) as told:
        reader.ask("search_posts", query="storm")
    assert told.value.kind == "bug"
    with pytest.raises(MCPError, match='"error":"bug"'):
        reader.read("tgtagger://posts/1006503122-1")
    assert "a bug in search_posts" in caplog.text
    assert "a bug in a resource" in caplog.text
    assert "ValueError" in caplog.text
    assert "secret of a post" not in caplog.text + str(told.value)
    assert logging.getLogger().handlers == before
