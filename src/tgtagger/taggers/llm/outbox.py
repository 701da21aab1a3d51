"""What a run has to tell, until it is yielded: what became of posts, waits, notices, lessons.

Knows not why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tgtagger.model.tagging import (
    Answered,
    Attempt,
    Notice,
    Outcome,
    PostForTagging,
    Provenance,
    Step,
    TaggingError,
    Wait,
)
from tgtagger.taggers.llm.queue import GivenUp

WORTH_SAYING = 5.0
"""Seconds of a wait that nobody asked for from which on it is said."""


class Outbox:
    """Filled while requests end; emptied by `take`."""

    def __init__(self, provenances: Sequence[Provenance]) -> None:
        self._origins = provenances
        self._answered: list[Answered] = []
        self._said: list[Step] = []
        self._said_until = 0.0  # the end of the wait that was said last

    def __bool__(self) -> bool:
        return bool(self._answered or self._said)

    def take(self) -> list[Step]:
        """Return all there is, what became of posts first, and forget it."""
        steps: list[Step] = [tuple(self._answered)] if self._answered else []
        steps += self._said
        self._answered, self._said = [], []
        return steps

    def put(self, posts: Iterable[PostForTagging], model: int, outcome: Outcome) -> None:
        """Tell what became of posts for which no request is to be written down (any more)."""
        provenance = self._origins[model]
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
        provenance = self._origins[model]
        self._answered += [
            Answered(post, provenance, outcome, attempt)
            for post, attempt, outcome in zip(posts, attempts, outcomes, strict=True)
        ]

    def say(self, step: Step) -> None:
        self._said.append(step)

    def warn(self, message: str) -> None:
        self._said.append(Notice(message))

    def say_wait(
        self, seconds: float, now: float, reason: str, *, least: float = WORTH_SAYING
    ) -> None:
        """Say that nothing happens for so long, if it is long enough, and not said already."""
        if seconds >= least and now + seconds > self._said_until + 1:
            self._said_until = now + seconds
            self._said.append(Wait(seconds, reason))
