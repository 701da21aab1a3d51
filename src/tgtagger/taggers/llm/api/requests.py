"""A request as data, and what of it a server takes.

What a server refuses is left out of the next request: the format of the answer steps down from a
JSON schema over any JSON object to plain text, parameters go or get another name.

Pure. Knows no HTTP, and nothing of answers (`replies`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from tgtagger.taggers.llm.prompt import Prompt
from tgtagger.vocabulary import MAX_LENGTH

Format = Literal["json_schema", "json_object", "text"]
LADDER: tuple[Format, ...] = ("json_schema", "json_object", "text")

MOST_ROOM = 16
"""Times the usual room for an answer that a model which thinks aloud may get."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server takes, with one model: begins hopeful, learns from refusals, is remembered."""

    format: Format = "json_schema"
    bounds: bool = True  # the schema may say how many tags
    dropped: tuple[str, ...] = ()  # parameters that are refused
    room: int = 1  # answers need so many times the usual room
    proven: bool = False  # an answer came with these

    def to_json(self) -> str:
        return json.dumps(
            {
                "format": self.format, "bounds": self.bounds, "dropped": self.dropped,
                "room": self.room, "proven": self.proven,
            }
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> Capabilities:
        """Read what `to_json` wrote; anything else is what nobody knows yet."""
        try:
            tree = json.loads(text)
            return cls(
                tree["format"] if tree["format"] in LADDER else "json_schema",
                bool(tree["bounds"]),
                tuple(name for name in tree["dropped"] if isinstance(name, str)),
                min(max(int(tree["room"]), 1), MOST_ROOM),
                bool(tree["proven"]),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return cls()

    def without(self, parameter: str) -> Capabilities | None:
        """Return what is left when a parameter is refused; None where there is nothing to leave.

        `max_tokens` is called `max_completion_tokens` by some; refused, too, it goes.
        """
        if parameter == "bounds" and self.format == "json_schema" and self.bounds:
            return replace(self, bounds=False)
        if parameter in {"response_format", "bounds"}:
            step = LADDER.index(self.format) + 1
            return replace(self, format=LADDER[step]) if step < len(LADDER) else None
        if parameter == "max_completion_tokens" and "max_tokens" not in self.dropped:
            parameter = "max_tokens"  # what was sent: the other name is what the server wants
        if parameter in self.dropped:
            return None
        return replace(self, dropped=(*self.dropped, parameter))


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a kind of server wants beyond the common language; `extra` goes into every request.

    `is_tight` lets the schema bound everything there is: small models of one's own would else go on
    without end. Large providers refuse some bounds, and learn each new schema slowly.
    """

    extra: Mapping[str, Any]
    reasons: bool = False  # models of its own that think: they take no temperature
    plain_schema: bool = False
    is_tight: bool = False


DIALECTS: Mapping[str | None, Dialect] = {
    # Cost in the answer; and no provider that would leave the schema aside.
    "openrouter": Dialect({"usage": {"include": True}, "provider": {"require_parameters": True}}),
    "openai": Dialect({}, reasons=True),
    # Its grammar backend refuses the number of items, without naming it.
    "vllm": Dialect({}, plain_schema=True),
}
PLAIN = Dialect({}, is_tight=True)

_THINKING = re.compile(r"^(?:gpt-5|gpt-oss|o[1-9])")


def start_with(dialect: Dialect, model: str) -> Capabilities:
    """Return what to try first with a model that is not known yet."""
    found = Capabilities(bounds=not dialect.plain_schema)
    if dialect.reasons and _THINKING.match(model):
        found = replace(found, dropped=("temperature", "max_tokens"), room=4)
    return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an answer must look like: the ids of the posts, how many tags, which ones."""

    ids: tuple[str, ...]
    minimum: int = 3
    maximum: int = 7
    allowed: tuple[str, ...] = ()  # the only tags there are; empty: any


def write_request(
    model: str,
    prompt: Prompt,
    message: str,
    wanted: Wanted,
    capabilities: Capabilities,
    dialect: Dialect = PLAIN,
) -> bytes:
    """Return the body of a request."""
    messages = [{"role": "system", "content": prompt.system}]
    for said, answered in prompt.examples:
        messages += [
            {"role": "user", "content": said},
            {"role": "assistant", "content": answered},
        ]
    messages.append({"role": "user", "content": message})
    body: dict[str, Any] = {"model": model, "messages": messages, "temperature": 0}
    body["max_tokens"] = room_for(len(wanted.ids), wanted.maximum) * capabilities.room
    if "max_tokens" in capabilities.dropped:
        body["max_completion_tokens"] = body["max_tokens"]
    if dialect.reasons and _THINKING.match(model):
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
    except TypeError:  # half of a surrogate pair, which is no letter
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")


def room_for(posts: int, maximum: int) -> int:
    """Return how many tokens an answer may have: about twice what it needs."""
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
        # Of a closed list it may be that no tag fits.
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
