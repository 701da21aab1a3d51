"""Posts as a folder of Markdown notes that opens as an Obsidian vault.

Each post is a note with YAML front matter; pages list the notes by tag, by channel and by day; one
page is the home page. Names are made of ids and dates, which never change, so a second export
writes only what changed. A note is rewritten when its post changes: a person's own notes belong
into other files. Knows no SQL.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from tgtagger.export import captions
from tgtagger.export.folder import MARK, Folder, current_sheets, file_name, sheets
from tgtagger.export.memory import Pile, mixed, number_of
from tgtagger.export.piles import Piles
from tgtagger.model.posts import Channel
from tgtagger.model.stored import ListedPost, Post
from tgtagger.model.tagging import PostId
from tgtagger.model.times import local
from tgtagger.store import Selection

NOTHING: Mapping[str, bool] = {}

_TOGETHER = 500
"""Notes that are made at a time."""

_LINES = 2000
"""Lines of a page with a list: an editor is slow with many more."""

_NOT_YAML = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_NO_PLACE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ud800-\udfff]")
"""Characters that a note cannot hold; U+FEFF is one of those that it can."""

_BREAK = re.compile("(?:\r\n?|[\x0b\x0c\x85\u2028\u2029])(?P<begins>[ \t]*(?:[#>*+=~`|<-]|\\d))?")
"""A line end of other systems; `begins` is what would begin a heading, a list or the like."""


def write(selection: Selection, path: Path) -> Folder:
    """Write the notes and pages of a selection into a folder; return the folder with its counts."""
    with Folder(path, "md") as folder:
        _Vault(selection, folder).write()
    return folder


class _Vault:
    def __init__(self, selection: Selection, folder: Folder) -> None:
        self._selection = selection
        self._folder = folder
        self._channels = selection.channels()
        self._names = folder.names(
            {channel.id: channel.username or channel.title for channel, _ in self._channels}
        )
        self._quoted = {key: quote(name) for key, name in self._names.items()}

    def write(self) -> None:
        piles = self._write_notes()
        for channel, count in self._channels:
            posts = self._selection.posts(channel.id)
            named = (ListedPost(post.id, 0, post.date, captions.caption(post)) for post in posts)
            path = self._channel_page(channel)
            self._list(path, channel.title, named, count, piles.channels[channel.id])
        for tag, entries in self._selection.outline("tag"):
            name = tag.name or ""
            self._list(_tag_page(name), name, entries, tag.posts, piles.tags[name])
        for day, entries in self._selection.outline("day"):
            title = day.name or captions.NO_DATE
            self._list(_day_page(day.name), title, entries, day.posts, piles.days[day.name])
        self._contents()

    def _write_notes(self) -> Piles:
        """Write the notes that are not as they were; return what the lists are made of."""
        piles = Piles(_LINES)
        facts = {
            channel.id: number_of(channel.title, channel.username, self._names[channel.id])
            for channel, _ in self._channels
        }
        made: dict[int, int] = {}
        for trace in self._selection.traces():
            place = self._names[trace.channel]
            piles.add(trace, mixed(trace.shown, facts[trace.channel]))
            inputs = mixed(trace.whole, facts[trace.channel])
            if not self._folder.has(f"posts/{place}/{_name(trace.date, trace.message)}", inputs):
                made[trace.key] = inputs
            if len(made) >= _TOGETHER:
                self._make_notes(made)
        self._make_notes(made)
        return piles

    def _make_notes(self, made: dict[int, int]) -> None:
        """Write the notes of posts by their keys, the newest first."""
        posts = self._selection.posts_with([*made])
        for post, key in zip(posts, sorted(made, reverse=True), strict=True):
            name = f"posts/{self._names[post.id.channel_id]}/{_note_name(post)}"
            self._folder.write(name, self._note(post), made[key])
        made.clear()

    def _contents(self) -> None:
        """Write the pages that lead to all others."""
        tags = (
            _line(tag.name or "", _tag_page(tag.name or ""), tag.posts)
            for tag in self._selection.groups("tag")
        )
        days = [
            _line(day.name or captions.NO_DATE, _day_page(day.name), day.posts)
            for day in self._selection.groups("day")
        ]
        channels = [
            _line(channel.title, self._channel_page(channel), n) for channel, n in self._channels
        ]
        tags_count = sum(1 for _ in self._selection.groups("tag"))
        home = []
        for title, lines, count in (
            ("Channels", channels, len(channels)), ("Tags", tags, tags_count),
            ("Days", days, len(days)),
        ):  # fmt: skip
            self._pages(title, title, lines, count)
            home.append(_line(title, title, count))
        self._folder.write("Home.md", _page("Home", home))

    def _list(
        self, path: str, title: str, entries: Iterable[ListedPost], count: int, pile: Pile
    ) -> None:
        """Write the pages that list some notes, unless all are as they were."""
        inputs = [mixed(each, number_of(title, path)) for each in pile.sheets()]
        current = current_sheets(self._folder, path, count, _LINES, inputs)
        if all(current.values()):
            return
        up = "../" * path.count("/")
        lines = (
            f"- {captions.day(entry.date)} [{_text(captions.line_of(entry.beginning))}]"
            f"({up}{self._href(entry)})"
            for entry in entries
        )
        self._pages(path, title, lines, count, inputs, current)

    def _pages(
        self,
        path: str,
        title: str,
        lines: Iterable[str],
        count: int,
        inputs: Iterable[int] = (),
        current: Mapping[str, bool] = NOTHING,
    ) -> None:
        made_of = itertools.chain(inputs, itertools.repeat(0))
        for sheet, made in zip(sheets(path, lines, count, _LINES), made_of, strict=False):
            if current.get(sheet.name):
                continue
            around = [
                f"[{words}]({quote(name.rpartition('/')[2])}.md)"
                for words, name in (("newer", sheet.newer), ("older", sheet.older))
                if name
            ]
            body = [*sheet.items, "", " · ".join(around)] if around else sheet.items
            self._folder.write(f"{sheet.name}.md", _page(title, body), made)

    def _note(self, post: Post) -> str:
        facts: dict[str, object] = {
            "generator": MARK,
            "aliases": [captions.caption(post)],  # Obsidian finds and links it by this
            "channel": post.channel.title,
            "username": post.channel.username,
            "id": post.id.message_id,
            "url": post.url,
            "date": post.date,
            "edited": post.edited,
            "deleted": post.deleted,
            "tags": [_tag(tag) for tag in post.tags],
            "views": post.views,
            "forwards": post.forwards,
        }
        front = [f"{name}: {_yaml(fact)}" for name, fact in facts.items() if fact not in (None, [])]
        links = [(tag, _tag_page(tag)) for tag in post.tags]
        links.append((captions.day(post.date), _day_page(captions.day(post.date))))
        links.append((post.channel.title, self._channel_page(post.channel)))
        body = [
            *self._callouts(post),
            _body(post.markdown),
            "\n".join(f"- {_fact(note)}" for note in captions.notes(post)),
            " · ".join(f"[{_text(name)}]({_UP}{quote(page)}.md)" for name, page in links),
        ]
        return "---\n" + "\n".join(front) + "\n---\n\n" + "\n\n".join(filter(None, body)) + "\n"

    def _callouts(self, post: Post) -> Iterator[str]:
        """Yield the lines above a post's words: whom it is forwarded from, what it replies to."""
        if origin := captions.origin(post):
            yield f"> [!quote] {_text(origin)}"
        if post.reply_to:
            answered = self._selection.entry(PostId(post.id.channel_id, post.reply_to))
            name = self._link(answered) if answered else f"message {post.reply_to}"
            yield f"> [!info] answers {name}"

    def _link(self, entry: ListedPost) -> str:
        caption = _text(captions.line_of(entry.beginning))
        return f"[{caption}]({_UP}{self._href(entry)})"

    def _href(self, post: Post | ListedPost) -> str:
        return f"posts/{self._quoted[post.id.channel_id]}/{_note_name(post)}"

    def _channel_page(self, channel: Channel) -> str:
        return f"channels/{self._names[channel.id]}"


