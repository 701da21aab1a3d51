"""Get the pages of the web preview over HTTP, one at a time.

Tells each wait that the server asks for (Retry-After), and sleeps it, up to a budget. Reads an
answer whole and within bounds (`tgtagger.http`), or rejects it. Knows no channel and makes no
posts.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
import math
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from tgtagger import __version__, http
from tgtagger.errors import SourceError, TryLater
from tgtagger.model.events import Events
from tgtagger.model.tagging import Wait
from tgtagger.sources.plan import LONGEST_WAIT, wait_ends
from tgtagger.sources.preview.page import read_instead, read_page

PAUSE = 0.5
"""Seconds between requests."""

PAUSES = (1.0, 2.0, 4.0)
"""Seconds before a request that met trouble is sent again."""

IN_VAIN = 2
"""After so many requests in a row that nobody answered, the run sends no more.

If the answers are errors, those may be a channel's own: after so many, the channels behind them are
asked for once each, without pauses.
"""

ERRORS = 10
"""After so many requests in a row that got errors, the run sends no more."""

LARGEST = 2 << 20
"""Bytes of a page at most, unpacked; real ones have some 150,000."""

DEADLINE = 60.0
"""Seconds for a whole answer, however slowly it drips."""

OWN = "telegram"
"""Telegram's own channel, which always exists."""

UNTOLD = 30.0
"""Seconds to wait if the server asks for a wait of unknown length."""

_NO_DATE = (ValueError, TypeError, IndexError, OverflowError)
"""The errors of the standard library for a text that is not a date."""


class _NotAPage(Exception):
    """The answer cannot be a page; the message says why."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; `location` is where a redirect leads."""

    status: int
    html: str
    location: str | None = None


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why a request failed that may succeed later; `is_answer`: it is what somebody answered."""

    words: str
    is_answer: bool = True


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
        self._given_up = 0  # requests in a row
        self._unanswered = 0  # of them, those in a row that nobody answered
        self._closed_until: dt.datetime | None = None

    async def __aenter__(self) -> Self:
        self._client = http.Client(
            self.base,
            {
                "User-Agent": f"tgtagger/{__version__}",
                "Accept-Language": "en",
                "Accept-Encoding": "gzip",  # `http` unpacks it, up to the size of a page
            },
            deadline=DEADLINE,
            timeout=httpx.Timeout(20, connect=10),
            proxy_error="preview_proxy_invalid",
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def get(self, url: str, what: str, events: Events) -> Response:
        """Return a page; tell `events` each wait before it begins."""
        if self._closed_until is not None:
            raise left_alone(what, self._closed_until)
        if self._unanswered >= IN_VAIN or self._given_up >= ERRORS:
            raise _trouble(what, "not asked any more")
        troubles = 0
        while True:
            due = self._last + self._pause - time.monotonic()
            if due > 0:
                await self._sleep(due)
            answer = await self._ask(url, what)
            if isinstance(answer, Response):
                self._given_up = self._unanswered = 0
                return answer
            if isinstance(answer, float):
                self._spend(answer, what)
                events.wait(Wait(answer, "the web preview asks to wait"))
                await self._sleep(answer)
                continue
            is_once = answer.is_answer and self._given_up >= IN_VAIN
            if troubles == len(PAUSES) or is_once:
                self._given_up += 1
                self._unanswered = 0 if answer.is_answer else self._unanswered + 1
                raise _trouble(what, answer.words)
            events.wait(Wait(PAUSES[troubles], "the web preview has trouble"))
            await self._sleep(PAUSES[troubles])
            troubles += 1

    async def look(self) -> str | None:
        """Ask once for Telegram's own channel; return the error, None if it answers."""
        answer = await self._ask(f"{self.base}/{OWN}", "the web preview")
        if isinstance(answer, float):
            return f"it asks to wait {answer:.0f} s"
        if isinstance(answer, _Trouble):
            return answer.words
        if answer.status not in {200, 404}:
            return f"HTTP {answer.status}"
        if read_page(answer.html) is None and read_instead(answer.html) == "foreign":
            return "what answers is not the web preview"
        return None

    def _spend(self, seconds: float, what: str) -> None:
        """Take a wait in seconds from the budget. Raises TryLater if that is too small."""
        if seconds > self._budget:
            self._closed_until = wait_ends(seconds, now=dt.datetime.now(dt.UTC))
            raise left_alone(what, self._closed_until)
        self._budget -= seconds

    async def _ask(self, url: str, what: str) -> Response | float | _Trouble:
        """Return an answer, the seconds that the server asks to wait, or the trouble."""
        try:
            address = httpx.URL(url)
            answer = await self._client.call("GET", address, largest=LARGEST, wanted=_is_page)
            response = Response(
                answer.status,
                _html(answer) if answer.status in PAGES else "",
                answer.headers["location"] if answer.is_redirect else None,
            )
        except http.TooLarge:
            return _Trouble("its answer is larger than any page")
        except (httpx.HTTPError, TimeoutError) as error:
            return _Trouble(_describe(error), is_answer=False)
        except _NotAPage as error:
            return _Trouble(str(error))
        except httpx.InvalidURL as error:
            raise SourceError("preview_address_invalid", what=what, url=url) from error
        finally:
            self._last = time.monotonic()
        asked = _retry_after(answer.headers)
        if response.status == 429 or (response.status == 503 and asked is not None):
            return asked or UNTOLD
        return _Trouble(f"HTTP {response.status}") if response.status >= 500 else response

    def moved_to(self, response: Response, url: str) -> str | None:
        """Return the new address of a page that has moved within the preview; None otherwise."""
        if response.location is None:
            return None
        try:
            target = httpx.URL(url).join(response.location)
        except httpx.InvalidURL:
            return None
        return str(target) if str(target).startswith(self.base + "/") else None


