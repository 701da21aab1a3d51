"""The plan of a tagging run: what to send next, and what a response means for its posts.

`next` returns the next action, `take` takes a response. The outcomes of a response are told before
the next request takes its place: so an answer is on disk before its slot is used again. When
everything fails at once (a key, a quota, a provider that is down) the run ends with what was
answered, and the other posts stay as they were.

Pure; the caller passes the time, in seconds that only rise. Knows no event loop, no HTTP and no
store: `rate_limiter` tells when the next request may go, `queue` which posts wait, `exchange` what
an answer holds, `trouble` what happens when nothing succeeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tgtagger.errors import InputError, TgTaggerError, TryLater
from tgtagger.model.choices import FailureClass
from tgtagger.model.tagging import ModelCapabilities, PostForTagging, Provenance, Skipped
from tgtagger.taggers.llm.api.answers import ModelAnswer, read_answer
from tgtagger.taggers.llm.api.capabilities import CapabilitiesByModel
from tgtagger.taggers.llm.api.responses import Response, Verdict
from tgtagger.taggers.llm.costs import Costs
from tgtagger.taggers.llm.exchange import (
    Exchange,
    has_only_thoughts,
    is_prose,
    scrub,
    why_missing,
)
from tgtagger.taggers.llm.pending import News, PendingEvents
from tgtagger.taggers.llm.queue import (
    CLOUD,
    GivenUp,
    Groups,
    Job,
    Jobs,
    RequestInFlight,
    Sizes,
    text_of,
)
from tgtagger.taggers.llm.rate_limiter import ALONE_AFTER, RateLimiter, SharedLimits
from tgtagger.taggers.llm.trouble import Trouble

GRACE = 5.0
"""Seconds for requests in flight when a run ends too soon: their answers are paid for."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to tag. Times are in seconds, costs in US dollars; None: no bound."""

    models: tuple[str, ...]
    provider: str | None = None
    minimum: int = 3
    maximum: int = 7
    concurrency: int = 8
    rpm: int = 0
    sizes: Sizes = CLOUD
    longest_wait: float = 120.0
    is_local: bool = False  # the server is on this machine
    retry_base: float = 1.0
    max_cost: float | None = None
    max_time: float | None = None
    spent: float = 0.0  # US dollars of the cap that an earlier part of the run used


