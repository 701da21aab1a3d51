"""A sync: read every channel, tag new posts, try failed posts again that are due.

Knows no face.
"""

from __future__ import annotations

import time

from tgtagger.config import Settings, days_of
from tgtagger.errors import Locked, StoreError, TgTaggerError
from tgtagger.runs import shapes
from tgtagger.runs.events import Events
from tgtagger.runs.note import noted_run
from tgtagger.runs.parse import ParseOptions, parse_into
from tgtagger.runs.summary import ParseReport, SyncReport, TagSummary
from tgtagger.runs.tag import Queue, Tagging, TagOptions
from tgtagger.runs.taggers import make_tagger
from tgtagger.store import Store


def sync(settings: Settings, options: ParseOptions, events: Events) -> SyncReport:
    """Do all three parts as one run under both locks, until `options.deadline` at most."""
    settings.check_llm()
    with Store.open(settings.db, create=False) as store, store.lock("parse"), store.lock("tag"):
        first = make_tagger(settings, store)
        with noted_run(
            store, "sync", first.provenances[0], keep=days_of(settings.keep_runs)
        ) as note:
            read = _parse(store, settings, options, events)

            def tag(queue: Queue, spent: float) -> TagSummary:
                end = options.deadline
                left = None if end is None else end - time.monotonic()
                tagger = make_tagger(settings, store, max_time=left, spent=spent)
                tagging = Tagging(store, settings, tagger, TagOptions(queue=queue), left)
                summary = tagging.run_within(note.number, events)
                events.finished(summary)
                return summary

            tagged, retried = tag("pending", 0.0), None
            if tagged.stopped is None:  # a stop of the new posts would stop the old ones, too
                retried = tag("due", tagged.spent.cost_usd or 0.0)
            report = SyncReport(read, tagged, retried)
            note.summary, note.code = shapes.noted_sync(report), report.code
    return report


def _parse(store: Store, settings: Settings, options: ParseOptions, events: Events) -> ParseReport:
    """Read every channel; after an error that ends the reading, tagging goes on."""
    try:
        report = parse_into(store, settings, (), options, events)
    except (StoreError, Locked):
        raise
    except TgTaggerError as error:
        report = ParseReport(error=error)
    events.finished(report)
    return report
