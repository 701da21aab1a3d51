"""Changes of tags, those of runs, too, and their undo in any order that is allowed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from support.make import PROVENANCE
from support.sql import reading
from tgtagger.errors import InputError
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import SuggestedTag, TagUpdate
from tgtagger.store import Store, undo
from tgtagger.store.recording import STATE
from tgtagger.store.statements import Statement

CONTENTS = ("tags", "tag_aliases", "barred_tags", "post_tags", "removed_tags")


@pytest.fixture(scope="module")
def small_parts() -> Iterator[None]:
    """Let an undo restore two rows at a time, as it does thousands of a large change."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("_LAST_LINKED", "_LAST_STATE", "_LAST_PICKED"):
            sql = getattr(undo, name).sql
            assert f"LIMIT {undo.AT_ONCE}" in sql
            sql = sql.replace(f"LIMIT {undo.AT_ONCE}", "LIMIT 2")
            patched.setattr(undo, name, Statement(sql))
        yield


def contents(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with reading(store) as db:
        found = {
            table: sorted(db.execute(f"SELECT * FROM {table}"), key=repr) for table in CONTENTS
        }
        found["posts"] = db.execute(
            f"SELECT id, {', '.join(STATE)} FROM posts ORDER BY id"
        ).fetchall()
    return found


def tag_some(store: Store, names: Sequence[str], *numbers: int, **result: Any) -> int:
    """Give posts these tags, or another result, as a tagger does; return the run."""
    run = store.runs.start("tag", PROVENANCE)
    suggested = tuple(SuggestedTag(name) for name in names)
    made: dict[str, Any] = {"status": "tagged", "attempts": 1} | result
    updates = [
        TagUpdate(item.id, item.text_hash, provenance=PROVENANCE, tags=suggested, **made)
        for item in store.queue.posts(PostFilter())
        if item.id.message_id in numbers
    ]
    assert all(store.queue.save(updates, run))
    return run


def standing(store: Store, first: int, *, undos: bool = False) -> list[int]:
    """Return the changes since the first that are not undone, or the undos: latest first."""
    return [
        change.number
        for change in store.changes.past(999)
        if change.number > first
        and change.undone_at is None
        and (change.undoes is not None) == undos
    ]


def undo_any(store: Store, first: int, order: random.Random, *, undos: bool = False) -> bool:
    """Undo some change that can be, or some undo; tell if there was one."""
    changes = standing(store, first, undos=undos)
    order.shuffle(changes)
    return any(not try_to_undo(store, number) for number in changes)


def undo_all(store: Store, first: int, order: random.Random) -> None:
    """Undo all changes since the first: in any order, and what is left as the errors say."""
    while undo_any(store, first, order):
        pass
    empty: set[int] = set()  # runs of which nothing is left
    while left := [number for number in standing(store, first) if number not in empty]:
        undo_as_told(store, left[0])
        empty |= {left[0]} & {*standing(store, first)}


def undo_as_told(store: Store, number: int) -> None:
    """Undo a change, and what hangs on it before; of a run nothing may be left."""
    while (later := try_to_undo(store, number)) not in {(), (number,)}:
        undo_as_told(store, later[-1])


def try_to_undo(store: Store, number: int) -> tuple[int, ...]:
    """Undo a change; return what hangs on it."""
    before = contents(store)
    try:
        done = store.changes.take_back(number)
    except InputError as error:
        if error.kind != "change_depended_on":
            raise
        later = tuple(error.data["later"])
    else:
        later = ()
    if later:
        assert contents(store) == before
        return later
    if number in standing(store, 0):  # all that a run did was replaced since
        assert (done.posts, contents(store)) == (0, before)
        return (number,)
    return ()
