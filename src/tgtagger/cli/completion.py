"""What the Tab key offers for channels, tags and formats.

A shell asks while somebody types: after any error it offers nothing and prints nothing. It changes
nothing either: a database of an older version stays as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, get_args

import typer

from tgtagger.cli.click import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    split_arg_string,
)
from tgtagger.errors import TgTaggerError
from tgtagger.model.choices import PostStatus

if TYPE_CHECKING:
    from tgtagger.store import Store

MOST = 50

T = TypeVar("T")
Offers = list[tuple[str, str]]


def channels(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the archive's channels, by username or id, with their titles, and those just added."""
    return [
        (name, title)
        for name, title in _ask(ctx, lambda store: store.channels.names())
        if name.startswith(incomplete) or _begins(title, incomplete)
    ][:MOST]


def _begins(title: str, typed: str) -> bool:
    """Tell whether a word of a title begins so: bbc offers @bbcworld, whose title is BBC World."""
    begin = typed.casefold()
    return bool(begin) and any(word.casefold().startswith(begin) for word in title.split())


def tags(ctx: typer.Context, incomplete: str) -> Offers:
    """Offer the tags, the most used first."""
    found = _ask(ctx, lambda store: store.tags.beginning(incomplete, MOST))
    return [(name, f"{posts} post" if posts == 1 else f"{posts} posts") for name, posts in found]


def formats(incomplete: str) -> list[str]:
    from tgtagger.export import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def statuses(incomplete: str) -> list[str]:
    return [name for name in get_args(PostStatus) if name.startswith(incomplete)]


def _ask(
    ctx: typer.Context, read: Callable[[Store], tuple[tuple[str, T], ...]]
) -> tuple[tuple[str, T], ...]:
    from tgtagger import config
    from tgtagger.store import Store

    given = ctx.find_root().params
    flags = {name: given[name] for name in ("db", "config") if given.get(name)}
    try:
        with Store.open_to_read(config.load(flags).db) as store:
            return read(store)
    except (TgTaggerError, OSError):
        return ()


class Bash(BashComplete):
    """Typer's completion, mended for the words that bash splits: spaces, @names, --tag=value."""

    def get_completion_args(self) -> tuple[list[str], str]:
        words = os.environ["COMP_WORDS"].split("\n")
        words = words[: int(os.environ["COMP_CWORD"]) + 1]
        if len(words) == 1:  # Typer's script has not joined it
            return super().get_completion_args()
        joined: list[str] = []
        for word in words:
            if joined and joined[-1] == "@":
                joined[-1] += word
            elif word != "=" or not joined[-1].startswith("--"):
                joined.append(word)
        *args, self._typed = joined
        return [_plain(word) for word in args[1:]], _plain(self._typed)

    def format_completion(self, item: CompletionItem) -> str:
        quote = getattr(self, "_typed", "")[:1]
        value = str(item.value)
        if quote == "'":
            return value.replace("'", r"'\''")
        special = r'(["\\$`])' if quote == '"' else r"([^\w@%+:,./-])"
        return re.sub(special, r"\\\1", value)


def _plain(word: str) -> str:
    return " ".join(split_arg_string(word))


def prepare() -> None:
    """Make Typer use `Bash` for bash."""
    add_completion_class(Bash, "bash")
