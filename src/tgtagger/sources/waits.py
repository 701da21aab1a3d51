"""Until when a source is left alone that asks for it: a moment, at most a day away.

What a server says may be anything, a number of years among it, and it is remembered: after a day
it is asked again. Pure but for the clock.
"""

from __future__ import annotations

import datetime as dt

LONGEST = 86_400.0
"""Seconds for which the word of a server is taken."""


def until(seconds: float) -> dt.datetime:
    """Return the moment that is so many seconds away."""
    return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=min(max(seconds, 1.0), LONGEST))


def left(moment: dt.datetime | None) -> float | None:
    """Return the seconds until a moment; None where there is none."""
    if moment is None:
        return None
    return max((moment - dt.datetime.now(dt.UTC)).total_seconds(), 0.0)
