"""The preview read over HTTP: forward and back, politely, into the same rows as Telegram."""

from __future__ import annotations

import datetime as dt
import gzip
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import respx

from support.events import RecordedEvents
from support.make import EPOCH, minute, page, post
from support.preview_server import draw
from tgtagger import pipeline
from tgtagger.errors import SourceError, TgTaggerError, TryLater
from tgtagger.model.posts import Channel, PageStored, PostData, PostFilter
from tgtagger.sources.plan import LONGEST_WAIT, ReadOptions
from tgtagger.sources.preview import Preview, PreviewChannel
from tgtagger.sources.preview.client import ERRORS, IN_VAIN, PAUSES
from tgtagger.sources.preview.convert import convert, counter
from tgtagger.sources.preview.page import read_instead, read_page
from tgtagger.store import Store

NUMBER = 1234567890


class World:
    """t.me, with one channel."""

    def __init__(self) -> None:
        self.posts = {n: f"post {n}" for n in range(1, 56) if n not in range(20, 25)}
        self.number = NUMBER
        self.views = "1.2K"
        self.script: list[httpx.Response | Exception] = []
        self.instead: str | None = None
        self.asked: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, Exception):
                raise step
            return step
        parts = urlsplit(str(request.url))
        if self.instead is not None:
            if parts.path.startswith("/s/"):
                return httpx.Response(302, headers={"Location": "https://t.me/newsroom"})
            return httpx.Response(200, text=self.instead)
        before = int(parse_qs(parts.query).get("before", ["99999"])[0])
        shown = [n for n in sorted(self.posts) if n < before][-20:]
        return httpx.Response(200, text=self.page(shown))

    def page(self, shown: list[int]) -> str:
        return draw(self.number, self.posts, shown, self.views)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    with respx.mock:
        respx.route(host="t.me").mock(side_effect=made.answer)
        yield made


async def read(
    store: Store,
    read_options: ReadOptions | None = None,
    events: RecordedEvents | None = None,
    *,
    budget: float = 120,
) -> list[PageStored]:
    told = events or RecordedEvents()

    async def no_sleep(_seconds: float) -> None:
        return None

    async with Preview(pause=0, sleep=no_sleep, wait_budget=budget) as preview:
        channel = PreviewChannel(
            preview,
            "newsroom",
            read_options or ReadOptions(),
            known=store.channels.find("newsroom"),
        )
        return [step async for step in pipeline.parse(channel, store, told)]


def numbers(store: Store) -> list[int]:
    return sorted(item.id.message_id for item in store.records.posts(PostFilter()))


async def test_all_of_a_channel_then_only_what_is_new(world: World, store: Store) -> None:
    await read(store)
    assert numbers(store) == sorted(world.posts)
    assert world.asked[0] == "https://t.me/s/newsroom"
    (channel,) = store.status.channels()
    assert (channel.channel.id, channel.channel.title) == (NUMBER, "News")
    world.asked.clear()
    world.posts[56] = "fresh"
    world.posts[55] = "edited"
    del world.posts[50]
    (step,) = await read(store)
    assert (step.new, step.updated, step.deleted) == (1, 1, 1)
    assert len(world.asked) == 1


async def test_limits_leave_nothing_out(world: World, store: Store) -> None:
    await read(store, ReadOptions(limit=7))
    assert numbers(store) == list(range(49, 56))
    await read(store, ReadOptions(until=minute(10)))
    await read(store)
    assert numbers(store) == sorted(world.posts)


@pytest.mark.row("H7")
async def test_a_server_that_ignores_before_is_no_endless_loop(world: World, store: Store) -> None:
    world.script = [httpx.Response(200, text=world.page([54, 55])) for _ in range(9)]
    await read(store)
    assert len(world.asked) < 5


@pytest.mark.row("H3")
async def test_retry_after_is_honoured_and_seen(world: World, store: Store) -> None:
    slow = httpx.Response(429, headers={"Retry-After": "7"})
    world.script = [slow, httpx.Response(503), httpx.ConnectError("refused")]
    events = RecordedEvents()
    await read(store, events=events)
    assert [wait.seconds for wait in events.waits] == [7, 1, 2]
    assert numbers(store) == sorted(world.posts)


@pytest.mark.row("H3")
async def test_a_long_wait_is_remembered(world: World, store: Store) -> None:
    await read(store, ReadOptions(limit=5))
    world.script = [httpx.Response(429, headers={"Retry-After": "3600"})]
    with pytest.raises(TryLater) as caught:
        await read(store)
    assert caught.value.not_before is not None
    world.asked.clear()
    with pytest.raises(TryLater):
        await read(store)
    assert not world.asked
    store.progress.postpone(NUMBER, "preview", dt.datetime.now(dt.UTC))
    await read(store)
    assert numbers(store) == sorted(world.posts)


