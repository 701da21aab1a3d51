"""The order of work: a source's pages into the store, the store's posts through a tagger.

Yields each result when it is safe on disk; the caller counts them. No transaction of the store is
open while something is awaited. Knows no terminal, and no particular source or tagger.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import random
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from tgtagger.decide import given_up_after, update_after
from tgtagger.errors import TgTaggerError, TryLater
from tgtagger.model.choices import SourceName
from tgtagger.model.events import Events
from tgtagger.model.hashes import Hashes
from tgtagger.model.posts import Memory, Page, PageStored, PostFilter
from tgtagger.model.refs import post_name
from tgtagger.model.tagging import (
    Answered,
    Attempt,
    Estimate,
    Outcome,
    PostForTagging,
    PostId,
    Provenance,
    Skipped,
    Spending,
    SuggestedTag,
    Tagged,
    TagResult,
    TagUpdate,
)
from tgtagger.store import LEASE, Claims, Store

COPIED = 200
"""How many answers of earlier runs are copied in one transaction."""

FREE_ANSWERS = 200
"""How many free answers are written in one transaction. A paid answer is written at once."""


SHORTEST_LOOK, LONGEST_LOOK = 0.25, 15.0
"""Seconds between two looks at the posts that other runs have."""


class PostSource(Protocol):
    """Where posts come from.

    Raises a TgTaggerError when it cannot go on; the pages yielded before stay stored. Before it
    waits it tells `events`. `channel_id` is None until it is known.
    """

    @property
    def name(self) -> SourceName: ...

    @property
    def channel_id(self) -> int | None: ...

    def pages(self, memory: Memory, events: Events) -> AsyncGenerator[Page]: ...


class Tagger(Protocol):
    """Gives posts their tags, in any order; a post's failure is an Outcome, not an exception.

    `paid` answers are written at once and remembered for equal texts. Raises a TgTaggerError when
    the run cannot go on; what was yielded before stays stored. Before it waits it tells `events`.
    """

    @property
    def provenances(self) -> tuple[Provenance, ...]: ...

    @property
    def paid(self) -> bool: ...

    @property
    def spending(self) -> Spending:
        """Requests, tokens and cost so far."""

    def estimate(self, posts: Iterable[PostForTagging], *, mean_seconds: float | None) -> Estimate:
        """Return what tagging these posts would take.

        `mean_seconds` is how long an answer took so far; None: unknown.
        """

    def tag(
        self, posts: Iterable[PostForTagging], events: Events
    ) -> AsyncGenerator[tuple[Answered, ...]]: ...


async def parse(source: PostSource, store: Store, events: Events) -> AsyncGenerator[PageStored]:
    """Store a source's pages; yield the counts of each page when it is stored.

    A wait that is too long for this run is stored with the channel, and raised as TryLater.
    """
    try:
        async with aclosing(source.pages(store.progress, events)) as pages:
            async for page in pages:
                yield store.posts.save_page(page)
                await asyncio.sleep(0)  # lets a signal cancel the run: a file never awaits
    except TryLater as error:
        if error.not_before is not None and source.channel_id is not None:
            store.progress.postpone(source.channel_id, source.name, error.not_before)
        raise


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class TagRules:
    """The limits of a tagging run. `fresh`: ask again, instead of copying answers of earlier runs.

    `asked_since`: answers that this run and later ones got are copied all the same. `together`: it
    ends when no other run works at its posts any more, and does what those leave.
    `deadline` is a moment of time.monotonic().
    """

    max_attempts: int = 5
    fresh: bool = False
    asked_since: int | None = None
    together: bool = False
    deadline: float | None = None
    clock: Callable[[], dt.datetime] = _utc_now


DEFAULT_RULES = TagRules()


async def tag(
    store: Store,
    tagger: Tagger,
    wanted: PostFilter,
    run: int,
    events: Events,
    rules: TagRules = DEFAULT_RULES,
) -> AsyncGenerator[TagResult]:
    """Tag the posts of a filter; yield each result when it is stored.

    Answers of earlier runs to equal texts are copied, not asked again. If a post was edited
    meanwhile its result is neither stored nor yielded: the post stays pending. What another run
    works at, and equal texts, are left to that. Raises TryLater when the deadline is over, and what
    the tagger raises.
    """
    writer, worker = _Writer(store, tagger, run, rules), f"run {run}"
    if tagger.paid and not (rules.fresh and rules.asked_since is None):
        since = rules.asked_since if rules.fresh else None
        known = store.queue.answered(wanted, tagger.provenances, since_run=since)
        for batch in _batches(known, COPIED):
            for result in writer.copy(batch):
                yield result
            _check_time(rules)
            await asyncio.sleep(0)  # lets a signal cancel the run
        wanted = replace(wanted, limit=_left(wanted.limit, writer.copied))
    if wanted.limit == 0:
        return
    pauses = _pauses()
    while True:
        was_at_work = rules.together and store.queue.is_at_work(wanted)
        claims = store.queue.claims(wanted, worker, by_text=tagger.paid)
        feed = _Feed(store, tagger, claims, rules)
        async with _kept(claims):
            while feed.begin():
                async with aclosing(tagger.tag(feed, events)) as answers:
                    async for answered in answers:
                        for result in writer.take(answered, feed):
                            yield result
                        if not tagger.paid:  # a paid one ends by itself: requests cost money
                            _check_time(rules)
                            await asyncio.sleep(0)  # lets a signal cancel the run
                for result in writer.finish(feed):
                    yield result
        at_work = rules.together and store.queue.is_at_work(wanted)
        if not (at_work or was_at_work):
            return  # else what another gave back, or left by dying, is looked for again
        await asyncio.sleep(next(pauses) if at_work else 0)
        _check_time(rules)


def _pauses(chance: Callable[[], float] = random.random) -> Iterator[float]:
    """Yield the seconds between two looks at what others have: ever longer, at random."""
    pause = SHORTEST_LOOK
    while True:
        yield pause * (0.5 + chance())
        pause = min(1.5 * pause, LONGEST_LOOK)


async def propose(
    store: Store,
    tagger: Tagger,
    wanted: PostFilter,
    run: int,
    events: Events,
    rules: TagRules = DEFAULT_RULES,
) -> AsyncGenerator[TagUpdate]:
    """Ask a tagger about the posts of a filter; yield what it would change in each. Changes none.

    What was paid for is stored at once: neither this run nor a later one pays for it again; the
    filter of a `fresh` run that was `asked_since` names its posts. A tagger that costs nothing
    stores nothing, and the run's number is not used.
    """
    writer = _Writer(store, tagger, run, rules)
    if not tagger.paid:
        async with aclosing(tagger.tag(store.queue.posts(wanted), events)) as answers:
            async for answered in answers:
                for update in writer.propose(answered):
                    yield update
        return
    if rules.fresh and rules.asked_since is not None:
        earlier = [*store.queue.answered(wanted, tagger.provenances, since_run=rules.asked_since)]
        for update in writer.propose([_copied(*each) for each in earlier]):
            yield update
        asked = {post_name(post.id) for post, _, _ in earlier}
        wanted = replace(wanted, posts=tuple(name for name in wanted.posts if name not in asked))
        if not wanted.posts:
            return
    claims = store.queue.claims(wanted, f"run {run}", by_text=True)
    feed = _Feed(store, tagger, claims, rules)
    async with _kept(claims):
        while feed.begin():
            async with aclosing(tagger.tag(feed, events)) as answers:
                async for answered in answers:
                    known = [*feed.equals_of(answered), *feed.take_answered()]
                    for update in writer.propose([*answered, *known]):
                        yield update
            for update in writer.propose(feed.take_answered()):
                yield update


@contextlib.asynccontextmanager
async def _kept(claims: Claims) -> AsyncGenerator[None]:
    """Keep what is claimed from others while the body runs; give back what is left of it."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            with contextlib.suppress(TgTaggerError):  # of a locked database: there is time left
                claims.renew()

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        with contextlib.suppress(TgTaggerError):  # the leases run out by themselves
            claims.release()


