"""The state of the whole archive: its failed posts, its runs, what was spent, and the sums.

Knows nothing of whether the database is sound: see `integrity`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tgtagger.model.channels import ChannelState
from tgtagger.model.choices import PostStatus
from tgtagger.model.tagging import PostId


@dataclass(frozen=True, slots=True)
class FailureCount:
    """The failed posts of one class."""

    failure: str
    count: int
    last_error: str | None
    next_due: dt.datetime | None

    @property
    def is_used_up(self) -> bool:
        """Tell whether these posts had all their turns, though another turn might help."""
        return self.next_due is None and self.failure not in {"refused", "too_long", "crashed"}


@dataclass(frozen=True, slots=True)
class FailedPost:
    """A failed post in a list: the beginning of its text, and why its last attempt failed."""

    id: PostId
    channel: str
    date: dt.datetime | None
    text: str
    error: str | None
    attempts: int
    next_due: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command that writes. `ended_at` None: it is still at work, or was killed."""

    id: int
    command: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    exit_code: int | None
    summary: str | None  # JSON


@dataclass(frozen=True, slots=True)
class DaySpent:
    """What a model was asked in a day. Tokens and cost are None if no server told them."""

    day: str
    model: str
    posts: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """The state of the whole archive."""

    posts: dict[PostStatus, int]
    failures: tuple[FailureCount, ...]
    channels: tuple[ChannelState, ...]
    tags: int
    rejected: int
    runs: tuple[Run, ...]
    due: int  # failed posts whose next attempt is due
    followed: tuple[str, ...]  # sources that were added and have not been read yet
    spent: tuple[DaySpent, ...]
    schema: str
    size: int  # bytes on disk
