"""Ask for the pages of the web preview, one at a time, and make pages of posts of them.

Waits that the server asks for (Retry-After) are yielded and slept through, up to a budget. Which
page comes next is decided in sources.reading. Knows no store, and nothing of the HTML.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Self

import httpx

from tgtagger import __version__
from tgtagger.errors import InputError, SourceError, TgTaggerError, TryLater
from tgtagger.outcomes import Wait
from tgtagger.sources.names import reassigned
from tgtagger.sources.preview.convert import convert
from tgtagger.sources.preview.page import PreviewPage, nests_too_deeply, read_instead, read_page
from tgtagger.sources.reading import (
    LONGEST_WAIT,
    Answer,
    Plan,
    Request,
    Wish,
    is_left_alone,
    wait_ends,
)
from tgtagger.types import Channel, IdRange, Memory, Page, PostData, Reading, SourceName

PAGE = 20
"""Messages on a page, about; the newest page is what is read again by default."""

PAUSE = 0.5
"""Seconds between requests."""

PAUSES = (1.0, 2.0, 4.0)
"""Seconds before a request that met trouble is sent again."""

HOPS = 3
"""Redirects within the preview that are followed."""

LARGEST = 10_000_000
"""Bytes of a page at most; real ones have some 200,000."""

DEADLINE = 60.0
"""Seconds for a whole answer, however slowly it drips."""


_NOT_KEPT = {b"content-encoding", b"content-length", b"content-type", b"transfer-encoding"}
"""Headers of a body that is read already: and it is UTF-8, whatever a proxy says."""


_NO_DATE = (ValueError, TypeError, IndexError, OverflowError)
"""What the standard library makes of a text that is no date."""


class Preview:
    """One client for all the channels of a run."""

    def __init__(
        self,
        base: str = "https://t.me/s",
        *,
        wait_budget: float = 120,
        pause: float = PAUSE,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self.base = base.rstrip("/")
        self._budget = wait_budget
        self._pause = pause
        self._sleep = sleep
        self._last = 0.0
        self._closed_until: dt.datetime | None = None

    async def __aenter__(self) -> Self:
        try:
            self._client = httpx.AsyncClient(
                follow_redirects=False,
                timeout=httpx.Timeout(20, connect=10),
                headers={"User-Agent": f"tgtagger/{__version__}", "Accept-Language": "en"},
            )
        except (ImportError, ValueError, httpx.InvalidURL):
            raise InputError(
                "the proxy that the environment names cannot be used for the web preview",
                hint="name an HTTP proxy (HTTPS_PROXY), or the preview's host in NO_PROXY",
            ) from None  # it may hold a part of the proxy's password
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, url: str, what: str) -> AsyncIterator[Wait | httpx.Response]:
        """Ask for a page; yield a Wait before each one, and the answer at last."""
        if self._closed_until is not None:
            raise _left_alone(what, self._closed_until)
        troubles = 0
        while True:
            due = self._last + self._pause - time.monotonic()
            if due > 0:
                await self._sleep(due)
            response: httpx.Response | None = None
            detail = ""
            try:
                response = await asyncio.wait_for(self._fetch(url), DEADLINE)
            except (httpx.HTTPError, TimeoutError) as error:
                detail = type(error).__name__
            except httpx.InvalidURL as error:
                raise SourceError(f"{what}: {url!r} is no address") from error
            finally:
                self._last = time.monotonic()
            if response is not None and response.status_code == 429:
                seconds = _retry_after(response)
                if seconds > self._budget:
                    self._closed_until = wait_ends(seconds, now=dt.datetime.now(dt.UTC))
                    raise _left_alone(what, self._closed_until)
                self._budget -= seconds
                yield Wait(seconds, "the web preview asks to wait")
                await self._sleep(seconds)
            elif response is None or response.status_code >= 500:
                if troubles == len(PAUSES):
                    detail = detail or f"HTTP {response.status_code if response else ''}"
                    raise TryLater(
                        f"{what}: the web preview cannot be reached, or has trouble ({detail})",
                        hint="check the connection and try again; what was read is kept",
                    )
                yield Wait(PAUSES[troubles], "the web preview has trouble")
                await self._sleep(PAUSES[troubles])
                troubles += 1
            else:
                yield response
                return

    def moved_to(self, response: httpx.Response, url: str) -> str | None:
        """Return where a preview's page has moved within the preview; None where it has not."""
        if not response.is_redirect:
            return None
        try:
            target = httpx.URL(url).join(response.headers.get("location", ""))
        except httpx.InvalidURL:
            return None
        return str(target) if str(target).startswith(self.base + "/") else None

    async def _fetch(self, url: str) -> httpx.Response:
        async with self._client.stream("GET", url) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LARGEST:
                    raise httpx.ReadError("the page is too large")
            # As bytes: a header need not be ASCII.
            headers = [
                (name, value)
                for name, value in response.headers.raw
                if name.lower() not in _NOT_KEPT
            ]
            whole = httpx.Response(response.status_code, headers=headers, content=bytes(body))
            if nests_too_deeply(whole.text):
                raise httpx.ReadError("the page is nested too deeply")
            return whole


def _retry_after(response: httpx.Response) -> float:
    """Return the seconds to wait; a date is one by the server's clock, where that is told."""
    text = response.headers.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return min(max(float(text), 1.0), LONGEST_WAIT.total_seconds())
    try:
        moment = email.utils.parsedate_to_datetime(text)
        try:
            now = email.utils.parsedate_to_datetime(response.headers.get("date", ""))
        except _NO_DATE:
            now = dt.datetime.now(dt.UTC)
        return min(max((moment - now).total_seconds(), 1.0), LONGEST_WAIT.total_seconds())
    except _NO_DATE:
        return 30.0


