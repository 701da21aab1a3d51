"""The posts of a list, and their tags, as HTML.

Written by hand: a list has fifty posts and hundreds of tags, for which Jinja takes twice as long as
the store takes to find them. What comes in is escaped, here as there; a card is clean as well, and
remembered, since a page is often asked for again with the same posts. Knows no page.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from markupsafe import Markup

from tgtagger.model.posts import Channel
from tgtagger.model.refs import post_name
from tgtagger.model.stored import FoundPost, Post
from tgtagger.model.times import iso, minute_of
from tgtagger.runs.query import write_filter
from tgtagger.system.terminal_text import without_controls
from tgtagger.web.language import Language
from tgtagger.web.words import REASONS, WORDS

REMEMBERED = 10_000
"""Tags whose HTML is remembered."""
CARDS = 1000
"""Posts whose HTML is remembered: some 3 kB each."""

_NAME = "\N{REPLACEMENT CHARACTER}"
"""Stands for a tag in a label."""


@dataclass(frozen=True, slots=True)
class Cards:
    """Writes posts for a page: in its language, for its address, with forms or without."""

    language: Language
    here: str
    read_only: bool

    def posts(
        self,
        found: Iterable[FoundPost],
        own: Mapping[int, frozenset[str]],
        failures: Mapping[int, str],
    ) -> bytes:
        """Return the posts of a list as HTML in UTF-8, without control characters.

        By a post's inner id, `own` are the tags that a person gave, `failures` why it failed.
        """
        none: frozenset[str] = frozenset()
        return b"".join(
            _card(self, item, own.get(item.key, none), failures.get(item.key)) for item in found
        )

    def tags(
        self, name: str, names: Iterable[str], own: Container[str], *, is_whole: bool = False
    ) -> Markup:
        """Return the tags of the post `name`, a button at each, and the way to one more.

        `is_whole`: the page has a form for more tags.
        """
        return _html(self._tags(name, names, own, is_whole=is_whole))

    def card(self, item: FoundPost, own: Container[str], failure: str | None) -> str:
        """Return a post of a list."""
        post = item.post
        name = post_name(post.id)
        snippet = "".join(
            f"<mark>{escape(text)}</mark>" if is_hit else escape(text)
            for text, is_hit in item.snippet
        )
        return (
            f'<article class="post" id="p{name}" data-post="{name}" tabindex="-1" '
            f'aria-labelledby="h{name}">\n<p class="head">{self._box(name)}'
            f"{_channel_link(post.channel)} {self._head(post, name, failure)}</p>\n"
            f"{self._origin(post)}"
            f'<div class="text clipped" dir="auto">{snippet}</div>\n{self._media(post)}'
            f"{self._tags(name, post.tags, own)}</article>\n"
        )

    def _box(self, name: str) -> str:
        if self.read_only:
            return ""
        return (
            f'<input type="checkbox" name="post" value="{name}" form="picked" '
            f'aria-label="{self._words("Choose")}"> '
        )

    def _head(self, post: Post, name: str, failure: str | None) -> str:
        when = self._words("no date")
        if post.date is not None:
            when = f'<time datetime="{iso(post.date)}">{minute_of(post.date)}</time>'
        parts = [f'<a class="open" id="h{name}" href="/posts/{name}">{when}</a>']
        if post.status != "tagged":
            word = self._words(WORDS[post.status])
            if failure is not None:
                word += f": {self._words(REASONS.get(failure, failure))}"
            parts.append(
                f'<a class="status {post.status}" href="/?query=status:{post.status}">{word}</a>'
            )
        if post.deleted is not None:
            parts.append(f'<span class="status">{self._words("deleted")}</span>')
        if post.url:
            parts.append(
                f'<a class="out" href="{escape(post.url)}" rel="noopener noreferrer nofollow">'
                "Telegram</a>"
            )
        return " ".join(parts)

    def _origin(self, post: Post) -> str:
        if post.forward is None:
            return ""
        whom = post.forward.channel or self.language.text("somebody")
        return f'<p class="origin">{self._words("forwarded from {name}", name=whom)}</p>\n'

    def _media(self, post: Post) -> str:
        if not post.media:
            return ""
        kinds = Counter(item.type for item in post.media)
        shown = (
            f"<span>{self._words(WORDS[kind])}{f' × {count}' if count > 1 else ''}</span>"
            for kind, count in kinds.items()
        )
        return f'<p class="kinds">{"".join(shown)}</p>\n'

    def _tags(
        self, name: str, names: Iterable[str], own: Container[str], *, is_whole: bool = False
    ) -> str:
        if self.read_only:
            shown = "".join(_tag_link(tag, tag in own) for tag in names)
            return f'<div class="tags" id="t{name}">{shown}</div>'
        take_off = self._words("Take off {tag}", tag=_NAME)
        chips = "".join(_chip(tag, tag in own, take_off) for tag in names)
        path = f"/posts/{name}/tags/drop"
        form = (
            f'<form method="post" action="{path}" hx-post="{path}">'
            f'<input type="hidden" name="next" value="{escape(self.here)}">{chips}</form>'
        )
        add = (
            f'<a class="add" href="/posts/{name}#tag" data-do="tag" '
            f'aria-label="{self._words("Add a tag")}">+ {self._words("tag")}</a>'
        )
        return (
            f'<div class="tags" id="t{name}">{form if chips else ""}{"" if is_whole else add}</div>'
        )

    def _words(self, text: str, **values: object) -> str:
        return escape(self.language.text(text, **values))


@functools.lru_cache(CARDS)
def _card(cards: Cards, item: FoundPost, own: frozenset[str], failure: str | None) -> bytes:
    return without_controls(cards.card(item, own, failure)).encode()


def channel_link(channel: Channel) -> Markup:
    """Return a channel's title, which leads to its posts."""
    return _html(_channel_link(channel))


@functools.lru_cache(REMEMBERED)
def _channel_link(channel: Channel) -> str:
    query = quote(channel_query(channel), safe="")
    return f'<a class="channel" href="/?query={query}">{escape(channel.title)}</a>'


def channel_query(channel: Channel) -> str:
    """Return the filter of a query that means this channel, and no other of its title."""
    return write_filter("channel", channel.username or str(channel.id))


def tag_link(name: str, mine: bool = False) -> Markup:  # noqa: FBT001, FBT002 -- of templates
    """Return a tag, which leads to its posts. `mine`: a person gave it."""
    return _html(_tag_link(name, mine))


@functools.lru_cache(REMEMBERED)
def _tag_link(name: str, mine: bool) -> str:  # noqa: FBT001
    query = quote(write_filter("tag", name), safe="")
    look = "tag mine" if mine else "tag"
    return f'<a class="{look}" href="/?query={query}">{escape(name)}</a>'


@functools.lru_cache(REMEMBERED)
def _chip(name: str, mine: bool, label: str) -> str:  # noqa: FBT001
    shown, query = escape(name), quote(write_filter("tag", name), safe="")
    look = "tag mine" if mine else "tag"
    return (
        f'<span class="{look}"><a href="/?query={query}">{shown}</a><button name="tag" '
        f'value="{shown}" aria-label="{label.replace(_NAME, shown)}">×</button></span>'
    )


def _html(text: str) -> Markup:
    """Return text that is HTML already: what came in was escaped."""
    return Markup(text)  # noqa: S704