def _check_time(rules: TagRules) -> None:
    """Raise TryLater when the time given to a run is over."""
    if rules.deadline is not None and time.monotonic() > rules.deadline:
        raise TryLater("time_cap")


_Known = Mapping[str, tuple[Provenance, tuple[SuggestedTag, ...]]]
KnownAnswer = tuple[PostForTagging, Provenance, tuple[SuggestedTag, ...]]


class _Writer:
    """Turns a tagger's answers into updates, and stores them."""

    def __init__(self, store: Store, tagger: Tagger, run: int, rules: TagRules) -> None:
        self._store = store
        self._run = run
        self._rules = rules
        self._remember = tagger.paid
        self._size = 1 if tagger.paid else FREE_ANSWERS
        self._waiting: list[Answered] = []
        self.copied = 0

    def take(self, answered: Sequence[Answered], feed: _Feed) -> list[TagResult]:
        """Take answers, and give posts with equal texts the same; store them when enough wait.

        A post whose worker died is stored at once: the next one is claimed when it is.
        """
        self._waiting += answered
        if self._remember:
            self._waiting += feed.equals_of(answered)
        are_enough = len(self._waiting) >= self._size or any(each.post.lapses for each in answered)
        return self.finish(feed) if are_enough else []

    def finish(self, feed: _Feed) -> list[TagResult]:
        """Store all answers that wait."""
        waiting, self._waiting = self._waiting + feed.take_answered(), []
        return self._write(waiting)

    def copy(self, known: Sequence[KnownAnswer]) -> list[TagResult]:
        """Store answers of earlier runs for posts with equal texts."""
        results = self._write([_copied(*each) for each in known])
        self.copied += len(results)
        return results

    def propose(self, answered: Sequence[Answered]) -> list[TagUpdate]:
        """Return the updates of answers; store only what was paid for."""
        updates = [update for update, _ in self._updates(answered)]
        if self._remember and answered:
            self._store.queue.keep_paid(updates, self._run, _attempts(answered))
        return updates

    def _updates(self, answered: Sequence[Answered]) -> list[tuple[TagUpdate, Outcome]]:
        return [
            (
                update_after(
                    each.post,
                    each.outcome,
                    each.provenance,
                    now=self._rules.clock(),
                    max_attempts=self._rules.max_attempts,
                    remember=self._remember and each.provenance.source != "cache",
                ),
                each.outcome,
            )
            for each in answered
            if each.outcome is not None
        ]

    def _write(self, answered: Sequence[Answered]) -> list[TagResult]:
        if not answered:
            return []
        found = self._updates(answered)
        updates, outcomes = [update for update, _ in found], [outcome for _, outcome in found]
        written = self._store.queue.save(updates, self._run, _attempts(answered))
        return [
            TagResult(
                update.id,
                outcome,
                tuple(tag.name for tag in outcome.tags) if isinstance(outcome, Tagged) else (),
                copied=update.provenance.source == "cache",
            )
            for update, outcome, kept in zip(updates, outcomes, written, strict=True)
            if kept
        ]