def _left_alone(what: str, until: dt.datetime) -> TryLater:
    return TryLater(
        f"{what}: the web preview asks to be left alone until "
        f"{until.astimezone():%Y-%m-%d %H:%M:%S}",
        hint="run it again then; cron can simply try again",
        not_before=until,
    )


class PreviewChannel:
    """One channel's preview as a source of pages. `known` is what the archive holds under it."""

    name: SourceName = "preview"

    def __init__(
        self, preview: Preview, username: str, wish: Wish, *, known: Channel | None = None
    ) -> None:
        self._preview = preview
        self._username = username
        self._wish = wish if wish.refresh is not None else replace(wish, refresh=PAGE)
        self._known = known
        self.channel_id = None if known is None else known.id

    async def pages(self, memory: Memory) -> AsyncGenerator[Page | Wait]:
        """Yield pages, newest first, and waits before them. See sources.reading for the order."""
        if self._known is not None:
            self._honour(memory.reading(self._known.id, self.name))
        plan: Plan | None = None
        while True:
            request = Request() if plan is None else plan.next()
            if request is None:
                return
            found: PreviewPage | None = None
            async for step in self._ask(request):
                if isinstance(step, Wait):
                    yield step
                else:
                    found = step
            assert found is not None  # _ask raises, or ends with a page
            channel = self._channel_of(found)
            if plan is None:
                reading = memory.reading(channel.id, self.name)
                self._honour(reading)
                plan = Plan(reading, self._wish)
            kept = plan.take(_answer(found, request))
            yield Page(
                channel, self.name, kept.posts, kept.service, kept.rejected, kept.reading,
                kept.covers,
            )  # fmt: skip

    def _honour(self, reading: Reading) -> None:
        until = reading.not_before
        if until is not None and is_left_alone(until, now=dt.datetime.now(dt.UTC)):
            raise _left_alone(f"@{self._username}", until)

    async def _ask(self, request: Request) -> AsyncIterator[Wait | PreviewPage]:
        what = f"@{self._username}"
        url = f"{self._preview.base}/{self._username}"
        if request.before is not None:
            url += f"?before={request.before}"
        response: httpx.Response | None = None
        for _ in range(HOPS):
            async for step in self._preview.get(url, what):
                if isinstance(step, Wait):
                    yield step
                else:
                    response = step
            target = self._preview.moved_to(response, url) if response is not None else None
            if target is None:
                break
            url = target
        assert response is not None  # get raises, or ends with it
        page = read_page(response.text) if response.status_code == 200 else None
        if page is not None:
            yield page
            return
        async for refusal in self._why_not(response, what):
            if isinstance(refusal, Wait):
                yield refusal
            else:
                raise refusal

    async def _why_not(
        self, response: httpx.Response, what: str
    ) -> AsyncIterator[Wait | TgTaggerError]:
        """Yield the reason why there is no preview, which only the channel's own page tells."""
        html = response.text
        if response.is_redirect:
            url = self._preview.base.removesuffix("/s") + f"/{self._username}"
            async for step in self._preview.get(url, what):
                if isinstance(step, Wait):
                    yield step
                else:
                    html = step.text
        elif response.status_code not in {200, 404}:
            yield SourceError(f"{what}: the web preview answers HTTP {response.status_code}")
            return
        match read_instead(html):
            case "channel":
                yield SourceError(
                    f"{what} has no web preview: its owner, or Telegram, turned it off",
                    hint="sign in to read it: tgtagger login",
                )
            case "group":
                yield SourceError(
                    f"{what} is a group: groups have no web preview",
                    hint="sign in and give --groups to keep groups, too",
                )
            case "person":
                yield SourceError(f"{what} is a person or a bot, not a channel")
            case "nothing":
                yield SourceError(
                    f"{what} cannot be read: no channel has this name", hint="check its spelling"
                )

    def _channel_of(self, page: PreviewPage) -> Channel:
        known = self._known
        number = page.number
        if number is None:
            number = self.channel_id
        if number is None:
            raise SourceError(
                f"@{self._username}: the web preview does not tell the channel's number",
                hint="sign in to read it: tgtagger login",
            )
        if known is not None and known.id != number:
            raise reassigned(self._username, known, number)
        self.channel_id = number
        title = page.title or (known.title if known else None) or f"@{self._username}"
        return Channel(number, title, page.username or self._username)


def _answer(page: PreviewPage, request: Request) -> Answer:
    found = [convert(html) for html in reversed(page.messages)]
    before = request.before
    items = []
    for item in found:
        first = item.ids[0] if isinstance(item, PostData) else _number(item)
        if first and (before is None or first < before):
            items.append(item)
    if not items:
        return Answer((), None, last=True)
    items.sort(key=lambda item: item.ids[0] if isinstance(item, PostData) else _number(item))
    items.reverse()
    low = min(item.ids[0] if isinstance(item, PostData) else _number(item) for item in items)
    high = max(item.ids[-1] if isinstance(item, PostData) else _number(item) for item in items)
    return Answer(
        tuple(items), IdRange(low, high if before is None else max(high, before - 1)), low <= 1
    )


def _number(item: Any) -> int:
    number = getattr(item, "message_id", None) or getattr(item, "id", None)
    return number if isinstance(number, int) else 0
