"""A parsing run: sources into the store, and what became of each channel. Draws nothing itself."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tgtagger import pipeline
from tgtagger.cli.options import Invocation
from tgtagger.cli.render import Screen, plural
from tgtagger.cli.runs import noted_run
from tgtagger.errors import InputError, SourceError, TgTaggerError, exit_code
from tgtagger.store import Store
from tgtagger.types import (
    Channel,
    Page,
    PageStored,
    Rejected,
)

SHOWN = 5
"""Rejected posts named one by one on a terminal; the rest are counted."""


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
