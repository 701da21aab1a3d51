"""The page of channels: what is stored of each; adding, pausing, resuming, reading one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.make import page, post
from support.visitor import Visitor, told, words
from tgtagger.model.posts import Channel
from tgtagger.store import Store

QUIET = Channel(2222222222, "Quiet <b>one</b>")


@pytest.fixture
def visitor(store: Store) -> Iterator[Visitor]:
    store.posts.save_page(page(*(post(n) for n in range(1, 6))))
    store.posts.save_page(page(post(1), channel=QUIET))
    with Visitor(store.path) as made:
        yield made


def test_each_channel_has_its_counts(visitor: Visitor) -> None:
    shown = words(visitor.get("/channels"))
    assert "News @news 5 5 2026-01-01 00:05" in shown
    assert "Quiet <b>one</b> 1 1" in shown
    assert "Quiet &lt;b&gt;" in visitor.get("/channels").text


def test_a_channel_is_added_and_read_by_a_job(visitor: Visitor, store: Store) -> None:
    answer = visitor.post("/channels/add", {"source": "t.me/other", "read": "true"})
    assert told(answer) == "Added; it will be read. Job 1"
    (job,) = store.jobs.open()
    assert (job.kind, job.params) == ("parse", {"sources": ["@other"]})
    assert "@other will be read Read now" in words(answer)


def test_several_are_added_without_reading(visitor: Visitor, store: Store) -> None:
    answer = visitor.post("/channels/add", {"source": "@first  t.me/second"}, target="channels")
    assert told(answer) == "Added: @first, @second."
    assert store.channels.followed_sources() == ("@first", "@second")
    assert store.jobs.open() == ()
    assert told(visitor.post("/channels/add", {"source": "@first"})) == "It was there already."
    forgotten = visitor.post("/channels/follow", {"source": "@first", "do": "forget"})
    assert told(forgotten) == "No longer to be read: @first."
    assert store.channels.followed_sources() == ("@second",)


def test_a_channel_is_paused_and_resumed(visitor: Visitor, store: Store) -> None:
    for source, title in (("-1001006503122", "News"), ("-1002222222222", "Quiet <b>one</b>")):
        answer = visitor.post("/channels/follow", {"source": source, "do": "pause"})
        assert told(answer) == f"Paused: {title}."
        assert "paused" in words(answer)
    assert {state.paused for state in store.status.channels()} == {True}
    answer = visitor.post("/channels/follow", {"source": "-1001006503122", "do": "resume"})
    assert told(answer) == "It is read again: News."


@pytest.mark.parametrize("source", ["@news", "-1002222222222"])
def test_reading_one_twice_is_one_job(visitor: Visitor, store: Store, source: str) -> None:
    for _ in range(2):
        answer = visitor.post("/channels/read", {"source": source})
        assert told(answer).endswith("Job 1")
    assert len(store.jobs.open()) == 1
    assert "will be read" in words(answer)


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [("/channels/add", {"source": "not a name!"}, 400), ("/channels/add", {"source": " "}, 400),
     ("/channels/read", {"source": "/etc/passwd"}, 400),
     ("/channels/follow", {"source": "@nobody", "do": "pause"}, 404),
     ("/channels/follow", {"source": "@news", "do": "erase"}, 400)],
)  # fmt: skip
def test_what_is_no_channel_is_told(
    visitor: Visitor, store: Store, path: str, form: dict[str, str], status: int
) -> None:
    assert visitor.post(path, form).status_code == status
    assert store.jobs.open() == ()
    assert store.channels.followed_sources() == ()


def test_an_empty_archive_says_how_to_begin(store: Store) -> None:
    with Visitor(store.path) as visitor:
        assert "No channels yet." in words(visitor.get("/channels"))
