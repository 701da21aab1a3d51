"""What an integrity check finds: damage, and posts that somebody should know of.

Knows neither how it is found nor what to do about it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RejectedPost:
    """A message that could not be stored, and why."""

    channel: str
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PostCount:
    """How many posts are of a kind, and the newest few, as a user names a post (`@name/123`)."""

    count: int
    such_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What the integrity check found in the database."""

    damage: tuple[str, ...]  # in words: which table, and what is wrong; empty: no damage
    altered: int  # posts whose text changed on the disk: its hash is that of another text
    unreadable: PostCount  # posts with content that no converter could read
    textless: PostCount  # posts without text or media
    rejected: tuple[RejectedPost, ...]
    newest: dt.datetime | None  # the end of the last run, or Telegram's newest post, the later one
    index_agrees: bool = False  # the search index was compared, and agrees; False: not compared
