"""Find the albums of an export: which of its messages belong together. Pure.

An export does not mark albums, and writes each photo as a message of its own. So this guesses:
consecutive ids, the same second, author and forward, a photo or file each, at most ten, and one
caption at most. Telegram's own grouping later corrects the guess (see the store). `sources.albums`
makes one post of the messages. Knows no file.
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
    """A post of one message. All members of an album have the same `shared` facts."""

    post: PostData
    shared: tuple[object, ...]
    record: Any


def draft(post: PostData, record: dict[str, Any]) -> Draft:
    shared = (
        post.date,
        record.get("from_id", record.get("from")),
        record.get("forwarded_from"),
        record.get("reply_to_message_id"),
    )
    return Draft(post, shared, record)


def belongs(group: Sequence[Draft], item: Draft) -> bool:
    """Tell whether a message continues `group`, which may be an album."""
    last = group[-1]
    return (
        item.post.ids[0] == last.post.ids[0] + 1
        and len(group) < LARGEST
        and item.post.date is not None
        and item.shared == last.shared
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
    packed = posts[0].raw
    assert packed is not None  # the converter sets each raw record
    if len(posts) > 1:
        packed = RawRecord(raw.pack([member.record for member in group]), packed.converter)
    return albums.join(posts, packed)
