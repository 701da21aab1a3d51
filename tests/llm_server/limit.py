"""A limit on requests in a stretch of time, as providers count it.

Knows no HTTP but the headers that tell of it. Time comes from outside.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from llm_server.answers import Response, error
from llm_server.refusals import go_duration


@dataclass
class Limit:
    """So many requests in a window: one that begins with a request, or one that slides."""

    requests: int
    window: float = 60.0
    headers: bool = True  # x-ratelimit-* on every answer
    retry_after: bool = True  # on the refusals
    sliding: bool = False
    count_refused: bool = False  # a refused request uses up the limit, too
    clock: Callable[[], float] | None = None  # None: the server's
    refused: int = 0
    _taken: deque[float] = field(default_factory=deque, repr=False)

    def take(self, server_now: float) -> bool:
        """Count a request; say whether it may pass."""
        now = self._forget(server_now)
        passes = len(self._taken) < self.requests
        if passes or self.count_refused:
            self._taken.append(now)
        self.refused += not passes
        return passes

    def told(self, server_now: float) -> dict[str, str]:
        """The headers of an answer."""
        if not self.headers:
            return {}
        now = self._forget(server_now)
        return {
            "x-ratelimit-limit-requests": str(self.requests),
            "x-ratelimit-remaining-requests": str(max(0, self.requests - len(self._taken))),
            "x-ratelimit-reset-requests": go_duration(self._wait(now)),
        }

    def refusal(self, server_now: float) -> Response:
        wait = self._wait(self._forget(server_now))
        # Rounded up: who waits as told must not come too early.
        shown = f"{math.ceil(wait * 1000) / 1000:.3f}".rstrip("0").rstrip(".")
        return error(
            429,
            f"Rate limit reached. Limit {self.requests}, Requested 1.",
            "requests",
            code="rate_limit_exceeded",
            headers={
                **self.told(server_now),
                **({"retry-after": shown} if self.retry_after else {}),
            },
        )

    def _forget(self, server_now: float) -> float:
        now = self.clock() if self.clock else server_now
        if self.sliding:
            while self._taken and now - self._taken[0] >= self.window:
                self._taken.popleft()
        elif self._taken and now - self._taken[0] >= self.window:
            self._taken.clear()
        return now

    def _wait(self, now: float) -> float:
        """Seconds until a request passes, or until the window ends when one would pass now."""
        if not self._taken:
            return 0.0
        if self.sliding and len(self._taken) >= self.requests:
            # The request whose leaving brings the count below the limit.
            return self._taken[len(self._taken) - self.requests] + self.window - now
        return self._taken[0] + self.window - now
