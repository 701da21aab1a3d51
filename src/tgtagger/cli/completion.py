"""What the Tab key offers for channels, tags and formats. Says nothing where it cannot know.

A shell asks while somebody types: whatever goes wrong, there is nothing to be offered, and no word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer

from tgtagger.errors import TgTaggerError

if TYPE_CHECKING:
    from tgtagger.store import Store

MOST = 50

Offers = list[tuple[str, str]]


def channels(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the archive's channels, by username or id, with their titles."""

    def read(store: Store) -> Iterable[tuple[str, str]]:
        for state in store.channels():
            name = state.channel.username
            yield (f"@{name}" if name else str(state.channel.id)), state.channel.title

    wanted = incomplete.casefold()
    return [
        (name, title)
        for name, title in _ask(ctx, read)
        if name.casefold().startswith(wanted) or title.casefold().startswith(wanted)
    ][:MOST]


def tags(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the tags, the most used first."""

    def read(store: Store) -> Iterable[tuple[str, str]]:
        return ((tag.name, f"{tag.posts} posts") for tag in store.tags())

    wanted = incomplete.casefold()
    return [item for item in _ask(ctx, read) if item[0].casefold().startswith(wanted)][:MOST]


def formats(incomplete: str) -> list[str]:
    from tgtagger.export import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def statuses(incomplete: str) -> list[str]:
    return [
        name for name in ("pending", "tagged", "skipped", "failed") if name.startswith(incomplete)
    ]


def _ask(ctx: typer.Context, read: Callable[[Store], Iterable[tuple[str, str]]]) -> Offers:
    from tgtagger import config
    from tgtagger.store import Store

    given = ctx.find_root().params
    flags = {name: given[name] for name in ("db", "config") if given.get(name)}
    try:
        with Store.open_to_read(config.load(flags).db) as store:
            return list(read(store))
    except (TgTaggerError, OSError):
        return []
