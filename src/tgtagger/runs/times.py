"""Read a WHEN as people write it: a day, a month, a moment, or how long ago. Knows no option."""

from __future__ import annotations

import datetime as dt
import os
import re
import time
from dataclasses import dataclass

from tgtagger.errors import InputError

_MONTHS = {"month": 1, "year": 12}
_SHORT = {
    "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
    "min": "minute", "ч": "hour", "д": "day", "н": "week", "нед": "week", "мес": "month",
    "г": "year",
    "час": "hour", "часа": "hour", "часов": "hour", "день": "day", "дня": "day", "дней": "day",
    "неделя": "week", "недели": "week", "недель": "week", "неделю": "week",
    "месяц": "month", "месяца": "month", "месяцев": "month",
    "год": "year", "года": "year", "лет": "year",
    "минута": "minute", "минуты": "minute", "минут": "minute",
}  # fmt: skip
_LONG = {name: name for name in ("minute", "hour", "day", "week", "month", "year")}
_UNITS = {**_SHORT, **_LONG, **{f"{name}s": name for name in _LONG}, "hr": "hour", "hrs": "hour",
          "mins": "minute", "yr": "year", "yrs": "year", "mos": "month", "wk": "week"}  # fmt: skip
_DAYS = {"today": 0, "yesterday": 1, "сегодня": 0, "вчера": 1}
_AGO = re.compile(r"(\d{1,6})\s*([^\W\d_]+)(?:\s+(?:ago|назад))?")
_DURATION = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Period:
    """What a WHEN means: a day, a month, a year, or a moment (then `end` is the same)."""

    begin: dt.datetime
    end: dt.datetime


def settle_zone() -> None:
    """Use UTC if Python cannot compute with the zone in TZ, as the system does for a wrong zone."""
    try:
        dt.datetime.now().astimezone()
    except ValueError:  # a zone a day away from UTC
        os.environ["TZ"] = "UTC"
        time.tzset()


def read_when(text: str, *, now: dt.datetime | None = None) -> dt.datetime:
    """Return the moment in UTC when the WHEN begins; a text without a zone is local time.

    Raises InputError naming the accepted forms.
    """
    return read_period(text, now=now).begin


def read_period(text: str, *, now: dt.datetime | None = None) -> Period:
    """Return what a WHEN means, in UTC; a text without a zone is local time.

    Raises InputError naming the accepted forms, and for a bare `m`, minutes or months.
    """
    now = now or dt.datetime.now(dt.UTC)
    plain = " ".join(text.lower().split())
    try:
        if ago := _AGO.fullmatch(plain):
            if ago[2] == "m":
                raise InputError("date_ambiguous", text=text, number=ago[1])
            if ago[2] in _UNITS:
                moment = _before(now, int(ago[1]), _UNITS[ago[2]])
                return Period(moment, moment)
        return _calendar(plain, now) or _moment(text.strip())
    except (ValueError, OverflowError, OSError) as error:
        raise InputError("date_wrong", text=text) from error


def _before(now: dt.datetime, count: int, unit: str) -> dt.datetime:
    if unit not in _MONTHS:
        return now - dt.timedelta(**{f"{unit}s": count})
    import calendar  # now: half a millisecond of every start

    local = now.astimezone()
    months = local.year * 12 + local.month - 1 - count * _MONTHS[unit]
    year, month = divmod(months, 12)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    # Without its zone: the offset may have been another one then.
    moment = local.replace(year=year, month=month + 1, day=day, tzinfo=None)
    return moment.astimezone(dt.UTC)


def _calendar(text: str, now: dt.datetime) -> Period | None:
    """Return the day, month or year that a text names; None: it names none."""
    if text in _DAYS:
        day = now.astimezone().date() - dt.timedelta(days=_DAYS[text])
        return _days(day, day + dt.timedelta(days=1))
    if found := re.fullmatch(r"(\d{4})", text):
        year = int(found[1])
        return _days(dt.date(year, 1, 1), _first_of(year + 1, 1))
    month = re.fullmatch(r"(\d{4})[-/.](\d{1,2})", text)
    turned = re.fullmatch(r"(\d{1,2})[./](\d{4})", text)
    if month or turned:
        year, number = map(int, month.groups() if month else turned.groups()[::-1])  # type: ignore[union-attr]
        first = dt.date(year, number, 1)
        return _days(first, _first_of(year + number // 12, number % 12 + 1))
    whole = re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", text)
    turned = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text)
    if whole or turned:
        parts = whole.groups() if whole else turned.groups()[::-1]  # type: ignore[union-attr]
        day = dt.date(*map(int, parts))
        return _days(day, None if day == dt.date.max else day + dt.timedelta(days=1))
    return None


def _first_of(year: int, month: int) -> dt.date | None:
    return dt.date(year, month, 1) if year <= dt.MAXYEAR else None


def _days(first: dt.date, end: dt.date | None) -> Period:
    """Return the days from the first to before the end, by this machine's clock."""
    return Period(_midnight(first), _LAST if end is None else _midnight(end))


_LAST = dt.datetime.max.replace(tzinfo=dt.UTC)


def _midnight(day: dt.date) -> dt.datetime:
    # astimezone reads a naive moment as local time, daylight saving included.
    return dt.datetime.combine(day, dt.time()).astimezone(dt.UTC)


def _moment(text: str) -> Period:
    if not re.match(r"\d{4}-?\d\d-?\d\d|\d{1,2}\.\d{1,2}\.\d{4}", text):
        raise ValueError(text)
    if turned := re.match(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(.*)", text):
        day, month, year, rest = turned.groups()
        text = f"{year}-{int(month):02}-{int(day):02}{rest}"
    moment = dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    return Period(moment, moment)


def since_until(since: str, until: str) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return both bounds of a filter in UTC. Raises InputError if nothing lies between them."""
    first = read_when(since) if since else None
    last = read_when(until) if until else None
    if first and last and first >= last:
        raise InputError("period_empty", since=since, until=until)
    return first, last


def read_duration(text: str) -> dt.timedelta:
    """Return the seconds of `90s`, `10m`, `2h` or `1d`. Raises InputError for another text."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if found is None:
        raise InputError("duration_wrong", text=text)
    return dt.timedelta(**{_DURATION[found[2]]: int(found[1])})
