"""What a plan has to tell, until it is asked for: what became of posts, waits, warnings, lessons.

Pure. Knows not why.
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
"""Seconds of a wait that nobody asked for from which on it is said."""


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told now: first what became of posts, then the rest in its order.

    A text is a warning; capabilities are to be remembered for the next run.
    """

    answered: tuple[Answered, ...]
    told: tuple[Wait | ModelCapabilities | str, ...]


class PendingEvents:
    """Filled while requests end; emptied by `take`."""

    def __init__(self, provenances: Sequence[Provenance]) -> None:
        self._provenances = provenances
        self._answered: list[Answered] = []
        self._told: list[Wait | ModelCapabilities | str] = []
        self._waits_until = 0.0  # the end of the wait that was told last

    def __bool__(self) -> bool:
        return bool(self._answered or self._told)

    def take(self) -> News:
        """Return all there is, and forget it."""
        news = News(tuple(self._answered), tuple(self._told))
        self._answered, self._told = [], []
        return news

    def put(self, posts: Iterable[PostForTagging], model: int, outcome: Outcome) -> None:
        """Tell what became of posts for which no request is to be written down (any more)."""
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
        """Write a request down for each of its posts, with what it brought."""
        provenance = self._provenances[model]
        self._answered += [
            Answered(post, provenance, outcome, attempt)
            for post, attempt, outcome in zip(posts, attempts, outcomes, strict=True)
        ]

    def remember(self, learned: ModelCapabilities) -> None:
        self._told.append(learned)

    def warn(self, message: str) -> None:
        self._told.append(message)

    def wait(self, seconds: float, now: float, reason: str, *, least: float = WORTH_SAYING) -> None:
        """Tell that nothing happens for so long, if it is long enough, and not told already."""
        if seconds >= least and now + seconds > self._waits_until + 1:
            self._waits_until = now + seconds
            self._told.append(Wait(seconds, reason))
