"""Moments as text: in UTC for programs, in this machine's time zone for people.

Knows neither how the database stores a time (`store.times`) nor what a user types (`runs.times`).
"""

from __future__ import annotations

import datetime as dt


def iso(moment: dt.datetime) -> str:
    """Return a moment in UTC as programs read it: `2026-01-31T12:00:00Z`."""
    return moment.isoformat("T", "seconds")[:19] + "Z"


def local(moment: dt.datetime) -> dt.datetime:
    """Return a moment in this machine's time zone; in UTC if that is beyond the calendar."""
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):  # the last day of 9999, east of Greenwich
        return moment


def day_of(moment: dt.datetime) -> str:
    """Return the day in this machine's time zone: `2026-01-31`."""
    return local(moment).date().isoformat()


def minute_of(moment: dt.datetime) -> str:
    """Return the day and the minute in this machine's time zone: `2026-01-31 12:00`."""
    return local(moment).isoformat(" ", "minutes")[:16]
