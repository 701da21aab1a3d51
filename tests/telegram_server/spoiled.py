"""Answers of Telegram that are none: each made of the right answer to messages.getHistory.

For `ServerThread.change`. Whether an answer is an answer to its request is the client's to see.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from telethon.tl import types

from telegram_server.world import Ready

DATE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FAR = types.MessageFwdHeader(
    date=DATE, from_id=types.PeerChannel(2**63 - 1), channel_post=2**31 - 1
)

# ---- what is no page of messages


def not_modified(_: Any) -> Any:
    return types.messages.MessagesNotModified(5)


def another_type(_: Any) -> Any:
    return types.updates.DifferenceEmpty(DATE, 1)


def true(_: Any) -> Any:
    return True


def a_list(_: Any) -> Any:
    return [types.PeerUser(1)]


def no_type(_: Any) -> Any:
    return Ready(b"\x12\x34\x56\x78" * 30)


def nothing(_: Any) -> Any:
    return Ready(b"")


def cut_off(of: Any) -> Any:
    data = bytes(of)
    return Ready(data[: len(data) // 2])


# ---- pages in disorder


def with_messages(of: Any, messages: list[Any], count: int | None = None) -> Any:
    return types.messages.ChannelMessages(
        1, of.count if count is None else count, messages, [], of.chats, []
    )


def of_ids(of: Any, *ids: int, channel: int | None = None, **facts: Any) -> Any:
    """The same page with messages of these ids, of this channel or another one."""
    peer = types.PeerChannel(channel or of.chats[0].id)
    made = [types.Message(id=n, peer_id=peer, message="x", date=DATE, **facts) for n in ids]
    return with_messages(of, made)


def empty(of: Any) -> Any:
    return with_messages(of, [])


def of_an_empty_channel(of: Any) -> Any:
    return with_messages(of, [], 0)


def twice(of: Any) -> Any:
    return with_messages(of, of.messages * 2)


def oldest_first(of: Any) -> Any:
    return with_messages(of, of.messages[::-1])


def shuffled(of: Any) -> Any:
    return with_messages(of, random.Random(3).sample(of.messages, len(of.messages)))


def one_only(of: Any) -> Any:
    return with_messages(of, of.messages[:1])


def always_newest(of: Any) -> Any:
    """The newest page, whatever was asked for."""
    return of_ids(of, *range(of.count, of.count - 100, -1))


def a_slice(of: Any) -> Any:
    return types.messages.MessagesSlice(of.count, of.messages, [], of.chats, [])


# ---- another channel, or none


def another_channel(of: Any) -> Any:
    return of_ids(of, *range(150, 50, -1), channel=5)


def no_channel(of: Any) -> Any:
    return types.messages.ChannelMessages(1, of.count, of.messages, [], [], [])


def forbidden(of: Any) -> Any:
    return _described(of, types.ChannelForbidden(of.chats[0].id, 5, "gone"))


def chat_empty(of: Any) -> Any:
    return _described(of, types.ChatEmpty(of.chats[0].id))


def _described(of: Any, chat: Any) -> Any:
    return types.messages.ChannelMessages(1, of.count, of.messages, [], [chat], [])


# ---- numbers


def ids_of_none(of: Any) -> Any:
    return of_ids(of, -1, -(2**31))


def largest_ids(of: Any) -> Any:
    return of_ids(of, *range(2**31 - 1, 2**31 - 101, -1))


def largest_numbers(of: Any) -> Any:
    return of_ids(
        of, *range(150, 50, -1), views=2**31 - 1, forwards=-(2**31), grouped_id=-(2**63),
        fwd_from=FAR, reply_to=types.MessageReplyHeader(reply_to_msg_id=-(2**31)),
    )  # fmt: skip
