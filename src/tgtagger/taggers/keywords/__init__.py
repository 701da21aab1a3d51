"""The embedded tagger: topical tags from the post's own words, with no key and no network.

Stateless: the same post gets the same tags, whatever came before. Russian tags stand in their
dictionary form (pymorphy3), names whole; English by capitals, word lists and the company that
words keep; other languages by capitals and stop words. It cannot say what the words do not: that
is what a language model is for. Knows no store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from tgtagger.outcomes import Origin, Outcome, PostForTagging, Skipped, SuggestedTag, Tagged
from tgtagger.taggers.keywords import select
from tgtagger.taggers.keywords.words import read_topics

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["VERSION", "KeywordsTagger"]

VERSION = "1"
"""The algorithm's version, kept with every tag: `tag --stale` finds what an older one gave."""


class KeywordsTagger:
    """Tags posts, from `minimum` to `maximum` tags each where their texts allow."""

    paid = False

    def __init__(self, *, minimum: int = 3, maximum: int = 7, topics: Path | None = None) -> None:
        self.origin = Origin("keywords", model=f"keywords-{VERSION}")
        self._minimum = minimum
        self._maximum = maximum
        self._topics = read_topics(topics)

    async def tag(
        self, posts: Iterable[PostForTagging]
    ) -> AsyncIterator[tuple[PostForTagging, Outcome]]:
        """Yield each post with its tags, in order."""
        for post in posts:
            tags = self.tag_text(post.text)
            yield post, Tagged(tags) if tags else Skipped("no words to tag")

    def tag_text(self, text: str) -> tuple[SuggestedTag, ...]:
        """Return a text's tags, the best first; none if it has no words."""
        return select.choose_tags(text, self._minimum, self._maximum, self._topics)
