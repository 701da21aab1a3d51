"""What stands around a stored post: its neighbours, its thread, what people did to its tags.

Knows nothing of the post itself: see `stored`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from tgtagger.model.choices import TagChangeKind
from tgtagger.model.tagging import PostId


@dataclass(frozen=True, slots=True)
class PostMention:
    """A post that another one's page names: the beginning of its text."""

    id: PostId
    date: dt.datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class TakenTag:
    """A tag that a person took off a post: no machine gives it to the post again."""

    name: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class PostChange:
    """What a person's change did to one post: the tags that it gave and took."""

    number: int
    at: dt.datetime
    what: TagChangeKind
    given: tuple[str, ...]
    taken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a post: neighbours in its channel, its thread, what was done to its tags.

    `id` has the channel's id as the archive has it. `answered` is the post that it replies to, if
    it is stored; `answers` are replies to it, those soon after it. `changes` are those of people,
    the oldest first, without undone ones.
    """

    id: PostId
    older: PostMention | None
    newer: PostMention | None
    answered: PostMention | None
    answers: tuple[PostMention, ...]
    taken: tuple[TakenTag, ...]
    changes: tuple[PostChange, ...]
