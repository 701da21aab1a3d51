"""A request and an answer as data: the body that is sent, the tags that are read from what comes.

What a server refuses is left out of the next request: the format of the answer steps down from a
JSON schema over any JSON object to plain text, parameters go or get another name. Whatever the
format, an answer is read with care: reasoning, fences and prose around the JSON are passed over,
what is of the wrong shape is refused, and nothing that is not told is made up.

Pure. Knows no HTTP and no rule about what is a tag (`vocabulary`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from tgtagger.outcomes import FailureClass
from tgtagger.taggers.llm.prompt import Prompt
from tgtagger.vocabulary import MAX_LENGTH

Format = Literal["json_schema", "json_object", "text"]
LADDER: tuple[Format, ...] = ("json_schema", "json_object", "text")

MOST_TAGS = 50
"""Tags for one post beyond which an answer is a runaway list, and refused whole."""

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


# ---- answers


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and cost as the server counts them; None where it does not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What an HTTP 200 brought. `failure` and `message` where it is no answer to read."""

    content: str = ""
    finish: str = ""
    usage: Usage = Usage()
    failure: FailureClass | None = None
    message: str = ""


def read_reply(tree: Any) -> Reply:
    """Read a chat completion; whatever is of the wrong shape counts as not there."""
    if not isinstance(tree, dict):
        return Reply(failure="bad_answer", message="the answer is not JSON")
    usage = _usage(tree.get("usage"))
    choices = tree.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return Reply(usage=usage, failure="bad_answer", message="the answer has no choices")
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    finish = choice.get("finish_reason")
    finish = finish if isinstance(finish, str) else ""
    if finish == "content_filter" or (
        isinstance(message.get("refusal"), str) and message["refusal"]
    ):
        return Reply("", finish, usage, "refused", "the model refuses this text")
    if finish == "error" or isinstance(choice.get("error"), dict):
        return Reply("", finish, usage, "server", "the provider broke the answer off")
    return Reply(_content(message.get("content")), finish, usage)


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):  # in parts
        return "".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return ""


def _usage(tree: Any) -> Usage:
    if not isinstance(tree, dict):
        return Usage()
    details = tree.get("prompt_tokens_details")
    cached = _whole(details.get("cached_tokens")) if isinstance(details, dict) else None
    cost = tree.get("cost")
    known = isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < 1e6
    return Usage(
        _whole(tree.get("prompt_tokens")),
        _whole(tree.get("completion_tokens")),
        cached,
        float(cost) if known and cost is not None else None,
    )


def _whole(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None


LONGEST_CONTENT = 400_000
_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_END_OF_THOUGHTS = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)


def read_tags(content: str, ids: Sequence[str]) -> dict[str, list[object]]:
    """Return the tags that an answer gives to each post, as far as it is whole.

    Ids that were not asked for are passed over, of an id that comes twice the first one counts.
    What is there only in part (an answer that was cut off) is not there.
    """
    text = _THOUGHTS.sub(" ", content[:LONGEST_CONTENT].removeprefix("\ufeff"))
    text = _END_OF_THOUGHTS.sub(" ", text)  # some servers keep the beginning to themselves
    found: dict[str, list[object]] = {}
    for value, is_alone in _values(text):
        for identity, tags in _posts_in(value, ids, may_be_bare=is_alone and len(ids) == 1):
            if identity in ids and identity not in found and len(tags) <= MOST_TAGS:
                found[identity] = tags
        if len(found) == len(ids):
            break
    return found


def _values(text: str) -> Iterator[tuple[Any, bool]]:
    """Yield the JSON values in a text: the whole, or else every object and array in it.

    Of a value that is broken, or cut off by the end of the text, what stands in it is yielded, but
    only if it may be an item of its list of posts. With each it is told whether it stands alone.
    """
    try:
        yield orjson.loads(text), True
    except ValueError:
        pass
    else:
        return
    decoder = json.JSONDecoder()
    cut_off: list[int] = []  # where values begin that do not end: all that follows is in them
    is_alone = True
    at = 0
    for _ in range(MOST_VALUES):
        found = _BRACKET.search(text, at)
        if found is None:
            return
        start = found.start()
        try:
            value, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            at = start + 1
            is_alone = is_alone and not _LIKE_JSON.match(text, start)
            if isinstance(error, json.JSONDecodeError) and _is_cut_off(error, text):
                cut_off.append(start)
        else:
            if _is_list_of_posts(text, cut_off):
                yield value, is_alone


MOST_VALUES = 1000
_BRACKET = re.compile(r"[{\[]")
_LIKE_JSON = re.compile(r"""\{\s*(?:"|\Z)|\[\s*(?:["\[{]|\Z)""")  # not "see {here}"
_POSTS = re.compile(r'"posts"\s{0,20}:\s{0,20}\Z')


def _is_cut_off(error: json.JSONDecodeError, text: str) -> bool:
    return error.msg.startswith("Unterminated string") or len(text) - error.pos < 8


def _is_list_of_posts(text: str, cut_off: Sequence[int]) -> bool:
    """Tell whether what stands within these beginnings stands in a list of posts, or in nothing."""
    match [text[start] for start in cut_off]:
        case [] | ["["]:
            return True
        case ["{", "["]:
            before = cut_off[1]
            return bool(_POSTS.search(text[max(0, before - 60) : before]))
    return False


def _posts_in(
    value: Any, ids: Sequence[str], *, may_be_bare: bool, levels: int = 5
) -> Iterator[tuple[str, list[object]]]:
    """Yield ids and tags. `may_be_bare`: the one post that was asked for needs no id."""
    if isinstance(value, list):
        if may_be_bare and value and all(isinstance(item, str) for item in value):
            yield ids[0], value
            return
        for item in value:
            if isinstance(item, dict):
                yield from _posts_in(item, ids, may_be_bare=may_be_bare, levels=levels - 1)
        return
    if not isinstance(value, dict) or not levels:
        return
    if isinstance(value.get("posts"), list | dict):
        yield from _posts_in(value["posts"], ids, may_be_bare=may_be_bare, levels=levels - 1)
        return
    if "tags" in value:
        identity = _identity(value.get("id"))
        if identity is None and may_be_bare:
            identity = ids[0]
        tags = _tags(value["tags"])
        if identity is not None and tags is not None:
            yield identity, tags
        return
    for name, inner in value.items():  # {"p1": [...]}
        tags = _tags(inner)
        if name in ids and tags is not None:
            yield name, tags


def _identity(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    identity = str(value).strip()
    return f"p{identity}" if identity.isdigit() else identity


def _tags(value: Any) -> list[object] | None:
    if isinstance(value, str):
        return [part.strip() for part in re.split(r"[,;\n]", value)] if value.strip() else []
    return value if isinstance(value, list) else None
