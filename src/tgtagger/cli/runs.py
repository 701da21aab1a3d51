"""Put the parts together: settings, store, lock, source or tagger, screen; and sum up a run.

The one place that knows all the others. Returns exit codes; raises only what ends a run. Draws
nothing itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from tgtagger import pipeline
from tgtagger.cli.options import Invocation, invocation
from tgtagger.cli.render import Screen, plural
from tgtagger.errors import InputError, SourceError, TgTaggerError, exit_code
from tgtagger.store import Store
from tgtagger.types import (
    Channel,
    Origin,
    Page,
    PageStored,
    PostFilter,
    Rejected,
    Skipped,
    Tagged,
    TaggingError,
)

SHOWN = 5
"""Rejected posts named one by one on a terminal; the rest are counted."""


def screen_of(ctx: typer.Context) -> Screen:
    called = invocation(ctx)
    return Screen(quiet=called.quiet, verbosity=called.verbosity, no_color=called.no_color)


def open_to_read(ctx: typer.Context) -> Store:
    return Store.open_to_read(invocation(ctx).settings().db)


@dataclass(slots=True)
class RunNote:
    """What is written down of a run when it ends."""

    number: int
    code: int = 0
    summary: dict[str, Any] | None = None


@contextlib.contextmanager
def noted_run(store: Store, command: str, origin: Origin | None = None) -> Iterator[RunNote]:
    """Write down that a run begins, and how it ends, however it ends."""
    note = RunNote(store.start_run(command, origin))
    try:
        yield note
    except BaseException as error:
        note.code = _code_of(error)
        with contextlib.suppress(TgTaggerError):  # the error that ends the run counts
            store.end_run(note.number, note.code)
        raise
    store.end_run(note.number, note.code, json.dumps(note.summary, ensure_ascii=False))


def _code_of(error: BaseException) -> int:
    match error:
        case TgTaggerError():
            return error.exit_code
        case KeyboardInterrupt():
            return 130
        case SystemExit(code=int(code)):  # SIGTERM, see cli.failures
            return code
        case _:
            return 1


# ---- parse


@dataclass(slots=True)
class ChannelReport:
    """What one run did to one channel, or why it could not."""

    source: str
    channel: Channel | None = None
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    service: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    error: TgTaggerError | None = None

    def add(self, stored: PageStored) -> None:
        self.new += stored.new
        self.updated += stored.updated
        self.unchanged += stored.unchanged
        self.deleted += stored.deleted
        self.service += stored.service
        self.rejected += stored.rejected

    def as_json(self) -> dict[str, Any]:
        channel = self.channel
        return {
            "source": self.source,
            "id": channel and channel.id,
            "username": channel and channel.username,
            "title": channel and channel.title,
            "new": self.new,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "deleted": self.deleted,
            "service": self.service,
            "rejected": [{"id": item.id, "reason": item.reason} for item in self.rejected],
            "complete": self.error is None,
            "via": "desktop",
            "error": self.error and self.error.message,
        }


@dataclass(frozen=True, slots=True)
class ParseOptions:
    limit: int | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    groups: bool = False


def parse(
    called: Invocation, screen: Screen, sources: Sequence[str], options: ParseOptions
) -> tuple[list[ChannelReport], int]:
    """Read every source into the store, one after another; one that fails stops no other."""
    with Store.open(called.settings().db) as store, store.lock("parse"):
        with noted_run(store, "parse") as note:
            reports: list[ChannelReport] = []
            for source in sources:
                reports += _parse_source(store, screen, source, options)
            codes = [report.error.exit_code for report in reports if report.error]
            codes += [5 for report in reports if report.rejected]
            note.code = exit_code(codes)
            note.summary = parse_summary(reports)
        return reports, note.code


def _parse_source(
    store: Store, screen: Screen, source: str, options: ParseOptions
) -> list[ChannelReport]:
    from tgtagger.sources.desktop import DesktopExport

    export = DesktopExport(
        Path(source).expanduser(),
        groups=options.groups,
        since=options.since,
        until=options.until,
    )
    reports: dict[int, ChannelReport] = {}

    async def run() -> None:
        with screen.progress(f"Reading {Path(source).name}") as update:
            async for stored in pipeline.parse(export, store, limit=options.limit):
                channel = stored.channel
                report = reports.setdefault(channel.id, ChannelReport(source, channel))
                report.add(stored)
                screen.detail(
                    f"{channel.title}: a page with {stored.new} new, {stored.updated} updated, "
                    f"{stored.unchanged} unchanged, {len(stored.rejected)} rejected"
                )
                update(
                    sum(each.new + each.updated + each.unchanged for each in reports.values()),
                    export.position / export.size if export.size else None,
                )

    error: TgTaggerError | None = None
    try:
        asyncio.run(run())
    except (InputError, SourceError) as caught:
        error = caught
    found = list(reports.values()) or [ChannelReport(source)]
    if error is not None:
        found[-1].error = error
    if export.left_out:
        kinds = ", ".join(f"{kind.replace('_', ' ')} {n}" for kind, n in export.left_out.items())
        screen.say(f"left out, since they are no channels: {kinds}")
    return found if reports or error else []


def parse_summary(reports: Sequence[ChannelReport]) -> dict[str, Any]:
    return {
        "channels": [report.as_json() for report in reports],
        "new": sum(report.new for report in reports),
        "updated": sum(report.updated for report in reports),
        "rejected": sum(len(report.rejected) for report in reports),
    }


def reconvert(called: Invocation) -> tuple[list[ChannelReport], int]:
    """Run today's converter over the raw forms that an older one read."""
    from tgtagger.sources.desktop import CONVERTER
    from tgtagger.sources.desktop import reconvert as convert_again

    with Store.open(called.settings().db) as store, store.lock("parse"):
        with noted_run(store, "parse --reconvert") as note:
            reports: dict[int, ChannelReport] = {}
            for stored in store.raw_posts("desktop", older_than=CONVERTER):
                report = reports.setdefault(
                    stored.channel.id, ChannelReport("raw forms", stored.channel)
                )
                post = convert_again(stored)
                if post is None:
                    report.rejected.append(Rejected(None, "its raw form cannot be read"))
                else:
                    report.add(store.save_page(Page(stored.channel, "desktop", (post,))))
            found = list(reports.values())
            note.code = exit_code([5 for report in found if report.rejected])
            note.summary = parse_summary(found)
        return found, note.code


