"""What taggers answer, and what people decided before."""

from __future__ import annotations

import datetime as dt

import pytest

from support.make import PROVENANCE, minute, page, post, tag
from support.sql import reading, writing
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Attempt, SuggestedTag, TagUpdate
from tgtagger.store import Store
from tgtagger.vocabulary import Suggestion

PENDING = PostFilter(statuses=("pending",))


def by_hand(store: Store, sql: str) -> None:
    with writing(store) as db:
        db.execute(sql)


def test_equal_spellings_are_one_tag(store: Store) -> None:
    store.posts.save_page(page(post(1, "x"), post(2, "y")))
    tag(store, ["#Sea_Salt", "sea-salt", "SEA SALT", "«Ёлка»", "елка", "", "http://x", "1234"])
    assert store.records.post("news/1").post.tags == ("Sea Salt", "Ёлка")
    assert [(item.name, item.posts) for item in store.tags.counts()] == [
        ("Sea Salt", 2),
        ("Ёлка", 2),
    ]


def test_tagging_again_replaces_what_a_machine_said(store: Store) -> None:
    store.posts.save_page(page(post(1, "x")))
    tag(store, ["old", "both"])
    tag(store, ["both", "new"])
    assert store.records.post("news/1").post.tags == ("both", "new")
    assert [item.name for item in store.tags.counts(unused=True)] == ["old"]


def test_a_persons_tag_stands_and_a_removed_one_stays_away(store: Store) -> None:
    store.posts.save_page(page(post(1, "x")))
    tag(store, ["mine", "unwanted", "fine"])
    by_hand(store, "UPDATE post_tags SET source = 'human' WHERE position = 0")
    by_hand(
        store,
        "INSERT INTO removed_tags SELECT l.post_id, l.tag_id, '' FROM post_tags AS l "
        "JOIN tags AS t ON t.id = l.tag_id WHERE t.name = 'unwanted'",
    )
    tag(store, ["unwanted", "other", "MINE"])
    details = store.records.post("news/1")
    assert details.post.tags == ("mine", "other")
    assert [link.source for link in details.links] == ["human", "keywords"]


def test_an_alias_stands_for_its_tag(store: Store) -> None:
    store.posts.save_page(page(post(1, "x")))
    tag(store, ["artificial intelligence"])
    by_hand(store, "INSERT INTO tag_aliases SELECT 'ai', 'AI', id FROM tags")
    tag(store, ["AI"])
    assert store.records.post("news/1").post.tags == ("artificial intelligence",)


def test_an_answer_to_an_older_text_is_refused(store: Store) -> None:
    store.posts.save_page(page(post(1, "before")))
    (item,) = store.queue.posts(PostFilter())
    store.posts.save_page(page(post(1, "after", edited=minute(5))))
    update = TagUpdate(item.id, item.text_hash, "tagged", PROVENANCE, (SuggestedTag("before"),), 1)
    assert store.queue.save([update], store.runs.start("tag")) == [False]
    assert store.records.post("news/1").post.status == "pending"


def test_one_bad_answer_leaves_the_others(store: Store) -> None:
    store.posts.save_page(page(post(1, "x"), post(2, "y"), post(3, "z")))
    updates = [
        TagUpdate(item.id, item.text_hash, "tagged", PROVENANCE, (SuggestedTag(name),), attempts)
        for item, name, attempts in zip(
            store.queue.posts(PostFilter()), ["a", "b\ud800", "c"], [1, 2**70, 1], strict=True
        )
    ]
    assert store.queue.save(updates, store.runs.start("tag")) == [True, False, True]
    assert store.status.archive().posts == {"pending": 1, "tagged": 2, "skipped": 0, "failed": 0}


def test_hashtags_say_that_the_author_wrote_them(store: Store) -> None:
    store.posts.save_page(page(post(1, "x")))
    tag(store, ["AI"], hashtag=True)
    assert store.tags.counts()[0].sources == ("hashtag",)


