"""Convert a message in Telegram's plain form into a post, a service message, or a rejection. Pure.

Never raises for any form: a fact of the wrong type is unknown. Needs no Telethon: a stored raw
record is converted like a fresh message. Knows no channel.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tgtagger.model.posts import (
    Entity,
    Forward,
    Media,
    PostData,
    RawRecord,
    Rejected,
    Reply,
    ServiceMessage,
    StoredRawRecord,
)
from tgtagger.sources import albums, conversion, raw
from tgtagger.sources.markdown import to_markdown
from tgtagger.sources.telegram.blocks import RichText, rich_text
from tgtagger.sources.telegram.entities import entities
from tgtagger.sources.telegram.media import Record, media_of, string, whole

CONVERTER = 2
"""The version of this conversion, kept with every raw record; raise it when posts get better."""


def convert_page(records: Sequence[Record]) -> Iterator[PostData | ServiceMessage | Rejected]:
    """Yield the results of a page's messages in their order, newest first; an album is one post."""
    groups: dict[
        object, list[Record]
    ] = {}  # in a group chat, other messages may stand between the members
    for record in records:
        groups.setdefault(whole(record.get("grouped_id")) or id(record), []).append(record)
    for group, members in groups.items():
        found = [(convert(record), record) for record in members]
        posts = [(post, record) for post, record in reversed(found) if isinstance(post, PostData)]
        if len(posts) > 1 and posts[0][0].grouped_id == group:
            packed = RawRecord(raw.pack([record for _, record in posts]), CONVERTER)
            yield albums.join([post for post, _ in posts], packed)
            yield from (item for item, _ in found if not isinstance(item, PostData | None))
        else:
            yield from (item for item, _ in found if item is not None)


def convert(record: Record) -> PostData | ServiceMessage | Rejected | None:
    """Return the result for a message; None for an empty one (deleted, or hidden from us)."""
    number = record.get("id")
    if type(number) is not int or not 0 < number < 2**31:
        return conversion.rejected(number, "its id is no message id")
    name = record.get("_")
    if name == "MessageEmpty":
        return None
    try:
        packed = RawRecord(raw.pack(record), CONVERTER)
    except (TypeError, ValueError, RecursionError):
        return Rejected(number, "it is nested too deeply, or holds what JSON cannot say")
    if name == "MessageService":
        action = record.get("action")
        kind = str(action.get("_", "")) if isinstance(action, dict) else ""
        return ServiceMessage(number, _date(record.get("date")), _snake(kind) or "unknown", packed)
    return _post(record, number, packed)


def reconvert(stored: StoredRawRecord) -> PostData | None:
    """Run the converter over a stored raw record; None if it can no longer be read."""
    try:
        record = raw.unpack(stored.data)
    except (ValueError, RecursionError):
        return None
    records = record if isinstance(record, list) else [record]
    posts = [
        post for each in records if isinstance(each, dict)
        and isinstance(post := convert(each), PostData)
    ]  # fmt: skip
    return albums.join(posts, RawRecord(stored.data, CONVERTER)) if posts else None


def _post(record: Record, number: int, packed: RawRecord) -> PostData | Rejected:
    text = string(record.get("message")) or ""
    hung = media_of(record.get("media"))
    media: tuple[Media, ...] = () if hung is None else (hung,)
    if conversion.is_too_long(text, media):
        return conversion.too_long(number)
    marks = _within(text, entities(record.get("entities")))
    markdown = to_markdown(text, marks)
    rich: RichText | None = None
    if record.get("rich_message") is not None:
        rich = rich_text(record["rich_message"])
        if not text:
            text, markdown, marks = rich.text, rich.markdown, ()
        media += rich.media
    return PostData(
        ids=(number,),
        date=_date(record.get("date")),
        text=text,
        markdown=markdown,
        entities=marks,
        media=media,
        # A reaction or a vote moves the date, too; Telegram then marks it as hidden.
        edited=None if record.get("edit_hide") else _date(record.get("edit_date")),
        views=whole(record.get("views")),
        forwards=whole(record.get("forwards")),
        replies=_replies(record.get("replies")),
        reactions=_reactions(record.get("reactions")),
        forward=_forward(record.get("fwd_from")),
        reply=_reply(record.get("reply_to")),
        author=string(record.get("post_author")),
        grouped_id=whole(record.get("grouped_id")),
        problem=_problem(record, text, bool(media), rich),
        is_part=_is_part(record),
        raw=packed,
    )


