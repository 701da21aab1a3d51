"""Plots as SVG: where the bars, the lines and the labels of counts over time stand.

Sizes are in the plot's own units, which a page scales; colours come from the style sheet by class.
Knows no page, no archive and no language: a label is a number or a part of a date.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

WIDTH, HEIGHT = 480, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 22, 8, 22
"""Room around the bars, for labels."""

WIDEST = 36
"""The widest bar; a few stand apart."""

MOST_DAYS, MOST_MONTHS = 62, 120
"""Bars of days, and of months; of a longer time the years are shown."""

Unit = Literal["day", "month", "year"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; `label` is its day, month or year, `value` what it stands for."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A label beside an axis, and its place on it."""

    at: float
    text: str
    value: float = 0


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars over time, with a scale at the left and dates below."""

    unit: Unit
    bars: tuple[Bar, ...]
    scale: tuple[Mark, ...]
    dates: tuple[Mark, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT

    @property
    def right(self) -> int:
        return self.width - RIGHT

    @property
    def total(self) -> float:
        return sum(bar.value for bar in self.bars)

    @property
    def highest(self) -> Bar:
        """The highest bar, the latest of several."""
        return max(reversed(self.bars), key=lambda bar: bar.value)


def over_time(counts: Iterable[tuple[dt.date, float]], unit: Unit | None = None) -> Plot | None:
    """Return a plot of counts by day, in bars of days, months or years; None for no counts.

    A time without counts is a gap: it has a bar of no height. Days that have not come are left
    out: a clock was wrong, and would make a plot of gaps.
    """
    found = sorted(count for count in counts if count[0] <= _tomorrow())
    if not found:
        return None
    first, last = found[0][0], found[-1][0]
    unit = unit or unit_for(first, last)
    times = _times(first, last, unit)
    sums = dict.fromkeys(times, 0.0)
    for day, value in found:
        sums[_start(day, unit)] += value
    return _drawn([(_label(time, unit), value) for time, value in sums.items()], unit)


LINE_WIDTH, LINE_HEIGHT = 200, 40


@dataclass(frozen=True, slots=True)
class Line:
    """A line over time without axes, to lie beside others: an SVG path, and its values."""

    path: str
    area: str  # the same, closed below
    first: str
    last: str
    highest: float
    width: int = LINE_WIDTH
    height: int = LINE_HEIGHT


def line_of(counts: Iterable[tuple[dt.date, float]], first: dt.date, last: dt.date) -> Line:
    """Return counts by day as a line from one day to another; what lies outside is left out."""
    last = max(first, min(last, _tomorrow()))
    unit = unit_for(first, last)
    sums = dict.fromkeys(_times(first, last, unit), 0.0)
    for day, value in counts:
        if first <= day <= last:
            sums[_start(day, unit)] += value
    highest = max(sums.values())
    step = LINE_WIDTH / max(1, len(sums) - 1)
    points = [
        f"{at * step:.1f} {2 + (LINE_HEIGHT - 3) * (1 - value / (highest or 1)):.1f}"
        for at, value in enumerate([*sums.values()] * (2 if len(sums) == 1 else 1))
    ]
    path = "M" + "L".join(points)
    ends = _label(first, unit), _label(last, unit)
    return Line(path, f"{path}V{LINE_HEIGHT}H0Z", *ends, highest)


def unit_for(first: dt.date, last: dt.date) -> Unit:
    """Return the unit in which a time has neither too many bars nor too few."""
    if (last - first).days < MOST_DAYS:
        return "day"
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    return "month" if months <= MOST_MONTHS else "year"


def top_of_scale(highest: float) -> tuple[float, float]:
    """Return (top, step) of a scale: round numbers, three to five steps up to the highest."""
    if highest <= 0:
        return 1.0, 1.0
    rough = highest / 5
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * round_ for round_ in (1, 2, 2.5, 5, 10) if size * round_ >= rough)
    return step * math.ceil(highest / step - 1e-9), step


def _drawn(sums: Sequence[tuple[str, float]], unit: Unit) -> Plot:
    highest = max(value for _, value in sums)
    top, step = top_of_scale(highest)
    if all(value == int(value) for _, value in sums):  # counts: no half posts
        step = max(1.0, math.ceil(step))
        top = step * math.ceil(max(highest, 1) / step)
    inner, depth = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    each = inner / len(sums)
    gap = max(min(each * 0.2, 4), each - WIDEST)
    bars = tuple(
        Bar(
            round(LEFT + at * each + gap / 2, 2),
            round(TOP + depth * (1 - value / top), 2),
            round(each - gap, 2),
            round(depth * value / top, 2),
            label,
            int(value) if value == int(value) else value,
        )
        for at, (label, value) in enumerate(sums)
    )
    scale = tuple(
        Mark(round(TOP + depth * (1 - at * step / top), 2), _short(at * step), at * step)
        for at in range(round(top / step) + 1)
    )
    return Plot(unit, bars, scale, _dates(bars, unit))


def _dates(bars: Sequence[Bar], unit: Unit) -> tuple[Mark, ...]:
    """Return labels below some of the bars, as many as there is room for."""
    room = {"day": 48, "month": 58, "year": 40}[unit]
    each = (WIDTH - LEFT - RIGHT) / len(bars)
    every = max(1, math.ceil(room / each))
    if unit == "month":  # at the same month of each year, where that is enough
        every = next((n for n in (1, 2, 3, 4, 6, 12, 24, 36, 60) if n >= every), every)
    shown = range(len(bars) - 1, -1, -every)
    return tuple(
        Mark(round(bars[at].x + bars[at].width / 2, 2), bars[at].label[5 if unit == "day" else 0 :])
        for at in reversed(shown)
    )


_SHORT = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def _short(value: float) -> str:
    """Return a number for a scale: `1500`, `20k`, `0.05`."""
    for size, unit in _SHORT:
        if value >= 10 * size or (value >= size and value % (size / 10) == 0):
            return f"{value / size:g}{unit}"
    return f"{value:.4g}"


def _tomorrow() -> dt.date:
    return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)


def _start(day: dt.date, unit: Unit) -> dt.date:
    if unit == "day":
        return day
    return day.replace(day=1) if unit == "month" else day.replace(month=1, day=1)


def _next(time: dt.date, unit: Unit) -> dt.date:
    return _start(time + dt.timedelta(days={"day": 1, "month": 31, "year": 366}[unit]), unit)


def _times(first: dt.date, last: dt.date, unit: Unit) -> list[dt.date]:
    times = [_start(first, unit)]
    while times[-1] < _start(last, unit):
        times.append(_next(times[-1], unit))
    return times


def _label(time: dt.date, unit: Unit) -> str:
    return time.isoformat()[: {"day": 10, "month": 7, "year": 4}[unit]]
