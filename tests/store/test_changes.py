"""What a person did to tags can be undone: as it was, and nothing of what came later is lost."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from support.make import PROVENANCE, page, post, tag
from support.sql import reading
from support.undoing import (  # noqa: F401 -- small_parts is a fixture
    contents,
    small_parts,
    tag_some,
    try_to_undo,
    undo_all,
    undo_any,
)
from tgtagger.errors import InputError
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store

pytestmark = pytest.mark.usefixtures("small_parts")


def last(store: Store) -> int:
    change = store.changes.last()
    assert change is not None
    return change.number


def tag_one(store: Store, names: list[str]) -> None:
    tag_some(store, names, 1)


def filled(store: Store) -> Store:
    if not store.tags.counts():
        store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 6))))
        tag_some(store, ["AI", "ИИ", "news"], 1, 2, 3)
        store.curation.add_aliases("AI", ["нейросеть"])
        store.curation.add("news/2", ["mine", "AI"])
        store.curation.drop("news/3", ["news"])
    return store


def session(store: Store) -> int | None:
    """Return the oldest session of an agent that stands."""
    past = store.changes.past(50)
    standing = [each.number for each in past if each.by == "agent" and not each.undone_at]
    return min(standing, default=None)


Do = Callable[[Store], object]
STEPS: dict[str, Do] = {
    "rename": lambda store: store.curation.rename("AI", "artificial intelligence"),
    "rename to an alias": lambda store: store.curation.rename("AI", "нейросеть"),
    "rename in case": lambda store: store.curation.rename("news", "NEWS"),
    "merge": lambda store: store.curation.merge(["AI", "mine"], "ИИ"),
    "merge other": lambda store: store.curation.merge(["news"], "ИИ"),
    "alias": lambda store: store.curation.add_aliases("ИИ", ["machine intelligence"]),
    "unalias": lambda store: store.curation.remove_aliases("AI", ["нейросеть"]),
    "remove": lambda store: store.curation.remove(["AI", "news"]),
    "remove other": lambda store: store.curation.remove(["ИИ"]),
    "add": lambda store: store.curation.add("news/3", ["news", "fresh", "ИИ"]),
    "add old to many": lambda store: store.curation.add_to(PostFilter(), ["ИИ", "AI"]),
    "add again": lambda store: store.curation.add("news/1", ["fresh", "AI"]),
    "drop": lambda store: store.curation.drop("news/1", ["AI"]),
    "drop mine": lambda store: store.curation.drop("news/2", ["mine", "news"]),
    "add to many": lambda store: store.curation.add_to(PostFilter(), ["fresh", "news"]),
    "drop from many": lambda store: store.curation.drop_from(PostFilter(), ["ИИ", "AI"]),
    "alias of new": lambda store: store.curation.add_aliases("fresh", ["recent"]),
    "agent gives": lambda store: store.agents.give("news/1", ["fresh", "agent", "mine"], None),
    "agent gives more": lambda store: store.agents.give("news/4", ["news", "agent"], None),
    "agent takes": lambda store: store.agents.take("news/1", ["AI", "news"], None),
    "session gives": lambda store: store.agents.give("news/5", ["fresh", "AI"], session(store)),
    "session takes": lambda store: store.agents.take("news/1", ["news", "ИИ"], session(store)),
    "session takes run's": lambda store: store.agents.take("news/4", ["run"], session(store)),
    "run on all": lambda store: tag_some(store, ["AI", "run", "fresh"], 1, 2, 3, 4, 5),
    "run on one": lambda store: tag_some(store, ["ИИ", "news", "stale"], 1),
    "run on new": lambda store: tag_some(store, ["news", "run"], 4),
    "run with nothing": lambda store: tag_some(store, ["!"], 2, 4),
    "run that skips": lambda store: tag_some(store, [], 1, 5, status="skipped", attempts=0),
    "run that fails": lambda store: tag_some(
        store, [], 2, 4, status="failed", attempts=3, failure="server", error="HTTP 500"
    ),
}


@pytest.mark.parametrize("name", [name for name in STEPS if name != "session takes run's"])
def test_an_undone_change_leaves_everything_as_it_was(store: Store, name: str) -> None:
    filled(store)
    if name == "alias of new":
        store.curation.add("news/1", ["fresh"])
    before = contents(store)
    STEPS[name](store)
    after = contents(store)
    assert after != before
    number = last(store)
    for _ in range(2):
        assert store.changes.take_back(number).kept == 0
        assert contents(store) == before
        undo = store.changes.past(1)[0]
        assert (undo.what, undo.undoes) == ("undo", number)
        store.changes.take_back(undo.number)  # and it stands again
        assert contents(store) == after
        assert last(store) == number


# A run, or what comes back by a run's undo, takes the place of a person's tag.
TAKES_PLACE = [
    "add to many", "rename to an alias", "drop from many", "merge other", "drop from many",
    "merge other", "run with nothing", "run on all",
]  # fmt: skip
GETS_PLACE_BACK = [
    "run with nothing", "run on all", "run on one", "run with nothing", "add again", "merge",
    "merge", "add to many", "merge other",
]  # fmt: skip


@settings(
    max_examples=settings().max_examples // 2,  # of the profile: at length twenty times as many
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
)
@given(
    names=st.lists(st.sampled_from([*STEPS, "undo", "undo", "redo"]), min_size=1, max_size=9),
    seed=st.integers(0, 2**32),  # what can be undone may hang on the second in which it was done
)
@example(names=TAKES_PLACE, seed=2)
@example(names=GETS_PLACE_BACK, seed=2)
def test_changes_undone_in_any_allowed_order_leave_everything_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], seed: int
) -> None:
    order = random.Random(seed)
    with Store.open(str(tmp_path_factory.mktemp("changes") / "a.db")) as store:
        filled(store)
        before = contents(store)
        first = last(store)
        for name in names:
            if name in {"undo", "redo"}:
                undo_any(store, first, order, undos=name == "redo")
                continue
            try:
                STEPS[name](store)
            except InputError:
                assert name  # the tag is gone by an earlier step
        undo_all(store, first, order)
        assert contents(store) == before
        with reading(store.path) as db:  # so `changes` tells runs by their links alone
            query = "SELECT 1 FROM post_tags WHERE source = 'human' AND run_id IS NOT NULL"
            assert db.execute(query).fetchone() is None


def test_a_tag_that_an_undo_may_bring_back_stays_when_a_run_is_undone(store: Store) -> None:
    """Nothing uses it any more, but what an agent took off a post: that may be taken back."""
    filled(store)
    before = contents(store)
    first = last(store)
    STEPS["run on new"](store)
    STEPS["session takes run's"](store)
    taken = last(store)
    STEPS["run on all"](store)
    store.changes.take_back(last(store))
    assert try_to_undo(store, taken) == ()
    undo_all(store, first, random.Random(1))
    assert contents(store) == before


def test_a_change_tells_its_number(store: Store) -> None:
    filled(store)
    given = store.curation.add("news/1", ["new"])
    assert given.number == last(store)
    again = store.curation.add("news/1", ["new"])
    assert again.number is None
    assert store.curation.rename("new", "newer").number == last(store)
    merged = store.curation.merge(["newer"], given.names[0])
    assert merged.number == last(store)
    assert [change.number for change in store.curation.remove([given.names[0]])] == [last(store)]


def test_the_history_goes_on_before_a_number(store: Store) -> None:
    filled(store)
    for name in ("a", "b", "c"):
        store.curation.add("news/1", [name])
    whole = [change.number for change in store.changes.past(99)]
    assert len(whole) > 3
    first, second = store.changes.past(2), store.changes.past(99, before=whole[1])
    assert [change.number for change in (*first, *second)] == whole


def test_a_run_takes_no_place_of_a_person_s_tag_that_an_undo_brings_back(store: Store) -> None:
    filled(store)
    before = contents(store)
    added = [store.curation.add(f"news/{n}", [f"b{n}", f"a{n}"]).number or 0 for n in (3, 4, 5)]
    given = contents(store)
    changed = [
        store.curation.merge(["a3"], "b3").number or 0,
        store.curation.drop("news/4", ["a4"]).number or 0,
        store.curation.drop("news/4", ["b4"]).number or 0,
        store.changes.take_back(added[-1]).undo or 0,
    ]
    runs = [tag_some(store, ["AI", "run", "fresh"], 3, 4, 5) for _ in range(3)]
    with reading(store.path) as db:  # the places do not rise with each run
        assert db.execute("SELECT max(position) FROM post_tags").fetchone() == (7,)
    for change in (*changed, *reversed(runs)):
        store.changes.take_back(change)
    assert contents(store) == given
    for change in added:
        store.changes.take_back(change)
    assert contents(store) == before


def test_what_hangs_on_a_change_is_named(store: Store) -> None:
    filled(store)
    store.curation.merge(["AI"], "ИИ")
    merged = last(store)
    store.curation.remove(["ИИ"])
    removed = last(store)
    with pytest.raises(InputError) as error:
        store.changes.take_back(merged)
    assert (error.value.kind, error.value.data["later"]) == ("change_depended_on", (removed,))
    store.changes.take_back(removed)
    store.changes.take_back(merged)
    for kind, number in {"change_undone": merged, "run_unknown": 999}.items():
        with pytest.raises(InputError) as error:
            store.changes.take_back(number)
        assert error.value.kind == kind


def test_changes_that_made_or_deleted_different_tags_do_not_hang_on_each_other(
    store: Store,
) -> None:
    filled(store)
    before = contents(store)
    changes = (
        store.curation.add("news/4", ["one"]),
        store.curation.add("news/5", ["two"]),
        store.curation.merge(["mine"], "ИИ"),
        store.curation.add_aliases("news", ["tidings"]),
    )
    for change in changes:
        store.changes.take_back(change.number or 0)
    assert contents(store) == before


def test_what_a_run_gave_since_stays_and_an_old_machine_tag_does_not_come_back(
    store: Store,
) -> None:
    filled(store)
    store.curation.merge(["AI"], "ИИ")
    tag_one(store, ["AI", "later"])
    done = store.changes.take_back(last(store) - 1)
    tags = [store.records.post(f"news/{number}").post.tags for number in (1, 2, 3)]
    assert tags == [("ИИ", "later"), ("AI", "ИИ", "news", "mine"), ("AI", "ИИ")]
    assert (done.posts, done.kept) == (2, 1)


def test_a_removed_tag_that_is_restored_may_be_given_again(store: Store) -> None:
    filled(store)
    store.curation.remove(["AI"])
    number = last(store)
    tag(store, ["other"])
    store.changes.take_back(number)
    assert store.tags.blocked() == ()
    assert store.records.post("news/2").post.tags == ("AI", "mine", "other")  # it was a person's
    tag(store, ["AI"])
    assert store.records.post("news/1").post.tags == ("AI",)


def test_a_name_that_another_tag_has_by_now_is_told(store: Store) -> None:
    filled(store)
    store.curation.remove_aliases("AI", ["нейросеть"])
    number = last(store)
    tag(store, ["нейросеть"])
    with pytest.raises(InputError) as error:
        store.changes.take_back(number)
    assert error.value.kind == "undo_name_taken"


def test_runs_and_changes_are_counted_in_one_series(store: Store) -> None:
    filled(store)
    numbers = [each.number for each in store.changes.past(50)]
    assert len(set(numbers)) == len(numbers) == 4  # a run, and three decisions
    tag(store, ["later"])
    latest = store.changes.last()
    assert latest is not None
    assert (latest.by, latest.number) == ("run", numbers[0] + 1)


def test_an_undone_run_does_not_come_back_by_another_undo(store: Store) -> None:
    filled(store)
    run = store.changes.past(50)[-1].number
    store.curation.drop("news/1", ["news"])
    number = last(store)
    store.changes.take_back(run)
    undo = store.changes.past(1)[0].number
    with pytest.raises(InputError) as error:
        store.changes.take_back(number)
    assert error.value.data["later"] == (undo,)
    assert store.records.post("news/1").post.tags == ()
    store.changes.take_back(undo)
    store.changes.take_back(number)
    assert store.records.post("news/1").post.tags == ("AI", "ИИ", "news")


def test_a_dry_run_changes_nothing_and_nothing_is_no_change(store: Store) -> None:
    filled(store)
    number = last(store)
    store.curation.merge(["AI"], "ИИ", dry_run=True)
    store.curation.add_aliases("AI", ["нейросеть"])
    assert last(store) == number
    before = contents(store)
    assert store.changes.take_back(number, dry_run=True).posts == 1
    assert contents(store) == before


def test_a_run_that_left_nothing_is_undone_without_a_trace(store: Store) -> None:
    filled(store)
    run = store.runs.start("tag", PROVENANCE)
    before = store.changes.past(50)
    assert store.changes.take_back(run).posts == 0
    assert store.changes.past(50) == before


def test_the_id_of_a_merged_tag_is_not_given_to_another(store: Store) -> None:
    filled(store)
    store.curation.merge(["mine"], "ИИ")
    number = last(store)
    tag_one(store, ["a new one"])
    store.changes.take_back(number)
    assert "mine" in store.records.post("news/2").post.tags
    assert store.records.post("news/1").post.tags == ("a new one",)


def test_a_blocked_tag_tells_the_removal_that_an_undo_takes_back(store: Store) -> None:
    store.posts.save_page(page(post(1, "x"), post(2, "y")))
    tag(store, ["sea", "storm"])
    (first,) = store.curation.remove(["sea"])
    store.curation.remove(["storm"])
    store.curation.add("news/1", ["storm"])  # it is blocked no longer
    assert store.changes.removals() == {"sea": first.number}
    assert first.number is not None
    store.changes.take_back(first.number)
    assert store.changes.removals() == {}


def test_runs_that_left_tags_are_told(store: Store) -> None:
    store.posts.save_page(page(post(1, "x")))
    tag(store, ["sea"])
    idle = store.runs.start("tag", PROVENANCE)
    assert store.changes.left_tags([1, idle, 999]) == {1}
    store.curation.add("news/1", ["sea"])  # a person's now
    assert store.changes.left_tags([1]) == frozenset()
