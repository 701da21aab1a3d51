"""What people read: the record's shape, filters, and names as people write them."""

from __future__ import annotations

import dataclasses
import json

import pytest

from support.make import CHANNEL, minute, page, post
from support.sql import driver, plan, reading
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.model.posts import Channel, Forward, Media, PostFilter, Reply
from tgtagger.model.stored import Post
from tgtagger.model.tagging import Provenance, SuggestedTag, TagUpdate
from tgtagger.runs.query import read_query
from tgtagger.store import Store
from tgtagger.store.query import query_for
from tgtagger.store.records import AS_THEY_ARE

OTHER = Channel(2222222222, "Наука")
KEYS = (
    "channel id ids url date edited deleted text markdown tags status views forwards reactions "
    "media forward reply_to author source"
).split()


@pytest.fixture
def archive(store: Store) -> Store:
    full = post(
        1, 'quote " and \x01 and \x1b[31m', ids=(1, 2), markdown="**q**", edited=minute(5),
        media=(Media("photo", width=3), Media("poll", question="?", options=("a",))),
        views=0, reactions=(("👍", 2), ("custom:5", 1)),
        forward=Forward(42, "Elsewhere", "elsewhere", 7), reply=Reply(1), author="A",
    )  # fmt: skip
    store.posts.save_page(page(full, post(3, "three")))
    store.posts.save_page(page(post(1, "один"), post(2, "два"), channel=OTHER))
    run = store.runs.start("tag", Provenance("keywords", "1"))
    tags = {"three": ("AI", "Sea Salt"), "один": ("наука",), "два": ("наука", "AI")}
    store.queue.save(
        [
            TagUpdate(
                item.id, item.text_hash, "tagged", Provenance("keywords", "1"),
                tuple(SuggestedTag(name) for name in tags[item.text]), 1,
            )
            for item in store.queue.posts(PostFilter())
            if item.text in tags
        ],
        run,
    )  # fmt: skip
    return store


def texts(store: Store, **wanted: object) -> set[str]:
    return {found.text[:5] for found in store.records.posts(PostFilter(**wanted))}  # type: ignore[arg-type]


def test_the_record_is_as_documented(archive: Store) -> None:
    record = json.loads(archive.records.post("news/1").record)
    assert list(record) == KEYS
    assert record["channel"] == {"id": 1006503122, "username": "news", "title": "News"}
    assert record["ids"] == [1, 2]
    assert record["url"] == "https://t.me/news/1"
    assert record["date"] == "2026-01-01T00:01:00Z"
    assert record["text"] == 'quote " and \x01 and \x1b[31m'
    assert record["markdown"] == "**q**"
    assert record["views"] == 0
    assert record["forwards"] is None
    assert record["reactions"] == {"👍": 2, "custom:5": 1}
    assert record["media"] == [
        {"type": "photo", "width": 3},
        {"type": "poll", "question": "?", "options": ["a"]},
    ]
    assert record["forward"]["url"] == "https://t.me/elsewhere/7"
    assert (record["reply_to"], record["author"], record["deleted"]) == (1, "A", None)


def test_a_channel_without_a_name_has_links_for_its_members(archive: Store) -> None:
    assert archive.records.post("2222222222/1").post.url == "https://t.me/c/2222222222/1"


def test_a_record_reads_back_as_the_post(archive: Store) -> None:
    posts, records = (
        list(archive.records.posts(PostFilter())),
        list(archive.records.lines(PostFilter())),
    )
    for found, record in zip(posts, records, strict=True):
        values = json.loads(record)
        assert (found.text, found.markdown, list(found.tags)) == (
            values["text"], values["markdown"], values["tags"])  # fmt: skip
        assert [item.type for item in found.media] == [item["type"] for item in values["media"]]


