"""One exchange with a model: write the request for some posts, read their outcomes from its answer.

Joins the prompt, the vocabulary and the format of requests, for a run and for a probe. Pure. Knows
no HTTP, and no next request.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tgtagger.model.tagging import Outcome, Skipped, SuggestedTag, Tagged
from tgtagger.taggers.llm.api.answers import MOST_TAGS, ModelAnswer, read_tags, without_thoughts
from tgtagger.taggers.llm.api.capabilities import Capabilities, Dialect
from tgtagger.taggers.llm.api.lists import split_tags
from tgtagger.taggers.llm.api.requests import Wanted, room_for, write_request
from tgtagger.taggers.llm.prompt import Prompt, count_tokens, is_from_example, posts_message
from tgtagger.vocabulary import Vocabulary

MOST_ENUM = 500
"""Allowed tags that a schema names one by one; servers bound it, and the answer is checked here."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Writes a run's requests, and reads its answers. `fence` marks posts; no post can know it."""

    prompt: Prompt
    vocabulary: Vocabulary
    dialect: Dialect
    minimum: int = 3
    maximum: int = 7
    fence: str = field(default_factory=lambda: secrets.token_hex(4))

    def write(
        self,
        model: str,
        texts: Sequence[str],
        capabilities: Capabilities,
        existing: Sequence[str] | None = None,
    ) -> bytes:
        """Return the body of a request for these texts; pass `existing` if it is known."""
        ids = ids_of(len(texts))
        posts = tuple(zip(ids, texts, strict=True))
        if existing is None:
            existing = self.existing(texts)
        message = posts_message(posts, self.fence, existing)
        allowed = self.vocabulary.allowed if self.vocabulary.mode == "closed" else ()
        wanted = Wanted(
            ids, self.minimum, self.maximum, allowed if len(allowed) <= MOST_ENUM else ()
        )
        return write_request(model, self.prompt, message, wanted, capabilities, self.dialect)

    def existing(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return the tags of the archive that a request asks to prefer."""
        return self.vocabulary.likeliest(texts) if self.vocabulary.mode == "prefer" else ()

    def read(self, answer: ModelAnswer, texts: Sequence[str]) -> list[Outcome | None]:
        """Return the outcome for each text; None where the answer has nothing usable."""
        ids = ids_of(len(texts))
        said = read_tags(answer.content, ids)
        return [
            self._outcome(said.get(identity), text)
            for identity, text in zip(ids, texts, strict=True)
        ]

    def remember(self, outcomes: Iterable[Outcome | None]) -> None:
        """Add these tags to the preferred ones, in a mode that prefers the archive's tags."""
        if self.vocabulary.mode != "prefer":
            return
        for outcome in outcomes:
            if isinstance(outcome, Tagged):
                self.vocabulary.remember(tag.name for tag in outcome.tags)

    def _outcome(self, names: list[object] | None, text: str) -> Outcome | None:
        if names is None or len(names := split_tags(names)) > MOST_TAGS:
            return None
        names = [n for n in names if not (isinstance(n, str) and self._is_slip(n, text))]
        tags = self.vocabulary.choose(names, text, prompt=self.prompt.rules, own=self.prompt.own)
        if tags:
            return Tagged(tuple(SuggestedTag(name) for name in tags))
        if self.vocabulary.mode == "closed":  # a repetition would say the same again
            return Skipped("none of the allowed tags fits")
        return None

    def _is_slip(self, name: str, text: str) -> bool:
        """Tell whether a tag comes from the prompt and not from the post: a fence, an example."""
        if self.fence in name:
            return True
        return bool(self.prompt.examples) and is_from_example(name, text)

    def count_tokens(self, texts: Sequence[str], existing: Sequence[str] | None = None) -> int:
        """Return about how many tokens a request for these texts has."""
        if existing is None:
            existing = self.existing(texts)
        posts = sum(map(self.count_post, texts))
        return self.prompt.tokens + posts + sum(map(count_tokens, existing))

    def count_post(self, text: str) -> int:
        """Return about how many tokens a text has in a request."""
        return count_tokens(text) + FRAME_TOKENS

    def count_offered(self, texts: Sequence[str]) -> int:
        """Return about how many tokens the archive's tags have that a request asks to prefer."""
        return sum(map(count_tokens, self.existing(texts)))

    def room(self, posts: int, capabilities: Capabilities) -> int:
        """Return the most tokens of an answer about so many posts."""
        return room_for(posts, self.maximum) * capabilities.room


FRAME_TOKENS = 16
"""Tokens of the two lines around a post."""


def ids_of(count: int) -> tuple[str, ...]:
    return tuple(f"p{number}" for number in range(1, count + 1))


def why_missing(answer: ModelAnswer, *, all_are: bool = True) -> str:
    """Return the reason why an answer has nothing for all or some posts."""
    if answer.finish == "length":
        return "the answer was cut off" + ("" if all_are else " before this post")
    if not answer.content.strip():
        return "the answer is empty"
    return "the answer has no usable tags" + ("" if all_are else " for this post")


def has_only_thoughts(answer: ModelAnswer) -> bool:
    """Tell whether an answer holds only reasoning, without JSON."""
    content = answer.content
    return "{" not in content or without_thoughts(content).strip() != content.strip()


def is_prose(answer: ModelAnswer) -> bool:
    """Tell whether an answer is plain words: its model may not know the format."""
    return bool(answer.content.strip()) and "{" not in answer.content


# ---- which words of a server are shown

WINDOW = 24
"""Letters in a row that a server's words share with a post if they hold its text."""

SHORTEST = 6
"""Letters of a post: a shorter post cannot be told from a server's own words."""


def scrub(message: str, texts: Iterable[str]) -> str:
    """Return a server's words unless they hold a post's text. `client` removes the key."""
    words = " ".join(message.split()).casefold()
    for text in texts:
        flat = " ".join(text.split()).casefold()
        if len(flat) < SHORTEST:
            continue
        size = min(WINDOW, len(flat))
        pieces = (words[start : start + size] for start in range(len(words) - size + 1))
        if any(piece in flat for piece in pieces):
            return "the server's words are left out: they hold a post's text"
    return message
