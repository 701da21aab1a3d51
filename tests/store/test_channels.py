"""Which channels a person follows, and what remains of one that was removed."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from support.make import page, post, tag
from support.sql import driver, reading
from tgtagger.decide import answer_key
from tgtagger.errors import InputError
from tgtagger.model.posts import Channel, PostFilter
from tgtagger.model.tagging import PostId, Provenance, SuggestedTag, TagUpdate
from tgtagger.runs.query import read_query
from tgtagger.store import Store, channels, deletion

OTHER = Channel(7, "Other", "other")
MODEL = Provenance("llm", "model", "prompt", None)


@pytest.fixture
def archive(store: Store) -> Store:
    store.posts.save_page(page(post(1, "words alone"), post(2, "words shared")))
    store.posts.save_page(page(post(1, "words shared"), post(2, "", ids=(2, 3)), channel=OTHER))
    run = store.runs.start("tag", MODEL)
    updates = [
        TagUpdate(
            item.id, item.text_hash, "tagged", MODEL, (SuggestedTag("tag"),), 1,
            answer_key=answer_key(item.text_hash, MODEL),
        )
        for item in store.queue.posts(PostFilter())
    ]  # fmt: skip
    store.queue.save(updates, run)
    return store


def count(store: Store, table: str) -> int:
    with reading(store) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_added_sources_are_kept_until_they_are_read(store: Store) -> None:
    assert store.channels.follow(["@news", "https://t.me/+AbCd123456"]) == (
        "@news",
        "https://t.me/+AbCd123456",
    )
    assert store.channels.follow(["@news"]) == ()
    store.posts.save_page(page(post(1, "x")))
    store.channels.settle("@news", 1006503122)
    assert store.channels.followed_sources() == ("https://t.me/+AbCd123456",)
    assert store.channels.forget("https://t.me/+AbCd123456")
    assert not store.channels.forget("https://t.me/+AbCd123456")


@pytest.mark.parametrize(
    "name",
    ["Durov", "@durov", "t.me/s/durov", "https://t.me/durov/12", "tg://resolve?domain=durov"],
)
def test_a_source_is_one_however_it_is_written(store: Store, name: str) -> None:
    assert store.channels.follow(["durov", "https://t.me/DUROV"]) == ("@durov",)
    assert store.channels.follow([name]) == ()
    with pytest.raises(InputError, match="@durov was added, but not read yet"):
        store.channels.pause([name])
    assert store.channels.forget(name) == "@durov"
    assert store.channels.followed_sources() == ()


def test_a_channel_that_is_here_is_not_added_but_taken_up_again(archive: Store) -> None:
    assert archive.channels.follow(["t.me/c/7", "@OTHER"]) == ()
    archive.channels.pause(["other"])
    assert archive.channels.follow(["t.me/other"]) == ("@other",)
    archive.channels.remove("t.me/c/7", with_posts=False)
    assert archive.channels.follow(["t.me/other"]) == ("@other",)
    assert [(state.paused, state.unfollowed) for state in archive.status.channels()] == [
        (False, False)
    ] * 2
    assert archive.channels.followed_sources() == ()


def test_a_source_that_was_read_is_done_with_under_all_its_names(store: Store) -> None:
    store.channels.follow(["@other", "t.me/c/70000"])
    channel = Channel(70000, "Other", "other")
    store.posts.save_page(page(post(1, "x"), channel=channel))
    store.channels.settle("@other", 70000)
    assert store.channels.followed_sources() == ()


@pytest.mark.parametrize(
    "name",
    ["other", "@OTHER", "t.me/other", "https://t.me/s/other", "other.t.me", "t.me/other/5",
     "tg://resolve?domain=other", "t.me/c/7/5", "7", "OTHER", " Other "],
)  # fmt: skip
def test_a_channel_is_found_by_every_name_it_goes_by(archive: Store, name: str) -> None:
    assert archive.channels.count_posts([name]) == 2


@pytest.mark.parametrize(
    "name",
    ["other/1", "@Other/1", "https://t.me/other/1?single", "t.me/s/other/1", "7/1", "t.me/c/7/1",
     "t.me/c/7/99/1", "tg://resolve?domain=other&post=1", "tg://privatepost?channel=7&post=1"],
)  # fmt: skip
def test_a_post_is_found_by_every_name_it_goes_by(archive: Store, name: str) -> None:
    assert archive.records.post(name).post.id == PostId(7, 1)


def test_paused_and_resumed(archive: Store) -> None:
    assert archive.channels.pause(["@OTHER"]) == ("Other",)
    assert [state.paused for state in archive.status.channels()] == [False, True]
    assert archive.channels.resume(["7"]) == ("Other",)
    assert [state.paused for state in archive.status.channels()] == [False, False]
    with pytest.raises(InputError, match="no channel 'othr'"):
        archive.channels.pause(["othr"])


def test_removed_without_its_posts_they_can_still_be_found(archive: Store) -> None:
    removed = archive.channels.remove("Other", with_posts=False)
    assert (removed.title, removed.removed, removed.kept) == ("Other", 0, 2)
    assert [state.unfollowed for state in archive.status.channels()] == [False, True]
    assert len(list(archive.records.search(PostFilter(query=read_query("shared"))))) == 2
    archive.channels.settle("@other", 7)  # read by its name
    assert [state.unfollowed for state in archive.status.channels()] == [False, False]


def test_removed_with_its_posts_nothing_is_left_of_it(archive: Store) -> None:
    assert count(archive, "answers") == 3
    archive.channels.remove("@other", with_posts=True)
    assert [state.channel.title for state in archive.status.channels()] == ["News"]
    assert len(list(archive.records.search(PostFilter(query=read_query("shared"))))) == 1
    assert count(archive, "raw_forms") == 2
    assert count(archive, "album_members") == 0
    assert count(archive, "answers") == 2  # the answer to the text that another channel has, too
    found = archive.integrity.check()
    assert found.damage == ()
    assert archive.integrity.check_index()


def test_posts_go_in_steps_and_a_removal_that_is_broken_off_goes_on(
    archive: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    driver(archive).set_trace_callback(begun.append)
    monkeypatch.setattr(channels, "STEP", 1)
    monkeypatch.setattr(channels, "delete_posts", fail_after(1, deletion.delete_posts))
    with pytest.raises(KeyboardInterrupt):
        archive.channels.remove("@other", with_posts=True)
    assert begun.count("BEGIN IMMEDIATE") == 3
    (_, other) = archive.status.channels()
    assert (other.channel.title, other.posts, other.unfollowed) == ("Other", 1, True)
    assert archive.integrity.check_index()
    monkeypatch.undo()
    assert archive.channels.remove("@other", with_posts=True).removed == 1
    assert [state.channel.title for state in archive.status.channels()] == ["News"]


def fail_after(times: int, call: Callable[..., None]) -> Callable[..., None]:
    """Return a function that does what another does so many times, and is then broken off."""
    left = itertools.count(-times)

    def called(*given: object) -> None:
        if next(left) >= 0:
            raise KeyboardInterrupt
        call(*given)

    return called


def test_an_empty_channel_is_removed_whole(store: Store) -> None:
    store.channels.save(OTHER)
    assert store.channels.remove("@other", with_posts=False).kept == 0
    assert store.status.channels() == ()


def test_what_a_run_added_can_be_taken_back(store: Store) -> None:
    store.posts.save_page(page(post(1, "x"), post(2, "y")))
    tag(store, ["first", "both"])
    store.curation.add("news/1", ["mine", "both"])
    with reading(store) as db:
        (run,) = db.execute("SELECT max(id) FROM runs").fetchone()
    assert store.changes.take_back(run, dry_run=True).posts == 2
    undone = store.changes.take_back(run)
    assert (undone.posts, undone.links, undone.tags) == (2, 3, 1)
    assert store.status.archive().posts["pending"] == 2
    assert store.records.post("news/1").post.tags == ("both", "mine")
    assert store.records.post("news/2").post.tags == ()
    for number, message in {run: "undone already", 99: "there is no tagging run"}.items():
        with pytest.raises(InputError, match=message):
            store.changes.take_back(number)


def test_what_a_later_run_did_stays(store: Store) -> None:
    store.posts.save_page(page(post(1, "x")))
    tag(store, ["first"])
    tag(store, ["second"])
    with reading(store) as db:
        (run,) = db.execute("SELECT min(id) FROM runs").fetchone()
    assert store.changes.take_back(run).links == 0
    assert store.records.post("news/1").post.tags == ("second",)
