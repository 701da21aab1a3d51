"""Times as the database keeps them: UTC, ISO 8601, whole seconds.

Does not know how times are shown to people (`model.times`).
"""

from __future__ import annotations

import datetime as dt

from tgtagger.store.checks import WrongValueError


def to_text(moment: dt.datetime) -> str:
    """Return `2026-01-31T12:00:00Z` for an aware datetime."""
    if moment.tzinfo is not dt.UTC:
        moment = moment.astimezone(dt.UTC)
    return moment.isoformat("T", "seconds")[:19] + "Z"


def to_text_or_none(moment: dt.datetime | None) -> str | None:
    """Return the text of a time; None for None."""
    return None if moment is None else to_text(moment)


def moment(text: str) -> dt.datetime:
    """Return a stored time, aware. Raises WrongValueError if the text is not a time."""
    try:
        found = dt.datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise WrongValueError("a time") from None
    if found.tzinfo is None:
        raise WrongValueError("a time")
    return found


def from_text(text: str | None) -> dt.datetime | None:
    """Return a stored time; None for None. Raises WrongValueError."""
    return None if text is None else moment(text)


def now() -> str:
    """Return the text of the current time."""
    return to_text(dt.datetime.now(dt.UTC))
