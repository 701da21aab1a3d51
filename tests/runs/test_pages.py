"""Pages of posts: each post once, whatever is written between; a cursor lasts for ever."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.make import CHANNEL, page, post, tag
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.model.posts import Channel, PostFilter
from tgtagger.model.refs import post_name
from tgtagger.model.tagging import PostId
from tgtagger.runs.pages import PostPage, Wanted, read_cursor, read_page
from tgtagger.store import Store

OTHER = Channel(2222222222, "Other", "other")
GROUP = Channel(-5, "Group", kind="group")


@pytest.fixture
def archive(store: Store) -> Store:
    store.posts.save_page(page(*(post(n, f"storm {n}") for n in range(1, 12))))
    store.posts.save_page(page(post(3, "calm 3"), post(4, "storm of others"), channel=OTHER))
    return store


def numbers(found: PostPage) -> list[int]:
    return [item.post.id.message_id for item in found.posts]


def walk(store: Store, wanted: Wanted, limit: int) -> list[list[int]]:
    """Read all pages, the newest first; then back again, which shows the same posts."""
    there: list[PostPage] = [read_page(store, wanted, limit)]
    while there[-1].older is not None:
        there.append(read_page(store, wanted, limit, after=there[-1].older))
    back = [there[-1]]
    while back[-1].newer is not None:
        back.append(read_page(store, wanted, limit, before=back[-1].newer))
    assert {n for each in back for n in numbers(each)} == {n for p in there for n in numbers(p)}
    assert numbers(back[-1]) == numbers(there[0])
    return [numbers(each) for each in there]


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 11, 12, 200])
@pytest.mark.parametrize(
    "wanted", [Wanted(), Wanted("storm"), Wanted(channels=["news"]), Wanted("storm -calm")]
)
def test_each_post_is_on_one_page(archive: Store, limit: int, wanted: Wanted) -> None:
    pages = walk(archive, wanted, limit)
    whole = [item.post.id.message_id for item in archive.records.search(wanted.filter())]
    assert [n for each in pages for n in each] == whole
    assert [len(each) for each in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1]


def test_there_is_no_other_page_of_nothing(store: Store) -> None:
    assert read_page(store, Wanted(), 5) == PostPage((), None, None)


def test_new_posts_move_nothing(archive: Store) -> None:
    first = read_page(archive, Wanted(), 4)
    archive.posts.save_page(page(*(post(n, "news") for n in range(12, 20))))
    second = read_page(archive, Wanted(), 4, after=first.older or "")
    assert numbers(second) == [7, 6, 5, 4]
    newer = read_page(archive, Wanted(), 4, before=second.newer or "")
    assert numbers(newer) == [11, 10, 9, 8]
    assert newer.newer is not None


def test_fewer_newer_posts_than_a_page_are_the_first_page(archive: Store) -> None:
    first = read_page(archive, Wanted(), 4)
    archive.posts.save_page(page(post(12, "news")))
    second = read_page(archive, Wanted(), 4, after=first.older or "")
    before = read_page(archive, Wanted(), 6, before=second.newer or "")
    assert numbers(before) == [12, 11, 10, 9, 8, 7]
    assert before.newer is None


def test_a_cursor_outlasts_its_post_and_the_day(store: Store) -> None:
    now = dt.datetime.now(dt.UTC)
    recent = [post(n, "storm", date=now - dt.timedelta(minutes=60 - n)) for n in range(1, 8)]
    store.posts.save_page(page(*recent[:4], recent[6]))
    store.posts.save_page(page(*recent[4:6], channel=OTHER))
    wanted = Wanted("storm since:7d")
    first = read_page(store, wanted, 3)
    assert numbers(first) == [7, 6, 5]
    store.channels.remove("other", with_posts=True)
    assert numbers(read_page(store, wanted, 3, after=first.older or "")) == [4, 3, 2]


@pytest.mark.parametrize(
    "other",
    [Wanted(), Wanted("storms"), Wanted("storm", tags=["x"]), Wanted("storm", any_tags=["x"]),
     Wanted("storm", not_tags=["x"]), Wanted("storm", channels=["x"]), Wanted("storm", since="7d"),
     Wanted("storm", statuses=["failed"]), Wanted("storm", until="7d")],
)  # fmt: skip
def test_a_cursor_goes_on_with_what_it_belongs_to(archive: Store, other: Wanted) -> None:
    cursor = read_page(archive, Wanted("storm"), 2).older or ""
    with pytest.raises(InputError, match="looked for something else") as caught:
        read_cursor(cursor, other)
    assert "keep the filters" in (hint_of(caught.value) or "")
    with pytest.raises(InputError):
        read_page(archive, Wanted("storm", channels=["news"]), 2, before=cursor)


def test_blanks_and_the_order_of_names_are_no_difference(archive: Store) -> None:
    cursor = read_page(archive, Wanted("storm"), 2)
    assert read_cursor(cursor.older or "", Wanted(" storm "))
    assert Wanted(tags=["a", "b"]).mark == Wanted(tags=("b", "a", "a")).mark
    assert Wanted(tags=["a"]).mark != Wanted(any_tags=["a"]).mark


@given(st.text() | st.binary().map(lambda data: data.hex()))
def test_any_other_text_is_no_cursor(text: str) -> None:
    """One in a great many has the form of a cursor by chance: then of another search."""
    with pytest.raises(InputError) as caught:
        read_cursor(text, Wanted())
    assert caught.value.kind in {"cursor_wrong", "cursor_of_another_search"}


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 18, "_" * 19, "AAAAAAAAAAAAAAAAAAA=", "я" * 19])
def test_text_of_other_bytes_is_no_cursor(text: str) -> None:
    with pytest.raises(InputError):
        read_cursor(text, Wanted())


# ---- what a post is called


def test_a_post_has_a_name_without_a_slash(archive: Store) -> None:
    archive.posts.save_page(page(post(531, "in a group"), post(-7, "before"), channel=GROUP))
    for found in archive.records.search(PostFilter()):
        name = post_name(found.post.id)
        assert "/" not in name
        details = archive.records.post(name)
        assert (details.record, details.key) == (
            archive.records.post(str(found.key)).record,
            found.key,
        )
        assert details.post.id == found.post.id
    assert archive.records.post("-5-531").post.id == PostId(-5, 531)
    assert archive.records.post("5-531").post.id == PostId(-5, 531)
    assert archive.records.post("-5--7").post.id == PostId(-5, -7)
    assert archive.records.post("@other-4").post.id == PostId(OTHER.id, 4)


def test_a_title_that_is_a_number_takes_no_name_away(archive: Store) -> None:
    twin = Channel(33, str(CHANNEL.id))
    archive.posts.save_page(page(post(5, "twin"), channel=twin))
    assert archive.records.post(f"{CHANNEL.id}-5").post.text == "storm 5"


def test_a_number_alone_is_the_one_post_that_has_it(archive: Store) -> None:
    assert archive.records.post("7").post.id == PostId(CHANNEL.id, 7)
    with pytest.raises(InputError, match="2 channels have a post with the number 3") as caught:
        archive.records.post("3")
    assert hint_of(caught.value) == "name it with its channel: 1006503122-3, 2222222222-3"
    with pytest.raises(InputError, match="no post has the number 99"):
        archive.records.post("99")


def test_a_number_may_be_that_of_a_photo_of_an_album(store: Store) -> None:
    store.posts.save_page(page(post(5, "album", ids=(5, 6, 7))))
    assert store.records.post("6").post.id == PostId(CHANNEL.id, 5)
    assert store.records.post(f"{CHANNEL.id}-7").post.id == PostId(CHANNEL.id, 5)


def test_a_tag_is_given_by_any_of_these_names(archive: Store) -> None:
    tag(archive, ["sea"])
    assert archive.curation.add("@other-4", ["mine"]).names == ("sea", "mine")
    assert archive.curation.drop(f"{OTHER.id}-4", ["mine"]).names == ("sea",)
