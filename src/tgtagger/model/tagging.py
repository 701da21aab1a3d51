"""The nouns between the store and the taggers. Plain frozen values, standard library only.

A `PostForTagging` goes to a tagger, and an `Answered` with an `Outcome` comes back. `Spending` is
what a tagger's requests took, `Estimate` what a run would take. `decide` makes a `TagUpdate` of an
outcome.

A module of its own, so that a tagger starts without what only sources need. As in `posts`:
datetimes are aware and in UTC, collections are tuples, and an unknown fact is None (never 0). Knows
no tagger and no database.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import get_args

from tgtagger.model.choices import FailureClass, LinkSource, PostStatus, StopClass


def is_stop(kind: str | None) -> bool:
    """Tell whether an error of this kind stops a tagging run early; its results so far stay."""
    return kind in get_args(StopClass)


@dataclass(frozen=True, slots=True, order=True)
class PostId:
    """Telegram's own identity of a post; of an album: its lowest message id when first stored."""

    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class PostForTagging:
    """What a tagger needs of a post. `text` has the words of its media too (polls, link titles).

    `text_hash` goes back with the answer: the store refuses it if the post was edited meanwhile. So
    does `claim`, the number of the claim by which a run works at the post: another run may have it.
    `lapses`: how many runs died while they had it. `channel` is the channel's title.
    """

    id: PostId
    text: str
    text_hash: str = ""
    attempts: int = 0
    channel: str = ""
    claim: int | None = None
    lapses: int = 0


@dataclass(frozen=True, slots=True)
class SuggestedTag:
    """A tag from a tagger, and whether the author wrote it as a hashtag."""

    name: str
    hashtag: bool = False


@dataclass(frozen=True, slots=True)
class Tagged:
    """The post got these tags, the best first."""

    tags: tuple[SuggestedTag, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """There is nothing to tag: the text is empty, or has no word."""

    reason: str


@dataclass(frozen=True, slots=True)
class TaggingError:
    """This post could not be tagged; its neighbours are unharmed."""

    failure: FailureClass
    message: str  # never holds the post's text


Outcome = Tagged | Skipped | TaggingError


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a tag: kept with every post–tag link, so that it can be found and undone."""

    source: LinkSource
    model: str | None = None  # a language model's name; the embedded tagger's version
    prompt: str | None = None  # hash of the prompt
    vocabulary: str | None = None  # hash of the vocabulary


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request for a post. If several posts shared it, tokens and cost are this post's share."""

    at: dt.datetime
    model: str | None
    failure: FailureClass | None = None  # None: it was answered
    http_status: int | None = None
    latency_ms: int | None = None
    error: str | None = None  # never holds the post's text
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None  # of the prompt's
    cost_usd: float | None = None
    sent_letters: int | None = None  # of a text that was too long to be sent whole


# ---- what a tagger gives


@dataclass(frozen=True, slots=True)
class Answered:
    """A tagger's answer for a post. `outcome` None: it is asked again, or left as it is."""

    post: PostForTagging
    provenance: Provenance
    outcome: Outcome | None = None
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause. Sources and taggers tell it before it begins."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class ModelCapabilities:
    """What a server takes of a model, stored for later runs."""

    url: str
    model: str
    capabilities: str  # JSON, the tagger's own


@dataclass(frozen=True, slots=True)
class Spending:
    """What a tagger's requests took so far. Tokens and cost are None if no response told them.

    `models` has the same for each model that was asked.
    """

    requests: int = 0
    retries: int = 0
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    cached_tokens: int | None = 0
    cost_usd: float | None = 0.0
    answers_without_tokens: int = 0
    answers_without_cost: int = 0
    unanswered: int = 0  # reached the server and brought nothing: perhaps billed
    models: tuple[tuple[str, Spending], ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What tagging some posts would take. None: unknown."""

    skipped: int = 0  # posts without words: they cost nothing
    copied: int = 0  # posts with the same text as another one: it is asked once
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float | None = None


# ---- tagger → store


@dataclass(frozen=True, slots=True)
class TagUpdate:
    """What the store is to write after a tagger's answer; the store obeys without thinking.

    `text_hash` is that of the text that was tagged: the store writes nothing if the post has
    been edited since. `answer_key` is the key to store the answer under; None: it is not kept.
    `claim`: it writes the answer alone if another run has claimed the post since.
    """

    id: PostId
    text_hash: str
    status: PostStatus
    provenance: Provenance
    tags: tuple[SuggestedTag, ...] = ()
    attempts: int = 0
    failure: FailureClass | None = None
    error: str | None = None
    next_attempt_at: dt.datetime | None = None
    answer_key: str | None = None
    claim: int | None = None


@dataclass(frozen=True, slots=True)
class ProposedTag:
    """A tag that a post would get; `posts` is how many have it now, None: it is new."""

    name: str
    source: LinkSource
    posts: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a tagger would change in a post, before a person has seen it.

    `tags` are those that the post would get in place of `replaced`; `kept` stay whatever comes.
    """

    update: TagUpdate
    tags: tuple[ProposedTag, ...] = ()
    kept: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagResult:
    """The stored result of a tagging run for one post."""

    id: PostId
    outcome: Outcome
    tags: tuple[str, ...] = ()
    copied: bool = False  # from a post with the same text: no request was made
