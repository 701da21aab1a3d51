"""Numbers, sizes and times in words, the same everywhere; texts on one line. Pure."""

from __future__ import annotations

import datetime as dt

from tgtagger.model.archive import day_of, local
from tgtagger.system.terminal_text import clean


def one_line(text: str, width: int = 60) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(clean(text[: 10 * width]).split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"


def number(value: int) -> str:
    """Return `1 234 567` (with narrow no-break spaces, so that a line never breaks in it)."""
    return f"{value:,}".replace(",", "\u202f")


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def local_time(moment: dt.datetime | None) -> str:
    return local(moment).strftime("%Y-%m-%d %H:%M") if moment else "no date"


def ago(moment: dt.datetime | None, *, now: dt.datetime | None = None) -> str:
    """Return `3 h ago`, or the day when it is longer than a month."""
    if moment is None:
        return "never"
    seconds = int(((now or dt.datetime.now(dt.UTC)) - moment).total_seconds())
    if seconds < -60:  # by a clock that was ahead
        return day_of(moment)
    for size, unit in ((60, "s"), (3600, "min"), (86400, "h"), (30 * 86400, "d")):
        if seconds < size:
            step = {"s": 1, "min": 60, "h": 3600, "d": 86400}[unit]
            return "just now" if unit == "s" else f"{seconds // step} {unit} ago"
    return day_of(moment)


def duration(seconds: float) -> str:
    """Return `about 3 min`."""
    if seconds < 60:
        return "less than a minute"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"
