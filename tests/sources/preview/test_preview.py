"""The preview read over HTTP: forward and back, politely, into the same rows as Telegram."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import respx

from make import EPOCH, minute, page, post
from preview_server import draw
from tgtagger import pipeline
from tgtagger.errors import SourceError, TgTaggerError, TryLater
from tgtagger.outcomes import Wait
from tgtagger.sources.preview import Preview, PreviewChannel
from tgtagger.sources.preview.page import nests_too_deeply
from tgtagger.sources.reading import Wish
from tgtagger.store import Store
from tgtagger.types import Channel, PageStored, PostFilter

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
    store: Store, wish: Wish | None = None, *, budget: float = 120
) -> list[PageStored | Wait]:
    async def no_sleep(_seconds: float) -> None:
        return None

    async with Preview(pause=0, sleep=no_sleep, wait_budget=budget) as preview:
        channel = PreviewChannel(
            preview, "newsroom", wish or Wish(), known=store.channel("newsroom")
        )
        return [step async for step in pipeline.parse(channel, store)]


def numbers(store: Store) -> list[int]:
    return sorted(item.id.message_id for item in store.posts(PostFilter()))


async def test_all_of_a_channel_then_only_what_is_new(world: World, store: Store) -> None:
    await read(store)
    assert numbers(store) == sorted(world.posts)
    assert world.asked[0] == "https://t.me/s/newsroom"
    (channel,) = store.channels()
    assert (channel.channel.id, channel.channel.title) == (NUMBER, "News")
    world.asked.clear()
    world.posts[56] = "fresh"
    world.posts[55] = "edited"
    del world.posts[50]
    (step,) = await read(store)
    assert isinstance(step, PageStored)
    assert (step.new, step.updated, step.deleted) == (1, 1, 1)
    assert len(world.asked) == 1


async def test_limits_leave_nothing_out(world: World, store: Store) -> None:
    await read(store, Wish(limit=7))
    assert numbers(store) == list(range(49, 56))
    await read(store, Wish(until=minute(10)))
    await read(store)
    assert numbers(store) == sorted(world.posts)


async def test_a_server_that_ignores_before_is_no_endless_loop(world: World, store: Store) -> None:
    world.script = [httpx.Response(200, text=world.page([54, 55])) for _ in range(9)]
    await read(store)
    assert len(world.asked) < 5


async def test_retry_after_is_honoured_and_seen(world: World, store: Store) -> None:
    slow = httpx.Response(429, headers={"Retry-After": "7"})
    world.script = [slow, httpx.Response(503), httpx.ConnectError("refused")]
    steps = await read(store)
    assert [step.seconds for step in steps if isinstance(step, Wait)] == [7, 1, 2]
    assert numbers(store) == sorted(world.posts)


@pytest.mark.parametrize(
    "said", ["²", "-5", "soon", "Fri, 01 Jan 99999999999999999999 00:00:00 GMT"]
)
async def test_a_wait_that_makes_no_sense_is_half_a_minute(
    world: World, store: Store, said: str
) -> None:
    world.script = [httpx.Response(429, headers=[(b"Retry-After", said.encode("latin-1"))])]
    steps = await read(store)
    assert [step.seconds for step in steps if isinstance(step, Wait)] == [30]
    assert numbers(store) == sorted(world.posts)


@pytest.mark.parametrize("charset", ["zlib", "idna", "undefined", "utf-16"])
async def test_a_page_is_utf_8_whatever_is_said(world: World, store: Store, charset: str) -> None:
    world.posts = {5: "новость"}
    said = {"Content-Type": f"text/html; charset={charset}"}
    world.script = [httpx.Response(200, headers=said, content=world.page([5]).encode())]
    await read(store)
    assert [item.text for item in store.posts(PostFilter())] == ["новость"]


async def test_a_long_wait_is_remembered(world: World, store: Store) -> None:
    await read(store, Wish(limit=5))
    world.script = [httpx.Response(429, headers={"Retry-After": "3600"})]
    with pytest.raises(TryLater) as caught:
        await read(store)
    assert caught.value.not_before is not None
    world.asked.clear()
    with pytest.raises(TryLater):
        await read(store)
    assert not world.asked
    store.postpone(NUMBER, "preview", dt.datetime.now(dt.UTC))
    await read(store)
    assert numbers(store) == sorted(world.posts)


async def test_trouble_has_an_end(world: World, store: Store) -> None:
    world.script = [httpx.Response(502)] * 20
    with pytest.raises(TryLater, match="HTTP 502"):
        await read(store)
    assert len(world.asked) == 4


async def test_a_page_too_large_is_not_read(world: World, store: Store) -> None:
    world.script = [httpx.Response(200, content=b"x" * 11_000_000)] * 9
    with pytest.raises(TryLater):
        await read(store)


async def test_a_page_nested_too_deeply_is_not_read(world: World, store: Store) -> None:
    deep = "<div>" * 1001 + "</div>" * 1001
    world.script = [httpx.Response(200, text=world.page([5]) + deep)] * 9
    with pytest.raises(TryLater):
        await read(store)
    assert not nests_too_deeply("<br>" * 5000 + "<b>x</b></p>" * 5000)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ('<div class="tgme_page_title">N</div><div class="tgme_page_extra">9 subscribers</div>',
         "no web preview"),
        ('<div class="tgme_page_title">N</div><div class="tgme_page_extra">9 members</div>',
         "is a group"),
        ('<div class="tgme_page_title">N</div><div class="tgme_page_extra">@newsroom</div>',
         "person or a bot"),
        ("<div></div>", "no channel has this name"),
    ],
)  # fmt: skip
async def test_why_there_is_no_preview(world: World, store: Store, extra: str, words: str) -> None:
    world.instead = f"<html><body>{extra}</body></html>"
    with pytest.raises(SourceError, match=words):
        await read(store)


async def test_a_redirect_within_the_preview_is_followed(world: World, store: Store) -> None:
    world.script = [httpx.Response(302, headers={"Location": "/s/newsroom?q="})]
    await read(store, Wish(limit=3))
    assert numbers(store) == [53, 54, 55]
    assert len(world.asked) == 2
    away = httpx.Response(302, headers={"Location": "https://elsewhere.example/s/newsroom"})
    world.script = [away, httpx.Response(200, text="<div></div>")]
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
    with pytest.raises(TgTaggerError, match="does not tell the channel's number"):
        await read(store)


async def test_a_later_sign_in_continues_the_same_rows(world: World, store: Store) -> None:
    await read(store)
    better = post(55, "post 55, whole", views=1234, forwards=3, edited=minute(60))
    channel = Channel(NUMBER, "News", "newsroom")
    store.save_page(page(better, channel=channel, source="telegram"))
    await read(store)  # and the preview does not take it back
    found = store.post("newsroom/55").post
    assert (found.text, found.views, found.forwards) == ("post 55, whole", 1234, 3)
    assert found.source == "telegram"
    assert len(numbers(store)) == len(world.posts)
    assert found.date == EPOCH + dt.timedelta(minutes=55)
