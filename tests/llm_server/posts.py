"""What a request says: its posts, its size, the shape it asks for.

Knows the frame of a request (a post opens with a line that begins `<post id="p1"` and closes with a
line that begins `</post`) and nothing of servers. Tokens are estimated: four bytes are one, which
makes four Latin or two Cyrillic letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

POST = re.compile(r'^<post id="([^"\n]*)"[^\n]*\n(.*?)(?:^</post|\Z)', re.MULTILINE | re.DOTALL)
WORD = re.compile(r"[^\W\d_]{4,}")
PADDING = ("topic one", "topic two", "topic three")


class Post(NamedTuple):
    id: str
    text: str


def posts_in(text: str) -> tuple[Post, ...]:
    return tuple(Post(id_, inner.removesuffix("\n")) for id_, inner in POST.findall(text))


def words_as_tags(text: str) -> list[str]:
    """The default tags: the first three distinct words of four letters or more, always three."""
    words: dict[str, None] = {}
    for found in WORD.finditer(text):
        words[found[0].lower()] = None
        if len(words) == len(PADDING):
            break
    return [*words, *PADDING][: len(PADDING)]


def text_of(message: Any) -> str:
    """A message's text, whether it is a string or a list of parts."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def last_user_text(body: dict[str, Any]) -> str:
    for message in reversed(messages_of(body)):
        if message.get("role") == "user":
            return text_of(message)
    return ""


def messages_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    return (
        [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
    )


def tokens_of(text: str) -> int:
    return (len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))) // 4


def prompt_tokens(body: dict[str, Any]) -> int:
    return sum(4 + tokens_of(text_of(message)) for message in messages_of(body))


# ---- the shape of the answer


def format_of(body: dict[str, Any]) -> str:
    """`response_format.type`; "text" when there is none."""
    wanted = body.get("response_format")
    return str(wanted.get("type", "text")) if isinstance(wanted, dict) else "text"


def schema_of(body: dict[str, Any]) -> dict[str, Any] | None:
    if format_of(body) != "json_schema":
        return None
    described = body["response_format"].get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    return schema if isinstance(schema, dict) else None


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object within a schema, itself first."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from nodes(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from nodes(value)


def allowed_tags(schema: dict[str, Any] | None) -> list[str] | None:
    """The closed list of tags that a schema gives (`tags.items.enum`), None when it is open."""
    for node in nodes(schema):
        properties = node.get("properties")
        tags = properties.get("tags") if isinstance(properties, dict) else None
        items = tags.get("items") if isinstance(tags, dict) else None
        allowed = items.get("enum") if isinstance(items, dict) else None
        if isinstance(allowed, list):
            return [str(each) for each in allowed]
    return None


def wants_bare_tags(schema: dict[str, Any] | None) -> bool:
    """Whether the schema is that of one post: `{"tags": [...]}`."""
    properties = (schema or {}).get("properties")
    return isinstance(properties, dict) and "tags" in properties and "posts" not in properties
