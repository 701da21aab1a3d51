"""Convert one message of an export into a post, a service message, or a rejection. Pure.

Never raises for any record: a fact of the wrong type is unknown, and only a message without a
usable id is rejected. Knows no albums, files or chats.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any, TypeGuard

from tgtagger.model.choices import ChannelKind, MediaType
from tgtagger.model.posts import (
    Entity,
    Forward,
    Media,
    PostData,
    RawRecord,
    Rejected,
    Reply,
    ServiceMessage,
)
from tgtagger.sources import conversion, raw
from tgtagger.sources.desktop.file import is_id
from tgtagger.sources.markdown import to_markdown

CONVERTER = 3
"""The version of this conversion, kept with every raw record; raise it when posts get better."""

Record = dict[str, Any]


MIGRATED = 1_000_000_000
"""Taken from the ids of a supergroup's messages from before it became one: they are negative."""


def convert(
    record: Any, kind: ChannelKind = "channel", dumped: bytes | None = None
) -> PostData | ServiceMessage | Rejected:
    """Return the post, service message or rejection of a message; `kind` is its chat's.

    `dumped` is what `dump` made of it, if that has been done.
    """
    if not isinstance(record, dict):
        return Rejected(None, "it is not a message")
    number = record.get("id")
    if not _is_message_id(number, kind):
        return conversion.rejected(number, "its id is not a message id")
    try:
        data = raw.pack(record) if dumped is None else raw.compress(dumped)
    except (TypeError, ValueError, RecursionError):
        return Rejected(number, "it is nested too deeply, or holds what JSON cannot say")
    packed = RawRecord(data, CONVERTER)
    if record.get("type") == "service":
        action = _string(record.get("action")) or "unknown"
        return ServiceMessage(number, _date(record, "date"), action, packed)
    return _post(record, number, kind, packed)


def dump(record: Any) -> bytes | None:
    """Return the message as JSON, as `raw.dump` does.

    A text without formatting stands in it twice. Made one object, it is encoded once.
    """
    parts = record.get("text_entities") if isinstance(record, dict) else None
    if isinstance(parts, list) and len(parts) == 1 and isinstance(part := parts[0], dict):
        text = record.get("text")
        if type(text) is str and part.get("text") == text:
            part["text"] = text
    return raw.dump(record)


def _is_message_id(value: object, kind: ChannelKind) -> TypeGuard[int]:
    is_migrated = kind == "supergroup" and type(value) is int and -MIGRATED < value < 0
    return is_migrated or is_id(value)


def _post(record: Record, number: int, kind: ChannelKind, packed: RawRecord) -> PostData | Rejected:
    text, entities = _text(record)
    media = _media(record)
    if conversion.is_too_long(text, () if media is None else (media,)):
        return conversion.too_long(number)
    date = _date(record, "date")
    problem = None
    if record.get("type") == "unsupported":
        problem = "Telegram Desktop could not export it: too new for the version that did"
    elif date is None:
        problem = "its date cannot be read"
    elif not text and media is None:
        problem = "the export holds neither text nor media of it"
    return PostData(
        ids=(number,),
        date=date,
        text=text,
        markdown=to_markdown(text, entities),
        entities=entities,
        media=() if media is None else (media,),
        edited=_date(record, "edited") if "edited" in record else None,
        reactions=_reactions(record["reactions"]) if "reactions" in record else None,
        forward=_forward(record) if "forwarded_from" in record else None,
        reply=_reply(record, kind) if "reply_to_message_id" in record else None,
        author=_string(record.get("author")),
        problem=problem,
        raw=packed,
    )


# ---- plain facts


def _string(value: object) -> str | None:
    return value.replace("\0", "") or None if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**63 else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = float(value) if isinstance(value, Decimal) else value
    return number if 0 <= number < 1_000_000_000 else None


