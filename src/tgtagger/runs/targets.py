"""The targets of a parsing run: the channels and exports that a person named, and their sources.

Knows the archive's channels. Reads no post.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tgtagger.config import Settings, path_of
from tgtagger.errors import ActionNeeded, InputError, SourceError, TgTaggerError
from tgtagger.model.choices import Via
from tgtagger.model.posts import Channel
from tgtagger.model.refs import (
    ChannelRef,
    Named,
    Numbered,
    canonical_name,
    is_foreign_address,
    read_channel,
)
from tgtagger.runs.accounts import is_signed_in
from tgtagger.store import Store


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to read: an export's path, or a channel with the archive's record of it."""

    text: str
    path: Path | None = None
    ref: ChannelRef | None = None
    known: Channel | None = None


def read_target(text: str, store: Store) -> Target:
    """Return the path or channel that a text names. Raises InputError if it is neither."""
    if path := export_path(text):
        return Target(text, path=path)
    ref = read_channel(text)
    return Target(text, ref=ref, known=_known(ref, store))


def export_path(text: str) -> Path | None:
    """Return the path of the export that a text names, there or not; None for a channel's name."""
    if not text.strip():
        return None
    path = path_of(text)
    with contextlib.suppress(OSError):  # the name is too long for a path
        if path.exists():
            return path
    if is_foreign_address(text):
        return None
    try:
        read_channel(text)
    except InputError:
        if ("/" in text and "t.me" not in text) or text.endswith(".json") or text[:1] in ".~":
            return path  # reading tells that it is missing
    return None


def one_name(text: str) -> str:
    """Return the one name of what is read: two runs that read the same shall not be at work."""
    path = export_path(text)
    if path is not None:
        return str(path)
    try:
        return canonical_name(read_channel(text)).casefold()
    except InputError:  # reading says so
        return text


def check_any(sources: Sequence[str]) -> None:
    """Raise InputError if nothing that was named can be read: no run, no archive is made for it."""
    errors = [error for error in map(_error_of, sources) if error is not None]
    if errors and len(errors) == len(sources):
        raise errors[0]


def check_channels(names: Sequence[str]) -> None:
    """Raise InputError for the first that is no channel's name: no archive is made for it."""
    for name in names:
        read_channel(name)


def _error_of(text: str) -> TgTaggerError | None:
    path = export_path(text)
    if path is not None:
        with contextlib.suppress(OSError):
            return None if path.exists() else InputError("export_missing", path=path)
    try:
        read_channel(text)
    except InputError as error:
        return error
    return None


def _known(ref: ChannelRef, store: Store) -> Channel | None:
    match ref:
        case Named(name):
            return store.channels.find(name)
        case Numbered(number):
            return store.channels.find(number)
    return None


def stored_targets(store: Store) -> list[Target]:
    """Return the channels of the archive that are not paused; newly added ones come first."""
    stored = [
        Target(
            f"@{state.channel.username}" if state.channel.username else str(state.channel.id),
            ref=Numbered(state.channel.id),
            known=state.channel,
        )
        for state in store.status.channels()
        if not state.paused and not state.unfollowed
    ]
    added = []
    for source in store.channels.followed_sources():
        ref = read_channel(source)
        added.append(Target(source, ref=ref, known=_known(ref, store)))
    return [*added, *stored]


def choose_via(via: Via, settings: Settings) -> Literal["telegram", "preview"]:
    if via == "auto":
        return "telegram" if is_signed_in(settings) else "preview"
    return via


def preview_name(target: Target) -> str:
    """Return a channel's name in the web preview.

    Raises SourceError for a channel without one, ActionNeeded for an invitation.
    """
    if isinstance(target.ref, Named):
        return target.ref.name
    if target.known is not None and target.known.username:
        return target.known.username
    if isinstance(target.ref, Numbered) and target.known is None:
        raise ActionNeeded("preview_wants_name", source=target.text)
    if isinstance(target.ref, Numbered):
        channel = target.known.title if target.known else target.text
        raise SourceError("channel_without_name", channel=channel)
    raise ActionNeeded("invitation_wants_account")


def readable(targets: Sequence[Target], via: str) -> tuple[list[Target], int]:
    """Return the stored channels that this source can read, and the number of the others."""
    if via == "telegram":
        return list(targets), 0
    named = [
        each
        for each in targets
        if isinstance(each.ref, Named) or (each.known and each.known.username)
    ]
    return named, len(targets) - len(named)


def read_list(path: Path) -> list[str]:
    """Return the names in a file, one a line; `#` begins a comment."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError("list_unreadable", path=path, reason=error.strerror) from error
    except UnicodeDecodeError as error:
        raise InputError("list_not_utf8", path=path) from error
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
