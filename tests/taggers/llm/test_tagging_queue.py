"""Shares of a request's tokens that add up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tgtagger.taggers.llm.queue import share_out


@given(st.integers(0, 2**31), st.lists(st.integers(0, 10_000), min_size=1, max_size=60))
def test_shares_add_up(whole: int, weights: list[int]) -> None:
    parts = [part for part in share_out(whole, weights) if part is not None]
    assert len(parts) == len(weights)
    assert min(parts) >= 0
    assert sum(parts) == (whole if sum(weights) else 0)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - whole * weight / (sum(weights) or 1)) <= 1


def test_shares_of_nothing() -> None:
    assert share_out(None, [1, 2]) == [None, None]
    assert share_out(7, []) == []
    assert share_out(10, [1, 1, 1]) == [3, 3, 4]
