"""Plots: where bars, lines and labels stand; any counts give one that can be read."""

from __future__ import annotations

import datetime as dt
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgtagger.web import plots
from tgtagger.web.plots import HEIGHT, LINE_HEIGHT, LINE_WIDTH, WIDTH

DAY = dt.date(2016, 1, 31)


def day(number: int) -> dt.date:
    return DAY + dt.timedelta(days=number)


def test_no_counts_are_no_plot() -> None:
    assert plots.over_time([]) is None


@pytest.mark.parametrize(
    ("days", "unit", "first", "bars"),
    [(0, "day", "2016-01-31", 1), (61, "day", "2016-01-31", 62), (62, "month", "2016-01", 4),
     (3650, "year", "2016", 11)],
)  # fmt: skip
def test_the_unit_fits_the_time(days: int, unit: str, first: str, bars: int) -> None:
    plot = plots.over_time([(day(days), 1), (day(0), 2)])
    assert plot is not None
    assert (plot.unit, plot.bars[0].label, len(plot.bars)) == (unit, first, bars)
    assert plot.total == 3


def test_days_that_have_not_come_are_left_out() -> None:
    assert plots.over_time([(dt.date(9999, 12, 31), 1)]) is None
    line = plots.line_of([(DAY, 1)], DAY, dt.date(9999, 12, 31))
    assert len(line.path) < 10_000


def test_a_month_sums_its_days_and_a_gap_has_no_height() -> None:
    plot = plots.over_time([(day(0), 1), (day(-1), 2), (day(60), 4)], "month")
    assert plot is not None
    assert [(bar.label, bar.value) for bar in plot.bars] == [
        ("2016-01", 3), ("2016-02", 0), ("2016-03", 4),
    ]  # fmt: skip
    assert plot.bars[1].height == 0
    assert plot.highest.label == "2016-03"


@pytest.mark.parametrize(
    ("highest", "top", "step"),
    [(0, 1, 1), (1, 1, 0.2), (205, 250, 50), (0.03, 0.03, 0.01), (999_999, 1_000_000, 200_000)],
)
def test_a_scale_has_round_numbers(highest: float, top: float, step: float) -> None:
    assert plots.top_of_scale(highest) == pytest.approx((top, step))


def test_a_scale_of_counts_has_no_half_posts() -> None:
    plot = plots.over_time([(day(0), 1)])
    assert plot is not None
    assert [mark.text for mark in plot.scale] == ["0", "1"]


def test_a_scale_shortens_large_numbers() -> None:
    plot = plots.over_time([(day(0), 45_000)])
    assert plot is not None
    assert [mark.text for mark in plot.scale] == ["0", "10k", "20k", "30k", "40k", "50k"]


@given(
    st.dictionaries(
        st.dates(dt.date(1970, 1, 2), dt.date(2026, 1, 31)), st.integers(0, 10**9), min_size=1
    )
)
def test_everything_stands_inside_of_the_plot(counts: dict[dt.date, int]) -> None:
    plot = plots.over_time(counts.items())
    assert plot is not None
    assert plot.total == sum(counts.values())
    for bar in plot.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.01
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT
    places = [mark.at for mark in plot.dates]
    assert all(after - before > 30 for before, after in itertools.pairwise(places))
    assert 2 <= len(plot.scale) <= 7
    line = plots.line_of(counts.items(), min(counts), max(counts))
    for x, y in re.findall(r"([\d.]+) ([\d.]+)", line.path):
        assert 0 <= float(x) <= LINE_WIDTH
        assert 0 <= float(y) <= LINE_HEIGHT


def test_a_line_leaves_out_what_lies_outside_and_one_day_is_a_line_too() -> None:
    line = plots.line_of([(day(0), 3), (day(9), 5)], day(0), day(0))
    assert (line.highest, line.first, line.last) == (3, "2016-01-31", "2016-01-31")
    assert line.path.count("L") == 1