@pytest.mark.row("H4")
async def test_trouble_has_an_end(world: World, store: Store) -> None:
    world.script = [httpx.Response(502)] * 20
    with pytest.raises(TryLater, match="HTTP 502"):
        await read(store)
    assert len(world.asked) == 4


@pytest.mark.row("H2")
async def test_a_page_too_large_is_not_read(world: World, store: Store) -> None:
    world.script = [httpx.Response(200, content=b"x" * 11_000_000)] * 9
    with pytest.raises(TryLater):
        await read(store)


async def test_a_page_nested_too_deeply_is_not_read(world: World, store: Store) -> None:
    deep = "<div>" * 1001 + "</div>" * 1001
    world.script = [httpx.Response(200, text=world.page([5]) + deep)] * 9
    with pytest.raises(TryLater):
        await read(store)
    wide = "<br>" * 5000 + "<b>x</b></p>" * 5000
    assert read_page(world.page([5]).replace("post 5", wide)) is not None


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ('<div class="tgme_page_title">N</div><div class="tgme_page_extra">9 subscribers</div>',
         "no web preview"),
        ('<div class="tgme_page_title">N</div><div class="tgme_page_extra">9 members</div>',
         "is a group"),
        ('<div class="tgme_page_title">N</div><div class="tgme_page_extra">@newsroom</div>',
         "person or a bot"),
        ('<div class="tgme_page"></div>', "no channel has this name"),
    ],
)  # fmt: skip
async def test_why_there_is_no_preview(world: World, store: Store, extra: str, words: str) -> None:
    world.instead = f"<html><body>{extra}</body></html>"
    with pytest.raises(SourceError, match=words):
        await read(store)


@pytest.mark.row("H5")
async def test_a_redirect_within_the_preview_is_followed(world: World, store: Store) -> None:
    world.script = [httpx.Response(302, headers={"Location": "/s/newsroom?q="})]
    await read(store, ReadOptions(limit=3))
    assert numbers(store) == [53, 54, 55]
    assert len(world.asked) == 2
    away = httpx.Response(302, headers={"Location": "https://elsewhere.example/s/newsroom"})
    world.script = [away, httpx.Response(200, text='<div class="tgme_page"></div>')]
    with pytest.raises(SourceError):
        await read(store)
    assert not any("elsewhere" in url for url in world.asked)


async def test_a_name_that_moved_is_refused(world: World, store: Store) -> None:
    await read(store)
    world.number = 999
    with pytest.raises(SourceError, match="another channel"):
        await read(store)


async def test_without_a_number_nothing_is_guessed(world: World, store: Store) -> None:
    world.number = 0
    with pytest.raises(TgTaggerError, match="does not show the channel's number"):
        await read(store)


async def test_a_later_sign_in_continues_the_same_rows(world: World, store: Store) -> None:
    await read(store)
    better = post(55, "post 55, whole", views=1234, forwards=3, edited=minute(60))
    channel = Channel(NUMBER, "News", "newsroom")
    store.posts.save_page(page(better, channel=channel, source="telegram"))
    await read(store)  # and the preview does not take it back
    found = store.records.post("newsroom/55").post
    assert (found.text, found.views, found.forwards) == ("post 55, whole", 1234, 3)
    assert found.source == "telegram"
    assert len(numbers(store)) == len(world.posts)
    assert found.date == EPOCH + dt.timedelta(minutes=55)


# ---- answers that are none, or wrong: nothing is lost


def unread(store: Store) -> set[int]:
    found = store.progress.read_progress(NUMBER, "preview").backfill
    return {n for part in found for n in range(part.low, part.high + 1)}


def older(html: str) -> str:
    return f'<html><head><link rel="prev" href="/s/newsroom?before=41"></head>{html}</html>'


@pytest.mark.row("H7")
async def test_a_server_that_always_sends_the_newest_page_loses_nothing(
    world: World, store: Store
) -> None:
    newest = older(world.page(list(range(36, 56))))
    world.script = [httpx.Response(200, text=newest) for _ in range(9)]
    with pytest.raises(TryLater, match="an unexpected answer"):
        await read(store)
    assert len(world.asked) == 2
    assert (numbers(store), unread(store)) == (list(range(36, 56)), set(range(1, 36)))
    world.script.clear()
    await read(store)
    assert numbers(store) == sorted(world.posts)


@pytest.mark.row("H5")
async def test_a_redirect_to_the_newest_page_loses_nothing(world: World, store: Store) -> None:
    first = httpx.Response(200, text=world.page(list(range(36, 56))))
    world.script = [first, httpx.Response(302, headers={"Location": "/s/newsroom"})]
    with pytest.raises(TryLater, match="unexpected answer"):
        await read(store)
    assert unread(store) == set(range(1, 36))


