"""Read how long a server asks to wait, in each form that servers use; and the limits that it tells.

Servers write seconds, milliseconds, dates, Go's durations, moments since 1970: in headers, in the
error's metadata, in its words. A senseless value becomes None. Pure. Knows no verdict.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tgtagger.taggers.llm.api.bodies import as_text, error_in

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_TRY_AGAIN = re.compile(
    r"(?:try|retry)(?: again)? (?:in|after) ((?:\d+(?:\.\d+)? ?(?:ms|s|m|h))+)", re.IGNORECASE
)


def server_wait(headers: Mapping[str, str], tree: Any, now: float) -> float | None:
    """Return the seconds that a server asks to wait; None without a sensible value."""
    if (asked := asked_wait(headers, now)) is not None:
        return asked
    if (reset := _reset_of_exhausted(headers, now)) is not None:
        return reset
    error = error_in(tree)
    if isinstance(error, dict):
        metadata = error.get("metadata")
        inner = metadata.get("headers") if isinstance(metadata, dict) else None
        if isinstance(inner, dict):
            lower = {str(name).lower(): as_text(value) for name, value in inner.items()}
            if (reset := server_wait(lower, None, now)) is not None:
                return reset
        if (delay := _retry_delay(error.get("details"))) is not None:
            return delay
        error = error.get("message")
    if isinstance(error, str) and (found := _TRY_AGAIN.search(error)):
        return go_seconds(found[1].lower().replace(" ", ""))
    return None


def _retry_delay(details: Any) -> float | None:
    """Return the wait in Google's details of an error."""
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(delay := detail.get("retryDelay"), str):
            return go_seconds(delay)
    return None


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds in the headers that ask for a wait."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    return _retry_after(headers.get("retry-after"), now)


def go_seconds(text: str) -> float | None:
    """Return the seconds of a duration as Go writes it: `12ms`, `6m0s`, `1h2m3.5s`."""
    if not re.fullmatch(rf"(?:{_DURATION.pattern})+", text):
        return None
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
    return seconds if math.isfinite(seconds) else None


def time_there(headers: Mapping[str, str], now: float) -> float:
    """Return the time of the answering server's clock; our own time if it tells none.

    So a wait until a moment is right, even if our clock is wrong.
    """
    moment = _date(headers.get("date"))
    return now if moment is None else moment


def _date(text: str | None) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(text or "")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        return moment.timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _retry_after(text: str | None, now: float) -> float | None:
    if text is None or (value := _number(text)) is not None:
        return None if text is None else value
    moment = _date(text)
    return None if moment is None else max(moment - now, 0.0)


def _moment(text: str | None, now: float) -> float | None:
    """Return the seconds until a reset: a duration, seconds, or an epoch in seconds or ms."""
    if text is None:
        return None
    value = _number(text)
    if value is None:
        return go_seconds(text)
    if value > 1e11:
        return max(value / 1000 - now, 0.0)
    return max(value - now, 0.0) if value > 1e9 else value


def _reset_of_exhausted(headers: Mapping[str, str], now: float) -> float | None:
    resets = {}
    for what in ("requests", "tokens"):
        reset = _moment(headers.get(f"x-ratelimit-reset-{what}"), now)
        if reset is not None:
            resets[what] = reset
    spent = [
        reset
        for what, reset in resets.items()
        if _number(headers.get(f"x-ratelimit-remaining-{what}")) == 0
    ]
    if spent or resets:
        return max(spent or resets.values())
    return _moment(headers.get("x-ratelimit-reset"), now)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that a server tells in the headers of an answer."""

    left: float | None = None  # requests in this window
    reset: float | None = None  # seconds until the next window
    tokens_left: float | None = None
    tokens_reset: float | None = None


NO_LIMITS = Limits()


def limits_of(headers: Mapping[str, str], now: float) -> Limits:
    """Return the limits that an answer's headers tell, `now` by our clock.

    Most local servers tell none.
    """
    if not any(name.startswith("x-ratelimit-") for name in headers):
        return NO_LIMITS
    now = time_there(headers, now)
    return Limits(
        _number(
            headers.get("x-ratelimit-remaining-requests", headers.get("x-ratelimit-remaining"))
        ),
        _moment(headers.get("x-ratelimit-reset-requests", headers.get("x-ratelimit-reset")), now),
        _number(headers.get("x-ratelimit-remaining-tokens")),
        _moment(headers.get("x-ratelimit-reset-tokens"), now),
    )
