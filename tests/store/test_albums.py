"""An album is one post, whatever the sources think of its borders."""

from __future__ import annotations

from support.make import page, post
from tgtagger.model.posts import Media, PostData, PostFilter
from tgtagger.model.tagging import Provenance, SuggestedTag, TagUpdate
from tgtagger.store import Store

PHOTO = Media("photo")


def ids(store: Store) -> list[tuple[int, ...]]:
    return [found.ids for found in store.records.posts(PostFilter())]


def album(*numbers: int, text: str = "caption") -> PostData:
    return post(numbers[0], text, ids=numbers, media=(PHOTO,) * len(numbers))


def test_an_album_is_one_post_found_by_any_member(store: Store) -> None:
    store.posts.save_page(page(album(1, 2, 3), post(4, "other")))
    assert ids(store) == [(4,), (1, 2, 3)]
    assert store.records.post("news/3").post.id.message_id == 1
    assert store.posts.save_page(page(album(1, 2, 3))).unchanged == 1


def test_a_better_word_joins_what_stood_apart(store: Store) -> None:
    store.posts.save_page(
        page(post(1, "caption", media=(PHOTO,)), post(2, "", media=(PHOTO,)), post(3, "x"))
    )
    (first,) = store.queue.posts(PostFilter(posts=("news/2",)))
    run = store.runs.start("tag")
    store.queue.save(
        [
            TagUpdate(
                first.id, first.text_hash, "tagged", Provenance("human"), (SuggestedTag("mine"),)
            )
        ],
        run,
    )
    stored = store.posts.save_page(page(album(1, 2), source="telegram"))
    assert (stored.new, stored.updated) == (0, 1)
    assert ids(store) == [(3,), (1, 2)]
    assert store.records.post("news/1").post.tags == ("mine",)  # a person's tag moved along
    assert store.integrity.check().damage == ()
    assert store.integrity.check_index()


def test_a_better_word_parts_what_was_guessed_together(store: Store) -> None:
    store.posts.save_page(page(album(1, 2)))
    store.posts.save_page(page(post(1, "caption"), post(2, "second"), source="telegram"))
    assert ids(store) == [(2,), (1,)]
    assert store.integrity.check_index()


def test_a_poorer_guess_is_ignored(store: Store) -> None:
    store.posts.save_page(page(album(1, 2), source="telegram"))
    stored = store.posts.save_page(page(post(1, "caption"), post(2, "second"), post(3, "new")))
    assert (stored.new, stored.unchanged) == (1, 2)
    assert ids(store) == [(3,), (1, 2)]


def test_what_is_left_of_an_album_alone_neither_replaces_nor_doubles_it(store: Store) -> None:
    """The others were deleted at their source since: it was read again, twice."""
    whole = album(1, 2, 3)
    store.posts.save_page(page(whole))
    rest = post(3, "", media=(PHOTO,))
    for _ in range(2):
        stored = store.posts.save_page(page(rest, post(4, "other")))
        assert stored.updated == 0
        assert ids(store) == [(4,), (1, 2, 3)]
        assert store.records.post("news/3").post.text == whole.text
    parts = (post(1, "caption"), post(2, "second"), rest)
    store.posts.save_page(page(*parts, source="telegram"))  # who knows better
    assert ids(store) == [(4,), (3,), (2,), (1,)]
    assert store.integrity.check_index()


def test_the_outward_id_stays_when_the_first_member_is_gone(store: Store) -> None:
    store.posts.save_page(page(album(1, 2, 3)))
    store.posts.save_page(page(album(2, 3)))
    (found,) = store.records.posts(PostFilter())
    assert (found.id.message_id, found.ids) == (1, (2, 3))
    assert store.posts.save_page(page(album(2, 3))).unchanged == 1


def test_two_albums_become_one(store: Store) -> None:
    store.posts.save_page(page(album(1, 2), album(3, 4, text="")))
    store.posts.save_page(page(album(1, 2, 3, 4)))
    assert ids(store) == [(1, 2, 3, 4)]
    assert store.integrity.check().damage == ()
