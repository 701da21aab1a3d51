"""WHEN, as people write it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator

import pytest

from tgtagger.errors import InputError
from tgtagger.runs.times import read_duration, read_period, read_when, since_until

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
        ("30min", "2026-03-10T11:30:00"),
        ("3mo", "2025-12-10T12:00:00"),
        ("1y", "2025-03-10T12:00:00"),
        ("3 days", "2026-03-07T12:00:00"),
        ("1 week ago", "2026-03-03T12:00:00"),
        ("2 Months", "2026-01-10T12:00:00"),
        ("3 дня назад", "2026-03-07T12:00:00"),
        ("today", "2026-03-09T23:00:00"),
        ("Yesterday", "2026-03-08T23:00:00"),
        ("вчера", "2026-03-08T23:00:00"),
        ("2024", "2023-12-31T23:00:00"),
        ("2024-12", "2024-11-30T23:00:00"),
        ("07.2024", "2024-06-30T22:00:00"),
        ("01.12.2024", "2024-11-30T23:00:00"),
        ("1.2.2024", "2024-01-31T23:00:00"),
        ("2024/12/01", "2024-11-30T23:00:00"),
        ("01.12.2024 15:30", "2024-12-01T14:30:00"),
        ("2w", "2026-02-24T12:00:00"),
        # 02:30 comes twice this night: the first is meant.
        ("2026-10-25T02:30", "2026-10-25T00:30:00"),
    ],
)
def test_a_moment_is_local_and_kept_in_utc(text: str, utc: str) -> None:
    found = read_when(text, now=NOW)
    assert found == dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)
    assert found.utcoffset() == dt.timedelta(0)


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2024", "2023-12-31T23:00", "2024-12-31T23:00"),
        ("2024-02", "2024-01-31T23:00", "2024-02-29T23:00"),
        ("2024-12", "2024-11-30T23:00", "2024-12-31T23:00"),
        ("2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),  # this day has 23 hours
        ("today", "2026-03-09T23:00", "2026-03-10T23:00"),
        ("7d", "2026-03-03T12:00", "2026-03-03T12:00"),
        ("2026-01-31T12:00", "2026-01-31T11:00", "2026-01-31T11:00"),
    ],
)
def test_a_day_a_month_and_a_year_have_an_end(text: str, begin: str, end: str) -> None:
    found = read_period(text, now=NOW)
    assert found.begin == dt.datetime.fromisoformat(begin).replace(tzinfo=dt.UTC)
    assert found.end == dt.datetime.fromisoformat(end).replace(tzinfo=dt.UTC)


def test_the_last_year_of_the_calendar_has_an_end() -> None:
    assert read_period("9999", now=NOW).end.year == 9999


def test_a_month_ago_is_the_last_day_of_a_shorter_month() -> None:
    now = dt.datetime(2026, 3, 31, 12, tzinfo=dt.UTC)
    assert read_when("1mo", now=now).isoformat() == "2026-02-28T13:00:00+00:00"  # summer time ends


@pytest.mark.parametrize("text", ["5m", "5 m", "12M"])
def test_minutes_and_months_are_not_guessed(text: str) -> None:
    with pytest.raises(InputError, match="minutes or months"):
        read_when(text, now=NOW)


def test_an_hour_that_a_night_leaves_out_is_one_of_its_neighbours() -> None:
    found = read_when("2026-03-29T02:30", now=NOW)  # which one, Python's versions see differently
    assert found.isoformat() in {"2026-03-29T00:30:00+00:00", "2026-03-29T01:30:00+00:00"}


@pytest.mark.parametrize(
    "text",
    ["", "soon", "7", "7x", "-7d", "2026-13-01", "2026-02-30", "31.02.2026", "999999w", "2026-13",
     "9999y", "999999mo", "0000", "2026-W01", "20241", "12/01/2024",
     "0001-01-01", "9999-12-31T23:59-14:00", "12:00", "7d\0"],
)  # fmt: skip
def test_anything_else_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(InputError, match="2026-01-31T12:00"):
        read_when(text, now=NOW)


def test_nothing_lies_between_bounds_that_are_swapped() -> None:
    with pytest.raises(InputError, match="the period is empty"):
        since_until("2026-02-01", "2026-01-01")
    first, last = since_until("2026-01-01", "")
    assert first is not None
    assert last is None


def test_a_duration_is_a_number_and_a_unit() -> None:
    assert read_duration("90s") == dt.timedelta(seconds=90)
    assert read_duration("2h") == dt.timedelta(hours=2)
    with pytest.raises(InputError, match="not a duration"):
        read_duration("1w")
