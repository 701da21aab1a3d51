"""Ask for the pages of the web preview, one at a time, and make pages of posts of them.

Waits that the server asks for (Retry-After) are yielded and slept through, up to a budget. What
comes is read whole and within bounds, or not at all. Which page comes next is decided in
sources.reading. Knows no store, and nothing of the HTML.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import math
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import httpx

from tgtagger import __version__
from tgtagger.errors import InputError, SourceError, TgTaggerError, TryLater
from tgtagger.outcomes import Wait
from tgtagger.refs import reassigned
from tgtagger.sources.preview.convert import convert
from tgtagger.sources.preview.page import PreviewPage, read_instead, read_page
from tgtagger.sources.reading import (
    LONGEST_WAIT,
    Answer,
    Item,
    Plan,
    Request,
    Wish,
    is_left_alone,
    wait_ends,
)
from tgtagger.types import (
    Channel,
    IdRange,
    Memory,
    Page,
    PostData,
    Reading,
    Rejected,
    SourceName,
)

PAGE = 20
"""Messages on a page, about; the newest page is what is read again by default."""

PAUSE = 0.5
"""Seconds between requests."""

PAUSES = (1.0, 2.0, 4.0)
"""Seconds before a request that met trouble is sent again."""

IN_VAIN = 2
"""Requests in a row that were given up after which no other is sent in this run."""

HOPS = 3
"""Redirects within the preview that are followed."""

LARGEST = 2 << 20
"""Bytes of a page at most, unpacked; real ones have some 150,000."""

DEADLINE = 60.0
"""Seconds for a whole answer, however slowly it drips."""

OWN = "telegram"
"""A channel that is there as long as Telegram is."""

UNTOLD = 30.0
"""Seconds to wait where the server asks to wait, and does not say how long."""

_NO_DATE = (ValueError, TypeError, IndexError, OverflowError)
"""What the standard library makes of a text that is no date."""


class _NotAPage(Exception):
    """An answer that cannot be a page; the message says why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer; `location` is where a redirect leads."""

    status: int
    html: str
    location: str | None = None


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
        self._in_vain = 0  # requests in a row that were given up
        self._closed_until: dt.datetime | None = None

    async def __aenter__(self) -> Self:
        try:
            self._client = httpx.AsyncClient(
                follow_redirects=False,
                timeout=httpx.Timeout(20, connect=10),
                headers={
                    "User-Agent": f"tgtagger/{__version__}",
                    "Accept-Language": "en",
                    "Accept-Encoding": "gzip",  # unpacked here, and no more of it than a page has
                },
            )
        except (ImportError, ValueError, httpx.InvalidURL):
            raise InputError(
                "the proxy that the environment names cannot be used for the web preview",
                hint="name an HTTP proxy (HTTPS_PROXY), or the preview's host in NO_PROXY",
            ) from None  # it may hold a part of the proxy's password
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, url: str, what: str) -> AsyncIterator[Wait | Answered]:
        """Ask for a page; yield a Wait before each one, and the answer at last."""
        if self._closed_until is not None:
            raise _left_alone(what, self._closed_until)
        if self._in_vain >= IN_VAIN:
            raise _trouble(what, "not asked any more")
        troubles = 0
        while True:
            due = self._last + self._pause - time.monotonic()
            if due > 0:
                await self._sleep(due)
            heard = await self._ask(url, what)
            if isinstance(heard, Answered):
                self._in_vain = 0
                yield heard
                return
            if isinstance(heard, float):
                self._spend(heard, what)
                yield Wait(heard, "the web preview asks to wait")
                await self._sleep(heard)
                continue
            if troubles == len(PAUSES):
                self._in_vain += 1
                raise _trouble(what, heard)
            yield Wait(PAUSES[troubles], "the web preview has trouble")
            await self._sleep(PAUSES[troubles])
            troubles += 1

    async def look(self) -> str | None:
        """Ask once for Telegram's own channel; return what is wrong, None if it answers."""
        heard = await self._ask(f"{self.base}/{OWN}", "the web preview")
        if isinstance(heard, float):
            return f"it asks to wait {heard:.0f} s"
        if isinstance(heard, str):
            return heard
        if heard.status not in {200, 404}:
            return f"HTTP {heard.status}"
        if read_page(heard.html) is None and read_instead(heard.html) == "foreign":
            return "what answers is not the web preview"
        return None

    def _spend(self, seconds: float, what: str) -> None:
        """Take a wait from the budget; raise TryLater where it is too long for this run."""
        if seconds > self._budget:
            self._closed_until = wait_ends(seconds, now=dt.datetime.now(dt.UTC))
            raise _left_alone(what, self._closed_until)
        self._budget -= seconds

    async def _ask(self, url: str, what: str) -> Answered | float | str:
        """Return an answer, the seconds that the server asks to wait, or what is wrong."""
        try:
            answered, asked = await asyncio.wait_for(self._fetch(url), DEADLINE)
        except (httpx.HTTPError, TimeoutError) as error:
            return type(error).__name__
        except _NotAPage as error:
            return str(error)
        except httpx.InvalidURL as error:
            raise SourceError(f"{what}: {url!r} is no address") from error
        finally:
            self._last = time.monotonic()
        if answered.status == 429 or (answered.status == 503 and asked is not None):
            return asked or UNTOLD
        return f"HTTP {answered.status}" if answered.status >= 500 else answered

    def moved_to(self, answered: Answered, url: str) -> str | None:
        """Return where a preview's page has moved within the preview; None where it has not."""
        if answered.location is None:
            return None
        try:
            target = httpx.URL(url).join(answered.location)
        except httpx.InvalidURL:
            return None
        return str(target) if str(target).startswith(self.base + "/") else None

    async def _fetch(self, url: str) -> tuple[Answered, float | None]:
        """Return an answer, and the seconds that it asks to wait, if it does."""
        request = self._client.build_request("GET", url)
        response = await self._client.send(request, stream=True)
        assert isinstance(response.stream, httpx.AsyncByteStream)  # of an AsyncClient
        try:
            # Of other answers nothing is looked at but what their headers say.
            is_page = response.status_code in {200, 404}
            html = await _read(response.stream, response.headers) if is_page else ""
        finally:
            await response.aclose()
        location = response.headers.get("location") if response.is_redirect else None
        answered = Answered(response.status_code, html, location)
        return answered, _retry_after(response.headers)


