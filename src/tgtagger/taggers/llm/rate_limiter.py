"""The rate limiter: when the next request may go, and whether the provider is down.

One for all requests of a run. After a throttled request no request goes for as long as the server
says; then one request goes alone, and when it is answered all may go. The first request of a run
goes alone, too, and so do requests while they fail without a success between. The pace comes from
the user, from the server's headers, or from what the server took: when it throttles, as many
requests a second as were answered since the last pause began, the pause included. After a quiet
minute the pace rises by a tenth.

Other runs may ask the same server: what they share, a pause and the user's pace, is asked of
`SharedLimits`, now and then.

Pure but for that; every call passes the time, in seconds that only rise. Knows no server and no
post: its caller tells what happened.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple, Protocol

from tgtagger.taggers.llm.api.rate_limits import NO_LIMITS, Limits

LONGEST_BACKOFF = 60.0
"""Seconds between two tries at most, where the server does not say."""

LEAST_PAUSE = 0.01
"""Seconds of a pause without a server's wait: pauses of 0 would never add up to end a run."""

BREAKER = 10
"""After so many failures without a success between, the provider counts as down."""

ALONE_AFTER = 3
"""After so many failures in a row, requests go one at a time."""

ENOUGH = 8
"""Answers between two pauses that are enough to tell a server's pace; fewer only say: slower."""

LONG = 15.0
"""Seconds between two pauses: after so long even few answers tell a pace, a slow one."""

SLOWEST = 0.1
"""Requests a second: a single throttled request, perhaps by chance, slows to this at most."""

LEAST_NEWS = 0.2
"""Seconds: other runs are not told of a pause that is longer by less."""

SHORT = 120.0
"""Seconds: a limit that is renewed later than this does not set the pace."""

QUIET = 60.0
"""After so many seconds without a throttled request the pace rises."""


LOOK_EVERY = 1.0
"""Seconds between two looks at what other runs were told; of the turns taken in one go."""


class SharedLimits(Protocol):
    """What all runs share that ask one server."""

    def closed_for(self) -> float:
        """Return for how many seconds no request may go, as far as other runs were told."""

    def close(self, seconds: float) -> None:
        """Tell all that no request may go for so many seconds."""

    def take_turns(self, seconds: float) -> float:
        """Take the next so many seconds of the pace; return the seconds until they begin."""


class Ticket(NamedTuple):
    """The state of the rate limiter when a request was sent."""

    pauses: int
    troubles: int