def _attempts(answered: Iterable[Answered]) -> list[tuple[PostId, Attempt]]:
    return [(each.post.id, each.attempt) for each in answered if each.attempt is not None]


class _Feed:
    """The posts on their way to a tagger, each text once: others wait for the first one's answer.

    A waiting post is kept without its text.
    """

    def __init__(self, store: Store, tagger: Tagger, claims: Claims, rules: TagRules) -> None:
        self._store = store
        self._tagger = tagger
        self._claims = claims
        self._looks = tagger.paid and not rules.fresh  # for answers of other runs
        self._clock = rules.clock
        self._asked: dict[str, list[PostForTagging]] = {}  # text being asked → posts that wait
        self._seen: dict[str, Answered] = {}  # text → its answer, of which there are no tags
        self._stored = Hashes()  # texts whose tags are stored
        self._answered: list[Answered] = []
        self._is_new = True  # posts have come since the tagger was called

    def begin(self) -> bool:
        """Tell whether to call the tagger, again if more posts can be claimed by now."""
        is_new, self._is_new = self._is_new, False
        return is_new and not self._claims.is_over

    def __iter__(self) -> Iterator[PostForTagging]:
        for claimed in self._claims.take():
            # Once for all of them: while their texts are claimed no other run asks for these.
            known, at = self._look_up(claimed)
            for post in claimed:
                self._is_new = True
                # A machine that slept has lost its claims, and does not know.
                if not dt.timedelta() <= self._clock() - at <= LEASE / 2:
                    known, at = self._look_up(claimed)
                again = self._without_asking(post, known)
                if again is not None:
                    self._answered.append(again)
                elif not self._tagger.paid:
                    yield post
                elif (waiting := self._asked.get(post.text_hash)) is not None:
                    waiting.append(replace(post, text=""))
                else:
                    self._asked[post.text_hash] = []
                    yield post

    def _without_asking(self, post: PostForTagging, known: _Known) -> Answered | None:
        """Return the answer for a post that is not sent; None: it is, or waits for an equal one.

        `known` has the answers of other runs that were stored a short while ago.
        """
        if self._tagger.paid and post.text_hash not in self._asked:
            same = self._seen.get(post.text_hash)
            if same is not None:
                return replace(same, post=post)
            if post.text_hash in self._stored:  # by this run, perhaps since
                known = self._find([post])
            if (found := known.get(post.text_hash)) is not None:
                return _copied(post, *found)
        given_up = given_up_after(post.lapses)
        provenance = self._tagger.provenances[0]
        return None if given_up is None else Answered(post, provenance, given_up)

    def equals_of(self, answered: Sequence[Answered]) -> list[Answered]:
        """Return the answers for the posts that waited for the outcomes of these."""
        return [more for each in answered if each.outcome for more in self._release(each)]

    def _release(self, answered: Answered) -> list[Answered]:
        """Return the answers for the posts that waited for this one's outcome."""
        text, outcome = answered.post.text_hash, answered.outcome
        is_stored = isinstance(outcome, Tagged)
        if is_stored:
            self._stored.add(text)
            self._seen.pop(text, None)
        else:
            self._seen[text] = _without_text(answered)
        provenance = (
            replace(answered.provenance, source="cache") if is_stored else answered.provenance
        )
        return [Answered(post, provenance, outcome) for post in self._asked.pop(text, ())]

    def _look_up(self, posts: Sequence[PostForTagging]) -> tuple[_Known, dt.datetime]:
        """Return the stored answers that count for these posts, and when they were looked up."""
        at = self._clock()
        return self._find(posts) if self._looks and posts else {}, at

    def _find(self, posts: Sequence[PostForTagging]) -> _Known:
        """Return the stored answers for the texts of posts."""
        return self._store.answers.find(
            {post.text_hash for post in posts}, self._tagger.provenances
        )

    def take_answered(self) -> list[Answered]:
        """Return, once, the answers for posts whose text was answered earlier in this run."""
        found, self._answered = self._answered, []
        return found


def _copied(
    post: PostForTagging, provenance: Provenance, tags: tuple[SuggestedTag, ...]
) -> Answered:
    return Answered(post, replace(provenance, source="cache"), _outcome_of(tags))


def _outcome_of(known: tuple[SuggestedTag, ...]) -> Outcome:
    """Return the outcome of a stored answer: no tags, nothing to tag."""
    return Tagged(known) if known else Skipped("nothing to tag, as was found before")


def _without_text(answered: Answered) -> Answered:
    return replace(answered, post=replace(answered.post, text=""), attempt=None)


def _batches(known: Iterator[KnownAnswer], size: int) -> Iterator[list[KnownAnswer]]:
    while batch := list(itertools.islice(known, size)):
        yield batch


def _left(limit: int | None, done: int) -> int | None:
    return None if limit is None else max(limit - done, 0)