PAGES = frozenset({200, 404})
"""The statuses of pages; of any other answer only the headers are read."""


def _is_packed_well(headers: Mapping[str, str]) -> bool:
    return http.encoding_of(headers) in {"identity", "gzip"}


def _is_page(status: int, headers: Mapping[str, str]) -> bool:
    return status in PAGES and _is_packed_well(headers)


def _html(answer: http.HttpResponse) -> str:
    """Return a body as text. Raises _NotAPage for an incomplete one."""
    if not _is_packed_well(answer.headers):
        raise _NotAPage("its answer is packed in a way that was not asked for")
    try:
        html = answer.content.decode()
    except UnicodeDecodeError as error:
        raise _NotAPage("its answer is not UTF-8") from error
    # If the length of a body is unknown, a broken connection looks like its end.
    is_framed = "content-length" in answer.headers or "transfer-encoding" in answer.headers
    is_whole = is_framed or not answer.content or "</html>" in html[-1000:]
    if not (is_whole and answer.is_whole):
        raise _NotAPage("its answer is cut off")
    return html


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait; a date counts by the server's clock, if the server tells it."""
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
    return TryLater("preview_unreachable", what=what, detail=detail)


def left_alone(what: str, until: dt.datetime) -> TryLater:
    """Return the refusal to wait that long in this run."""
    return TryLater("preview_closed_until", what=what, until=until, not_before=until)


async def look(base: str) -> str | None:
    """Return the error that makes the web preview unreadable, None if it answers. Asks once."""
    async with Preview(base) as preview:
        return await preview.look()


def _describe(error: Exception) -> str:
    """Return in plain words why a call brought no answer."""
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError():
            return _why_no_connection(error)
        case httpx.ProxyError():
            return "the proxy refuses"
        case httpx.TimeoutException() | TimeoutError():
            return "no answer in time"
        case httpx.DecodingError():
            return "its answer cannot be read"
        case httpx.RemoteProtocolError():
            return "it speaks no proper HTTP"
    return "the connection broke"


def _why_no_connection(error: BaseException) -> str:
    cause: BaseException | None = error
    for _ in range(20):  # a chain of causes may be a ring
        if isinstance(cause, socket.gaierror):
            return "its name is not known here"
        if isinstance(cause, ssl.SSLError):
            return "its certificate is not trusted"
        if isinstance(cause, ConnectionRefusedError):
            return "it refuses the connection"
        if cause is None:
            break
        cause = cause.__cause__ or cause.__context__
    return "no connection"