@pytest.mark.row("H7")
async def test_an_empty_page_is_believed_when_it_comes_twice(world: World, store: Store) -> None:
    first = httpx.Response(200, text=world.page(list(range(36, 56))))
    world.script = [first, httpx.Response(200, text=world.page([]))]
    await read(store)
    assert numbers(store) == sorted(world.posts)
    world.script = [httpx.Response(200, text=world.page([]))]
    await read(store)
    assert store.records.post("newsroom/55").post.deleted is None


@pytest.mark.row("H7")
async def test_messages_whose_ids_cannot_be_read_are_no_end(world: World, store: Store) -> None:
    first = httpx.Response(200, text=world.page(list(range(36, 56))))
    strange = world.page(list(range(25, 36))).replace("newsroom/", "newsroom/x")
    world.script = [first, httpx.Response(200, text=strange)]
    with pytest.raises(TryLater):
        await read(store)
    assert unread(store) == set(range(1, 36))


@pytest.mark.row("H7")
async def test_another_channel_in_the_middle_is_refused(world: World, store: Store) -> None:
    first = httpx.Response(200, text=world.page(list(range(36, 56))))
    world.number = 77
    world.script = [first]
    with pytest.raises(TryLater, match="unexpected answer"):
        await read(store)
    assert {state.channel.id for state in store.status.channels()} == {NUMBER}
    world.number = NUMBER
    mixed = world.page([53, 54]) + world.page([55])
    world.number = 77
    mixed += world.page([52])
    world.number = NUMBER
    world.script = [httpx.Response(200, text=mixed)]
    await read(store, ReadOptions(limit=3))
    assert 52 in unread(store) | set(numbers(store))


@pytest.mark.row("H6")
@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html><form>Your room number?</form></html>"),
        httpx.Response(200, text=""),
        httpx.Response(302, headers={"Location": "http://portal.example/login"}),
    ],
    ids=["a page to sign in", "nothing", "a redirect"],
)
async def test_what_is_not_the_preview_is_no_word_about_a_channel(
    world: World, store: Store, response: httpx.Response
) -> None:
    world.script = [response] * 3
    with pytest.raises(TryLater, match="in place of the web preview"):
        await read(store)
    assert not any("portal" in url for url in world.asked)


@pytest.mark.row("H6")
@pytest.mark.parametrize("charset", ["zlib", "undefined", "rot13", "idna", "utf-16", "x"])
async def test_the_preview_is_utf_8_whatever_it_says(
    world: World, store: Store, charset: str
) -> None:
    page = world.page([55]).replace("post 55", "погода").encode()
    headers = {"content-type": f"text/html; charset={charset}"}
    world.script = [httpx.Response(200, headers=headers, content=page)]
    await read(store, ReadOptions(limit=1))
    assert store.records.post("newsroom/55").post.text == "погода"


