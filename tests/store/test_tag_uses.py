"""How many posts each tag has is what counting says, whatever was done, by whatever way."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from support.make import CHANNEL, page, post, tag
from support.sql import reading, writing
from support.undoing import tag_some, undo_any
from tgtagger.errors import InputError
from tgtagger.model.posts import Channel, PostFilter
from tgtagger.store import Store
from tgtagger.store.sqlite import tag_uses

OTHER = Channel(7, "Other", "other")
WORDS = ("sea", "sun", "sky", "ai", "news", "day")
POSTS = 8


def at(chance: random.Random) -> str:
    return f"2026-01-{chance.randint(1, 28):02}T12:00:00Z"


def age(store: Store, chance: random.Random) -> None:
    """Let tags be of different times, as those of years are."""
    with writing(store) as db:
        for (key,) in db.execute("SELECT post_id FROM post_tags").fetchall():
            db.execute(
                f"UPDATE post_tags SET added_at = '{at(chance)}' WHERE post_id = {key} "
                f"AND position = {chance.randrange(3)}"
            )


def read(store: Store, chance: random.Random) -> None:
    """Read posts again: some were edited, some deleted, and two are an album now."""
    numbers = chance.sample(range(1, POSTS + 1), 3)
    channel = chance.choice((CHANNEL, OTHER))
    found = [post(number, f"edited {chance.random()}") for number in numbers]
    found.append(post(1, "album", ids=(1, 2)))
    store.posts.save_page(page(*found, channel=channel))


def remove(store: Store, _: random.Random) -> None:
    """Remove a channel with all its posts, in steps; the tags of the other one stay."""
    store.channels.remove("@other", with_posts=True)
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 4)), channel=OTHER))


def run(store: Store, chance: random.Random) -> None:
    names = chance.sample(WORDS, chance.choice((0, 1, 3)))
    numbers = chance.sample(range(1, POSTS + 1), 4)
    tag_some(store, names, *numbers, **({} if names else {"status": "skipped"}))


Act = Callable[[Store, random.Random], object]
ACTS: tuple[Act, ...] = (
    age, age, read, run, run, run, remove,
    lambda store, chance: store.curation.add("news/3", chance.sample(WORDS, 2)),
    lambda store, chance: store.curation.add_to(PostFilter(), [chance.choice(WORDS)]),
    lambda store, chance: store.curation.drop("news/3", [chance.choice(WORDS)]),
    lambda store, chance: store.curation.drop_from(PostFilter(), [chance.choice(WORDS)]),
    lambda store, chance: store.curation.merge(chance.sample(WORDS, 2), chance.choice(WORDS)),
    lambda store, chance: store.curation.rename(*chance.sample((*WORDS, "new"), 2)),
    lambda store, chance: store.curation.remove([chance.choice(WORDS)]),
    lambda store, chance: store.curation.remove([chance.choice(WORDS)], dry_run=True),
    lambda store, chance: store.agents.give("news/4", [chance.choice(WORDS)], None),
    lambda store, chance: store.agents.take("news/4", [chance.choice(WORDS)], None),
    lambda store, chance: undo_any(store, 0, chance),
    lambda store, chance: undo_any(store, 0, chance),
    lambda store, chance: undo_any(store, 0, chance, undos=True),
    lambda store, _: store.retention.keep("@news", 90),  # fixed dates: some are older by now
    lambda store, _: store.runs.start("tag", None),  # sweeps
)  # fmt: skip


def counted(store: Store) -> list[tuple[object, ...]]:
    with reading(store) as db:
        return sorted(
            db.execute(
                "SELECT t.name, sum(n.posts), max(n.latest) FROM (SELECT tag_id, source, count(*) "
                "AS posts, max(added_at) AS latest FROM post_tags GROUP BY tag_id, source) AS n "
                "JOIN tags AS t ON t.id = n.tag_id GROUP BY t.id, t.name"
            )
        )


def told(store: Store) -> list[tuple[object, ...]]:
    return sorted(
        (each.name, each.posts, each.last_used and f"{each.last_used:%Y-%m-%dT%H:%M:%SZ}")
        for each in store.tags.counts()
    )


def fold_often(store: Store, after: int) -> None:
    """Bring the counts up to date after a few changes, not after thousands."""
    with writing(store) as db:
        db.execute("DROP TRIGGER tag_uses_fold")
        made = tag_uses.CREATE[-1].replace(str(tag_uses.SINCE), str(after))
        db.execute(made.replace(f"<= {tag_uses.LOOKED_AT}", f"<= {after}"))


@pytest.fixture
def archive(store: Store) -> Store:
    for channel in (CHANNEL, OTHER):
        found = (post(n, f"text {n}") for n in range(1, POSTS + 1))
        store.posts.save_page(page(*found, channel=channel))
    tag(store, ("sea", "sun", "sky"))
    return store


@pytest.mark.parametrize("seed", range(6))
def test_the_counts_are_those_of_the_posts_whatever_was_done(archive: Store, seed: int) -> None:
    chance = random.Random(seed)
    if not isinstance(archive.place, str):
        fold_often(archive, (1, 2, 7, 30, 100, 40_000)[seed])
    for _ in range(40):
        act = chance.choice(ACTS)
        with suppress(InputError):  # a tag or a channel that is not there
            act(archive, chance)
        assert told(archive) == counted(archive), act
        assert archive.integrity.check_uses(), act
        listed = {(each.name, each.posts) for each in archive.tags.listed() if each.posts}
        assert listed <= {each[:2] for each in counted(archive)}  # a blocked one is not listed


@pytest.mark.of_file
def test_the_latest_of_the_others_is_told_when_the_latest_goes(archive: Store) -> None:
    """Of a common tag too, of which no fold looks for it."""
    fold_often(archive, 2)
    with writing(archive) as db:
        db.execute("UPDATE post_tags SET added_at = '2026-01-01T00:00:00Z'")
        newest = "(SELECT max(id) FROM posts)"
        db.execute(
            f"UPDATE post_tags SET added_at = '2026-02-02T00:00:00Z' WHERE post_id = {newest}"
        )
    assert {each[2] for each in told(archive)} == {"2026-02-02T00:00:00Z"}
    with writing(archive) as db:
        db.execute(f"DELETE FROM post_tags WHERE post_id = {newest}")
    assert told(archive) == counted(archive)
    assert {each[2] for each in told(archive)} == {"2026-01-01T00:00:00Z"}


@pytest.mark.of_file
def test_what_is_noted_stays_bounded_within_one_change(archive: Store) -> None:
    fold_often(archive, 10)
    archive.curation.merge(["sun", "sky"], "sea")
    with reading(archive) as db:
        assert db.execute("SELECT count(*) < 10 FROM tag_uses_since").fetchone() == (1,)


@pytest.mark.of_file
def test_counts_that_are_wrong_are_seen_and_made_anew(archive: Store) -> None:
    for wrong in (
        "UPDATE tag_uses_since SET posts = 2 WHERE id = 1",
        "DELETE FROM tag_uses_since WHERE id = 1",
        "INSERT INTO tag_uses_counted VALUES (999, 'llm', 1, '2026-01-01T00:00:00Z', '')",
        "UPDATE tag_uses_since SET given = '2040-01-01T00:00:00Z' WHERE id = 1",
    ):
        assert archive.integrity.check_uses()
        with writing(archive) as db:
            db.execute(wrong)
        assert not archive.integrity.check_uses(), wrong
        archive.integrity.recount_uses()
        tag(archive, ("sea", "sun"))  # what is done since is noted again
        assert told(archive) == counted(archive)


@pytest.mark.of_file
def test_nobody_counts_links_to_list_tags(archive: Store) -> None:
    with writing(archive) as db:  # so that reading it would be seen
        db.execute("DELETE FROM tag_uses_counted")
        db.execute("DELETE FROM tag_uses_since")
    tags = archive.tags
    assert (tags.counts(), tags.described(9)) == ((), ())
    assert {each.posts for each in tags.listed()} == {0}
    assert dict(tags.beginning("s", 9)) == dict.fromkeys(("sea", "sun", "sky"), 0)
