"""What takes long tells how far it is: its steps only go on, and never beyond the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support import old_schemas
from support.make import page, post, tag
from support.next_version import NEXT
from tgtagger.model.events import EVERY, OnSteps, counted, unheard
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store


class Steps:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        assert 0 <= done <= total
        assert not self.told or self.told[-1][0] * total <= done * self.told[-1][1]
        self.told.append((done, total))


def filled(store: Store) -> None:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 4))))
    tag(store, ["AI", "ИИ", "news"])


def last_undone(store: Store, told: OnSteps) -> None:
    change = store.changes.last()
    assert change is not None
    store.changes.take_back(change.number, on_steps=told)


def undone_removal(store: Store, told: OnSteps) -> None:
    store.curation.remove(["AI"])
    last_undone(store, told)


LONG: dict[str, Callable[[Store, OnSteps], object]] = {
    "merge": lambda store, told: store.curation.merge(["AI", "news"], "ИИ", on_steps=told),
    "remove": lambda store, told: store.curation.remove(["AI", "news"], on_steps=told),
    "undo of a run": last_undone,
    "undo of a person's": undone_removal,
    "suggest": lambda store, told: store.tags.suggest_merges(told),
    "check": lambda store, told: store.integrity.check(told),
}


@pytest.mark.parametrize("name", LONG)
def test_what_takes_long_tells_how_far_it_is(store: Store, name: str) -> None:
    filled(store)
    steps = Steps()
    LONG[name](store, steps)
    if name != "check" or isinstance(store.place, Path):  # of few rows a server tells nothing
        assert steps.told


@pytest.mark.of_file
def test_posts_that_go_are_told(store: Store) -> None:
    store.posts.save_page(page(*(post(n, "old") for n in range(1, 1101))))
    steps = Steps()
    store.channels.remove("news", with_posts=True, on_steps=steps)
    assert steps.told == [(1000, 1100)]


@pytest.mark.of_file
def test_an_export_into_a_folder_tells_of_all_that_it_reads(store: Store) -> None:
    count = EVERY // 2 + 1
    store.posts.save_page(page(*(post(n, "text") for n in range(1, count + 1))))
    steps = Steps()
    with store.select(PostFilter(), steps) as selection:
        for _ in range(2):
            assert len(list(selection.posts())) == count
    assert steps.told == [(EVERY, 4 * count)]


def test_an_upgrade_tells_of_its_copy_and_its_revisions(db: Path) -> None:
    old_schemas.make(db, NEXT.revisions[0])
    steps = Steps()
    Store.open(str(db), schema=NEXT, on_upgrade=steps).close()
    shares = [done / total for done, total in steps.told]
    assert shares[-1] == 1
    assert 0.5 in shares  # the copy is made
    Store.open(str(db), schema=NEXT, on_upgrade=unexpected).close()


def test_a_new_archive_is_no_upgrade(db: Path) -> None:
    Store.open(str(db), on_upgrade=unexpected).close()


def unexpected(done: int, total: int) -> None:
    raise AssertionError((done, total))


def test_items_are_counted_as_they_pass() -> None:
    steps = Steps()
    assert list(counted(range(2 * EVERY + 1), steps, 9999, done=1)) == [*range(2 * EVERY + 1)]
    assert steps.told == [(EVERY, 9999), (2 * EVERY, 9999)]
    assert list(counted("ab", unheard, 2)) == ["a", "b"]
