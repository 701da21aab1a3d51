"""The tests' own tagging server: that its faults are what they say, on the wire and without one."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from llm_server import Brain, Fault, Limit, LlmServer, contents, faults, mock_transport, refusals
from llm_server.refusals import FORMS, go_duration
from llm_server.wire import gzipped_padding, padding

TWO = '<post id="p1" fence="x">\nWeather in Москва today\n</post x>\n<post id="p2">\nHi\n</post>\n'
RIGHT = [
    {"id": "p1", "tags": ["weather", "москва", "today"]},
    {"id": "p2", "tags": ["topic one", "topic two", "topic three"]},
]


def ask(text: str = TWO, model: str = "test-model", **more: Any) -> dict[str, Any]:
    system = {"role": "system", "content": "Answer in JSON."}
    return {"model": model, "messages": [system, {"role": "user", "content": text}], **more}


def schema(**of_tags: Any) -> dict[str, Any]:
    def closed(**properties: Any) -> dict[str, Any]:
        names = list(properties)
        whole = {"type": "object", "properties": properties, "required": names}
        return whole | {"additionalProperties": False}

    tags = {"type": "array", "items": {"type": "string"}, **of_tags}
    posts = {"type": "array", "items": closed(id={"type": "string"}, tags=tags)}
    described = {"name": "tags", "strict": True, "schema": closed(posts=posts)}
    return {"type": "json_schema", "json_schema": described}


def loose() -> dict[str, Any]:
    made = schema()
    del made["json_schema"]["schema"]["additionalProperties"]
    return made


def content_of(response: httpx.Response) -> Any:
    return response.json()["choices"][0]["message"]["content"]


class Client:
    """One kept connection, as a client of completions has it."""

    def __init__(self, server: LlmServer, timeout: float = 10) -> None:
        self.http = httpx.Client(base_url=server.url, trust_env=False, timeout=timeout)

    def __call__(self, *args: Any, **more: Any) -> httpx.Response:
        return self.http.post("/chat/completions", json=ask(*args, **more))


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as running:
        yield running


@pytest.fixture
def client(server: LlmServer) -> Iterator[Client]:
    made = Client(server)
    yield made
    made.http.close()


def test_a_good_answer_and_the_log(server: LlmServer, client: Client) -> None:
    response = client()
    assert json.loads(content_of(response)) == {"posts": RIGHT}
    told = response.json()
    assert told["object"] == "chat.completion"
    assert told["choices"][0]["finish_reason"] == "stop"
    usage = told["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 0
    client()
    first, second = server.requests
    assert first.texts == ("Weather in Москва today", "Hi")
    assert (first.path, first.status, first.headers["content-type"]) == (
        "/v1/chat/completions", 200, "application/json",
    )  # fmt: skip
    assert first.at <= second.at
    assert server.connections == first.connection == second.connection == 1
    assert server.paid_twice() == {"Weather in Москва today": 2, "Hi": 2}


def test_models_and_what_is_not_there(server: LlmServer, client: Client) -> None:
    server.models.append({"id": "other", "context_length": 8192})
    server.lookups = [faults.status(503)]
    assert client.http.get("/models").status_code == 503
    first, other = client.http.get("/models").json()["data"]
    assert first["id"] == "test-model"
    assert other["context_length"] == 8192
    assert client.http.get("/nothing").status_code == 404
    assert client(model="nobody").json()["error"]["code"] == "model_not_found"
    assert client.http.post("/chat/completions", content=b"{").status_code == 400


def test_script_then_rule(server: LlmServer, client: Client) -> None:
    server.tags = lambda text: [text]
    server.script = [faults.status(500), None]
    server.rule = lambda seen: faults.status(404) if "Hi" in seen.texts else None
    assert [client().status_code for _ in range(3)] == [500, 200, 404]
    assert client('<post id="p1">\nA\n</post>').status_code == 200
    assert server.statuses == [500, 200, 404, 200]
    assert [seen.fault for seen in server.requests] == ["status 500", "", "status 404", ""]
    assert server.answered == {"A": 1, "Hi": 1, "Weather in Москва today": 1}


def test_a_key(server: LlmServer, client: Client) -> None:
    server.key = "sk-right"
    assert client().status_code == client.http.get("/models").status_code == 401
    client.http.headers["authorization"] = "Bearer sk-right"
    assert client().status_code == 200
    server.script = [refusals.wrong_key(echo=True)]
    assert "sk-right" in client().text


# ---- trouble on the wire: the same to httpx whether there is a wire or not

HARD: list[tuple[Fault, str]] = [
    (faults.reset("before"), "ReadError"),
    (faults.reset("headers"), "ReadError"),
    (faults.reset("body"), "ReadError"),
    (faults.close("before"), "RemoteProtocolError"),
    (faults.close("headers"), "RemoteProtocolError"),
    (faults.close("body"), "RemoteProtocolError"),
    (faults.short_body(), "RemoteProtocolError"),
    (faults.bad_chunks(), "RemoteProtocolError"),
    (faults.hang(), "ReadTimeout"),
    (faults.slow(30), "ReadTimeout"),
    (faults.slow(0.01), "200"),
    (faults.slow(0.01, faults.status(503)), "503"),
    (faults.drip(30), "ReadTimeout"),
    (faults.close_after(), "200"),
    (faults.huge(300_000), "200"),
    (faults.gzip_bomb(3), "200"),
    (faults.redirect("http://127.0.0.1:1/v1"), "301"),
    (faults.deep_json(), "200"),
    (faults.cp1251(), "200"),
    (faults.html(502), "502"),
    (refusals.rate_limited(2), "429"),
    (contents.hostile_tags(), "200"),
]


@pytest.mark.parametrize(("fault", "outcome"), HARD, ids=[fault.name for fault, _ in HARD])
async def test_faults_reach_httpx_alike(fault: Fault, outcome: str) -> None:
    with LlmServer(script=[fault]) as server:
        real = httpx.AsyncHTTPTransport()
        assert await _outcome(server.url, real) == outcome
        status = int(outcome) if outcome.isdigit() else server.statuses[0]
        assert server.statuses == [status]
        paid = server.answered.total()
    brain = Brain(script=[fault])
    assert await _outcome("http://server/v1", mock_transport(brain)) == outcome
    assert brain.statuses == [status]
    assert brain.answered.total() == paid


async def _outcome(url: str, transport: httpx.AsyncBaseTransport) -> str:
    async with httpx.AsyncClient(transport=transport, timeout=0.5) as client:
        try:
            return str((await client.post(f"{url}/chat/completions", json=ask())).status_code)
        except httpx.HTTPError as error:
            return type(error).__name__


def test_a_kept_connection_that_closes_in_silence(server: LlmServer) -> None:
    server.script = [faults.close_after()]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        body = json.dumps(ask()).encode()
        raw.sendall(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body))
        raw.sendall(body)
        answer = b""
        while piece := raw.recv(65536):
            answer += piece
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b"connection:" not in head.lower()
    assert json.loads(content)["choices"]
    assert server.answered["Hi"] == 1


def test_bodies_without_end(server: LlmServer, client: Client) -> None:
    for fault in (faults.endless(), faults.drip(0.001)):
        server.script = [fault]
        with client.http.stream("POST", "/chat/completions", json=ask()) as response:
            read = 0
            for piece in response.iter_raw():
                read += len(piece)
                if read > (20 if fault.name == "drip" else 5_000_000):
                    break
    server.refuse = True
    with pytest.raises(httpx.TransportError):
        client()


def test_sizes() -> None:
    assert len(b"".join(padding(100_000))) == 100_000
    packed = gzipped_padding(3)
    expanded = httpx.Response(200, headers={"content-encoding": "gzip"}, content=packed)
    assert len(expanded.json()["padding"]) == 3 * 1024 * 1024
    assert len(packed) < 10_000


def test_the_end_waits_for_nobody() -> None:
    begun = time.monotonic()
    with LlmServer() as server:
        server.script = [faults.hang(), faults.endless(), faults.drip(600)]
        server.latency = lambda seen: 600 if seen.connection == 4 else 0
        open_ones = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        body = json.dumps(ask()).encode()
        for raw in open_ones[:4]:
            raw.sendall(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n" % len(body))
            raw.sendall(b"\r\n" + body)
            while len(server.requests) < open_ones.index(raw) + 1:
                time.sleep(0.001)
        assert server.busiest == 4
    for raw in open_ones:
        raw.close()
    assert time.monotonic() - begun < 60  # none of the 600 s were waited for
    assert not server.answered


# ---- what providers say


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_wait(form: refusals.Form) -> None:
    brain = Brain(script=[refusals.rate_limited(90.5, form)], wall=lambda: 1_800_000_000)
    headers = respond(brain, ask()).headers
    expected = {
        "seconds": ("retry-after", "90"),
        "float": ("retry-after", "90.500"),
        "date": ("retry-after", "Fri, 15 Jan 2027 08:01:30 GMT"),
        "negative": ("retry-after", "-90"),
        "day": ("retry-after", "86400"),
        "ms": ("retry-after-ms", "90500"),
        "requests": ("x-ratelimit-reset-requests", "1m30.5s"),
        "tokens": ("x-ratelimit-reset-tokens", "1m30.5s"),
        "epoch-ms": ("x-ratelimit-reset", "1800000090500"),
    }
    if form in expected:
        name, value = expected[form]
        assert headers[name] == value
    if form in {"none", "text"}:
        assert set(headers) == {"content-type"}


def test_go_durations() -> None:
    assert [go_duration(each) for each in (0.012, 1, 60, 3723.5)] == [
        "12ms",
        "1s",
        "1m0s",
        "1h2m3.5s",
    ]


def respond(
    brain: Brain, body: Any, method: str = "POST", path: str = "/v1/chat/completions"
) -> Any:
    response = brain.respond(method, path, {}, json.dumps(body).encode() if body else b"")
    brain.sent(response)
    return response


def said(brain: Brain, **more: Any) -> Any:
    """The status, and the message of an error or the content."""
    response = respond(brain, ask(**more))
    told = json.loads(response.body)
    if "error" not in told:
        return response.status, told["choices"][0]["message"]["content"]
    error = told["error"]
    return response.status, error if isinstance(error, str) else error["message"]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@pytest.mark.parametrize("sliding", [False, True])
def test_a_limit(sliding: bool) -> None:  # noqa: FBT001
    clock = Clock()
    brain = Brain(clock=clock, limit=Limit(2, 60, sliding=sliding))

    def at(now: float) -> int:
        clock.now = now
        return int(respond(brain, ask()).status)

    assert [at(now) for now in (0, 50, 55)] == [200, 200, 429]
    refused = respond(brain, ask())
    assert refused.headers["retry-after"] == "5"
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert refused.headers["x-ratelimit-reset-requests"] == "5s"
    # The window is over, or has slid past the first request only.
    assert [at(60), at(61)] == ([200, 429] if sliding else [200, 200])
    assert brain.limit is not None
    assert brain.limit.refused == (3 if sliding else 2)


async def test_a_virtual_clock_behind_httpx() -> None:
    clock = Clock()
    brain = Brain(clock=clock, wall=clock, latency=2.0, limit=Limit(1, headers=False))
    transport = mock_transport(brain, sleep=clock.sleep)
    async with httpx.AsyncClient(transport=transport, timeout=None) as client:
        for expected in (200, 429):
            response = await client.post("http://server/v1/chat/completions", json=ask())
            assert response.status_code == expected
        assert response.headers["retry-after"] == "58"
    assert clock.now == 4.0


# ---- what models say


def test_contents_and_what_they_pay() -> None:
    tagged = {
        contents.fenced: 2, contents.thinking: 2, contents.bom: 2, contents.chatty: 2,
        contents.missing: 1, contents.unknown_ids: 2, contents.duplicates: 2, contents.shuffled: 2,
        contents.too_long: 1, contents.bare_tags: 1, contents.prose: 0, contents.empty: 0,
        contents.refusal: 0, contents.no_choices: 0, contents.no_tags: 0, contents.many_tags: 0,
        contents.huge_tag: 0, contents.cut_content: 0, contents.wrong_types: 0,
        contents.bare_list: 0, contents.number_ids: 0, contents.only_reasoning: 0,
        contents.content_filter: 0,
        contents.unclosed_think: 0, contents.no_ids: 0, refusals.error_in_200: 0,
        faults.event_stream: 0, faults.bom_body: 0, faults.cut_json: 0, faults.empty_body: 0,
    }  # fmt: skip
    for make, count in tagged.items():
        brain = Brain(script=[make()])
        assert respond(brain, ask()).status == 200
        assert brain.answered.total() == count, make
    brain = Brain(script=[contents.too_long()])
    assert '"tags": ["weather", "москва", "today"]}, {"id": "p2"' in said(brain)[1]
    brain = Brain(script=[contents.wrong_type_of("p2", None)])
    assert json.loads(said(brain)[1])["posts"] == [RIGHT[0], {"id": "p2", "tags": None}]
    assert brain.answered == {"Weather in Москва today": 1}


def test_the_answer_keeps_to_schema_and_max_tokens() -> None:
    brain = Brain()
    closed = schema(items={"type": "string", "enum": ["news", "today"]})
    posts = json.loads(said(brain, response_format=closed)[1])["posts"]
    assert [post["tags"] for post in posts] == [["today"], ["news", "today"]]
    response = json.loads(respond(brain, ask(max_tokens=5)).body)
    assert response["choices"][0]["finish_reason"] == "length"


# ---- the kinds


@pytest.mark.parametrize(
    ("kind", "more", "status", "part"),
    [
        ("openai", {"response_format": schema()}, 200, "weather"),
        ("openai", {"model": "gpt-5-mini", "temperature": 0}, 400, "'temperature'"),
        ("openai", {"model": "gpt-5-mini", "temperature": 1}, 200, "weather"),
        ("openai", {"model": "gpt-5-mini", "max_tokens": 9}, 400, "'max_completion_tokens'"),
        ("openai", {"provider": {}}, 400, "argument supplied: provider"),
        ("openai", {"response_format": loose()}, 400, "'additionalProperties'"),
        ("openrouter", {"model": "a-plain", "response_format": schema()}, 200, "```json"),
        ("openrouter", {"model": "nobody"}, 400, "not a valid model ID"),
        ("ollama", {"model": "a-mlx", "response_format": schema()}, 200, "Would you like"),
        ("ollama", {"response_format": schema()}, 200, "weather"),
        ("ollama", {"model": "x"}, 404, 'model "x" not found, try pulling it first'),
        ("llamacpp", {"model": "anything"}, 200, "weather"),
        ("llamacpp", {"text": "word " * 5000}, 400, "exceeds the available context size"),
        ("lmstudio", {"response_format": {"type": "json_object"}}, 400, "'json_schema' or 'text'"),
        ("lmstudio", {"response_format": schema()}, 200, "weather"),
        ("vllm", {"response_format": schema(maxItems=5)}, 400, "features not supported"),
        ("vllm", {"response_format": schema()}, 200, "weather"),
        ("llama-cpp-python", {"response_format": schema()}, 500, "response_format"),
        ("llama-cpp-python", {"response_format": {"type": "json_object"}}, 200, "weather"),
        ("deepseek", {"response_format": schema()}, 400, "unavailable now"),
        ("deepseek", {"response_format": {"type": "json_object"}}, 200, "weather"),
        ("plain", {"response_format": {"type": "json_object"}}, 400, "response_format"),
        ("plain", {"response_format": {"type": "text"}}, 200, "weather"),
    ],
)
def test_kinds(kind: str, more: dict[str, Any], status: int, part: str) -> None:
    brain = Brain(kind, models=["test-model", "gpt-5-mini", "a-mlx", "a-plain"])
    got, message = said(brain, **more)
    assert got == status
    assert part in message


def test_openrouter_finds_no_provider() -> None:
    brain = Brain("openrouter", models=["a-plain", "test-model"])
    required: dict[str, Any] = {"provider": {"require_parameters": True}}
    required["response_format"] = schema()
    assert said(brain, model="a-plain", **required)[0] == 404
    assert json.loads(respond(brain, ask(**required)).body)["usage"]["cost"] > 0


def test_ollama_forgets_the_start_of_a_prompt() -> None:
    brain = Brain("ollama")
    long = f'<post id="p1">\n{"word " * 4000}\n</post>\n<post id="p2">\nsome words here\n</post>\n'
    told = json.loads(respond(brain, ask(long)).body)
    assert told["usage"]["prompt_tokens"] == 4096
    posts = json.loads(told["choices"][0]["message"]["content"])["posts"]
    assert [post["id"] for post in posts] == ["p2"]
    assert len(brain.requests[0].posts) == 2


def test_llamacpp_loads_and_tells_its_context() -> None:
    brain = Brain("llamacpp", loading=2, context=8192)
    assert respond(brain, None, "GET", "/health").status == 503
    assert respond(brain, ask()).status == 503
    props = json.loads(respond(brain, None, "GET", "/props").body)
    assert props["default_generation_settings"]["n_ctx"] == 8192
    assert respond(brain, ask(), path="/chat/completions").status == 200
    models = json.loads(respond(Brain("vllm"), None, "GET", "/v1/models").body)
    assert models["data"][0]["max_model_len"] == 32_768


def test_a_crash_of_the_server_itself_is_not_silent() -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"), LlmServer() as server:
        server.rule = lambda seen: faults.status(1 // len(seen.headers.get("x", "")))
        client = Client(server)
        with pytest.raises(httpx.RemoteProtocolError):
            client()
        client.http.close()