def _bare_id(value: object) -> int | None:
    """Return the number of `channel123`; only channels have posts to link to."""
    found = re.fullmatch(r"channel(\d{1,18})", value) if isinstance(value, str) else None
    return int(found[1]) if found else None


def _date(record: Record, name: str) -> dt.datetime | None:
    """Read `<name>_unixtime`, or, in exports before 2022, the exporter's local time.

    A file without a zone gets the zone of this machine, the best guess.
    """
    seconds = record.get(f"{name}_unixtime")
    try:
        if type(seconds) is str or type(seconds) is int:
            return dt.datetime.fromtimestamp(int(seconds), dt.UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        local = dt.datetime.fromisoformat(record[name])
        return local.astimezone(dt.UTC).replace(microsecond=0)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


# ---- text


def _text(record: Record) -> tuple[str, tuple[Entity, ...]]:
    """Return the plain text and its entities, made of the export's flat list of parts."""
    text = record.get("text")
    parts = record.get("text_entities")
    if (
        isinstance(parts, list)
        and isinstance(text, str)
        and text
        and all(isinstance(part, dict) and part.get("type") == "plain" for part in parts)
    ):
        return text.replace("\0", ""), ()
    shown = text if isinstance(text, list) else [text]
    # An older export has no entities, another tool's may have an empty list of them.
    if not isinstance(parts, list) or _size(parts) < _size(shown):
        parts = shown
    pieces: list[str] = []
    entities: list[Entity] = []
    offset = 0
    for part in parts:
        words = part.get("text") if isinstance(part, dict) else part
        if not isinstance(words, str) or not words:
            continue
        words = words.replace("\0", "")
        length = len(words) if words.isascii() else len(words.encode("utf-16-le", "replace")) // 2
        kind = _string(part.get("type")) if isinstance(part, dict) else None
        if isinstance(part, dict) and kind not in {None, "plain", "unknown"} and length:
            entities.append(_entity(part, kind, offset, length))
        pieces.append(words)
        offset += length
    return "".join(pieces), tuple(entities)


def _size(parts: list[Any]) -> int:
    words = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return sum(len(each) for each in words if isinstance(each, str))


def _entity(part: Record, kind: str, offset: int, length: int) -> Entity:
    collapsed = part.get("collapsed")
    return Entity(
        kind,
        offset,
        length,
        url=_string(part.get("href")),
        language=_string(part.get("language")),
        user_id=_whole(part.get("user_id")),
        document_id=_string(part.get("document_id")),
        collapsed=collapsed if isinstance(collapsed, bool) else None,
    )


def _words(value: object) -> str | None:
    """Return the plain words of a text that may be a list of parts."""
    if isinstance(value, str):
        return value.replace("\0", "") or None
    if isinstance(value, list):
        return _text({"text": value})[0] or None
    return None


# ---- media

_FILE_TYPES: dict[object, MediaType] = {
    "sticker": "sticker",
    "video_message": "round",
    "voice_message": "voice",
    "animation": "animation",
    "video_file": "video",
    "audio_file": "audio",
}


def _media(record: Record) -> Media | None:
    if "photo" in record:
        return Media(
            "photo",
            size=_whole(record.get("photo_file_size")),
            width=_whole(record.get("width")),
            height=_whole(record.get("height")),
        )
    if "file" in record or "media_type" in record:
        return _file(record)
    for key, read in _OTHER_MEDIA:
        if key in record:
            value = record[key]
            return read(value if isinstance(value, dict) else {})
    if "location_information" in record or "place_name" in record:
        return _place(record)
    if "game_title" in record:
        return Media(
            "other",
            title=_words(record["game_title"]),
            description=_words(record.get("game_description")),
        )
    if "paid_stars_amount" in record:
        return Media("other", title=None, description="paid media")
    return None


def _file(record: Record) -> Media:
    kind = record.get("media_type")
    title = _words(record.get("title"))
    performer = _words(record.get("performer"))
    return Media(
        _FILE_TYPES.get(kind if isinstance(kind, str) else None, "document"),
        file_name=_string(record.get("file_name")) or _name_in(record.get("file")),
        mime_type=_string(record.get("mime_type")),
        size=_whole(record.get("file_size")),
        duration=_number(record.get("duration_seconds")),
        width=_whole(record.get("width")),
        height=_whole(record.get("height")),
        title=" – ".join(part for part in (performer, title) if part) or None,
        description=_string(record.get("sticker_emoji")),
    )


def _name_in(path: object) -> str | None:
    # "(File not included. Change data exporting settings to download.)" is not a name.
    if not isinstance(path, str) or path.startswith("("):
        return None
    return _string(path.rpartition("/")[2])


def _poll(value: Record) -> Media:
    return Media("poll", question=_words(value.get("question")), options=_items(value))


def _todo(value: Record) -> Media:
    return Media("todo", question=_words(value.get("title")), options=_items(value))


def _items(value: Record) -> tuple[str, ...]:
    items = value.get("answers") or value.get("items") or value.get("tasks")
    found = (
        _words(item.get("text") or item.get("title")) if isinstance(item, dict) else _words(item)
        for item in (items if isinstance(items, list) else ())
    )
    return tuple(words for words in found if words)


def _place(record: Record) -> Media:
    """Read a place. A venue's name and address stand beside its point, which may be missing."""
    point = record.get("location_information")
    point = point if isinstance(point, dict) else {}
    parts = [_number_text(point.get("latitude")), _number_text(point.get("longitude"))]
    where = _words(record.get("address")) or ", ".join(part for part in parts if part)
    return Media("geo", title=_words(record.get("place_name")), description=where or None)


def _number_text(value: object) -> str | None:
    """Return a number as the raw record has it: JSON has no Decimal."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return str(float(value) if isinstance(value, Decimal) else value)


def _contact(value: Record) -> Media:
    # The phone number stays in the raw record: it is not part of the post's words.
    names = (_words(value.get("first_name")), _words(value.get("last_name")))
    return Media("contact", title=" ".join(name for name in names if name) or None)


def _invoice(value: Record) -> Media:
    return Media(
        "other", title=_words(value.get("title")), description=_words(value.get("description"))
    )


def _giveaway(value: Record) -> Media:
    return Media("other", title="giveaway", description=_words(value.get("additional_prize")))


_OTHER_MEDIA = (
    ("poll", _poll),
    ("todo_list", _todo),
    ("contact_information", _contact),
    ("invoice_information", _invoice),
    ("giveaway_information", _giveaway),
    ("giveaway_results", _giveaway),
)


# ---- relations


def _reactions(value: object) -> tuple[tuple[str, int], ...] | None:
    if not isinstance(value, list):
        return None
    items = [item for item in value if isinstance(item, dict)]
    return conversion.add_up((_reaction(item), _whole(item.get("count"))) for item in items)


def _reaction(item: Record) -> str | None:
    match item.get("type"):
        case "emoji":
            return _string(item.get("emoji"))
        case "custom_emoji":
            document = item.get("document_id")
            return conversion.custom(float(document) if isinstance(document, Decimal) else document)
        case "paid":
            return conversion.PAID
    return None


def _forward(record: Record) -> Forward:
    return Forward(
        channel_id=_bare_id(record.get("forwarded_from_id")),
        channel=_string(record.get("forwarded_from")),
    )


def _reply(record: Record, kind: ChannelKind) -> Reply | None:
    """Return what a message replies to. A message of a person's or a basic group's chat is none."""
    number = record.get("reply_to_message_id")
    if not _is_message_id(number, kind):
        return None
    peer = record.get("reply_to_peer_id")
    channel_id = _bare_id(peer)
    is_elsewhere = isinstance(peer, str) and channel_id is None
    return None if is_elsewhere else Reply(number, channel_id=channel_id)
