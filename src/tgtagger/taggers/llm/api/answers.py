"""Read a model's answer: the tags for each post, and its tokens and cost.

Passes over reasoning, fences and prose around the JSON, leaves out values of the wrong shape, and
makes up nothing. `loose_json` reads what is nearly JSON.

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
from tgtagger.taggers.llm.api.loose_json import NotJson, decode

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
    if not isinstance(choice, dict) and _is_blocked(tree):
        return ModelAnswer("", REFUSED, usage, "refused", "the model refuses this text")
    if not isinstance(choice, dict):
        return ModelAnswer(usage=usage, failure="bad_answer", message="the answer has no choices")
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    finish = _finish(choice)
    if finish == REFUSED or (isinstance(message.get("refusal"), str) and message["refusal"]):
        return ModelAnswer("", finish, usage, "refused", "the model refuses this text")
    if finish == "error" or isinstance(choice.get("error"), dict):
        return ModelAnswer("", finish, usage, "server", "the provider broke the answer off")
    return ModelAnswer(_said(message, finish), finish, usage)


REFUSED = "content_filter"
_REFUSALS = re.compile(
    r"content_filter|safety|recitation|prohibited_content|blocklist|\bspii\b|refusal"
    r"|\bsensitive\b|guardrail",
    re.IGNORECASE,
)
_CUT_OFF = frozenset({"length", "max_tokens", "model_length"})


def _finish(choice: dict[str, Any]) -> str:
    """Return why an answer ended, in OpenAI's words; Gemini and others have words of their own."""
    finish = choice.get("finish_reason")
    native = choice.get("native_finish_reason")  # OpenRouter: the provider's own word
    for reason in (finish, native):
        if isinstance(reason, str) and _REFUSALS.search(reason):
            return REFUSED
    if not isinstance(finish, str):
        return ""
    return "length" if finish.lower() in _CUT_OFF else finish


def _is_blocked(tree: dict[str, Any]) -> bool:
    """Tell whether Gemini took a request and refused its text: then there are no choices."""
    feedback = tree.get("promptFeedback", tree.get("prompt_feedback"))
    return isinstance(feedback, dict) and bool(
        feedback.get("blockReason") or feedback.get("block_reason")
    )


def _said(message: dict[str, Any], finish: str) -> str:
    """Return an answer's words: its content, or else a tool call's arguments, or its reasoning.

    A server that reads the markers of reasoning wrong puts the answer there. Reasoning counts only
    if it ends with a JSON value, and was not cut off: otherwise it is a draft.
    """
    content = _content(message.get("content"))
    if without_thoughts(content).strip():
        return content
    if arguments := "\n".join(_arguments(message)).strip():
        return arguments
    for name in ("reasoning_content", "reasoning", "thinking"):
        reasoning = _content(message.get(name))
        end = without_thoughts(reasoning).rstrip(" \t\r\n`").endswith(("}", "]", "|>"))
        if reasoning and end and finish != "length":
            return reasoning
    return content


def _arguments(message: dict[str, Any]) -> Iterator[str]:
    """Yield the arguments of the calls in a message, as JSON."""
    calls = message.get("tool_calls")
    found = [call.get("function") for call in _dicts(calls)] + [message.get("function_call")]
    for function in _dicts(found):
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            yield arguments
        elif isinstance(arguments, dict):
            yield json.dumps(arguments)


def _dicts(values: Any) -> list[dict[str, Any]]:
    if not isinstance(values, list):
        return []
    return [value for value in values if isinstance(value, dict)]


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, dict) and not content.keys().isdisjoint(("posts", "tags")):
        return json.dumps(content)  # a gateway has parsed it
    return "".join(  # in parts
        part["text"]
        for part in _dicts(content)
        if isinstance(part.get("text"), str) and part.get("type") not in _THINKING_PARTS
    )


_THINKING_PARTS = ("thinking", "reasoning", "thought", "analysis")


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

# ---- reasoning

