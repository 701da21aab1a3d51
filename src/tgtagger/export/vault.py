"""Posts as a folder of Markdown notes that opens as an Obsidian vault.

A note a post with YAML front matter; pages that list the notes by tag, by channel and by day; a
home page. Names come from ids and dates, which do not change, so that a second export changes only
what changed. A note is rewritten when its post changes: a person's own belong into other files.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from tgtagger.export import captions
from tgtagger.export.folder import MARK, Folder, file_name
from tgtagger.store import Selection
from tgtagger.types import Channel
from tgtagger.views import Entry, Post

_LINES = 2000
"""Notes that one page lists: an editor is slow with many more."""

_NOT_YAML = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_NOT_IN_A_TAG = re.compile(r"[^\w/-]+")


def write(selection: Selection, path: Path) -> Folder:
    """Write the notes and pages of a selection into a folder; return what was done there."""
    with Folder(path, "md") as folder:
        _Vault(selection, folder).write()
    return folder


class _Vault:
    def __init__(self, selection: Selection, folder: Folder) -> None:
        self._selection = selection
        self._folder = folder
        self._channels = selection.channels()
        self._names = {
            channel.id: folder.name(str(channel.id), channel.username or channel.title)
            for channel, _ in self._channels
        }

    def write(self) -> None:
        for post in self._selection.posts():
            note = self._path(post.id.channel_id, post.id.message_id, post.date)
            self._folder.write(f"{note}.md", self._note(post))
        for channel, _ in self._channels:
            entries = (
                Entry(post.id, 0, post.date, captions.caption(post))
                for post in self._selection.posts(channel.id)
            )
            self._list(self._channel_page(channel), channel.title, entries)
        for name, outline in self._selection.outline("tag"):
            self._list(_tag_page(name or ""), name or "", outline)
        for name, outline in self._selection.outline("day"):
            self._list(_day_page(name), name or "no date", outline)
        self._contents()

    def _contents(self) -> None:
        """Write the pages that lead to all others."""
        channels = [
            (channel.title, self._channel_page(channel), n) for channel, n in self._channels
        ]
        tags = [
            (group.name or "", _tag_page(group.name or ""), group.posts)
            for group in self._selection.groups("tag")
        ]
        days = [
            (group.name or "no date", _day_page(group.name), group.posts)
            for group in self._selection.groups("day")
        ]
        for title, pages in (("Channels", channels), ("Tags", tags), ("Days", days)):
            lines = [f"- [{_text(name)}]({quote(path)}.md) · {n}" for name, path, n in pages]
            self._folder.write(f"{title}.md", _page(title, lines))
        self._folder.write(
            "Home.md",
            _page(
                "Home",
                [
                    f"- [Channels](Channels.md) · {len(channels)}",
                    f"- [Tags](Tags.md) · {len(tags)}",
                    f"- [Days](Days.md) · {len(days)}",
                ],
            ),
        )

    def _list(self, path: str, title: str, entries: Iterable[Entry]) -> None:
        """Write a page that lists notes, and where they are many, further ones."""
        left = iter(entries)
        batch = list(itertools.islice(left, _LINES))
        for number in itertools.count(1):
            lines = []
            for entry in batch:
                note = self._path(entry.id.channel_id, entry.id.message_id, entry.date)
                caption = _text(captions.line_of(entry.beginning))
                lines.append(f"- {_day(entry.date)} [{caption}]({_relative(path, note)})")
            batch = list(itertools.islice(left, _LINES))
            name = path if number == 1 else f"{path}-{number}"
            if batch:
                following = f"{path.rpartition('/')[2]}-{number + 1}.md"
                lines += ["", f"[older]({quote(following)})"]
            self._folder.write(f"{name}.md", _page(title, lines))
            if not batch:
                return

    def _note(self, post: Post) -> str:
        facts: dict[str, object] = {
            "generator": MARK,
            "channel": post.channel.title,
            "username": post.channel.username,
            "id": post.id.message_id,
            "url": post.url,
            "date": post.date,
            "edited": post.edited,
            "deleted": post.deleted,
            # Obsidian takes no spaces in a tag, and no tag of digits alone.
            "tags": [_NOT_IN_A_TAG.sub("_", tag).strip("_") or "_" for tag in post.tags],
            "views": post.views,
            "forwards": post.forwards,
        }
        front = [f"{name}: {_yaml(fact)}" for name, fact in facts.items() if fact not in (None, [])]
        here = self._path(post.id.channel_id, post.id.message_id, post.date)
        links = [(tag, _tag_page(tag)) for tag in post.tags]
        links.append((_day(post.date), _day_page(_day(post.date) if post.date else None)))
        links.append((post.channel.title, self._channel_page(post.channel)))
        body = [
            _body(post.markdown),
            "\n".join(f"- {_text(note)}" for note in captions.notes(post)),
            " · ".join(f"[{_text(name)}]({_relative(here, page)})" for name, page in links),
        ]
        return "---\n" + "\n".join(front) + "\n---\n\n" + "\n\n".join(filter(None, body)) + "\n"

    def _path(self, channel_id: int, message_id: int, date: dt.datetime | None) -> str:
        # The day in UTC: a name must not depend on where it is written.
        day = f"{date:%Y-%m-%d}" if date else "undated"
        return f"posts/{self._names[channel_id]}/{day}-{message_id}"

    def _channel_page(self, channel: Channel) -> str:
        return f"channels/{self._names[channel.id]}"


def _tag_page(tag: str) -> str:
    return f"tags/{file_name(tag)}"


def _day_page(day: str | None) -> str:
    return f"days/{day or 'undated'}"


def _day(date: dt.datetime | None) -> str:
    return f"{date.astimezone():%Y-%m-%d}" if date else "no date"


def _relative(page: str, target: str) -> str:
    return quote("../" * page.count("/") + target) + ".md"


def _page(title: str, lines: list[str]) -> str:
    return f"---\ngenerator: {MARK}\n---\n\n# {_text(title)}\n\n" + "\n".join(lines) + "\n"


def _body(markdown: str) -> str:
    """Return a post's Markdown; a hash sign before a word would be one of the vault's own tags."""
    text = _NOT_YAML.sub(lambda found: found[0] if found[0] in "\n\t" else "\ufffd", markdown)
    return re.sub(r"(?<![\\\w&/])#(?=\w)", r"\\#", text)


def _yaml(value: object) -> str:
    """Return a value as YAML, which JSON is, but for what YAML takes for the end of a line."""
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _text(text: str) -> str:
    """Return plain words as Markdown of one line."""
    line = " ".join(_NOT_YAML.sub(" ", text).split())
    return re.sub(r"([\\`*_\[\]<>#|~!&])", r"\\\1", line)
