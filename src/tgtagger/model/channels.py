"""Channels of the archive: how much of each is stored, and what became of its posts.

Knows nothing of how a channel is read: see `posts` for what sources tell of it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tgtagger.model.posts import Channel


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A channel and how much of it is stored. `unread` counts message ids not read yet."""

    channel: Channel
    posts: int
    pending: int
    failed: int
    newest: dt.datetime | None
    parsed_at: dt.datetime | None
    unread: int
    paused: bool
    unfollowed: bool  # no longer read; its posts are still stored
    keep_days: int | None = None  # how long its posts are kept; None: for ever


@dataclass(frozen=True, slots=True)
class ChannelKept:
    """How long a channel's posts are kept: how many older ones were deleted, and how many stay.

    `keep_days` None: all are kept.
    """

    title: str
    keep_days: int | None
    removed: int
    stay: int


@dataclass(frozen=True, slots=True)
class ChannelRemoved:
    """A channel that was unfollowed: how many posts were deleted, and how many stay."""

    title: str
    removed: int
    kept: int
