"""What a probe finds out about servers of every kind, and about those that are not well."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from llm_server import KINDS, Brain, Fault, Response, Seen, Turn, contents, faults, refusals
from support import tagging
from support.virtual_time import VirtualLoop, run
from tgtagger.taggers.llm.api.capabilities import Capabilities
from tgtagger.taggers.llm.probe import (
    LOOKUP,
    PATIENCE,
    REQUESTS,
    SAMPLES,
    Probe,
    Tried,
)
from tgtagger.taggers.llm.tagger import LlmTagger
from tgtagger.vocabulary import Vocabulary, VocabularyEntry

KEY = "sk-test-0123456789"
ANSWERED = (("костроме", "после", "ремонта"), ("national", "library", "wales"))
NOTHING = (None, None)
HOPEFUL = Capabilities(proven=True)
KNOWN: Mapping[str, tuple[Capabilities, list[int], int | None]] = {
    # what it takes, the statuses on the way there, its context
    "openai": (HOPEFUL, [200], None),
    "openrouter": (HOPEFUL, [200], 128_000),
    "ollama": (HOPEFUL, [200], None),
    "llamacpp": (HOPEFUL, [200], 4096),
    "lmstudio": (HOPEFUL, [200], None),
    "vllm": (replace(HOPEFUL, bounds=False), [400, 200], 32_768),
    "llama-cpp-python": (replace(HOPEFUL, format="json_object"), [500, 200], None),
    "deepseek": (replace(HOPEFUL, format="json_object"), [400, 200], None),
    "plain": (replace(HOPEFUL, format="text"), [400, 400, 200], None),
}


def look(brain: Brain, tagger: LlmTagger | None = None, **options: Any) -> tuple[Probe, float]:
    """Return what was found, and the seconds that it took."""
    loop = VirtualLoop()
    brain.clock = loop.time
    found = run((tagger or tagging.make(brain, key=KEY, **options)).probe(), loop)
    return found, loop.time()


def tried(brain: Brain, **options: Any) -> Tried:
    found, _ = look(brain, **options)
    (one,) = found.models
    return one


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_server(kind: str) -> None:
    brain = Brain(kind)
    found, _ = look(brain)
    (one,) = found.models
    assert (one.takes, brain.statuses, one.context) == KNOWN[kind]
    assert (one.tags, one.requests, one.is_listed) == (ANSWERED, len(brain.statuses), True)
    assert (one.stop, one.failure, one.message) == (None, None, "")
    assert found.listed == ("test-model",)
    assert [seen.texts for seen in brain.completions] == [SAMPLES] * one.requests


def test_a_provider_is_spoken_to_in_its_dialect() -> None:
    brain = Brain("openai", ["gpt-5-nano"])
    one = tried(brain, models=("gpt-5-nano",), provider="openai")
    assert brain.statuses == [200]
    assert one.takes is not None
    assert one.takes.dropped == ("temperature", "max_tokens")


def test_without_a_providers_name_it_is_found_out_what_is_refused() -> None:
    brain = Brain("openai", ["gpt-5-nano"])
    one = tried(brain, models=("gpt-5-nano",))
    assert brain.statuses == [400, 400, 200]
    assert one.takes is not None
    assert set(one.takes.dropped) == {"temperature", "max_tokens"}


def test_what_was_remembered_is_found_out_anew() -> None:
    one = tried(Brain(), capabilities={"test-model": Capabilities("text", proven=True)})
    assert one.takes == HOPEFUL


def test_a_model_that_ignores_the_schema_is_asked_for_less() -> None:
    brain = Brain("ollama", ["qwen-mlx"])
    one = tried(brain, models=("qwen-mlx",))
    assert one.takes == replace(HOPEFUL, format="json_object")
    assert one.tags == ANSWERED


def test_a_refusal_that_names_nothing_may_be_the_formats() -> None:
    def rule(seen: Seen) -> Fault | None:
        return faults.status(400, "Bad Request") if "response_format" in seen.body else None

    brain = Brain(rule=rule)
    assert tried(brain).takes == replace(HOPEFUL, format="text")
    assert brain.statuses == [400, 400, 400, 200]  # the first one may be a passing failure


def test_a_model_that_thinks_aloud_gets_more_room() -> None:
    brain = Brain(script=[contents.only_reasoning(), contents.only_reasoning()])
    one = tried(brain)
    assert one.takes == replace(HOPEFUL, room=4)
    asked = [seen.body["max_tokens"] for seen in brain.completions]
    assert asked == [asked[0], asked[0] * 2, asked[0] * 4]


def test_of_a_closed_vocabulary_it_may_be_that_no_tag_fits() -> None:
    vocabulary = Vocabulary("closed", [VocabularyEntry("library"), VocabularyEntry("rockets")])
    brain = Brain(rule=lambda _: contents.tags_of([]))
    assert tried(brain, vocabulary=vocabulary).tags == ((), ())
    brain = Brain(rule=lambda _: contents.tags_of(["Library", "cats"]))
    assert tried(brain, vocabulary=vocabulary).tags == (("library",), ("library",))
    brain = Brain(rule=lambda _: contents.tags_of([]))
    assert tried(brain).tags == NOTHING  # there are no words that could not be tagged


def test_one_sample_may_lack_its_tags() -> None:
    one = tried(Brain(script=[contents.missing("p1")]))
    assert one.tags == (None, ANSWERED[1])
    assert one.message == "the answer has no usable tags"


# ---- models and their contexts


@pytest.mark.parametrize(
    ("entry", "context"),
    [
        ({}, None),
        ({"context_length": 8192}, 8192),
        ({"max_model_len": 8192}, 8192),
        ({"max_context_length": 8192}, 8192),
        ({"max_context_length": 131_072, "loaded_context_length": 8192}, 8192),
        ({"meta": {"n_ctx": 8192, "n_ctx_train": 32_768}}, 8192),
        ({"meta": {"n_ctx_train": 32_768}}, 32_768),
        ({"context_length": 131_072, "top_provider": {"context_length": 8192}}, 8192),
        ({"context_length": 131_072, "top_provider": {"context_length": None}}, 131_072),
        ({"context_length": "8192", "meta": [], "max_model_len": True}, None),
        ({"context_length": 0, "max_model_len": -1, "max_context_length": 1e9}, None),
    ],
)
def test_who_tells_how_large_a_context_is(entry: dict[str, Any], context: int | None) -> None:
    assert tried(Brain(models=[{"id": "test-model", **entry}])).context == context


@pytest.mark.parametrize(
    ("called", "listed"),
    [("qwen3", "qwen3"), ("qwen3", "qwen3:latest"), ("gemini", "models/gemini")],
)
def test_a_model_that_is_listed(called: str, listed: str) -> None:
    found, _ = look(Brain("lmstudio", [listed]), models=(called,))
    assert (found.models[0].is_listed, found.listed) == (True, (listed,))


def test_a_model_that_is_not_listed_and_names_too_long_to_be_any() -> None:
    found, _ = look(Brain("lmstudio", ["qwen3:4b", "x" * 1000]), models=("qwen3",))
    assert (found.models[0].is_listed, found.listed) == (False, ("qwen3:4b",))


@pytest.mark.parametrize(
    "fault",
    [
        faults.status(404), faults.html(), faults.body_of({"data": 5}), faults.body_of([]),
        faults.endless(), faults.reset(), faults.hang(), faults.deep_json(),
    ],
    ids=lambda fault: fault.name,
)  # fmt: skip
def test_a_server_that_lists_nothing(fault: Fault) -> None:
    found, seconds = look(Brain("llamacpp", lookups=[fault, fault]))
    assert (found.listed, found.models[0].is_listed, found.models[0].context) == (None, None, None)
    assert found.models[0].tags == ANSWERED
    assert seconds <= LOOKUP


# ---- what goes wrong


def test_an_unknown_model_does_not_keep_the_next_from_being_asked() -> None:
    found, _ = look(Brain("ollama", ["b"]), models=("a", "b"))
    first, second = found.models
    assert first.stop is not None
    assert (first.stop.kind, first.is_listed, first.takes) == ("unknown_model", False, None)
    assert (second.tags, second.is_listed) == (ANSWERED, True)


def test_a_model_that_cannot_be_started_does_not_either() -> None:
    def rule(seen: Seen) -> Fault | None:
        return faults.status(500, "out of memory") if seen.model == "a" else None

    found, _ = look(Brain(models=["a", "b"], rule=rule), models=("a", "b"))
    assert [one.stop and one.stop.kind for one in found.models] == ["provider_down", None]


def test_a_key_that_is_rejected_is_not_tried_again_and_not_said() -> None:
    brain = Brain(rule=lambda _: refusals.wrong_key(echo=True))
    found, _ = look(brain, models=("a", "b"))
    (one,) = found.models
    assert one.stop is not None
    assert one.stop.kind == "key_rejected"
    assert one.stop.exit_code == 3
    assert brain.statuses == [401]
    assert KEY not in repr(found)


def test_where_nothing_listens_nothing_more_is_asked() -> None:
    asked = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.ConnectError("no")

    tagger = tagging.make(Brain(), models=("a", "b"), transport=httpx.MockTransport(refuse))
    found, seconds = look(Brain(), tagger)
    (one,) = found.models
    assert one.stop is not None
    assert (one.stop.kind, one.stop.exit_code) == ("provider_down", 75)
    assert "does not answer" in one.stop.message
    assert asked == ["/v1/chat/completions"]
    assert seconds == 0


def test_a_hiccup_is_passed_over_and_a_second_one_is_told() -> None:
    brain = Brain(script=[faults.status(503, headers={"retry-after": "2"}), faults.reset()])
    found, seconds = look(brain)
    assert found.models[0].tags == ANSWERED
    assert seconds == pytest.approx(3)
    one = tried(Brain(rule=lambda _: faults.reset()))
    assert one.stop is not None
    assert (one.stop.kind, one.requests) == ("provider_down", 2)


def test_a_server_that_loads_its_model_is_waited_for_but_not_for_ever() -> None:
    brain = Brain("llamacpp", loading=3)
    found, seconds = look(brain)
    assert found.models[0].tags == ANSWERED
    assert seconds == 7
    found, seconds = look(Brain("llamacpp", loading=1000))
    (one,) = found.models
    assert one.stop is not None
    assert (one.stop.kind, one.stop.exit_code) == ("throttled", 75)
    assert "Loading model" in one.stop.message
    assert seconds < 60


@pytest.mark.parametrize("form", ["seconds", "past"])
def test_a_server_that_throttles_is_left_alone(form: refusals.Form) -> None:
    brain = Brain(rule=lambda _: refusals.rate_limited(3600, form))
    found, seconds = look(brain)
    assert found.models[0].stop is not None
    assert found.models[0].stop.kind == "throttled"
    assert seconds == 0
    assert len(brain.statuses) == (1 if form == "seconds" else REQUESTS)


@pytest.mark.parametrize("fault", [faults.hang(), faults.drip(1)], ids=lambda fault: fault.name)
def test_a_server_that_hangs_is_given_up(fault: Fault) -> None:
    found, seconds = look(Brain(rule=lambda _: fault), timeout=600, models=("a", "b"))
    (one,) = found.models
    assert one.stop is not None
    assert one.stop.kind == "provider_down"
    assert seconds == PATIENCE
    assert found.listed == ("test-model",)


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (refusals.moderation_403(), "refused"),
        (contents.refusal(), "refused"),
        (contents.content_filter(), "refused"),
        (refusals.context_length(256, 800), "too_long"),
        (faults.status(400, {"error": {"message": "no"}}), "server"),
        (contents.prose(), "bad_answer"),
        (contents.empty(), "bad_answer"),
        (contents.cut_content(), "bad_answer"),
        (contents.only_reasoning(), "bad_answer"),
        (contents.wrong_types(), "bad_answer"),
        (faults.html(), "bad_answer"),
        (faults.cp1251(), "bad_answer"),
        (faults.empty_body(), "bad_answer"),
        (faults.event_stream(), "bad_answer"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_model_that_gives_no_tags(fault: Fault, failure: str) -> None:
    brain = Brain(rule=lambda _: fault)
    one = tried(brain)
    assert (one.tags, one.takes, one.stop, one.failure) == (NOTHING, None, None, failure)
    assert one.message
    assert one.requests == len(brain.completions) <= REQUESTS


@pytest.mark.parametrize(
    "fault",
    [
        *(faults.reset(where) for where in ("before", "headers", "body")),
        faults.close(), faults.short_body(), faults.bad_chunks(), faults.endless(), faults.huge(),
        faults.gzip_bomb(2), faults.deep_json(), faults.cut_json(), faults.status(402),
        faults.redirect("/v1/elsewhere"), faults.redirect("https://elsewhere.example/v1"),
        faults.status(418), faults.status(529), refusals.insufficient_quota(),
        refusals.daily_free_limit(), refusals.error_in_200(), refusals.too_large(),
        refusals.unprocessable(), refusals.refuses_parameter("temperature"),
        refusals.refuses_parameter("seed"), contents.hostile_tags(), contents.many_tags(),
        contents.huge_tag(), contents.no_choices(), contents.unknown_ids(),
        contents.content({"a": 1}), faults.body_of(None),
    ],
    ids=lambda fault: fault.name,
)  # fmt: skip
def test_whatever_a_server_does_it_is_told_and_ends(fault: Fault) -> None:
    brain = Brain(rule=lambda _: fault, lookups=[fault, fault])
    found, seconds = look(brain)
    (one,) = found.models
    assert 1 <= one.requests <= REQUESTS
    assert (one.takes is None) == (one.tags == NOTHING)
    assert one.takes or one.message
    assert seconds <= PATIENCE + LOOKUP


def test_a_server_that_repeats_what_it_was_sent_is_not_quoted() -> None:
    def answer(turn: Turn) -> Response:
        told = f"bad input: {turn.seen.texts[0]}"
        return refusals.openrouter_error(400, told).answer(turn)  # type: ignore[misc]

    one = tried(Brain(rule=lambda _: Fault("echo", answer)))
    assert "Костроме" not in one.message
    assert "left out" in one.message


# ---- the clock


def dated(text: str) -> Fault:
    def answer(turn: Turn) -> Response:
        return replace(turn.complete(turn.right()), headers={"date": text})

    return Fault("dated", answer)


@pytest.mark.parametrize("hours", [-24, -1, 0, 1])
def test_how_far_the_clocks_are_apart(hours: int) -> None:
    then = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
    found, _ = look(Brain(rule=lambda _: dated(format_datetime(then, usegmt=True))))
    assert found.ahead == pytest.approx(hours * 3600, abs=30)


@pytest.mark.parametrize("text", ["", "soon", "Mon, 99 Foo 2026", "Thu, 01 Jan 99999 00:00:00 GMT"])
def test_a_date_that_is_none(text: str) -> None:
    found, _ = look(Brain(rule=lambda _: dated(text)))
    assert found.ahead is None
    assert found.models[0].tags == ANSWERED


# ---- how large a request is


def test_more_posts_take_more_tokens_up_to_what_a_request_may_hold() -> None:
    tagger = tagging.make(Brain())
    one, ten, most = (tagger.tokens_of_request(posts) for posts in (1, 10, 1000))
    assert 500 < one < ten < most
    assert most < 1000 * 200
    listed = Vocabulary("prefer", [VocabularyEntry(f"tag {n}") for n in range(300)])
    assert tagging.make(Brain(), vocabulary=listed).tokens_of_request(1) > one + 300
