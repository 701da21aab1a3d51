"""A tagging run: posts through a tagger into the store, and a summary.

`prepared` opens the archive, so that a face can look at the estimate, and ask a person, before the
run begins; `tag` runs at once. Knows no face.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Literal

from tgtagger import pipeline
from tgtagger.config import Settings, days_of
from tgtagger.errors import InputError, TgTaggerError
from tgtagger.model.hashes import Hashes
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Skipped, Tagged, TaggingError, TagResult, is_stop
from tgtagger.pipeline import Tagger, TagRules
from tgtagger.runs import shapes
from tgtagger.runs.events import Events, Progress, Stage, stage
from tgtagger.runs.note import noted_run
from tgtagger.runs.opening import open_to_write
from tgtagger.runs.sharing import JobBudget
from tgtagger.runs.summary import PromptShown, TagEstimate, TagSummary
from tgtagger.runs.taggers import make_llm, make_tagger
from tgtagger.store import Store
from tgtagger.system import signals

Queue = Literal["pending", "all", "stale", "due", "failed"]
"""Which posts a run takes. pending: new ones · all: of every status · stale: tagged by another
prompt, model or vocabulary than now · due: failed, and due for another try · failed: all failed"""

SAMPLE = "(here stands the text of a post)"


@dataclass(frozen=True, slots=True)
class TagOptions:
    """Which posts to tag, and for how long (seconds).

    `goes_on`: the number of a run that was broken off. What it, and those since, have done is left
    out, and their answers count where posts are asked anew. `together`: the run ends when no other
    one works at these posts any more, and does what others leave.
    """

    wanted: PostFilter = field(default_factory=PostFilter)
    queue: Queue = "pending"
    max_time: dt.timedelta | None = None
    goes_on: int | None = None
    together: bool = False


@dataclass(frozen=True, slots=True)
class Tagging:
    """A tagging run that is ready: its tagger is made; nothing is sent or written yet."""

    store: Store
    settings: Settings
    tagger: Tagger
    options: TagOptions
    seconds: float | None = None  # the run's longest time

    @property
    def wanted(self) -> PostFilter:
        """Return the filter of the posts in its queue."""
        wanted = replace(self.options.wanted, undone_since_run=self.options.goes_on)
        match self.options.queue:
            case "pending":
                return replace(wanted, statuses=("pending",))
            case "stale":
                provenances = self.tagger.provenances
                return replace(wanted, statuses=("tagged", "skipped"), stale_for=provenances)
            case "due":
                return replace(
                    wanted,
                    statuses=("failed",),
                    due_by=dt.datetime.now(dt.UTC),
                    attempts_below=self.settings.max_attempts,
                )
            case "failed":
                return replace(wanted, statuses=("failed",))
        return wanted

    def count(self) -> int:
        """Return how many posts the run would tag."""
        return self.store.queue.count(self.wanted)

    def estimate(self) -> TagEstimate:
        """Return the estimate of the run. Sends nothing."""
        wanted, tagger, store = self.wanted, self.tagger, self.store
        posts = store.queue.count(wanted)
        # An earlier answer for an equal text is copied: such posts are counted, and not sent.
        is_copied = tagger.paid and self.options.queue != "all"
        known = store.queue.answered(wanted, tagger.provenances) if is_copied else ()
        copied = Hashes()
        for post, _, _ in known:
            copied.add(post.id)
        left = store.queue.posts(wanted)
        if copied:
            left = (post for post in left if post.id not in copied)
        provenance = tagger.provenances[0]
        seconds = store.answers.mean_seconds(provenance.model or "") if tagger.paid else None
        found = tagger.estimate(left, mean_seconds=seconds)
        needs = replace(found, copied=found.copied + len(copied))
        return TagEstimate(posts, provenance, needs)

    def run(self, events: Events) -> TagSummary:
        """Tag the posts; store that as a run of its own."""
        command = "retry-failed" if self.options.queue in {"due", "failed"} else "tag"
        with noted_run(
            self.store,
            command,
            self.tagger.provenances[0],
            keep=days_of(self.settings.keep_runs),
        ) as note:
            events.started(note.number)
            summary = self.run_within(note.number, events)
            note.summary, note.code = shapes.tag_summary(summary), summary.code
        return summary

    def run_within(self, run: int, events: Events) -> TagSummary:
        """Tag the posts as a part of a run."""
        wanted, tagger = self.wanted, self.tagger
        lost = self.store.queue.mend()
        if lost:
            events.warn(f"posts that wait and were lost from the queue are in it again: {lost}")
        total = self.store.queue.count(wanted)
        is_first = (
            total > 0
            and not tagger.paid
            and not self.store.runs.has_tagged_with(tagger.provenances[0], run)
        )
        rules = TagRules(
            self.settings.max_attempts,
            fresh=self.options.queue == "all",
            asked_since=self.options.goes_on,
            together=self.options.together,
            deadline=None if self.seconds is None else time.monotonic() + self.seconds,
        )
        tally = Tally()
        results = pipeline.tag(self.store, tagger, wanted, run, events, rules)
        signals.run(_follow, results, events, tally, total, tagger)
        pending = self.store.queue.count(PostFilter(statuses=("pending",)))
        summary = tally.to_summary(tagger, events, pending)
        if self.options.together and summary.stopped is None:
            events.progress(Progress(total, 1.0, total, spent=tagger.spending))
        elif not summary.posts and summary.stopped is None:
            summary = replace(summary, elsewhere=total)
        if is_first:
            events.remark("first_by_the_embedded_tagger")
        return summary


@contextlib.contextmanager
def prepared(settings: Settings, options: TagOptions, events: Events) -> Iterator[Tagging]:
    """Open the archive, take the lock of tagging runs, which may be several, make the tagger."""
    settings.check_llm()
    with open_to_write(settings, events) as store, store.lock("tag", shared=True):
        yield make_tagging(store, settings, options)


def make_tagging(
    store: Store, settings: Settings, options: TagOptions, *, budget: JobBudget | None = None
) -> Tagging:
    """Make the tagger of a run; the caller holds the lock of tagging runs.

    With a `budget` other runs share its cap.
    """
    seconds = None if options.max_time is None else options.max_time.total_seconds()
    tagger = make_tagger(settings, store, max_time=seconds, budget=budget)
    return Tagging(store, settings, tagger, options, seconds)


def tag(settings: Settings, options: TagOptions, events: Events) -> TagSummary:
    """Tag posts. The summary holds the error that stopped the run, if any."""
    with prepared(settings, options, events) as tagging:
        return tagging.run(events)


def estimate(settings: Settings, options: TagOptions) -> TagEstimate:
    """Return the estimate of a run: a dry run. Sends nothing, and takes no lock."""
    settings.check_llm()
    with Store.open_up_to_date(settings.db) as store:
        return Tagging(store, settings, make_tagger(settings, store), options).estimate()


def show_prompt(settings: Settings) -> PromptShown:
    """Return the messages that a model would get, with a sample in place of the posts."""
    if settings.tagger != "llm":
        raise InputError("embedded_tagger_has_no_prompt")
    try:
        with Store.open_up_to_date(settings.db) as store:
            tagger = make_llm(settings, store)
    except InputError:
        tagger = make_llm(settings, None)  # there is no archive yet
    provenance, request = tagger.provenances[0], tagger.sample_request(SAMPLE)
    return PromptShown(
        provenance.prompt,
        provenance.vocabulary,
        tagger.exchange.vocabulary.mode,
        settings.llm_models,
        tuple(request["messages"]),
    )


# ---- a run on its way


@dataclass(slots=True)
class Tally:
    """Counts the results of a run so far."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    stopped: TgTaggerError | None = None

    def add(self, result: TagResult) -> None:
        self.counts["copied"] += result.copied
        match result.outcome:
            case Tagged():
                self.counts["tagged"] += 1
            case Skipped():
                self.counts["skipped"] += 1
            case TaggingError(failure):
                self.counts["failed"] += 1
                self.failures[failure] += 1

    def to_summary(self, tagger: Tagger, events: Events, pending: int) -> TagSummary:
        return TagSummary(
            tagger.provenances[0],
            tagged=self.counts["tagged"],
            skipped=self.counts["skipped"],
            failed=self.counts["failed"],
            pending=pending,
            copied=self.counts["copied"],
            by_class=dict(self.failures),
            spent=tagger.spending,
            stopped=self.stopped,
            hint=None if self.stopped is None else events.hint(self.stopped),
        )


async def _follow(
    results: AsyncGenerator[TagResult], events: Events, tally: Tally, total: int, tagger: Tagger
) -> None:
    """Follow a run to its end; keep the error that stops it."""
    done = 0
    with stage(events, Stage("tagging")):
        try:
            async with aclosing(results):
                async for result in results:
                    done += 1
                    tally.add(result)
                    share = done / total if total else None
                    events.progress(Progress(done, share, total, spent=tagger.spending))
                    events.stored(result)
        except TgTaggerError as error:
            if not is_stop(error.kind):
                raise
            tally.stopped = error
