"""The facets beside a list of posts: each a link that narrows the query, or takes a filter off.

Pure: counts and a query's text come in, links come out. Knows no page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from tgtagger.model.counts import FacetCount, Facets
from tgtagger.model.query import Fact, FactName
from tgtagger.runs.query import TypedFilter, narrowed, typed_filters, write_filter
from tgtagger.web.cards import channel_query
from tgtagger.web.language import Language
from tgtagger.web.words import WORDS


@dataclass(frozen=True, slots=True)
class Link:
    """A facet: what it is called, how many posts have it, where it leads. `is_on`: it is chosen."""

    text: str
    posts: int
    href: str
    is_on: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The facets of one kind."""

    title: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A filter of the query, and the address without it."""

    text: str
    href: str


def posts_at(query: str) -> str:
    """Return the address of the posts of a query."""
    return f"/?{urlencode({'query': query})}" if query else "/"


def chosen(query: str) -> tuple[Chosen, ...]:
    """Return the filters of a query that can be taken off, one by one."""
    return tuple(Chosen(each.text, posts_at(each.rest)) for each in typed_filters(query))


def groups(found: Facets, query: str, t: Language) -> tuple[Group, ...]:
    """Return the facets of what a query finds; a kind that tells nothing is left out."""
    typed = typed_filters(query)
    channels = (
        _link(typed, query, "channel", channel.title, channel_query(channel), posts,
              (channel.title, channel.username, str(channel.id)))
        for channel, posts in found.channels
    )  # fmt: skip
    tags = (
        _link(typed, query, "tag", each.name, write_filter("tag", each.name), each.posts)
        for each in found.tags
    )
    statuses = (
        _link(typed, query, "status", t.text(WORDS[each.name]), f"status:{each.name}", each.posts,
              (each.name,))
        for each in found.statuses
    )  # fmt: skip
    made = (
        Group(t.text("Channels"), tuple(channels)),
        Group(t.text("Tags"), tuple(tags)),
        Group(t.text("Status"), tuple(statuses)),
        Group(t.text("Months"), tuple(_months(found.months, typed, query))),
    )
    return tuple(group for group in made if group.links)


def _link(
    typed: Iterable[TypedFilter],
    query: str,
    name: FactName,
    text: str,
    filter_: str,
    posts: int,
    names: Iterable[str | None] = (),
) -> Link:
    known = {each.casefold() for each in (text, *names) if each}
    for each in typed:
        part = each.part
        value = part.value if isinstance(part, Fact) and part.name == name else None
        if value is not None and value.casefold().removeprefix("@") in known:
            return Link(text, posts, posts_at(each.rest), is_on=True)
    return Link(text, posts, posts_at(narrowed(query, filter_)))


def _months(
    months: Iterable[FacetCount], typed: Iterable[TypedFilter], query: str
) -> Iterable[Link]:
    dates = {each.text: each.rest for each in typed}
    for each in months:
        text = f"date:{each.name}"
        is_on = text in dates
        href = posts_at(dates[text] if is_on else narrowed(query, text))
        yield Link(each.name, each.posts, href, is_on)
