"""An agent's tags: they have their own provenance, and a person's word beats them."""

from __future__ import annotations

from contextlib import suppress

import pytest

from support.make import page, post, tag
from support.sql import reading, writing
from support.undoing import contents, tag_some
from tgtagger.errors import InputError
from tgtagger.model.changes import AgentChange, TagChange
from tgtagger.store import Store


@pytest.fixture
def filled(store: Store) -> Store:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 4))))
    tag(store, ["AI", "news"])
    return store


def sources(store: Store, name: str = "news/1") -> dict[str, str]:
    return {link.name: link.source for link in store.records.post(name).links}


def test_an_agents_tag_says_whose_it_is(filled: Store) -> None:
    change = filled.agents.give("news/1", ["storm", "ai"], None)
    assert change == AgentChange(("AI", "news", "storm"), ("storm",), ("AI",), (), change.number)
    assert sources(filled) == {"AI": "keywords", "news": "keywords", "storm": "agent"}
    past = filled.changes.past(1)[0]
    assert (past.by, past.what, past.names, past.posts) == ("agent", "agent", ("storm",), 1)


def test_what_a_person_gave_or_took_off_stays(filled: Store) -> None:
    filled.curation.add("news/1", ["mine", "news"])
    filled.curation.drop("news/1", ["AI"])
    filled.curation.add("news/2", ["blocked"])
    filled.curation.remove(["blocked"])
    before = contents(filled)
    given = filled.agents.give("news/1", ["AI", "blocked", "mine"], None)
    assert (given.done, given.unchanged, given.refused) == ((), ("mine",), ("AI", "blocked"))
    taken = filled.agents.take("news/1", ["mine", "news", "AI"], None)
    assert (taken.done, taken.unchanged, taken.refused) == ((), ("AI",), ("mine", "news"))
    assert given.number is taken.number is None
    assert contents(filled) == before


def test_tagging_anew_keeps_what_an_agent_gave_and_may_bring_back_what_it_took(
    filled: Store,
) -> None:
    filled.agents.give("news/1", ["storm"], None)
    filled.agents.take("news/1", ["AI"], None)
    assert sources(filled) == {"news": "keywords", "storm": "agent"}
    tag_some(filled, ["AI", "sea", "storm"], 1)
    assert sources(filled) == {"storm": "agent", "AI": "keywords", "sea": "keywords"}


def test_a_person_may_make_an_agents_tag_his_own_or_take_it_off(filled: Store) -> None:
    filled.agents.give("news/1", ["storm", "sea"], None)
    filled.curation.add("news/1", ["storm"])
    filled.curation.drop("news/1", ["sea"])
    assert sources(filled) == {"AI": "keywords", "news": "keywords", "storm": "human"}
    assert filled.agents.give("news/1", ["sea"], None).refused == ("sea",)


def test_a_session_is_one_change_and_undone_as_a_whole(filled: Store) -> None:
    before = contents(filled)
    number = filled.agents.give("news/1", ["storm"], None).number
    assert number is not None
    assert filled.agents.give("news/2", ["storm", "sea"], number).number == number
    assert filled.agents.take("news/3", ["AI"], number).number == number
    after = contents(filled)
    past = filled.changes.past(1)[0]
    assert (past.number, past.names, past.posts) == (number, ("storm", "sea", "AI"), 3)
    undone = filled.changes.take_back(number)
    assert (undone.posts, undone.links, undone.kept) == (3, 4, 0)
    assert contents(filled) == before
    assert undone.undo is not None
    filled.changes.take_back(undone.undo)
    assert contents(filled) == after


def test_a_session_that_takes_back_all_it_did_is_no_change(filled: Store) -> None:
    tag_some(filled, ["rare"], 3)
    before = contents(filled)
    number = filled.agents.give("news/1", ["rare"], None).number
    assert filled.changes.past(1)[0].number == number
    taken = filled.agents.take("news/1", ["rare"], number)
    assert (taken.done, taken.number) == (("rare",), None)
    assert contents(filled) == before
    assert filled.changes.past(1)[0].by == "run"


def test_an_undone_session_does_not_go_on(filled: Store) -> None:
    first = filled.agents.give("news/1", ["storm"], None).number
    assert first is not None
    filled.changes.take_back(first)
    second = filled.agents.give("news/1", ["sea"], first).number
    assert second not in {None, first}
    assert sources(filled)["sea"] == "agent"


def number(change: AgentChange | TagChange) -> int:
    assert change.number is not None
    return change.number


