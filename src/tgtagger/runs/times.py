"""WHEN, as people write it: a day, a moment, or how long ago."""

from __future__ import annotations

import datetime as dt
import os
import re
import time

from tgtagger.errors import InputError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def settle_zone() -> None:
    """Take UTC where Python cannot reckon with the zone in TZ, as the system does for rubbish."""
    try:
        dt.datetime.now().astimezone()
    except ValueError:  # a day away from UTC
        os.environ["TZ"] = "UTC"
        time.tzset()


def read_when(text: str, *, now: dt.datetime | None = None) -> dt.datetime:
    """Return the moment meant, in UTC; without a zone it is local time.

    Raises InputError naming the accepted forms.
    """
    now = now or dt.datetime.now(dt.UTC)
    try:
        if ago := re.fullmatch(r"(\d{1,6})([mhdw])", text.strip()):
            return now - dt.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        # astimezone reads a naive moment as local time, daylight saving included.
        return dt.datetime.fromisoformat(text.strip()).astimezone(dt.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError("date_wrong", text=text) from error


def since_until(since: str, until: str) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return both bounds of a filter; raise InputError if nothing lies between them."""
    first = read_when(since) if since else None
    last = read_when(until) if until else None
    if first and last and first >= last:
        raise InputError("period_empty", since=since, until=until)
    return first, last


def read_duration(text: str) -> dt.timedelta:
    """Return how long `90s`, `10m`, `2h` or `1d` is."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if found is None:
        raise InputError("duration_wrong", text=text)
    return dt.timedelta(**{{"s": "seconds", **_UNITS}[found[2]]: int(found[1])})
