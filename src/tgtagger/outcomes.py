"""The nouns between the store and the taggers. Plain frozen values, standard library only.

Apart from `types`, so that a tagger starts without what only sources need. As there: datetimes are
aware and in UTC, collections are tuples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import datetime as dt
Status = Literal["pending", "tagged", "skipped", "failed"]
"""pending: never tried, or its text changed · skipped: nothing to tag · failed: see its class"""

LinkSource = Literal["human", "hashtag", "llm", "keywords", "cache"]
"""Who put a tag on a post."""

FailureClass = Literal[
    "throttled", "timeout", "network", "server", "bad_answer", "refused", "too_long"
]


@dataclass(frozen=True, slots=True, order=True)
class PostId:
    """Telegram's own identity of a post; an album's is its lowest message id when first stored."""

    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class PostForTagging:
    """The least a tagger needs. `text` holds the words of its media too (polls, link titles).

    `text_hash` goes with the answer: the store refuses it when the post was edited meanwhile.
    """

    id: PostId
    text: str
    text_hash: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class SuggestedTag:
    """A tag from a tagger, and whether the author wrote it as a hashtag."""

    name: str
    hashtag: bool = False


@dataclass(frozen=True, slots=True)
class Tagged:
    """The best tag comes first."""

    tags: tuple[SuggestedTag, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """There is nothing to tag: no text, or none with a word in it."""

    reason: str


@dataclass(frozen=True, slots=True)
class TaggingError:
    """This post could not be tagged; its neighbours are unharmed."""

    failure: FailureClass
    message: str  # never holds the post's text


Outcome = Tagged | Skipped | TaggingError


@dataclass(frozen=True, slots=True)
class Origin:
    """What made a tag: kept with every post–tag link, so that it can be found and taken back."""

    source: LinkSource
    model: str | None = None  # a language model's name; the embedded tagger's version
    prompt: str | None = None  # hash of the prompt
    vocabulary: str | None = None  # hash of the vocabulary


@dataclass(frozen=True, slots=True)
class TagUpdate:
    """What the store is to write after a tagger answered; the store obeys without thinking.

    `text_hash` is that of the text that was tagged: the store writes nothing if the post has
    been edited since.
    """

    id: PostId
    text_hash: str
    status: Status
    tags: tuple[SuggestedTag, ...] = ()
    attempts: int = 0
    failure: FailureClass | None = None
    error: str | None = None
    next_attempt_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class TagResult:
    """One post's way through a tagging run."""

    id: PostId
    outcome: Outcome
    tags: tuple[str, ...] = ()
