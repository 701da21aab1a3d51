"""Put the albums of an export together: it writes each photo as a message of its own.

A guess, since the export has no word for albums: consecutive ids, the same second, the same
author and origin, a photo or file each, at most ten, and one caption at most. A source that knows
better corrects it later (see the store). Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tgtagger.model.posts import PostData, RawRecord
from tgtagger.sources import albums, raw

LARGEST = 10
"""Telegram's own limit of an album's members."""

_GROUPED = {"photo", "video", "document", "audio"}


@dataclass(frozen=True, slots=True)
class Draft:
    """A post of one message, and what tells whether it belongs to its neighbour."""

    post: PostData
    origin: tuple[object, ...]
    record: Any


def draft(post: PostData, record: dict[str, Any]) -> Draft:
    origin = (
        post.date,
        record.get("from_id", record.get("from")),
        record.get("forwarded_from"),
        record.get("reply_to_message_id"),
    )
    return Draft(post, origin, record)


def belongs(group: Sequence[Draft], item: Draft) -> bool:
    """Tell whether a message continues the album that `group` may be."""
    last = group[-1]
    return (
        item.post.ids[0] == last.post.ids[0] + 1
        and len(group) < LARGEST
        and item.post.date is not None
        and item.origin == last.origin
        and _can_group(item)
        and _can_group(last)
        and sum(bool(member.post.text) for member in (*group, item)) <= 1
    )


def _can_group(item: Draft) -> bool:
    media = item.post.media
    return bool(media) and media[0].type in _GROUPED


def join(group: Sequence[Draft]) -> PostData:
    """Return the post that a group of messages makes."""
    posts = [member.post for member in group]
    form = posts[0].raw
    assert form is not None  # the converter gives each its raw record
    if len(posts) > 1:
        form = RawRecord(raw.pack([member.record for member in group]), form.converter)
    return albums.join(posts, form)
