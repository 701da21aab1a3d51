"""Of an answer that comes in part, or within something else, a post gets its own tags or none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.targets import share
from tgtagger.taggers.llm.api.answers import read_answer, read_tags
from tgtagger.taggers.llm.api.bodies import read_json

IDS = ("p1", "p2", "p3")
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="<"), max_size=8)


@st.composite
def answers(draw: st.DrawFn) -> tuple[dict[str, list[str]], str]:
    """Return the tags of each post, which carry its id, and an answer that gives them."""
    tags = {name: [f"{name} {word}" for word in draw(st.lists(WORDS, max_size=4))] for name in IDS}
    items = [{"id": name, "tags": found} for name, found in draw(st.permutations([*tags.items()]))]
    value: Any = draw(
        st.sampled_from([{"posts": items}, items, tags, {"why": "p1", "posts": items}])
    )
    indent = draw(st.sampled_from([None, 1]))
    return tags, json.dumps(value, ensure_ascii=draw(st.booleans()), indent=indent)


@pytest.mark.row("H7")
@share(1)
@given(answers(), st.floats(0, 1), st.floats(0, 1))
def test_any_part_gives_a_post_all_of_its_own_tags_or_nothing(
    answer: tuple[dict[str, list[str]], str], one: float, other: float
) -> None:
    tags, content = answer
    start, end = sorted((int(one * len(content)), int(other * len(content))))
    for name, found in read_tags(content[start:end], IDS).items():
        assert found == tags[name]


@pytest.mark.row("H7")
@share(1)
@given(st.lists(answers(), min_size=2, max_size=3), st.sampled_from(["", "\n", "x ", "```json\n"]))
def test_of_several_answers_the_last_counts(
    several: list[tuple[dict[str, list[str]], str]], between: str
) -> None:
    content = between.join(content for _, content in several)
    assert read_tags(content, IDS) == several[-1][0]


@pytest.mark.row("H6")
@share(1)
@given(
    answers(),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1251", "latin-1"]),
    st.floats(0, 1),
)
def test_a_body_of_any_encoding_and_length_is_an_answer_or_none(
    answer: tuple[dict[str, list[str]], str], encoding: str, part: float
) -> None:
    tags, content = answer
    tree = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    body = json.dumps(tree, ensure_ascii=False).encode(encoding, errors="replace")
    whole = read_answer(read_json(body))
    if encoding.startswith("utf-8"):
        assert read_tags(whole.content, IDS) == tags
    else:
        found = read_tags(whole.content, IDS)  # of ASCII it may be the same
        assert all(len(found[name]) == len(tags[name]) for name in found)
    cut = read_answer(read_json(body[: int(part * (len(body) - 1))]))
    assert (cut.failure, cut.content) == ("bad_answer", "")
