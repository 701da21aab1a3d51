"""The pending events of a plan, until they are taken: outcomes, waits, warnings, capabilities.

Pure. Does not know the reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tgtagger.model.tagging import (
    Answered,
    Attempt,
    ModelCapabilities,
    Outcome,
    PostForTagging,
    Provenance,
    TaggingError,
    Wait,
)
from tgtagger.taggers.llm.queue import GivenUp

WORTH_SAYING = 5.0
"""Seconds: a wait that no server asked for is told if it takes so long."""


@dataclass(frozen=True, slots=True)
class News:
    """The events to tell now: first the outcomes of posts, then the rest in its order.

    A text is a warning; capabilities are stored for the next run.
    """

    answered: tuple[Answered, ...]
    told: tuple[Wait | ModelCapabilities | str, ...]


class PendingEvents:
    """Collects events while requests end; `take` empties it."""

    def __init__(self, provenances: Sequence[Provenance]) -> None:
        self._provenances = provenances
        self._answered: list[Answered] = []
        self._told: list[Wait | ModelCapabilities | str] = []
        self._waits_until = 0.0  # the end of the last wait that was told

    def __bool__(self) -> bool:
        return bool(self._answered or self._told)

    def take(self) -> News:
        """Return all events, and forget them."""
        news = News(tuple(self._answered), tuple(self._told))
        self._answered, self._told = [], []
        return news

    def put(self, posts: Iterable[PostForTagging], model: int, outcome: Outcome) -> None:
        """Add the outcome of posts whose requests are all recorded, or that had none."""
        provenance = self._provenances[model]
        self._answered += [Answered(post, provenance, outcome) for post in posts]

    def put_failed(self, given: GivenUp) -> None:
        self.put(given.job.posts, given.job.model, TaggingError(given.failure, given.message))

    def put_attempts(
        self,
        posts: Sequence[PostForTagging],
        model: int,
        attempts: Sequence[Attempt],
        outcomes: Sequence[Outcome | None],
    ) -> None:
        """Record a request as an attempt for each of its posts, with the outcome."""
        provenance = self._provenances[model]
        self._answered += [
            Answered(post, provenance, outcome, attempt)
            for post, attempt, outcome in zip(posts, attempts, outcomes, strict=True)
        ]

    def remember(self, capabilities: ModelCapabilities) -> None:
        self._told.append(capabilities)

    def warn(self, message: str) -> None:
        self._told.append(message)

    def wait(self, seconds: float, now: float, reason: str, *, least: float = WORTH_SAYING) -> None:
        """Tell a wait of so many seconds, if it is long enough and not told yet."""
        if seconds >= least and now + seconds > self._waits_until + 1:
            self._waits_until = now + seconds
            self._told.append(Wait(seconds, reason))