@pytest.mark.of_file
def test_posts_come_in_batches_each_once(store: Store) -> None:
    store.posts.save_page(page(*(post(number, "x") for number in range(1, 1202))))
    seen = []
    run = store.runs.start("tag", PROVENANCE)
    for item in store.queue.posts(PostFilter(statuses=("pending",))):
        seen.append(item.id.message_id)
        store.queue.save([TagUpdate(item.id, item.text_hash, "skipped", PROVENANCE)], run)
    assert seen == list(range(1201, 0, -1))
    assert len(list(store.queue.posts(PostFilter(limit=700)))) == 700


def test_what_was_spent_is_told_by_day_and_model_for_each_post_once(store: Store) -> None:
    store.posts.save_page(page(post(1, "a"), post(2, "b")))
    ids = [item.id for item in store.queue.posts(PostFilter())]
    today = dt.datetime.now(dt.UTC)
    made = [
        (at, Attempt(when, model, None, 200, 9, None, 10, 1, 0, 0.5))
        for at, when, model in (
            (ids[0], today, "m"), (ids[0], today, "m"), (ids[1], today, "m"), (ids[1], today, "n"),
            (ids[1], today - dt.timedelta(days=3), "m"),
            (ids[1], today - dt.timedelta(days=40), "m"),
        )
    ]  # fmt: skip
    store.queue.save((), store.runs.start("tag"), made)
    told = [(item.model, item.posts, item.prompt_tokens) for item in store.status.archive().spent]
    assert told == [("m", 2, 30), ("n", 1, 10), ("m", 1, 10)]


def test_the_queue_is_in_step_whatever_becomes_of_posts(store: Store) -> None:
    store.posts.save_page(page(*(post(number, f"text {number}") for number in range(1, 6))))
    assert store.queue.count(PENDING) == 5
    tag(store, ["a"])
    assert store.queue.count(PENDING) == 0
    run = store.runs.start("tag", PROVENANCE)
    (item,) = store.queue.posts(PostFilter(posts=("news/2",)))
    due = minute(9)
    store.queue.save(
        [TagUpdate(item.id, item.text_hash, "failed", PROVENANCE, (), 1, "server", "x", due)], run
    )
    store.posts.save_page(page(post(1, "edited")))
    assert store.queue.out_of_step() == 0
    assert store.queue.count(PENDING) == 1
    with reading(store) as db:
        (waiting,) = db.execute("SELECT count(*) FROM tag_queue").fetchone()
    assert waiting == 2
    store.changes.take_back(run)
    store.channels.remove("news", with_posts=True)
    assert store.queue.out_of_step() == 0


def test_a_queue_out_of_step_is_seen_and_made_anew(store: Store) -> None:
    store.posts.save_page(page(*(post(number, f"text {number}") for number in range(1, 4))))
    with writing(store) as db:
        db.execute("DELETE FROM tag_queue WHERE post_id = (SELECT max(id) FROM posts)")
        db.execute("UPDATE posts SET status = 'skipped' WHERE message_id = 1")
    assert store.queue.out_of_step() == 2
    store.queue.refill()
    assert store.queue.out_of_step() == 0
    assert [each.id.message_id for each in store.queue.posts(PENDING)] == [3, 2]


def test_what_a_person_keeps_apart_stays_so_under_another_name(store: Store) -> None:
    store.posts.save_page(page(post(1, "x"), post(2, "y")))
    tag(store, ["Ватсап", "Вотсап", "Вацап"])
    store.tags.keep_apart(["Ватсап"], "Вотсап")
    store.curation.rename("Вотсап", "WhatsApp")
    store.curation.merge(["Ватсап"], "Вацап")
    pair = Suggestion(("Вацап",), "WhatsApp", "synonym", 2)
    assert store.tags.still_open([pair]) == ()
    assert not any("WhatsApp" in (*item.names, item.into) for item in store.tags.suggest_merges())