_STEM = "(?:think|thought|reason|analysis|reflect|scratch_?pad|monologue|chain_of|planning|draft)"
_MIND = rf"(?:[\w:-]{{0,20}}?{_STEM}\w{{0,20}}|cot|plan)"  # <seed:think>, <longcat_think>
_OPENS = (
    rf"<\|?{_MIND}\|?>|<(?:{_MIND}|details)\s[^<>]{{0,99}}>|\[{_MIND}\]|◁{_MIND}▷|<unused94>"
    r"|<\|inner_prefix\|>|<\|channel>(?!final)|<details><summary>"
)
_CLOSES = (
    rf"</(?:{_MIND}|details)\s*>|\[/{_MIND}\]|◁/{_MIND}▷|<unused95>|<\|/{_MIND}\|>"
    rf"|<\|end_\w{{0,5}}{_STEM}\w{{0,20}}\|>|<\|{_STEM}\w{{0,20}}_end\|>"
    r"|<\|inner_suffix\|>|<channel\|>"
)
_THOUGHTS = re.compile(
    rf"<\|think\|>.*?(?:<\|end\|>|{_CLOSES}|\Z)"  # Solar's <|end|>; for others that ends all
    rf"|(?!{_CLOSES})(?:{_OPENS}).*?(?:{_CLOSES}|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_END_OF_THOUGHTS = re.compile(_CLOSES, re.IGNORECASE)
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w*)[^<]{0,200}(?:<\|constrain\|>[^<]{0,99})?")
_HARMONY_ENDS = re.compile(r"<\|(?:end|start|return|call|message)\|>")
_BARE_HARMONY = re.compile(r"\s*(?:analysis|commentary)(?=<\|message\|>|[A-Z])")
_BARE_FINAL = "assistantfinal"


def without_thoughts(content: str) -> str:
    """Return an answer without the reasoning in it, whatever marks that.

    Reasoning without an end reaches to the end of the text. Some servers leave out its beginning.
    """
    text = _final_channel(content[:LONGEST_CONTENT].removeprefix("\ufeff"))
    text = _THOUGHTS.sub(" ", text)
    ends = [found.end() for found in _END_OF_THOUGHTS.finditer(text)]
    return text[ends[-1] :] if ends else text


def _final_channel(text: str) -> str:
    """Return what harmony's format (gpt-oss) says aloud: all but its channel `analysis`."""
    channels = list(_CHANNEL.finditer(text))
    if bare := _BARE_HARMONY.match(text):  # the beginning, or every marker, was left out
        if channels:
            start = channels[0].start()
        else:
            start = text.rfind(_BARE_FINAL, bare.end())
            return text[start + len(_BARE_FINAL) :] if start >= 0 else ""
    elif channels:
        start = 0
    else:
        return text
    kept = [text[: channels[0].start()] if start == 0 else ""]
    ends = [channel.start() for channel in channels[1:]] + [len(text)]
    for channel, end in zip(channels, ends, strict=True):
        if channel[1] != "analysis":
            kept.append(text[channel.end() : end])
    return _HARMONY_ENDS.sub(" ", " ".join(kept))


# ---- values


def read_tags(content: str, ids: Sequence[str]) -> dict[str, list[object]]:
    """Return the tags that an answer gives to each post, as far as the answer is whole.

    Unknown ids are passed over; if an id comes twice, the last one counts: what comes before it was
    a draft. Where an answer is cut off, an incomplete list of tags is left out, and so is a draft
    before it.
    """
    text = without_thoughts(content)
    if _ESCAPED.match(text):
        text = text.replace("\\n", "\n").replace('\\"', '"')
    found: dict[str, list[object]] = {}
    for value, is_alone in _values(text):
        if isinstance(value, _CutOff):
            value.forget_in(found)
            continue
        said = _posts_in(value, ids, may_be_bare=is_alone and len(ids) == 1)
        found |= {name: tags for name, tags in said if name in ids and len(tags) <= MOST_TAGS}
    return found


_ESCAPED = re.compile(r'\s*[{\[]\s*(?:\{\s*)?\\"')


@dataclass(frozen=True, slots=True)
class _CutOff:
    """The beginning of an answer that the text's end cuts off: it replaces what came before."""

    start: str

    def forget_in(self, found: dict[str, list[object]]) -> None:
        if named := _CUT_OFF_ITEM.match(self.start):
            found.pop(named[1].lower(), None)
        elif _CUT_OFF_ANSWER.match(self.start):
            found.clear()


