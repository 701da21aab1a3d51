"""What a vocabulary would do to the archive, were its tags the only ones. Writes nothing.

The embedded tagger reads the posts anew: the figures are those of the run to come. What a model
would say is not known without paying for it: then the tags that the posts have now tell, by their
names, aliases and forms. Knows no face.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tgtagger.config import Settings
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import PostId
from tgtagger.runs.events import Events, Progress, Stage, stage
from tgtagger.runs.taggers import make_embedded, read_vocabulary_file
from tgtagger.runs.tags import EVERY
from tgtagger.store import Store
from tgtagger.vocabulary import Vocabulary

TOLD_EVERY = 200
"""Posts between two calls of progress."""


@dataclass(frozen=True, slots=True)
class ChannelPreview:
    """How many posts of a channel would have none of the tags."""

    title: str
    posts: int
    without: int


@dataclass(frozen=True, slots=True)
class VocabularyPreview:
    """What a vocabulary would do: posts of each of its names, and posts without any tag.

    A post on which somebody put a tag by name is not without one. `by`: what tells it.
    """

    by: Literal["keywords", "tags"]
    names: tuple[tuple[str, int], ...]
    channels: tuple[ChannelPreview, ...]

    @property
    def posts(self) -> int:
        return sum(each.posts for each in self.channels)

    @property
    def without(self) -> int:
        return sum(each.without for each in self.channels)

    @property
    def unused(self) -> tuple[str, ...]:
        """Return the names that no post would have, in the order of the file."""
        return tuple(name for name, posts in self.names if not posts)


def preview(settings: Settings, wanted: PostFilter, events: Events) -> VocabularyPreview:
    """Return what the vocabulary of the settings would do to the posts of a filter.

    Raises InputError if there is no vocabulary.
    """
    by: Literal["keywords", "tags"] = "keywords" if settings.tagger == "keywords" else "tags"
    with Store.open_up_to_date(settings.db) as store, stage(events, Stage("preview")):
        total = store.queue.count(wanted)
        found = (_read_anew if by == "keywords" else _by_tags)(store, settings, wanted)
        uses: Counter[str] = Counter()
        posts: Counter[int] = Counter()
        without: Counter[int] = Counter()
        for done, (post, names, lasts) in enumerate(found, 1):
            uses.update(names)
            posts[post.channel_id] += 1
            without[post.channel_id] += not (names or lasts)
            if done % TOLD_EVERY == 0:
                events.progress(Progress(done, done / total, total))
        channels = [
            ChannelPreview(known.title if known else "", count, without[channel])
            for channel, count in posts.items()
            for known in (store.channels.find(channel),)
        ]
    entries = read_vocabulary_file(settings).entries
    return VocabularyPreview(
        by,
        tuple((entry.name, uses[entry.name]) for entry in entries),
        tuple(sorted(channels, key=lambda each: (-each.without, each.title))),
    )


_Found = Iterator[tuple[PostId, tuple[str, ...], bool]]


def _read_anew(store: Store, settings: Settings, wanted: PostFilter) -> _Found:
    tagger = make_embedded(settings, store)
    lasting = {each.id for each in store.records.tags_of(wanted) if each.lasts}
    called: dict[str, str | None] = {}
    for post in store.queue.posts(wanted):
        names = [tag.name for tag in tagger.tag_text(post.text, post.channel)]
        new = [name for name in names if name not in called]
        called |= {**dict(zip(new, new, strict=True)), **store.tags.called(new)}
        kept = tuple(name for name in names if called[name] is not None)
        yield post.id, kept, post.id in lasting


def _by_tags(store: Store, settings: Settings, wanted: PostFilter) -> _Found:
    entries = read_vocabulary_file(settings).entries
    vocabulary = Vocabulary("closed", entries, maximum=1)
    aliases = {name: others for name, others in store.tags.most_used(EVERY) if others}
    folded: dict[str, str | None] = {}
    for post in store.records.tags_of(wanted):
        for name in post.names:
            if name not in folded:
                chosen = vocabulary.choose((name, *aliases.get(name, ())))
                folded[name] = next(iter(chosen), None)
        names = {folded[name] for name in post.names}
        yield post.id, tuple(name for name in names if name is not None), post.lasts
