"""What a change of tags did, and its undo: a person's, an agent's, a run's.

Knows neither how a change is made nor what is kept of it for an undo.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class TagChange:
    """What a person's decision about tags changed.

    `names` is the changed tag, or all tags of the changed post; `aliases` are the tag's aliases
    now; `posts` counts the posts that show other tags, or another name of a tag, than before.
    `number`: its number in the history, in a dry run the one it would have; None: no change.
    """

    names: tuple[str, ...]
    aliases: tuple[str, ...]
    posts: int
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Adoption:
    """What a group of the list does: `merged` go into the tag, which gets its `name` and aliases.

    `posts` are those of the merged tags.
    """

    tag: str
    name: str
    merged: tuple[str, ...]
    added: tuple[str, ...]
    posts: int


@dataclass(frozen=True, slots=True)
class AgentChange:
    """What an agent's wish did to the tags of one post.

    `tags` are the post's tags now, `done` those that came or went, `unchanged` those that were as
    wished before, `refused` those of which a person has decided otherwise. `number` is that of the
    agent's session in the history of changes; None: it has changed nothing.
    """

    tags: tuple[str, ...]
    done: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[str, ...]
    number: int | None


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change of tags, a person's, an agent's or a run's, by its number, in one series.

    `what` is a TagChangeKind, or a run's command; `names` are the tags, or the run's tagger.
    `posts` counts the posts that it changed; of a run, those that still have a tag of it. `undoes`
    is the number of the change that an undo took back.
    """

    number: int
    at: dt.datetime
    by: Literal["person", "agent", "run"]
    what: str
    names: tuple[str, ...]
    posts: int
    undone_at: dt.datetime | None
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What an undo did: `posts` have tags as before, `kept` ones were tagged anew since.

    `links` counts the tags that went or came, `tags` those that did so in the whole archive.
    """

    change: PastChange
    posts: int
    links: int
    tags: int
    kept: int = 0
    pending: int = 0  # posts that are to be tagged again
    undo: int | None = None  # the number by which the undo itself is undone
