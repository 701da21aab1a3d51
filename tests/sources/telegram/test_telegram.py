"""Channels read over the wire: Telegram's server on loopback, the real Telethon, a real store."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import random
import sqlite3
from pathlib import Path

import pytest
from telethon.tl import types

from support.answers import PHONE, Read
from support.events import RecordedEvents
from support.make import minute
from telegram_server import ServerThread
from telegram_server.world import Channel
from tgtagger.cli.hints import hint_of
from tgtagger.errors import ActionNeeded, SourceError, TgTaggerError, TryLater
from tgtagger.model.posts import PostFilter
from tgtagger.sources.plan import ReadOptions
from tgtagger.sources.telegram import connection, session
from tgtagger.sources.telegram.connection import Telegram
from tgtagger.store import Store

CONNECTING = {"help.GetConfig", "users.GetUsers", "updates.GetState", "updates.GetDifference"}


def texts(store: Store) -> list[str]:
    return [post.text for post in store.records.posts(PostFilter())]


def numbers(store: Store) -> list[int]:
    return sorted(number for post in store.records.posts(PostFilter()) for number in post.ids)


def requests(telegram: ServerThread) -> dict[str, int]:
    """Return what was asked beyond what connecting sends."""
    calls = telegram.methods_called()
    return {name: count for name, count in calls.items() if name not in CONNECTING}


@pytest.fixture
def news(telegram: ServerThread) -> Channel:
    return telegram.world.channel("newsroom", "News", messages=250, gaps=range(100, 130))


# ---- reading


async def test_all_of_a_channel_comes_newest_first(
    read: Read, news: Channel, store: Store, telegram: ServerThread
) -> None:
    pages = await read("@newsroom")
    assert numbers(store) == news.ids
    assert [page.unread for page in pages] == sorted(
        (page.unread or 0 for page in pages), reverse=True
    )
    assert pages[-1].unread == 0
    assert requests(telegram) == {"contacts.ResolveUsername": 1, "messages.GetHistory": 3}
    (channel,) = store.status.channels()
    assert (channel.channel.id, channel.channel.username) == (news.id, "newsroom")


async def test_an_unchanged_channel_costs_one_request_by_number(
    read: Read, news: Channel, telegram: ServerThread
) -> None:
    await read("@newsroom")
    telegram.log.clear()
    (page,) = await read(f"-100{news.id}")
    assert (page.new, page.updated, page.deleted, page.unchanged) == (0, 0, 0, 100)
    assert requests(telegram) == {"messages.GetHistory": 1}
    telegram.log.clear()
    await read("@newsroom")
    assert sum(requests(telegram).values()) <= 3


async def test_edits_deletions_views_and_new_posts_are_noticed(
    read: Read, news: Channel, store: Store
) -> None:
    await read("newsroom")
    news.edit(249, "corrected")
    news.messages[248].views = 99_999
    news.put(news.messages[248])
    news.delete(240, 10)
    news.post("fresh")
    (page,) = await read("newsroom")
    assert (page.new, page.updated, page.deleted) == (1, 2, 1)
    posts = {post.id.message_id: post for post in store.records.posts(PostFilter())}
    assert posts[249].text == "corrected"
    assert posts[248].views == 99_999
    assert posts[240].deleted is not None
    assert posts[10].deleted is None  # beyond the refresh window: not seen this time
    assert len(posts) == len(news.ids) + 2


async def test_a_deleted_post_that_comes_back_is_there_again(
    read: Read, news: Channel, store: Store
) -> None:
    await read("newsroom")
    gone = news.messages[240]
    news.delete(240)
    await read("newsroom")
    news.put(gone)
    await read("newsroom")
    assert store.records.post("newsroom/240").post.deleted is None


async def test_every_form_of_a_name_leads_there(
    read: Read, telegram: ServerThread, store: Store
) -> None:
    open_one = telegram.world.channel("newsroom", messages=3)
    hidden = telegram.world.channel(None, "Hidden", messages=3)
    hidden.private, hidden.invite = True, "AbCdEf123456"
    telegram.world.accounts[PHONE].joined |= {hidden.id}
    for form in ("newsroom", "@NewsRoom", "https://t.me/newsroom", "t.me/newsroom/2",
                 "t.me/s/newsroom", "tg://resolve?domain=newsroom", "newsroom.t.me"):  # fmt: skip
        (page,) = await read(form)
        assert page.channel.id == open_one.id
    for form in (f"t.me/c/{hidden.id}/2", f"-100{hidden.id}", "https://t.me/+AbCdEf123456"):
        (page,) = await read(form)
        assert page.channel.id == hidden.id
    assert requests(telegram)["messages.GetDialogs"] == 1  # once, then the session knows it


async def test_since_until_limit_and_no_backfill(
    read: Read, news: Channel, store: Store, telegram: ServerThread
) -> None:
    await read("newsroom", ReadOptions(limit=7))
    assert numbers(store) == list(range(244, 251))
    await read("newsroom", ReadOptions(backfill=False))
    assert numbers(store) == list(range(151, 251))  # the newest page came, and is kept
    await read("newsroom", ReadOptions(until=minute(50), limit=5))
    assert numbers(store) == [*range(45, 50), *range(151, 251)]
    await read("newsroom", ReadOptions(since=minute(140)))
    assert numbers(store) == [*range(45, 50), *range(140, 251)]
    telegram.log.clear()
    await read("newsroom")
    assert requests(telegram)["messages.GetHistory"] == 1
    await read("newsroom", ReadOptions(backfill=True))
    assert numbers(store) == news.ids


async def test_a_rename_is_followed_and_a_reassigned_name_refused(
    read: Read, news: Channel, store: Store, telegram: ServerThread
) -> None:
    await read("newsroom")
    news.username, news.title = "newsdesk", "News desk"
    await read(f"-100{news.id}")
    (channel,) = store.status.channels()
    assert (channel.channel.username, channel.channel.title) == ("newsdesk", "News desk")
    news.username = None
    other = telegram.world.channel("newsdesk", "Impostor", messages=5)
    with pytest.raises(SourceError, match="another channel") as caught:
        await read("newsdesk")
    assert str(other.id) in (hint_of(caught.value) or "")
    assert len(numbers(store)) == len(news.ids)
    await read(f"-100{news.id}")  # the old one has no name any more …
    await read("newsdesk")  # … so the name is free for the new one
    assert {state.channel.id: state.posts for state in store.status.channels()} == {
        news.id: len(news.ids),
        other.id: 5,
    }


async def test_what_cannot_be_read_is_said(read: Read, telegram: ServerThread) -> None:
    hidden = telegram.world.channel("hiddenroom", messages=3)
    hidden.private = True
    group = telegram.world.channel("grouproom", messages=3)
    group.megagroup = True
    for source_, words in (
        ("hiddenroom", "private"),
        ("grouproom", "group"),
        ("someone", "person"),
        ("nobodyhere", "no channel has this name"),
        ("https://t.me/+unknownhash", "invitation has expired"),
        ("-1001999999999", "knows no channel"),
    ):
        with pytest.raises(SourceError, match=words):
            await read(source_)
    (page,) = await read("grouproom", groups=True)
    assert page.channel.kind == "supergroup"


# ---- albums and rich messages


async def test_albums_are_whole_across_pages_and_runs(
    read: Read, telegram: ServerThread, store: Store
) -> None:
    albums = telegram.world.channel("albums")
    for number in range(1, 301):
        group = (number + 2) // 5 + 1 if number % 11 else None
        caption = f"caption {group}" if group and number % 5 == 0 else ""
        albums.post(caption or (f"single {number}" if group is None else ""), grouped_id=group)
    await read("albums", ReadOptions(limit=13))
    await read("albums", ReadOptions(limit=20))
    await read("albums")
    found = {post.ids for post in store.records.posts(PostFilter())}
    assert sorted(n for ids in found for n in ids) == albums.ids
    groups = [{albums.messages[n].grouped_id for n in ids} for ids in found]
    assert all(len(group) == 1 for group in groups)
    named = [group for group in groups if group != {None}]
    assert len(named) == len({each for group in named for each in group})  # one post an album
    assert all(
        post.text for post in store.records.posts(PostFilter()) if any(n % 5 == 0 for n in post.ids)
    )


async def test_an_album_that_grows_is_one_post(
    read: Read, telegram: ServerThread, store: Store
) -> None:
    albums = telegram.world.channel("albums", messages=5)
    albums.post("", grouped_id=9)
    await read("albums")
    albums.post("the caption", grouped_id=9)
    albums.post("", grouped_id=9)
    await read("albums")
    post = store.records.post("albums/6").post
    assert (post.ids, post.text) == ((6, 7, 8), "the caption")
    albums.delete(7)
    await read("albums")
    assert store.records.post("albums/6").post.ids == (6, 8)


async def test_a_rich_message_sent_in_part_is_fetched_whole(
    read: Read, telegram: ServerThread, store: Store
) -> None:
    rich = telegram.world.channel("richroom")
    paragraph = types.PageBlockParagraph

    def message(*words: str, part: bool = False) -> types.RichMessage:
        blocks = [paragraph(types.TextPlain(each)) for each in words]
        return types.RichMessage(blocks, [], [], part=part or None)

    rich.post("", rich_message=message("first", part=True))
    telegram.whole[rich.id, 1] = message("first", "second")
    rich.post("", rich_message=message("short"))
    await read("richroom")
    assert texts(store) == ["short", "first\n\nsecond"]
    assert requests(telegram)["messages.GetRichMessage"] == 1
    telegram.log.clear()
    (page,) = await read("richroom")
    assert requests(telegram) == {"contacts.ResolveUsername": 1, "messages.GetHistory": 1}
    assert (page.unchanged, texts(store)[1]) == (2, "first\n\nsecond")  # the part took nothing
    rich.edit(1, "")
    telegram.whole[rich.id, 1] = message("first", "second", "third")
    await read("richroom")
    assert texts(store)[1] == "first\n\nsecond\n\nthird"


async def test_a_part_that_cannot_be_fetched_is_kept_and_fetched_later(
    read: Read, telegram: ServerThread, store: Store
) -> None:
    rich = telegram.world.channel("richroom")
    blocks = [types.PageBlockParagraph(types.TextPlain("beginning"))]
    rich.post("", rich_message=types.RichMessage(blocks, [], [], part=True))
    more = [*blocks, types.PageBlockParagraph(types.TextPlain("end"))]
    telegram.whole[rich.id, 1] = types.RichMessage(more, [], [])
    telegram.fail(400, "MESSAGE_ID_INVALID", "messages.GetRichMessage")
    await read("richroom")
    details = store.records.post("richroom/1")
    assert (details.post.text, details.problem) == (
        "beginning",
        "only a part of its rich text came",
    )
    await read("richroom")
    assert store.records.post("richroom/1").post.text == "beginning\n\nend"
    assert store.records.post("richroom/1").problem is None


async def test_service_messages_and_forwards(
    read: Read, telegram: ServerThread, store: Store, db: Path
) -> None:
    room = telegram.world.channel("newsroom")
    room.service(types.MessageActionChannelCreate("News"))
    header = types.MessageFwdHeader(
        date=minute(1), from_id=types.PeerChannel(room.id), channel_post=77
    )
    room.post("forwarded", fwd_from=header)
    (page,) = await read("newsroom")
    assert (page.new, page.service) == (1, 1)
    (post,) = store.records.posts(PostFilter())
    assert post.forward is not None
    assert (post.forward.channel, post.forward.message_id) == ("Newsroom", 77)
    with sqlite3.connect(db) as connection:
        rows = connection.execute("SELECT message_id, action FROM service_messages").fetchall()
    connection.close()
    assert rows == [(1, "channel_create")]


# ---- waits and faults


@pytest.mark.row("T2")
async def test_a_short_flood_is_slept_through_and_seen(
    read: Read, news: Channel, store: Store, telegram: ServerThread, events: RecordedEvents
) -> None:
    telegram.flood_wait(20, at=2, times=2)
    await read("newsroom")
    assert [wait.seconds for wait in events.waits] == [20, 20]
    assert numbers(store) == news.ids
    assert telegram.count("messages.GetHistory") == 5


@pytest.mark.row("T2")
async def test_a_long_flood_keeps_what_was_read_and_is_honoured(
    read: Read, news: Channel, store: Store, telegram: ServerThread
) -> None:
    telegram.flood_wait(100, at=2)
    telegram.flood_wait(100, at=3)
    with pytest.raises(TryLater) as caught:
        await read("newsroom")
    assert caught.value.not_before is not None
    assert numbers(store) == list(range(151, 251))
    telegram.log.clear()
    with pytest.raises(TryLater, match="asks to wait until"):
        await read("newsroom")
    assert not telegram.log  # not even a connection
    store.progress.postpone(news.id, "telegram", dt.datetime.now(dt.UTC))
    telegram.faults.clear()
    await read("newsroom")
    assert numbers(store) == news.ids


@pytest.mark.row("T2")
async def test_premium_floods_are_waits_too(
    read: Read, news: Channel, telegram: ServerThread, store: Store, events: RecordedEvents
) -> None:
    telegram.fail(420, "FLOOD_PREMIUM_WAIT_7")
    await read("newsroom")
    assert [wait.seconds for wait in events.waits] == [7]
    assert numbers(store) == news.ids


@pytest.mark.row("T2")
@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_connection_loses_and_repeats_nothing(
    read: Read, news: Channel, store: Store, telegram: ServerThread, *, after: bool
) -> None:
    telegram.drop(at=2, after=after)
    pages = await read("newsroom")
    assert numbers(store) == news.ids
    assert sum(page.new for page in pages) == len(news.ids)


@pytest.mark.row("T2")
async def test_a_server_that_always_drops_is_not_hammered(
    read: Read, news: Channel, telegram: ServerThread
) -> None:
    telegram.drop(times=1000)
    with pytest.raises(TryLater):
        await read("newsroom")
    assert telegram.count("messages.GetHistory") == 1 + len(connection.PAUSES)


@pytest.mark.row("T2")
async def test_trouble_is_tried_again_and_then_told(
    read: Read, news: Channel, store: Store, telegram: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    telethon_sleep = asyncio.sleep

    async def quick(seconds: float) -> None:
        await telethon_sleep(min(seconds, 0.01))

    monkeypatch.setattr("telethon.client.users.asyncio.sleep", quick)
    telegram.fail(500, "INTERNAL", at=2, times=3)
    await read("newsroom")
    assert numbers(store) == news.ids
    telegram.fail(500, "INTERNAL", times=100)
    with pytest.raises(TryLater, match="trouble"):
        await read("newsroom")


@pytest.mark.row("T2")
async def test_no_answer_at_all_has_an_end(
    read: Read, news: Channel, telegram: ServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "DEADLINE", 0.05)
    monkeypatch.setattr(connection, "PAUSES", (0.0,))
    telegram.faults.clear()
    telegram.slow(30, "messages.GetHistory", times=10)
    with pytest.raises(TryLater):
        await read("newsroom")


@pytest.mark.row("T2")
async def test_a_revoked_session_says_log_in(
    read: Read, news: Channel, telegram: ServerThread
) -> None:
    telegram.revoke(telegram.world.accounts[PHONE])
    with pytest.raises(ActionNeeded) as caught:
        await read("newsroom")
    assert "tgtagger login" in (hint_of(caught.value) or "")
    telegram.forget_keys()
    with pytest.raises(ActionNeeded):
        await read("newsroom")


@pytest.mark.row("T2")
async def test_a_duplicated_session_says_log_in(
    read: Read, news: Channel, telegram: ServerThread
) -> None:
    telegram.fail(406, "AUTH_KEY_DUPLICATED")
    with pytest.raises(ActionNeeded, match="two places"):
        await read("newsroom")


async def test_pages_are_paced_on_long_reads_only(
    signed_in: session.Access, telegram: ServerThread, store: Store, events: RecordedEvents
) -> None:
    from tgtagger import pipeline
    from tgtagger.model.refs import Named
    from tgtagger.sources.telegram.source import TelegramChannel

    telegram.world.channel("longroom", messages=3300)
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    async with Telegram(signed_in, sleep=note) as opened:
        channel = TelegramChannel(opened, Named("longroom"), ReadOptions())
        async for _ in pipeline.parse(channel, store, events):
            pass
    assert len(pauses) == 2  # while more than 3,000 remain
    assert all(0 < pause <= 1 for pause in pauses)


@pytest.mark.row("T2")
async def test_broken_off_anywhere_and_completed(
    read: Read, news: Channel, store: Store, telegram: ServerThread
) -> None:
    draw = random.Random(5)
    for _ in range(6):
        telegram.faults.clear()
        method = draw.choice(["messages.GetHistory", "contacts.ResolveUsername"])
        telegram.flood_wait(9999, method, at=draw.randint(1, 3))
        try:
            await read("newsroom", ReadOptions(limit=draw.choice([None, 30])))
        except TgTaggerError:
            if (known := store.channels.find("newsroom")) is not None:
                store.progress.postpone(known.id, "telegram", dt.datetime.now(dt.UTC))
        assert len(numbers(store)) == len(set(numbers(store)))
    telegram.faults.clear()
    await read("newsroom")
    assert numbers(store) == news.ids


async def test_what_telethon_gives_up_is_a_lost_connection_and_our_own_stop_is_none() -> None:
    async def give_up(_request: object) -> None:
        raise asyncio.CancelledError  # what it does to what waits, when it knows no error

    async def never(_request: object) -> None:
        await asyncio.Event().wait()

    with pytest.raises(ConnectionError):
        await connection._within_deadline(give_up, None)
    task = asyncio.create_task(connection._within_deadline(never, None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.row("T2")
async def test_a_flood_on_names_stops_no_reading_by_number(
    read: Read, news: Channel, telegram: ServerThread, store: Store
) -> None:
    await read("newsroom", ReadOptions(limit=5))
    telegram.flood_wait(40_000, "contacts.ResolveUsername")
    with pytest.raises(TryLater) as caught:
        await read("newsroom")
    assert caught.value.not_before is None  # nothing to remember for the channel
    await read(f"-100{news.id}")
    assert numbers(store) == news.ids


async def test_a_request_sent_ahead_in_vain_says_nothing(
    read: Read, news: Channel, telegram: ServerThread, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_request: object) -> None:
        raise ConnectionError

    task = asyncio.create_task(connection._within_deadline(fail, None))
    await asyncio.wait({task})
    connection.forget(task)
    del task
    gc.collect()
    assert not caplog.records
