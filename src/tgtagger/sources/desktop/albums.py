"""Find the albums of an export: which of its messages belong together. Pure.

An export does not mark albums, and writes each photo as a message of its own. So this guesses:
consecutive ids, the same second, author and forward, a photo or file each, at most ten, and one
caption at most. Telegram's own grouping later corrects the guess (see the store). `sources.albums`
makes one post of the messages. Knows no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tgtagger.model.posts import PostData, RawRecord
from tgtagger.sources import albums, raw

LARGEST = 10
"""Telegram's own limit of an album's members."""

_GROUPED = {"photo", "video", "document", "audio"}


Draft = tuple[PostData, dict[str, Any]]
"""A post of one message, and the message."""


def belongs(group: Sequence[Draft], item: Draft) -> bool:
    """Tell whether a message continues `group`, which may be an album."""
    post, last = item[0], group[-1][0]
    return (
        _can_group(post)
        and _can_group(last)
        and post.ids[0] == last.ids[0] + 1
        and len(group) < LARGEST
        and post.date is not None
        and _shared(item) == _shared(group[-1])
        and sum(bool(member.text) for member, _ in (*group, item)) <= 1
    )


def _can_group(post: PostData) -> bool:
    return bool(post.media) and post.media[0].type in _GROUPED


def _shared(item: Draft) -> tuple[object, ...]:
    """Return the facts that all members of an album have in common."""
    post, record = item
    return (
        post.date,
        record.get("from_id", record.get("from")),
        record.get("forwarded_from"),
        record.get("reply_to_message_id"),
    )


def join(group: Sequence[Draft]) -> PostData:
    """Return the post that a group of messages makes."""
    first = group[0][0]
    if len(group) == 1:
        return first
    assert first.raw is not None  # the converter sets each raw record
    packed = RawRecord(raw.pack([record for _, record in group]), first.raw.converter)
    return albums.join([post for post, _ in group], packed)
