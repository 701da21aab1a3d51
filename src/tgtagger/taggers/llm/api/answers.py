"""Read a model's answer: the tags for each post, and its tokens and cost.

Passes over reasoning, fences and prose around the JSON, leaves out values of the wrong shape, and
makes up nothing.

Pure. Knows no HTTP and no rule about what is a tag (`vocabulary`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tgtagger.model.choices import FailureClass

MOST_TAGS = 50
"""An answer with more tags for one post is a runaway list, and is refused whole."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, and cost in US dollars, as the server counts them; None where it does not tell."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """The content of an HTTP 200. `failure` and `message` are set if there is no answer."""

    content: str = ""
    finish: str = ""
    usage: Usage = Usage()
    failure: FailureClass | None = None
    message: str = ""


def read_answer(tree: Any) -> ModelAnswer:
    """Read a chat completion; a value of the wrong shape counts as missing."""
    if not isinstance(tree, dict):
        return ModelAnswer(failure="bad_answer", message="the answer is not JSON")
    usage = _usage(tree.get("usage"))
    choices = tree.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return ModelAnswer(usage=usage, failure="bad_answer", message="the answer has no choices")
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    finish = choice.get("finish_reason")
    finish = finish if isinstance(finish, str) else ""
    if finish == "content_filter" or (
        isinstance(message.get("refusal"), str) and message["refusal"]
    ):
        return ModelAnswer("", finish, usage, "refused", "the model refuses this text")
    if finish == "error" or isinstance(choice.get("error"), dict):
        return ModelAnswer("", finish, usage, "server", "the provider broke the answer off")
    return ModelAnswer(_content(message.get("content")), finish, usage)


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
    """Return the tags that an answer gives to each post, as far as the answer is whole.

    Unknown ids are passed over; if an id comes twice, the first one counts. Where an answer is
    cut off, an incomplete list of tags is left out.
    """
    text = _THOUGHTS.sub(" ", content[:LONGEST_CONTENT].removeprefix("\ufeff"))
    text = _END_OF_THOUGHTS.sub(" ", text)  # some servers leave out the beginning
    found: dict[str, list[object]] = {}
    for value, is_alone in _values(text):
        for identity, tags in _posts_in(value, ids, may_be_bare=is_alone and len(ids) == 1):
            if identity in ids and identity not in found and len(tags) <= MOST_TAGS:
                found[identity] = tags
        if len(found) == len(ids):
            break
    return found


def _values(text: str) -> Iterator[tuple[Any, bool]]:
    """Yield the JSON values in a text: the whole text, or else every object and array in it.

    Of a broken value, or one that the text's end cuts off, its inner values are yielded if they
    can be items of its list of posts. Each value comes with whether it stands alone.
    """
    try:
        yield orjson.loads(text), True
    except ValueError:
        pass
    else:
        return
    decoder = json.JSONDecoder()
    cut_off: list[
        int
    ] = []  # the beginnings of values without an end: the rest of the text is in them
    is_alone = True
    at = 0
    effort = 4 * len(text) + 1000  # letters read in vain: an answer that needs more is an attack
    for _ in range(MOST_VALUES):
        found = _BRACKET.search(text, at)
        if found is None or effort < 0:
            return
        start = found.start()
        try:
            value, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            at = start + 1
            is_alone = is_alone and not _LIKE_JSON.match(text, start)
            end = error.pos if isinstance(error, json.JSONDecodeError) else len(text)
            effort -= end - start
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
    """Tell whether a value behind these open brackets is an item of a list of posts, or alone."""
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
    """Yield ids and tags. `may_be_bare`: a request for one post needs no id in its answer."""
    if isinstance(value, list):
        if may_be_bare and value and all(isinstance(item, str) for item in value):
            yield ids[0], value
            return
        for item in value:
            if isinstance(item, dict):
                yield from _posts_in(item, ids, may_be_bare=may_be_bare, levels=levels - 1)
        return
    if not isinstance(value, dict) or levels <= 0:
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
