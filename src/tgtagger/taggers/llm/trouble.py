"""Decide, when nothing succeeds, what happens to given-up posts, and whether the run goes on.

A post whose turns are over has failed, unless nothing succeeded since: then the server may be the
reason, and the post is held until that is known. After too many failures in a row the next model is
asked; after the last one the run ends, with an error that says why. Other posts stay as they were.

Only requests to the current model tell whether the server, or the model, does its work. Two others
do not count: requests to an earlier model that is given up by now, and requests to a later model
that has its turn with posts that the current one refuses.

Pure. Knows no request and no answer: its caller tells what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tgtagger.errors import ActionNeeded, TgTaggerError, TryLater
from tgtagger.model.choices import StopClass
from tgtagger.taggers.llm.api.responses import Verdict
from tgtagger.taggers.llm.pending import PendingEvents
from tgtagger.taggers.llm.queue import GivenUp, Job, Jobs
from tgtagger.taggers.llm.rate_limiter import ALONE_AFTER, BREAKER, RateLimiter


def stop_of(verdict: Verdict, *, url: str, model: str) -> TgTaggerError:
    """Return the error with which a server's response ends the run."""
    kind: StopClass = verdict.stop or "wrong_address"
    error = TryLater if verdict.comes_back else ActionNeeded
    return error(kind, url=url, model=model, reason=verdict.message, comes_back=verdict.comes_back)


class Trouble:
    """Counts failures in a row. `stop` is the error that ends the run, None while it goes on."""

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
        self._useless = 0  # answers without a usable tag in a row
        self._has_succeeded = False
        self.has_heard = False  # a request reached the server
        self.stop: TgTaggerError | None = None

    def halt(self, stop: TgTaggerError) -> None:
        """End the run; the first reason counts."""
        self.stop = self.stop or stop

    @property
    def in_a_row(self) -> int:
        """Return how many requests in a row failed or had a useless answer."""
        return max(self._limiter.failures, self._useless)

    # ---- what happened

    def succeeded(self, model: int) -> None:
        """Note that the server does its work: then earlier failures are the posts' own."""
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

        `are_last`: every other post has been asked for.
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
        """End the run. A post that failed in an earlier run has now had its turn, and fails again.

        A new post fails, too, if the server did its work for all others: only such posts are left.
        """
        are_left = self._has_succeeded and are_last
        for given in self._jobs.held:
            tried = tuple(post for post in given.job.posts if post.attempts or are_left)
            if given.reached and tried:
                self._pending.put_failed(replace(given, job=replace(given.job, posts=tried)))
        self._jobs.held.clear()
        self.halt(self._down(message))

    def end_held(self) -> None:
        """Finish when only held posts are left: those that reached the server have failed.

        If others never reached it, they wait for the next run, and this run ends with an error.
        """
        for given in self._jobs.held:
            if given.reached:
                self._pending.put_failed(given)
            else:
                self.halt(self._down(given.message))
        self._jobs.held.clear()

    def not_there(self, message: str, provider: str | None) -> None:
        """End the run: no server listens at its address."""
        self.halt(
            TryLater(
                "provider_down", url=self._url, is_there=False, provider=provider, reason=message
            )
        )

    def _down(self, message: str) -> TgTaggerError:
        return TryLater("provider_down", failures=self._limiter.failures, reason=message)

    def refused(self, job: Job, verdict: Verdict) -> None:
        """End the run, unless only the model is missing and there is another one."""
        if verdict.stop == "unknown_model" and self._do_without(job, verdict.message):
            return
        self.halt(stop_of(verdict, url=self._url, model=self._models[job.model]))

    def _do_without(self, job: Job, message: str) -> bool:
        """Pass over a missing model; return False if it is the last one that could do the work."""
        what = f"there is no model {self._models[job.model]} ({message})"
        if job.model < self._jobs.model:
            self._jobs.put_back(job)
        elif job.model > self._jobs.model:
            if self._jobs.miss(job.model):
                self._pending.warn(
                    f"{what}: posts that other models refuse go to the next model, if there is one"
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
        self._pending.warn(f"{why}: the run continues with {self._models[self._jobs.model]}")
        return True
