"""The embedded tagger: topical tags from the post's own words, with no key and no network.

Stateless: the same post gets the same tags, whatever came before. Russian tags stand in their
dictionary form (pymorphy3), names whole; English by capitals, word lists and the company that
words keep; other languages by capitals and stop words. It cannot say what the words do not: that
is what a language model is for. Knows no store.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import TYPE_CHECKING

from tgtagger.model.events import Events
from tgtagger.model.tagging import (
    Answered,
    Estimate,
    PostForTagging,
    Provenance,
    Skipped,
    Spending,
    SuggestedTag,
    Tagged,
)
from tgtagger.taggers.keywords import select
from tgtagger.taggers.keywords.words import read_topics
from tgtagger.vocabulary import Vocabulary, key

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["VERSION", "KeywordsTagger"]

VERSION = "1"
"""The algorithm's version, kept with every tag: `tag --stale` finds what an older one gave."""


MANY = 20
"""Tags looked for where a vocabulary chooses among them."""


class KeywordsTagger:
    """Tags posts, from `minimum` to `maximum` tags each where their texts allow."""

    paid = False

    def __init__(
        self,
        *,
        minimum: int = 3,
        maximum: int = 7,
        topics: Path | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        of = None if vocabulary is None else vocabulary.hash
        self.provenance = Provenance("keywords", model=f"keywords-{VERSION}", vocabulary=of)
        self._vocabulary = vocabulary
        self._minimum = minimum
        self._maximum = maximum
        self._topics = read_topics(topics)

    @property
    def provenances(self) -> tuple[Provenance, ...]:
        return (self.provenance,)

    @property
    def spending(self) -> Spending:
        return Spending()

    def estimate(self, posts: Iterable[PostForTagging], *, mean_seconds: float | None) -> Estimate:
        """Return that it takes no request; the posts are not looked at."""
        return Estimate()

    async def tag(
        self, posts: Iterable[PostForTagging], events: Events
    ) -> AsyncGenerator[tuple[Answered, ...]]:
        """Yield each post with its tags, in order."""
        for post in posts:
            tags = self.tag_text(post.text)
            outcome = Tagged(tags) if tags else Skipped("no words to tag")
            yield (Answered(post, self.provenance, outcome),)

    def tag_text(self, text: str) -> tuple[SuggestedTag, ...]:
        """Return a text's tags, the best first; none if it has no words."""
        if self._vocabulary is None:
            return select.choose_tags(text, self._minimum, self._maximum, self._topics)
        # More than are wanted: a closed vocabulary leaves only some of them.
        found = select.choose_tags(text, self._minimum, MANY, self._topics)
        hashtags = {key(tag.name) for tag in found if tag.hashtag}
        names = self._vocabulary.choose([tag.name for tag in found], text)
        return tuple(SuggestedTag(name, key(name) in hashtags) for name in names)
