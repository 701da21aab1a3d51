"""What a run tells while it works: stages, progress, waits, warnings, and what is stored.

A face implements `Events`, and draws what it likes of it. A call returns at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from tgtagger.errors import TgTaggerError
from tgtagger.model import events
from tgtagger.model.posts import PageStored
from tgtagger.model.tagging import Spending, TagResult
from tgtagger.runs.summary import ParseReport, TagSummary


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of work with a progress of its own; `name` is the channel or the export."""

    kind: Literal["channel", "export", "tagging"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is: posts so far, and their share of all (None: unknown)."""

    posts: int
    share: float | None
    unread: int | None = None  # messages of the channel that are still to be read
    spent: Spending | None = None  # by the tagger


Remark = Literal[
    "nobody_signed_in", "channels_left_out", "chats_left_out", "first_by_the_embedded_tagger"
]
"""What a person may want to know of a run.

nobody_signed_in: the web preview is read · channels_left_out: so many without a public name ·
chats_left_out: chats of an export that are no channels, by kind · first_by_the_embedded_tagger
"""


class Events(events.Events, Protocol):
    """The calls of a run, besides the waits and warnings of its sources and taggers."""

    def begin(self, stage: Stage) -> None: ...

    def end(self) -> None:
        """Tell that the stage is over, however it ended."""

    def progress(self, progress: Progress) -> None: ...

    def stored(self, what: PageStored | TagResult) -> None:
        """Tell that a page or a result is safe on disk."""

    def remark(self, kind: Remark, **data: object) -> None: ...

    def finished(self, part: ParseReport | TagSummary) -> None:
        """Tell that a part of a sync is over, and what it did."""

    def hint(self, error: TgTaggerError) -> str | None:
        """Return what this face tells a person to do about an error: it is noted with the run."""


@contextlib.contextmanager
def stage(told: Events, kind: Stage) -> Iterator[None]:
    """Tell that a stage begins, and that it is over, however it ends."""
    told.begin(kind)
    try:
        yield
    finally:
        told.end()
