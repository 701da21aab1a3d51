"""The order of things: a source's pages into the store, the store's posts through a tagger.

Yields results as they are safe on disk; totals are the caller's. Knows no terminal, and no
transaction of the store is ever open while something is awaited.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from tgtagger.decide import update_after
from tgtagger.errors import TryLater
from tgtagger.model.events import Events
from tgtagger.model.posts import Memory, Page, PageStored, PostFilter, SourceName
from tgtagger.model.tagging import (
    Answered,
    Estimate,
    Outcome,
    PostForTagging,
    Provenance,
    Skipped,
    Spending,
    SuggestedTag,
    Tagged,
    TagResult,
    TagUpdate,
)
from tgtagger.store import Store

COPIED = 200
"""Answers of earlier runs that are copied in one transaction."""

FREE_ANSWERS = 200
"""Answers that cost nothing are written this many at a time; one that was paid for, at once."""


class PostSource(Protocol):
    """Where posts come from. Raises a TgTaggerError when it cannot go on; what it gave counts.

    A source that has to wait tells `events` before it does. `channel_id` is None until it is known.
    """

    @property
    def name(self) -> SourceName: ...

    @property
    def channel_id(self) -> int | None: ...

    def pages(self, memory: Memory, events: Events) -> AsyncGenerator[Page]: ...


class Tagger(Protocol):
    """Gives posts their tags, in any order; a post's failure is an Outcome, not an exception.

    `paid` answers are written at once and remembered for equal texts. A tagger that has to wait
    tells it before it does. Raises a TgTaggerError when the run cannot go on; what it yielded
    counts.
    """

    @property
    def provenances(self) -> tuple[Provenance, ...]: ...

    @property
    def paid(self) -> bool: ...

    @property
    def spending(self) -> Spending:
        """What its requests took so far."""

    def estimate(self, posts: Iterable[PostForTagging], *, mean_seconds: float | None) -> Estimate:
        """Return what tagging these posts would take. `mean_seconds`: what answers took so far."""

    def tag(
        self, posts: Iterable[PostForTagging], events: Events
    ) -> AsyncGenerator[tuple[Answered, ...]]: ...


async def parse(source: PostSource, store: Store, events: Events) -> AsyncGenerator[PageStored]:
    """Store a source's pages, and yield what became of each.

    A wait that is too long for this run is remembered for the channel, and ends it.
    """
    try:
        async with aclosing(source.pages(store.progress, events)) as pages:
            async for page in pages:
                yield store.posts.save_page(page)
                await asyncio.sleep(0)  # so that a signal is heard: a file never waits
    except TryLater as error:
        if error.not_before is not None and source.channel_id is not None:
            store.progress.postpone(source.channel_id, source.name, error.not_before)
        raise


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class TagRules:
    """How a tagging run goes about it. `fresh`: answers to equal texts of earlier runs do not do.

    `deadline` is a moment of time.monotonic().
    """

    max_attempts: int = 5
    fresh: bool = False
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

    What was answered for an equal text before is copied, and not asked again. A result whose post
    was edited meanwhile is not stored, and not yielded: the post is pending.
    """
    writer = _Writer(store, tagger, run, rules)
    if tagger.paid and not rules.fresh:
        for batch in _batches(store.queue.answered(wanted, tagger.provenances), COPIED):
            for result in writer.copy(batch):
                yield result
            _check_time(rules)
            await asyncio.sleep(0)  # so that a signal is heard
        wanted = replace(wanted, limit=_left(wanted.limit, writer.copied))
    if wanted.limit == 0:
        return
    feed = _Feed(store, tagger, wanted)
    async with aclosing(tagger.tag(feed, events)) as answers:
        async for answered in answers:
            for result in writer.take(answered, feed):
                yield result
            if not tagger.paid:  # a paid one ends by itself: what is on its way is paid for
                _check_time(rules)
                await asyncio.sleep(0)  # so that a signal is heard
    for result in writer.finish(feed):
        yield result


def _check_time(rules: TagRules) -> None:
    """Raise TryLater when the time given to a run is over."""
    if rules.deadline is not None and time.monotonic() > rules.deadline:
        raise TryLater("time_cap")


Known = tuple[PostForTagging, Provenance, tuple[SuggestedTag, ...]]