def test_a_session_ends_with_a_persons_change(filled: Store) -> None:
    """An undo goes by the order of changes: one session before and after another has none."""
    before = contents(filled)
    first = number(filled.agents.give("news/1", ["storm"], None))
    person = number(filled.curation.add("news/2", ["rare"]))
    second = number(filled.agents.give("news/3", ["rare"], first))
    assert second > person > first
    with pytest.raises(InputError) as told:
        filled.changes.take_back(person)
    assert told.value.data["later"] == (second,)
    for change in (second, person, first):
        filled.changes.take_back(change)
    assert contents(filled) == before


def test_a_session_ends_when_another_agent_changes_the_same_tags(filled: Store) -> None:
    before = contents(filled)
    one = number(filled.agents.give("news/1", ["storm"], None))
    two = number(filled.agents.take("news/1", ["AI"], None))
    assert number(filled.agents.give("news/2", ["storm"], one)) == one
    third = number(filled.agents.give("news/1", ["AI"], one))
    assert third > two
    for change in (third, two, one):
        filled.changes.take_back(change)
    assert contents(filled) == before


def test_what_a_run_gave_during_a_session_comes_back_with_its_undo(filled: Store) -> None:
    one = number(filled.agents.give("news/1", ["storm"], None))
    tag_some(filled, ["AI", "sea"], 1)
    after = contents(filled)
    two = number(filled.agents.take("news/1", ["sea"], one))
    filled.changes.take_back(two)
    assert contents(filled) == after
    assert number(filled.agents.give("news/2", ["storm"], one)) != one  # the undo was a person's


def test_the_id_of_a_tag_that_an_undone_session_made_is_not_used_again(filled: Store) -> None:
    one = number(filled.agents.give("news/1", ["storm"], None))
    tag_some(filled, ["sea"], 3)
    assert number(filled.agents.give("news/2", ["late"], one)) == one
    after, late = contents(filled), id_of(filled, "late")
    undo = filled.changes.take_back(one).undo
    assert undo is not None
    filled.changes.take_back(undo)
    assert contents(filled) == after
    filled.changes.take_back(one)
    filled.agents.give("news/1", ["other"], None)
    assert id_of(filled, "other") > late


def id_of(store: Store, name: str) -> int:
    with reading(store) as db:
        return int(db.execute("SELECT id FROM tags WHERE name = ?", (name,)).fetchone()[0])


@pytest.mark.parametrize("form", ["Storms", "STORM", "storm"])
def test_no_form_of_what_a_person_took_off_a_post_comes_back(filled: Store, form: str) -> None:
    tag_some(filled, ["storm"], 1)
    tag_some(filled, ["Storms"], 2)
    filled.curation.drop("news/1", ["storm"])
    before = contents(filled)
    given = filled.agents.give("news/1", [form], None)
    assert (len(given.refused), given.done, given.number) == (1, (), None)
    assert contents(filled) == before


def test_a_run_after_a_session_leaves_its_undo_possible(filled: Store) -> None:
    session = filled.agents.give("news/1", ["storm"], None).number
    filled.agents.take("news/1", ["AI"], session)
    tag_some(filled, ["sea"], 1)
    assert session is not None
    filled.changes.take_back(session)
    assert sources(filled) == {"sea": "keywords"}  # AI is not brought back: a run tagged since


def test_a_persons_undo_is_not_hindered_by_an_agent(filled: Store) -> None:
    dropped = filled.curation.drop("news/1", ["AI"]).number
    assert dropped is not None
    filled.agents.give("news/1", ["storm"], None)
    with writing(filled) as db:  # a while later
        db.execute("UPDATE post_tags SET added_at = '2999-01-01T00:00:00Z' WHERE source = 'agent'")
    filled.changes.take_back(dropped)
    assert sources(filled) == {"AI": "keywords", "news": "keywords", "storm": "agent"}


def test_a_merged_tag_of_an_agent_stays_an_agents(filled: Store) -> None:
    filled.agents.give("news/1", ["machines"], None)
    filled.curation.merge(["machines"], "AI")
    assert sources(filled) == {"AI": "agent", "news": "keywords"}


def test_what_is_no_tag_or_no_post_is_refused_and_nothing_is_stored(filled: Store) -> None:
    before = contents(filled)
    for names, name in ((["good", "[!]"], "news/1"), (["good"], "news/9")):
        with pytest.raises(InputError):
            filled.agents.give(name, names, None)
    with pytest.raises(InputError):
        filled.agents.take("news/1", ["AI", "nothing"], None)
    with suppress(InputError):
        filled.agents.take("news/1", ["nothing"], None)
    assert contents(filled) == before
