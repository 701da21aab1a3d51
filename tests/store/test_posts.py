"""A page in one transaction: what comes in, what changes, what is rejected, what is never lost."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from support.make import CHANNEL, EPOCH, minute, page, post
from support.sql import location, reading, writing
from tgtagger.errors import StoreError
from tgtagger.model.posts import (
    Channel,
    Entity,
    Forward,
    IdRange,
    Media,
    PostFilter,
    ReadProgress,
    Rejected,
    Reply,
    ServiceMessage,
)
from tgtagger.model.tagging import PostId, Provenance, SuggestedTag, TagUpdate
from tgtagger.runs.query import read_query
from tgtagger.store import Store, is_on_server, posts
from tgtagger.store.post_rows import order_key

BAD: dict[str, dict[str, Any]] = {
    "a lone surrogate": {"text": "\ud800"},
    "a number beyond 64 bits": {"views": 2**63},
    "an id beyond 64 bits": {"ids": (2**63,)},
    "a value of the wrong type": {"author": ["list"]},
    "a date beyond the calendar": {"reactions": (("\ud800", 1),)},
}


def texts(store: Store) -> list[str]:
    return [found.text for found in store.records.posts(PostFilter())]


def test_a_page_comes_in_whole(store: Store) -> None:
    stored = store.posts.save_page(page(post(1, "one"), post(2, "two")))
    assert (stored.new, stored.updated, stored.unchanged, stored.rejected) == (2, 0, 0, ())
    assert texts(store) == ["two", "one"]


def test_the_same_page_again_changes_nothing(store: Store) -> None:
    full = post(
        1,
        "one",
        markdown="**one**",
        entities=(Entity("bold", 0, 3),),
        media=(Media("poll", question="why?", options=("a", "b")),),
        views=3,
        reactions=(("👍", 2),),
        forward=Forward(5, "Other", "other", 9),
        reply=Reply(7, quote="q"),
    )
    store.posts.save_page(page(full))
    with reading(store) as db:
        before = list(db.iterdump())
    again = store.posts.save_page(page(full))
    assert (again.new, again.updated, again.unchanged) == (0, 0, 1)
    with reading(store) as db:
        assert [
            line
            for line in db.iterdump()
            if "INTO channels" not in line and '"channels"' not in line
        ] == [line for line in before if "INTO channels" not in line and '"channels"' not in line]


def test_an_edited_post_is_updated_and_tagged_again(store: Store) -> None:
    store.posts.save_page(page(post(1, "before"), post(2, "other")))
    run = store.runs.start("tag")
    done = [
        TagUpdate(
            item.id,
            item.text_hash,
            "tagged",
            Provenance("keywords", "1"),
            (SuggestedTag("topic"),),
            1,
        )
        for item in store.queue.posts(PostFilter())
    ]
    store.queue.save(done, run)
    stored = store.posts.save_page(page(post(1, "after", edited=minute(9)), post(2, "other")))
    assert (stored.updated, stored.unchanged) == (1, 1)
    found = store.records.post("news/1").post
    assert (found.text, found.status, found.edited) == ("after", "pending", minute(9))
    assert found.tags == ("topic",)  # until new ones come
    assert store.records.post("news/2").post.status == "tagged"
    assert [
        found.post.id.message_id
        for found in store.records.search(PostFilter(query=read_query("after")))
    ] == [1]
    assert list(store.records.search(PostFilter(query=read_query("before")))) == []


def test_what_moves_without_an_edit_does_not_cost_a_tagging(store: Store) -> None:
    store.posts.save_page(page(post(1, "text", views=1, reactions=(("👍", 1),))))
    (item,) = store.queue.posts(PostFilter())
    store.queue.save([TagUpdate(item.id, item.text_hash, "skipped", Provenance("keywords"))], 1)
    stored = store.posts.save_page(
        page(post(1, "text", views=2, reactions=(("👍", 5),), edited=minute(3)))
    )
    assert stored.updated == 1
    found = store.records.post("news/1").post
    assert (found.views, found.reactions, found.status) == (2, {"👍": 5}, "skipped")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_post_never_takes_a_neighbour_along(store: Store, name: str) -> None:
    facts = dict(BAD[name])
    bad = post(5, facts.pop("text", "bad"), **facts)
    stored = store.posts.save_page(
        page(*(post(n, f"text {n}") for n in range(1, 5)), bad, post(6, "six"))
    )
    assert stored.new == 5
    ((rejected,),) = (stored.rejected,)
    assert rejected.id == bad.ids[0]
    assert "bad" not in rejected.reason
    assert len(texts(store)) == 5
    assert store.integrity.check_index()
    assert [(item.id, item.reason) for item in store.integrity.check().rejected] == [
        (str(rejected.id), rejected.reason)
    ]


def test_a_rule_of_the_database_rejects_only_who_breaks_it(store: Store) -> None:
    with writing(store) as db:
        db.execute(
            "CREATE TRIGGER no_thirteen BEFORE INSERT ON posts WHEN new.message_id % 13 = 0 "
            "BEGIN SELECT raise(ABORT, 'unlucky'); END"
        )
    stored = store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 40))))
    assert stored.new == 36
    assert [item.id for item in stored.rejected] == [13, 26, 39]
    assert store.integrity.check_index()


def test_a_rejected_post_that_comes_whole_is_forgotten_as_rejected(store: Store) -> None:
    store.posts.save_page(page(post(1, "\ud800")))
    assert store.status.archive().rejected == 1
    assert store.posts.save_page(page(post(1, "fine"))).new == 1
    assert store.status.archive().rejected == 0


def test_what_the_source_rejected_is_remembered_once(store: Store) -> None:
    for _ in range(2):
        stored = store.posts.save_page(
            page(rejected=(Rejected("x", "no number"), Rejected(None, "no id")))
        )
        assert len(stored.rejected) == 2
    assert store.status.archive().rejected == 2


@pytest.mark.of_file
def test_a_fatal_error_keeps_nothing_of_the_page_and_all_before(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.posts.save_page(page(post(1, "first")))

    def break_down(*_: object) -> None:
        raise OSError(5, "Input/output error", "posts.db")

    monkeypatch.setattr(posts, "_save_service", break_down)  # the last step but two
    with pytest.raises(StoreError):
        store.posts.save_page(page(post(2, "second"), progress=ReadProgress((IdRange(1, 5),))))
    monkeypatch.undo()
    assert texts(store) == ["first"]
    assert store.status.channels()[0].unread == 0
    assert (
        store.posts.save_page(page(post(2, "second"), progress=ReadProgress((IdRange(1, 5),)))).new
        == 1
    )


def test_posts_and_progress_go_in_together(store: Store) -> None:
    store.posts.save_page(
        page(post(10, "ten"), progress=ReadProgress((IdRange(1, 4), IdRange(6, 9)), 10))
    )
    assert store.status.channels()[0].unread == 8
    store.posts.save_page(page(post(9, "nine"), progress=ReadProgress((IdRange(1, 4),), 10)))
    assert store.status.channels()[0].unread == 4
    store.posts.save_page(page(post(8, "from a file")))  # a file has no say in it
    assert store.status.channels()[0].unread == 4
    store.posts.save_page(page(progress=ReadProgress((), 10)))
    assert store.status.channels()[0].unread == 0


def test_an_older_export_takes_nothing_back(store: Store) -> None:
    store.posts.save_page(page(post(1, "corrected", edited=minute(9))))
    stored = store.posts.save_page(page(post(1, "wrogn", views=7)))
    assert stored.updated == 1  # it knew the views
    found = store.records.post("news/1").post
    assert (found.text, found.views) == ("corrected", 7)


def test_a_better_source_replaces_and_a_poorer_one_fills_in(store: Store) -> None:
    store.posts.save_page(page(post(1, "as exported", author="A")))
    store.posts.save_page(page(post(1, "as at Telegram", views=5), source="telegram"))
    store.posts.save_page(page(post(1, "as previewed", views=1, forwards=2), source="preview"))
    found = store.records.post("news/1").post
    assert (found.text, found.views, found.forwards, found.author, found.source) == (
        "as at Telegram",
        5,
        2,
        "A",
        "telegram",
    )


def test_newest_first_whatever_the_order_of_coming(store: Store) -> None:
    numbers = list(range(1, 60))
    random.Random(1).shuffle(numbers)
    for at in range(0, len(numbers), 7):
        store.posts.save_page(page(*(post(n, str(n)) for n in numbers[at : at + 7])))
    assert texts(store) == [str(n) for n in range(59, 0, -1)]


def test_posts_with_the_same_key_all_find_a_place(store: Store) -> None:
    others = [Channel(number, f"Channel {number}") for number in range(1, 6)]
    for other in others:
        stored = store.posts.save_page(page(post(1, "same second, same id"), channel=other))
        assert (stored.new, stored.rejected) == (1, ())
    step = 1 << 20  # equal in the bits of the message id that go into the key
    same = [post(1 + step * n, "text", date=EPOCH) for n in range(4)]
    assert store.posts.save_page(page(*same)).new == 4
    assert store.integrity.check_index()
    assert len(texts(store)) == 9


def test_a_post_without_a_date_stays_beside_its_neighbour(store: Store) -> None:
    store.posts.save_page(
        page(post(1, "one"), post(2, "", date=None, problem="unsupported"), post(3, "x"))
    )
    assert [found.id.message_id for found in store.records.posts(PostFilter())] == [3, 2, 1]
    assert store.records.post("news/2").post.date is None
    assert store.integrity.check().unreadable.count == 1


def test_the_key_sorts_by_time_before_all() -> None:
    late = order_key(dt.datetime(2026, 1, 1, 0, 0, 1, tzinfo=dt.UTC), 1)
    early = order_key(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 2**40 + 5)
    assert early < late
    assert order_key(dt.datetime(1960, 1, 1, tzinfo=dt.UTC), 3) == 3
    assert order_key(None, 2, fallback=late) == order_key(
        dt.datetime(2026, 1, 1, 0, 0, 1, tzinfo=dt.UTC), 2
    )


def test_a_channel_keeps_its_name_when_a_file_knows_none(store: Store) -> None:
    store.posts.save_page(page(post(1, "text")))
    store.posts.save_page(page(post(2, "text"), channel=Channel(CHANNEL.id, "Renamed")))
    (state,) = store.status.channels()
    assert (state.channel.title, state.channel.username) == ("Renamed", "news")
    assert (state.posts, state.pending, state.newest) == (2, 2, minute(2))


def test_service_messages_stand_apart(store: Store) -> None:
    created = ServiceMessage(1, minute(1), "create_channel")
    stored = store.posts.save_page(page(post(2, "text"), service=(created,)))
    assert (stored.new, stored.service) == (1, 1)
    assert store.status.archive().posts["pending"] == 1
    assert store.queue.count(PostFilter()) == 1


def test_a_bad_service_message_is_rejected_and_said(store: Store) -> None:
    bad = ServiceMessage(1, minute(1), "\ud800")
    stored = store.posts.save_page(page(post(2, "text"), service=(bad,)))
    assert stored.new == 1
    assert [item.id for item in stored.rejected] == [1]
    assert store.status.archive().rejected == 1


def test_a_newer_converter_finds_the_raw_forms(store: Store) -> None:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 4))))
    found = list(store.posts.raw_records("desktop", older_than=2))
    assert [item.data for item in found] == [f"raw {n} text {n}".encode() for n in (1, 2, 3)]
    assert found[0].channel == CHANNEL
    assert list(store.posts.raw_records("desktop", older_than=1)) == []
    assert list(store.posts.raw_records("telegram", older_than=2)) == []


def test_a_post_of_an_unknown_channel_is_known_after_its_page(store: Store) -> None:
    store.channels.save(Channel(5, "Empty"))
    assert [(s.channel.title, s.posts, s.parsed_at) for s in store.status.channels()] == [
        ("Empty", 0, None)
    ]
    assert store.queue.count(PostFilter(channels=("Empty",))) == 0
    assert PostId(5, 1) != PostId(5, 2)


@pytest.mark.parametrize("wrong", ["views = 'x'", "edited = 7", "text_hash = '7'"])
def test_a_wrong_stored_value_is_replaced_by_what_comes(store: Store, wrong: str) -> None:
    """Only whoever reads it says that it is damaged: the source has it whole."""
    if "views" in wrong and is_on_server(location(store)):
        pytest.skip("a server's column of numbers holds numbers alone")
    store.posts.save_page(page(post(1, "text", views=1)))
    with writing(store) as db:
        db.execute(f"UPDATE posts SET {wrong}")
    came = post(1, "text", views=2, edited=minute(1))
    stored = store.posts.save_page(page(came, source="telegram"))
    assert (stored.updated, stored.rejected) == (1, ())
    (found,) = store.records.posts(PostFilter())
    assert found.views == 2
