"""The rate limits that all runs share which ask one server, whatever machine they run on.

Times are seconds since 1970, by the clocks of those who write them: one that lies further ahead
than any pause is of a clock that was wrong, and counts for nothing. Knows no server.
"""

from __future__ import annotations

from tgtagger.store.database import Part
from tgtagger.store.statements import Statement

LONGEST = 3600.0
"""Seconds: nothing is further ahead by a right clock."""

_CLOSED = Statement("SELECT closed_until FROM rate_limits WHERE url = :url")
_CLOSE = Statement(
    "INSERT INTO rate_limits (url, closed_until) VALUES (:url, :until) "
    "ON CONFLICT (url) DO UPDATE SET closed_until = excluded.closed_until "
    "WHERE rate_limits.closed_until IS NULL "
    "OR rate_limits.closed_until NOT BETWEEN excluded.closed_until AND :latest"
)
_TAKE = Statement(
    "INSERT INTO rate_limits (url, next_at) VALUES (:url, :end) "
    "ON CONFLICT (url) DO UPDATE SET next_at = CASE "
    "WHEN rate_limits.next_at BETWEEN :now AND :latest "
    "THEN rate_limits.next_at + :seconds ELSE excluded.next_at END RETURNING next_at"
)


class Limits(Part):
    """What all runs share that ask a server, by its address."""

    def closed_until(self, url: str, now: float) -> float:
        """Return until when a server asked for no more requests; 0: it is not closed."""
        with self._database.read() as db:
            (until,) = _CLOSED(db, url=url).fetchone() or (None,)
        return float(until) if until is not None and now < until <= now + LONGEST else 0.0

    def close(self, url: str, until: float, now: float) -> None:
        """Let no run ask a server until then, unless it is closed for longer."""
        with self._database.write(beside=True) as db:
            _CLOSE(db, url=url, until=until, latest=now + LONGEST)

    def take_turns(self, url: str, seconds: float, now: float) -> float:
        """Take the next so many seconds of a server's time; return when they begin."""
        with self._database.write(beside=True) as db:
            row = _TAKE(
                db, url=url, now=now, end=now + seconds, latest=now + LONGEST, seconds=seconds
            ).fetchone()
        return float(row[0]) - seconds