@dataclass(frozen=True, slots=True)
class Idle:
    """Wait for so many seconds, or until a response comes. None: until one comes."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Over:
    """The run is over. `error` says why it ends too soon: then requests in flight are given up."""

    error: TgTaggerError | None = None


Step = RequestInFlight | News | Idle | Over


class Plan:
    """The plan of a run. Do what `next` returns until it is Over; pass each response to `take`."""

    def __init__(
        self,
        posts: Iterable[PostForTagging],
        options: Options,
        exchange: Exchange,
        capabilities: CapabilitiesByModel,
        costs: Costs,
        provenances: Sequence[Provenance],
        url: str,
        *,
        now: float,
        shared: SharedLimits | None = None,
    ) -> None:
        self._options = options
        self._exchange = exchange
        self._capabilities = capabilities
        self._costs = costs
        self._url = url
        self._limiter = RateLimiter(
            options.concurrency,
            rpm=options.rpm,
            base=options.retry_base,
            longest_wait=options.longest_wait,
            shared=shared,
        )
        self._groups = Groups(posts, options.sizes)
        self._jobs = Jobs(len(options.models))
        self._in_flight: list[RequestInFlight] = []
        self._pending = PendingEvents(provenances)
        self._trouble = Trouble(options.models, url, self._jobs, self._limiter, self._pending)
        self._deadline = None if options.max_time is None else now + options.max_time
        self._given_up_at: float | None = None  # the time when requests in flight are given up
        self._is_context_told = False
        self._why = ""  # the last failure, in words

    # ---- what to do now

    def next(self, now: float) -> Step:
        """Return what to do: send a request, tell news, wait, or end."""
        request, pause = self._next_request(now)
        if request is not None:
            return request
        if self._pending:
            return self._pending.take()
        if self._trouble.stop is not None:
            if self._given_up_at is None:
                self._given_up_at = now + GRACE
            left = self._given_up_at - now
            return Idle(left) if self._in_flight and left > 0 else Over(self._trouble.stop)
        if self._in_flight:
            return Idle(self._before_deadline(pause, now))
        if pause is not None:
            trouble = f"the tagging server has trouble ({self._why}), and is tried again"
            is_closed = self._limiter.closed_until > now
            reason = "the tagging server asks to wait" if is_closed else "keeping pace"
            reason = trouble if self._limiter.failures else reason
            self._pending.wait(pause, now, reason)
            return self._pending.take() if self._pending else Idle(pause)
        if self._jobs.held:
            self._trouble.end_held()
            return self.next(now)
        return Over()

    def _next_request(self, now: float) -> tuple[RequestInFlight | None, float | None]:
        """Return the next request, or the seconds until it may go; None: wait for one to end."""
        if self._trouble.stop is not None:
            return None, None
        delay = self._limiter.delay(now)
        if self._deadline is not None and now >= self._deadline:
            self._trouble.halt(TryLater("time_cap"))
            return None, None
        if delay is None or delay > 0:
            return None, self._in_time(delay, now)
        job = self._next_job(now)
        if job is None:
            due = self._jobs.due()
            return None, self._in_time(None if due is None else max(due - now, 0.0), now)
        request = self._request(job, now)
        if request is None:
            self._jobs.put_back(job)
        return request, None

    def _in_time(self, delay: float | None, now: float) -> float | None:
        """Return a delay; end the run if the delay exceeds its time and nothing is in flight."""
        is_beyond = delay is not None and self._deadline is not None and (
            now + delay > self._deadline
        )  # fmt: skip
        if is_beyond and not self._in_flight:
            self._trouble.halt(TryLater("time_cap", seconds=delay))
        return delay

    def _before_deadline(self, pause: float | None, now: float) -> float | None:
        if self._deadline is None:
            return pause
        left = max(self._deadline - now, 0.0)
        return left if pause is None else min(pause, left)

    def _next_job(self, now: float) -> Job | None:
        """Return the next job: repeated ones first, unless nothing succeeds.

        Then it is a new one, each time from further away: if some posts fail and the server works,
        this finds a post that succeeds.
        """
        trouble = self._trouble.in_a_row - ALONE_AFTER
        is_stuck = trouble >= 0 or self._limiter.throttles > 1
        if not is_stuck and (job := self._jobs.take(now)) is not None:
            return job
        groups: list[tuple[PostForTagging, ...]] = []
        while not self._groups.are_over and len(groups) < 2 ** max(trouble, 0):
            group, wordless = self._groups.take()
            self._pending.put(wordless, self._jobs.model, Skipped("no words to tag"))
            if group:
                groups.append(group)
            elif wordless:
                break  # these are stored first
        if not groups:
            return self._jobs.take(now)
        for passed_over in groups[:-1]:
            self._jobs.put_off(Job(passed_over, self._jobs.model))
        return Job(groups[-1], self._jobs.model)

    def _request(self, job: Job, now: float) -> RequestInFlight | None:
        """Return a job's request; None if the cap on cost does not allow it now."""
        costs, exchange = self._costs, self._exchange
        model = self._options.models[job.model]
        capabilities = self._capabilities.of(model)
        texts = tuple(text_of(post, self._groups.sizes, share=job.share) for post in job.posts)
        plain = [text.text for text in texts]
        existing = exchange.existing(plain)
        tokens = exchange.count_tokens(plain, existing)
        estimate = costs.estimate(model, tokens, exchange.room(len(plain), capabilities))
        if not costs.allows(estimate, sum(each.estimate for each in self._in_flight)):
            if not self._in_flight:
                spent, shared = costs.cost_usd, costs.is_shared
                self._trouble.halt(TryLater("cost_cap", cap=costs.cap, spent=spent, shared=shared))
            return None
        costs.sent(model, again=job.again)
        request = RequestInFlight(
            replace(job, again=True), model, exchange.write(model, plain, capabilities, existing),
            texts, tokens, capabilities, self._limiter.sent(now), estimate,
        )  # fmt: skip
        self._in_flight.append(request)
        return request

    # ---- responses

    def take(self, request: RequestInFlight, response: Response, now: float) -> None:
        """Decide the outcomes of a request's posts."""
        self._in_flight.remove(request)
        verdict = response.verdict
        if verdict.message:
            verdict = replace(verdict, message=scrub(verdict.message, request.plain))
        model, used = request.model, request.capabilities
        self._trouble.has_heard |= verdict.reached
        match verdict.kind:
            case "answered":
                self._read(request, response, now)
            case "throttled":
                self._note(request, response, verdict)
                self._throttle(request, verdict, now)
            case "stop":
                self._limiter.dropped()
                self._trouble.refused(request.job, verdict)
            case "parameter" if self._capabilities.refuse(model, used, verdict.parameter or ""):
                self._limiter.dropped()
                self._jobs.put_back(request.job)
            case "bad_post" if verdict.failure == "server" and self._capabilities.doubt(
                model, used
            ):
                # A refusal without a reason: before the first answer the format may be the reason.
                self._limiter.dropped()
                self._jobs.put_back(request.job)
            case "bad_post" if verdict.failure != "server":
                self._note(request, response, verdict)
                self._refuse(request, response, verdict, now)
            case _:
                self._note(request, response, verdict)
                is_passing = verdict.kind == "passing"
                self._fail(request, replace(verdict, again=verdict.again and is_passing), now)

    def _read(self, request: RequestInFlight, response: Response, now: float) -> None:
        """Make outcomes of an answer; ask again for posts that it lacks."""
        answer = read_answer(response.tree)
        cost = self._costs.answered(request.model, answer.usage, request.estimate)
        if answer.failure is not None:
            verdict = Verdict("passing", answer.message, answer.failure)
            self._note(request, response, verdict, answer, cost)
            if answer.failure == "refused":
                self._refuse(request, response, verdict, now)
            else:
                self._fail(request, verdict, now)
            return
        if self._costs.cannot_cap(request.model):
            self._trouble.halt(InputError("cost_cap", model=request.model))
        # Any answer shows that the server is up.
        self._succeed(request, response, now)
        posts = request.job.posts
        outcomes = self._exchange.read(answer, request.plain)
        missing = tuple(
            post for post, outcome in zip(posts, outcomes, strict=True) if outcome is None
        )
        why = why_missing(answer, all_are=len(missing) == len(posts))
        attempts = [
            made if outcome else replace(made, failure="bad_answer", error=why)
            for made, outcome in zip(
                request.attempts(response, answer, cost), outcomes, strict=True
            )
        ]
        self._pending.put_attempts(posts, request.job.model, attempts, outcomes)
        self._exchange.remember(outcomes)
        if len(missing) < len(posts):
            self._trouble.was_useful()
            self._prove(request, answer)
        else:
            self._trouble.was_useless(request.job.model)
            if is_prose(answer):
                self._capabilities.step_down(request.model, request.capabilities)
        if missing:
            self._ask_for_missing(request, missing, answer, why, now)

    def _ask_for_missing(
        self,
        request: RequestInFlight,
        missing: tuple[PostForTagging, ...],
        answer: ModelAnswer,
        why: str,
        now: float,
    ) -> None:
        if answer.finish == "length":
            self._capabilities.make_room(
                request.model, request.capabilities, thinks=has_only_thoughts(answer)
            )
        left = replace(request.job, posts=missing)
        if not self._jobs.ask_again(left, due=now, together=False):
            self._trouble.give_up(GivenUp(left, "bad_answer", why))
        self._check_down(request, why)

    def _succeed(self, request: RequestInFlight, response: Response, now: float) -> None:
        self._limiter.answered(request.ticket, now, response.limits)
        self._trouble.succeeded(request.job.model)

    def _throttle(self, request: RequestInFlight, verdict: Verdict, now: float) -> None:
        pause = self._limiter.throttled(request.ticket, now, verdict.wait)
        if self._limiter.throttles <= 1:
            self._jobs.put_back(request.job)
        else:  # alone, too: if these posts are the reason, they delay no others
            self._jobs.put_off(replace(request.job, not_before=now + 2 * pause))
        longest = self._options.longest_wait
        if verdict.wait is not None and verdict.wait > longest:
            self._trouble.halt(TryLater("throttled", seconds=verdict.wait))
        elif self._limiter.waited > longest:
            self._trouble.halt(TryLater("throttled"))
        else:
            self._pending.wait(pause, now, "the tagging server asks to wait", least=1.0)

    def _fail(self, request: RequestInFlight, verdict: Verdict, now: float) -> None:
        """Ask again after a while, if that may help and the turn is not over."""
        job = request.job
        if self._is_not_there(verdict):
            # Waiting starts no program on this machine: a person is told at once.
            self._limiter.dropped()
            self._jobs.put_back(job)
            self._trouble.not_there(verdict.message, self._options.provider)
            return
        self._why = verdict.message
        if job.model == self._jobs.model:
            self._limiter.failed(request.ticket, now)
        else:
            self._limiter.dropped()
        if job.model < self._jobs.model:
            self._jobs.put_back(job)  # now it is for the next model
            return
        failure = verdict.failure or "server"
        if verdict.reached and failure in {"timeout", "network"}:
            self._costs.lost(request.model, request.estimate)
        if verdict.wait is not None and verdict.wait > self._options.longest_wait:
            self._jobs.put_back(job)
            self._trouble.halt(TryLater("throttled", seconds=verdict.wait))
            return
        # A request that never reached the server tells nothing about its posts: they stay together.
        pause = 0.0 if failure == "bad_answer" else self._limiter.retry_delay(job.tries)
        due = now + max(pause, verdict.wait or 0.0)
        self._limiter.hold(now, verdict.wait or 0.0)
        is_pointless = not verdict.again
        if is_pointless and self._jobs.bisect(job):
            pass  # a single post may be the reason
        elif is_pointless or not self._jobs.ask_again(job, due=due, together=not verdict.reached):
            self._trouble.give_up(GivenUp(job, failure, verdict.message, verdict.reached))
        self._check_down(request, verdict.message)

    def _is_not_there(self, verdict: Verdict) -> bool:
        """Tell whether a server of this machine refuses connections, and never answered."""
        is_refused = not verdict.reached and verdict.failure == "network"
        return self._options.is_local and is_refused and not self._trouble.has_heard

    def _check_down(self, request: RequestInFlight, message: str) -> None:
        self._trouble.check(request.job.model, message, are_last=self._groups.are_over)

    def _refuse(
        self, request: RequestInFlight, response: Response, verdict: Verdict, now: float
    ) -> None:
        """Find the refused post by smaller groups; shorten a single post once, if that may help."""
        self._succeed(request, response, now)
        self._trouble.was_useful()
        job, sizes = request.job, self._groups.sizes
        if self._jobs.bisect(job):
            posts = [text.tokens for text in request.texts]
            if verdict.failure == "too_long" and 2 * max(posts) < sum(posts):
                # No single post is the reason: the model's context is shorter than assumed.
                self._groups.sizes = replace(sizes, tokens=sum(posts) * 2 // 3)
            return
        (text,) = request.texts
        share = max(2, sizes.post_tokens // (text.tokens // 3 + 1))  # a third of what was sent
        is_shorter = len(text_of(job.posts[0], sizes, share=share).text) < len(text.text)
        if verdict.failure == "too_long" and job.share == 1 and is_shorter:
            self._jobs.put_back(replace(job, share=share))
        else:
            self._trouble.give_up(GivenUp(job, verdict.failure or "refused", verdict.message))

    # ---- capabilities, and the record of requests

    def _prove(self, request: RequestInFlight, answer: ModelAnswer) -> None:
        proven = self._capabilities.prove(request.model, request.capabilities)
        if proven is not None:
            self._pending.remember(ModelCapabilities(self._url, request.model, proven.to_json()))
        self._watch_context(request, answer)

    def _watch_context(self, request: RequestInFlight, answer: ModelAnswer) -> None:
        """Warn of a server that silently reads only the end of a request, as Ollama does."""
        read, said = answer.usage.prompt_tokens, request.tokens
        # Our counts are up to twice too high; a window is never below a thousand tokens.
        if self._options.provider == "ollama" and read and 1000 <= read < said // 3:
            sizes = self._groups.sizes
            self._groups.sizes = replace(sizes, posts=max(1, sizes.posts // 2))
            if not self._is_context_told:
                self._is_context_told = True
                self._pending.warn(
                    f"the server read only {read} tokens of about {said}: its context is too "
                    "short. Give it more (OLLAMA_CONTEXT_LENGTH), or set TGTAGGER_LLM_BATCH lower"
                )

    def _note(
        self,
        request: RequestInFlight,
        response: Response,
        verdict: Verdict,
        answer: ModelAnswer | None = None,
        cost: float | None = None,
    ) -> None:
        """Record a request that gave its posts nothing."""
        failure: FailureClass = verdict.failure or "server"
        attempts = [
            replace(made, failure=failure, error=verdict.message)
            for made in request.attempts(response, answer or ModelAnswer(), cost)
        ]
        nothing = [None] * len(attempts)
        self._pending.put_attempts(request.job.posts, request.job.model, attempts, nothing)
