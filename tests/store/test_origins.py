"""Whether anything is stale is known at once where nothing is, and is never known wrongly."""

from __future__ import annotations

import random

import pytest

from support.make import page, post
from support.sql import plan, reading, writing
from tgtagger.decide import answer_key
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Provenance, SuggestedTag, TagUpdate
from tgtagger.store import Store, origins
from tgtagger.store.query import query_for

KINDS = (
    Provenance("llm", "one", "prompt", None),
    Provenance("llm", "other", "prompt", None),
    Provenance("llm", "one", "prompt", "list"),
    Provenance("keywords", "embedded"),
)
POSTS = 6


@pytest.fixture
def archive(store: Store) -> Store:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, POSTS + 1))))
    return store


def stale(*kinds: Provenance) -> PostFilter:
    return PostFilter(statuses=("tagged", "skipped"), stale_for=kinds)


def tagged_by(
    store: Store, kind: Provenance, posts: tuple[str, ...], names: tuple[str, ...]
) -> int:
    """Tag posts in a run of its own; without names they are skipped."""
    run = store.runs.start("tag", kind)
    updates = [
        TagUpdate(
            item.id, item.text_hash, "tagged" if names else "skipped", kind,
            tuple(map(SuggestedTag, names)), 1, answer_key=answer_key(item.text_hash, kind),
        )
        for item in store.queue.posts(PostFilter(posts=posts))
    ]  # fmt: skip
    store.queue.save(updates, run)
    return run


def act(store: Store, chance: random.Random) -> None:
    """Do one of the things that change the tags of posts."""
    posts = tuple(f"news/{n}" for n in chance.sample(range(1, POSTS + 1), 2))
    names = tuple(chance.sample(("sea", "sun", "sky"), chance.choice((0, 1, 2))))
    match chance.randrange(8):
        case 0:
            store.curation.add(posts[0], ["sea"])
        case 1:
            store.agents.give(posts[0], ["sky"], None)
        case 2 | 3:
            past = [change for change in store.changes.past(9) if change.undone_at is None]
            if past:
                store.changes.take_back(chance.choice(past[:1]).number)
        case 4:
            with writing(store) as db:  # a run that is swept, or a file that was mended
                db.execute("DELETE FROM runs WHERE id = (SELECT max(run_id) FROM post_tags)")
        case _:
            tagged_by(store, chance.choice(KINDS), posts, names)


@pytest.mark.of_file
def test_the_short_way_finds_what_the_long_one_finds(
    archive: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = 0
    for seed in range(4):
        chance = random.Random(seed)
        for _ in range(20):
            act(archive, chance)
            wanted = [stale(kind) for kind in KINDS] + [stale(*KINDS[:2]), stale(*KINDS)]
            found = [[item.id for item in archive.queue.posts(each)] for each in wanted]
            with reading(archive) as db:
                of_machines = "WHERE run_id > 0 AND source NOT IN ('human', 'agent')"
                used = set(db.execute(f"SELECT run_id, model FROM post_tags {of_machines}"))
                assert used <= set(db.execute("SELECT run_id, model FROM run_origins"))
            with archive._database.read() as connection:
                short += sum(origins.are_all(connection, each.stale_for) for each in wanted)
            with monkeypatch.context() as patched:
                patched.setattr(origins, "are_all", lambda *_: False)
                assert found == [[item.id for item in archive.queue.posts(e)] for e in wanted]
    assert short > 10


def test_where_nothing_is_stale_no_tag_is_looked_at(archive: Store) -> None:
    tagged_by(archive, KINDS[0], ("news/1", "news/2"), ("sea",))
    tagged_by(archive, KINDS[0], ("news/3",), ())
    with archive._database.read() as db:
        select = query_for(db, stale(KINDS[0])).select("p.id")
    steps = plan(archive, select)
    assert any("ix_posts_skipped" in step for step in steps), steps
    assert not any("post_tags" in step for step in steps)


def test_what_an_agent_gave_is_never_stale(archive: Store) -> None:
    tagged_by(archive, KINDS[0], ("news/1",), ("sea",))
    archive.agents.give("news/1", ["sky"], None)
    assert archive.queue.count(stale(KINDS[0])) == 0
    assert archive.queue.count(stale(KINDS[1])) == 1


def test_what_was_made_by_several_models_in_one_run_is_known(archive: Store) -> None:
    run = tagged_by(archive, KINDS[0], ("news/1",), ("sea",))
    (item,) = archive.queue.posts(PostFilter(posts=("news/2",)))
    update = TagUpdate(item.id, item.text_hash, "tagged", KINDS[1], (SuggestedTag("sun"),), 1)
    archive.queue.save([update], run)
    assert archive.queue.count(stale(KINDS[0])) == 1
    assert archive.queue.count(stale(*KINDS[:2])) == 0
