"""Make posts, and tags on them, for tests: short calls, sensible values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tgtagger.decide import update_after
from tgtagger.model.choices import SourceName
from tgtagger.model.posts import Channel, Page, PostData, PostFilter, RawRecord
from tgtagger.model.tagging import Provenance, SuggestedTag, TaggingError, TagUpdate
from tgtagger.store import Store

CHANNEL = Channel(1006503122, "News", "news")
EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def minute(number: int) -> dt.datetime:
    return EPOCH + dt.timedelta(minutes=number)


def post(number: int, text: str = "", **facts: Any) -> PostData:
    ids = facts.pop("ids", (number,))
    date = facts.pop("date", minute(number))
    raw = facts.pop("raw", RawRecord(f"raw {number} {text}".encode(errors="replace"), 1))
    return PostData(ids, date, text, raw=raw, **facts)


def page(
    *posts: PostData, channel: Channel = CHANNEL, source: SourceName = "desktop", **rest: Any
) -> Page:
    return Page(channel, source, posts, **rest)


PROVENANCE = Provenance("keywords", "1")


def tag(
    store: Store, names: Iterable[str], *, hashtag: bool = False, wanted: PostFilter | None = None
) -> list[bool]:
    """Give all posts, or the wanted ones, these tags, as a tagger does."""
    run = store.runs.start("tag", PROVENANCE)
    suggested = tuple(SuggestedTag(name, hashtag) for name in names)
    return store.queue.save(
        [
            TagUpdate(item.id, item.text_hash, "tagged", PROVENANCE, suggested, item.attempts + 1)
            for item in store.queue.posts(wanted or PostFilter())
        ],
        run,
    )


def archive(db: Path, count: int) -> None:
    """Make a database of so many pending posts; replace an older one."""
    for path in db.parent.glob(f"{db.name}*"):
        path.unlink()
    texts = (f"A storm at sea, number{n}. " + "слово " * 30 for n in range(1, count + 1))
    with Store.open(str(db)) as store:
        store.posts.save_page(page(*(post(n, text) for n, text in enumerate(texts, 1))))


def fail_all(db: Path) -> None:
    """Mark every post as failed in a run of a model, long ago."""
    with Store.open(str(db)) as store:
        fail_posts(store)


def fail_posts(store: Store) -> None:
    provenance = Provenance("llm", "test-model")
    failed = [
        update_after(item, TaggingError("server", "HTTP 500"), provenance, now=EPOCH)
        for item in store.queue.posts(PostFilter())
    ]
    store.queue.save(failed, store.runs.start("tag", provenance))
