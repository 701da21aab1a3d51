"""Join the channels that an old Telegram Desktop's exports brought in under shifted ids.

Knows no face.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tgtagger.config import Settings
from tgtagger.model.posts import Channel
from tgtagger.store import Store


@dataclass(frozen=True, slots=True)
class ShiftedChannel:
    """A channel as it was stored, its own id, and how many posts it had.

    `own` is None where it is not certain that the id is shifted: then nothing was done.
    """

    channel: Channel
    own: int | None
    posts: int = 0


def join_shifted(settings: Settings) -> tuple[ShiftedChannel, ...]:
    """Join each such channel with its own id. Raises TryLater while a run is at work.

    Where there is none, nothing is written and no run is kept waiting.
    """
    with Store.open_up_to_date(settings.db) as reader:
        found = tuple(_find(reader))
    if all(each.own is None for each in found):
        return found
    with Store.open(settings.db, create=False) as store, store.lock("parse"), store.lock("tag"):
        found = tuple(_find(store))  # a run may have read since
        return tuple(_join(store, each) for each in found)


def _join(store: Store, found: ShiftedChannel) -> ShiftedChannel:
    if found.own is None:
        return found
    return replace(found, posts=store.shifted_ids.join(found.channel.id, found.own))


def _find(store: Store) -> Iterator[ShiftedChannel]:
    from tgtagger.sources.desktop import file

    for channel, is_of_exports in store.shifted_ids.suspects(file.SHIFTED):
        own = file.original_id(channel.id, _unpacked(store, channel.id))
        if is_of_exports and own != channel.id:
            yield ShiftedChannel(channel, own)
        elif own not in {channel.id, None}:  # another source has read it under this id
            yield ShiftedChannel(channel, None)


def _unpacked(store: Store, channel: int) -> Iterator[Any]:
    from tgtagger.sources import raw

    for data in store.shifted_ids.records(channel):
        try:
            record = raw.unpack(data)
        except ValueError:
            continue
        yield from record if isinstance(record, list) else [record]
