"""Read channels from Telegram, page by page: requests of 100, one after another.

`connection` waits and repeats single requests. `sources.plan` decides which page comes next,
`convert` what a message means. Knows no store.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from telethon.tl import functions, types

from tgtagger.errors import SourceError
from tgtagger.model.choices import ChannelKind, SourceName
from tgtagger.model.events import Events
from tgtagger.model.posts import Channel, IdRange, Memory, Page, PostData, ReadProgress, Rejected
from tgtagger.model.refs import ChannelRef, Invited, Named, Numbered, reassigned, username
from tgtagger.sources.plan import Answer, Plan, ReadOptions, Request, is_left_alone
from tgtagger.sources.telegram.connection import Telegram, asked_to_wait, forget
from tgtagger.sources.telegram.convert import convert, convert_page
from tgtagger.sources.telegram.errors import Asked, unanswered, unreadable

PAGE = 100
"""Messages a request: Telegram's own limit."""

LONG = 3000
"""A read of more messages is paced, as Telethon does by default."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A page before the plan cuts it: its chats, and its messages as posts."""

    chats: list[Any]
    answer: Answer


class TelegramChannel:
    """One channel as a source of pages. `known` is the archive's channel of this name."""

    name: SourceName = "telegram"

    def __init__(
        self,
        telegram: Telegram,
        ref: ChannelRef,
        options: ReadOptions,
        *,
        known: Channel | None = None,
        groups: bool = False,
    ) -> None:
        self._telegram = telegram
        self._ref = ref
        self._options = options
        self._known = known
        self._groups = groups
        self._last_asked = self._due = 0.0
        self.channel_id = None if known is None else known.id

    @property
    def what(self) -> Asked:
        """Return the channel's name for errors."""
        match self._ref:
            case Named(name):
                return f"@{name}"
            case Numbered(number):
                known = self._known
                return f"@{known.username}" if known and known.username else number
            case Invited():
                return None

    async def pages(self, memory: Memory, events: Events) -> AsyncGenerator[Page]:
        """Yield pages, newest first. See sources.plan for the order."""
        if self._known is not None:
            self._honour(memory.read_progress(self._known.id, self.name))
        peer = await self._resolve(events)
        number = peer.channel_id if hasattr(peer, "channel_id") else -peer.chat_id
        self.channel_id = number
        progress = memory.read_progress(number, self.name)
        self._honour(progress)
        plan = Plan(progress, self._options)
        in_flight: asyncio.Task[Any] | None = None
        try:
            while (request := plan.next()) is not None:
                found = await self._fetch(peer, request, in_flight, memory, events)
                channel = self._channel_of(found.chats, number)
                kept = plan.take(found.answer)
                in_flight = await self._go_ahead(plan, peer)
                yield Page(
                    channel, self.name, kept.posts, kept.service, kept.rejected, kept.progress,
                    kept.covers,
                )  # fmt: skip
            if plan.is_stuck:
                raise unanswered(self.what)
        finally:
            if in_flight is not None:
                forget(in_flight)

    async def _go_ahead(self, plan: Plan, peer: Any) -> asyncio.Task[Any] | None:
        """Note the pause before the next page; without a pause, send its request already."""
        request = plan.next()
        if request is None:
            return None
        pause = self._telegram.page_wait
        if pause is None:
            left = plan.left if self._options.limit is None else min(plan.left, self._options.limit)
            pause = 1.0 if left > LONG else 0.0
        if pause:
            self._due = self._last_asked + pause
            return None
        self._due = 0.0
        return await self._telegram.send_ahead(_history(peer, request))

    async def _fetch(
        self,
        peer: Any,
        request: Request,
        in_flight: asyncio.Task[Any] | None,
        memory: Memory,
        events: Events,
    ) -> _Found:
        pause = self._due - time.monotonic()
        if pause > 0:
            await self._telegram.sleep(pause)
        page = await self._telegram.ask(
            _history(peer, request), self.what, events, in_flight=in_flight, remember=True
        )
        self._last_asked = time.monotonic()
        records = self._records(page)
        await self._fill(records, page, peer, memory, events)
        return _Found(page.chats, _answer(records, request, page))

    def _records(self, page: Any) -> list[dict[str, Any]]:
        """Return this channel's messages of a page as plain records, each once, newest first."""
        if not hasattr(page, "messages"):
            raise unreadable(self.what)
        found: dict[int, dict[str, Any]] = {}
        for message in page.messages:
            record = to_plain_form(message.to_dict())
            if record["id"] > 0 and _is_of(record, self.channel_id):
                found.setdefault(record["id"], record)
        if page.messages and not found:
            raise unanswered(self.what)
        return sorted(found.values(), key=itemgetter("id"), reverse=True)

    def _honour(self, progress: ReadProgress) -> None:
        until = progress.not_before
        if until is not None and is_left_alone(until, now=dt.datetime.now(dt.UTC)):
            raise asked_to_wait(self.what, until)

    # ---- finding the channel

    async def _resolve(self, events: Events) -> Any:
        """Return the channel in the form that requests use."""
        match self._ref:
            case Named(name):
                return await self._by_name(name, events)
            case Numbered(number):
                return await self._by_number(number, events)
            case Invited(invitation):
                request = functions.messages.CheckChatInviteRequest(invitation)
                answer = await self._telegram.ask(request, self.what, events)
                if isinstance(answer, types.ChatInviteAlready):
                    return _peer(answer.chat)
                raise SourceError("invitation_not_joined")

    async def _by_name(self, name: str, events: Events) -> Any:
        request = functions.contacts.ResolveUsernameRequest(name)
        answer = await self._telegram.ask(request, f"@{name}", events)
        number = getattr(answer.peer, "channel_id", None)
        chat = next((c for c in answer.chats if c.id == number), None)
        if chat is None:
            raise SourceError("person_not_channel", what=f"@{name}")
        if self._known is not None and self._known.id != chat.id:
            raise reassigned(name, self._known, chat.id)
        return _peer(chat)

    async def _by_number(self, number: int, events: Events) -> Any:
        known = await self._telegram.known()
        peer = types.PeerChannel(number) if number > 0 else types.PeerChat(-number)
        try:
            return known.get_input_entity(peer)
        except ValueError:
            # New to this account: look it up by its earlier name, then among the account's chats.
            if self._known is not None and self._known.username:
                return await self._by_name(self._known.username, events)
            return await self._among_dialogs(number, events)

    async def _among_dialogs(self, number: int, events: Events) -> Any:
        offset: dict[str, Any] = {
            "offset_date": None, "offset_id": 0, "offset_peer": types.InputPeerEmpty(),
        }  # fmt: skip
        seen: set[int] = set()
        while True:
            request = functions.messages.GetDialogsRequest(**offset, limit=PAGE, hash=0)
            answer = await self._telegram.ask(request, self.what, events)
            chat = next((c for c in answer.chats if c.id == abs(number)), None)
            if chat is not None:
                return _peer(chat)
            tops = {d.top_message for d in answer.dialogs} - seen
            if isinstance(answer, types.messages.Dialogs) or not tops or not answer.messages:
                raise SourceError("channel_unknown_to_account", number=number)
            seen |= tops
            last = answer.messages[-1]
            with contextlib.suppress(ValueError, TypeError):
                known = await self._telegram.known()
                offset["offset_peer"] = known.get_input_entity(last.peer_id)
            offset |= {"offset_date": last.date, "offset_id": last.id}

    # ---- the facts of a page

    def _channel_of(self, chats: Iterable[Any], number: int) -> Channel:
        chat = next((c for c in chats if c.id == abs(number)), None)
        if chat is None or isinstance(
            chat, types.ChannelForbidden | types.ChatForbidden | types.ChatEmpty
        ):
            raise SourceError("channel_not_visible", what=self.what)
        kind: ChannelKind = "group"
        if isinstance(chat, types.Channel):
            kind = "channel" if chat.broadcast else "supergroup"
        if kind != "channel" and not self._groups:
            raise SourceError("group_not_channel", what=self.what)
        return Channel(number, chat.title.replace("\0", ""), _username(chat), kind)

    def _is_known(self, record: dict[str, Any], memory: Memory) -> bool:
        """Tell whether the archive holds this post whole, with its last edit."""
        post = convert(record)
        number = self.channel_id
        return (
            isinstance(post, PostData)
            and number is not None
            and memory.holds_whole(number, post.ids[0], post.edited)
        )

    async def _fill(
        self,
        records: list[dict[str, Any]],
        page: Any,
        peer: Any,
        memory: Memory,
        events: Events,
    ) -> None:
        """Add facts that the messages lack: names of forwards' channels, complete rich texts."""
        chats = {c.id: c for c in page.chats}
        for record in records:
            forward = record.get("fwd_from")
            if forward:
                origin = chats.get((forward.get("from_id") or {}).get("channel_id"))
                if origin is not None:
                    forward["origin"] = {
                        "title": getattr(origin, "title", None), "username": _username(origin),
                    }  # fmt: skip
            rich = record.get("rich_message")
            if rich and rich.get("part") and not self._is_known(record, memory):
                request = functions.messages.GetRichMessageRequest(peer, record["id"])
                try:
                    whole = await self._telegram.ask(request, self.what, events)
                except SourceError:
                    continue  # the part stays, marked as a part
                for message in whole.messages:
                    found = to_plain_form(message.to_dict())
                    same = found.get("edit_date") == record.get("edit_date")
                    if found.get("id") == record["id"] and same and found.get("rich_message"):
                        record["rich_message"] = found["rich_message"]


