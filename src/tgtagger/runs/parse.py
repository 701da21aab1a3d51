"""A parsing run: read channels and exports into the store, and report on each. Knows no face."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from tgtagger import pipeline
from tgtagger.config import Settings, days_of
from tgtagger.errors import (
    ActionNeeded,
    InputError,
    Locked,
    SourceError,
    StoreError,
    TgTaggerError,
    TryLater,
)
from tgtagger.model.choices import Via
from tgtagger.model.posts import Page, PageStored, Rejected
from tgtagger.runs import shapes, targets
from tgtagger.runs.connections import Connections
from tgtagger.runs.equal_exports import EqualExport
from tgtagger.runs.events import Events, Progress, Stage, stage
from tgtagger.runs.note import noted_run
from tgtagger.runs.opening import open_to_write
from tgtagger.runs.summary import ChannelReport, ParseReport
from tgtagger.runs.targets import Target
from tgtagger.sources.plan import ReadOptions
from tgtagger.store import ReadExport, Store
from tgtagger.system import signals

RECONVERTED = 500
"""Raw records that are converted again and stored at a time."""

UNREADABLE = Rejected(None, "its raw form cannot be read")


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """What to read, and how. A group is read if `groups` is set, or if the archive knows it."""

    read_options: ReadOptions = field(default_factory=ReadOptions)
    via: Via = "auto"
    groups: bool = False
    deadline: float | None = None  # a moment of time.monotonic(); no page is requested after it


def parse(
    settings: Settings, sources: Sequence[str], options: ParseOptions, events: Events
) -> ParseReport:
    """Read every source into the archive, one after another; after a failure go on with the next.

    Without sources: read every channel of the archive that is not paused. Only a run with sources
    makes an archive where there is none.
    """
    targets.check_any(sources)
    about = [targets.one_name(source) for source in sources]
    with (
        open_to_write(settings, events, create=bool(sources)) as store,
        store.lock("parse", of=about),
    ):
        return parse_as_run(store, settings, sources, options, events)


def parse_as_run(
    store: Store,
    settings: Settings,
    sources: Sequence[str],
    options: ParseOptions,
    events: Events,
) -> ParseReport:
    """Read into a store as a run of its own; the caller holds its lock."""
    with noted_run(store, "parse", keep=days_of(settings.keep_runs)) as note:
        events.started(note.number)
        if store.is_new:
            events.remark("archive_made", path=store.place)
        report = parse_into(store, settings, sources, options, events)
        note.summary, note.code = shapes.noted_parse(report), report.code
    return report


def parse_into(
    store: Store,
    settings: Settings,
    sources: Sequence[str],
    options: ParseOptions,
    events: Events,
    connections: Connections | None = None,
) -> ParseReport:
    """Read into a store as a part of a run; the caller holds its lock."""
    opened = connections or Connections(settings)
    reading = _Reading(store, settings, options, events, opened)
    report = ParseReport(tuple(signals.run(reading.read_all, sources)))
    store.retention.sweep()
    return report


def reconvert(settings: Settings) -> ParseReport:
    """Run today's converters over the raw records that older converters read."""
    from tgtagger.sources import converters

    with (
        Store.open(settings.db, create=False) as store,
        store.lock("parse"),
        noted_run(store, "parse --reconvert", keep=days_of(settings.keep_runs)) as note,
    ):
        reports: dict[tuple[int, str], ChannelReport] = {}
        for name, version, convert_again in converters.ALL:
            records = store.posts.raw_records(name, older_than=version)
            while some := list(itertools.islice(records, RECONVERTED)):
                for channel in dict.fromkeys(record.channel for record in some):
                    posts = [convert_again(each) for each in some if each.channel == channel]
                    kept = tuple(post for post in posts if post is not None)
                    stored = store.posts.save_page(Page(channel, name, kept, reconverted=True))
                    before = reports.get((channel.id, name)) or ChannelReport(
                        "raw forms", channel, name
                    )
                    unreadable = (UNREADABLE,) * posts.count(None)
                    reports[channel.id, name] = before.rejecting(unreadable).plus(stored)
        report = ParseReport(tuple(reports.values()))
        note.summary, note.code = shapes.noted_parse(report), report.code
    return report


