"""By which spelling a tag is shown: the most usual of machines, a person's always; and its undo."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from support.make import page, post
from tgtagger.decide import update_after
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Provenance, SuggestedTag, Tagged
from tgtagger.store import Store

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KEYWORDS = Provenance("keywords", "keywords-1")
Tag = Callable[..., int]


@pytest.fixture
def tag(store: Store) -> Tag:
    """Return what gives new posts these tags, one post a tag, in one run; it returns the run."""
    posts = iter(range(1, 2000))

    def tag(*names: str, again: bool = False) -> int:
        run = store.runs.start("tag", KEYWORDS)
        if not again:
            store.posts.save_page(page(*(post(next(posts), f"text {name}") for name in names)))
        wanted = PostFilter(statuses=("tagged",) if again else ("pending",))
        found = sorted(store.queue.posts(wanted), key=lambda each: each.id.message_id)
        updates = [
            update_after(each, Tagged((SuggestedTag(name),)), KEYWORDS, now=NOW)
            for each, name in zip(found, names, strict=True)
        ]
        assert all(store.queue.save(updates, run))
        return run

    return tag


def shown(store: Store) -> list[str]:
    return [each.name for each in store.tags.counts()]


def test_the_most_usual_spelling_is_shown(store: Store, tag: Tag) -> None:
    tag("БАЗА ДАННЫХ")
    assert shown(store) == ["БАЗА ДАННЫХ"]
    tag("база данных")
    assert shown(store) == ["БАЗА ДАННЫХ"]  # as often
    tag("база данных")
    assert shown(store) == ["база данных"]
    tag("БАЗА ДАННЫХ", "БАЗА ДАННЫХ")
    assert shown(store) == ["БАЗА ДАННЫХ"]
    tag("база-данных")
    assert shown(store) == ["БАЗА ДАННЫХ"]


def test_spellings_of_one_run_are_counted(store: Store, tag: Tag) -> None:
    tag("минобороны", "Минобороны", "Минобороны", "МИНОБОРОНЫ")
    assert shown(store) == ["Минобороны"]


@pytest.mark.parametrize(
    "decide",
    [
        lambda store: store.curation.rename("вакцина", "ВАКЦИНА"),
        lambda store: store.curation.add_aliases("вакцина", ["прививка"]),
        lambda store: store.curation.add("1006503122-1", ["вакцина"]),
    ],
    ids=["rename", "alias", "by hand"],
)
def test_a_persons_spelling_stays(
    store: Store, tag: Tag, decide: Callable[[Store], object]
) -> None:
    tag("вакцина")
    decide(store)
    before = shown(store)
    tag("Вакцина", "Вакцина", "Вакцина")
    assert shown(store) == before
    tag("вакцина", "вакцина", "вакцина", "вакцина", again=True)
    assert shown(store) == before


def test_a_tag_typed_by_hand_stays(store: Store, tag: Tag) -> None:
    tag("other")
    store.curation.add("1006503122-1", ["iOS"])
    tag("IOS", "IOS")
    assert "iOS" in shown(store)


def test_an_undone_rename_leaves_the_name_to_machines_again(store: Store, tag: Tag) -> None:
    tag("вакцина")
    change = store.curation.rename("вакцина", "ВАКЦИНА")
    tag("Вакцина", "Вакцина")
    assert shown(store) == ["ВАКЦИНА"]
    assert change.number is not None
    undone = store.changes.take_back(change.number)
    assert shown(store) == ["Вакцина"]
    assert undone.undo is not None
    store.changes.take_back(undone.undo)
    assert shown(store) == ["ВАКЦИНА"]
    tag("вакцина", "вакцина", "вакцина", "вакцина")
    assert shown(store) == ["ВАКЦИНА"]


def test_an_undone_run_has_no_say(store: Store, tag: Tag) -> None:
    tag("вакцина")
    run = tag("Вакцина", "Вакцина")
    assert shown(store) == ["Вакцина"]
    undone = store.changes.take_back(run)
    assert shown(store) == ["вакцина"]
    assert undone.undo is not None
    store.changes.take_back(undone.undo)
    assert shown(store) == ["Вакцина"]


def test_tags_that_come_back_are_counted_as_they_were_written(store: Store, tag: Tag) -> None:
    tag("вакцина", "Вакцина", "Вакцина")
    assert shown(store) == ["Вакцина"]
    run = tag("вакцина", "вакцина", "вакцина", again=True)
    assert shown(store) == ["вакцина"]
    store.changes.take_back(run)
    assert shown(store) == ["Вакцина"]


def test_a_form_or_an_alias_is_no_spelling(store: Store, tag: Tag) -> None:
    tag("вакцина")
    store.curation.add_aliases("вакцина", ["прививка"])
    tag("прививка", "прививка", "прививка")
    store.curation.remove_aliases("вакцина", ["прививка"])
    tag("Вакцина", "Вакцина")
    assert shown(store) == ["вакцина"]  # four posts wrote no other spelling
    tag("Вакцина", "Вакцина", "Вакцина")
    assert shown(store) == ["Вакцина"]
    store.curation.remove(["Вакцина"])
    tag("вакцины", "вакцины")
    assert shown(store) == []


SPELLINGS = ("вакцина", "Вакцина", "ВАКЦИНА")


@pytest.mark.parametrize("seed", range(4))
def test_after_any_runs_and_undos_it_is_as_counted_anew(store: Store, tag: Tag, seed: int) -> None:
    chance = random.Random(seed)
    runs = []
    for _ in range(5):
        names = chance.choices(SPELLINGS, k=chance.randint(1, 4))
        runs.append((tag(*names), names))
        _is_usual(shown(store), [name for _, names in runs for name in names])
    while runs:
        run, _ = runs.pop(chance.randrange(len(runs)))
        store.changes.take_back(run)
        _is_usual(shown(store), [name for _, names in runs for name in names])


def _is_usual(names: Sequence[str], written: Sequence[str]) -> None:
    counts = Counter(written)
    assert len(names) == bool(counts)
    assert all(counts[name] == max(counts.values()) for name in names)
