"""Two posts become one: what people decided about the tags of both stays, and can be undone."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from support.make import CHANNEL, page, post, tag
from support.sql import broken_references, reading
from support.undoing import tag_some, undo_all, undo_any
from tgtagger.errors import InputError
from tgtagger.model.posts import Channel, Media, PostData, PostFilter
from tgtagger.store import Store, decisions
from tgtagger.store.statements import Statement

PHOTO = Media("photo")
Do = Callable[[Store], object]


def pictures() -> tuple[PostData, PostData]:
    return post(1, "caption", media=(PHOTO,)), post(2, "", media=(PHOTO,))


def fold(store: Store) -> None:
    """Make one of the two posts: a better source tells that they are an album."""
    album = post(1, "caption", ids=(1, 2), media=(PHOTO,) * 2)
    store.posts.save_page(page(album, source="telegram"))


def join(store: Store) -> None:
    """Make one of the two channels, unless they are."""
    store.shifted_ids.join(SHIFTED.id, CHANNEL.id)


def tags(store: Store) -> set[tuple[str, str]]:
    """Return the tags of the first post, and who gave them; `off`: a person took it off."""
    with reading(store) as db:
        assert not broken_references(db)
        return set(
            db.execute(
                "SELECT t.name, l.source FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id "
                "JOIN posts AS p ON p.id = l.post_id WHERE p.message_id = 1 UNION ALL "
                "SELECT t.name, 'off' FROM removed_tags AS r JOIN tags AS t ON t.id = r.tag_id "
                "JOIN posts AS p ON p.id = r.post_id WHERE p.message_id = 1"
            )
        )


def last(store: Store) -> int:
    change = store.changes.last()
    assert change is not None
    return change.number


MACHINE = {("AI", "keywords"), ("sea", "keywords")}
CASES: dict[str, tuple[Do, set[tuple[str, str]], set[tuple[str, str]]]] = {
    # done before the posts become one, the tags after that, and after the undo
    "a tag on the second": (
        lambda store: store.curation.add("news/2", ["mine"]),
        MACHINE | {("mine", "human")}, MACHINE,
    ),
    "a tag on both": (
        lambda store: store.curation.add_to(PostFilter(), ["mine"]),
        MACHINE | {("mine", "human")}, MACHINE,
    ),
    "a machine's tag confirmed on the second": (
        lambda store: store.curation.add("news/2", ["sea"]),
        {("AI", "keywords"), ("sea", "human")}, MACHINE,
    ),
    "a tag taken off the second": (
        lambda store: store.curation.drop("news/2", ["sea"]),
        {("AI", "keywords"), ("sea", "off")}, MACHINE,
    ),
    "a tag taken off both": (
        lambda store: store.curation.drop_from(PostFilter(), ["sea"]),
        {("AI", "keywords"), ("sea", "off")}, MACHINE,
    ),
    "a tag removed": (
        lambda store: store.curation.remove(["sea"]),
        {("AI", "keywords"), ("sea", "off")}, MACHINE,
    ),
    "tags merged": (
        lambda store: store.curation.merge(["sea"], "AI"), {("AI", "keywords")}, MACHINE,
    ),
    "a tag renamed": (
        lambda store: store.curation.rename("sea", "ocean"),
        {("AI", "keywords"), ("ocean", "keywords")}, MACHINE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_change_of_a_post_that_became_part_of_another_is_undone(store: Store, name: str) -> None:
    do, joined, undone = CASES[name]
    store.posts.save_page(page(*pictures()))
    tag(store, ["AI", "sea"])
    do(store)
    fold(store)
    assert tags(store) == joined
    store.changes.take_back(last(store))
    assert tags(store) == undone


def test_two_changes_of_two_posts_are_undone_one_by_one(store: Store) -> None:
    store.posts.save_page(page(*pictures()))
    tag(store, ["AI", "sea"])
    store.curation.add("news/1", ["mine"])
    store.curation.add("news/2", ["mine", "other"])
    store.curation.drop("news/2", ["other"])
    fold(store)
    assert tags(store) == MACHINE | {("mine", "human"), ("other", "off")}
    store.changes.take_back(last(store))
    assert tags(store) == MACHINE | {("mine", "human"), ("other", "human")}
    store.changes.take_back(last(store))
    assert tags(store) == MACHINE | {("mine", "human")}  # the first post had it, too
    store.changes.take_back(last(store))
    assert tags(store) == MACHINE


def test_a_person_s_tag_comes_before_a_person_s_removal(store: Store) -> None:
    store.posts.save_page(page(*pictures()))
    tag(store, ["AI", "sea"])
    store.curation.drop("news/1", ["sea"])
    store.curation.add("news/2", ["sea"])
    fold(store)
    assert tags(store) == {("AI", "keywords"), ("sea", "human")}
    store.changes.take_back(last(store))
    assert tags(store) == {("AI", "keywords"), ("sea", "off")}
    store.changes.take_back(last(store))
    assert tags(store) == MACHINE


SHIFTED = Channel(2_147_483_650, "News")
SECOND = {"an album": "news/2", "a channel under two ids": f"{SHIFTED.id}/1"}
ONE: tuple[Do, ...] = (
    lambda store: store.curation.add("news/1", ["mine", "sea"]),
    lambda store: store.curation.drop("news/1", ["sea"]),
    lambda store: store.curation.add_to(PostFilter(), ["AI", "mine", "fresh"]),
    lambda store: store.curation.drop_from(PostFilter(), ["AI", "mine"]),
    lambda store: store.curation.remove(["AI"]),
    lambda store: store.curation.merge(["sea"], "AI"),
    lambda store: store.curation.merge(["mine"], "sea"),
    lambda store: store.curation.rename("mine", "ours"),
    lambda store: undo_any(store, 1, random.Random(1)),
    lambda store: undo_any(store, 1, random.Random(1), undos=True),
    lambda store: tag_some(store, ["run", "AI", "mine"], 1, 2),
    lambda store: tag_some(store, ["sea", "run"], 1),
    lambda store: tag_some(store, ["stale"], 2),
    lambda store: tag_some(store, [], 1, 2, status="skipped", attempts=0),
)
OTHER: tuple[Callable[[Store, str], object], ...] = (
    lambda store, second: store.curation.add(second, ["mine", "sea"]),
    lambda store, second: store.curation.drop(second, ["sea"]),
    lambda store, second: store.curation.drop(second, ["mine"]),
)


@settings(
    max_examples=settings().max_examples // 2,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
)
@given(
    st.sampled_from(sorted(SECOND)),
    st.lists(st.sampled_from([*ONE, *OTHER]), max_size=6),
    st.integers(0, 6),
    st.randoms(use_true_random=False),
)
# The tag that a later run gave the one was not there when a person gave it to the other.
@example("a channel under two ids", [OTHER[0], ONE[10]], 2, random.Random(1))
def test_all_changes_are_undone_whenever_the_posts_became_one(
    into: str, steps: list[Callable[..., object]], when: int, order: random.Random
) -> None:
    make_one = fold if into == "an album" else join
    with TemporaryDirectory() as folder, Store.open(f"{folder}/posts.db") as store:
        if make_one is fold:
            store.posts.save_page(page(*pictures()))
        else:
            for channel in (CHANNEL, SHIFTED):
                store.posts.save_page(page(pictures()[0], channel=channel))
        tag(store, ["AI", "sea"])
        first = last(store)
        for number, step in enumerate(steps):
            if number == when:
                make_one(store)
            with contextlib.suppress(InputError):  # a tag is not there, or the second post
                step(store, SECOND[into]) if step in OTHER else step(store)
        make_one(store)
        undo_all(store, first, order)
        assert tags(store) == MACHINE


def test_tags_of_both_keep_their_order(store: Store) -> None:
    store.posts.save_page(page(post(1, "x"), post(2, "y")))
    for name in ("e", "d", "c"):
        store.curation.add("news/1", [name])
    for name in ("b", "a"):
        store.curation.add("news/2", [name])
    with reading(store) as raw:
        posts = [number for (number,) in raw.execute("SELECT id FROM posts ORDER BY message_id")]
    with store._database.write() as db:
        decisions.move(db, posts[1], posts[0])
        Statement("DELETE FROM posts WHERE id = :id")(db, id=posts[1])
    assert store.records.post("news/1").post.tags == ("e", "d", "c", "b", "a")
