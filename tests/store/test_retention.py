"""Posts of a channel go when they are old, if a person says so, and none that a person tagged."""

from __future__ import annotations

import datetime as dt

import pytest

from support.make import page, post, tag
from support.sql import reading, writing
from tgtagger.decide import answer_key
from tgtagger.errors import InputError
from tgtagger.model.posts import Channel, PostData, PostFilter
from tgtagger.model.tagging import Provenance
from tgtagger.runs.query import read_query
from tgtagger.store import Store, deletion

OTHER = Channel(7, "Other", "other")
MODEL = Provenance("llm", "model", "prompt")


def aged(number: int, days: int, **facts: object) -> PostData:
    date = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    return post(number, f"text {number}", date=date, **facts)


@pytest.fixture
def archive(store: Store) -> Store:
    """Posts of 10, 20 … 60 days ago in one channel, and an old one in another."""
    store.posts.save_page(page(*(aged(n, 10 * n) for n in range(1, 7))))
    store.posts.save_page(page(aged(1, 900), channel=OTHER))
    return store


def numbers(store: Store, channel: str = "news") -> list[int]:
    wanted = PostFilter(channels=(channel,))
    return sorted(found.id.message_id for found in store.records.posts(wanted))


def test_older_posts_go_with_all_that_belongs_to_them(archive: Store) -> None:
    tag(archive, ("sea",))
    told = archive.retention.look("@news", 35)
    assert (told.title, told.keep_days, told.removed, told.stay) == ("News", 35, 3, 0)
    assert numbers(archive) == [1, 2, 3, 4, 5, 6]
    assert archive.retention.keep("@news", 35) == told
    assert numbers(archive) == [1, 2, 3]
    assert numbers(archive, "other") == [1]
    assert [state.keep_days for state in archive.status.channels()] == [35, None]
    assert len([*archive.records.search(PostFilter(query=read_query("text")))]) == 4
    with reading(archive) as db:
        for table in ("raw_forms", "post_tags"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (4,)
    assert archive.integrity.check_index()


def test_off_unless_a_person_turns_it_on_and_off_again(archive: Store) -> None:
    assert archive.retention.sweep() == 0
    archive.retention.keep("@news", 365)
    assert archive.retention.keep("@news", None).keep_days is None
    assert archive.status.channels()[0].keep_days is None
    with pytest.raises(InputError, match="nobody"):
        archive.retention.keep("@nobody", 30)
    assert archive.retention.keep("@news", 9_999_999).removed == 0  # longer than the calendar


def test_what_a_person_or_an_agent_tagged_stays(archive: Store) -> None:
    tag(archive, ("sea",))
    archive.curation.add("news/4", ["mine"])
    archive.agents.give("news/5", ["asked"], None)
    told = archive.retention.keep("@news", 15)
    assert (told.removed, told.stay) == (3, 2)
    assert numbers(archive) == [1, 4, 5]
    assert archive.retention.sweep() == 0


def test_a_post_stays_while_an_undo_can_give_it_a_persons_tag_back(archive: Store) -> None:
    archive.curation.add("news/4", ["mine"])
    (removed,) = archive.curation.remove(["mine"])
    archive.retention.keep("@news", 15)
    assert numbers(archive) == [1, 4]
    assert removed.number is not None
    archive.changes.take_back(removed.number)
    assert archive.records.post("news/4").post.tags == ("mine",)


def test_an_undo_of_more_than_is_left_restores_what_is_left(archive: Store) -> None:
    tag(archive, ("sea", "sun"))
    (removed,) = archive.curation.remove(["sea"])
    archive.retention.keep("@news", 25)
    assert removed.number is not None
    assert archive.changes.take_back(removed.number).links == 3  # of seven
    assert {found.tags for found in archive.records.posts(PostFilter())} == {("sea", "sun")}


def test_a_run_deletes_a_few_and_the_next_one_goes_on(
    archive: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.retention.keep("@news", 365)
    archive.retention.keep("@other", 1000)
    with writing(archive) as db:
        db.execute("UPDATE channels SET keep_days = 25")  # as time passes
    monkeypatch.setattr(deletion, "STEP", 3)
    assert [archive.retention.sweep() for _ in range(3)] == [3, 2, 0]
    assert (numbers(archive), numbers(archive, "other")) == ([1, 2], [])


def test_steps_end_a_large_deletion(archive: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "STEP", 2)
    assert archive.retention.keep("@news", 15).removed == 5


def test_an_old_post_that_is_read_is_not_stored_again(archive: Store) -> None:
    archive.curation.add("news/6", ["mine"])
    archive.retention.keep("@news", 25)
    stored = archive.posts.save_page(page(*(aged(n, 10 * n, views=9) for n in range(1, 9))))
    assert (stored.new, stored.updated, stored.unchanged) == (0, 3, 5)
    assert numbers(archive) == [1, 2, 6]
    assert archive.posts.save_page(page(aged(9, 1))).new == 1


def test_answers_of_a_year_ago_go_with_their_posts(archive: Store) -> None:
    with writing(archive) as db:
        for number, days in ((5, 400), (6, 300), (1, 400)):
            sql = "SELECT text_hash FROM posts WHERE message_id = ? AND channel_id <> 7"
            (text,) = db.execute(sql, (number,)).fetchone()
            at = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
            db.execute(
                "INSERT INTO answers (key, tags, at) VALUES (?, '[\"sea\"]', ?)",
                (answer_key(text, MODEL), f"{at:%Y-%m-%dT%H:%M:%SZ}"),
            )
    archive.retention.keep("@news", 25)
    with reading(archive) as db:
        assert db.execute("SELECT count(*) FROM answers").fetchone() == (2,)
