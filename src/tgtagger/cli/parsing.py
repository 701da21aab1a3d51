"""A parsing run: sources into the store, and what became of each channel. Draws nothing itself."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tgtagger import pipeline
from tgtagger.cli import targets
from tgtagger.cli.context import noted_run
from tgtagger.cli.hints import hint_of
from tgtagger.cli.options import Invocation
from tgtagger.cli.render import Live, Screen
from tgtagger.cli.targets import Target, Via
from tgtagger.cli.wording import number, plural
from tgtagger.config import Settings
from tgtagger.errors import (
    ActionNeeded,
    InputError,
    Locked,
    SourceError,
    StoreError,
    TgTaggerError,
    TryLater,
    exit_code,
)
from tgtagger.model.posts import Channel, Page, PageStored, Rejected, SourceName
from tgtagger.model.tagging import Wait
from tgtagger.sources.plan import ReadOptions
from tgtagger.store import Store
from tgtagger.system import signals

RECONVERTED = 500
"""Raw forms that are converted again and stored at a time."""

UNREADABLE = Rejected(None, "its raw form cannot be read")

NAMED = 1000
"""Rejected messages of a channel that a summary names; all are counted, and in the database."""

SHOWN = 5
"""Rejected posts named one by one on a terminal; the rest are counted."""


@dataclass(slots=True)
class ChannelReport:
    """What one run did to one channel, or why it could not."""

    source: str
    channel: Channel | None = None
    via: SourceName = "desktop"
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    service: int = 0
    unread: int | None = None
    rejected: list[Rejected] = field(default_factory=list)  # the first of them
    rejections: int = 0
    error: TgTaggerError | None = None

    def add(self, stored: PageStored) -> None:
        self.channel = stored.channel
        self.new += stored.new
        self.updated += stored.updated
        self.unchanged += stored.unchanged
        self.deleted += stored.deleted
        self.service += stored.service
        self.reject(*stored.rejected)
        self.unread = stored.unread

    def reject(self, *found: Rejected) -> None:
        self.rejections += len(found)
        self.rejected += found[: NAMED - len(self.rejected)]

    def as_json(self) -> dict[str, Any]:
        channel = self.channel
        return {
            "source": self.source,
            "id": channel and abs(channel.id),
            "username": channel and channel.username,
            "title": channel and channel.title,
            "new": self.new,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "deleted": self.deleted,
            "service": self.service,
            "unread": self.unread,
            "rejected": [{"id": item.id, "reason": item.reason} for item in self.rejected],
            "complete": self.error is None and not self.unread,
            "via": self.via,
            "error": self.error and self.error.message,
        }


@dataclass(frozen=True, slots=True)
class ParseOptions:
    read_options: ReadOptions = field(default_factory=ReadOptions)
    via: Via = "auto"
    groups: bool = False
    deadline: float | None = None  # a moment of time.monotonic(): no page is asked for after it


def parse(
    called: Invocation, screen: Screen, sources: Sequence[str], options: ParseOptions, **flags: Any
) -> tuple[list[ChannelReport], int]:
    """Read every source into the store, one after another; one that fails stops no other.

    Without sources: every channel of the archive that is not paused.
    """
    settings = called.settings(**flags)
    with Store.open(settings.db) as store, store.lock("parse"):
        with noted_run(store, "parse") as note:
            reports, note.code = parse_into(store, screen, settings, sources, options)
            note.summary = parse_summary(reports)
        return reports, note.code


def parse_into(
    store: Store,
    screen: Screen,
    settings: Settings,
    sources: Sequence[str],
    options: ParseOptions,
) -> tuple[list[ChannelReport], int]:
    """Read into a store whose lock is held."""
    reports = signals.run(_Run(store, screen, settings, options).all, sources)
    codes = [report.error.exit_code for report in reports if report.error]
    codes += [5 for report in reports if report.rejections]
    return reports, exit_code(codes)


@dataclass(frozen=True, slots=True)
class _LiveEvents:
    """Shows on the live line what a source tells."""

    screen: Screen
    live: Live

    def wait(self, wait: Wait) -> None:
        self.live.wait(wait.seconds, wait.reason)

    def warn(self, message: str) -> None:
        self.screen.warn(message)


class _Run:
    """What the sources of one run share: the store, the screen, one connection a service."""

    def __init__(
        self, store: Store, screen: Screen, settings: Settings, options: ParseOptions
    ) -> None:
        self.store = store
        self.screen = screen
        self.settings = settings
        self.options = options
        self.via = targets.choose_via(options.via, settings)
        self._open = contextlib.AsyncExitStack()
        self._telegram: Any = None
        self._preview: Any = None
        self._broken: TgTaggerError | None = None  # why Telegram is not to be had in this run

    async def all(self, sources: Sequence[str]) -> list[ChannelReport]:
        reports: list[ChannelReport] = []
        async with self._open:
            for target in self._targets(sources, reports):
                reports += await self._one(target)
        return reports

    def _targets(self, sources: Sequence[str], reports: list[ChannelReport]) -> list[Target]:
        found = []
        for text in sources:
            try:
                found.append(targets.read_target(text, self.store))
            except InputError as error:
                reports.append(ChannelReport(text, error=error))
        if not sources:
            stored = targets.stored_targets(self.store)
            if not stored:
                raise InputError(
                    "there is no channel to read yet", hint="name one: tgtagger parse @channel"
                )
            found, left_out = targets.readable(stored, self.via)
            if not found:
                raise ActionNeeded(
                    "the archive's channels have no public names: they need an account",
                    hint="sign in: tgtagger login",
                )
            if left_out:
                self.screen.say(
                    f"left out, without a public name: {plural(left_out, 'channel')} "
                    "(sign in to read them: tgtagger login)"
                )
        if self.options.via == "auto" and self.via == "preview" and any(t.ref for t in found):
            self.screen.say("nobody is signed in: reading the public web preview")
        return found

    async def _one(self, target: Target) -> list[ChannelReport]:
        if target.path is not None:
            return await self._export(target, target.path)
        report = ChannelReport(target.text, target.known, self.via)
        if self.via == "telegram" and self._broken is not None:
            report.error = self._broken
            return [report]
        if self._is_over():
            report.error = _out_of_time()
            return [report]
        try:
            source = await self._source(target)
            async for _ in self._read(source, target.text, {None: report}):
                pass
            if report.channel is not None:
                self.store.channels.settle(target.text, report.channel.id)
        except (StoreError, Locked):  # the database's: the next channel would meet it, too
            raise
        except TgTaggerError as error:
            report.error = error
            self._note_broken(error)
        return [report]

    def _is_over(self) -> bool:
        """Tell whether the time given to the run is over."""
        deadline = self.options.deadline
        return deadline is not None and time.monotonic() > deadline

    def _note_broken(self, error: TgTaggerError) -> None:
        if self.via == "telegram":
            # One channel's remembered wait is its own; nobody signed in, or no way there, is all's.
            remembered = isinstance(error, TryLater) and error.not_before is not None
            if isinstance(error, ActionNeeded | TryLater) and not remembered:
                gone = isinstance(error, ActionNeeded) or not self._telegram.is_connected
                self._broken = error if gone else None

    async def _source(self, target: Target) -> pipeline.PostSource:
        known = target.known
        groups = self.options.groups or (known is not None and known.kind != "channel")
        assert target.ref is not None  # it is no path
        if self.via == "preview":
            from tgtagger.sources.preview import Preview, PreviewChannel

            name = targets.preview_name(target)
            if self._preview is None:
                self._preview = await self._open.enter_async_context(
                    Preview(self.settings.preview_url, wait_budget=self.settings.flood_budget)
                )
            return PreviewChannel(self._preview, name, self.options.read_options, known=known)
        from tgtagger.sources.telegram.connection import Telegram
        from tgtagger.sources.telegram.source import TelegramChannel

        if self._telegram is None:
            self._telegram = await self._open.enter_async_context(
                Telegram(
                    access_of(self.settings),
                    flood_budget=self.settings.flood_budget,
                    page_wait=self.settings.page_wait,
                )
            )
        return TelegramChannel(
            self._telegram, target.ref, self.options.read_options, known=known, groups=groups
        )

    async def _export(self, target: Target, path: Path) -> list[ChannelReport]:
        from tgtagger.sources.desktop import DesktopExport

        read_options = self.options.read_options
        export = DesktopExport(
            path,
            groups=self.options.groups,
            since=read_options.since,
            until=read_options.until,
            limit=read_options.limit,
        )
        reports: dict[int | None, ChannelReport] = {}
        error: TgTaggerError | None = None
        try:
            async for live in self._read(export, f"Reading {path.name}", reports):
                live.update(
                    sum(each.new + each.updated + each.unchanged for each in reports.values()),
                    export.position / export.size if export.size else None,
                )
        except (InputError, SourceError) as caught:
            error = caught
        found = list(reports.values()) or [ChannelReport(target.text)]
        for report in found:
            report.source = target.text
        if error is not None:
            found[-1].error = error
        if export.left_out:
            kinds = ", ".join(f"{k.replace('_', ' ')} {n}" for k, n in export.left_out.items())
            self.screen.say(f"left out, since they are no channels: {kinds}")
        return found if reports or error else []

    async def _read(
        self,
        source: pipeline.PostSource,
        words: str,
        reports: dict[int | None, ChannelReport],
    ) -> AsyncIterator[Live]:
        """Store a source's pages; tell the reports and the live line. `None` is the one channel."""
        with self.screen.progress(words) as live:
            first_unread: int | None = None
            events = _LiveEvents(self.screen, live)
            async with contextlib.aclosing(pipeline.parse(source, self.store, events)) as steps:
                async for step in steps:
                    channel = step.channel
                    report = reports.get(None) or reports.setdefault(
                        channel.id, ChannelReport(words, channel, step.source)
                    )
                    report.add(step)
                    self.screen.detail(
                        f"{channel.title}: a page with {step.new} new, {step.updated} updated, "
                        f"{step.unchanged} unchanged, {step.deleted} deleted, "
                        f"{len(step.rejected)} rejected"
                    )
                    if step.unread is not None:
                        first_unread = max(first_unread or 0, step.unread)
                        share = 1 - step.unread / first_unread if first_unread else None
                        left = f"{number(step.unread)} to go" if step.unread else ""
                        live.update(report.new + report.updated + report.unchanged, share, left)
                    yield live
                    if self._is_over():
                        raise _out_of_time()