_UP = "../../../"  # from a note to the folder


def _note_name(post: Post | ListedPost) -> str:
    return _name(post.date.isoformat() if post.date else None, post.id.message_id)


def _name(date: str | None, message: int) -> str:
    # The day in UTC: a name must not depend on where it is written.
    day = date[:10] if date else "undated"
    return f"{day[:7]}/{day}-{message}.md"


def _tag_page(tag: str) -> str:
    return f"tags/{file_name(tag)}"


def _day_page(day: str | None) -> str:
    return f"days/{'undated' if day in (None, captions.NO_DATE) else day}"


@functools.lru_cache(20_000)
def _tag(name: str) -> str:
    """Return a tag as Obsidian takes it: without spaces and signs, and not of digits alone."""
    spelt = name.replace("#", "_sharp").replace("+", "_plus")  # C# and C++ stay two tags
    tag = "".join(
        each if each.isalnum() or each in "/-" or unicodedata.category(each)[0] == "M" else "_"
        for each in spelt
    )
    tag = re.sub("_{2,}", "_", tag).strip("_/")
    return tag if any(letter.isalpha() for letter in tag) else f"_{tag}"


def _line(title: str, page: str, count: int) -> str:
    return f"- [{_text(title)}]({quote(page)}.md) · {count}"


