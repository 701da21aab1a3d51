"""Posts as a static site: a folder that opens in a browser without a server or the network.

A channel's posts stand on numbered pages, the oldest on page 1, so that a full page never changes;
tags and days are lists that lead there. The front page shows the newest posts; `site_search` makes
the files of the search page. Templates escape everything; a post's own formatting comes through
`richtext`. Knows no SQL.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from tgtagger.export import captions, site_search
from tgtagger.export.folder import MARK, Folder, current_sheets, file_name, sheets
from tgtagger.export.memory import Pile, mixed, number_of
from tgtagger.export.piles import Piles
from tgtagger.export.richtext import to_html
from tgtagger.model.counts import GroupCount
from tgtagger.model.stored import ListedPost, Post
from tgtagger.model.tagging import PostId
from tgtagger.store import Selection, folded

_POSTS = 50  # on a channel's page
_ENTRIES = 500  # on a page of a list
_NEWEST = 20  # on the front page
_CLOUD = 40  # tags on the front page
_CHANNELS = 12  # channels there
_LARGE_CLOUD = 500  # on the page of tags


def write(selection: Selection, path: Path, *, public: bool = False) -> Folder:
    """Write the pages of a selection into a folder; return the folder with its counts."""
    with Folder(path, "html", public=public) as folder:
        _Site(selection, folder).write()
    return folder


@dataclass(frozen=True, slots=True)
class _Link:
    """Something with posts that has a page of its own; `href` is relative to the folder."""

    name: str
    href: str
    posts: int = 0
    size: int = 1


class _Month(Pile):
    """The posts of a month; of each file of them the first key and the last."""

    __slots__ = ("bounds",)

    def __init__(self) -> None:
        super().__init__(site_search.POSTS)
        self.bounds: list[tuple[int, int]] = []

    def add_with(self, item: int, key: int) -> None:
        if self.count % self.size:
            self.bounds[-1] = (self.bounds[-1][0], key)
        else:
            self.bounds.append((key, key))
        self.add(item)


@dataclass(frozen=True, slots=True)
class _Part:
    """A file of posts that the search reads; `low` and `high` are the keys of its posts."""

    name: str
    month: str
    inputs: int
    low: int
    high: int


class _Site:
    def __init__(self, selection: Selection, folder: Folder) -> None:
        self._selection = selection
        self._folder = folder
        self._channels = {channel.id: (channel, n) for channel, n in selection.channels()}
        self._names = folder.names(
            {
                channel.id: channel.username or channel.title
                for channel, _ in self._channels.values()
            }
        )
        self._quoted = {number: quote(name) for number, name in self._names.items()}

    def write(self) -> None:
        self._folder.write("style.css", (_FILES / "style.css").read_bytes())
        script = (_FILES / "snowball.js").read_bytes() + (_FILES / "search.js").read_bytes()
        self._folder.write("search.js", script)
        piles, cards, months = self._look()
        for number in self._channels:
            self._write_channel(number, cards[number])
        titles = {self._names[each]: channel.title for each, (channel, _) in self._channels.items()}
        search = {part.name: part for part in self._parts(months)}
        parts = {name: part.inputs for name, part in search.items()}
        site_search.write(self._folder, lambda name: self._rows(search[name]), titles, parts)
        self._draw("search.html", "search.html", title="Search")
        for tag, related, entries in self._selection.tags():
            name = tag.name or ""
            self._write_list(_tag_page(name), tag, entries, piles.tags[name], related)
        for day, entries in self._selection.outline("day"):
            self._write_list(_day_page(day.name), day, entries, piles.days[day.name])
        self._write_contents()

    def _look(self) -> tuple[Piles, dict[int, Pile], dict[str, _Month]]:
        """Return what is to be written is made of: lists, channels' pages, parts of the search."""
        piles = Piles(_ENTRIES)
        cards: defaultdict[int, Pile] = defaultdict(lambda: Pile(_POSTS))
        months: defaultdict[str, _Month] = defaultdict(_Month)
        facts = {
            number: number_of(channel.title, channel.username, self._names[number])
            for number, (channel, _) in self._channels.items()
        }
        for trace in self._selection.traces():
            fact = facts[trace.channel]
            shown = mixed(trace.shown, fact, _page_of(trace.number))
            piles.add(trace, shown)
            months[_month(trace.day)].add_with(shown, trace.key)
            cards[trace.channel].add(mixed(trace.whole, fact))
        return piles, cards, months

    def _write_channel(self, number: int, pile: Pile) -> None:
        channel, count = self._channels[number]
        pages = math.ceil(count / _POSTS)
        for page, made in reversed([*enumerate(pile.pages(), 1)]):
            name = f"channels/{self._names[number]}/{page}.html"
            inputs = mixed(made, page, count if page == pages else 0)
            if self._folder.has(name, inputs):
                continue
            low, high = (page - 1) * _POSTS + 1, min(page * _POSTS, count)
            posts = self._selection.posts_between(number, low, high)
            found = zip(range(high, low - 1, -1), posts, strict=True)
            self._draw(
                "channel.html",
                name,
                inputs,
                title=channel.title,
                posts=count if page == pages else None,  # a full page never changes
                address=f"https://t.me/{channel.username}" if channel.username else None,
                number=page,
                pages=pages,
                first=(page - 1) * _POSTS + 1,
                shown=[self._card(at, post) for at, post in found],
            )

    def _parts(self, months: Mapping[str, _Month]) -> list[_Part]:
        """Return the files of posts that the search reads, the newest first."""
        found = [
            _Part(f"{month}-{at}", month, made, *bounds)
            for month, pile in months.items()
            for at, (made, bounds) in enumerate(zip(pile.pages(), pile.bounds, strict=True), 1)
        ]
        return sorted(found, key=lambda part: part.low, reverse=True)

    def _rows(self, part: _Part) -> list[site_search.Row]:
        """Return the posts of a part as the search reads them, the newest first."""
        rows: list[site_search.Row] = []
        for number, day, post in self._selection.numbered_between(part.low, part.high):
            if _month(day) != part.month:  # one without a day stands between others
                continue
            texts = [post.text, *(word for item in post.media for word in item.words)]
            words = folded(_clean("\n".join(texts)))
            folder, when = self._names[post.id.channel_id], captions.when(post.date)
            message = post.id.message_id
            rows.append([folder, _page_of(number), message, when, words, post.tags])
        return rows

    def _numbered(self, limit: int | None = None) -> Iterator[tuple[int, Post]]:
        """Yield the posts of all channels, newest first, each with its number in its channel."""
        numbers = {channel_id: count for channel_id, (_, count) in self._channels.items()}
        for post in self._selection.posts(limit=limit):
            yield numbers[post.id.channel_id], post
            numbers[post.id.channel_id] -= 1

    def _write_list(
        self,
        path: str,
        group: GroupCount,
        entries: Iterable[ListedPost],
        pile: Pile,
        related: Iterable[GroupCount] = (),
    ) -> None:
        title = group.name or captions.NO_DATE
        inputs = [mixed(each, number_of(title, path)) for each in pile.sheets()]
        current = current_sheets(self._folder, path, group.posts, _ENTRIES, inputs)
        if all(current.values()):
            return
        listed = sheets(path, entries, group.posts, _ENTRIES)
        for sheet, made in zip(listed, inputs, strict=True):
            if current[sheet.name]:
                continue
            self._draw(
                "outline.html",
                f"{sheet.name}.html",
                made,
                title=title,
                posts=None if sheet.newer else group.posts,
                related=[]
                if sheet.newer
                else [_tag_link(tag.name or "", tag.posts) for tag in related],
                entries=[self._entry(entry, group.name) for entry in sheet.items],
                newer=_beside(sheet.newer),
                older=_beside(sheet.older),
            )

    def _write_contents(self) -> None:
        channels = [
            _Link(channel.title, self._href(channel_id, count), count)
            for channel_id, (channel, count) in self._channels.items()
        ]
        self._draw("channels.html", "channels.html", title="Channels", channels=channels)
        months = (
            (month, [_day_link(day) for day in days])
            for month, days in itertools.groupby(
                self._selection.groups("day"), lambda day: _month(day.name)
            )
        )
        self._draw("days.html", "days.html", title="Days", months=months)
        tags = list(itertools.islice(self._selection.groups("tag"), _LARGE_CLOUD))
        tags_count, ranges = self._write_names()
        self._draw(
            "tags.html", "tags.html", title="Tags", tags=_by_name(_cloud(tags)), ranges=ranges,
            tags_count=tags_count,
        )  # fmt: skip
        self._draw(
            "index.html",
            "index.html",
            title="Archive",
            posts=self._selection.count,
            channels=channels[:_CHANNELS],
            channels_count=len(channels),
            tags=_by_name(_cloud(tags[:_CLOUD])),
            tags_count=tags_count,
            newest=[self._card(at, post) for at, post in self._numbered(_NEWEST)],
        )

    def _write_names(self) -> tuple[int, list[_Link]]:
        """Write the pages that name all tags; return how many tags, and the pages."""
        pages: list[_Link] = []
        count = sum(1 for _ in self._selection.groups("tag"))
        tags = self._selection.groups("tag", "name")
        for sheet in sheets("names/tags", tags, count, _ENTRIES):
            links = [_tag_link(tag.name or "", tag.posts) for tag in sheet.items]
            if links:
                page = _Link(f"{links[0].name} – {links[-1].name}", f"{quote(sheet.name)}.html")
                pages.append(page)
                self._draw(
                    "names.html", f"{sheet.name}.html", title=page.name, tags=links,
                    newer=_beside(sheet.newer), older=_beside(sheet.older),
                )  # fmt: skip
        return count, pages

    def _draw(self, template: str, page: str, inputs: int = 0, **values: Any) -> None:
        text = _template(template).render(root="../" * page.count("/"), mark=MARK, **values)
        self._folder.write(page, _clean(text), inputs)

    def _card(self, number: int, post: Post) -> dict[str, Any]:
        counters = [
            f"{_number(value)} {name}"
            for name, value in (("views", post.views), ("forwards", post.forwards))
            if value is not None
        ]
        counters += [f"{name} {count}" for name, count in (post.reactions or {}).items()]
        return {
            "message": post.id.message_id,
            "href": f"{self._href(post.id.channel_id, number)}#p{post.id.message_id}",
            "channel": post.channel.title,
            "iso": post.date and post.date.isoformat(),
            "when": captions.when(post.date),
            "url": post.url,
            "origin": captions.origin(post),
            "answered": self._answered(post),
            "html": Markup(to_html(_clean(post.markdown))),  # noqa: S704 -- richtext has escaped it
            "notes": list(captions.notes(post)),
            "tags": [_tag_link(tag) for tag in post.tags],
            "counters": " · ".join(counters),
        }

    def _answered(self, post: Post) -> dict[str, Any] | None:
        if not post.reply_to:
            return None
        found = self._selection.entry(PostId(post.id.channel_id, post.reply_to))
        return (
            self._entry(found) if found else {"href": None, "caption": f"message {post.reply_to}"}
        )

    def _entry(self, entry: ListedPost, tag: str | None = None) -> dict[str, Any]:
        """Return a post of a list, with its tags besides the list's own."""
        channel_id, message_id = entry.id.channel_id, entry.id.message_id
        return {
            "href": f"{self._href(channel_id, entry.number)}#p{message_id}",
            "channel": self._channels[channel_id][0].title,
            "when": captions.when(entry.date),
            "caption": captions.line_of(entry.beginning),
            "tags": [_tag_link(name) for name in entry.tags if name != tag],
        }

    def _href(self, channel_id: int, number: int) -> str:
        """Return the link to the post with this number in a channel, without its mark."""
        return f"channels/{self._quoted[channel_id]}/{_page_of(number)}.html"