def _within(text: str, marks: tuple[Entity, ...]) -> tuple[Entity, ...]:
    """Return the entities that lie within the text."""
    if not marks:
        return ()
    size = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return tuple(
        mark if mark.offset + mark.length <= size else replace(mark, length=size - mark.offset)
        for mark in marks
        if mark.offset < size
    )


def _problem(record: Record, text: str, has_media: bool, rich: RichText | None) -> str | None:  # noqa: FBT001
    if rich is not None and rich.problem:
        return rich.problem
    media = record.get("media")
    kind = media.get("_") if isinstance(media, dict) else None
    if kind == "MessageMediaUnsupported":
        return "it holds what this version cannot read: a newer one may"
    if _date(record.get("date")) is None:
        return "its date cannot be read"
    if text or has_media:
        return None
    reasons = record.get("restriction_reason")
    if isinstance(reasons, list) and reasons:
        kinds = ", ".join(
            str(reason.get("reason")) for reason in reasons if isinstance(reason, dict)
        )
        return f"Telegram shows it to nobody here ({kinds})"
    if rich is not None:
        return "its rich text holds no words"
    return "Telegram sent neither text nor media of it"


def _is_part(record: Record) -> bool:
    rich = record.get("rich_message")
    return isinstance(rich, dict) and bool(rich.get("part"))


def _snake(name: str) -> str:
    bare = name.removeprefix("MessageAction")
    return "".join(
        f"_{c.lower()}" if c.isupper() and at else c.lower() for at, c in enumerate(bare)
    )


def _date(value: object) -> dt.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = dt.datetime.fromisoformat(value)
        moment = moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.timestamp() > 0 else None


def _channel_id(peer: object) -> int | None:
    return whole(peer.get("channel_id")) if isinstance(peer, dict) else None


def _replies(value: object) -> int | None:
    return whole(value.get("replies")) if isinstance(value, dict) else None


def _reactions(value: object) -> tuple[tuple[str, int], ...] | None:
    results = value.get("results") if isinstance(value, dict) else None
    if not isinstance(results, list):
        return None
    items = [item for item in results if isinstance(item, dict)]
    return conversion.add_up((_reaction(i.get("reaction")), whole(i.get("count"))) for i in items)


def _reaction(value: object) -> str | None:
    value = value if isinstance(value, dict) else {}
    match value.get("_"):
        case "ReactionEmoji":
            return string(value.get("emoticon"))
        case "ReactionCustomEmoji":
            return conversion.custom(value.get("document_id"))
        case "ReactionPaid":
            return conversion.PAID
    return None


def _forward(value: object) -> Forward | None:
    if not isinstance(value, dict):
        return None
    origin = value.get("origin")  # added by the source: the page's facts about that channel
    origin = origin if isinstance(origin, dict) else {}
    return Forward(
        channel_id=_channel_id(value.get("from_id")),
        channel=string(origin.get("title")) or string(value.get("from_name")),
        username=string(origin.get("username")),
        message_id=whole(value.get("channel_post")),
    )


def _reply(value: object) -> Reply | None:
    if not isinstance(value, dict) or value.get("_") != "MessageReplyHeader":
        return None
    number = whole(value.get("reply_to_msg_id"))
    if not number:
        return None
    peer = value.get("reply_to_peer_id")
    channel_id = _channel_id(peer)
    if isinstance(peer, dict) and channel_id is None:
        return None  # of a person's or a basic group's chat
    return Reply(
        number,
        channel_id=channel_id,
        quote=string(value.get("quote_text")),
    )
