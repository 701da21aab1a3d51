"""The embedded tagger: topical tags from the post's own words, with no key and no network.

Stateless: the same post always gets the same tags. Russian tags are in their dictionary form
(pymorphy3), and names are whole. English tags are found by capitals, WordNet's nouns and the words
around, tags of other languages by capitals and stop words. A topic that no word of a post names
needs a language model. Knows no store.
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

VERSION = "3"
"""The algorithm's version, stored with every tag, so that tags of an older one can be found."""


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
        """Return an estimate without requests. Looks at no post."""
        return Estimate()

    async def tag(
        self, posts: Iterable[PostForTagging], events: Events
    ) -> AsyncGenerator[tuple[Answered, ...]]:
        """Yield each post with its tags, in order."""
        for post in posts:
            tags = self.tag_text(post.text, post.channel)
            outcome = Tagged(tags) if tags else Skipped("no words to tag")
            yield (Answered(post, self.provenance, outcome),)

    def tag_text(self, text: str, channel: str = "") -> tuple[SuggestedTag, ...]:
        """Return a text's tags, the best first; an empty list for a text without words.

        The name of its channel, given by its title, is no topic.
        """
        if self._vocabulary is None:
            return select.choose_tags(text, self._minimum, self._maximum, self._topics, channel)
        # More than the maximum: a closed vocabulary leaves only some of them.
        found = select.choose_tags(text, self._minimum, MANY, self._topics, channel)
        hashtags = {key(tag.name) for tag in found if tag.hashtag}
        names = self._vocabulary.choose([tag.name for tag in found], text)
        return tuple(SuggestedTag(name, key(name) in hashtags) for name in names)
