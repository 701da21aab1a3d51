"""What `parse` is to read: the SOURCEs of the command line, and who reads each. Draws nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tgtagger.cli.options import path_of
from tgtagger.config import Settings
from tgtagger.errors import ActionNeeded, InputError, SourceError
from tgtagger.model.posts import Channel
from tgtagger.model.refs import ChannelRef, Named, Numbered, read_channel
from tgtagger.store import Store

Via = Literal["auto", "telegram", "preview"]


@dataclass(frozen=True, slots=True)
class Target:
    """One SOURCE: an export's path, or a channel and what the archive knows under that name."""

    text: str
    path: Path | None = None
    ref: ChannelRef | None = None
    known: Channel | None = None


def read_target(text: str, store: Store) -> Target:
    """Tell a path from a channel. Raises InputError for what is neither."""
    path = path_of(text)
    with contextlib.suppress(OSError):  # a name that is too long
        if path.exists():
            return Target(text, path=path)
    try:
        ref = read_channel(text)
    except InputError:
        if ("/" in text and "t.me" not in text) or text.endswith(".json") or text[:1] in ".~":
            return Target(text, path=path)  # reading it says that it is not there
        raise
    return Target(text, ref=ref, known=_known(ref, store))


def _known(ref: ChannelRef, store: Store) -> Channel | None:
    match ref:
        case Named(name):
            return store.channels.find(name)
        case Numbered(number):
            return store.channels.find(number)
    return None


def stored_targets(store: Store) -> list[Target]:
    """Return the channels of the archive that are not paused, those that were just added first."""
    stored = [
        Target(
            f"@{state.channel.username}" if state.channel.username else str(state.channel.id),
            ref=Numbered(state.channel.id),
            known=state.channel,
        )
        for state in store.status.channels()
        if not state.paused and not state.left
    ]
    added = []
    for source in store.channels.followed_sources():
        ref = read_channel(source)
        added.append(Target(source, ref=ref, known=_known(ref, store)))
    return [*added, *stored]


def is_signed_in(settings: Settings) -> bool:
    """Tell whether there is a session, without loading Telethon."""
    return (settings.data_dir / "sessions" / f"{settings.account}.session").is_file()


def choose_via(via: Via, settings: Settings) -> Literal["telegram", "preview"]:
    if via == "auto":
        return "telegram" if is_signed_in(settings) else "preview"
    return via


def preview_name(target: Target) -> str:
    """Return the name under which the web preview knows a channel. Raises where it has none."""
    if isinstance(target.ref, Named):
        return target.ref.name
    if target.known is not None and target.known.username:
        return target.known.username
    if isinstance(target.ref, Numbered) and target.known is None:
        raise ActionNeeded(
            f"{target.text}: the web preview knows channels by their @names only",
            hint="give its @name, or sign in: tgtagger login",
        )
    if isinstance(target.ref, Numbered):
        raise SourceError(
            f"{target.known.title if target.known else target.text} has no public name, so it has "
            "no web preview",
            hint="sign in to read it: tgtagger login",
        )
    raise ActionNeeded("invitations need an account", hint="sign in first: tgtagger login")


def readable(targets: Sequence[Target], via: str) -> tuple[list[Target], int]:
    """Return the stored channels that can be read this way, and how many cannot."""
    if via == "telegram":
        return list(targets), 0
    named = [
        each
        for each in targets
        if isinstance(each.ref, Named) or (each.known and each.known.username)
    ]
    return named, len(targets) - len(named)