def stream(body: bytes, **headers: str) -> httpx.Response:
    """An answer with these headers only: no length."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, headers=named, stream=httpx.ByteStream(body))


@pytest.mark.row("H1", "H2", "H6")
async def test_what_did_not_come_whole_is_not_read(world: World, store: Store) -> None:
    page = world.page([54, 55]).encode()
    packed = gzip.compress(page)
    world.script = [
        httpx.Response(200, content=page.replace(b"post", "почта".encode("cp1251"))),
        stream(packed[:-10], content_encoding="gzip"),
        stream(b"no gzip", content_encoding="gzip"),
    ]
    await read(store)
    assert len(world.asked) == 3 + 3
    world.posts[56] = "newer"
    world.script = [
        stream(page[:-30]),  # the connection broke off, and nothing says so
        stream(packed, content_encoding="br"),
        stream(gzip.compress(b"x" * 10_000_000), content_encoding="gzip"),
    ]
    await read(store, ReadOptions(backfill=False))
    assert numbers(store) == sorted(world.posts)
    world.posts[57] = "newest"
    world.script = [stream(gzip.compress(world.page([56, 57]).encode()), content_encoding="gzip")]
    await read(store, ReadOptions(limit=1))
    assert 57 in numbers(store)


@pytest.mark.row("H3")
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7), ("7.5", 7.5), ("0", 1), ("-5", 30), ("soon", 30), ("", 30), ("nan", 30),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1), ("Wed, 99 Oct", 30), ("²", 30),
        ("Fri, 01 Jan 99999999999999999999 00:00:00 GMT", 30),
    ],
)  # fmt: skip
async def test_every_form_of_a_wait(
    world: World, store: Store, retry_after: str, seconds: float
) -> None:
    world.script = [
        httpx.Response(status, headers=[(b"Retry-After", retry_after.encode())])
        for status in (429, 503)
    ]
    events = RecordedEvents()
    await read(store, ReadOptions(limit=1), events)
    assert [wait.seconds for wait in events.waits] == [seconds, seconds]


@pytest.mark.row("H3")
@pytest.mark.parametrize("seconds", ["9" * 12, "9" * 30, "inf"])
async def test_a_wait_of_a_thousand_years_is_remembered_for_a_day(
    world: World, store: Store, seconds: str
) -> None:
    world.script = [httpx.Response(429, headers={"Retry-After": seconds})]
    with pytest.raises(TryLater) as caught:
        await read(store)
    assert caught.value.not_before is not None
    assert caught.value.not_before - dt.datetime.now(dt.UTC) <= LONGEST_WAIT


@pytest.mark.row("H1")
async def test_after_two_requests_in_vain_no_other_is_sent(world: World) -> None:
    world.script = [httpx.ConnectError("refused") for _ in range(99)]

    async def no_sleep(_seconds: float) -> None:
        return None

    async with Preview(pause=0, sleep=no_sleep) as preview:
        for _ in range(5):
            with pytest.raises(TryLater, match="cannot be reached"):
                await preview.get("https://t.me/s/newsroom", "@newsroom", RecordedEvents())
    assert len(world.asked) == IN_VAIN * (1 + len(PAUSES))


@pytest.mark.row("H1")
async def test_errors_of_single_channels_do_not_keep_others_from_being_read(world: World) -> None:
    """Telegram fails for two channels each time; those behind them are read none the less."""

    async def no_sleep(_seconds: float) -> None:
        return None

    async def ask(preview: Preview, count: int) -> None:
        for _ in range(count):
            with pytest.raises(TryLater, match="HTTP 500"):
                await preview.get("https://t.me/s/broken", "@broken", RecordedEvents())

    async with Preview(pause=0, sleep=no_sleep) as preview:
        world.script = [httpx.Response(500) for _ in range(99)]
        await ask(preview, IN_VAIN)
        assert len(world.asked) == IN_VAIN * (1 + len(PAUSES))
        await ask(preview, 1)
        assert len(world.asked) == IN_VAIN * (1 + len(PAUSES)) + 1  # without pauses
        world.script = []
        answer = await preview.get("https://t.me/s/newsroom", "@newsroom", RecordedEvents())
        assert answer.status == 200
        world.asked.clear()
        world.script = [httpx.Response(500) for _ in range(99)]
        await ask(preview, 1)  # an answer was in between: trouble may pass again
        assert len(world.asked) == 1 + len(PAUSES)
        await ask(preview, ERRORS - 1)
        asked = len(world.asked)
        with pytest.raises(TryLater, match="not asked any more"):
            await preview.get("https://t.me/s/newsroom", "@newsroom", RecordedEvents())
        assert len(world.asked) == asked


# ---- pages that take for ever to read


@pytest.mark.row("H2")
@pytest.mark.parametrize(
    "text",
    [
        "<div>" * 400_000,
        "<br>" * 400_000,
        "<a " + " ".join(map(str, range(150_000))),
        "".join(f'<div class="tgme_widget_message" data-post="n/{n}">' for n in range(150)) * 9,
    ],
    ids=["deep", "tags", "attributes", "messages"],
)
def test_no_page_takes_for_ever(text: str) -> None:
    html = World().page([55]).replace("post 55", text)
    started = time.monotonic()
    assert read_page(html) is None
    assert read_instead(html) == "foreign"
    assert time.monotonic() - started < 20


@pytest.mark.row("H2")
def test_messages_within_one_another_are_one() -> None:
    inside = '<div class="tgme_widget_message" data-post="n/1">' * 150 + "<b>bold</b>" * 5000
    page = read_page(World().page([55]).replace("post 55", inside))
    assert page is not None
    assert len(page.messages) == 1


@pytest.mark.row("H2")
@pytest.mark.parametrize(
    "tag",
    ["div", 'p class="tgme_widget_message_text js-message_text"',
     'div class="tgme_widget_message_document_wrap"'],
)  # fmt: skip
def test_the_deepest_page_that_is_read(tag: str) -> None:
    html = World().page([55]).replace("post 55", f"<{tag}>" * 980)
    started = time.monotonic()
    page = read_page(html)
    assert page is not None
    assert isinstance(convert(page.messages[0]), PostData)
    assert time.monotonic() - started < 20


@pytest.mark.row("H7")
@pytest.mark.parametrize("count", ["9" * 400 + "K", "9" * 30, "9" * 5000])
def test_counts_that_no_post_has(count: str) -> None:
    assert counter(count) is None


@pytest.mark.row("H7")
def test_numbers_that_no_channel_has() -> None:
    world = World()
    world.number = 2**70
    page = read_page(world.page([55]))
    assert page is not None
    assert page.number is None
