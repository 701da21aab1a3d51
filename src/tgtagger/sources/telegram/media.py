"""Describe the media of a message from Telegram's plain form. Downloads nothing. Pure.

Never raises for any form: a fact of the wrong type is unknown. Knows no message.
"""

from __future__ import annotations

from typing import Any

from tgtagger.model.choices import MediaType
from tgtagger.model.posts import Media

Record = dict[str, Any]


def media_of(value: object) -> Media | None:
    """Return the description of a MessageMedia; None for an empty one, or one that is not media."""
    if not isinstance(value, dict):
        return None
    name = string(value.get("_"))
    read = _READERS.get(name or "")
    if read is not None:
        return read(value)
    return None if name in {None, "MessageMediaEmpty"} else _other(value)


def photo(value: object) -> Media:
    """Describe a Photo: its largest size."""
    sizes = value.get("sizes") if isinstance(value, dict) else None
    largest = max(
        (size for size in records(sizes) if whole(size.get("w"))),
        key=lambda size: whole(size.get("w")) or 0,
        default={},
    )
    parts = largest.get("sizes")
    heaviest = max((whole(part) or 0 for part in parts), default=0) if type(parts) is list else 0
    return Media(
        "photo",
        size=whole(largest.get("size")) or heaviest or None,
        width=whole(largest.get("w")),
        height=whole(largest.get("h")),
    )


def document(value: object) -> Media:
    """Describe a Document: a file, or the kind that its attributes name."""
    if not isinstance(value, dict):
        return Media("document")
    kind: MediaType = "document"
    facts: dict[str, Any] = {}
    named = {string(item.get("_")): item for item in records(value.get("attributes"))}
    if (size := named.get("DocumentAttributeImageSize")) is not None:
        facts |= {"width": whole(size.get("w")), "height": whole(size.get("h"))}
    if (video := named.get("DocumentAttributeVideo")) is not None:
        kind = "round" if video.get("round_message") else "video"
        facts |= {"width": whole(video.get("w")), "height": whole(video.get("h"))}
        facts["duration"] = number(video.get("duration"))
    if (audio := named.get("DocumentAttributeAudio")) is not None:
        kind = "voice" if audio.get("voice") else "audio"
        facts["duration"] = number(audio.get("duration"))
        words = (string(audio.get("performer")), string(audio.get("title")))
        facts["title"] = " – ".join(part for part in words if part) or None
    if "DocumentAttributeAnimated" in named:
        kind = "animation"
    sticker = named.get("DocumentAttributeSticker") or named.get("DocumentAttributeCustomEmoji")
    if sticker is not None:
        kind = "sticker"
        facts["description"] = string(sticker.get("alt"))
    return Media(
        kind,
        file_name=string(named.get("DocumentAttributeFilename", {}).get("file_name")),
        mime_type=string(value.get("mime_type")),
        size=whole(value.get("size")),
        **facts,
    )


# ---- the kinds of media


def _document(value: Record) -> Media:
    found = document(value.get("document"))
    if found.type in {"document", "video"} and value.get("round"):
        return Media("round", **_facts(found))
    return found


def _facts(media: Media) -> dict[str, Any]:
    return {name: getattr(media, name) for name in Media.__slots__ if name != "type"}


def _web_page(value: Record) -> Media | None:
    page = value.get("webpage")
    if not isinstance(page, dict) or not (url := string(page.get("url"))):
        return None
    return Media(
        "webpage",
        url=url,
        title=string(page.get("title")) or string(page.get("site_name")),
        description=string(page.get("description")),
        duration=number(page.get("duration")),
    )


def _poll(value: Record) -> Media:
    poll = value.get("poll")
    poll = poll if isinstance(poll, dict) else {}
    answers = (words(item.get("text")) for item in records(poll.get("answers")))
    return Media(
        "poll",
        question=words(poll.get("question")),
        options=tuple(answer for answer in answers if answer),
    )


def _todo(value: Record) -> Media:
    todo = value.get("todo")
    todo = todo if isinstance(todo, dict) else {}
    items = (words(item.get("title")) for item in records(todo.get("list")))
    return Media(
        "todo", question=words(todo.get("title")), options=tuple(item for item in items if item)
    )


def _place(value: Record) -> Media:
    geo = value.get("geo")
    geo = geo if isinstance(geo, dict) else {}
    where = [number(geo.get("lat"), signed=True), number(geo.get("long"), signed=True)]
    address = string(value.get("address"))
    known = ", ".join(f"{part:.6f}" for part in where if part is not None)
    return Media("geo", title=string(value.get("title")), description=address or known or None)


def _contact(value: Record) -> Media:
    # The phone number stays in the raw record: it is not part of the post's words.
    names = (string(value.get("first_name")), string(value.get("last_name")))
    return Media("contact", title=" ".join(name for name in names if name) or None)


def _other(value: Record) -> Media:
    inside = (value[key] for key in ("game", "story") if isinstance(value.get(key), dict))
    inner: Record = next(inside, {})
    title = string(value.get("title")) or string(inner.get("title"))
    description = (
        string(value.get("description"))
        or string(value.get("prize_description"))
        or string(inner.get("description"))
        or string(inner.get("caption"))
    )
    return Media("other", title=title, description=description)


_READERS = {
    "MessageMediaPhoto": lambda value: photo(value.get("photo")),
    "MessageMediaDocument": _document,
    "MessageMediaWebPage": _web_page,
    "MessageMediaPoll": _poll,
    "MessageMediaToDo": _todo,
    "MessageMediaGeo": _place,
    "MessageMediaGeoLive": _place,
    "MessageMediaVenue": _place,
    "MessageMediaContact": _contact,
}


# ---- plain facts


def string(value: object) -> str | None:
    return value.replace("\0", "") or None if isinstance(value, str) else None


def records(value: object) -> list[Record]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def whole(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**63 else None


def number(value: object, *, signed: bool = False) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e9:
        return None
    return float(value) if signed or value >= 0 else None


def words(value: object) -> str | None:
    """Return the words of a text that may come with entities."""
    return string(value.get("text") if isinstance(value, dict) else value)
