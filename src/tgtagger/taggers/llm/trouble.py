"""When nothing succeeds: what becomes of posts that are given up, and whether the run goes on.

A post whose turns are over has failed, unless nothing succeeded since: then it may be the server's
fault, and the post is held until that is known. What fails too often in a row is left to the next
model; after the last one the run ends, with an error that says why. The rest stays as it was.

Only what becomes of the current model's requests tells whether the server, or the model, does its
work: not what was asked of an earlier one that is given up by now, nor of a later one that has its
turn with posts that the current one does not take.

Pure. Knows no request and no answer: it is told what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tgtagger.errors import ActionNeeded, TgTaggerError, TryLater
from tgtagger.model.tagging import StopClass
from tgtagger.taggers.llm.api.responses import Verdict
from tgtagger.taggers.llm.pending import PendingEvents
from tgtagger.taggers.llm.queue import GivenUp, Job, Jobs
from tgtagger.taggers.llm.rate_limiter import ALONE_AFTER, BREAKER, RateLimiter


def stop_of(verdict: Verdict, *, url: str, model: str) -> TgTaggerError:
    """Return the end of a run that a server's response means."""
    kind: StopClass = verdict.stop or "wrong_address"
    error = TryLater if verdict.comes_back else ActionNeeded
    return error(kind, url=url, model=model, reason=verdict.message, comes_back=verdict.comes_back)


class Trouble:
    """Counts what fails in a row. `stop` is why the run ends, None as long as it goes on."""

    def __init__(
        self,
        models: Sequence[str],
        url: str,
        jobs: Jobs,
        limiter: RateLimiter,
        pending: PendingEvents,
    ) -> None:
        self._models = models
        self._url = url
        self._jobs = jobs
        self._limiter = limiter
        self._pending = pending
        self._useless = 0  # answers in a row without a usable tag
        self._has_succeeded = False
        self.stop: TgTaggerError | None = None

    def halt(self, stop: TgTaggerError) -> None:
        """End the run; the first reason counts."""
        self.stop = self.stop or stop

    @property
    def in_a_row(self) -> int:
        """How many requests failed, or answers were useless, without one between that was not."""
        return max(self._limiter.failures, self._useless)

    # ---- what is told

    def succeeded(self, model: int) -> None:
        """Note that the server does its work: what failed before has failed by itself."""
        self._has_succeeded = True
        if model == self._jobs.model:
            for given in self._jobs.held:
                self._pending.put_failed(given)
            self._jobs.held.clear()

    def was_useful(self) -> None:
        self._useless = 0

    def was_useless(self, model: int) -> None:
        self._useless += model == self._jobs.model

    def give_up(self, given: GivenUp) -> None:
        """Let the next model have its turn; after the last one the posts fail, or are held."""
        if self._jobs.pass_on(given.job):
            return
        if self._limiter.failures or not given.reached:
            self._jobs.held.append(given)
        else:
            self._pending.put_failed(given)

    # ---- whether the run goes on

    def check(self, model: int, message: str, *, are_last: bool) -> None:
        """Go on with the next model, or end the run, when nothing succeeds any more.

        `are_last`: no post is left that was not asked for yet.
        """
        if model != self._jobs.model:
            return
        why = f"{self._models[model]} does not answer as it should ({message})"
        if self.in_a_row >= ALONE_AFTER and self._use_next_model(why):
            return
        if self._limiter.is_down:
            self._end_down(message, are_last=are_last)
        elif self._useless >= BREAKER:
            self.halt(TryLater("provider_down", answers=self._useless, reason=message))

    def _end_down(self, message: str, *, are_last: bool) -> None:
        """End the run. A post that failed in an earlier one, and now had its turn, had its turn.

        So had a new one, if the server did its work for all others: they are all that is left.
        """
        are_left = self._has_succeeded and are_last
        for given in self._jobs.held:
            tried = tuple(post for post in given.job.posts if post.attempts or are_left)
            if given.reached and tried:
                self._pending.put_failed(replace(given, job=replace(given.job, posts=tried)))
        self._jobs.held.clear()
        self.halt(self._down(message))

    def end_held(self) -> None:
        """Nothing else is left: what the server was asked has failed; what never came to it, waits.

        That ends the run.
        """
        for given in self._jobs.held:
            if given.reached:
                self._pending.put_failed(given)
            else:
                self.halt(self._down(given.message))
        self._jobs.held.clear()

    def _down(self, message: str) -> TgTaggerError:
        return TryLater("provider_down", failures=self._limiter.failures, reason=message)

    def refused(self, job: Job, verdict: Verdict) -> None:
        """End the run, unless it is the model alone that is not there, and there is another."""
        if verdict.stop == "unknown_model" and self._do_without(job, verdict.message):
            return
        self.halt(stop_of(verdict, url=self._url, model=self._models[job.model]))

    def _do_without(self, job: Job, message: str) -> bool:
        """Pass over a model that is not there; False: it is the last one, and was to do it all."""
        what = f"there is no model {self._models[job.model]} ({message})"
        if job.model < self._jobs.model:
            self._jobs.put_back(job)
        elif job.model > self._jobs.model:
            if self._jobs.miss(job.model):
                self._pending.warn(
                    f"{what}: what others refuse goes to the next one, if there is one"
                )
            self.give_up(GivenUp(job, "refused", f"refused, and {what}"))
        elif self._use_next_model(what):
            self._jobs.put_back(job)
        else:
            return False
        return True

    def _use_next_model(self, why: str) -> bool:
        if not self._jobs.use_next_model():
            return False
        self._limiter.start_over()
        self._useless = 0
        self._pending.warn(f"{why}: going on with {self._models[self._jobs.model]}")
        return True
