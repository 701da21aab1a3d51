"""One run: the only place that decides what is asked next, and what again.

A loop over requests that run and posts that wait. Each request is one task that ends with what was
`Heard`; what becomes of its posts is decided here, when it has ended, and yielded before the next
request takes its place: so an answer is on disk before its slot is used again. Nothing sleeps in a
request, nothing is repeated below. When all goes wrong at once (a key, a quota, a provider that is
down) the run ends with what was answered, and the rest stays as it was.

A job is the current model's, an earlier one's that is given up by now, or a later one's: that has
its turn with posts that the current one does not take. Only what becomes of the current one's says
whether the server, or the model, does its work.

Knows no store, and no HTTP (`client`); what an answer means is told by `verdicts`, what is in it by
`asking`, when the next may go by `gate`, which posts wait by `jobs`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from tgtagger.model.tagging import FailureClass, Learned, PostForTagging, Skipped, Step, Tagged
from tgtagger.taggers.llm import stops
from tgtagger.taggers.llm.api.answers import Reply, read_reply
from tgtagger.taggers.llm.api.client import Heard
from tgtagger.taggers.llm.api.responses import Verdict
from tgtagger.taggers.llm.exchange import has_only_thoughts, is_prose, why_missing
from tgtagger.taggers.llm.groups import Groups, text_of
from tgtagger.taggers.llm.outbox import Outbox
from tgtagger.taggers.llm.queue import GivenUp, Job, Jobs
from tgtagger.taggers.llm.rate_limiter import ALONE_AFTER, BREAKER, Gate
from tgtagger.taggers.llm.sent import Sent

if TYPE_CHECKING:
    from tgtagger.taggers.llm.tagger import LlmTagger

GRACE = 5.0
"""Seconds that answers on their way get when a run ends before its end: they are paid for."""

CROWD = 8
LINGER = 0.002
"""With so many requests at once, seconds to wait for more answers than the first: they are written
in one transaction, which costs one wait for the disk."""


class Run:
    """The state of one run. `steps` is its work, `abandon` its end."""

    def __init__(self, tagger: LlmTagger, posts: Iterable[PostForTagging]) -> None:
        options = tagger.options
        self._tagger = tagger
        self._models = options.models
        self._groups = Groups(posts, options.sizes)
        self._gate = Gate(
            options.concurrency,
            rpm=options.rpm,
            base=options.retry_base,
            longest_wait=options.longest_wait,
        )
        self._jobs = Jobs(len(options.models))
        self._running: dict[asyncio.Task[Heard], Sent] = {}
        self._ended: list[asyncio.Task[Heard]] = []  # of those, not concluded yet
        self._wake = asyncio.Event()
        self._out = Outbox(tagger.provenances)
        self._is_context_told = False
        self._stop: stops.Stop | None = None
        self._deadline: float | None = None
        self._is_exhausted = False
        self._useless = 0  # answers in a row without a usable tag
        self._has_succeeded = False

    # ---- the loop

    async def steps(self) -> AsyncGenerator[Step]:
        """Yield what becomes of the posts as it happens; raise what ends the run too soon."""
        loop = asyncio.get_running_loop()
        if self._tagger.options.max_time is not None:
            self._deadline = loop.time() + self._tagger.options.max_time
        given_up_at: float | None = None  # when what is still on its way is given up
        while True:
            pause = self._send(loop)
            if self._out:
                for step in self._out.take():
                    yield step
                continue  # time has passed meanwhile: something may go by now
            if self._stop is not None:
                given_up_at = given_up_at or loop.time() + GRACE
                pause = max(given_up_at - loop.time(), 0.0)
            if self._running:
                await self._wait(loop, pause)
            elif self._stop is not None:
                raise self._stop.to_error()
            elif pause is not None:
                reason = "the tagging server has trouble" if self._gate.failures else "keeping pace"
                self._out.say_wait(pause, loop.time(), reason)
                for step in self._out.take():
                    yield step
                await asyncio.sleep(pause)
            elif self._jobs.held:
                self._end_held()
            else:
                return

    async def _wait(self, loop: asyncio.AbstractEventLoop, pause: float | None) -> None:
        """Wait until a request has ended, or for so long."""
        if self._deadline is not None and self._stop is None:
            left = max(self._deadline - loop.time(), 0.0)
            pause = left if pause is None else min(pause, left)
        if not self._ended:
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
        if not self._ended and self._stop is not None:
            await self.abandon()
        if self._ended and len(self._running) >= CROWD:
            await asyncio.sleep(LINGER)
        ended, self._ended = self._ended, []
        for task in ended:
            self._conclude(self._running.pop(task), task.result(), loop.time())

    def _note_end(self, task: asyncio.Task[Heard]) -> None:
        if task in self._running:  # not given up
            self._ended.append(task)
            self._wake.set()

    async def abandon(self) -> None:
        """Give up what is on its way."""
        tasks = list(self._running)
        self._running.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    # ---- sending

    def _send(self, loop: asyncio.AbstractEventLoop) -> float | None:
        """Send what may go now; return the seconds until more may. None: when one has ended."""
        while self._stop is None:
            now = loop.time()
            delay = self._gate.delay(now)
            if self._deadline is not None and now >= self._deadline:
                self._halt(stops.out_of_time())
            elif delay is None or delay > 0:
                return self._in_time(delay, now)
            elif (job := self._next_job(now)) is None:
                due = self._jobs.due()
                return self._in_time(None if due is None else max(due - now, 0.0), now)
            elif not self._start(loop, job, now):
                self._jobs.put_back(job)
                return None
        return None

    def _in_time(self, delay: float | None, now: float) -> float | None:
        """Return a delay; one that goes beyond the time of the run ends it, if nothing runs."""
        is_beyond = delay is not None and self._deadline is not None and (
            now + delay > self._deadline
        )  # fmt: skip
        if is_beyond and not self._running:
            self._halt(stops.no_time_to_wait(delay or 0.0))
        return delay

    def _next_job(self, now: float) -> Job | None:
        """Return what to ask next: what is asked again first, unless nothing succeeds.

        Then it is something new, and each time from further away: if it is some posts that fail,
        and not the server, this finds one that does not.
        """
        trouble = max(self._gate.failures, self._useless) - ALONE_AFTER
        is_stuck = trouble >= 0 or self._gate.throttles > 1
        if not is_stuck and (job := self._jobs.take(now)) is not None:
            return job
        groups: list[tuple[PostForTagging, ...]] = []
        while not self._is_exhausted and len(groups) < 2 ** max(trouble, 0):
            group = self._groups.take()
            wordless, self._groups.wordless = self._groups.wordless, []
            self._out.put(wordless, self._jobs.model, Skipped("no words to tag"))
            self._is_exhausted = not group and not wordless
            if group:
                groups.append(group)
            elif wordless:
                break  # first let these be stored
        if not groups:
            return self._jobs.take(now)
        for passed_over in groups[:-1]:
            self._jobs.put_off(Job(passed_over, self._jobs.model))
        return Job(groups[-1], self._jobs.model)

    def _start(self, loop: asyncio.AbstractEventLoop, job: Job, now: float) -> bool:
        """Send a request; False where the cap on cost does not allow it (yet)."""
        ledger, asking = self._tagger.ledger, self._tagger.asking
        model = self._models[job.model]
        capabilities = self._tagger.formats.of(model)
        texts = tuple(text_of(post, self._groups.sizes, share=job.share) for post in job.posts)
        plain = [text.text for text in texts]
        existing = asking.existing(plain)
        tokens = asking.count_tokens(plain, existing)
        estimate = ledger.estimate(model, tokens, asking.room(len(plain), capabilities))
        if not ledger.allows(estimate, sum(each.estimate for each in self._running.values())):
            if not self._running:
                self._halt(stops.over_cost(ledger.cap or 0.0, ledger.cost_usd))
            return False
        ledger.sent(model, again=job.again)
        body = asking.write(model, plain, capabilities, existing)
        task = loop.create_task(self._tagger.server.ask(body))
        self._running[task] = Sent(
            replace(job, again=True), model, texts, tokens, capabilities, self._gate.sent(now),
            estimate,
        )  # fmt: skip
        task.add_done_callback(self._note_end)
        return True

    # ---- what came

    def _conclude(self, sent: Sent, heard: Heard, now: float) -> None:
        verdict = replace(heard.verdict, message=self._clean(sent, heard.verdict.message))
        model = self._models[sent.job.model]
        formats = self._tagger.formats
        match verdict.kind:
            case "answered":
                self._read(sent, heard, now)
            case "throttled":
                self._note(sent, heard, verdict)
                self._throttle(sent, verdict, now)
            case "stop":
                self._gate.dropped()
                self._end(sent, verdict)
            case "parameter" if formats.refuse(model, sent.capabilities, verdict.parameter or ""):
                self._gate.dropped()
                self._jobs.put_back(sent.job)
            case "bad_post" if verdict.failure == "server" and formats.step_down(
                model, sent.capabilities
            ):
                # Nothing says what is wrong: until something was answered it may be the format.
                self._gate.dropped()
                self._jobs.put_back(sent.job)
            case "bad_post" if verdict.failure != "server":
                self._note(sent, heard, verdict)
                self._refuse(sent, heard, verdict, now)
            case _:
                self._note(sent, heard, verdict)
                is_passing = verdict.kind == "passing"
                self._fail(sent, replace(verdict, again=verdict.again and is_passing), now)

    def _read(self, sent: Sent, heard: Heard, now: float) -> None:
        """Make outcomes of an answer; what is missing in it is asked again."""
        model = self._models[sent.job.model]
        reply = read_reply(heard.tree)
        cost = self._tagger.ledger.answered(model, reply.usage, sent.estimate)
        if reply.failure is not None:
            verdict = Verdict("passing", reply.message, reply.failure)
            self._note(sent, heard, verdict, reply, cost)
            if reply.failure == "refused":
                self._refuse(sent, heard, verdict, now)
            else:
                self._fail(sent, verdict, now)
            return
        if self._tagger.ledger.cannot_cap(model):
            self._halt(stops.cost_unknown(model))
        # Whatever is in it: who answers, is not down.
        self._succeed(sent, heard, now)
        outcomes = dict(zip((post.id for post in sent.job.posts), self._tagger.asking.read(
            reply, sent.plain), strict=True))  # fmt: skip
        missing = tuple(post for post in sent.job.posts if outcomes[post.id] is None)
        why = why_missing(reply, all_are=len(missing) == len(outcomes))
        attempts = [
            made if outcome else replace(made, failure="bad_answer", error=why)
            for made, outcome in zip(
                sent.attempts(heard, reply, cost), outcomes.values(), strict=True
            )
        ]
        posts = sent.job.posts
        self._out.put_attempts(posts, sent.job.model, attempts, list(outcomes.values()))
        for outcome in outcomes.values():
            if isinstance(outcome, Tagged) and self._tagger.vocabulary.mode == "prefer":
                self._tagger.vocabulary.remember(tag.name for tag in outcome.tags)
        if len(missing) < len(outcomes):
            self._useless = 0
            self._prove(model, sent, reply)
        else:
            self._useless += self._is_current(sent)
            if is_prose(reply):
                self._tagger.formats.step_down(model, sent.capabilities)
        if missing:
            if reply.finish == "length":
                self._tagger.formats.make_room(
                    model, sent.capabilities, thinks=has_only_thoughts(reply)
                )
            left = replace(sent.job, posts=missing)
            if not self._jobs.ask_again(left, due=now, together=False):
                self._give_up(GivenUp(left, "bad_answer", why))
            self._check_down(sent, why)

    def _is_current(self, sent: Sent) -> bool:
        return sent.job.model == self._jobs.model

    def _succeed(self, sent: Sent, heard: Heard, now: float) -> None:
        """Note that the server does its work: what failed before has failed by itself."""
        self._gate.answered(sent.ticket, now, heard.limits)
        self._has_succeeded = True
        if self._is_current(sent):
            self._settle_held()

    def _throttle(self, sent: Sent, verdict: Verdict, now: float) -> None:
        pause = self._gate.throttled(sent.ticket, now, verdict.wait)
        if self._gate.throttles <= 1:
            self._jobs.put_back(sent.job)
        else:  # alone, too: should it be about these posts, they hold nobody up
            self._jobs.put_off(replace(sent.job, not_before=now + 2 * pause))
        longest = self._tagger.options.longest_wait
        if verdict.wait is not None and verdict.wait > longest:
            self._halt(stops.asked_to_wait(verdict.wait))
        elif self._gate.waited > longest:
            self._halt(stops.asked_to_wait(None))
        else:
            self._out.say_wait(pause, now, "the tagging server asks to wait", least=1.0)

    def _fail(self, sent: Sent, verdict: Verdict, now: float) -> None:
        """Ask again after a while, unless it is pointless or the turn is over."""
        if self._is_current(sent):
            self._gate.failed(sent.ticket, now)
        else:
            self._gate.dropped()
        if sent.job.model < self._jobs.model:
            self._jobs.put_back(sent.job)  # the next model's, from now on
            return
        failure = verdict.failure or "server"
        if verdict.reached and failure in {"timeout", "network"}:
            self._tagger.ledger.lost(sent.model, sent.estimate)
        if verdict.wait is not None and verdict.wait > self._tagger.options.longest_wait:
            self._jobs.put_back(sent.job)
            self._halt(stops.asked_to_wait(verdict.wait))
            return
        # What never reached the server says nothing of the posts: they stay together.
        pause = 0.0 if failure == "bad_answer" else self._gate.retry_delay(sent.job.tries)
        due = now + max(pause, verdict.wait or 0.0)
        self._gate.hold(now, verdict.wait or 0.0)
        is_pointless = not verdict.again
        if is_pointless and self._jobs.bisect(sent.job):
            pass  # only one of them may be what it is about
        elif is_pointless or not self._jobs.ask_again(
            sent.job, due=due, together=not verdict.reached
        ):
            self._give_up(GivenUp(sent.job, failure, verdict.message, verdict.reached))
        self._check_down(sent, verdict.message)

    def _refuse(self, sent: Sent, heard: Heard, verdict: Verdict, now: float) -> None:
        """Find the post that is not taken; alone, it is shortened once if that may help."""
        self._succeed(sent, heard, now)
        self._useless = 0
        job = sent.job
        if self._jobs.bisect(job):
            sizes = self._groups.sizes
            posts = [text.tokens for text in sent.texts]
            if verdict.failure == "too_long" and 2 * max(posts) < sum(posts):
                # No single post is to blame: the context is shorter than was hoped for.
                self._groups.sizes = replace(sizes, tokens=sum(posts) * 2 // 3)
            return
        sizes, (text,) = self._groups.sizes, sent.texts
        share = max(2, sizes.post_tokens // (text.tokens // 3 + 1))  # a third of what was sent
        is_shorter = len(text_of(job.posts[0], sizes, share=share).text) < len(text.text)
        if verdict.failure == "too_long" and job.share == 1 and is_shorter:
            self._jobs.put_back(replace(job, share=share))
        else:
            self._give_up(GivenUp(job, verdict.failure or "refused", verdict.message))

    # ---- what becomes of posts that are given up

    def _give_up(self, given: GivenUp) -> None:
        if self._jobs.pass_on(given.job):
            return
        if self._gate.failures or not given.reached:
            # Nothing succeeded since: it may be the server, and then these stay as they were.
            self._jobs.held.append(given)
        else:
            self._out.put_failed(given)

    def _settle_held(self) -> None:
        for given in self._jobs.held:
            self._out.put_failed(given)
        self._jobs.held.clear()

    def _end_held(self) -> None:
        """End the run: what the server was asked has failed; what never came to it, waits."""
        for given in self._jobs.held:
            if given.reached:
                self._out.put_failed(given)
            else:
                self._halt(stops.down(self._gate.failures, given.message))
        self._jobs.held.clear()

    # ---- what is learned

    def _prove(self, model: str, sent: Sent, reply: Reply) -> None:
        learned = self._tagger.formats.prove(model, sent.capabilities)
        if learned is not None:
            self._out.say(Learned(self._tagger.server.url, model, learned.to_json()))
        self._watch_context(sent, reply)

    def _watch_context(self, sent: Sent, reply: Reply) -> None:
        """Notice a server that silently reads only the end of what it is sent, as Ollama does."""
        read, said = reply.usage.prompt_tokens, sent.tokens
        # Our counts are up to twice too high; a window is never below a thousand tokens.
        if self._tagger.options.provider == "ollama" and read and 1000 <= read < said // 3:
            sizes = self._groups.sizes
            self._groups.sizes = replace(sizes, posts=max(1, sizes.posts // 2))
            if not self._is_context_told:
                self._is_context_told = True
                self._out.warn(
                    f"the server read only {read} tokens of about {said}: its context is too "
                    "short. Give it more (OLLAMA_CONTEXT_LENGTH), or set TGTAGGER_LLM_BATCH lower"
                )

    # ---- when it has to end

    def _halt(self, stop: stops.Stop) -> None:
        self._stop = self._stop or stop

    def _check_down(self, sent: Sent, message: str) -> None:
        """Go on with the next model, or end the run, when nothing succeeds any more."""
        if not self._is_current(sent):
            return
        if max(self._gate.failures, self._useless) >= ALONE_AFTER and self._use_next_model(
            f"{sent.model} does not answer as it should ({message})"
        ):
            return
        if self._gate.is_down:
            self._halt_down(message)
        elif self._useless >= BREAKER:
            self._halt(stops.useless(self._useless, message))

    def _halt_down(self, message: str) -> None:
        """End the run. A post that failed in an earlier one, and now had its turn, had its turn.

        So had a new one, if the server did its work for all others: they are all that is left.
        """
        are_left = self._has_succeeded and self._is_exhausted
        for given in self._jobs.held:
            tried = tuple(post for post in given.job.posts if post.attempts or are_left)
            if given.reached and tried:
                self._out.put_failed(replace(given, job=replace(given.job, posts=tried)))
        self._jobs.held.clear()
        self._halt(stops.down(self._gate.failures, message))

    def _use_next_model(self, why: str) -> bool:
        if not self._jobs.use_next_model():
            return False
        self._gate.start_over()
        self._useless = 0
        self._out.warn(f"{why}: going on with {self._models[self._jobs.model]}")
        return True

    def _end(self, sent: Sent, verdict: Verdict) -> None:
        """End the run, unless it is the model alone that is not there, and there is another."""
        job, model = sent.job, sent.model
        if verdict.stop == "unknown_model" and self._do_without(job, verdict.message):
            return
        why = verdict.stop or "wrong_address"
        url = self._tagger.server.url
        self._halt(stops.told(why, verdict.message, url=url, model=model, later=verdict.comes_back))

    def _do_without(self, job: Job, message: str) -> bool:
        """Pass over a model that is not there; False: it is the last one, and was to do it all."""
        what = f"there is no model {self._models[job.model]} ({message})"
        if job.model < self._jobs.model:
            self._jobs.put_back(job)
        elif job.model > self._jobs.model:
            if self._jobs.miss(job.model):
                self._out.warn(f"{what}: what others refuse goes to the next one, if there is one")
            self._give_up(GivenUp(job, "refused", f"refused, and {what}"))
        elif self._use_next_model(what):
            self._jobs.put_back(job)
        else:
            return False
        return True

    # ---- what is written down of a request

    def _note(
        self,
        sent: Sent,
        heard: Heard,
        verdict: Verdict,
        reply: Reply | None = None,
        cost: float | None = None,
    ) -> None:
        """Write down a request that gave its posts nothing."""
        failure: FailureClass = verdict.failure or "server"
        attempts = [
            replace(made, failure=failure, error=verdict.message)
            for made in sent.attempts(heard, reply or Reply(), cost)
        ]
        nothing = [None] * len(attempts)
        self._out.put_attempts(sent.job.posts, sent.job.model, attempts, nothing)

    def _clean(self, sent: Sent, message: str) -> str:
        return stops.scrub(message, sent.plain)