def _out_of_time() -> TryLater:
    return TryLater("the time given was over", hint="run it again to go on: nothing is left out")


def access_of(settings: Settings) -> Any:
    """Return how to reach Telegram with these settings."""
    from tgtagger.sources.telegram.session import Access

    return Access(
        settings.data_dir,
        settings.account,
        settings.api_id,
        settings.api_hash,
        settings.telegram_server,
        settings.telegram_dc,
        settings.telegram_key,
        settings.proxy,
    )


def parse_summary(reports: Sequence[ChannelReport]) -> dict[str, Any]:
    return {
        "channels": [report.as_json() for report in reports],
        "new": sum(report.new for report in reports),
        "updated": sum(report.updated for report in reports),
        "deleted": sum(report.deleted for report in reports),
        "rejected": sum(report.rejections for report in reports),
    }


def reconvert(called: Invocation) -> tuple[list[ChannelReport], int]:
    """Run today's converters over the raw records that older ones read."""
    from tgtagger.sources import converters

    with Store.open(called.settings().db) as store, store.lock("parse"):
        with noted_run(store, "parse --reconvert") as note:
            reports: dict[tuple[int, str], ChannelReport] = {}
            for name, version, convert_again in converters.ALL:
                forms = store.posts.raw_records(name, older_than=version)
                while some := list(itertools.islice(forms, RECONVERTED)):
                    for channel in dict.fromkeys(form.channel for form in some):
                        report = reports.setdefault(
                            (channel.id, name), ChannelReport("raw forms", channel, name)
                        )
                        posts = [convert_again(form) for form in some if form.channel == channel]
                        report.reject(*[UNREADABLE] * posts.count(None))
                        kept = tuple(post for post in posts if post is not None)
                        report.add(
                            store.posts.save_page(Page(channel, name, kept, reconverted=True))
                        )
            found = list(reports.values())
            note.code = exit_code([5 for report in found if report.rejections])
            note.summary = parse_summary(found)
        return found, note.code