def _page(title: str, lines: list[str]) -> str:
    return f"---\ngenerator: {MARK}\n---\n\n# {_text(title)}\n\n" + "\n".join(lines) + "\n"


def _body(markdown: str) -> str:
    """Return a post's Markdown as a vault reads it: a spoiler is marked, nothing else is special.

    There a hash sign before a word is a tag, and `^word` at a line's end a name; `$`, `%%` and `==`
    are formulas, comments, marks. Blocks of code in some languages are run, or replaced.
    """
    text = _BREAK.sub(lambda found: f" {found[1]}" if found[1] else "\n", markdown)
    text = _NO_PLACE.sub("\ufffd", text)
    return _OBSIDIAN.sub(_for_obsidian, text)


_OBSIDIAN = re.compile(
    r"(?s)(?<!\\)(?P<ticks>`+)(?:(?<=```)(?P<language>[^\s`]+)(?=\n))?.+?(?<!`)(?P=ticks)(?!`)"
    r"|(?<!\\)\]\([^\s)]*\)"  # code stays as it is, and addresses
    r"|<[a-zA-Z][\w+.-]+:[^\s<>]+>"
    r"|https?://(?:(?!\|\||\]\()[^\s)])+"
    r"|(?P<mark>(?<![\\\w&/])#(?=[^\s#])|(?<!\\)(?:\$|%%|==|=(?=\|\|)|(?<=\|\|)=)"
    r"|(?<=\s)\^(?=[\w-]+$))"
    r"|(?P<both>\|{4})"  # a spoiler ends, and another one begins
    r"|(?P<spoiler>(?<!\\)\|\|)",
    re.MULTILINE,
)

_RUN = re.compile(
    r"query|base|embed|mermaid|dataview(?:js)?|tasks?|templater|(?:meta-bind|js-engine|ad-).*"
    r"|buttons?|run-.+",
    re.IGNORECASE,
)
"""Languages of code blocks that Obsidian and its plugins run, or replace by what they draw."""


def _for_obsidian(found: re.Match[str]) -> str:
    if found["mark"]:
        return "".join(f"\\{letter}" for letter in found["mark"])
    if found["both"]:
        return ""
    if found["spoiler"]:
        return "=="
    if found["language"] and _RUN.fullmatch(found["language"]):
        return found[0].replace(found["language"], "", 1)
    return found[0]


def _yaml(value: object) -> str:
    """Return a value as JSON, which is YAML, with the letters escaped that end a line in YAML."""
    if isinstance(value, dt.datetime):  # Obsidian knows no zones
        return local(value).isoformat(timespec="seconds")[:19]
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _text(text: str) -> str:
    """Return plain words as one line of Markdown."""
    line = " ".join(_NO_PLACE.sub(" ", text).split())
    return _MARKS.sub(r"\\\1", line)


def _fact(note: str) -> str:
    """Return a fact beside a post as one line of Markdown; an address in it stays a link."""
    return "".join(
        f"<{part}>" if at % 2 else _MARKS.sub(r"\\\1", part)
        for at, part in enumerate(_LINK.split(" ".join(_NO_PLACE.sub(" ", note).split())))
    )


_LINK = re.compile(r"(?<!\S)(https?://[^\s<>]+)")
_MARKS = re.compile(r"([\\`*_\[\]<>#|~!&$^]|%(?=%)|=(?==))")
