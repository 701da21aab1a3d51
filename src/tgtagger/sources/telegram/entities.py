"""The entities of a text: bold, links, hashtags. Pure.

Reads Telegram's plain form: nested dicts with the class's name under "_". Skips a value of the
wrong type. Knows no rich messages (see `blocks`).
"""

from __future__ import annotations

import re

from tgtagger.model.posts import Entity
from tgtagger.sources.telegram.inline import name
from tgtagger.sources.telegram.media import string, whole

ENTITY_NAMES = {
    "MessageEntityBankCard": "bank_card",
    "MessageEntityBlockquote": "blockquote",
    "MessageEntityBold": "bold",
    "MessageEntityBotCommand": "bot_command",
    "MessageEntityCashtag": "cashtag",
    "MessageEntityCode": "code",
    "MessageEntityCustomEmoji": "custom_emoji",
    "MessageEntityDiffDelete": "diff_delete",
    "MessageEntityDiffInsert": "diff_insert",
    "MessageEntityDiffReplace": "diff_replace",
    "MessageEntityEmail": "email",
    "MessageEntityFormattedDate": "formatted_date",
    "MessageEntityHashtag": "hashtag",
    "MessageEntityItalic": "italic",
    "MessageEntityMention": "mention",
    "MessageEntityMentionName": "mention_name",
    "MessageEntityPhone": "phone",
    "MessageEntityPre": "pre",
    "MessageEntitySpoiler": "spoiler",
    "MessageEntityStrike": "strikethrough",
    "MessageEntityTextUrl": "text_link",
    "MessageEntityUnderline": "underline",
    "MessageEntityUnknown": "unknown",
    "MessageEntityUrl": "link",
}
"""Telegram's classes and our names for them: Telegram Desktop's names if it has them."""


def entities(items: object) -> tuple[Entity, ...]:
    """Return the entities of a text; an unknown class keeps its own name."""
    found = (_entity(item) for item in items) if isinstance(items, list) else ()
    return tuple(entity for entity in found if entity is not None)


def _entity(item: object) -> Entity | None:
    if not isinstance(item, dict):
        return None
    offset, length = whole(item.get("offset")), whole(item.get("length"))
    kind = _kind(name(item))
    url = string(item.get("url"))
    if offset is None or not length or kind == "unknown" or (kind == "text_link" and not url):
        return None
    document = whole(item.get("document_id"))
    return Entity(
        kind,
        offset,
        length,
        url=url,
        language=string(item.get("language")),
        user_id=whole(item.get("user_id")),
        document_id=None if document is None else str(document),
        collapsed=item.get("collapsed") is True if kind == "blockquote" else None,
    )


def _kind(class_name: str) -> str:
    bare = class_name.removeprefix("Input")
    if bare in ENTITY_NAMES:
        return ENTITY_NAMES[bare]
    newer = re.fullmatch(r"MessageEntity([A-Za-z0-9]{1,60})", bare)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", newer[1]).lower() if newer else "unknown"
