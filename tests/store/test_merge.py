"""The same post from all three sources is one row, in whatever order they come."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from support.make import CHANNEL, minute, page, post
from tgtagger.model.choices import SourceName
from tgtagger.model.posts import Channel, IdRange, PostData, PostFilter, ReadProgress
from tgtagger.model.stored import Post
from tgtagger.store import Store

GIVEN: dict[SourceName, PostData] = {
    "telegram": post(
        7, "whole text", markdown="**whole** text", views=1234, forwards=5, replies=2,
        reactions=(("👍", 101),), edited=minute(20), author="Ann", grouped_id=9, ids=(7, 8),
    ),
    "preview": post(7, "whole te…", views=1200, reactions=(("👍", 100),), author="Ann"),
    "desktop": post(7, "whole text", edited=minute(20), reactions=(("👍", 99),)),
}  # fmt: skip
KEPT = ("text", "markdown", "views", "forwards", "reactions", "edited", "author", "ids", "source")


def after(store: Store, *sources: SourceName) -> Post:
    for source in sources:
        store.posts.save_page(page(GIVEN[source], source=source))
    (found,) = store.records.posts(PostFilter())
    return found


def facts(found: Post) -> dict[str, Any]:
    return {name: getattr(found, name) for name in KEPT}


@pytest.mark.parametrize("order", list(itertools.permutations(GIVEN)))
def test_all_three_in_any_order_end_as_telegram_says(
    store: Store, order: tuple[SourceName, ...]
) -> None:
    found = after(store, *order)
    assert facts(found) == {
        "text": "whole text", "markdown": "**whole** text", "views": 1234, "forwards": 5,
        "reactions": {"👍": 101}, "edited": minute(20), "author": "Ann", "ids": (7, 8),
        "source": "telegram",
    }  # fmt: skip


@pytest.mark.parametrize("order", list(itertools.permutations(["preview", "desktop"])))
def test_an_export_has_the_text_and_the_preview_the_views(
    store: Store, order: tuple[SourceName, ...]
) -> None:
    found = after(store, *order)
    assert facts(found) == {
        "text": "whole text", "markdown": "whole text", "views": 1200, "forwards": None,
        "reactions": {"👍": 99}, "edited": minute(20), "author": "Ann", "ids": (7,),
        "source": "desktop",
    }  # fmt: skip


@pytest.mark.parametrize("other", ["preview", "desktop"])
@pytest.mark.parametrize("first", [True, False])
def test_a_poorer_source_takes_nothing_from_telegram(
    store: Store, other: SourceName, *, first: bool
) -> None:
    pair: list[SourceName] = [other, "telegram"] if first else ["telegram", other]
    assert facts(after(store, *pair))["views"] == 1234
    assert after(store).text == "whole text"


def test_absent_is_null_and_never_zero(store: Store) -> None:
    found = after(store, "desktop")
    assert (found.views, found.forwards) == (None, None)


def test_views_of_the_preview_stay_fresh_beside_an_export(store: Store) -> None:
    after(store, "desktop", "preview")
    store.posts.save_page(page(post(7, "whole te…", views=1300), source="preview"))
    (found,) = store.records.posts(PostFilter())
    assert found.views == 1300


def test_a_hidden_edit_date_at_telegram_is_no_older_state(store: Store) -> None:
    after(store, "telegram")
    again = post(7, "text, edited again", views=2000, grouped_id=9, ids=(7, 8))
    store.posts.save_page(page(again, source="telegram"))
    (found,) = store.records.posts(PostFilter())
    assert (found.text, found.views) == ("text, edited again", 2000)


def test_only_an_equal_or_better_source_may_say_that_a_post_is_gone(store: Store) -> None:
    covers = IdRange(1, 10)
    store.posts.save_page(page(post(3, "shown by Telegram"), source="telegram"))
    store.posts.save_page(page(post(4, "shown by the preview"), source="preview"))
    assert store.posts.save_page(page(source="preview", covers=covers)).deleted == 1
    assert store.posts.save_page(page(source="telegram", covers=covers)).deleted == 1
    assert store.posts.save_page(page(source="telegram", covers=covers)).deleted == 0
    assert all(found.deleted for found in store.records.posts(PostFilter()))
    back = store.posts.save_page(page(post(3, "shown by Telegram"), source="telegram"))
    assert back.updated == 1
    assert store.records.post("news/3").post.deleted is None


def test_each_source_remembers_for_itself(store: Store) -> None:
    progress = ReadProgress((IdRange(1, 5),), 9, minute(2), 1)
    store.posts.save_page(page(source="preview", progress=progress))
    assert store.progress.read_progress(CHANNEL.id, "preview") == progress
    assert store.progress.read_progress(CHANNEL.id, "telegram") == ReadProgress(since=minute(2))
    store.progress.postpone(CHANNEL.id, "telegram", minute(30))
    assert store.progress.read_progress(CHANNEL.id, "telegram").not_before == minute(30)
    store.posts.save_page(page(source="telegram", progress=ReadProgress((), 9)))
    assert store.progress.read_progress(CHANNEL.id, "telegram") == ReadProgress((), 9)
    assert store.progress.read_progress(1, "telegram") == ReadProgress()


def test_a_name_belongs_to_one_channel(store: Store) -> None:
    store.posts.save_page(page(channel=Channel(1, "Old", "News"), source="telegram"))
    store.posts.save_page(page(channel=Channel(2, "New", "news"), source="telegram"))
    assert store.channels.find("NEWS") == Channel(2, "New", "news")
    assert store.channels.find(1) == Channel(1, "Old", None)
    store.posts.save_page(page(channel=Channel(2, "New", None), source="desktop"))
    assert store.channels.find("news") is not None  # a file knows no names
    store.posts.save_page(page(channel=Channel(2, "New", None), source="telegram"))
    assert store.channels.find("news") is None


def test_another_floor_is_another_for_every_source(store: Store) -> None:
    store.posts.save_page(
        page(source="preview", progress=ReadProgress((IdRange(1, 9),), 20, minute(10), 9))
    )
    store.posts.save_page(page(source="telegram", progress=ReadProgress((), 20, minute(10), 9)))
    assert store.progress.read_progress(CHANNEL.id, "preview").floor == 9
    store.posts.save_page(page(source="telegram", progress=ReadProgress((), 20, minute(2), 1)))
    assert store.progress.read_progress(CHANNEL.id, "telegram").floor == 1
    found = store.progress.read_progress(CHANNEL.id, "preview")
    assert (found.since, found.floor, found.backfill) == (minute(2), 0, (IdRange(1, 9),))
