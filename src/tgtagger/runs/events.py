"""What a run tells while it works: stages, progress, waits, warnings, and what is stored.

A face implements `Events`, and draws what it likes. Each call must return at once. Knows no face.
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
    """A part of a run with its own progress; `name` is the channel or the export."""

    kind: Literal["channel", "export", "tagging", "preview", "upgrade"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a stage: posts so far, and their share of all (0 to 1; None: unknown).

    Of an upgrade it counts something else.
    """

    posts: int
    share: float | None
    total: int | None = None  # of the posts, if it is known
    unread: int | None = None  # messages in the channel's backfill ranges
    spent: Spending | None = None  # by the tagger


Remark = Literal[
    "archive_made",
    "nobody_signed_in",
    "channels_left_out",
    "fed_by_exports",
    "all_set_aside",
    "chats_left_out",
    "first_by_the_embedded_tagger",
]
"""Facts about a run for a person. archive_made: there was none at this path
nobody_signed_in: the web preview is read · channels_left_out:
so many have no public name · fed_by_exports, all_set_aside: a sync has nothing to read, and all is
well · chats_left_out: chats of an export that are not channels, by kind ·
first_by_the_embedded_tagger
"""


class Events(events.Events, Protocol):
    """The calls that a run makes, added to the waits and warnings of its sources and taggers."""

    def started(self, run: int) -> None:
        """Tell the number of the run, once it is recorded."""

    def begin(self, stage: Stage) -> None: ...

    def end(self) -> None:
        """Tell that the stage is over, after an error, too."""

    def progress(self, progress: Progress) -> None: ...

    def stored(self, what: PageStored | TagResult) -> None:
        """Tell that a page or a result is on disk."""

    def remark(self, kind: Remark, **data: object) -> None: ...

    def finished(self, part: ParseReport | TagSummary) -> None:
        """Tell the result of a part of a sync that is over."""

    def hint(self, error: TgTaggerError) -> str | None:
        """Return this face's hint for an error; it is stored with the run."""


@contextlib.contextmanager
def stage(told: Events, kind: Stage) -> Iterator[None]:
    """Tell that a stage begins; at the end of the block, tell that it is over."""
    told.begin(kind)
    try:
        yield
    finally:
        told.end()
