"""Read a WHEN as people write it: a day, a moment, or how long ago. Knows no option."""

from __future__ import annotations

import datetime as dt
import os
import re
import time

from tgtagger.errors import InputError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def settle_zone() -> None:
    """Use UTC if Python cannot compute with the zone in TZ, as the system does for a wrong zone."""
    try:
        dt.datetime.now().astimezone()
    except ValueError:  # a zone a day away from UTC
        os.environ["TZ"] = "UTC"
        time.tzset()


def read_when(text: str, *, now: dt.datetime | None = None) -> dt.datetime:
    """Return the moment in UTC; a text without a zone is local time.

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
    return dt.timedelta(**{{"s": "seconds", **_UNITS}[found[2]]: int(found[1])})
