"""A transaction that was broken off is done again, a bounded number of times."""

from __future__ import annotations

import pytest

from tgtagger.errors import Interrupted, TryLater
from tgtagger.store.again import TRIES, Again


class Broken:
    """A transaction that fails so often."""

    def __init__(self, fails: int) -> None:
        self.left = fails
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.left:
            raise Interrupted("database_busy", path="there")
        return self.calls


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    made: list[float] = []
    monkeypatch.setattr("tgtagger.store.again.time.sleep", made.append)
    monkeypatch.setattr("tgtagger.store.again.time.monotonic", lambda: sum(made))
    return made


@pytest.mark.row("S4")
def test_it_is_tried_a_few_times_without_any_patience(
    pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        assert Again(0)(Broken(TRIES - 1)) == TRIES
    assert caplog.messages == ["there: another transaction was in the way: it is tried again"] * 4
    assert sum(pauses) < 0.5
    with pytest.raises(Interrupted):
        Again(0)(broken := Broken(TRIES))
    assert broken.calls == TRIES


@pytest.mark.row("S3")
def test_it_is_tried_as_long_as_the_patience_lasts(pauses: list[float]) -> None:
    with pytest.raises(Interrupted):
        Again(30)(broken := Broken(1000))
    assert 25 < sum(pauses) <= 30
    assert broken.calls < 40


@pytest.mark.row("S3")
def test_who_comes_after_one_that_waited_in_vain_does_not_wait(pauses: list[float]) -> None:
    do = Again(30)
    with pytest.raises(Interrupted):
        do(Broken(1000))
    before = sum(pauses)
    with pytest.raises(Interrupted):
        do(broken := Broken(1000))
    assert (broken.calls, sum(pauses)) == (1, before)
    assert do(Broken(0)) == 1
    assert do(Broken(1)) == 2  # patient again


def test_another_failure_is_no_reason_to_try_again() -> None:
    def fails() -> None:
        calls.append(1)
        raise TryLater("database_locked", path="there")

    calls: list[int] = []
    with pytest.raises(TryLater):
        Again(30)(fails)
    assert calls == [1]
