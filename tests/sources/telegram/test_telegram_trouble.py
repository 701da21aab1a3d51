"""Telegram in trouble, or out of its mind: nothing is lost, everything ends, in words (T2).

In this process, fault by fault; tests/matrix/test_telegram_faults.py does it to whole processes.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from telethon.tl import types

from support.answers import Read
from support.events import RecordedEvents
from support.over_the_wire import signed_in_at
from telegram_server import Channel, RsaKey, ServerThread, spoiled
from tgtagger import pipeline
from tgtagger.errors import ActionNeeded, SourceError, TgTaggerError, TryLater
from tgtagger.model import ranges
from tgtagger.model.posts import PostFilter
from tgtagger.model.refs import Named
from tgtagger.sources.plan import LONGEST_WAIT, ReadOptions
from tgtagger.sources.telegram import connection, session
from tgtagger.sources.telegram.source import TelegramChannel
from tgtagger.store import Store

pytestmark = pytest.mark.row("T2")
FOR_EVER = 10**9
HISTORY = "messages.GetHistory"


@pytest.fixture(scope="module")
def office(
    rsa_key: RsaKey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServerThread, session.Access]]:
    """One server and one account that is signed in, for all tests of the module."""
    with ServerThread(rsa_key) as server:
        access = signed_in_at(server, tmp_path_factory.mktemp("office"))
        yield server, access


@pytest.fixture
def telegram(office: tuple[ServerThread, session.Access]) -> Iterator[ServerThread]:
    server, _ = office
    yield server
    server.faults.clear()
    server.log.clear()
    server.world.channels.clear()
    server.skew, server.connected = 0.0, 0
    assert not server.crashes
    assert not server.unhandled


@pytest.fixture
def signed_in(office: tuple[ServerThread, session.Access]) -> session.Access:
    return office[1]


@pytest.fixture
def news(telegram: ServerThread) -> Channel:
    return telegram.world.channel("newsroom", "News", messages=250)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "DEADLINE", 0.3)


def lost(store: Store, news: Channel) -> set[int]:
    """What is neither read nor remembered as unread."""
    read = {number for post in store.records.posts(PostFilter()) for number in post.ids}
    unread = store.progress.read_progress(news.id, "telegram").backfill
    return {n for n in news.ids if n not in read and not ranges.holds(unread, n)}


def numbers(store: Store) -> list[int]:
    return sorted(number for post in store.records.posts(PostFilter()) for number in post.ids)


# ---- answers that are none


@pytest.mark.parametrize(
    "answer",
    [
        spoiled.not_modified, spoiled.another_type, spoiled.true, spoiled.a_list, spoiled.no_type,
        spoiled.nothing, spoiled.cut_off, spoiled.no_channel, spoiled.chat_empty,
    ],
)  # fmt: skip
async def test_an_answer_that_is_none_is_said_and_nothing_is_lost(
    read: Read, news: Channel, store: Store, telegram: ServerThread, answer: Callable[[Any], Any]
) -> None:
    telegram.change(answer, at=2)
    with pytest.raises(SourceError) as caught:
        await read("newsroom")
    assert "Post number" not in caught.value.message
    assert not lost(store, news)
    await read("newsroom")
    assert numbers(store) == news.ids


@pytest.mark.parametrize("method", ["contacts.ResolveUsername", "messages.GetRichMessage"])
async def test_every_kind_of_request_may_be_answered_by_something_else(
    read: Read, news: Channel, telegram: ServerThread, method: str
) -> None:
    blocks = [types.PageBlockParagraph(types.TextPlain("beginning"))]
    news.post("", rich_message=types.RichMessage(blocks, [], [], part=True))
    telegram.whole[news.id, news.top] = types.RichMessage(blocks, [], [])
    telegram.change(spoiled.another_type, method)
    try:
        await read("newsroom")
    except SourceError:
        assert method == "contacts.ResolveUsername"


@pytest.mark.parametrize("answer", [spoiled.another_channel, spoiled.ids_of_none])
async def test_messages_of_no_use_are_not_stored(
    read: Read, news: Channel, store: Store, telegram: ServerThread, answer: Callable[[Any], Any]
) -> None:
    telegram.change(answer, at=2)
    with pytest.raises(TryLater, match="an unexpected answer"):
        await read("newsroom")
    assert (numbers(store), lost(store, news)) == (list(range(151, 251)), set())


async def test_a_server_that_always_sends_the_newest_page_is_no_endless_loop(
    read: Read, news: Channel, store: Store, telegram: ServerThread
) -> None:
    telegram.change(spoiled.always_newest, at=2, times=FOR_EVER)
    with pytest.raises(TryLater, match="an unexpected answer"):
        await read("newsroom")
    assert telegram.count(HISTORY) < 6
    assert (numbers(store), lost(store, news)) == (list(range(151, 251)), set())


async def test_an_empty_page_is_believed_when_it_comes_twice(
    read: Read, news: Channel, store: Store, telegram: ServerThread
) -> None:
    telegram.change(spoiled.empty, at=2)
    await read("newsroom")
    assert numbers(store) == news.ids
    telegram.faults.clear()
    telegram.change(spoiled.empty)  # of the newest page: all would be deleted
    await read("newsroom")
    assert not any(
        item.post.deleted for item in map(store.records.post, ("newsroom/1", "newsroom/250"))
    )


@pytest.mark.parametrize("answer", [spoiled.twice, spoiled.oldest_first, spoiled.shuffled])
async def test_the_order_of_a_page_does_not_matter(
    read: Read, news: Channel, store: Store, telegram: ServerThread, answer: Callable[[Any], Any]
) -> None:
    for number in news.ids[::5]:
        for member in range(number, number + 3):
            news.messages[member].grouped_id = number
            news.put(news.messages[member])
    telegram.change(answer, times=FOR_EVER)
    await read("newsroom")
    found = [post.ids for post in store.records.posts(PostFilter())]
    assert sorted(n for ids in found for n in ids) == news.ids
    assert {len(ids) for ids in found} == {1, 3}


async def test_a_forward_from_a_channel_that_is_not_described(
    read: Read, news: Channel, store: Store, telegram: ServerThread
) -> None:
    def undescribed(of: Any) -> Any:
        made = spoiled.of_ids(of, 251, fwd_from=types.MessageFwdHeader(
            date=spoiled.DATE, from_id=types.PeerChannel(77)))  # fmt: skip
        made.chats = [*of.chats, types.ChatEmpty(77)]
        return made

    telegram.change(undescribed)
    await read("newsroom")
    forward = store.records.post("newsroom/251").post.forward
    assert forward is not None
    assert forward.channel is None


# ---- errors


@pytest.mark.parametrize(
    ("code", "name", "error", "words"),
    [
        (303, "USER_MIGRATE_4", ActionNeeded, "another data centre"),
        (303, "NETWORK_MIGRATE_2", ActionNeeded, "another data centre"),
        (420, "FLOOD_WAIT", TryLater, "FLOOD_WAIT"),
        (420, "TAKEOUT_INIT_DELAY_5", TryLater, "TakeoutInitDelayError"),
        (420, "FLOOD_WAIT_99999999999999999999", TryLater, "asks to wait until"),
        (400, "MSG_ID_INVALID", SourceError, "MsgIdInvalidError"),
        (400, "A" * 100_000, SourceError, "AAAA"),
    ],
)
async def test_errors_that_few_servers_send(
    read: Read, news: Channel, store: Store, telegram: ServerThread, code: int, name: str,
    error: type[TgTaggerError], words: str,
) -> None:  # fmt: skip
    telegram.fail(code, name, at=2)
    with pytest.raises(error, match=words) as caught:
        await read("newsroom")
    assert len(caught.value.message) < 200
    assert not lost(store, news)
    if isinstance(caught.value, TryLater) and caught.value.not_before is not None:
        # Whatever it said: the next day it is asked again.
        assert caught.value.not_before <= dt.datetime.now(dt.UTC) + LONGEST_WAIT


# ---- the connection


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 300,
        struct.pack("<ii", 2**31 - 1, 0) + b"x" * 100,  # a packet that never ends
        struct.pack("<iiii", 16, 0, 5, 7),  # a wrong checksum
    ],
    ids=["garbage", "endless", "checksum"],
)
async def test_a_connection_that_brings_nonsense_is_replaced(
    read: Read,
    news: Channel,
    store: Store,
    telegram: ServerThread,
    events: RecordedEvents,
    data: bytes,
) -> None:
    telegram.send_raw(data, at=2)
    await read("newsroom")
    assert len(events.waits) == 1
    assert numbers(store) == news.ids


async def test_a_connection_that_hangs_is_replaced(
    read: Read, news: Channel, store: Store, telegram: ServerThread
) -> None:
    telegram.hang(at=2)
    await read("newsroom")
    assert numbers(store) == news.ids
    assert telegram.connected == 2


@pytest.mark.parametrize("code", [16, 17, 20, 32, 48, 64])
async def test_a_message_that_is_refused_is_sent_again(
    read: Read, news: Channel, store: Store, telegram: ServerThread, code: int
) -> None:
    telegram.notify(code, at=2)
    await read("newsroom")
    assert numbers(store) == news.ids


@pytest.mark.parametrize("code", [16, 32])
async def test_a_server_that_refuses_every_message_is_not_hammered(
    read: Read, news: Channel, telegram: ServerThread, code: int
) -> None:
    telegram.notify(code, times=FOR_EVER)
    with pytest.raises(TryLater):
        await read("newsroom")
    assert telegram.count(HISTORY) < 30


@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_a_server_whose_clock_is_another(
    read: Read, news: Channel, store: Store, telegram: ServerThread, seconds: float
) -> None:
    telegram.skew = seconds
    await read("newsroom")
    assert numbers(store) == news.ids


@pytest.mark.parametrize("method", ["help.GetConfig", "users.GetUsers", "updates.GetState"])
async def test_a_flood_while_connecting_is_waited_for_too(
    read: Read,
    news: Channel,
    store: Store,
    telegram: ServerThread,
    events: RecordedEvents,
    method: str,
) -> None:
    telegram.flood_wait(7, method)
    await read("newsroom")
    assert [round(wait.seconds) for wait in events.waits] == [7]
    assert numbers(store) == news.ids


@pytest.mark.parametrize("method", ["users.GetUsers", "updates.GetState"])
async def test_nonsense_while_connecting_is_said(
    read: Read, news: Channel, telegram: ServerThread, method: str
) -> None:
    telegram.change(spoiled.true, method)
    with pytest.raises(SourceError, match="too new for this version"):
        await read("newsroom")


async def test_after_two_requests_in_vain_no_other_is_sent(
    read: Read, signed_in: session.Access, telegram: ServerThread, events: RecordedEvents
) -> None:
    telegram.drop("contacts.ResolveUsername", times=FOR_EVER)

    async def no_sleep(_seconds: float) -> None:
        return None

    async with connection.Telegram(signed_in, sleep=no_sleep) as opened:
        for _ in range(5):
            from telethon.tl.functions.contacts import ResolveUsernameRequest

            with pytest.raises(TryLater):
                await opened.ask(ResolveUsernameRequest("newsroom"), "@newsroom", events)
    tries = 1 + len(connection.PAUSES)
    assert telegram.count("contacts.ResolveUsername") == connection.IN_VAIN * tries


async def test_a_kind_of_request_that_is_never_answered_is_given_up_beside_others_that_are(
    signed_in: session.Access, telegram: ServerThread, store: Store, events: RecordedEvents
) -> None:
    """Telegram tells who each channel is, and gives the messages of none: that has an end."""
    names = [f"room_number_{number}" for number in range(5)]
    for name in names:
        telegram.world.channel(name, messages=5)
    telegram.drop(HISTORY, times=FOR_EVER)

    async def no_sleep(_seconds: float) -> None:
        return None

    async with connection.Telegram(signed_in, sleep=no_sleep) as opened:
        for name in names:
            channel = TelegramChannel(opened, Named(name), ReadOptions())
            with pytest.raises(TryLater):
                async for _ in pipeline.parse(channel, store, events):
                    pass
    assert telegram.count("contacts.ResolveUsername") == len(names)
    assert telegram.count(HISTORY) == connection.IN_VAIN * (1 + len(connection.PAUSES))


async def test_errors_of_single_channels_do_not_keep_others_from_being_read(
    signed_in: session.Access,
    telegram: ServerThread,
    store: Store,
    events: RecordedEvents,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Telegram fails for three channels each time; the one behind them is read none the less."""
    names = [f"room_number_{number}" for number in range(3)]
    more = [f"another_room_{number}" for number in range(connection.ERRORS + 1)]
    for name in [*names, "the_last_room", *more]:
        telegram.world.channel(name, messages=5)
    telegram.fail(500, "HISTORY_GET_FAILED", HISTORY, times=FOR_EVER)

    telethon_sleep = asyncio.sleep

    async def no_sleep(_seconds: float) -> None:
        await telethon_sleep(0)

    monkeypatch.setattr("telethon.client.users.asyncio.sleep", no_sleep)

    async with connection.Telegram(signed_in, sleep=no_sleep) as opened:
        asked = []
        for name in names:
            channel = TelegramChannel(opened, Named(name), ReadOptions())
            with pytest.raises(TryLater):
                async for _ in pipeline.parse(channel, store, events):
                    pass
            asked.append(telegram.count(HISTORY))
        once = 2  # Telethon sends it again by itself
        tries = once * (1 + len(connection.PAUSES))
        assert asked == [tries, 2 * tries, 2 * tries + once]  # at last without pauses
        telegram.faults.clear()
        last = TelegramChannel(opened, Named("the_last_room"), ReadOptions())
        async for _ in pipeline.parse(last, store, events):
            pass
        telegram.fail(500, "HISTORY_GET_FAILED", HISTORY, times=FOR_EVER)
        begun = telegram.count(HISTORY)
        for name in more:
            channel = TelegramChannel(opened, Named(name), ReadOptions())
            with pytest.raises(TryLater):
                async for _ in pipeline.parse(channel, store, events):
                    pass
    once_each = (connection.ERRORS - connection.IN_VAIN) * once
    assert telegram.count(HISTORY) - begun == connection.IN_VAIN * tries + once_each
    assert len(list(store.records.posts(PostFilter()))) == 5
