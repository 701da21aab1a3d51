"""One channel of the web preview: get its pages, and make pages of posts.

`sources.plan` decides which page comes next; `client` gets it. Knows neither the store nor the
HTML.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator
from dataclasses import replace

from tgtagger.errors import SourceError, TgTaggerError, TryLater
from tgtagger.model.choices import SourceName
from tgtagger.model.events import Events
from tgtagger.model.posts import Channel, IdRange, Memory, Page, PostData, ReadProgress, Rejected
from tgtagger.model.refs import reassigned
from tgtagger.sources.plan import Answer, Item, Plan, ReadOptions, Request, is_left_alone
from tgtagger.sources.preview.client import Preview, Response, left_alone
from tgtagger.sources.preview.convert import convert
from tgtagger.sources.preview.page import PreviewPage, read_instead, read_page

PAGE = 20
"""Messages on a page, about; by default a run reads the newest page again."""

HOPS = 3
"""Redirects within the preview that are followed."""


class PreviewChannel:
    """One channel's preview as a source of pages. `known` is the archive's channel of this name."""

    name: SourceName = "preview"

    def __init__(
        self, preview: Preview, username: str, options: ReadOptions, *, known: Channel | None = None
    ) -> None:
        self._preview = preview
        self._username = username
        self._options = options if options.refresh is not None else replace(options, refresh=PAGE)
        self._known = known
        self.channel_id = None if known is None else known.id

    async def pages(self, memory: Memory, events: Events) -> AsyncGenerator[Page]:
        """Yield pages, newest first. See sources.plan for the order."""
        if self._known is not None:
            self._honour(memory.read_progress(self._known.id, self.name))
        plan: Plan | None = None
        while True:
            request = Request() if plan is None else plan.next()
            if request is None:
                return
            found = await self._ask(request, events)
            channel = self._channel_of(found)
            if plan is None:
                progress = memory.read_progress(channel.id, self.name)
                self._honour(progress)
                plan = Plan(progress, self._options)
            answer = _answer(found, request)
            if answer is None:
                raise TryLater("preview_answer_wrong", what=self._what)
            kept = plan.take(answer)
            yield Page(
                channel, self.name, kept.posts, kept.service, kept.rejected, kept.progress,
                kept.covers,
            )  # fmt: skip
            if plan.is_stuck:
                raise TryLater("preview_answer_wrong", what=self._what)

    @property
    def _what(self) -> str:
        return f"@{self._username}"

    def _honour(self, progress: ReadProgress) -> None:
        until = progress.not_before
        if until is not None and is_left_alone(until, now=dt.datetime.now(dt.UTC)):
            raise left_alone(self._what, until)

    async def _ask(self, request: Request, events: Events) -> PreviewPage:
        url = f"{self._preview.base}/{self._username}"
        if request.before is not None:
            url += f"?before={request.before}"
        response = await self._preview.get(url, self._what, events)
        for hop in range(1, HOPS + 1):
            target = self._preview.moved_to(response, url)
            if target is None:
                break
            url = target
            if request.before is not None and "before=" not in url:
                # Another page answers at this address.
                raise TryLater("preview_answer_wrong", what=self._what)
            if hop < HOPS:
                response = await self._preview.get(url, self._what, events)
        page = read_page(response.html) if response.status == 200 else None
        if page is None:
            raise await self._why_not(response, events)
        return page

    async def _why_not(self, response: Response, events: Events) -> TgTaggerError:
        """Return why there is no preview; only the channel's own page tells that."""
        html, what = response.html, self._what
        if response.location is not None:
            url = self._preview.base.removesuffix("/s") + f"/{self._username}"
            html = (await self._preview.get(url, what, events)).html
        elif response.status not in {200, 404}:
            return SourceError("preview_answers_status", what=what, status=response.status)
        match read_instead(html):
            case "channel":
                return SourceError("preview_turned_off", what=what)
            case "group":
                return SourceError("preview_of_group", what=what)
            case "person":
                return SourceError("person_not_channel", what=what)
            case "nothing":
                return SourceError("channel_not_found", what=what)
            case "foreign":
                return TryLater("preview_foreign", what=what)

    def _channel_of(self, page: PreviewPage) -> Channel:
        known = self._known
        number = page.number
        if number is None:
            number = self.channel_id
        if number is None:
            raise SourceError("preview_without_number", what=self._what)
        if known is not None and known.id != number:
            raise reassigned(self._username, known, number)
        if self.channel_id not in {None, number}:
            # The page before was of another channel.
            raise TryLater("preview_answer_wrong", what=self._what)
        self.channel_id = number
        title = page.title or (known.title if known else None) or f"@{self._username}"
        return Channel(number, title, page.username or self._username)


def _answer(page: PreviewPage, request: Request) -> Answer | None:
    """Return a page's posts as an answer; None if the page does not answer the request."""
    found = [convert(html) for html in reversed(page.messages)]
    before = request.before
    numbered = [(_number(item), item) for item in found if _number(item)]
    items = [item for number, item in numbered if before is None or number < before]
    if not items:
        # If nothing older exists, the page may hold the later messages, and only these.
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
    """Return the lowest id of an item; 0 for an item without an id."""
    match item:
        case PostData():
            return item.ids[0]
        case Rejected():
            return item.id if isinstance(item.id, int) else 0
    return item.message_id
