"""The result of a run: a report on each channel, counts of the posts, the cost. Plain values.

Knows no JSON (`shapes`) and no words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from tgtagger.errors import TgTaggerError, exit_code
from tgtagger.model.choices import SourceName
from tgtagger.model.posts import Channel, PageStored, Rejected
from tgtagger.model.tagging import Estimate, Provenance, Spending

NAMED = 1000
"""Rejected messages of a channel that a report names; all are counted, and stored."""


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """The result of reading one channel in one run, or the error that stopped it."""

    source: str
    channel: Channel | None = None
    via: SourceName = "desktop"
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    service: int = 0
    unread: int | None = None
    rejected: tuple[Rejected, ...] = ()  # the first of them
    rejections: int = 0
    error: TgTaggerError | None = None

    @property
    def posts(self) -> int:
        return self.new + self.updated + self.unchanged

    @property
    def has_news(self) -> bool:
        """Tell whether the run changed something in this channel, or failed to read it."""
        return bool(self.new or self.updated or self.deleted or self.rejections or self.error)

    def plus(self, stored: PageStored) -> Self:
        """Return the report after one more page."""
        counted = replace(
            self,
            channel=stored.channel,
            new=self.new + stored.new,
            updated=self.updated + stored.updated,
            unchanged=self.unchanged + stored.unchanged,
            deleted=self.deleted + stored.deleted,
            service=self.service + stored.service,
            unread=stored.unread,
        )
        return counted.rejecting(stored.rejected)

    def rejecting(self, found: tuple[Rejected, ...]) -> Self:
        """Return the report with more messages that were rejected."""
        if not found:
            return self
        named = self.rejected + found[: NAMED - len(self.rejected)]
        return replace(self, rejected=named, rejections=self.rejections + len(found))


@dataclass(frozen=True, slots=True)
class ParseReport:
    """The result of a parsing run. `error` ended the reading of all channels in a sync."""

    channels: tuple[ChannelReport, ...] = ()
    error: TgTaggerError | None = None

    @property
    def channel_ids(self) -> tuple[int, ...]:
        """Return the ids of the channels that were found."""
        return tuple(report.channel.id for report in self.channels if report.channel)

    @property
    def code(self) -> int:
        """The exit code."""
        errors = [self.error, *(report.error for report in self.channels)]
        codes = [error.exit_code for error in errors if error is not None]
        return exit_code(codes + [5 for report in self.channels if report.rejections])


@dataclass(frozen=True, slots=True)
class TagSummary:
    """The result of a tagging run: counts of its posts, and what stopped it."""

    provenance: Provenance
    tagged: int = 0
    skipped: int = 0
    failed: int = 0
    pending: int = 0  # in the whole archive, afterwards
    elsewhere: int = 0  # posts for this run, all of which another one works at
    copied: int = 0
    by_class: Mapping[str, int] = field(default_factory=dict)
    spent: Spending = field(default_factory=Spending)
    stopped: TgTaggerError | None = None
    hint: str | None = None  # the face's hint for `stopped`

    @property
    def posts(self) -> int:
        return self.tagged + self.skipped + self.failed

    @property
    def code(self) -> int:
        """The exit code."""
        stop = [self.stopped.exit_code] if self.stopped else []
        return exit_code([5] * bool(self.failed) + stop)


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The results of the parts of a sync; None: the part did not begin."""

    parse: ParseReport
    tag: TagSummary | None = None
    retry: TagSummary | None = None

    @property
    def code(self) -> int:
        """The exit code."""
        parts = (self.parse, self.tag, self.retry)
        return exit_code([part.code for part in parts if part is not None])


@dataclass(frozen=True, slots=True)
class TagEstimate:
    """What a tagging run would take: the posts, the tagger, requests, tokens, cost, time."""

    posts: int
    provenance: Provenance
    needs: Estimate


@dataclass(frozen=True, slots=True)
class PromptShown:
    """The messages that a model would get, and the hashes that tell whether a tag is stale."""

    prompt: str | None
    vocabulary: str | None
    mode: str
    models: tuple[str, ...]
    messages: tuple[dict[str, str], ...]
