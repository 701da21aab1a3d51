"""Posts into requests: how many go together, what of a long one is sent, how a group is split.

A group is bounded by a number of posts and by tokens. What failed in a group is asked again in
smaller ones, and at last alone, so that a bad post fails by itself. Pure. Knows no server.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tgtagger.model.tagging import PostForTagging
from tgtagger.taggers.llm.prompt import count_tokens, cut, has_words

REQUESTS = 3
"""Requests that a post gets in a turn, from one model: in its group, in half of it, alone."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The most that one request holds. Tokens are counted by `prompt.count_tokens`."""

    posts: int = 10
    tokens: int = 8000  # of all its posts
    post_tokens: int = 3000  # of one; what is longer is cut


CLOUD = Sizes()
LOCAL = Sizes(tokens=2000, post_tokens=1500)
"""Of a model on one's own machine: contexts are short there, and reading takes long."""


@dataclass(frozen=True, slots=True)
class Text:
    """What of a post is sent. `cut_at` is its number of letters where that is not all."""

    text: str
    tokens: int
    cut_at: int | None = None


def text_of(post: PostForTagging, sizes: Sizes, *, share: int = 1) -> Text:
    """Return what is sent of a post; `share` > 1: only that part of what usually is."""
    sent = cut(post.text, max(sizes.post_tokens // share, 50))
    cut_at = len(sent) if len(sent) < len(post.text) else None
    return Text(sent, count_tokens(sent), cut_at)


class Groups:
    """Takes posts from an iterator, one group at a time; those without words are set aside."""

    def __init__(self, posts: Iterable[PostForTagging], sizes: Sizes) -> None:
        self._posts: Iterator[PostForTagging] = iter(posts)
        self._next: PostForTagging | None = None
        self.sizes = sizes
        self.wordless: list[PostForTagging] = []

    def take(self) -> tuple[PostForTagging, ...]:
        """Return the next group; empty: there is none, or only what is wordless came so far."""
        group: list[PostForTagging] = []
        tokens = 0
        while len(group) < self.sizes.posts and len(self.wordless) < 200:
            post = self._next or next(self._posts, None)
            self._next = None
            if post is None:
                break
            if not has_words(post.text):
                self.wordless.append(post)
                continue
            size = text_of(post, self.sizes).tokens
            if group and tokens + size > self.sizes.tokens:
                self._next = post
                break
            group.append(post)
            tokens += size
        return tuple(group)


def smaller(group: tuple[PostForTagging, ...], tries: int) -> list[tuple[PostForTagging, ...]]:
    """Return a group that was asked for `tries` times as the groups to ask for next."""
    size = 1 if tries >= REQUESTS - 1 else max(1, (len(group) + 1) // 2)
    return [group[at : at + size] for at in range(0, len(group), size)]
