"""What runs of one archive share while they tag: how a server may be asked, what a job may cost.

A limit that cannot be read or written, as in a locked database, is as if no other run were there:
what a run has paid for counts more. Knows no rule of pace or cost (`taggers.llm`).
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass

from tgtagger.errors import TgTaggerError
from tgtagger.store import Store


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The rate limits of a server (`rate_limiter.SharedLimits`)."""

    store: Store
    url: str

    def closed_for(self) -> float:
        """Return for how many seconds the server is closed."""
        now = time.time()
        with contextlib.suppress(TgTaggerError):
            return max(self.store.limits.closed_until(self.url, now) - now, 0.0)
        return 0.0

    def close(self, seconds: float) -> None:
        """Close the server for so many seconds."""
        now = time.time()
        with contextlib.suppress(TgTaggerError):
            self.store.limits.close(self.url, now + seconds, now)

    def take_turns(self, seconds: float) -> float:
        """Take the next so many seconds of the pace; return the seconds until they begin."""
        now = time.time()
        with contextlib.suppress(TgTaggerError):
            return max(self.store.limits.take_turns(self.url, seconds, now) - now, 0.0)
        return 0.0


@dataclass(frozen=True, slots=True)
class JobBudget:
    """What all who work at a job may spend together (`costs.Budget`)."""

    store: Store
    job: int
    cap: float

    def take(self, least: float, most: float) -> float:
        """Take some of what is left; 0 if less than `least` is."""
        return self.store.jobs.spend(self.job, least, most, self.cap)

    def settle(self, over: float) -> None:
        """Note what was spent beyond what was taken; a negative sum comes back."""
        with contextlib.suppress(TgTaggerError):
            self.store.jobs.spend(self.job, over, over, math.inf)