def test_a_record_is_the_same_among_many_as_alone(archive: Store) -> None:
    whole = [
        archive.records.post(f"{found.channel.id}/{found.id.message_id}").record
        for found in archive.records.posts(PostFilter())
    ]
    assert list(archive.records.lines(PostFilter())) == whole
    values = [json.loads(record) for record in whole]
    has_own = {each["text"] != each["markdown"] for each in values}
    assert has_own == {True, False}  # markdown of its own, and none


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"tags": ("ai",)}, {"three", "два"}),
        ({"tags": ("AI", "наука")}, {"два"}),
        ({"any_tags": ("sea salt", "наука")}, {"three", "один", "два"}),
        ({"not_tags": ("AI",)}, {"quote", "один"}),
        ({"statuses": ("pending",)}, {"quote"}),
        ({"channels": ("@NEWS",)}, {"quote", "three"}),
        ({"channels": ("https://t.me/news",)}, {"quote", "three"}),
        ({"channels": ("наука",)}, {"один", "два"}),
        ({"channels": ("-1002222222222", "news")}, {"quote", "three", "один", "два"}),
        ({"since": minute(2), "until": minute(3)}, {"два"}),
        ({"posts": ("@news/2", "https://t.me/c/2222222222/1")}, {"quote", "один"}),
        ({"limit": 1}, {"three"}),
        ({"stale_for": (Provenance("keywords", "2"),)}, {"three", "один", "два"}),
        ({"stale_for": (Provenance("keywords", "1"),)}, set()),
        ({"stale_for": (Provenance("keywords", "2"), Provenance("keywords", "1"))}, set()),
    ],
)
def test_filters(archive: Store, wanted: dict[str, object], expected: set[str]) -> None:
    assert texts(archive, **wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ({"channels": ("nws",)}, "@news"),
        ({"tags": ("наук",)}, "наука"),
        ({"posts": ("news/99",)}, "parse"),
        ({"posts": ("no post",)}, "@channel/123"),
    ],
)
def test_a_name_not_known_suggests_the_nearest(
    archive: Store, wanted: dict[str, object], hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        texts(archive, **wanted)
    assert hint in (hint_of(caught.value) or "")


def test_two_channels_of_one_title_are_told_apart(store: Store) -> None:
    for number in (5, 6):
        store.posts.save_page(page(post(1, "x"), channel=Channel(number, "Same")))
    with pytest.raises(InputError, match="several") as caught:
        texts(store, channels=("Same",))
    assert "5, 6" in (hint_of(caught.value) or "")


def test_details_say_where_a_tag_came_from(archive: Store) -> None:
    details = archive.records.post("@news/3")
    assert [(link.name, link.source, link.model, link.run) for link in details.links] == [
        ("AI", "keywords", "1", 1), ("Sea Salt", "keywords", "1", 1)]  # fmt: skip
    assert details.attempts == ()


def test_the_view_for_other_programs(archive: Store) -> None:
    with reading(archive) as db:
        row = db.execute(
            "SELECT channel, channel_title, message_id, url, tags FROM tagged_posts "
            "WHERE text = 'three'"
        ).fetchone()
    assert row == ("news", CHANNEL.title, 3, "https://t.me/news/3", '["AI","Sea Salt"]')


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({"statuses": ("pending",)}, "SCAN q"),  # the queue of every tagging run
        ({"tags": ("наука",)}, "INDEX sqlite_autoindex_post_tags_2 (tag_id=?)"),
        ({"any_tags": ("наука", "AI")}, "INDEX sqlite_autoindex_post_tags_2 (tag_id=?)"),
        ({"channels": ("Наука",)}, "INDEX sqlite_autoindex_posts_1 (channel_id=?)"),
        ({"query": read_query("два"), "since": minute(1)}, "posts_fts VIRTUAL TABLE INDEX 192:M2>"),
    ],
)
def test_no_filter_reads_the_whole_archive_or_sorts_records(
    archive: Store, wanted: dict[str, object], index: str
) -> None:
    with archive._database.read() as db:
        query = query_for(db, PostFilter(**wanted)).select("p.*")  # type: ignore[arg-type]
    steps = plan(archive, query)
    assert any(index in step for step in steps), steps
    assert "SCAN p" not in steps
    # A channel of a million posts would be written to a temporary file, record by record.
    assert not [step for step in steps if "TEMP B-TREE" in step]


def test_lists_of_channels_and_tags_go_once_through_what_they_count(archive: Store) -> None:
    asked: list[str] = []
    driver(archive).set_trace_callback(asked.append)
    archive.status.channels()
    archive.tags.counts()
    with reading(archive) as db:
        plans = [
            step
            for sql in asked
            if sql.lstrip().startswith(("SELECT", "WITH"))
            for *_, step in db.execute(f"EXPLAIN QUERY PLAN {sql}")
        ]
    assert "SCAN q" in plans
    assert "SCAN tag_uses_counted" in plans
    assert not [step for step in plans if step.startswith("SCAN post_tags")]


def test_a_post_has_its_facts_in_the_order_of_their_table() -> None:
    names = [field.name for field in dataclasses.fields(Post)]
    assert tuple(names[-len(AS_THEY_ARE) :]) == AS_THEY_ARE