async def _read(stream: httpx.AsyncByteStream, headers: httpx.Headers) -> str:
    """Return a body as text: whole, or not at all."""
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in {"identity", "gzip"}:
        raise _NotAPage("its answer is packed in a way that was not asked for")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if encoding == "gzip" else None
    body = bytearray()
    async for part in stream:
        room = LARGEST - len(body)
        body += part[: room + 1] if unpacker is None else unpacker.decompress(part, room + 1)
        if len(body) > LARGEST:
            raise _NotAPage("its answer is larger than any page")
    try:
        html = body.decode()
    except UnicodeDecodeError as error:
        raise _NotAPage("its answer is not UTF-8") from error
    # Where nothing says how long a body is, a broken connection looks like its end.
    is_framed = "content-length" in headers or "transfer-encoding" in headers
    is_whole = is_framed or not body or "</html>" in html[-1000:]
    if not is_whole or (unpacker is not None and not unpacker.eof):
        raise _NotAPage("its answer is cut off")
    return html


def _retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds to wait; a date is one by the server's clock, where that is told."""
    text = headers.get("retry-after")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(text)
            seconds = max((moment - _now(headers.get("date", ""))).total_seconds(), 0.0)
        except _NO_DATE:
            return UNTOLD
    if math.isnan(seconds) or seconds < 0:
        return UNTOLD
    return min(max(seconds, 1.0), LONGEST_WAIT.total_seconds())


def _now(told: str) -> dt.datetime:
    try:
        return email.utils.parsedate_to_datetime(told)
    except _NO_DATE:
        return dt.datetime.now(dt.UTC)


def _trouble(what: str, detail: str) -> TryLater:
    return TryLater(
        f"{what}: the web preview cannot be reached, or has trouble ({detail})",
        hint="check the connection and try again; what was read is kept",
    )