def _history(peer: Any, request: Request) -> Any:
    by_date = request.until is not None
    return functions.messages.GetHistoryRequest(
        peer=peer,
        offset_id=0 if by_date else request.before or 0,
        offset_date=request.until if by_date else None,
        add_offset=0,
        limit=PAGE,
        max_id=0,
        min_id=0,  # if it is too low, Telegram returns nothing
        hash=0,
    )


def _answer(records: list[dict[str, Any]], request: Request, page: Any) -> Answer:
    """Return a page's posts as an answer; leave an album that may go on to the next page."""
    if not records:
        return Answer((), None, last=request.until is None)
    whole = len(records) >= getattr(page, "count", PAGE * 1000) and request.before is None
    last = records[-1]["id"] <= 1 or whole
    group = records[-1].get("grouped_id")
    if group is not None and not last:
        first = next(at for at, each in enumerate(records) if each.get("grouped_id") == group)
        records = records[:first] or records
    ids = [record["id"] for record in records]
    high = max(ids) if request.before is None or request.until else request.before - 1
    items = tuple(item for item in convert_page(records) if _is_kept(item))
    return Answer(items, IdRange(min(ids), max(high, *ids)), last)


def _is_of(record: dict[str, Any], number: int | None) -> bool:
    """Tell whether a message is of this channel or group; a message that names none counts, too."""
    peer = record.get("peer_id") or {}
    of = peer.get("channel_id") or -peer.get("chat_id", 0)
    return not peer or of == number


def _is_kept(item: object) -> bool:
    return not isinstance(item, Rejected) or isinstance(item.id, int)


def _peer(chat: Any) -> Any:
    if isinstance(chat, types.Channel):
        return types.InputPeerChannel(chat.id, chat.access_hash or 0)
    if isinstance(chat, types.Chat):
        return types.InputPeerChat(chat.id)
    raise SourceError("chat_not_visible")


def _username(chat: Any) -> str | None:
    others = getattr(chat, "usernames", None) or ()
    told = (getattr(chat, "username", None), *(each.username for each in others if each.active))
    return next((name for name in map(username, told) if name), None)


def to_plain_form(value: Any) -> Any:
    """Return a TL object's dict as JSON values: without unset facts, dates and bytes as text."""
    kind = type(value)
    if kind is dict:
        return {key: to_plain_form(item) for key, item in value.items() if item is not None}
    if kind is list:
        return [to_plain_form(item) for item in value]
    if kind is dt.datetime:
        return value.isoformat()
    return value.hex() if kind is bytes else value