class _Reading:
    """What the sources of one run share: the store, the connections, the events."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        options: ParseOptions,
        events: Events,
        connections: Connections,
    ) -> None:
        self._store = store
        self._options = options
        self._events = events
        self._connections = connections
        self._via = targets.choose_via(options.via, settings)
        self._broken: TgTaggerError | None = None  # why Telegram cannot be used in this run

    async def read_all(self, sources: Sequence[str]) -> list[ChannelReport]:
        reports: list[ChannelReport] = []
        async with self._connections:
            for target in self._targets(sources, reports):
                if target.path is not None:
                    reports += await self._read_export(target, target.path)
                else:
                    reports.append(await self._read_channel(target))
        return reports

    def _targets(self, sources: Sequence[str], reports: list[ChannelReport]) -> list[Target]:
        """Return the targets to read; report an error for each name that cannot be read."""
        found = []
        for text in sources:
            try:
                found.append(targets.read_target(text, self._store))
            except InputError as error:
                reports.append(ChannelReport(text, error=error))
        if not sources:
            found = self._stored_targets()
        is_chosen_for_them = self._options.via == "auto" and self._via == "preview"
        if is_chosen_for_them and any(target.ref for target in found):
            self._events.remark("nobody_signed_in")
        return found

    def _stored_targets(self) -> list[Target]:
        stored = targets.stored_targets(self._store)
        if not stored:
            raise InputError("no_channels_yet")
        found, left_out = targets.readable(stored, self._via)
        if not found:
            raise ActionNeeded("channels_without_names")
        if left_out:
            self._events.remark("channels_left_out", count=left_out)
        return found

    async def _read_channel(self, target: Target) -> ChannelReport:
        report = ChannelReport(target.text, target.known, self._via)
        if self._via == "telegram" and self._broken is not None:
            return replace(report, error=self._broken)
        if self._is_over():
            return replace(report, error=_out_of_time())
        reports = _Reports(target.text)
        error: TgTaggerError | None = None
        try:
            source = await self._open(target)
            await self._read(source, Stage("channel", target.text), reports)
            if reports.channels:
                report = reports.channels[0]
            if report.channel is not None:
                self._store.channels.settle(target.text, report.channel.id)
        except (StoreError, Locked):  # the database's error: it would stop the next channel, too
            raise
        except TgTaggerError as caught:
            error = caught
            self._note_broken(error)
        return replace(reports.channels[0] if reports.channels else report, error=error)

    async def _open(self, target: Target) -> pipeline.PostSource:
        known, wanted = target.known, self._options.read_options
        if self._via == "preview":
            return await self._connections.preview(target, wanted)
        groups = self._options.groups or (known is not None and known.kind != "channel")
        return await self._connections.telegram(target, wanted, groups=groups)

    def _is_over(self) -> bool:
        """Tell whether the run's time is over."""
        deadline = self._options.deadline
        return deadline is not None and time.monotonic() > deadline

    def _note_broken(self, error: TgTaggerError) -> None:
        if self._via == "telegram":
            # A remembered wait concerns one channel; a missing sign-in or connection concerns all.
            remembered = isinstance(error, TryLater) and error.not_before is not None
            if isinstance(error, ActionNeeded | TryLater) and not remembered:
                gone = isinstance(error, ActionNeeded) or not self._connections.reaches_telegram
                self._broken = error if gone else None

    async def _read_export(self, target: Target, path: Path) -> list[ChannelReport]:
        from tgtagger.sources.desktop import DesktopExport

        wanted = self._options.read_options
        equal = EqualExport(self._store, path, groups=self._options.groups)
        if (read := equal.find()) is not None:
            return self._report_equal(target, read)
        export = DesktopExport(
            path,
            groups=self._options.groups,
            since=wanted.since,
            until=wanted.until,
            limit=wanted.limit,
            read_before=equal.chunks_of,
        )

        def share() -> float | None:
            return export.position / export.size if export.size else None

        reports = _Reports(target.text)
        error: TgTaggerError | None = None
        try:
            await self._read(export, Stage("export", path.name), reports, share)
        except (InputError, SourceError) as caught:
            error = caught
        found = reports.channels or ([ChannelReport(target.text)] if error else [])
        if error is not None:
            found[-1] = replace(found[-1], error=error)
        if export.left_out:
            self._events.remark("chats_left_out", kinds=export.left_out)
        is_whole = wanted.since is None and wanted.until is None and wanted.limit is None
        are_good = not any(each.error or each.rejections for each in found)
        if is_whole and are_good and not reports.regrouped:
            equal.remember(export.chunks, export.left_out, reports.since)
        return found

    def _report_equal(self, target: Target, read: ReadExport) -> list[ChannelReport]:
        """Report on an export that was read before: its channels count as read now."""
        from tgtagger.sources.desktop import counts

        reports = _Reports(target.text)
        for channel, chunks in read.channels:
            posts, service = counts(chunks)
            page = Page(channel, "desktop", known_posts=posts, known_service=service)
            stored = self._store.posts.save_page(page)
            reports.add(stored)
            self._events.stored(stored)
        if read.left_out:
            self._events.remark("chats_left_out", kinds=Counter(read.left_out))
        return reports.channels

    async def _read(
        self,
        source: pipeline.PostSource,
        kind: Stage,
        reports: _Reports,
        share: Callable[[], float | None] | None = None,
    ) -> None:
        """Store a source's pages, tell each, and add it to the reports."""
        with stage(self._events, kind):
            async with aclosing(pipeline.parse(source, self._store, self._events)) as pages:
                async for stored in pages:
                    reports.add(stored)
                    self._events.stored(stored)
                    if share is not None:
                        self._events.progress(Progress(reports.posts, share()))
                    elif stored.unread is not None:
                        progress = Progress(reports.posts, reports.share, unread=stored.unread)
                        self._events.progress(progress)
                    if self._is_over():
                        raise _out_of_time()


class _Reports:
    """The reports on one source so far, by channel: an export may hold several."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._by_channel: dict[int, ChannelReport] = {}
        self.since: dict[int, dt.datetime] = {}  # when the first page of each was stored
        self._most_unread = 0
        self.regrouped = False  # what left an album is found by the next reading
        self.share: float | None = None  # 0 to 1, of the messages that were unread at first

    def add(self, stored: PageStored) -> None:
        number = stored.channel.id
        self.since.setdefault(number, dt.datetime.now(dt.UTC))
        before = self._by_channel.get(number) or ChannelReport(self._source, via=stored.source)
        self._by_channel[number] = before.plus(stored)
        self.regrouped |= stored.regrouped
        if stored.unread is not None:
            self._most_unread = max(self._most_unread, stored.unread)
            self.share = 1 - stored.unread / self._most_unread if self._most_unread else None

    @property
    def channels(self) -> list[ChannelReport]:
        return list(self._by_channel.values())

    @property
    def posts(self) -> int:
        return sum(report.posts for report in self._by_channel.values())


def _out_of_time() -> TryLater:
    return TryLater("parse_time_over")
