"""An export as a source of pages. Knows no store, and no field of a message."""

from __future__ import annotations

import datetime as dt
import itertools
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tgtagger.errors import InputError
from tgtagger.model.choices import ChannelKind, SourceName
from tgtagger.model.posts import Channel, Page, PostData, Rejected, ServiceMessage, StoredRawRecord
from tgtagger.sources import raw
from tgtagger.sources.desktop import equality
from tgtagger.sources.desktop import file as export
from tgtagger.sources.desktop.albums import Draft, belongs, join
from tgtagger.sources.desktop.convert import convert

PAGE = 3000
"""Posts a page: the fewer pages, the less the full-text index is merged; memory grows with it."""

COUNTED = 50_000
"""Messages that are only counted, on a page: they cost no time in the store."""

_KINDS: dict[str | None, ChannelKind] = {
    "public_supergroup": "supergroup",
    "private_supergroup": "supergroup",
    "private_group": "group",
}


class DesktopExport:
    """The channels of one export, page by page in the file's order.

    `limit` counts posts. `since` and `until` pick posts by date (inclusive, exclusive); a post
    without a date has the date of the post before it. Reading raises InputError for a file that is
    not an export; for a file that is damaged in the middle, after the pages of all messages before
    the damage. `read_before` gives the packed chunks of a channel that were read before: what is
    in them is only counted. `chunks` are those of this reading.
    """

    name: SourceName = "desktop"
    channel_id = None  # an account's export holds many

    def __init__(
        self,
        path: Path,
        *,
        groups: bool = False,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        limit: int | None = None,
        page_size: int = PAGE,
        read_before: Callable[[int], bytes] = lambda _: b"",
    ) -> None:
        self.path = path
        self.size = 0  # bytes, once reading has begun
        self.position = 0  # bytes read so far
        self.left_out: Counter[str] = Counter()  # an account's chats that are not channels, by kind
        self._groups = groups
        self._since = since
        self._until = until
        self._limit = limit
        self._page_size = page_size
        self._read_before = read_before
        self._is_whole = since is None and until is None and limit is None
        self.chunks: dict[int, bytes] = {}

    async def pages(self, _memory: object, _events: object) -> AsyncGenerator[Page]:
        """Yield the pages; always read the whole file."""
        for page in self.read():
            yield page

    def read(self) -> Iterator[Page]:
        """Yield the pages; see the class."""
        left = self._limit
        for page in self._read():
            if left is None:
                yield page
                continue
            yield replace(page, posts=page.posts[:left])
            left -= len(page.posts[:left])
            if not left:
                return

    def _read(self) -> Iterator[Page]:
        path = export.find_file(self.path)
        self.size = path.stat().st_size
        with export.open_export(path) as file:
            contents = export.read_contents(file, path)
        channels = self._choose(contents, path)
        for place, chats in channels.items():
            with export.open_export(path) as file:
                records = export.read_records(file, place)
                for chat, channel in chats:
                    counted = chat.messages if contents.account else None
                    if channel is None:
                        self._skip(records, chat.messages)
                        continue
                    for page in self._pages(channel, records, counted, path):
                        self.position = file.tell()
                        yield page
        if contents.broken:
            raise InputError("export_cut_off", path=path, after=None)

    def _choose(
        self, contents: export.Contents, path: Path
    ) -> dict[str, list[tuple[export.Chat, Channel | None]]]:
        """Pair the chats with their channels; None for a chat that is left out."""
        chosen: dict[str, list[tuple[export.Chat, Channel | None]]] = {}
        for place, chats in contents.chats.items():
            for chat in chats:
                channel = self._channel(chat)
                if channel is None:
                    if not contents.account:
                        raise _not_a_channel(chat, path)
                    self.left_out[chat.kind or "unknown"] += 1
                chosen.setdefault(place, []).append((chat, channel))
        if not any(channel for chats in chosen.values() for _, channel in chats):
            groups = sum(self.left_out[kind] for kind in export.GROUPS)
            raise InputError("export_without_channels", path=path, groups=groups)
        return chosen

    def _channel(self, chat: export.Chat) -> Channel | None:
        wanted = export.CHANNELS | export.GROUPS if self._groups else export.CHANNELS
        if chat.kind not in wanted or not export.is_id(chat.id):
            return None
        kind = _KINDS.get(chat.kind, "channel")
        # A basic group's number can be a channel's, too; Telegram marks it with a minus.
        identity = -chat.id if kind == "group" else chat.id
        title = (chat.name or "").replace("\0", "")
        return Channel(identity, title or f"({kind} {chat.id})", None, kind)

    def _skip(self, records: Iterator[Any], count: int) -> None:
        try:
            for _ in range(count):
                next(records)
        except (StopIteration, export.CutOff):
            return  # `Contents.broken` tells it, too

    def _pages(
        self, channel: Channel, records: Iterator[Any], counted: int | None, path: Path
    ) -> Iterator[Page]:
        pages = _Pages(channel)
        before = equality.unpack(self._read_before(channel.id) if self._is_whole else b"")
        now: list[equality.Chunk] = []
        wanted = True
        has_dates = self._since is not None or self._until is not None
        broken: export.CutOff | None = None
        try:
            found_chunks = equality.chunks(itertools.islice(records, counted), channel.kind)
            for key, some, dumped in found_chunks:
                known = before.get(key)
                if known is not None and pages.count(some, known):
                    if pages.counted >= COUNTED:
                        yield pages.take()
                    now.append((key, *known))
                    continue
                done = pages.done
                for record, data in zip(some, dumped, strict=True):
                    found = convert(record, channel.kind, data)
                    if has_dates and isinstance(found, PostData):
                        wanted = self._wants(found, otherwise=wanted)
                        if not wanted:
                            continue
                    pages.add(found, record)
                    if pages.size >= self._page_size:
                        yield pages.take()
                if key:
                    pages.end()  # no chunk with a hash cuts an album in two
                now.append((key, pages.done[0] - done[0], pages.done[1] - done[1]))
        except export.CutOff as error:
            broken = error
        pages.end()
        yield pages.take()
        self.chunks[channel.id] = equality.pack(now)
        if broken is not None:
            raise InputError("export_cut_off", path=path, after=pages.last_id) from broken

    def _wants(self, post: PostData, *, otherwise: bool) -> bool:
        if post.date is None:
            return otherwise
        return (self._since is None or post.date >= self._since) and (
            self._until is None or post.date < self._until
        )


