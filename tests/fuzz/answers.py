"""A tagging server: any bytes as the body of its answer."""

from __future__ import annotations

import json
import math
import unicodedata
from random import Random
from typing import Any

from fuzz.mutations import change_json
from tgtagger import vocabulary
from tgtagger.taggers.llm.api.answers import MOST_TAGS, Usage, read_answer, read_tags
from tgtagger.taggers.llm.api.capabilities import Capabilities
from tgtagger.taggers.llm.api.responses import LONGEST_MESSAGE, judge
from tgtagger.vocabulary import Vocabulary, VocabularyEntry

NOW = 1_800_000_000.0
IDS = ("p1", "p2", "p3")
TEXTS = dict(zip(IDS, ("sea salt and rockets", "Новости науки", "人工智能 news"), strict=True))
STATUSES = (200, 200, 200, 200, 400, 402, 403, 404, 408, 413, 422, 429, 500, 503, 529, 302)
CHOOSERS = (
    Vocabulary("open", maximum=5),
    Vocabulary("prefer", [VocabularyEntry("science", None, ("наука",))], [("новость", ())]),
    Vocabulary(
        "closed", [VocabularyEntry("science"), VocabularyEntry("sea salt", None, ("salt",))]
    ),
)


def completion(content: Any, finish: Any = "stop", **facts: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **facts}
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "cost": 0.01,
             "prompt_tokens_details": {"cached_tokens": 3}}  # fmt: skip
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


POSTS = {"posts": [{"id": name, "tags": ["sea salt", "science"]} for name in IDS]}
_SAID = json.dumps(POSTS)
_ANSWERS = [
    completion(_SAID),
    completion(f"<think>{{...}}</think>\n```json\n{_SAID}\n```\nThat is all."),
    completion('{"p1": ["a", "b"], "p2": "c, d"}'),
    completion('[{"id": 1, "tags": [{"name": "a"}, "b"]}, {"id": "2", "tags": ["новости"]}]'),
    completion([{"type": "text", "text": _SAID}]),
    completion(None, "content_filter", refusal="no"),
    {
        "error": {
            "message": "try again in 2.5s",
            "code": "rate_limit_exceeded",
            "metadata": {"headers": {"X-RateLimit-Reset": "1800000030000"}},
        }
    },
]
_REFUSALS: list[tuple[int, Any]] = [
    (4, {"error": {"message": "maximum context length is 4096", "param": "max_tokens"}}),
    (11, [{"error": {"message": "Please retry in 3s", "type": "insufficient_quota"}}]),
    (10, {"detail": [{"loc": ["body", "temperature"], "msg": "not allowed"}]}),
]
BODIES = [
    bytes([number]) + json.dumps(tree).encode()
    for number, tree in [*((0, tree) for tree in _ANSWERS), *_REFUSALS]
]
"""The number of a status, and a body."""
_DEEP = '{"posts":[' * 505 + '{"id":"p1","tags":["a"]}' + "]}" * 505
CONTENTS = [
    *(answer["choices"][0]["message"]["content"].encode() for answer in _ANSWERS[:4]),
    # What was found.
    _DEEP.encode(),
    '{"p1": ["a\ufffe"], "p2": "\U0010ffff d"}'.encode(),
]


def change_body(data: bytes, chance: Random) -> bytes:
    """Change the body and leave the status, or the other way round."""
    if not data or chance.random() < 0.1:
        return bytes([chance.randrange(16)]) + data[1:]
    return data[:1] + change_json(data[1:], chance)


def fuzz_answer(data: bytes) -> None:
    """A verdict, a reply, and what tags come of it."""
    status, body = STATUSES[data[0] % len(STATUSES)] if data else 200, data[1:]
    headers = {"retry-after": body[:20].decode(errors="replace"), "x-should-retry": "true"}
    verdict, tree = judge(status, headers if len(body) % 2 else {}, body, now=NOW)
    assert verdict.wait is None or (math.isfinite(verdict.wait) and verdict.wait >= 0)
    assert len(verdict.message) <= LONGEST_MESSAGE + 20
    assert (verdict.kind == "stop") == (verdict.stop is not None)
    assert (verdict.kind in {"passing", "throttled", "bad_post"}) == (verdict.failure is not None)
    reply = read_answer(tree)
    assert (reply.failure is None) == (not reply.message)
    _check_usage(reply.usage)
    fuzz_content(reply.content.encode(errors="surrogatepass"))
    Capabilities.from_json(body.decode(errors="replace"))


def _check_usage(usage: Usage) -> None:
    for count in (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens):
        assert count is None or 0 <= count < 2**31
    assert usage.cost_usd is None or 0 <= usage.cost_usd <= 1e6


def fuzz_content(data: bytes) -> None:
    """Tags of the posts that were asked for, whole lists only, and clean ones in the end."""
    try:
        content = data.decode(errors="surrogatepass")
    except UnicodeDecodeError:
        content = data.decode(errors="replace")
    found = read_tags(content, IDS)
    assert set(found) <= set(IDS)
    for name, said in found.items():
        assert len(said) <= MOST_TAGS
        for chooser in CHOOSERS:
            tags = chooser.choose(said, TEXTS[name], prompt="give tags as JSON")
            assert tags == chooser.choose(said, TEXTS[name], prompt="give tags as JSON")
            check_tags(tags, chooser)
    # What the beginning of an answer gives, the whole one gives; of what is no JSON, who can say?
    if found and _is_json(content):
        for end in {len(content) * part // 7 for part in range(1, 7)}:
            for name, said in read_tags(content[:end], IDS).items():
                assert said == found.get(name), content[:end]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def check_tags(tags: tuple[str, ...], chooser: Vocabulary) -> None:
    """Check that tags obey the rules of tags and of a vocabulary."""
    assert len({vocabulary.key(tag) for tag in tags}) == len(tags) <= chooser.maximum
    assert all(vocabulary.normalise(tag) == tag and vocabulary.is_tag(tag) for tag in tags)
    assert not any(unicodedata.category(letter) in {"Cc", "Cs"} for tag in tags for letter in tag)
    if chooser.mode == "closed":
        assert set(tags) <= set(chooser.allowed)
