"""What stands around a post, and what posts are made of: right, and by indexes."""

from __future__ import annotations

import pytest

from support.make import minute, page, post, tag
from support.sql import plan
from tgtagger.errors import InputError
from tgtagger.model.counts import FacetCount
from tgtagger.model.posts import Channel, PostFilter, Reply
from tgtagger.runs.query import read_query
from tgtagger.store import Store, facets, records, surroundings
from tgtagger.store import tags as store_tags
from tgtagger.store.statements import Statement


def filled(store: Store) -> Store:
    posts = [post(n, f"text {n}") for n in range(1, 6)]
    posts += [post(6, "album", ids=(6, 7, 8)), post(9, "yes", reply=Reply(7))]
    posts += [post(10, "no", reply=Reply(2)), post(11, "lost", reply=Reply(999))]
    store.posts.save_page(page(*posts))
    tag(store, ["sea", "storm"])
    return store


def test_a_post_has_neighbours_in_its_channel_only(store: Store) -> None:
    other = Channel(7, "Other", "other")
    filled(store).posts.save_page(page(post(3, "x", date=minute(3)), channel=other))
    found = store.surroundings.of("news/5")
    assert found.older is not None
    assert found.newer is not None
    assert (found.older.id.message_id, found.newer.id.message_id) == (4, 6)
    alone = store.surroundings.of("other/3")
    assert (alone.older, alone.newer) == (None, None)


def test_a_thread_is_told_in_both_directions_by_any_message_of_an_album(store: Store) -> None:
    filled(store)
    answer = store.surroundings.of("news/9")
    assert answer.answered is not None
    assert answer.answered.text == "album"
    assert [item.text for item in store.surroundings.of("news/6").answers] == ["yes"]
    assert [item.text for item in store.surroundings.of("news/2").answers] == ["no"]
    assert store.surroundings.of("news/11").answered is None


def test_what_a_person_did_to_a_posts_tags_is_told_until_it_is_undone(store: Store) -> None:
    filled(store)
    store.curation.add("news/1", ["mine", "sea"])
    number = store.curation.drop("news/1", ["storm"]).number
    assert number is not None
    found = store.surroundings.of("news/1")
    assert [(change.given, change.taken) for change in found.changes] == [
        (("mine", "sea"), ()), ((), ("storm",)),
    ]  # fmt: skip
    assert [item.name for item in found.taken] == ["storm"]
    store.changes.take_back(number)
    found = store.surroundings.of("news/1")
    assert len(found.changes) == 1
    assert found.taken == ()


def test_a_basic_groups_post_is_found_by_its_name_in_addresses(store: Store) -> None:
    group = Channel(-5, "Group", None, "group")
    store.posts.save_page(page(post(1, "a"), post(-2, "b"), channel=group))
    found = store.surroundings.of("-5--2")
    assert (found.id.channel_id, found.id.message_id) == (-5, -2)
    with pytest.raises(InputError):
        store.surroundings.of("-5-3")


@pytest.mark.parametrize(
    "statement",
    [
        surroundings.OLDER,
        surroundings.NEWER,
        surroundings.ANSWERED,
        surroundings.ANSWERS,
        surroundings.TAKEN,
        surroundings.CHANGES,
        facets.TAGS,
        store_tags.COMPLETIONS,
        store_tags.BY_HAND,
        records.FAILURES,
    ],
)
def test_nothing_reads_a_whole_table(store: Store, statement: Statement) -> None:
    steps = plan(filled(store), statement)
    scanned = {step.split()[1] for step in steps if step.startswith("SCAN ")}
    tables = {"p", "l", "t", "c", "r", "posts", "tags", "post_tags", "tag_aliases", "album_members"}
    assert not scanned & tables, steps


def test_facets_count_what_is_found(store: Store) -> None:
    filled(store)
    store.curation.add("news/1", ["mine"])
    found = store.facets.of(PostFilter(tags=("mine",)))
    assert (found.posts, found.is_all) == (1, True)
    assert [(channel.username, count) for channel, count in found.channels] == [("news", 1)]
    assert set(found.tags) == {FacetCount(name, 1) for name in ("mine", "sea", "storm")}
    assert found.statuses == (FacetCount("tagged", 1),)
    everything = store.facets.of(PostFilter())
    assert everything.tags[0] == FacetCount("sea", 9)
    assert sum(each.posts for each in everything.months) == 9


def test_facets_of_many_posts_are_those_of_the_newest_and_say_so(store: Store) -> None:
    old = [post(n, "old", date=minute(n)) for n in range(1, 4)]
    new = [post(n, "new", date=minute(90 * 24 * 60 + n)) for n in range(4, 8)]
    store.posts.save_page(page(*old, *new))
    found = store.facets.of(PostFilter(), most=5)
    assert (found.posts, found.is_all) == (5, False)
    assert [each.posts for each in found.months] == [4]  # the older month is counted in part


def test_newer_posts_of_a_query_are_counted_up_to_a_bound(store: Store) -> None:
    filled(store)
    keys = [item.key for item in store.records.page(PostFilter(), 50)[0]]
    assert store.records.newer(PostFilter(), keys[3], 100) == 3
    assert store.records.newer(PostFilter(), keys[3], 2) == 2
    assert store.records.newer(PostFilter(query=read_query("no")), keys[-1], 100) == 1


def test_completions_know_aliases_and_forms_and_the_commonest_first(store: Store) -> None:
    store.posts.save_page(page(post(1, "a"), post(2, "b")))
    store.curation.add("news/1", ["новость", "новый год", "нового", "искусственный интеллект"])
    store.curation.add("news/2", ["новый год"])
    store.curation.add_aliases("искусственный интеллект", ["нейросети"])
    names = [item.name for item in store.tags.completions("нов")]
    assert names[0] == "новый год"
    assert "новость" in names
    (found,) = store.tags.completions("нейро")
    assert (found.name, found.alias) == ("искусственный интеллект", "нейросети")
    first = store.tags.completions("новости")[0]
    assert (first.name, first.is_form) == ("новость", True)
    assert store.tags.completions("НОВОСТЬ")[0].name == "новость"
    store.curation.remove(["новый год"])
    assert "новый год" not in [item.name for item in store.tags.completions("нов")]


def test_before_anything_is_typed_the_tags_given_last_are_suggested(store: Store) -> None:
    store.posts.save_page(page(post(1, "a")))
    store.curation.add("news/1", ["first"])
    store.curation.add("news/1", ["second", "third"])
    assert [item.name for item in store.tags.completions(" ")] == ["second", "third", "first"]