class RateLimiter:
    """For every request call `sent`, then one of `answered`, `throttled`, `failed`, `dropped`.

    Since the last success: `waited` is the seconds of pauses, `failures` the number of failures,
    `throttles` the throttled requests that made a pause. `closed_until` is the end of the current
    pause.
    """

    def __init__(
        self,
        concurrency: int,
        *,
        rpm: int = 0,
        base: float = 1.0,
        longest_wait: float = 120.0,
        shared: SharedLimits | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._most = concurrency
        self._width = float(concurrency)
        self._rate = rpm / 60 if rpm else None  # requests a second
        self._ceiling = self._rate  # the user's rate is never exceeded
        self._base = base
        self._longest_wait = min(longest_wait, SHORT)
        self._chance = chance
        self._shared = shared
        self._look_at = 0.0
        self._turns = 0  # requests of the shared pace that this run may send
        self._taken = 0  # at the last time
        self._turns_until = 0.0
        self._told_until = 0.0  # the end of a pause that others were told
        self._running = 0
        self._alone = True
        self.closed_until = 0.0
        self._next_at = 0.0
        self._troubles = 0  # how often a failure came after a success
        self._pauses = 0  # so far; only an answer to a later request ends a pause
        self._pausing = False  # from a throttled request to the answer that ends the pause
        self._since = 0.0  # the time when the last pause began
        self._answers = 0  # since then
        self._rejected = 0  # throttled requests since then
        self._quiet_since = 0.0
        self.failures = 0  # without a success between
        self.throttles = 0  # the same of throttled requests, one for each pause
        self.waited = 0.0  # seconds of pauses without a success between

    @property
    def is_down(self) -> bool:
        return self.failures >= BREAKER

    def delay(self, now: float) -> float | None:
        """Return the seconds until a request may go; None: first a request in flight must end."""
        if self._running >= (1 if self._alone else max(1, int(self._width))):
            return None
        if self._shared is not None:
            self._look(self._shared, now)
        delay = max(self.closed_until - now, self._next_at - now, 0.0)
        if delay == 0.0 and self._shared is not None and self._ceiling is not None:
            delay = self._before_turn(self._shared, self._ceiling, now)
        return delay

    def _look(self, shared: SharedLimits, now: float) -> None:
        """Pause if another run was asked to wait; then one request goes alone, as after our own."""
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY
        pause = shared.closed_for()
        # For a longer one the run ends: that a request of its own finds out.
        if self.closed_until < now + pause <= now + self._longest_wait:
            self.closed_until = self._told_until = now + pause
            self._alone = True

    def _before_turn(self, shared: SharedLimits, rate: float, now: float) -> float:
        """Return the seconds until this run has a turn; take some at a time, which it can use."""
        if not self._turns or now >= self._turns_until:
            used, most = self._taken - self._turns, max(int(rate * LOOK_EVERY), 1)
            self._turns = self._taken = max(1, min(used if self._turns else 2 * used, most))
            # They end with their seconds. A minute has parts of one turn more, so it is longer.
            seconds = self._turns / rate * (1 + LOOK_EVERY / 60)
            self._next_at = now + shared.take_turns(seconds)
            self._turns_until = self._next_at + seconds
        return max(self._next_at - now, 0.0)

    def sent(self, now: float) -> Ticket:
        """Note that a request goes; return the ticket to pass when it ends."""
        self._running += 1
        self._turns -= self._turns > 0
        if not self._answers and not self._pausing and self._running == 1:
            self._since = now
        if self._rate:
            self._next_at = max(now, self._next_at) + 1 / self._rate
        return Ticket(self._pauses, self._troubles)

    def dropped(self) -> None:
        """Note the end of a request that tells nothing about the server's state."""
        self._running -= 1

    def answered(self, ticket: Ticket, now: float, limits: Limits = NO_LIMITS) -> None:
        """Note that the server answered: all requests may go on."""
        self._running -= 1
        self._answers += 1
        self.failures = 0
        self.waited = 0.0
        if ticket.pauses == self._pauses:  # otherwise it was in flight when the pause began
            self._alone = False
            self.throttles = 0
            if self._pausing:
                self._learn_rate(now)
        self._width = min(float(self._most), self._width + 1 / max(self._width, 1.0))
        if self._rate and now - self._quiet_since >= QUIET:
            self._quiet_since = now
            self._rate = min(self._rate * 1.1, self._ceiling or self._rate * 1.1)
        self._heed(now, limits)

    def throttled(self, ticket: Ticket, now: float, asked: float | None) -> float:
        """Begin a pause for all; return its seconds, never less than the server asked for."""
        self._running -= 1
        self._rejected += 1
        if ticket.pauses != self._pauses and asked is None:
            return max(self.closed_until - now, 0.0)  # it was in flight when the pause began
        if not self._pausing:
            self._width = max(1.0, self._width / 2)
        self._pausing = self._alone = True
        self._quiet_since = now
        pause = 0.0
        if asked is None or self.throttles:
            least = LEAST_PAUSE * 2.0 ** min(self.throttles, 20)
            pause = max(self._backoff(self.throttles), min(least, LONGEST_BACKOFF))
        if asked is not None:  # never less; but more, if it asks for 0 again and again
            pause = max(pause, asked + self._chance() * min(1.0, 0.1 * asked))
        if ticket.pauses == self._pauses:
            self._pauses += 1
            self.throttles += 1
        until = max(self.closed_until, now + pause)
        self.waited += until - max(now, self.closed_until)
        self._close(until, now)
        return until - now

    def failed(self, ticket: Ticket, now: float) -> None:
        """Count a failure of a server that may be down; after some in a row requests go alone.

        Requests that were in flight together fail together: they count as ALONE_AFTER at most.
        """
        self._running -= 1
        if self.failures == 0:
            self._troubles += 1
        if ticket.troubles == self._troubles or self.failures < ALONE_AFTER:
            self.failures += 1
        if self.failures >= ALONE_AFTER:
            self._alone = True
            pause = self._backoff(self.failures - ALONE_AFTER)
            self.closed_until = max(self.closed_until, now + pause)

    def hold(self, now: float, seconds: float) -> None:
        """Let no request go for so many seconds: a server in trouble asks for it."""
        self._close(now + seconds, now)

    def _close(self, until: float, now: float) -> None:
        """Let no request go until then; the server said so, which other runs should know."""
        self.closed_until = max(self.closed_until, until)
        is_news = until > max(now, self._told_until + LEAST_NEWS)
        if self._shared is not None and is_news:
            self._told_until = until
            self._shared.close(until - now)

    def retry_delay(self, tries: int) -> float:
        """Return the seconds before a failed request is repeated: full jitter."""
        return self._backoff(tries)

    def start_over(self) -> None:
        """Forget the failures: another model is asked from now on."""
        self.failures = 0
        self._alone = True

    def _backoff(self, tries: int) -> float:
        return self._chance() * min(LONGEST_BACKOFF, self._base * 2.0 ** min(tries, 20))

    def _learn_rate(self, now: float) -> None:
        """Set the pace to what the server took since the last pause began, that pause included.

        A single request that was throttled, and was answered at the next try, tells no pace.
        """
        seconds = now - self._since
        answers = self._answers - 1  # the one that ended the pause belongs to what follows
        is_telling = answers >= ENOUGH or (answers > 0 and seconds >= LONG)
        if self._rejected > 1 and seconds > 0 and is_telling:
            seen, now_at = answers / seconds, self._rate
            # Slow down in steps: a server may throttle for another reason than the pace.
            self._rate = seen if now_at is None else min(now_at, max(seen, 0.7 * now_at, SLOWEST))
        if self._rate is not None:
            self._next_at = now + 1 / self._rate
        self._pausing = False
        self._since, self._answers, self._rejected = now, 1, 0

    def _heed(self, now: float, limits: Limits) -> None:
        """Slow down before the server throttles. Ignore limits of hours and days."""
        if limits.left is not None and limits.reset and limits.reset <= self._longest_wait:
            free = limits.left - self._running
            if free < 1:
                self._close(now + limits.reset, now)
            else:  # spread the rest over the time until the next window, not too thin
                self._next_at = max(self._next_at, now + limits.reset / (free + 1) / 2)
        if (
            limits.tokens_left == 0
            and limits.tokens_reset
            and limits.tokens_reset <= self._longest_wait
        ):
            self._close(now + limits.tokens_reset, now)
