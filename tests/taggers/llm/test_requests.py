"""Requests as they are written, for every kind of server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgtagger.taggers.llm.api.capabilities import (
    DIALECTS,
    PLAIN,
    Capabilities,
    Dialect,
    Format,
    start_with,
)
from tgtagger.taggers.llm.api.requests import Wanted, room_for, write_request
from tgtagger.taggers.llm.prompt import make_prompt
from tgtagger.vocabulary import MAX_LENGTH, Vocabulary

PROMPT = make_prompt(Vocabulary("open"))
TWO = ("p1", "p2")
LOOSE = Dialect({})


# ---- requests


def written(
    capabilities: Capabilities | None = None,
    dialect: Dialect = PLAIN,
    *,
    model: str = "test-model",
    wanted: Wanted | None = None,
    message: str = "the posts",
) -> dict[str, Any]:
    body = write_request(
        model, PROMPT, message, wanted or Wanted(TWO), capabilities or Capabilities(), dialect
    )
    tree = json.loads(body)
    assert isinstance(tree, dict)
    return tree


def posts_schema(body: dict[str, Any]) -> dict[str, Any]:
    described = body["response_format"]["json_schema"]
    assert (described["name"], described["strict"]) == ("tags", True)
    found = described["schema"]["properties"]["posts"]
    assert isinstance(found, dict)
    return found


def schema(body: dict[str, Any]) -> dict[str, Any]:
    found = posts_schema(body)["items"]["properties"]["tags"]
    assert isinstance(found, dict)
    return found


def test_the_rules_come_first_and_the_posts_last() -> None:
    body = written()
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["system", *["user", "assistant"] * len(PROMPT.examples), "user"]
    assert body["messages"][0]["content"] == PROMPT.system
    assert body["messages"][-1]["content"] == "the posts"
    assert (body["model"], body["temperature"]) == ("test-model", 0)
    assert body["max_tokens"] == room_for(2, 7)


def test_without_a_system_role_the_rules_come_first_all_the_same() -> None:
    body = written(Capabilities(system=False))
    roles = [message["role"] for message in body["messages"]]
    assert roles == [*["user", "assistant"] * len(PROMPT.examples), "user"]
    assert body["messages"][0]["content"].startswith(PROMPT.system)
    assert PROMPT.examples[0][0] in body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("format_", "expected"),
    [("json_schema", "json_schema"), ("json_object", "json_object"), ("text", None)],
)
def test_the_format_of_the_answer(format_: Format, expected: str | None) -> None:
    body = written(Capabilities(format_))
    assert body.get("response_format", {}).get("type") == expected


def test_a_schema_for_any_tags_and_for_a_closed_list() -> None:
    assert schema(written(dialect=LOOSE)) == {
        "type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 7,
    }  # fmt: skip
    closed = Wanted(TWO, 2, 5, ("storm", "гроза"))
    assert schema(written(wanted=closed)) == {
        "type": "array",
        "items": {"type": "string", "enum": ["storm", "гроза"]},
        "minItems": 0,  # it may be that none fits
        "maxItems": 5,
    }
    plain = schema(written(Capabilities(bounds=False), wanted=closed))
    assert plain.keys() == {"type", "items"}


def test_a_small_model_is_held_tight() -> None:
    tight, loose = written(), written(dialect=LOOSE)
    assert schema(tight)["items"] == {"type": "string", "maxLength": MAX_LENGTH}
    assert (posts_schema(tight)["minItems"], posts_schema(tight)["maxItems"]) == (2, 2)
    assert posts_schema(tight)["items"]["properties"]["id"]["enum"] == ["p1", "p2"]
    refused = Capabilities(bounds=False)
    for body in (loose, written(refused), written(refused, LOOSE)):
        assert posts_schema(body).keys() == {"type", "items"}
        assert posts_schema(body)["items"]["properties"]["id"] == {"type": "string"}
        assert schema(body)["items"] == {"type": "string"}


def test_every_object_of_the_schema_is_closed_and_whole() -> None:
    top = written()["response_format"]["json_schema"]["schema"]
    for node in (top, top["properties"]["posts"]["items"]):
        assert node["additionalProperties"] is False
        assert set(node["required"]) == set(node["properties"])


@pytest.mark.parametrize(
    ("provider", "model", "there", "not_there"),
    [
        (None, "m", {"temperature": 0, "max_tokens": 288}, {"usage", "provider"}),
        (
            "openrouter",
            "m",
            {"usage": {"include": True}, "provider": {"require_parameters": True}},
            {"reasoning_effort"},
        ),
        (
            "openai",
            "gpt-5-mini",
            {"max_completion_tokens": 4 * 288, "reasoning_effort": "minimal"},
            {"temperature", "max_tokens"},
        ),
        ("openai", "o3", {"reasoning_effort": "low"}, {"temperature", "max_tokens"}),
        ("openai", "gpt-4o-mini", {"temperature": 0, "max_tokens": 288}, {"reasoning_effort"}),
        ("ollama", "gpt-oss:20b", {"temperature": 0}, {"reasoning_effort"}),
        ("vllm", "m", {"temperature": 0}, set()),
    ],
)
def test_what_each_kind_of_server_is_sent(
    provider: str | None, model: str, there: dict[str, Any], not_there: set[str]
) -> None:
    dialect = DIALECTS.get(provider, PLAIN)
    body = written(start_with(dialect, model), dialect, model=model)
    assert {name: body.get(name) for name in there} == there
    assert not not_there & body.keys()
    assert ("minItems" in schema(body)) == (provider != "vllm")


@pytest.mark.parametrize("parameter", ["temperature", "max_tokens", "usage", "provider"])
def test_what_was_refused_is_not_sent_again(parameter: str) -> None:
    dialect = DIALECTS["openrouter"]
    full = written(dialect=dialect)
    less = Capabilities().without(parameter)
    assert less is not None
    body = written(less, dialect)
    assert parameter not in body
    renamed = {"max_completion_tokens"} if parameter == "max_tokens" else set()
    assert body.keys() == (full.keys() - {parameter}) | renamed


def test_a_limit_of_tokens_has_two_names_and_then_none() -> None:
    once = Capabilities().without("max_completion_tokens")  # the name that the server wants
    assert once == Capabilities().without("max_tokens")
    assert once is not None
    assert written(once)["max_completion_tokens"] == 288
    twice = once.without("max_completion_tokens")
    assert twice is not None
    assert not {"max_tokens", "max_completion_tokens"} & written(twice).keys()


def test_half_a_letter_does_not_stop_a_request() -> None:
    assert written(message="half \ud83d a pair")["messages"][-1]["content"] == "half ? a pair"


@given(st.integers(1, 50), st.integers(1, 20))
def test_room_grows_with_posts_and_tags(posts: int, maximum: int) -> None:
    assert room_for(posts + 1, maximum) > room_for(posts, maximum) > posts * maximum * 10
    assert room_for(posts, maximum + 1) >= room_for(posts, maximum)


@given(st.text(max_size=50) | st.recursive(st.none() | st.integers() | st.text(max_size=5),
       lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
           ["format", "bounds", "dropped", "room", "proven"]), inner)).map(json.dumps))  # fmt: skip
def test_any_memory_can_be_written_a_request_with(text: str) -> None:
    assert written(Capabilities.from_json(text))["model"] == "test-model"
