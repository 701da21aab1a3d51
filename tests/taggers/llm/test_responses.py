"""What an answer means, in all the ways in which servers say it; and how long they ask to wait."""

from __future__ import annotations

import json
import math
import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tgtagger.taggers.llm.api.rate_limits import (
    NO_LIMITS,
    Limits,
    go_seconds,
    limits_of,
    server_wait,
)
from tgtagger.taggers.llm.api.responses import LONGEST_MESSAGE, judge

NOW = 1_800_000_000.0
ANSWER = {"choices": [{"message": {"content": "{}"}}]}


def said(message: str = "Something", **facts: Any) -> dict[str, Any]:
    """An error body as OpenAI writes it."""
    return {"error": {"message": message, "type": "error", "param": None, **facts}}


def of(status: int, body: Any = None, **headers: str) -> tuple[str, str | None]:
    """Judge; return the kind and what goes with it."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    verdict, _ = judge(status, names, content, now=NOW)
    return verdict.kind, verdict.stop or verdict.parameter or verdict.failure


# ---- status, body, headers


@pytest.mark.parametrize(
    "body", [ANSWER, {}, [], None, b"", b"<html>", {"error": None}, {**ANSWER, **said()}]
)
def test_an_answer_is_read_by_others(body: Any) -> None:
    assert of(200, body) == ("answered", None)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, said(type="insufficient_quota")),
        *(
            (429, said(code=code))
            for code in (
                "insufficient_quota", "credit_balance_exhausted",
                "organization_spend_limit_exceeded", "project_spend_limit_exceeded",
                "organization_usage_limit_exceeded", "billing_hard_limit_reached",
                "billing_not_active",
            )
        ),
        (429, said(metadata={"limit_source": "openrouter_free_tier_daily"})),
        (429, said("Rate limit exceeded: free-models-per-day")),
        (429, [said(code="insufficient_quota")]),
        (402, said("Insufficient credits")),
        (402, b""),
        (200, said(code=402)),
        (200, said(code="insufficient_quota")),
    ],
)  # fmt: skip
def test_what_money_mends_stops_the_run(status: int, body: Any) -> None:
    assert of(status, body) == ("stop", "quota")


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (429, said("Rate limit reached", type="requests", code="rate_limit_exceeded"), {}),
        (429, b"slow down", {}),
        (429, [], {"x_should_retry": "true"}),
        (402, said("Credits are reserved"), {"retry_after": "3"}),
        (503, said("Overloaded"), {"retry_after": "3"}),
        (503, said("Overloaded"), {"retry_after_ms": "3"}),
        (503, said("Loading model", code=503), {}),
        (200, said(code=429), {}),
        (200, said(code="429"), {}),
        (200, said(code="rate_limit_exceeded"), {}),
    ],
)
def test_what_time_mends_makes_everybody_wait(
    status: int, body: Any, headers: dict[str, str]
) -> None:
    assert of(status, body, **headers) == ("throttled", "throttled")


def test_a_daily_limit_comes_back() -> None:
    body = json.dumps(said("Rate limit exceeded: free-models-per-day")).encode()
    verdict, _ = judge(429, {"retry-after": "600"}, body, now=NOW)
    assert (verdict.comes_back, verdict.wait) == (True, 600)
    verdict, _ = judge(429, {}, json.dumps(said(code="insufficient_quota")).encode(), now=NOW)
    assert not verdict.comes_back


@pytest.mark.parametrize("status", [408, 409, 425, 500, 501, 502, 503, 504, *range(520, 525), 529])
@pytest.mark.parametrize("body", [said(), b"<html>Bad Gateway</html>", b""])
def test_what_passes(status: int, body: Any) -> None:
    assert of(status, body) == ("passing", "server")


@pytest.mark.parametrize("code", [500, 502, "503", 504, None, "oops", "²", 9.5, [], True, 200])
def test_an_error_within_a_200_passes_unless_it_says_more(code: Any) -> None:
    assert of(200, said(code=code)) == ("passing", "server")


@pytest.mark.parametrize(
    ("status", "header", "kind", "again"),
    [
        (500, "true", "passing", True), (500, "false", "passing", False),
        (400, "true", "passing", True), (400, "false", "bad_post", True),
        (401, "true", "stop", True), (418, "true", "passing", True),
    ],
)  # fmt: skip
def test_a_server_says_whether_to_try_again(
    status: int, header: str, kind: str, *, again: bool
) -> None:
    verdict, _ = judge(status, {"x-should-retry": header}, b"", now=NOW)
    assert (verdict.kind, verdict.again) == (kind, again)


FLAGGED = said("Your input was flagged", code=403, metadata={"reasons": ["violence"]})
HTML = b"<html><body>404</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        # the key, or the post
        (401, said(), ("stop", "key_rejected")),
        (401, b"", ("stop", "key_rejected")),
        (403, said("Not allowed"), ("stop", "key_rejected")),
        (403, b"", ("stop", "key_rejected")),
        (403, FLAGGED, ("bad_post", "refused")),
        (403, said(metadata={"reasons": ["x"], "flagged_input": "…"}), ("bad_post", "refused")),
        (200, FLAGGED, ("bad_post", "refused")),
        (400, said("Blocked", code="content_filter"), ("bad_post", "refused")),
        (400, said("It violates our content policy"), ("bad_post", "refused")),
        # the model, or the address
        (404, said("No `x` for you", code="model_not_found"), ("stop", "unknown_model")),
        (404, said('model "x" not found, try pulling it first'), ("stop", "unknown_model")),
        (404, {"message": "The model `x` does not exist."}, ("stop", "unknown_model")),
        (404, said(), ("stop", "unknown_model")),
        (410, said(), ("stop", "unknown_model")),
        (400, said("x is not a valid model ID", code=400), ("stop", "unknown_model")),
        (400, said("Model Not Exist", code="invalid_request_error"), ("stop", "unknown_model")),
        (404, said("Invalid URL (POST /chat/completions)"), ("stop", "wrong_address")),
        (404, said("File Not Found", type="not_found_error", code=404), ("stop", "wrong_address")),
        (404, {"detail": "Not Found"}, ("stop", "wrong_address")),
        (404, b"404 page not found", ("stop", "wrong_address")),
        (404, HTML, ("stop", "wrong_address")),
        (405, b"", ("stop", "wrong_address")),
        (200, {"error": "Unexpected endpoint or method. (POST /chat)"}, ("stop", "wrong_address")),
        *((status, b"", ("stop", "wrong_address")) for status in (300, 301, 302, 304, 307, 308)),
        # the post
        (413, HTML, ("bad_post", "too_long")),
        (400, said("too many tokens"), ("bad_post", "too_long")),
        (400, said(code="context_length_exceeded"), ("bad_post", "too_long")),
        (400, said("exceeds the available context size", type="exceed_context_size_error"),
         ("bad_post", "too_long")),
        (400, said("max_tokens is too large: this model's maximum context length is 2048"),
         ("bad_post", "too_long")),
        (422, {"detail": [{"loc": ["body", "messages"], "msg": "Input should be valid"}]},
         ("bad_post", "server")),
        (400, said(), ("bad_post", "server")),
        (418, said(), ("bad_post", "server")),
        (204, b"", ("bad_post", "server")),
    ],
)  # fmt: skip
def test_the_key_the_model_the_address_the_post(
    status: int, body: Any, expected: tuple[str, str]
) -> None:
    assert of(status, body) == expected


ENDS: list[tuple[int, Any, str]] = [
    # the key, its owner, the country
    (400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.",
                      "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}],
     "key_rejected"),  # Gemini
    (400, [said("API key expired. Please renew the API key.")], "key_rejected"),
    (400, [said("User location is not supported for the API use.",
                status="FAILED_PRECONDITION")], "key_rejected"),
    (403, [said("Your API key was reported as leaked. Please use another API key.")],
     "key_rejected"),
    (400, {"code": "Client specified an invalid argument",
           "error": "Incorrect API key provided: xx. You can obtain an API key from "
                    "https://console.x.ai."}, "key_rejected"),  # xAI
    (400, said("This organization has been disabled."), "key_rejected"),  # Anthropic
    (403, said("Request not allowed", type="forbidden"), "key_rejected"),
    (400, said("Organization has been restricted. Please reach out to support if you believe this "
               "was in error.", code="organization_restricted"), "key_rejected"),  # Groq
    (403, said("Access denied. Please check your network settings."), "key_rejected"),
    (400, {"code": "InvalidApiKey", "message": "Invalid API-key provided."}, "key_rejected"),
    (403, said("Country, region, or territory not supported",
               code="unsupported_country_region_territory"), "key_rejected"),  # OpenAI
    (400, said("Your organization must be verified to stream this model."), "key_rejected"),
    (403, {"code": 30011, "message": "Please complete real-name verification first."},
     "key_rejected"),  # SiliconFlow
    (401, "Api key is invalid", "key_rejected"),
    (403, {"code": 30011, "message": "Access to this model requires identity verification"},
     "key_rejected"),
    (400, {"code": 400, "reason": "INVALID_API_KEY", "message": "refused"}, "key_rejected"),
    # the model
    (400, said("claude-2 is no longer supported. Please use another model."), "unknown_model"),
    (400, said("This model only support stream mode, please enable the stream parameter.",
               code="invalid_parameter_error"), "unknown_model"),  # DashScope
    (400, said("parameter.enable_thinking must be set to false for non-streaming calls"),
     "unknown_model"),
    (412, {"error": "The model you are attempting to use requires a newer version of Ollama."},
     "unknown_model"),
    (400, said("The provided model identifier is invalid."), "unknown_model"),  # Bedrock
    (400, said("模型不存在，请检查模型代码。", code="1211"), "unknown_model"),  # Zhipu
    (400, {"object": "error", "message": "Invalid model: nope", "type": "invalid_model",
           "param": None, "code": "1500"}, "unknown_model"),  # Mistral
    (400, said("The model `llama2-70b` has been decommissioned and is no longer supported.",
               code="model_decommissioned"), "unknown_model"),  # Groq
    (403, said("The model `x` is blocked at the project level.",
               code="model_permission_blocked_project"), "unknown_model"),
    (400, said("The model `x` requires terms acceptance.", code="model_terms_required"),
     "unknown_model"),
    (400, [said("* GenerateContentRequest.model: unexpected model name format",
                status="INVALID_ARGUMENT")], "unknown_model"),  # Gemini
    (400, said("No models loaded. Please load a model in the developer page or use `lms load`.",
               code="model_not_found", param="model"), "unknown_model"),  # LM Studio
    (400, {"error": 'Failed to load model "x". Error: insufficient system resources'},
     "unknown_model"),
    (400, {"error": "Multiple models are loaded. Please specify a model."}, "unknown_model"),
    (400, said('"nomic-embed-text:latest" does not support chat'), "unknown_model"),  # Ollama
    (400, said("invalid model name"), "unknown_model"),
    (400, said("model is required"), "unknown_model"),
    (400, {"code": 20012, "message": "Model does not exist. Please check it carefully."},
     "unknown_model"),  # SiliconFlow
    (403, {"code": 30003, "message": "Model disabled."}, "unknown_model"),
    (403, said("Access to model denied. Please make sure you are eligible for using the model.",
               code="AccessDenied.Unpurchased"), "unknown_model"),  # DashScope
    (400, said("Model not exist.", code="InvalidParameter"), "unknown_model"),
    (400, {"code": "invalid-argument", "error": "Model not found: grok-9"}, "unknown_model"),
    (400, said("Unable to access model x. Please visit our site.", code="model_not_available"),
     "unknown_model"),  # Together
    # the money
    (400, said("Your credit balance is too low to access the API. Please go to Plans & Billing.",
               type="invalid_request_error"), "quota"),  # Anthropic
    (400, said("You have reached your specified API usage limits. You will regain access on "
               "2027-01-01."), "quota"),
    (403, {"code": "The caller does not have permission to execute the specified operation",
           "error": "Your team has either used all available credits or reached its monthly "
                    "spending limit."}, "quota"),  # xAI
    (403, {"code": 30001, "message": "Sorry, your account balance is insufficient"},
     "quota"),  # SiliconFlow
    (400, said("Access denied, please make sure your account is in good standing.",
               type="Arrearage", code="Arrearage"), "quota"),  # DashScope
    (403, said("The free tier of the model has been exhausted.",
               code="AllocationQuota.FreeTierOnly"), "quota"),
    (403, [said("This API method requires billing to be enabled.", status="PERMISSION_DENIED",
                details=[{"reason": "BILLING_DISABLED"}])], "quota"),  # Gemini
    (403, {"error": "this model requires a subscription, upgrade for access"}, "quota"),  # Ollama
    (400, said("Your organization has reached its spend limit", code="blocked_api_access"),
     "quota"),  # Groq
    (412, {"error": "Account x is suspended, possibly due to reaching the monthly spending limit "
                    "or failure to pay past invoices"}, "quota"),  # Fireworks
    (429, said("Your prepayment credits are depleted.", status="RESOURCE_EXHAUSTED"), "quota"),
    (429, said("Your project has exceeded its monthly spending cap."), "quota"),  # Gemini
    (403, said("Key limit exceeded (total limit)."), "quota"),  # OpenRouter
    (403, said("Your organization does not have an active subscription"), "quota"),  # Mistral
    (403, {"code": 403, "reason": "NOT_ENOUGH_BALANCE", "message": "forbidden"}, "quota"),
    (400, said("Budget has been exceeded! Current cost: 10.1"), "quota"),  # LiteLLM
    (429, said("余额不足或无可用资源包,请充值。", code="1113"), "quota"),  # Zhipu
    (429, said("Your account is suspended due to insufficient balance, please recharge",
               type="exceeded_current_quota_error"), "quota"),  # Moonshot
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "stop"), ENDS)
def test_what_ends_a_run_whatever_its_status(status: int, body: Any, stop: str) -> None:
    assert of(status, body) == ("stop", stop)


PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"details": [{"violations": [{"quotaId": PER_DAY}]}]}, ("stop", "quota")),
        ({"details": [{"violations": [{"quotaId": PER_MINUTE}, {"quotaId": PER_DAY}]}]},
         ("stop", "quota")),
        ({"details": [{"violations": [{"quotaId": PER_MINUTE}]}]}, ("throttled", "throttled")),
        ({"details": [5, {"violations": [5]}, {"violations": 5}]}, ("throttled", "throttled")),
        ({"message": "you have reached your weekly usage limit"}, ("stop", "quota")),
        ({"message": "Rate limit of 150 per 86400s exceeded for UserByModelByDay."},
         ("stop", "quota")),
        ({"message": "You are using a Trial key, which is limited to 1000 API calls / month."},
         ("stop", "quota")),
        ({"message": "you have used up your daily free allocation of 10,000 neurons"},
         ("stop", "quota")),
        ({"message": "Limit on tokens per day (TPD) reached: try again in 7m"}, ("stop", "quota")),
    ],
)  # fmt: skip
def test_a_quota_of_a_day_is_no_wait_of_minutes(
    body: dict[str, Any], expected: tuple[str, str]
) -> None:
    quota = "You exceeded your current quota, please check your plan and billing details."
    assert of(429, [said(**{"message": quota, **body})]) == expected


@pytest.mark.parametrize(
    "message",
    [
        "The model has crashed without additional information. (Exit code: null)",
        "Model was unloaded while the request was still in queue..",
        "Channel Error",
        "CUDA error: out of memory",
        "The server is temporarily unable to do this",
        "Failed to generate JSON. Please adjust your prompt. See 'failed_generation'.",
        "Generated JSON does not match the expected schema.",
    ],
)
def test_a_400_that_passes(message: str) -> None:
    assert of(400, {"error": message}) == ("passing", "server")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, said("Developer instruction is not enabled for models/gemma-3-27b-it", code=400,
                   status="INVALID_ARGUMENT")),
        (400, said("System role not supported")),
        (400, {"error": 'Error rendering prompt with jinja template: "System role not supported"'}),
        (500, said("System role not supported", code=500)),
        (400, said("Only user and assistant roles are supported!")),
        (400, said("Conversation roles must alternate user/assistant/user/assistant/...")),
        (400, said("Unsupported value: 'messages[0].role' does not support 'system' with this "
                   "model.", param="messages[0].role")),
        (400, said("This model does not support system messages")),
    ],
)  # fmt: skip
def test_a_model_without_a_system_role(status: int, body: Any) -> None:
    assert of(status, body) == ("parameter", "system")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Input data may contain inappropriate content."),
        (400, "Content Exists Risk"),
        (400, "The request was rejected because it was considered high risk"),
        (400, "The request failed because the input text may contain sensitive information."),
        (400, "系统检测到输入或生成内容可能包含不安全或敏感内容"),
        (403, "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_X"),  # xAI
    ],
)
def test_a_post_that_a_provider_finds_improper(status: int, message: str) -> None:
    assert of(status, said(message, code="x")) == ("bad_post", "refused")


@pytest.mark.parametrize(
    "message",
    [
        "The input token count (1200000) exceeds the maximum number of tokens allowed.",
        "Range of input length should be [1, 30720]",
        "This model's maximum prompt length is 131072 but the request contains 131100 tokens.",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193.",
    ],
)
def test_a_post_that_is_too_long(message: str) -> None:
    assert of(400, said(message)) == ("bad_post", "too_long")


@pytest.mark.parametrize(
    ("status", "body", "parameter"),
    [
        (400, said("Unsupported value: 'temperature' does not support 0"), "temperature"),
        (400, said("Something", param="temperature"), "temperature"),
        (400, said("Unsupported parameter: 'max_tokens' is not supported with this model. "
                   "Use 'max_completion_tokens' instead."), "max_tokens"),
        (400, said("Use 'max_completion_tokens' instead.", param="max_tokens"), "max_tokens"),
        (400, said("Unrecognized request argument supplied: max_completion_tokens"),
         "max_completion_tokens"),
        (400, said("'reasoning_effort' is not supported"), "reasoning_effort"),
        (400, said("property 'usage' is unsupported"), "usage"),
        (400, said('unknown field "provider"'), "provider"),
        (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "temperature"],
                           "msg": "Extra inputs are not permitted"}]}, "temperature"),
        (422, {"object": "error", "message": {"detail": [{"loc": ["body", "max_tokens"],
                                                          "msg": "Extra inputs"}]}}, "max_tokens"),
        # formats, server by server
        (400, said("Invalid schema for response_format 'tags'", param="response_format"),
         "response_format"),
        (400, {"error": "'response_format.type' must be 'json_schema' or 'text'"},
         "response_format"),  # LM Studio
        (400, said("This response_format type is unavailable now"), "response_format"),  # DeepSeek
        (400, said("'messages' must contain the word 'json' in some form, to use "
                   "'response_format' of type 'json_object'.", param="messages"),
         "response_format"),
        (404, said("No endpoints found that can handle the requested parameters."),
         "response_format"),  # OpenRouter
        (500, said("[{'loc': ('body', 'response_format', 'type')}]"),
         "response_format"),  # llama-cpp-python
        (400, said("Failed to parse grammar"), "response_format"),  # llama.cpp
        (400, [{"error": {"code": 400, "message": "Invalid JSON payload: response_format",
                          "status": "INVALID_ARGUMENT"}}], "response_format"),  # Gemini
        (422, {"detail": [{"loc": ["body", "response_format", "type"], "msg": "Input should be"}]},
         "response_format"),
        # only the number of items, in strict modes and grammar backends
        (400, said("Invalid schema for response_format 'tags': In context=('properties', 'tags'), "
                   "'minItems' is not permitted.", param="response_format"), "bounds"),
        (400, said("The provided JSON schema contains features not supported by xgrammar."),
         "bounds"),
        (400, said("Some keywords are not supported: maxItems"), "bounds"),
        (400, said("response_format 'tags': 'maxLength' is not permitted"), "bounds"),
    ],
)  # fmt: skip
def test_what_is_refused_of_a_request(status: int, body: Any, parameter: str) -> None:
    assert of(status, body) == ("parameter", parameter)


@pytest.mark.parametrize(
    "message",
    ["your usage is high", "the provider failed", "body.temperature_limit", "my_max_tokens"],
)
def test_what_only_looks_like_a_parameter(message: str) -> None:
    assert of(400, said(message)) == ("bad_post", "server")


def test_words_of_a_post_that_a_server_repeats_mean_nothing() -> None:
    detail = {"loc": ["body", "messages"], "msg": "Invalid", "input": "our json_schema is flagged"}
    assert of(422, {"detail": [detail]}) == ("bad_post", "server")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (said("Line one\n  line two"), "HTTP 500: Line one line two"),
        ({"error": "plain"}, "HTTP 500: plain"),
        ({"message": "top"}, "HTTP 500: top"),
        ({"detail": "told"}, "HTTP 500: told"),
        ({"detail": [{"loc": ["body", "n"], "msg": "listed"}]}, "HTTP 500: listed"),
        ([{"error": {"message": "first"}}], "HTTP 500: first"),
        ("quoted", "HTTP 500: quoted"),
        ({"error": {"message": 5}}, "HTTP 500"),
        (b"<html>", "HTTP 500"),
        (said("x" * 1000), "HTTP 500: " + "x" * LONGEST_MESSAGE),
    ],
)
def test_which_words_are_told(body: Any, message: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert judge(500, {}, content, now=NOW)[0].message == message


def test_headers_about_limits_are_no_wait_where_no_limit_is_met() -> None:
    headers = {"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "6m0s"}
    for status in (500, 503):
        verdict, _ = judge(status, headers, b"", now=NOW)
        assert (verdict.kind, verdict.wait) == ("passing", None)
    assert judge(500, {"retry-after": "7"}, b"", now=NOW)[0].wait == 7
    assert judge(429, headers, b"", now=NOW)[0].wait == 360


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            "error message type code param metadata headers raw reasons limit_source detail loc "
            "msg choices Retry-After X-RateLimit-Reset".split()
        ),
        inner,
        max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip
BODIES = st.binary(max_size=60) | JSON.map(lambda tree: json.dumps(tree).encode())
# Hypothesis gives tests more room on the stack than they have elsewhere: tried as they are.
DEEP = [b"[" * 1000 + b"]" * 1000, b'{"error":{"code":' + b"[" * 1000 + b"]" * 1000 + b"}}"]
WAITS = st.one_of(
    st.text(max_size=30),
    st.floats().map(str),
    st.integers(-(10**30), 10**30).map(str),
    st.from_regex(r"(\d{1,30}(\.\d{1,5})?(ms|s|m|h)){1,4}", fullmatch=True),
    st.from_regex(
        r"(Mon, )?\d{1,30} (Jan|Feb) \d{1,30} \d\d:\d\d:\d\d ([+-]\d{1,30}|GMT)?", fullmatch=True
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        "retry-after retry-after-ms x-should-retry x-ratelimit-reset x-ratelimit-reset-requests "
        "x-ratelimit-reset-tokens x-ratelimit-remaining-requests x-ratelimit-remaining-tokens "
        "x-ratelimit-limit".split()
    ),
    WAITS,
)


@pytest.mark.parametrize("body", DEEP)
def test_a_body_of_any_depth_is_judged(body: bytes) -> None:
    assert of(500, body) == ("passing", "server")


@given(st.integers(100, 999), HEADERS, BODIES)
def test_judging_never_fails(status: int, headers: dict[str, str], body: bytes) -> None:
    verdict, _ = judge(status, headers, body, now=NOW)
    assert verdict.wait is None or (math.isfinite(verdict.wait) and verdict.wait >= 0)
    assert len(verdict.message) <= LONGEST_MESSAGE + 20
    assert (verdict.kind == "stop") == (verdict.stop is not None)
    assert (verdict.kind == "parameter") == (verdict.parameter is not None)
    assert (verdict.kind in {"passing", "throttled", "bad_post"}) == (verdict.failure is not None)


# ---- waits


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after-ms": "2500"}, 2.5),
        ({"retry-after-ms": "2500", "retry-after": "9"}, 2.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "7.25"}, 7.25),
        ({"retry-after": "0"}, 0),
        ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90),
        ({"retry-after": formatdate(NOW - 90, usegmt=True)}, 0),
        ({"retry-after": formatdate(NOW + 90, usegmt=True).removesuffix(" GMT")}, 90),  # naive
        ({"retry-after": "Fri, 15 Jan 2027 10:01:30 +0200"}, 90),
        *(({"retry-after": junk}, None) for junk in (
            "", "soon", "nan", "inf", "-inf", "-5", "1e999", "7 s", "7;8", "Mon, 99 Foo",
            "Fri, 01 Jan 99999999999999999999 00:00:00 GMT",
            "Fri, 01 Jan 2027 00:00:00 +99999999999999999999",
        )),
        ({"retry-after": "junk", "x-ratelimit-reset": "5"}, 5),
        # of two limits the one that is used up, or else the one that comes back later
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, 360),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "0",
          "x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "9"}, 1),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "0",
          "x-ratelimit-reset-tokens": "2s", "x-ratelimit-remaining-tokens": "0"}, 2),
        ({"x-ratelimit-reset-requests": "12ms"}, 0.012),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-tokens": "8.64"}, 8.64),
        ({"x-ratelimit-reset-tokens": "9" * 400 + "h"}, None),
        ({"x-ratelimit-reset": f"{NOW + 30:.0f}"}, 30),
        ({"x-ratelimit-reset": f"{(NOW + 30) * 1000:.0f}"}, 30),
        ({"x-ratelimit-reset": f"{NOW - 30:.0f}"}, 0),
        ({"x-ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-reset": "never"}, None),
    ],
)  # fmt: skip
def test_a_wait_in_the_headers(headers: dict[str, str], wait: float | None) -> None:
    assert server_wait(headers, None, NOW) == (None if wait is None else pytest.approx(wait))


def test_a_date_without_a_zone_is_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        for date in (formatdate(NOW + 90), formatdate(NOW + 90).removesuffix(" -0000")):
            assert server_wait({"retry-after": date}, None, NOW) == 90
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("body", "wait"),
    [
        (said("Limit reached. Please try again in 2.582s."), 2.582),
        (said("Please try again in 6m0s. Visit our page."), 360),
        (said("Please try again in 120ms"), 0.12),
        (said("Please retry after 20 seconds."), 20),
        (said("Please retry in 20.5s."), 20.5),
        (said("Try again in 2 minutes"), 120),
        (said("try again later"), None),
        (said("try again in a while"), None),
        ({"error": "Please try again in 2s."}, 2),
        ([said("Please retry in 3s.")], 3),
        (said(metadata={"headers": {"X-RateLimit-Reset": f"{(NOW + 30) * 1000:.0f}"}}), 30),
        (said(metadata={"headers": {"Retry-After": 4}}), 4),
        (said("try again in 5s", metadata={"headers": {"X-RateLimit-Limit": "50"}}), 5),
        (said(metadata={"headers": "none"}), None),
        (said(metadata=[]), None),
        ({"error": {"message": ["try again in 2s"]}}, None),
        (None, None),
    ],
)
def test_a_wait_in_the_body(body: Any, wait: float | None) -> None:
    assert server_wait({}, body, NOW) == (None if wait is None else pytest.approx(wait))
    assert server_wait({"retry-after": "1"}, body, NOW) == 1  # the header's word counts


@given(HEADERS, JSON, st.floats(0, 1e10))
def test_a_wait_is_a_number_or_none(headers: dict[str, str], tree: Any, now: float) -> None:
    wait = server_wait(headers, tree, now)
    assert wait is None or (math.isfinite(wait) and wait >= 0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12ms", 0.012), ("1s", 1), ("6m0s", 360), ("1h2m3.5s", 3723.5), ("1.5h", 5400),
        ("", None), ("5", None), ("s", None), ("1s ", None), ("-1s", None), ("1d", None),
    ],
)  # fmt: skip
def test_durations_as_go_writes_them(text: str, seconds: float | None) -> None:
    assert go_seconds(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "limits"),
    [
        ({}, NO_LIMITS),
        ({"retry-after": "5"}, NO_LIMITS),
        (
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-tokens": "149984",
                "x-ratelimit-reset-tokens": "6ms",
            },
            Limits(59, 1, 149_984, 0.006),
        ),
        (
            {
                "x-ratelimit-limit": "20",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": f"{(NOW + 30) * 1000:.0f}",
            },
            Limits(0, 30),
        ),
        (
            {
                "x-ratelimit-limit-requests": "nan",
                "x-ratelimit-remaining-requests": "-1",
                "x-ratelimit-reset-requests": "soon",
            },
            Limits(),
        ),
    ],
)
def test_limits_in_the_headers(headers: dict[str, str], limits: Limits) -> None:
    assert limits_of(headers, NOW) == limits
