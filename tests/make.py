"""Make posts for tests: short calls, sensible values."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tgtagger.types import Channel, Page, PostData, RawForm, SourceName

CHANNEL = Channel(1006503122, "News", "news")
EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def minute(number: int) -> dt.datetime:
    return EPOCH + dt.timedelta(minutes=number)


def post(number: int, text: str = "", **facts: Any) -> PostData:
    ids = facts.pop("ids", (number,))
    date = facts.pop("date", minute(number))
    raw = facts.pop("raw", RawForm(f"raw {number} {text}".encode(errors="replace"), 1))
    return PostData(ids, date, text, raw=raw, **facts)


def page(
    *posts: PostData, channel: Channel = CHANNEL, source: SourceName = "desktop", **rest: Any
) -> Page:
    return Page(channel, source, posts, **rest)
