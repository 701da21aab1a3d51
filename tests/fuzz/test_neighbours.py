"""A message of an export may be anything: its neighbours are what they would be without it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fuzz import desktop
from fuzz.mutations import change_tree
from fuzz.posts import FOLDER
from fuzz.targets import share
from support import exports
from tgtagger.model.posts import PostData, PostFilter
from tgtagger.store import Store

# Without media: nothing makes albums of these.
PLAIN = [
    exports.message(number, ["text ", {"type": "bold", "text": f"{number} 😀"}])
    for number in (101, 102, 103, 105, 106, 107)
]


@st.composite
def odd_messages(draw: st.DrawFn) -> Any:
    record = draw(st.sampled_from(desktop.MESSAGES))
    for _ in range(draw(st.integers(1, 3))):
        record = change_tree(record, Random(draw(st.integers(0, 2**32))))
    if isinstance(record, dict):
        number = record.get("id")
        # Of two messages with one id the second is refused: that is told elsewhere.
        assume(not isinstance(number, int) or number < 100 or number > 110)
    return record


def posts(records: list[Any]) -> dict[int, PostData]:
    pages, said = desktop.read(json.dumps(exports.chat(*records)).encode())
    assert said is None
    assert desktop.members(pages) == len(records)
    return {post.ids[0]: post for page in pages for post in page.posts}


WITHOUT = posts(PLAIN)


@pytest.mark.row("I7")
@share(1)
@given(odd_messages(), st.integers(0, len(PLAIN)))
def test_neighbours_of_anything_stay_what_they_are(record: Any, place: int) -> None:
    found = posts([*PLAIN[:place], record, *PLAIN[place:]])
    assert {number: found[number] for number in WITHOUT} == WITHOUT


@pytest.mark.row("I7")
@share(4)
@given(odd_messages(), st.integers(0, len(PLAIN)))
def test_anything_is_stored_or_refused_and_its_neighbours_are_stored(
    record: Any, place: int
) -> None:
    records = [*PLAIN[:place], record, *PLAIN[place:]]
    pages, _ = desktop.read(json.dumps(exports.chat(*records)).encode())
    with archive() as store:
        stored = [store.posts.save_page(page) for page in pages]
        assert sum(page.new + page.service + len(page.rejected) for page in stored) == len(records)
        assert all(item.reason for page in stored for item in page.rejected)
        kept = {item.id.message_id: item for item in store.records.posts(PostFilter())}
        assert all(kept[number].text == post.text for number, post in WITHOUT.items())
        assert store.integrity.check_index()
        again = [store.posts.save_page(page) for page in pages]
        assert sum(page.new + page.updated for page in again) == 0


@contextmanager
def archive() -> Iterator[Store]:
    with (
        tempfile.TemporaryDirectory(dir=FOLDER.name) as folder,
        Store.open(str(Path(folder) / "posts.db")) as store,
    ):
        yield store


@pytest.mark.row("I8")
@share(1)
@given(st.sampled_from(desktop.INPUTS[:3]), st.floats(0, 1), st.integers(1, 300))
def test_what_is_cut_off_gives_what_came_before(data: bytes, part: float, stretch: int) -> None:
    whole = [post for page in desktop.read(data)[0] for post in page.posts]
    pages, said = desktop.read(data[: int((len(data) - 1) * part)], stretch=stretch)
    found = [post for page in pages for post in page.posts]
    assert said is not None
    # An album that the cut goes through is what came of it.
    assert found[:-1] == whole[: len(found)][:-1]
    assert all(post.ids[0] in {each.ids[0] for each in whole} for post in found[-1:])