def tell_parse(screen: Screen, reports: Sequence[ChannelReport]) -> None:
    """Say on the terminal what came in; say problems in any case."""
    for report in reports:
        if report.channel is not None:
            counts = [f"{plural(report.new, 'new post')}"]
            if report.updated:
                counts.append(f"{plural(report.updated, 'updated', 'updated')}")
            if report.unchanged:
                counts.append(f"{plural(report.unchanged, 'unchanged', 'unchanged')}")
            if report.service:
                counts.append(plural(report.service, "service message"))
            screen.say(f"{report.channel.title}: {', '.join(counts)}")
        for item in report.rejected[:SHOWN]:
            screen.warn(f"rejected: message {item.id} of {report.source}: {item.reason}")
        if len(report.rejected) > SHOWN:
            more = len(report.rejected) - SHOWN
            screen.warn(f"rejected: {more} more; all are listed by tgtagger doctor")
        if report.error is not None:
            screen.warn(f"error: {report.error.message}")
            if report.error.hint:
                screen.warn(f"hint: {report.error.hint}")


# ---- tag


@dataclass(frozen=True, slots=True)
class TagOptions:
    wanted: PostFilter
    force: bool = False
    stale: bool = False
    dry_run: bool = False
    max_time: dt.timedelta | None = None


HINT = (
    "tagged by the embedded tagger: no key, no network. A language model tags more finely: "
    "see docs/tagging.md, TGTAGGER_LLM_PROVIDER and a key"
)


