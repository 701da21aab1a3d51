"""Each surface with inputs of every kind; `make fuzz` tries more of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.targets import TARGETS, Target, share

EVERY = [
    pytest.param(target, id=name, marks=[pytest.mark.row(*target.rows)] if target.rows else [])
    for name, target in TARGETS.items()
]
INPUTS = [
    pytest.param(target, data, id=f"{name}-{number}")
    for name, target in TARGETS.items()
    for number, data in enumerate(target.inputs)
]


@pytest.mark.parametrize(("target", "data"), INPUTS)
def test_what_is_usual_and_what_was_found_once(target: Target, data: bytes) -> None:
    target.run(data)


@pytest.mark.parametrize("target", EVERY)
def test_whatever_comes(target: Target) -> None:
    @share(1)
    @given(target.strategy())
    def run(data: bytes) -> None:
        target.run(data)

    run()


@pytest.mark.parametrize("target", EVERY)
def test_any_beginning_of_it(target: Target) -> None:
    @share(4)
    @given(st.sampled_from(target.inputs), st.floats(0, 1))
    def run(data: bytes, part: float) -> None:
        target.run(data[: int(len(data) * part)])

    run()
