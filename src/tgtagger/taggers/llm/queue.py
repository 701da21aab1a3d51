"""Posts that wait to be asked, for the first time or again, and what becomes of those given up.

A turn of a post is up to three requests to a model: in its group, in half of it, alone. Then the
next model has its turn; after the last one the post has failed. While nothing succeeds it is not
said so yet, since it may be the server's fault.

Pure. Knows no server; time is given.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from tgtagger.model.tagging import FailureClass, PostForTagging
from tgtagger.taggers.llm.groups import REQUESTS, smaller


@dataclass(frozen=True, slots=True)
class Job:
    """Posts that go together. `tries` are the requests of this turn so far."""

    posts: tuple[PostForTagging, ...]
    model: int = 0
    tries: int = 0
    not_before: float = 0.0
    share: int = 1  # of what is usually sent of a post: 2 is half of it
    again: bool = False  # it was sent before, for whatever reason


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Posts whose turn is over. `reached` tells whether the server was asked at all."""

    job: Job
    failure: FailureClass
    message: str
    reached: bool = True


class Jobs:
    """The posts that are asked again, in order; `held` are given up, but not failed yet."""

    def __init__(self, models: int) -> None:
        self._models = models
        self._waiting: deque[Job] = deque()
        self.held: list[GivenUp] = []
        self.model = 0  # asked first, from now on
        self._missing: set[int] = set()  # models that are not there

    def take(self, now: float) -> Job | None:
        """Return the first job that is due."""
        for at, job in enumerate(self._waiting):
            if job.not_before <= now:
                del self._waiting[at]
                # A model that is down meanwhile is not asked any more.
                return job if job.model >= self.model else replace(job, model=self.model, tries=0)
        return None

    def due(self) -> float | None:
        """Return when the next job is due; None: there is none."""
        return min((job.not_before for job in self._waiting), default=None)

    def put_back(self, job: Job) -> None:
        """Ask the same again, first of all: it was not the posts' fault."""
        self._waiting.appendleft(job)

    def put_off(self, job: Job) -> None:
        """Ask later, after what waits already."""
        self._waiting.append(job)

    def ask_again(self, job: Job, *, due: float, together: bool) -> bool:
        """Ask again, in smaller groups unless `together`; False: the turn is over."""
        tries = job.tries + 1
        if tries >= REQUESTS:
            return False
        for posts in [job.posts] if together else smaller(job.posts, tries):
            self._waiting.append(replace(job, posts=posts, tries=tries, not_before=due, again=True))
        return True

    def bisect(self, job: Job) -> bool:
        """Ask for smaller groups to find the bad post; False: it is alone already."""
        if len(job.posts) == 1:
            return False
        tries = min(job.tries + 1, REQUESTS - 1)
        for posts in smaller(job.posts, tries):
            self._waiting.appendleft(replace(job, posts=posts, tries=tries, again=True))
        return True

    def pass_on(self, job: Job) -> bool:
        """Let the next model have its turn; False: there is none."""
        model = self._after(job.model)
        if model is None:
            return False
        self._waiting.append(Job(job.posts, model, again=True))
        return True

    def miss(self, model: int) -> bool:
        """Note that a model is not there; tell whether that is news."""
        is_news = model not in self._missing
        self._missing.add(model)
        return is_news

    def _after(self, model: int) -> int | None:
        later = (each for each in range(model + 1, self._models) if each not in self._missing)
        return next(later, None)

    def use_next_model(self) -> bool:
        """Ask the next model from now on, also for what is held; False: there is none."""
        model = self._after(self.model)
        if model is None:
            return False
        self.model = model
        self._waiting.extend(Job(held.job.posts, self.model, again=True) for held in self.held)
        self.held.clear()
        return True