def tag(
    called: Invocation, screen: Screen, options: TagOptions, *, tagger: str | None = None
) -> tuple[dict[str, Any], int]:
    """Tag posts; return the summary and the exit code."""
    from tgtagger.taggers.keywords import KeywordsTagger

    settings = called.settings(tagger=tagger)
    settings.check_tagger()
    engine = KeywordsTagger(
        minimum=settings.tags_min, maximum=settings.tags_max, topics=settings.topics
    )
    wanted = _wanted(options, engine.origin)
    if options.dry_run:
        with Store.open_to_read(settings.db) as store:
            posts = store.count_posts(wanted)
        summary = {
            "posts": posts, "requests": 0, "prompt_tokens": 0, "completion_tokens": 0,
            "cost_usd": 0.0, "seconds": None, "tagger": "keywords", "model": engine.origin.model,
        }  # fmt: skip
        return summary, 0
    with Store.open(settings.db) as store, store.lock("tag"):
        total = store.count_posts(wanted)
        first = total > 0 and not store.has_tagged_with(engine.origin)
        with noted_run(store, "tag", engine.origin) as note:
            counts: Counter[str] = Counter()
            failures: Counter[str] = Counter()

            async def run() -> bool:
                deadline = (
                    None
                    if options.max_time is None
                    else time.monotonic() + options.max_time.total_seconds()
                )
                done = 0
                with screen.progress("Tagging") as update:
                    async for result in pipeline.tag(store, engine, wanted, note.number):
                        done += 1
                        update(done, done / total if total else None)
                        screen.detail(
                            f"{result.id.channel_id}/{result.id.message_id}: "
                            + (", ".join(result.tags) or type(result.outcome).__name__.lower())
                        )
                        match result.outcome:
                            case Tagged():
                                counts["tagged"] += 1
                            case Skipped():
                                counts["skipped"] += 1
                            case TaggingError(failure):
                                counts["failed"] += 1
                                failures[failure] += 1
                        if deadline is not None and time.monotonic() > deadline:
                            return done < total
                return False

            out_of_time = asyncio.run(run())
            note.summary = {
                "tagged": counts["tagged"],
                "skipped": counts["skipped"],
                "failed": counts["failed"],
                "pending": store.count_posts(PostFilter(statuses=("pending",))),
                "requests": 0,
                "retries": 0,
                "prompt_tokens": 0,
                "completion_tokens": 0,
                "cost_usd": 0.0,
                "by_class": dict(failures),
                "stopped": {"class": "time_cap", "message": "the time given was over"}
                if out_of_time
                else None,
                "tagger": "keywords",
                "model": engine.origin.model,
            }
            codes = [5] * bool(counts["failed"]) + [75] * out_of_time
            note.code = exit_code(codes)
        if first and not called.quiet:
            screen.warn(HINT)
        return note.summary, note.code


def _wanted(options: TagOptions, origin: Origin) -> PostFilter:
    from dataclasses import replace

    if options.stale:
        return replace(options.wanted, statuses=("tagged",), stale_for=origin)
    return replace(options.wanted, statuses=() if options.force else ("pending",))


def tell_tag(screen: Screen, summary: dict[str, Any]) -> None:
    if "posts" in summary:
        screen.line(
            f"{plural(summary['posts'], 'post')} would be tagged by the embedded tagger: "
            "no request, no cost"
        )
        return
    done = summary["tagged"] + summary["skipped"] + summary["failed"]
    if not done:
        screen.say("nothing to tag: no post is pending")
        return
    words = f"tagged {plural(summary['tagged'], 'post')} with the embedded tagger"
    if summary["skipped"]:
        words += f", skipped {plural(summary['skipped'], 'post')} without words"
    if summary["pending"]:
        words += f"; {plural(summary['pending'], 'post')} still pending"
    screen.say(words)
    if summary["stopped"]:
        screen.warn(f"stopped: {summary['stopped']['message']}; run it again to go on")


def tag_channels(
    called: Invocation, screen: Screen, reports: Sequence[ChannelReport]
) -> tuple[dict[str, Any] | None, int]:
    """Tag what is pending in the channels that were just read."""
    channels = tuple(str(report.channel.id) for report in reports if report.channel)
    if not channels:
        return None, 0
    summary, code = tag(called, screen, TagOptions(PostFilter(channels=channels)))
    tell_tag(screen, summary)
    return summary, code


def confirm(question: str, *, otherwise: str) -> None:
    """Ask on a terminal; raise InputError where nobody can answer, or on a no."""
    import sys

    if not sys.stdin.isatty():
        raise InputError(otherwise)
    if not typer.confirm(question, err=True):
        raise InputError("nothing was changed")
