"""Turn a `PostData` into the columns of its row. Pure; knows no rule about what replaces what.

Raises UnicodeEncodeError (a lone surrogate) or TypeError (a value of the wrong type) for a post
that no database can hold; the caller rejects it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import orjson

from tgtagger.model.choices import SourceName
from tgtagger.model.columns import COLUMNS
from tgtagger.model.posts import Entity, Forward, Media, PostData, Reply
from tgtagger.store.times import to_text_or_none

PostRow = tuple[Any, ...]

MESSAGE_BITS = 20

HASH_LETTERS = 16
"""Letters of the hash of a text."""


def order_key(date: dt.datetime | None, message_id: int, *, fallback: int = 0) -> int:
    """Return the inner id of a post, which sorts by time, then by message id.

    So "newest first" is the table's own order, in the full-text index too, and needs no sort
    whatever the number of posts. Seconds since 1970 in the upper bits, the lowest 20 bits of the
    message id below; in the rare case that two posts get the same key, the later moves up to the
    next free one. `fallback` is the key of a neighbour, for a post without a date.
    """
    seconds = fallback >> MESSAGE_BITS if date is None else int(date.timestamp())
    seconds = max(seconds, 0)
    return seconds << MESSAGE_BITS | (message_id & ((1 << MESSAGE_BITS) - 1))


_MADE = (
    "size", "date", "edited", "media_text", "entities", "reactions", "media", "forward",
    "reply_to", "reply", "source", "text_hash",
)  # fmt: skip
_AS_THEY_ARE = tuple(column.name for column in COLUMNS if column.name not in _MADE)
_as_they_are = attrgetter(*_AS_THEY_ARE)

NAMES = (*_MADE, *_AS_THEY_ARE)
"""The columns of `posts` that come from a source, in the order of `row`."""


def row(post: PostData, source: SourceName) -> PostRow:
    """Return the values of NAMES for a post: those that are computed come first."""
    media = post.media
    words = "\n".join([word for item in media for word in item.words]) if media else ""
    reply = post.reply
    return (
        len(post.ids),
        to_text_or_none(post.date),
        to_text_or_none(post.edited),
        words or None,
        _json([_entity(entity) for entity in post.entities]) if post.entities else None,
        None if post.reactions is None else _json(dict(post.reactions)),
        _json([_media(item) for item in media]) if media else None,
        None if post.forward is None else _json(_forward(post.forward)),
        None if reply is None or reply.channel_id is not None else reply.message_id,
        None if reply is None else _reply(reply),
        source,
        text_hash(post.text, words),
        *_as_they_are(post),
    )


def text_hash(text: str, media_text: str | None) -> str:
    """Return the hash of a post's text and the words of its media."""
    content = f"{text}\n{media_text}" if media_text else text
    return blake2b(content.encode(), digest_size=HASH_LETTERS // 2).hexdigest()


def text_for_tagging(text: str, media_text: str | None) -> str:
    """Return the text that a tagger reads: the post's text, and below it the words of its media."""
    return f"{text}\n{media_text}".strip() if media_text else text


def post_url(channel_id: int, username: str | None, message_id: int) -> str | None:
    """Return the link to a post; None for a post of a basic group, also of one that moved on."""
    if message_id < 0:
        return None
    if username:
        return f"https://t.me/{username}/{message_id}"
    return f"https://t.me/c/{channel_id}/{message_id}" if channel_id > 0 else None


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _known(names: Sequence[str], value: object) -> dict[str, Any]:
    found = {}
    for name in names:  # a plain loop: this runs for every photo
        fact = getattr(value, name)
        if fact is not None:
            found[name] = fact
    return found


_ENTITY = ("url", "language", "user_id", "document_id", "collapsed")
_MEDIA = (
    "file_name", "mime_type", "size", "duration", "width", "height", "question", "options",
    "url", "title", "description",
)  # fmt: skip


def _entity(entity: Entity) -> dict[str, Any]:
    known = {"type": entity.type, "offset": entity.offset, "length": entity.length}
    return known | _known(_ENTITY, entity)


def _media(media: Media) -> dict[str, Any]:
    return {"type": media.type} | _known(_MEDIA, media)


def _forward(forward: Forward) -> dict[str, Any]:
    # The record's own shape (docs/records.md), so that reading it back costs nothing.
    url = None
    if forward.message_id is not None and (forward.username or forward.channel_id is not None):
        url = post_url(forward.channel_id or 0, forward.username, forward.message_id)
    return {
        "channel": forward.channel or forward.username,
        "id": forward.message_id,
        "url": url,
        "channel_id": forward.channel_id,
    }


def _reply(reply: Reply) -> str | None:
    if reply.channel_id is None and reply.quote is None:
        return None
    return _json({"id": reply.message_id, "channel_id": reply.channel_id, "quote": reply.quote})
