"""A tagging run whose results a person sees first: nothing is given before it is accepted.

A model's answers are stored as they come, as those of a run that was killed: what is not accepted
is copied by a later run, and not paid for again. Posts are asked for in small portions, while the
person reads. Knows no face.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from tgtagger import pipeline
from tgtagger.config import Settings, days_of
from tgtagger.errors import InputError, TgTaggerError
from tgtagger.model.posts import PostFilter
from tgtagger.model.refs import post_name
from tgtagger.model.stored import Post
from tgtagger.model.tagging import (
    Proposal,
    ProposedTag,
    Skipped,
    Tagged,
    TagResult,
    TagUpdate,
    is_stop,
)
from tgtagger.runs import shapes
from tgtagger.runs.events import Events, Progress, Stage, stage
from tgtagger.runs.note import noted_run
from tgtagger.runs.opening import open_to_write
from tgtagger.runs.summary import TagSummary
from tgtagger.runs.tag import Tagging, TagOptions, Tally
from tgtagger.runs.taggers import make_tagger
from tgtagger.store import Store
from tgtagger.system import signals
from tgtagger.vocabulary import MAX_LENGTH, MAX_WORDS, is_tag, key, normalise

PORTION = 10
"""Posts asked for at a time: one request of a model. A person who leaves has paid for no more."""


@dataclass(slots=True)
class Review:
    """A review on its way. `run` None: it is not recorded, and can only be looked at."""

    tagging: Tagging
    events: Events
    run: int | None
    tally: Tally = field(default_factory=Tally)

    def proposals(self) -> Iterator[Proposal]:
        """Yield what each post would get, a portion after the other. An error may end it early."""
        wanted = self.tagging.wanted
        names = [post_name(post.id) for post in self.tagging.store.queue.posts(wanted)]
        for at in range(0, len(names), PORTION):
            portion = replace(wanted, posts=tuple(names[at : at + PORTION]), limit=None)
            updates = self._ask(portion)
            yield from self.tagging.store.proposals.look(updates)
            if self.tally.stopped is not None:
                return

    def count(self) -> int:
        """Return how many posts there are to look at."""
        return self.tagging.count()

    def post(self, proposal: Proposal) -> Post:
        """Return the post of a proposal."""
        return self.tagging.store.records.post(post_name(proposal.update.id)).post

    def block(self, name: str) -> None:
        """Let no machine give a tag again, to any post."""
        self.tagging.store.curation.block([name])

    def again(self, proposal: Proposal) -> Proposal | None:
        """Return a proposal as it is now, after a tag was blocked; None: its post has changed."""
        return next(iter(self.tagging.store.proposals.look([proposal.update])), None)

    def accept(self, proposal: Proposal) -> bool:
        """Give a post its tags; tell whether it still was as the tagger read it."""
        assert self.run is not None
        update = proposal.update
        (is_kept,) = self.tagging.store.queue.save([replace(update, claim=None)], self.run)
        if is_kept:
            outcome = Skipped("") if update.status == "skipped" else Tagged(update.tags)
            self.tally.add(
                TagResult(update.id, outcome, copied=update.provenance.source == "cache")
            )
        return is_kept

    def edit(self, proposal: Proposal, names: Sequence[str]) -> bool:
        """Give a post these tags: those that were not proposed in the person's name.

        A proposed tag that is not among them is taken off for good.
        """
        curation, post = self.tagging.store.curation, post_name(proposal.update.id)
        if not self.accept(proposal):
            return False
        proposed = [tag.name for tag in proposal.tags]
        less = [name for name in proposed if name not in names]
        more = [name for name in names if name not in proposed]
        if less:
            curation.drop_from(PostFilter(posts=(post,)), less)
        if more:  # comes last: a typed name may be an alias of one that was taken off
            curation.add(post, more)
        return True

    def summary(self) -> TagSummary:
        """Return what the review gave, and what it cost."""
        pending = self.tagging.store.queue.count(PostFilter(statuses=("pending",)))
        return self.tally.to_summary(self.tagging.tagger, self.events, pending)

    def _ask(self, portion: PostFilter) -> list[TagUpdate]:
        tagging = self.tagging
        rules = pipeline.TagRules(
            tagging.settings.max_attempts,
            fresh=tagging.options.queue == "all",
            asked_since=self.run,  # an equal text of an earlier portion
        )
        updates: list[TagUpdate] = []
        asked = pipeline.propose(
            tagging.store, tagging.tagger, portion, self.run or 0, self.events, rules
        )
        if not tagging.tagger.paid:
            signals.run(self._collect, asked, updates, len(portion.posts))
            return updates
        with tagging.store.lock("tag", shared=True):  # not while the person thinks
            signals.run(self._collect, asked, updates, len(portion.posts))
        return updates

    async def _collect(
        self, asked: AsyncGenerator[TagUpdate], updates: list[TagUpdate], total: int
    ) -> None:
        with stage(self.events, Stage("tagging")):
            try:
                async with aclosing(asked):
                    async for update in asked:
                        updates.append(update)
                        done = len(updates)
                        spent = self.tagging.tagger.spending
                        self.events.progress(Progress(done, done / total, total, spent=spent))
            except TgTaggerError as error:
                if not is_stop(error.kind):
                    raise
                self.tally.stopped = error


def named(proposal: Proposal, typed: str) -> ProposedTag | None:
    """Return the proposed tag that a person typed, by its number or by its name in any case."""
    for at, tag in enumerate(proposal.tags, 1):
        if typed.strip() == str(at) or key(normalise(typed)) == key(tag.name):
            return tag
    return None


def edited(proposed: Sequence[str], typed: str) -> list[str]:
    """Return the tags that a person typed, with commas; `+tag` and `-tag` change the proposed ones.

    Nothing typed is no change. Raises InputError for what cannot be a tag.
    """
    parts = [part.strip() for part in typed.split(",") if part.strip()]
    is_change = all(part[0] in "+-" for part in parts)
    names = {key(name): name for name in proposed if is_change}
    for part in parts:
        name = normalise(part.lstrip("+-"))
        if not is_tag(name):
            raise InputError("tag_invalid", name=part, words=MAX_WORDS, letters=MAX_LENGTH)
        if part[0] == "-":
            names.pop(key(name), None)
        else:
            names[key(name)] = next((one for one in proposed if key(one) == key(name)), name)
    return list(names.values())


@contextlib.contextmanager
def review(settings: Settings, options: TagOptions, events: Events) -> Iterator[Review]:
    """Begin a review whose proposals a person may accept, as a run of its own."""
    settings.check_llm()
    with open_to_write(settings, events) as store:
        yield from _recorded(_tagging(store, settings, options), events)


@contextlib.contextmanager
def look(settings: Settings, options: TagOptions, events: Events) -> Iterator[Review]:
    """Begin a review that is only looked at: without a model, nothing at all is written."""
    settings.check_llm()
    if settings.tagger == "llm":
        with review(settings, options, events) as begun:
            yield begun
        return
    with Store.open_up_to_date(settings.db) as store:
        yield Review(_tagging(store, settings, options), events, None)


def _tagging(store: Store, settings: Settings, options: TagOptions) -> Tagging:
    seconds = None if options.max_time is None else options.max_time.total_seconds()
    tagger = make_tagger(settings, store, max_time=seconds)
    return Tagging(store, settings, tagger, options, seconds)


def _recorded(tagging: Tagging, events: Events) -> Iterator[Review]:
    keep = days_of(tagging.settings.keep_runs)
    provenance = tagging.tagger.provenances[0]
    with noted_run(tagging.store, "tag", provenance, keep=keep) as note:
        events.started(note.number)
        begun = Review(tagging, events, note.number)
        yield begun
        summary = begun.summary()
        note.summary, note.code = shapes.tag_summary(summary), summary.code