def _unanswered(what: str) -> TryLater:
    return TryLater(
        f"{what}: the web preview answers with something else than what was asked for",
        hint="try again later; what is not read yet is remembered",
    )


def _left_alone(what: str, until: dt.datetime) -> TryLater:
    return TryLater(
        f"{what}: the web preview asks to be left alone until "
        f"{until.astimezone():%Y-%m-%d %H:%M:%S}",
        hint="run it again then; cron can simply try again",
        not_before=until,
    )


async def look(base: str) -> str | None:
    """Return what keeps the web preview from being read, None if it answers. Asks once."""
    async with Preview(base) as preview:
        return await preview.look()


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
            answer = _answer(found, request)
            if answer is None:
                raise _unanswered(self._what)
            kept = plan.take(answer)
            yield Page(
                channel, self.name, kept.posts, kept.service, kept.rejected, kept.reading,
                kept.covers,
            )  # fmt: skip
            if plan.is_stuck:
                raise _unanswered(self._what)

    @property
    def _what(self) -> str:
        return f"@{self._username}"

    def _honour(self, reading: Reading) -> None:
        until = reading.not_before
        if until is not None and is_left_alone(until, now=dt.datetime.now(dt.UTC)):
            raise _left_alone(self._what, until)

    async def _ask(self, request: Request) -> AsyncIterator[Wait | PreviewPage]:
        url = f"{self._preview.base}/{self._username}"
        if request.before is not None:
            url += f"?before={request.before}"
        answered: Answered | None = None
        for _ in range(HOPS):
            async for step in self._preview.get(url, self._what):
                if isinstance(step, Wait):
                    yield step
                else:
                    answered = step
            target = self._preview.moved_to(answered, url) if answered is not None else None
            if target is None:
                break
            url = target
            if request.before is not None and "before=" not in url:
                raise _unanswered(self._what)  # what is there is another page
        assert answered is not None  # get raises, or ends with it
        page = read_page(answered.html) if answered.status == 200 else None
        if page is not None:
            yield page
            return
        async for refusal in self._why_not(answered):
            if isinstance(refusal, Wait):
                yield refusal
            else:
                raise refusal

    async def _why_not(self, answered: Answered) -> AsyncIterator[Wait | TgTaggerError]:
        """Yield the reason why there is no preview, which only the channel's own page tells."""
        html, what = answered.html, self._what
        if answered.location is not None:
            url = self._preview.base.removesuffix("/s") + f"/{self._username}"
            async for step in self._preview.get(url, what):
                if isinstance(step, Wait):
                    yield step
                else:
                    html = step.html
        elif answered.status not in {200, 404}:
            yield SourceError(f"{what}: the web preview answers HTTP {answered.status}")
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
            case "foreign":
                yield TryLater(
                    f"{what}: what answers is not the web preview",
                    hint="is there a page to sign in to this network? try again later",
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
        if self.channel_id not in {None, number}:
            raise _unanswered(self._what)  # it was another one a page ago
        self.channel_id = number
        title = page.title or (known.title if known else None) or f"@{self._username}"
        return Channel(number, title, page.username or self._username)


def _answer(page: PreviewPage, request: Request) -> Answer | None:
    """Make posts of a page; None for one that is no answer to the request."""
    found = [convert(html) for html in reversed(page.messages)]
    before = request.before
    numbered = [(_number(item), item) for item in found if _number(item)]
    items = [item for number, item in numbered if before is None or number < before]
    if not items:
        # Where nothing older is there may stand the messages that come after, and no others.
        lowest = min((number for number, _ in numbered), default=None)
        is_end = not found or (before is not None and lowest is not None and lowest <= before)
        return Answer((), None, last=True) if is_end and not page.older else None
    items.sort(key=_number, reverse=True)
    low = _number(items[-1])
    high = max(item.ids[-1] if isinstance(item, PostData) else _number(item) for item in items)
    return Answer(
        tuple(items), IdRange(low, high if before is None else max(high, before - 1)), low <= 1
    )


def _number(item: Item) -> int:
    """Return the lowest id of an item; 0 where it has none."""
    match item:
        case PostData():
            return item.ids[0]
        case Rejected():
            return item.id if isinstance(item.id, int) else 0
    return item.message_id