class _Writer:
    """Turns what taggers say into what the store is to write, and writes it."""

    def __init__(self, store: Store, tagger: Tagger, run: int, rules: TagRules) -> None:
        self._store = store
        self._run = run
        self._rules = rules
        self._remember = tagger.paid
        self._size = 1 if tagger.paid else FREE_ANSWERS
        self._waiting: list[Answered] = []
        self.copied = 0

    def take(self, answered: Sequence[Answered], feed: _Feed) -> list[TagResult]:
        """Write what was answered, and the same for the posts with equal texts."""
        for each in answered:
            self._waiting.append(each)
            if each.outcome is not None and self._remember:
                self._waiting += feed.release(each)
        return self.finish(feed) if len(self._waiting) >= self._size else []

    def finish(self, feed: _Feed) -> list[TagResult]:
        """Write all that waits."""
        waiting, self._waiting = self._waiting + feed.take_answered(), []
        return self._write(waiting)

    def copy(self, known: Sequence[Known]) -> list[TagResult]:
        """Write answers that were paid for before."""
        results = self._write(
            [
                Answered(post, replace(provenance, source="cache"), _outcome_of(tags))
                for post, provenance, tags in known
            ]
        )
        self.copied += len(results)
        return results

    def _write(self, answered: Sequence[Answered]) -> list[TagResult]:
        if not answered:
            return []
        updates: list[TagUpdate] = []
        outcomes: list[Outcome] = []
        for each in answered:
            if each.outcome is not None:
                updates.append(
                    update_after(
                        each.post,
                        each.outcome,
                        each.provenance,
                        now=self._rules.clock(),
                        max_attempts=self._rules.max_attempts,
                        remember=self._remember and each.provenance.source != "cache",
                    )
                )
                outcomes.append(each.outcome)
        attempts = [(each.post.id, each.attempt) for each in answered if each.attempt is not None]
        written = self._store.queue.save(updates, self._run, attempts)
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


class _Feed:
    """The posts on their way to a tagger, each text once: equal ones wait for the first's answer.

    What waits is kept without its text.
    """

    def __init__(self, store: Store, tagger: Tagger, wanted: PostFilter) -> None:
        self._store = store
        self._tagger = tagger
        self._wanted = wanted
        self._asked: dict[str, list[PostForTagging]] = {}  # on its way: who waits for it
        self._seen: dict[str, Answered | None] = {}  # in this run; None: its tags are stored
        self._answered: list[Answered] = []

    def __iter__(self) -> Iterator[PostForTagging]:
        for post in self._store.queue.posts(self._wanted):
            if not self._tagger.paid:
                yield post
                continue
            waiting = self._asked.get(post.text_hash)
            if waiting is not None:
                waiting.append(replace(post, text=""))
                continue
            if post.text_hash in self._seen and (again := self._known(post)) is not None:
                self._answered.append(again)
                continue
            self._asked[post.text_hash] = []
            yield post

    def release(self, answered: Answered) -> list[Answered]:
        """Return what the posts with the same text get, now that the first one has its outcome."""
        text, outcome = answered.post.text_hash, answered.outcome
        is_stored = isinstance(outcome, Tagged)
        self._seen[text] = None if is_stored else _without_text(answered)
        provenance = (
            replace(answered.provenance, source="cache") if is_stored else answered.provenance
        )
        return [Answered(post, provenance, outcome) for post in self._asked.pop(text, ())]

    def _known(self, post: PostForTagging) -> Answered | None:
        """Return what a post gets whose text had its outcome earlier in this run."""
        same = self._seen[post.text_hash]
        if same is not None:
            return replace(same, post=post)
        found = self._store.answers.find(post.text_hash, self._tagger.provenances)
        if found is None:
            return None
        provenance, tags = found
        return Answered(post, replace(provenance, source="cache"), _outcome_of(tags))

    def take_answered(self) -> list[Answered]:
        """Return the posts met so far whose text was answered earlier in this run."""
        found, self._answered = self._answered, []
        return found


def _outcome_of(known: tuple[SuggestedTag, ...]) -> Outcome:
    """Return what an answer said that is remembered by its tags."""
    return Tagged(known) if known else Skipped("nothing to tag, as was found before")


def _without_text(answered: Answered) -> Answered:
    return replace(answered, post=replace(answered.post, text=""), attempt=None)


def _batches(known: Iterator[Known], size: int) -> Iterator[list[Known]]:
    while batch := list(itertools.islice(known, size)):
        yield batch


def _left(limit: int | None, done: int) -> int | None:
    return None if limit is None else max(limit - done, 0)
