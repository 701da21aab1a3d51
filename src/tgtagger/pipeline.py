"""The order of things: a source's pages into the store, the store's posts through a tagger.

Yields results as they are safe on disk; totals are the caller's. Knows no terminal, and no
transaction of the store is ever open while something is awaited.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from typing import Protocol

from tgtagger.decide import update_after
from tgtagger.errors import TryLater
from tgtagger.outcomes import Origin, Outcome, PostForTagging, Tagged, TagResult, TagUpdate
from tgtagger.store import Store
from tgtagger.types import Memory, Page, PageStored, PostFilter, SourceName, Wait

FREE_ANSWERS = 200
"""Answers that cost nothing are written this many at a time; one that was paid for, at once."""


class PostSource(Protocol):
    """Where posts come from. Raises a TgTaggerError when it cannot go on; what it gave counts.

    A source that has to wait says so before it does. `channel_id` is None until it is known.
    """

    @property
    def name(self) -> SourceName: ...

    @property
    def channel_id(self) -> int | None: ...

    def pages(self, memory: Memory) -> AsyncGenerator[Page | Wait]: ...


class Tagger(Protocol):
    """Gives posts their tags, in any order; a post's failure is an Outcome, not an exception."""

    @property
    def origin(self) -> Origin: ...

    @property
    def paid(self) -> bool: ...

    def tag(
        self, posts: Iterable[PostForTagging]
    ) -> AsyncIterator[tuple[PostForTagging, Outcome]]: ...


async def parse(source: PostSource, store: Store) -> AsyncGenerator[PageStored | Wait]:
    """Store a source's pages; yield what became of each, and the waits before them.

    A wait that is too long for this run is remembered for the channel, and ends it.
    """
    try:
        async with aclosing(source.pages(store)) as pages:
            async for page in pages:
                yield page if isinstance(page, Wait) else store.save_page(page)
    except TryLater as error:
        if error.not_before is not None and source.channel_id is not None:
            store.postpone(source.channel_id, source.name, error.not_before)
        raise


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


async def tag(
    store: Store,
    tagger: Tagger,
    wanted: PostFilter,
    run: int,
    *,
    clock: Callable[[], dt.datetime] = _utc_now,
) -> AsyncIterator[TagResult]:
    """Tag the posts of a filter; yield each result when it is stored.

    A result whose post was edited meanwhile is not stored, and not yielded: the post is pending.
    """
    waiting: list[tuple[TagUpdate, Outcome]] = []
    size = 1 if tagger.paid else FREE_ANSWERS
    async for post, outcome in tagger.tag(store.posts_for_tagging(wanted)):
        waiting.append((update_after(post, outcome, now=clock()), outcome))
        if len(waiting) >= size:
            for result in _save(store, tagger.origin, run, waiting):
                yield result
            waiting.clear()
    for result in _save(store, tagger.origin, run, waiting):
        yield result


def _save(
    store: Store, origin: Origin, run: int, waiting: list[tuple[TagUpdate, Outcome]]
) -> list[TagResult]:
    if not waiting:
        return []
    written = store.save_tags([update for update, _ in waiting], origin, run)
    return [
        TagResult(
            update.id,
            outcome,
            tuple(tag.name for tag in outcome.tags) if isinstance(outcome, Tagged) else (),
        )
        for (update, outcome), kept in zip(waiting, written, strict=True)
        if kept
    ]
