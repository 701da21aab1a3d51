"""The embedded tagger: topical tags from the post's own words, with no key and no network.

Stateless: the same post always gets the same tags. Russian tags are in their dictionary form
(pymorphy3), and names are whole. English tags are found by capitals, WordNet's nouns and the words
around, tags of other languages by capitals and stop words; Ukrainian, Chinese and Japanese by
libraries that are extras. A topic that no word of a post names
needs a language model. Knows no store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterable

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
from tgtagger.taggers.keywords import extras, select
from tgtagger.vocabulary import Vocabulary, key
from tgtagger.vocabulary.shelves import Shelves, bundled

__all__ = ["VERSION", "KeywordsTagger"]

VERSION = "4"
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
        shelves: Shelves | None = None,
        shelf_language: str | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        of = None if vocabulary is None else vocabulary.hash
        self._shelves = bundled() if shelves is None else shelves
        # Another list of shelves makes other tags, as another prompt of a model does.
        is_usual = self._shelves is bundled() and shelf_language is None
        known_as = None if is_usual else f"{self._shelves.hash}{shelf_language or ''}"
        self.provenance = Provenance(
            "keywords", model=f"keywords-{VERSION}", prompt=known_as, vocabulary=of
        )
        self._shelf_language = shelf_language
        self._vocabulary = vocabulary
        self._minimum = minimum
        self._maximum = maximum
        self._told: set[extras.Extra] = set()

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
        """Yield each post with its tags, in order. At the end, tell which extras are missing."""
        missing: Counter[extras.Extra] = Counter()
        for post in posts:
            if (extra := extras.missing_for(post.text)) is not None:
                missing[extra] += 1
            tags = self.tag_text(post.text, post.channel)
            outcome = Tagged(tags) if tags else Skipped("no words to tag")
            yield (Answered(post, self.provenance, outcome),)
        for extra, count in missing.items():
            if extra not in self._told:  # a review tags in portions
                self._told.add(extra)
                events.warn(extras.told(extra, count))

    def tag_text(self, text: str, channel: str = "") -> tuple[SuggestedTag, ...]:
        """Return a text's tags, the best first, then its shelf; none for a text without words.

        The name of its channel, given by its title, is no topic.
        """
        # More than the maximum: a closed vocabulary leaves only some of them.
        most = self._maximum if self._vocabulary is None else MANY
        found, named = select.choose_tags(
            text, self._minimum, most, self._shelves, channel, self._shelf_language
        )
        shelves = [] if named is None else [named]
        if self._vocabulary is not None:
            hashtags = {key(tag.name) for tag in found if tag.hashtag}
            names = self._vocabulary.choose([tag.name for tag in found], text)
            found = tuple(SuggestedTag(name, key(name) in hashtags) for name in names)
            shelves = [*self._vocabulary.choose(shelves, text)]
        shelf = SuggestedTag(shelves[0]) if shelves else None
        return select.with_shelf(found, shelf, self._maximum)
