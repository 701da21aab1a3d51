"""WHEN, as people write it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator

import pytest

from tgtagger.errors import InputError
from tgtagger.runs.times import read_duration, read_when, since_until

NOW = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31", "2026-01-30T23:00:00"),
        ("2026-01-31T12:00", "2026-01-31T11:00:00"),
        ("2026-07-31T12:00", "2026-07-31T10:00:00"),
        ("2026-01-31T12:00:30+03:00", "2026-01-31T09:00:30"),
        ("2026-01-31T12:00Z", "2026-01-31T12:00:00"),
        ("7d", "2026-03-03T12:00:00"),
        ("12h", "2026-03-10T00:00:00"),
        ("30m", "2026-03-10T11:30:00"),
        ("2w", "2026-02-24T12:00:00"),
        # 02:30 comes twice this night: the first is meant.
        ("2026-10-25T02:30", "2026-10-25T00:30:00"),
    ],
)
def test_a_moment_is_local_and_kept_in_utc(text: str, utc: str) -> None:
    found = read_when(text, now=NOW)
    assert found == dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)
    assert found.utcoffset() == dt.timedelta(0)


def test_an_hour_that_a_night_leaves_out_is_one_of_its_neighbours() -> None:
    found = read_when("2026-03-29T02:30", now=NOW)  # which one, Python's versions see differently
    assert found.isoformat() in {"2026-03-29T00:30:00+00:00", "2026-03-29T01:30:00+00:00"}


@pytest.mark.parametrize(
    "text",
    ["", "soon", "7", "7y", "-7d", "2026-13-01", "2026-02-30", "31.01.2026", "999999w",
     "0001-01-01", "9999-12-31T23:59-14:00", "12:00", "7d\0"],
)  # fmt: skip
def test_anything_else_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(InputError, match="2026-01-31T12:00"):
        read_when(text, now=NOW)


def test_nothing_lies_between_bounds_that_are_swapped() -> None:
    with pytest.raises(InputError, match="nothing lies"):
        since_until("2026-02-01", "2026-01-01")
    first, last = since_until("2026-01-01", "")
    assert first is not None
    assert last is None


def test_a_duration_is_a_number_and_a_unit() -> None:
    assert read_duration("90s") == dt.timedelta(seconds=90)
    assert read_duration("2h") == dt.timedelta(hours=2)
    with pytest.raises(InputError, match="no duration"):
        read_duration("1w")