_CUT_OFF_ITEM = re.compile(r"""\{\s*["']id["']\s*:\s*["'](\w+)["']""", re.IGNORECASE)
_CUT_OFF_ANSWER = re.compile(
    r"""\{\s*["'](?:posts|tags|p\d+)["']|\[\s*(?:[{"']|\Z)""", re.IGNORECASE
)


def _values(text: str) -> Iterator[tuple[Any, bool]]:
    """Yield the JSON values in a text: the whole text, or else every object and array in it.

    Of a broken value, or one that the text's end cuts off, its inner values are yielded if they
    can be items of its list of posts. Each value comes with whether it stands alone. A value that
    is cut off comes as a _CutOff.
    """
    try:
        whole = orjson.loads(text)
    except ValueError:
        pass
    else:
        if isinstance(whole, str) and _BRACKET.search(whole) and len(whole) < len(text):
            yield from _values(whole)  # JSON in a string
        else:
            yield whole, True
        return
    # The beginnings of values without an end: the rest of the text is in them.
    cut_off: list[int] = []
    is_alone = True
    at = 0
    effort = 4 * len(text) + 1000  # letters read in vain: an answer that needs more is an attack
    for _ in range(MOST_VALUES):
        found = _BRACKET.search(text, at)
        if found is None or effort < 0:
            return
        start = found.start()
        try:
            value, at = decode(text, start)
        except NotJson as error:
            at = start + 1
            is_alone = is_alone and not _LIKE_JSON.match(text, start)
            effort -= error.at - start
            if error.is_cut_off:
                if not cut_off:
                    yield _CutOff(text[start : start + 99]), False
                cut_off.append(start)
        else:
            if _is_list_of_posts(text, cut_off):
                yield value, is_alone


MOST_VALUES = 1000
_BRACKET = re.compile(r"[{\[]")
_LIKE_JSON = re.compile(r"""\{\s*(?:["'“]|\Z|\w+\s*:)|\[\s*(?:["'“\[{]|\Z)""")  # not "see {here}"
_POSTS = re.compile(r"""["'“]?posts["'”]?\s{0,20}:\s{0,20}\Z""", re.IGNORECASE)


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
    value = {name.strip().lower(): inner for name, inner in value.items()}
    posts = _out_of_string(value.get("posts"))
    if isinstance(posts, list | dict):
        yield from _posts_in(posts, ids, may_be_bare=may_be_bare, levels=levels - 1)
        return
    if "tags" in value:
        identity = _identity(value.get("id"))
        if identity is None and may_be_bare:
            identity = ids[0]
        tags = _tags(value["tags"])
        if identity is not None and tags is not None:
            yield identity, tags
        return
    yield from _named(value, ids, may_be_bare=may_be_bare, levels=levels)


def _named(
    value: dict[str, Any], ids: Sequence[str], *, may_be_bare: bool, levels: int
) -> Iterator[tuple[str, list[object]]]:
    """Yield what stands under ids, `{"p1": [...]}`, or in a frame, `{"arguments": {...}}`."""
    for name, inner in value.items():
        if name in ids:
            tags = _tags(inner.get("tags") if isinstance(inner, dict) else inner)
            if tags is not None:
                yield name, tags
        elif isinstance(inner, dict) and not _OTHER_ID.fullmatch(name):
            yield from _posts_in(inner, ids, may_be_bare=may_be_bare, levels=levels - 1)


_OTHER_ID = re.compile(r"p?\d+")


def _out_of_string(value: Any) -> Any:
    """Return a value that may be JSON in a string."""
    if not isinstance(value, str) or not _BRACKET.search(value):
        return value
    return next((inner for inner, is_alone in _values(value) if is_alone), None)


def _identity(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    identity = str(value).strip().lower()
    return f"p{identity}" if identity.isdigit() else identity


def _tags(value: Any) -> list[object] | None:
    if isinstance(value, str) and value.lstrip().startswith("["):  # JSON in a string
        lists = [inner for inner, is_alone in _values(value) if is_alone]
        value = lists[0] if len(lists) == 1 and isinstance(lists[0], list) else value
    if isinstance(value, dict) and all(isinstance(each, str | list) for each in value.values()):
        return list(value.values())  # {"1": "alpha"}, {"topics": ["alpha"]}
    if isinstance(value, str):
        return [part.strip() for part in re.split(r"[,;\n]", value)] if value.strip() else []
    return value if isinstance(value, list) else None
