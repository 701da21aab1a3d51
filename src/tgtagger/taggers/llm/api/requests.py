"""Write the body of a request for a server with these capabilities.

Pure. Knows no HTTP and no answers (`answers`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson

from tgtagger.taggers.llm.api.capabilities import PLAIN, THINKING, Capabilities, Dialect
from tgtagger.taggers.llm.prompt import Prompt
from tgtagger.vocabulary import MAX_LENGTH


@dataclass(frozen=True, slots=True)
class Wanted:
    """The form of an answer: the ids of the posts, how many tags, which ones."""

    ids: tuple[str, ...]
    minimum: int = 3
    maximum: int = 7
    allowed: tuple[str, ...] = ()  # the only possible tags; empty: any


def write_request(
    model: str,
    prompt: Prompt,
    message: str,
    wanted: Wanted,
    capabilities: Capabilities,
    dialect: Dialect = PLAIN,
) -> bytes:
    """Return the body of a request."""
    messages: list[dict[str, str]] = []
    for said, answered in prompt.examples:
        messages += [
            {"role": "user", "content": said},
            {"role": "assistant", "content": answered},
        ]
    messages.append({"role": "user", "content": message})
    if capabilities.system:
        messages.insert(0, {"role": "system", "content": prompt.system})
    else:
        messages[0]["content"] = f"{prompt.system}\n{messages[0]['content']}"
    body: dict[str, Any] = {"model": model, "messages": messages, "temperature": 0}
    body["max_tokens"] = room_for(len(wanted.ids), wanted.maximum) * capabilities.room
    if "max_tokens" in capabilities.dropped:
        body["max_completion_tokens"] = body["max_tokens"]
    if dialect.reasons and THINKING.match(model):
        body["reasoning_effort"] = "minimal" if model.startswith("gpt-5") else "low"
    body |= dialect.extra
    match capabilities.format:
        case "json_schema":
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {
                    "name": "tags",
                    "strict": True,
                    "schema": _schema(
                        wanted, bounds=capabilities.bounds, is_tight=dialect.is_tight
                    ),
                },
            }
        case "json_object":
            body["response_format"] = {"type": "json_object"}
    for parameter in capabilities.dropped:
        body.pop(parameter, None)
    try:
        return orjson.dumps(body)
    except TypeError:  # a lone surrogate, which is not a letter
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def room_for(posts: int, maximum: int) -> int:
    """Return the most tokens of an answer: about twice what it needs."""
    return 64 + posts * max(80, 16 * maximum)


def _schema(wanted: Wanted, *, bounds: bool, is_tight: bool) -> dict[str, Any]:
    tag: dict[str, Any] = {"type": "string"}
    identity: dict[str, Any] = {"type": "string"}
    posts: dict[str, Any] = {"type": "array"}
    is_tight = is_tight and bounds
    if wanted.allowed:
        tag["enum"] = list(wanted.allowed)
    elif is_tight:
        tag["maxLength"] = MAX_LENGTH
    if is_tight:
        identity["enum"] = list(wanted.ids)
        posts |= {"minItems": len(wanted.ids), "maxItems": len(wanted.ids)}
    tags: dict[str, Any] = {"type": "array", "items": tag}
    if bounds:
        # In a closed list there may be no tag that fits.
        tags |= {"minItems": 0 if wanted.allowed else wanted.minimum, "maxItems": wanted.maximum}
    post = {
        "type": "object",
        "properties": {"id": identity, "tags": tags},
        "required": ["id", "tags"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"posts": posts | {"items": post}},
        "required": ["posts"],
        "additionalProperties": False,
    }
