"""Posts as a static site: a folder that opens in a browser without a server, and asks nobody else.

A channel's posts stand on numbered pages, the oldest on page 1, so that a page that is full never
changes; tags and days are lists that lead there. The front page shows what is new, and the search
page looks through files of posts that it loads from beside itself. Templates escape everything;
a post's own formatting comes through `richtext`.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from tgtagger.export import captions
from tgtagger.export.folder import MARK, Folder, file_name
from tgtagger.export.richtext import to_html
from tgtagger.store import Selection
from tgtagger.views import Entry, Post

_POSTS = 50  # on a channel's page
_ENTRIES = 500  # on a page of a list
_NEWEST = 20  # on the front page
_CLOUD = 60  # tags on the front page
_SEARCHED = 1000  # posts in a file that is searched
_SIZES = 5  # of tags in a cloud
_MANY = 50  # posts of a tag that is drawn large, however few all have


def write(selection: Selection, path: Path) -> Folder:
    """Write the pages of a selection into a folder; return what was done there."""
    with Folder(path, "html") as folder:
        _Site(selection, folder).write()
    return folder


@dataclass(frozen=True, slots=True)
class _Link:
    """Something with posts that has a page of its own."""

    name: str
    page: str
    posts: int
    size: int = 1


class _Site:
    def __init__(self, selection: Selection, folder: Folder) -> None:
        self._selection = selection
        self._folder = folder
        self._channels = {channel.id: (channel, n) for channel, n in selection.channels()}
        self._names = {
            number: folder.name(str(number), channel.username or channel.title)
            for number, (channel, _) in self._channels.items()
        }

    def write(self) -> None:
        for name in ("style.css", "search.js"):
            self._folder.write(name, (_FILES / name).read_bytes())
        searched = [name for number in self._channels for name in self._write_channel(number)]
        listing = f"/* {MARK} */\nwindow.tgtaggerFiles = {_script(searched)};\n"
        self._folder.write("search/contents.js", listing)
        self._draw("search.html", "search.html", title="Search")
        for tag, entries in self._selection.outline("tag"):
            self._write_list(_tag_page(tag or ""), tag or "", entries)
        for day, entries in self._selection.outline("day"):
            self._write_list(_day_page(day), day or "no date", entries)
        self._write_contents()

    def _write_channel(self, number: int) -> list[str]:
        """Write a channel's pages, and the files in which its posts are searched; name those."""
        channel, count = self._channels[number]
        folder = self._names[number]
        pages = math.ceil(count / _POSTS)
        posts = self._selection.posts(number)
        numbered = zip(itertools.count(count, -1), posts, strict=False)
        for page, found in itertools.groupby(numbered, key=lambda item: _page_of(item[0])):
            self._draw(
                "channel.html",
                f"channels/{folder}/{page}.html",
                title=channel.title,
                posts=count,
                address=f"https://t.me/{channel.username}" if channel.username else None,
                number=page,
                pages=pages,
                shown=[self._card(post, page) for _, post in found],
            )
        names = []
        numbered = zip(itertools.count(count, -1), self._selection.posts(number), strict=False)
        for part, found in itertools.groupby(numbered, key=lambda item: (item[0] - 1) // _SEARCHED):
            rows = [
                [_page_of(at), post.id.message_id, _when(post.date), _words(post), post.tags]
                for at, post in found
            ]
            names.append(f"{folder}-{part + 1}.js")
            about = _script({"folder": folder, "name": channel.title})
            script = f"/* {MARK} */\nwindow.tgtaggerPosts({about}, {_script(rows)});\n"
            self._folder.write(f"search/{names[-1]}", script)
        return names

    def _write_list(self, path: str, title: str, entries: Iterable[Entry]) -> None:
        batches = _in_batches(entries)
        name = path.rpartition("/")[2]
        for number, (batch, is_last) in enumerate(batches, 1):
            self._draw(
                "outline.html",
                f"{_numbered(path, number)}.html",
                title=title,
                posts=len(batch) + (number - 1) * _ENTRIES if is_last else f"{number * _ENTRIES}+",
                entries=[self._entry(entry) for entry in batch],
                newer=f"{_numbered(name, number - 1)}.html" if number > 1 else None,
                older=None if is_last else f"{_numbered(name, number + 1)}.html",
            )

    def _write_contents(self) -> None:
        tags = self._selection.groups("tag")
        most = max((group.posts for group in tags), default=1)
        cloud = [
            _Link(group.name or "", f"{_tag_page(group.name or '')}.html", group.posts,
                  _size(group.posts, most))
            for group in tags
        ]  # fmt: skip
        days = [
            _Link(group.name or "no date", f"{_day_page(group.name)}.html", group.posts)
            for group in self._selection.groups("day")
        ]
        channels = [
            _Link(channel.title, self._channel_page(number, _page_of(count)), count)
            for number, (channel, count) in self._channels.items()
        ]
        by_name = sorted(cloud, key=lambda tag: tag.name.casefold())
        for title, groups in (("Tags", by_name), ("Days", days), ("Channels", channels)):
            self._draw(
                "contents.html", f"{title.lower()}.html", title=title, groups=groups,
                cloudy=title == "Tags",
            )  # fmt: skip
        numbers = {number: count for number, (_, count) in self._channels.items()}
        newest = []
        for post in self._selection.posts(limit=_NEWEST):
            newest.append(self._card(post, _page_of(numbers[post.id.channel_id])))
            numbers[post.id.channel_id] -= 1
        self._draw(
            "index.html",
            "index.html",
            title="Archive",
            posts=self._selection.count,
            channels=channels,
            tags=sorted(cloud[:_CLOUD], key=lambda tag: tag.name.casefold()),
            tags_count=len(cloud),
            newest=newest,
        )

    def _draw(self, template: str, page: str, **values: Any) -> None:
        root = "../" * page.count("/")
        text = _templates().get_template(template).render(root=root, mark=MARK, **values)
        self._folder.write(page, text)

    def _card(self, post: Post, page: int) -> dict[str, Any]:
        counters = [
            f"{value:,} {name}".replace(",", "\u202f")
            for name, value in (("views", post.views), ("forwards", post.forwards))
            if value is not None
        ]
        counters += [f"{name} {count}" for name, count in (post.reactions or {}).items()]
        return {
            "message": post.id.message_id,
            "page": self._channel_page(post.id.channel_id, page),
            "channel": post.channel.title,
            "iso": post.date and post.date.isoformat(),
            "when": _when(post.date),
            "url": post.url,
            "html": Markup(to_html(_clean(post.markdown))),  # noqa: S704 -- richtext has escaped it
            "notes": list(captions.notes(post)),
            "tags": [_Link(tag, f"{_tag_page(tag)}.html", 0) for tag in post.tags],
            "counters": " · ".join(counters),
        }

    def _entry(self, entry: Entry) -> dict[str, Any]:
        channel, _ = self._channels[entry.id.channel_id]
        return {
            "message": entry.id.message_id,
            "page": self._channel_page(entry.id.channel_id, _page_of(entry.number)),
            "channel": channel.title,
            "when": _when(entry.date),
            "caption": captions.line_of(entry.beginning),
        }

    def _channel_page(self, channel_id: int, page: int) -> str:
        return f"channels/{self._names[channel_id]}/{page}.html"


_FILES = resources("tgtagger.export") / "site_files"


@functools.cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("tgtagger.export", "site_files"),
        autoescape=True,
        finalize=lambda value: _clean(value) if type(value) is str else value,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _page_of(number: int) -> int:
    """Return the page of a channel on which its post of this number stands."""
    return (number - 1) // _POSTS + 1


def _numbered(path: str, number: int) -> str:
    return path if number == 1 else f"{path}-{number}"


def _tag_page(tag: str) -> str:
    return f"tags/{file_name(tag)}"


def _day_page(day: str | None) -> str:
    return f"days/{day or 'undated'}"


def _when(date: dt.datetime | None) -> str:
    return f"{date.astimezone():%Y-%m-%d %H:%M}" if date else "no date"


def _size(posts: int, most: int) -> int:
    """Return how large a tag is drawn, by the order of magnitude of its posts."""
    return 1 + round((_SIZES - 1) * math.log(posts) / math.log(max(most, _MANY)))


def _words(post: Post) -> str:
    return _clean("\n".join([post.text, *(word for item in post.media for word in item.words)]))


def _clean(text: str) -> str:
    """Return text without what no page may hold: control characters, halves of characters."""
    return text if text.isprintable() else text.translate(_NOT_IN_A_PAGE)


_NOT_IN_A_PAGE = dict.fromkeys(
    [*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd"
) | {ord("\n"): "\n", ord("\t"): "\t"}


def _script(value: object) -> str:
    """Return a value as JavaScript that cannot end its script, nor its line."""
    text = json.dumps(value, ensure_ascii=False, default=list)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _in_batches(entries: Iterable[Entry]) -> Iterator[tuple[list[Entry], bool]]:
    """Yield the entries of each page, and whether it is the last."""
    left = iter(entries)
    batch = list(itertools.islice(left, _ENTRIES))
    while batch:
        following = list(itertools.islice(left, _ENTRIES))
        yield batch, not following
        batch = following
