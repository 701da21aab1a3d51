"""What would be given is what is given: proposals agree with the queue, and write nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from support.make import PROVENANCE, page, post, tag
from tgtagger.model.posts import PostFilter
from tgtagger.model.refs import post_name
from tgtagger.model.tagging import Attempt, PostForTagging, SuggestedTag, TagUpdate
from tgtagger.store import Store
from tgtagger.vocabulary import key

NAMES = ("Море", "туч", "облако", "AI", "закат", "лес", "ЛЕС", "a, b", "новый тег", "дождь")


@pytest.fixture
def archive(store: Store) -> Store:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 4))))
    tag(store, ("море", "ветер", "тучи", "ИИ", "дождь"))
    store.curation.add_aliases("ИИ", ["AI"])
    store.curation.remove(["дождь"])
    store.curation.merge(["тучи"], "ветер")
    name = post_name(queued(store)[0].id)
    store.curation.drop(name, ["море"])
    store.curation.add(name, ["закат"])
    return store


def queued(store: Store) -> list[PostForTagging]:
    return [*store.queue.posts(PostFilter())]


def update(item: PostForTagging, *names: str) -> TagUpdate:
    suggested = tuple(map(SuggestedTag, names))
    return TagUpdate(item.id, item.text_hash, "tagged", PROVENANCE, suggested, 1)


def test_a_proposal_is_what_is_given_later(archive: Store) -> None:
    updates = [update(item, *NAMES) for item in queued(archive)]
    before = archive.tags.counts()
    proposals = archive.proposals.look(updates)
    assert archive.tags.counts() == before
    archive.queue.save(updates, archive.runs.start("tag", PROVENANCE))
    for proposal in proposals:
        stored = archive.records.post(post_name(proposal.update.id)).post.tags
        given = [*proposal.kept, *(each.name for each in proposal.tags)]
        assert sorted(map(key, stored)) == sorted(map(key, given))  # the usual spelling may change
    first = proposals[0]
    assert (first.kept, first.replaced) == (("закат",), ("ветер", "ИИ"))
    posts = {each.name: each.posts for each in first.tags}
    assert posts == {"ветер": 3, "облако": None, "ИИ": 3, "лес": None, "новый тег": None}


def test_a_tag_that_was_taken_off_and_blocked_is_proposed_in_no_form(archive: Store) -> None:
    item, other, _ = queued(archive)
    archive.curation.add(post_name(other.id), ["ветра"])  # a form that is a tag of its own
    archive.curation.drop(post_name(item.id), ["ветер"])
    archive.curation.remove(["ветер"])
    forms = update(item, "ветер", "ветра", "лес")
    (proposal,) = archive.proposals.look([forms])
    archive.queue.save([forms], archive.runs.start("tag", PROVENANCE))
    stored = archive.records.post(post_name(item.id)).post.tags
    assert sorted(stored) == sorted([*proposal.kept, *(each.name for each in proposal.tags)])
    assert [each.name for each in proposal.tags] == ["лес"]


def test_an_edited_post_has_no_proposal(archive: Store) -> None:
    updates = [update(item, "лес") for item in queued(archive)]
    archive.posts.save_page(page(post(2, "other words"), source="telegram"))
    assert [each.update.id.message_id for each in archive.proposals.look(updates)] == [3, 1]


def test_what_was_paid_for_is_kept_and_the_post_stays(archive: Store) -> None:
    item = queued(archive)[0]
    paid = TagUpdate(
        item.id, item.text_hash, "tagged", PROVENANCE, (SuggestedTag("лес"),), 1, answer_key="k"
    )
    run = archive.runs.start("tag", PROVENANCE)
    before = archive.records.post(post_name(item.id)).post
    archive.queue.keep_paid([paid], run, [(item.id, Attempt(dt.datetime.now(dt.UTC), "m"))])
    details = archive.records.post(post_name(item.id))
    assert details.post == before
    assert [each.model for each in details.attempts] == ["m"]


def test_a_blocked_name_is_given_to_no_post(archive: Store) -> None:
    change = archive.curation.block(["лес", "ветер"])
    assert (change.names, change.posts) == (("лес", "ветер"), 3)
    (first, *_) = archive.proposals.look([update(queued(archive)[0], *NAMES)])
    assert not {"лес", "ветер"} & {each.name for each in first.tags}
    archive.changes.take_back(change.number or 0)
    assert "лес" not in {name for name, _ in archive.tags.blocked()}


def test_posts_with_their_tags(archive: Store) -> None:
    found = [*archive.records.tags_of(PostFilter())]
    assert [(each.id.message_id, sorted(each.names), each.lasts) for each in found] == [
        (3, ["ИИ", "ветер", "закат"], True),
        (2, ["ИИ", "ветер", "море"], False),
        (1, ["ИИ", "ветер", "море"], False),
    ]
    assert len([*archive.records.tags_of(PostFilter(limit=2))]) == 2
