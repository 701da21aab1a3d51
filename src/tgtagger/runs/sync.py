"""A sync: read every channel, tag new posts, try failed posts again that are due.

Knows no face.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from tgtagger.config import Settings, days_of
from tgtagger.errors import Locked, StoreError, TgTaggerError
from tgtagger.model.posts import PostFilter
from tgtagger.runs import shapes
from tgtagger.runs.events import Events
from tgtagger.runs.note import noted_run
from tgtagger.runs.opening import open_to_write
from tgtagger.runs.parse import ParseOptions, parse_into
from tgtagger.runs.sharing import JobBudget
from tgtagger.runs.summary import ParseReport, SyncReport, TagSummary
from tgtagger.runs.tag import Queue, Tagging, TagOptions
from tgtagger.runs.taggers import make_tagger
from tgtagger.store import Store


def sync(settings: Settings, options: ParseOptions, events: Events) -> SyncReport:
    """Do all three parts as one run under both locks, until `options.deadline` at most."""
    settings.check_llm()
    with (
        open_to_write(settings, events) as store,
        store.lock("parse"),
        store.lock("tag", shared=True),
    ):
        return sync_as_run(store, settings, options, events)


def sync_as_run(
    store: Store,
    settings: Settings,
    options: ParseOptions,
    events: Events,
    sources: Sequence[str] = (),
    *,
    budget: JobBudget | None = None,
) -> SyncReport:
    """Do all three parts as one run; the caller holds both locks.

    With sources: read those, and tag what is pending or due in them. With a `budget` other runs
    share its cap.
    """
    first = make_tagger(settings, store)
    with noted_run(store, "sync", first.provenances[0], keep=days_of(settings.keep_runs)) as note:
        events.started(note.number)
        read = _parse(store, settings, sources, options, events, note.number)
        wanted = PostFilter(channels=tuple(map(str, read.channel_ids if sources else ())))

        def tag(queue: Queue, spent: float) -> TagSummary:
            end = options.deadline
            left = None if end is None else end - time.monotonic()
            tagger = make_tagger(settings, store, max_time=left, spent=spent, budget=budget)
            tagging = Tagging(store, settings, tagger, TagOptions(wanted, queue), left)
            summary = tagging.run_within(note.number, events)
            events.finished(summary)
            return summary

        tagged = retried = None
        if wanted.channels or not sources:
            tagged = tag("pending", 0.0)
        if tagged and tagged.stopped is None:  # what stops the new posts would stop the old ones
            spent = tagged.spent.cost_usd if budget is None else None
            retried = tag("due", spent or 0.0)
        report = SyncReport(read, tagged, retried)
        note.summary, note.code = shapes.noted_sync(report), report.code
    return report


def _parse(
    store: Store,
    settings: Settings,
    sources: Sequence[str],
    options: ParseOptions,
    events: Events,
    run: int,
) -> ParseReport:
    """Read the sources, or every channel; after an error that ends that, tagging goes on."""
    try:
        report = parse_into(store, settings, sources, options, events)
    except (StoreError, Locked):
        raise
    except TgTaggerError as error:
        reason = _why_nothing_is_read(store, error)
        report = ParseReport(error=error if reason is None else None)
        if reason is not None:
            events.remark(reason, is_first=not store.runs.has_run("sync", run))
    events.finished(report)
    return report


def _why_nothing_is_read(
    store: Store, error: TgTaggerError
) -> Literal["fed_by_exports", "all_set_aside"] | None:
    """Return why this archive is well though nothing is read; None: the error stands."""
    if error.kind == "no_channels_yet" and store.status.channels():
        return "all_set_aside"
    if error.kind == "channels_without_names" and not (
        store.progress.is_read_by("telegram") or store.channels.followed_sources()
    ):
        return "fed_by_exports"
    return None
