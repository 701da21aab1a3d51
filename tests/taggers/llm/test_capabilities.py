"""What a server takes: remembered, and left out step by step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgtagger.taggers.llm.api.capabilities import (
    LADDER,
    MOST_ROOM,
    Capabilities,
)

PARAMETERS = st.sampled_from(
    "response_format bounds temperature max_tokens max_completion_tokens usage system".split()
)
CAPABILITIES = st.builds(
    Capabilities,
    st.sampled_from(LADDER),
    st.booleans(),
    st.lists(PARAMETERS, max_size=4).map(tuple),
    st.integers(1, MOST_ROOM),
    st.booleans(),
    st.booleans(),
)


@given(CAPABILITIES)
def test_capabilities_are_remembered(capabilities: Capabilities) -> None:
    assert Capabilities.from_json(capabilities.to_json()) == capabilities


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "5", '"text"', "{}", "{", '{"format": "text"}', "[" * 100_000,
     '{"format":"text","bounds":true,"dropped":[],"room":Infinity,"proven":true}',
     '{"format":"text","bounds":true,"dropped":[],"room":"much","proven":true}',
     '{"format":"text","bounds":true,"dropped":5,"room":1,"proven":true}'],
)  # fmt: skip
def test_what_is_no_memory_is_forgotten(text: str) -> None:
    assert Capabilities.from_json(text) == Capabilities()


def test_a_memory_of_another_version_is_read_as_far_as_it_goes() -> None:
    text = '{"format":"xml","bounds":0,"dropped":["seed",5],"room":9999,"proven":1,"new":1}'
    expected = Capabilities("json_schema", bounds=False, dropped=("seed",), room=16, proven=True)
    assert expected.system
    assert Capabilities.from_json(text) == expected


@given(CAPABILITIES, st.lists(PARAMETERS, min_size=30, max_size=60))
def test_leaving_out_comes_to_an_end(capabilities: Capabilities, refused: list[str]) -> None:
    steps = 0
    for parameter in refused:
        less = capabilities.without(parameter)
        if less is not None:
            assert less != capabilities
            capabilities, steps = less, steps + 1
    assert steps <= 8