_FILES = resources("tgtagger.export") / "site_files"


@functools.cache
def _template(name: str) -> jinja2.Template:
    return _templates().get_template(name)


@functools.cache
def _templates() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("tgtagger.export", "site_files"),
        autoescape=True,
        auto_reload=False,  # else it looks at the templates' files for each page
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = _number
    return made


def _number(value: int) -> str:
    """Return `1 234 567` with spaces at which no line breaks."""
    return f"{value:,}".replace(",", "\u202f")


def _beside(page: str | None) -> str | None:
    """Return the link to a page from a page in the same folder."""
    return page and f"{quote(page.rpartition('/')[2])}.html"


def _page_of(number: int) -> int:
    """Return the number of the page that holds the channel's post with this number."""
    return (number - 1) // _POSTS + 1


def _tag_page(tag: str) -> str:
    return f"tags/{file_name(tag)}"


def _day_page(day: str | None) -> str:
    return f"days/{day or 'undated'}"


def _month(day: str | None) -> str:
    return day[:7] if day else "undated"


@functools.lru_cache(20_000)
def _tag_link(tag: str, posts: int = 0, size: int = 1) -> _Link:
    return _Link(tag, f"{quote(_tag_page(tag))}.html", posts, size)


def _day_link(day: GroupCount) -> _Link:
    name = day.name[8:] if day.name else captions.NO_DATE
    return _Link(name, f"{_day_page(day.name)}.html", day.posts)


def _cloud(tags: list[GroupCount]) -> list[_Link]:
    """Return tags with their sizes; a size is the order of magnitude of a tag's posts."""
    sizes = captions.sizes([tag.posts for tag in tags])
    return [
        _tag_link(tag.name or "", tag.posts, size) for tag, size in zip(tags, sizes, strict=True)
    ]


def _by_name(links: list[_Link]) -> list[_Link]:
    return sorted(links, key=lambda link: link.name.casefold())


def _clean(text: str) -> str:
    """Return text without control characters and lone surrogates, which no page may hold."""
    return _NOT_IN_A_PAGE.sub("\ufffd", text)


_NOT_IN_A_PAGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