def tell_parse(screen: Screen, reports: Sequence[ChannelReport]) -> None:
    """Say on the terminal what came in; say problems in any case."""
    told: set[str] = set()
    for report in reports:
        if report.channel is not None and (report.error is None or report.new or report.updated):
            screen.say(f"{report.channel.title}: {', '.join(_counts(report))}")
        for item in report.rejected[:SHOWN]:
            screen.warn(f"rejected: message {item.id} of {report.source}: {item.reason}")
        if report.rejections > SHOWN:
            more = report.rejections - SHOWN
            screen.warn(f"rejected: {more} more: see tgtagger doctor")
    for error in (report.error for report in reports):
        if error is not None and error.message not in told:
            told.add(error.message)
            screen.warn(f"error: {error.message}")
            if hint := hint_of(error):
                screen.warn(f"hint: {hint}")


def _counts(report: ChannelReport) -> Iterator[str]:
    yield plural(report.new, "new post")
    for count, words in (
        (report.updated, "updated"),
        (report.deleted, "deleted at Telegram"),
        (report.unchanged, "unchanged"),
    ):
        if count:
            yield plural(count, words, words)
    if report.service:
        yield plural(report.service, "service message")
    if report.unread:
        yield f"{plural(report.unread, 'message')} of its history not read yet"
