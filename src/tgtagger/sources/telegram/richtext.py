"""Entities, and the lines inside a rich message, as plain text and Markdown. Pure.

Reads Telegram's plain form: nested dicts with the class's name under "_". A class that is not
known keeps its words; a value of the wrong type is passed over. Knows no blocks (see `blocks`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tgtagger.sources.markdown import escape
from tgtagger.sources.telegram.media import string
from tgtagger.types import Entity

DEPTH = 60
"""Nesting that is followed; what is deeper is left out (Telegram itself allows far less)."""

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
"""Telegram's classes and our names for them, which are Telegram Desktop's where it has one."""


def entities(items: object) -> tuple[Entity, ...]:
    """Return the entities of a text; a class that is newer than this gets a name of its own."""
    found = []
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        offset, length = item.get("offset"), item.get("length")
        name = str(item.get("_", ""))
        if type(offset) is not int or type(length) is not int or offset < 0 or length <= 0:
            continue
        kind = ENTITY_NAMES.get(name) or _snake(name.removeprefix("MessageEntity"))
        if kind in {"", "unknown"}:
            continue
        document, user = item.get("document_id"), item.get("user_id")
        found.append(
            Entity(
                kind,
                offset,
                length,
                url=string(item.get("url")),
                language=string(item.get("language")),
                user_id=user if type(user) is int else None,
                document_id=str(document) if type(document) is int else None,
                collapsed=bool(item.get("collapsed")) if kind == "blockquote" else None,
            )
        )
    return tuple(found)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


# ---- rich text: the lines inside blocks


class Line(NamedTuple):
    """The same words twice: plain, and as Markdown."""

    text: str
    markdown: str

    def __bool__(self) -> bool:
        return bool(self.text.strip())


NOTHING = Line("", "")


def line(node: object, depth: int = 0) -> Line:
    """Return a rich text as a line."""
    if isinstance(node, str):
        return plain(node)
    if not isinstance(node, dict) or depth > DEPTH:
        return NOTHING
    write = INLINE.get(str(node.get("_", "")))
    return write(node, depth + 1) if write is not None else unknown(node, depth + 1)


def plain(words: str) -> Line:
    words = words.replace("\0", "")
    return Line(words, escape(words, line_start=False))


def unknown(node: dict[str, Any], depth: int) -> Line:
    """Return the words of what is not known: those of everything in it."""
    parts = [part for part in words_in(node, depth) if part]
    return Line(" ".join(p.text for p in parts), " ".join(p.markdown for p in parts))


WORDS = ("text", "title", "alt", "source", "description", "author", "url")
"""Fields of plain strings that hold words."""


def words_in(node: object, depth: int) -> Iterator[Line]:
    if depth > DEPTH:
        return
    if isinstance(node, list):
        for item in node:
            yield from words_in(item, depth + 1)
    elif isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str):
                if key in WORDS:
                    yield plain(value)
            elif isinstance(value, dict) and str(value.get("_")) in INLINE:
                yield line(value, depth + 1)
            else:
                yield from words_in(value, depth + 1)


def _inside(node: dict[str, Any], depth: int) -> Line:
    return line(node.get("text"), depth)


def _between(left: str, right: str) -> Callable[[dict[str, Any], int], Line]:
    def write(node: dict[str, Any], depth: int) -> Line:
        inner = _inside(node, depth)
        if not inner:
            return inner
        # Marks stand close to the words, or Markdown does not see them.
        words = inner.markdown.strip()
        before, _, after = inner.markdown.partition(words)
        return Line(inner.text, f"{before}{left}{words}{right}{after}")

    return write


def _link(url: str | None, inner: Line) -> Line:
    if not url or not inner:
        return inner
    quoted = re.sub(r"[()<>\\\s]", lambda found: f"%{ord(found.group()):02X}", url)
    return Line(inner.text, f"[{inner.markdown}]({quoted})")


def _concat(node: dict[str, Any], depth: int) -> Line:
    parts = [line(item, depth) for item in node.get("texts") or () if item is not None]
    return Line("".join(p.text for p in parts), "".join(p.markdown for p in parts))


def _fixed(node: dict[str, Any], depth: int) -> Line:
    inner = _inside(node, depth)
    if not inner:
        return inner
    fence = "`" * (max((len(run) for run in re.findall("`+", inner.text)), default=0) + 1)
    pad = " " if "`" in inner.text else ""
    return Line(inner.text, f"{fence}{pad}{inner.text}{pad}{fence}")


def _diff(node: dict[str, Any], depth: int) -> Line:
    new, old = _inside(node, depth), line(node.get("old_text"), depth)
    if not old:
        return new
    return Line(f"{old.text} {new.text}".strip(), f"~~{old.markdown}~~ {new.markdown}".strip())


def _emoji(node: dict[str, Any], _depth: int) -> Line:
    return plain(string(node.get("alt")) or "")


def _math(node: dict[str, Any], _depth: int) -> Line:
    source = string(node.get("source")) or ""
    return Line(source, f"${source}$" if source else "")


INLINE: dict[str, Callable[[dict[str, Any], int], Line]] = {
    "TextAnchor": _inside,
    "TextAutoEmail": _inside,
    "TextAutoPhone": _inside,
    "TextAutoUrl": _inside,
    "TextBankCard": _inside,
    "TextBold": _between("**", "**"),
    "TextBotCommand": _inside,
    "TextButton": _inside,
    "TextCashtag": _inside,
    "TextConcat": _concat,
    "TextCustomEmoji": _emoji,
    "TextDate": _inside,
    "TextDiff": _diff,
    "TextEmail": lambda node, depth: _link(
        f"mailto:{string(node.get('email')) or ''}", _inside(node, depth)
    ),
    "TextEmpty": lambda _node, _depth: NOTHING,
    "TextFixed": _fixed,
    "TextHashtag": _inside,
    "TextImage": lambda _node, _depth: NOTHING,
    "TextItalic": _between("*", "*"),
    "TextMarked": _between("<mark>", "</mark>"),
    "TextMath": _math,
    "TextMention": _inside,
    "TextMentionName": _inside,
    "TextPhone": _inside,
    "TextPlain": lambda node, _depth: plain(string(node.get("text")) or ""),
    "TextSpoiler": _between("||", "||"),
    "TextStrike": _between("~~", "~~"),
    "TextSubscript": _between("<sub>", "</sub>"),
    "TextSuperscript": _between("<sup>", "</sup>"),
    "TextUnderline": _between("<u>", "</u>"),
    "TextUrl": lambda node, depth: _link(string(node.get("url")), _inside(node, depth)),
}
"""Every node of a rich text that Telethon's layer knows; tests/sources/telegram compares."""
