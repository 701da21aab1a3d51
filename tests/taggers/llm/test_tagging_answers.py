"""Tagging by models and servers that do not answer as asked: how posts get their tags all the same.

A real store, a simulated server (tests/llm_server), virtual time.
"""

from __future__ import annotations

from typing import Any

import pytest

from llm_server import Brain, Fault, Seen, Turn, contents
from llm_server.answers import dumped, json_response
from llm_server.faults import always
from support.tagging import failures, fill, statuses, tag, tags_of, turns
from tgtagger.errors import ActionNeeded, TryLater
from tgtagger.store import Store
from tgtagger.taggers.llm.api.capabilities import Capabilities
from tgtagger.vocabulary import Vocabulary, VocabularyEntry

URL = "http://127.0.0.1:1/v1"
THREE = ["alpha", "beta", "gamma"]


def says(tags: list[Any]) -> Fault:
    return Fault("says", lambda turn: turn.complete(dumped({"tags": tags}), tagged=turn.ids()))


@pytest.mark.parametrize(
    "tags", [["1. alpha", "2. beta", "3. gamma"], ["alpha, beta, gamma"], ["#alpha #beta #gamma"]]
)
def test_marks_of_a_list_become_no_tags(store: Store, tags: list[Any]) -> None:
    fill(store, 1)
    told = tag(store, Brain(script=[says(tags)]))
    assert (told.requests, sorted(*tags_of(store, [1]))) == (1, THREE)


def test_an_answer_in_the_reasoning_is_read_at_once(store: Store) -> None:
    def answer(turn: Turn) -> Any:
        return turn.complete("", message={"reasoning_content": dumped({"tags": THREE})})

    fill(store, 1)
    told = tag(store, Brain(script=[Fault("reasoning", answer)]))
    assert (told.requests, sorted(*tags_of(store, [1]))) == (1, THREE)


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "SPII"])
def test_a_refusal_is_not_asked_again(store: Store, reason: str) -> None:
    fill(store, 1)
    told = tag(store, Brain(rule=lambda _: contents.finish(reason, "")))
    assert (told.requests, failures(store)) == (1, {"refused": 1})


# ---- what is remembered of a server


def remembered(store: Store) -> Capabilities:
    return Capabilities.from_json(store.answers.capabilities(URL)["test-model"])


@pytest.mark.parametrize(
    ("message", "requests"),
    [
        ("The model has crashed without additional information. (Exit code: null)", 4),
        ("Oops", 3),  # no reason: the same is sent again
    ],
)
def test_one_failure_by_400_is_not_remembered(store: Store, message: str, requests: int) -> None:
    fill(store, 12)
    crash = always("crash", json_response(400, {"error": message}))
    told = tag(store, Brain(script=[crash]))
    assert (told.requests, statuses(store)) == (requests, {"tagged": 12})
    assert remembered(store).format == "json_schema"


def test_rules_go_to_the_user_where_there_is_no_system_role(store: Store) -> None:
    def rule(seen: Seen) -> Fault | None:
        has_system = seen.body["messages"][0]["role"] == "system"
        message = "Developer instruction is not enabled for models/gemma-3-27b-it"
        told = {"error": {"message": message, "code": 400, "status": "INVALID_ARGUMENT"}}
        return always("gemma", json_response(400, told)) if has_system else None

    fill(store, 12)
    brain = Brain(rule=rule)
    told = tag(store, brain)
    assert (told.requests, statuses(store), turns(store)) == (3, {"tagged": 12}, {1: 12})
    assert "You give posts" in brain.completions[-1].body["messages"][0]["content"]
    assert remembered(store) == Capabilities(system=False, proven=True)
    fill(store, 1, first=101)
    told = tag(store, Brain(rule=rule), capabilities={"test-model": remembered(store)})
    assert told.requests == 1


# ---- what ends a run


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ([{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.",
                     "details": [{"reason": "API_KEY_INVALID"}]}}], "key_rejected"),
        ({"message": "Invalid model: nope", "type": "invalid_model"}, "unknown_model"),
        ({"error": {"message": "Your credit balance is too low to access the API."}}, "quota"),
    ],
)  # fmt: skip
def test_a_400_that_ends_the_run_blames_no_post(store: Store, body: Any, kind: str) -> None:
    fill(store, 30)
    told = tag(store, Brain(rule=lambda _: always("stop", json_response(400, body))))
    assert (told.requests, told.kind, type(told.stopped)) == (1, kind, ActionNeeded)
    assert (statuses(store), turns(store)) == ({"pending": 30}, {0: 30})


def test_the_quota_of_a_day_ends_the_run_at_once(store: Store) -> None:
    fill(store, 30)
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
    details = [{"violations": [violation]}, {"retryDelay": "34s"}]
    body = [{"error": {"code": 429, "message": "You exceeded your quota", "details": details}}]
    told = tag(store, Brain(rule=lambda _: always("day", json_response(429, body))))
    assert (told.requests, told.kind, type(told.stopped)) == (1, "quota", TryLater)
    assert (told.waits, statuses(store)) == ([], {"pending": 30})


# ---- a closed vocabulary, and the frame

CLOSED = Vocabulary("closed", (VocabularyEntry("sea"), VocabularyEntry("json")))


def test_an_answer_outside_a_closed_list_is_not_asked_again(store: Store) -> None:
    fill(store, 1)
    told = tag(store, Brain(script=[says(["storm", "harbour"])]), vocabulary=CLOSED)
    assert (told.requests, statuses(store)) == (1, {"skipped": 1})


FRAME = [
    "tags",
    "null",
    "JSON",
    "script",
    "posts",
    "id",
    "p1",
    "fence",
    "None",
    "object",
    "теги",
    "нет тегов",
    "no tags",
    "untagged",
    "additionalProperties",
]


@pytest.mark.parametrize("mode", ["open", "prefer"])
def test_words_of_the_frame_become_no_tags(store: Store, mode: Any) -> None:
    fill(store, 1)
    tag(store, Brain(script=[says([*FRAME, "storm"])]), vocabulary=Vocabulary(mode, maximum=20))
    assert tags_of(store, [1]) == [("storm",)]


def test_a_word_of_the_frame_that_a_person_lists_is_a_tag(store: Store) -> None:
    fill(store, 1)
    tag(store, Brain(script=[says(FRAME)]), vocabulary=CLOSED)
    assert tags_of(store, [1]) == [("json",)]