class _Pages:
    """Collects a channel's messages into pages; holds an album back until it is whole."""

    def __init__(self, channel: Channel) -> None:
        self.last_id: int | None = None
        self._channel = channel
        self._posts: list[PostData] = []
        self._service: list[ServiceMessage] = []
        self._rejected: list[Rejected] = []
        self._group: list[Draft] = []
        self._rising = array("q")  # the ids so far, as long as they rise: 8 bytes each
        self._others: set[int] = set()
        self._known = (0, 0)
        self.counted = 0  # posts and service messages that are only counted, of this page
        self.done = (0, 0)  # posts begun and service messages so far, besides those

    @property
    def size(self) -> int:
        return len(self._posts) + len(self._service) + len(self._rejected)

    def add(self, found: PostData | ServiceMessage | Rejected, record: Any) -> None:
        match found:
            case PostData():
                number = self.last_id = found.ids[0]
                if self._came_before(number):
                    self._rejected.append(Rejected(number, "its id stands twice in the export"))
                    return
                self._note(number)
                item = (found, record)
                if self._group and not belongs(self._group, item):
                    self.end()
                if not self._group:
                    self.done = (self.done[0] + 1, self.done[1])
                self._group.append(item)
            case ServiceMessage():
                self._service.append(found)
                self.done = (self.done[0], self.done[1] + 1)
            case Rejected():
                self._rejected.append(found)

    def count(self, records: Iterable[Any], known: tuple[int, int]) -> bool:
        """Count messages that are stored as they are: posts and service messages.

        False: the id of one stands twice in the export, so they are to be added.
        """
        ids = [record["id"] for record in records if record.get("type") != "service"]
        if any(map(self._came_before, ids)):
            return False
        self.end()
        for number in ids:
            self.last_id = number
            self._note(number)
        self._known = (self._known[0] + known[0], self._known[1] + known[1])
        self.counted += sum(known)
        return True

    def end(self) -> None:
        """Add the post that is held back: its album is complete."""
        if self._group:
            self._posts.append(join(self._group))
            self._group = []

    def take(self) -> Page:
        made = Page(
            self._channel,
            "desktop",
            tuple(self._posts),
            tuple(self._service),
            tuple(self._rejected),
            known_posts=self._known[0],
            known_service=self._known[1],
        )
        self._known, self.counted = (0, 0), 0
        self._posts, self._service, self._rejected = [], [], []
        return made

    def _came_before(self, number: int) -> bool:
        """Tell whether a post of this export has this id."""
        if not self._rising or number > self._rising[-1]:
            return False
        at = bisect_left(self._rising, number)
        return self._rising[at] == number or number in self._others

    def _note(self, number: int) -> None:
        if not self._rising or number > self._rising[-1]:
            self._rising.append(number)
        else:
            self._others.add(number)


def _not_a_channel(chat: export.Chat, path: Path) -> InputError:
    is_group = chat.kind in export.GROUPS
    return InputError("export_of_group" if is_group else "export_of_conversation", path=path)


def reconvert(stored: StoredRawRecord) -> PostData | None:
    """Run the converter over a stored raw record; None if it can no longer be read."""
    try:
        record = raw.unpack(stored.data)
    except (ValueError, RecursionError):
        return None
    drafts = [
        (found, member)
        for member in (record if isinstance(record, list) else [record])
        if isinstance(found := convert(member, stored.channel.kind), PostData)
    ]
    return join(drafts) if drafts else None
