"""The world that a test fills: accounts, channels and their messages. Knows no wire."""

from __future__ import annotations

import datetime as dt
import itertools
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from telethon.tl import TLObject, types

from telegram_server.crypto import Password

EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@dataclass
class Account:
    """Somebody who can sign in."""

    id: int
    phone: str
    code: str = "12345"
    password: Password | None = None
    bot: bool = False
    joined: set[int] = field(default_factory=set)

    def user(self) -> types.User:
        return types.User(
            self.id, is_self=True, bot=self.bot or None,
            bot_info_version=1 if self.bot else None, access_hash=self.id * 7, first_name="Ann",
            phone=self.phone,
        )  # fmt: skip


class Ready(TLObject):  # type: ignore[misc]
    """Bytes that were serialised before: a long history is sent without doing it again."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def _bytes(self) -> bytes:
        return self.data


class Channel:
    """A channel (or a group) with its history; messages by id."""

    def __init__(self, identity: int, username: str | None, title: str) -> None:
        self.id = identity
        self.username = username
        self.title = title
        self.private = False
        self.invite: str | None = None
        self.megagroup = False
        self.noforwards = False
        self.messages: dict[int, Any] = {}
        self._ready: dict[int, bytes] = {}
        self._ids: list[int] | None = None

    @property
    def peer(self) -> types.PeerChannel:
        return types.PeerChannel(self.id)

    @property
    def ids(self) -> list[int]:
        """The ids of what exists, rising."""
        if self._ids is None:
            self._ids = sorted(self.messages)
        return self._ids

    @property
    def top(self) -> int:
        return self.ids[-1] if self.ids else 0

    def message(self, text: str = "", *, id: int | None = None, **facts: Any) -> types.Message:  # noqa: A002
        number = id or self.top + 1
        facts.setdefault("date", EPOCH + dt.timedelta(minutes=number))
        facts.setdefault("views", 10 * number)
        facts.setdefault("forwards", number % 7)
        return types.Message(
            id=number, peer_id=self.peer, message=text, post=True, from_id=None, **facts
        )

    def put(self, *messages: Any) -> None:
        for message in messages:
            if self._ids is not None:
                if not self._ids or message.id > self._ids[-1]:
                    self._ids.append(message.id)
                elif message.id not in self.messages:
                    self._ids = None
            self.messages[message.id] = message
            self._ready.pop(message.id, None)

    def post(self, text: str = "", **facts: Any) -> types.Message:
        message = self.message(text, **facts)
        self.put(message)
        return message

    def edit(self, number: int, text: str, **facts: Any) -> None:
        message = self.messages[number]
        message.message = text
        message.edit_date = message.date + dt.timedelta(days=1)
        for name, value in facts.items():
            setattr(message, name, value)
        self.put(message)

    def delete(self, *numbers: int) -> None:
        for number in numbers:
            del self.messages[number]
        self._ids = None

    def service(self, action: Any, **facts: Any) -> None:
        number = facts.pop("id", None) or self.top + 1
        date = EPOCH + dt.timedelta(minutes=number)
        self.put(
            types.MessageService(number, peer_id=self.peer, date=date, action=action, post=True)
        )

    def ready(self, numbers: Iterable[int]) -> list[Ready]:
        found = []
        for number in numbers:
            data = self._ready.get(number)
            if data is None:
                data = self._ready[number] = bytes(self.messages[number])
            found.append(Ready(data))
        return found

    def chat(self) -> types.Channel:
        return types.Channel(
            self.id, self.title, types.ChatPhotoEmpty(), EPOCH, broadcast=not self.megagroup,
            megagroup=self.megagroup, access_hash=self.id * 3, username=self.username,
            noforwards=self.noforwards,
        )  # fmt: skip

    def history(
        self, offset_id: int, offset_date: int, add_offset: int, limit: int, low: int, high: int
    ) -> list[int]:
        """Return the ids of a page, as https://core.telegram.org/api/offsets describes it."""
        ids = self.ids
        if offset_id:
            below = bisect_left(ids, offset_id)
        elif offset_date:
            below = sum(self.messages[n].date.timestamp() < offset_date for n in ids)
        else:
            below = len(ids)
        start = len(ids) - below + add_offset  # counted from the newest
        stop = start + min(limit or 20, 100)
        page = [ids[len(ids) - 1 - at] for at in range(max(start, 0), min(stop, len(ids)))]
        return [n for n in page if (not high or n < high) and (not low or n > low)]


class World:
    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.channels: dict[int, Channel] = {}
        self._numbers = itertools.count(1)

    def account(
        self, phone: str = "99966123", *, password: str | None = None, **facts: Any
    ) -> Account:
        number = 1000 + next(self._numbers)
        secret = None if password is None else Password(password)
        made = Account(number, phone, password=secret, **facts)
        self.accounts[phone] = made
        return made

    def channel(
        self,
        username: str | None = None,
        title: str | None = None,
        *,
        messages: int = 0,
        gaps: Iterable[int] = (),
        id: int | None = None,  # noqa: A002
    ) -> Channel:
        identity = id or 1_500_000_000 + next(self._numbers)
        made = Channel(identity, username, title or (username or "Private").title())
        left_out = set(gaps)
        made.put(
            *(
                made.message(f"Post number {n} of {made.title}", id=n)
                for n in range(1, messages + 1)
                if n not in left_out
            )
        )
        self.channels[identity] = made
        return made

    def named(self, username: str) -> Channel | None:
        wanted = username.lower()
        return next(
            (c for c in self.channels.values() if c.username and c.username.lower() == wanted), None
        )
