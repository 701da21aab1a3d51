"""Make posts, and tags on them, for tests: short calls, sensible values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from tgtagger.outcomes import Origin, SuggestedTag, TagUpdate
from tgtagger.store import Store
from tgtagger.types import Channel, Page, PostData, PostFilter, RawForm, SourceName

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


ORIGIN = Origin("keywords", "1")


def tag(store: Store, names: Iterable[str], *, hashtag: bool = False) -> list[bool]:
    """Give all posts these tags, as a tagger does."""
    run = store.start_run("tag", ORIGIN)
    suggested = tuple(SuggestedTag(name, hashtag) for name in names)
    return store.save_tags(
        [
            TagUpdate(item.id, item.text_hash, "tagged", ORIGIN, suggested, item.attempts + 1)
            for item in store.posts_for_tagging(PostFilter())
        ],
        run,
    )
