"""Over real sockets: connections, proxies, redirects, answers without end; and every exception."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import inspect
import itertools
import socket
import ssl
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from llm_server import Brain, Fault, LlmServer, faults, mock_transport, refusals
from support.events import RecordedEvents
from tgtagger import __version__
from tgtagger.cli.hints import hint_of
from tgtagger.errors import InputError
from tgtagger.model.tagging import PostForTagging, PostId, Tagged
from tgtagger.taggers.llm.api.answers import read_answer, read_tags
from tgtagger.taggers.llm.api.capabilities import Capabilities
from tgtagger.taggers.llm.api.client import HOPS, LARGEST, Server, map_error
from tgtagger.taggers.llm.api.requests import Wanted, write_request
from tgtagger.taggers.llm.api.responses import Response
from tgtagger.taggers.llm.plan import Options
from tgtagger.taggers.llm.prompt import make_prompt, posts_message
from tgtagger.taggers.llm.queue import Sizes
from tgtagger.taggers.llm.tagger import LlmTagger
from tgtagger.vocabulary import Vocabulary

KEY = "sk-test-0123456789abcdef"
PROMPT = make_prompt(Vocabulary("open"))
BODY = write_request(
    "test-model",
    PROMPT,
    posts_message([("p1", "A storm at the harbour")], "0a1b"),
    Wanted(("p1",)),
    Capabilities(),
)
PROXIES = [
    f"{name}{ending}" for name in ("HTTP", "HTTPS", "ALL", "NO") for ending in ("_PROXY", "_proxy")
]


@pytest.fixture(autouse=True)
def _no_proxies_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def is_tagged(response: Response) -> bool:
    return bool(read_tags(read_answer(response.tree).content, ("p1",)))


async def ask(url: str, *, key: str | None = KEY) -> Response:
    async with Server(url, key, timeout=5) as server:
        return await server.ask(BODY)


# ---- what httpx raises

CLASSES = sorted(
    {
        found
        for _, found in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(found, (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError))
    },
    key=lambda found: found.__name__,
)
STOPS = {"InvalidURL", "UnsupportedProtocol", "LocalProtocolError"}
UNREACHED = {"ConnectError", "ConnectTimeout", "ProxyError"}


def made(class_: type[Any]) -> Any:
    """An exception of this class, whatever it wants to be made of."""
    needed = inspect.signature(class_).parameters
    request = httpx.Request("GET", "http://a")
    values = {"message": KEY, "request": request, "response": httpx.Response(500, request=request)}
    return class_(**{name: values[name] for name in needed if name in values})


@pytest.mark.parametrize("class_", CLASSES, ids=lambda class_: class_.__name__)
def test_every_exception_has_its_verdict(class_: type[Any]) -> None:
    verdict = map_error(made(class_))
    if class_.__name__ in STOPS:
        assert (verdict.kind, verdict.stop) == ("stop", "wrong_address")
        return
    assert (verdict.kind, verdict.again) == ("passing", True)
    assert verdict.reached == (class_.__name__ not in UNREACHED)
    expected = "timeout" if issubclass(class_, httpx.TimeoutException) else "network"
    assert verdict.failure == ("bad_answer" if class_ is httpx.DecodingError else expected)
    assert KEY not in verdict.message


def test_all_of_them_are_there() -> None:
    assert {"ReadTimeout", "PoolTimeout", "RemoteProtocolError", "StreamClosed", "InvalidURL"} <= {
        class_.__name__ for class_ in CLASSES
    }


async def test_a_certificate_that_is_not_trusted_stops() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        try:
            try:
                raise ssl.SSLCertVerificationError("self-signed certificate")
            except ssl.SSLError as error:
                raise OSError("no TLS") from error
        except OSError as error:
            raise httpx.ConnectError("no TLS") from error

    transport = httpx.MockTransport(refuse)
    async with Server("https://tagging.example/v1", KEY, transport=transport) as server:
        response = await server.ask(BODY)
    assert (response.verdict.kind, response.verdict.stop) == ("stop", "wrong_address")
    assert "certificate" in response.verdict.message


def test_a_ring_of_causes_has_an_end() -> None:
    one, other = httpx.ConnectError("one"), httpx.ReadError("other")
    one.__cause__, other.__cause__ = other, one
    assert map_error(one).kind == "passing"


# ---- addresses and keys


@pytest.mark.parametrize(
    "url",
    ["", "localhost:11434/v1", "127.0.0.1:11434", "/v1", "ftp://a/v1", "http://", "http:///v1",
     "http://[::1/v1", "http://a:port/v1", "http://a:99999/v1", "http://a/\0", "http://a..b/v1",
     f"http://{'a' * 70}.example/v1", "http://\u2488.example/v1"],
)  # fmt: skip
async def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InputError, match="not an address") as caught:
        await ask(url)
    assert "/v1" in (hint_of(caught.value) or "")


@pytest.mark.parametrize("key", ["sk-key\n", "ключ-0123456789", "sk\0key"])
async def test_what_is_no_key(key: str) -> None:
    with LlmServer() as llm:
        with pytest.raises(InputError, match="key") as caught:
            await ask(llm.url, key=key)
        assert not llm.requests
    assert key.strip() not in str(caught.value) + str(hint_of(caught.value))


async def test_what_is_sent_with_every_request() -> None:
    with LlmServer() as llm:
        await ask(llm.url)
        await ask(llm.url + "/", key=None)
        first, second = llm.completions
    assert first.headers["user-agent"] == f"tgtagger/{__version__}"
    assert first.headers["accept-encoding"] == "identity"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in second.headers
    assert (first.path, second.path) == ("/v1/chat/completions", "/v1/chat/completions")


# ---- connections


async def test_one_connection_for_one_request_after_another() -> None:
    with LlmServer() as llm:
        async with Server(llm.url, KEY) as server:
            for _ in range(20):
                assert is_tagged(await server.ask(BODY))
            assert await server.models()
        assert (llm.connections, len(llm.completions)) == (1, 20)


@pytest.mark.parametrize("concurrency", [6, 8, 20, 128])
async def test_no_more_connections_than_requests_at_once(concurrency: int) -> None:
    with LlmServer(latency=0.01) as llm:
        async with Server(llm.url, KEY, concurrency=concurrency) as server:
            for _ in range(5):
                response = await asyncio.gather(*(server.ask(BODY) for _ in range(concurrency)))
                assert all(map(is_tagged, response))
        assert llm.connections <= concurrency
        assert llm.busiest <= concurrency


async def test_all_requests_that_are_allowed_are_sent_at_once() -> None:
    with LlmServer(latency=1.0) as llm:
        async with Server(llm.url, KEY, concurrency=100) as server:
            assert all(
                map(is_tagged, await asyncio.gather(*(server.ask(BODY) for _ in range(100))))
            )
        assert (llm.connections, llm.busiest) == (100, 100)


async def test_a_connection_is_used_again_before_one_is_opened() -> None:
    """Whatever is allowed: a provider counts connections, and each costs a greeting."""
    with LlmServer(latency=0.01) as llm:
        async with Server(llm.url, KEY, concurrency=128) as server:
            for at_once in (3, 11, 5, 1, 11):
                await asyncio.gather(*(server.ask(BODY) for _ in range(at_once)))
        assert llm.connections == 11


@pytest.mark.row("H2")
@pytest.mark.parametrize("concurrency", [2, 20])
async def test_connections_of_requests_that_ran_out_of_time_are_given_back(
    concurrency: int,
) -> None:
    with LlmServer() as llm:
        async with Server(llm.url, KEY, concurrency=concurrency, timeout=0.5) as server:
            llm.rule = lambda _: faults.hang()
            response = await asyncio.gather(*(server.ask(BODY) for _ in range(3 * concurrency)))
            assert {each.verdict.failure for each in response} == {"timeout"}
            llm.rule = None
            server._client._deadline = 60  # what is asked is whether they answer, not how soon
            for client in server._client._clients:
                client.timeout = httpx.Timeout(60)
            response = await asyncio.gather(*(server.ask(BODY) for _ in range(concurrency)))
            assert all(map(is_tagged, response))


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert isinstance(port, int)
    return port


@pytest.mark.row("H1")
@pytest.mark.parametrize("at_once", [1, 20])
async def test_connecting_is_tried_four_times(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    connect, ports = socket.socket.connect, []

    def count(self: socket.socket, address: Any) -> None:
        ports.append(address[1])
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", count)
    port = free_port()
    async with Server(f"http://127.0.0.1:{port}/v1", KEY, concurrency=at_once) as server:
        responses = await asyncio.gather(*(server.ask(BODY) for _ in range(at_once)))
    assert ports.count(port) == 4 * at_once
    verdicts = [response.verdict for response in responses]
    assert {(verdict.failure, verdict.reached) for verdict in verdicts} == {("network", False)}


@pytest.mark.row("H1")
async def test_what_was_sent_is_not_repeated() -> None:
    with LlmServer(rule=lambda _: faults.reset("before")) as llm:
        response = await ask(llm.url)
        assert (response.verdict.failure, response.verdict.reached) == ("network", True)
        assert (llm.connections, len(llm.completions)) == (1, 1)


@pytest.mark.row("H1")
async def test_a_server_that_resets_every_connection() -> None:
    with LlmServer(refuse=True) as llm:
        assert (await ask(llm.url)).verdict.failure == "network"
        assert llm.connections <= 4


async def tag_all(llm: LlmServer, count: int, concurrency: int) -> set[str]:
    """Tag so many posts, one a request; return the texts of those that got tags."""
    posts = [PostForTagging(PostId(1, n), f"storm number{n} at sea", str(n)) for n in range(count)]
    options = Options(
        ("test-model",), concurrency=concurrency, sizes=Sizes(posts=1), retry_base=0.01
    )
    server = Server(llm.url, KEY, concurrency=concurrency)
    tagger = LlmTagger(server, PROMPT, Vocabulary("open"), options)
    tagged = set()
    async for answered in tagger.tag(posts, RecordedEvents()):
        tagged |= {each.post.text for each in answered if isinstance(each.outcome, Tagged)}
    return tagged


@pytest.mark.row("H8")
@pytest.mark.parametrize("latency", [0.0, 0.03])
async def test_kept_connections_that_a_server_closes_lose_no_post(latency: float) -> None:
    with LlmServer(latency=latency) as llm:
        llm.rule = lambda _: faults.close_after() if len(llm.completions) % 5 == 4 else None
        assert len(await tag_all(llm, 400, 32)) == 400
        assert llm.connections > 32
        assert not llm.paid_twice()


# ---- proxies


@dataclass
class Proxy:
    """A proxy that answers everything itself, and tells what it was asked."""

    port: int = 0
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.lines.append(head.split(b"\r\n")[0].decode())
        writer.write(b"HTTP/1.1 418 Proxy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    made = Proxy()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


@pytest.fixture
def every_name_is_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo

    def here(_host: Any, *rest: Any, **named: Any) -> Any:
        return look_up("127.0.0.1", *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", here)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_server_elsewhere_is_asked_through_the_proxy(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, proxy.url)
    response = await ask("http://tagging.example/v1")
    assert response.status == 418
    assert proxy.lines == ["POST http://tagging.example/v1/chat/completions HTTP/1.1"]


async def test_every_request_at_once_goes_through_the_proxy(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    async with Server("http://tagging.example/v1", KEY, concurrency=20) as server:
        responses = await asyncio.gather(*(server.ask(BODY) for _ in range(20)))
    assert {response.status for response in responses} == {418}
    assert len(proxy.lines) == 20


@pytest.mark.row("H1")
async def test_a_tunnel_for_https(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    response = await ask("https://tagging.example/v1")
    assert (response.verdict.kind, response.verdict.reached) == ("passing", False)
    assert proxy.lines == ["CONNECT tagging.example:443 HTTP/1.1"]


@pytest.mark.usefixtures("every_name_is_loopback")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_model_on_this_machine_is_not_behind_a_proxy(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for variable in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, proxy.url)
    with LlmServer() as llm:
        assert is_tagged(await ask(f"http://{host}:{llm.port}/v1"))
    assert not proxy.lines


@pytest.mark.usefixtures("every_name_is_loopback")
@pytest.mark.parametrize("excepted", ["tagging.example", ".example", "other.org,example", "*"])
async def test_no_proxy_is_honoured(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, excepted: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", excepted)
    with LlmServer(latency=0.05) as llm:
        url = f"http://tagging.example:{llm.port}/v1"
        async with Server(url, KEY, concurrency=20) as server:
            assert all(map(is_tagged, await asyncio.gather(*(server.ask(BODY) for _ in range(20)))))
    assert not proxy.lines


@pytest.mark.usefixtures("every_name_is_loopback")
async def test_a_proxy_for_another_scheme_is_none(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with LlmServer() as llm:
        assert is_tagged(await ask(f"http://tagging.example:{llm.port}/v1"))
    assert not proxy.lines


@pytest.mark.parametrize("address", ["socks5://127.0.0.1:9", "gopher://127.0.0.1:9", "http://[::"])
async def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("ALL_PROXY", address)
    with pytest.raises(InputError, match="proxy") as caught:
        await ask("http://tagging.example/v1")
    assert "NO_PROXY" in (hint_of(caught.value) or "")
    with LlmServer() as llm:
        assert is_tagged(await ask(llm.url))


# ---- answers without end


@contextlib.contextmanager
def memory_below(megabytes: float) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 1024 * 1024


@pytest.mark.row("H2")
@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (faults.endless(), "bad_answer"),
        (faults.huge(), "bad_answer"),
        (faults.gzip_bomb(300), "bad_answer"),
        (faults.drip(0.01), "timeout"),
        (faults.hang(), "timeout"),
        (faults.slow(30), "timeout"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
async def test_no_answer_takes_more_than_its_share(fault: Fault, failure: str) -> None:
    with LlmServer(rule=lambda _: fault) as llm:
        loop = asyncio.get_running_loop()
        timeout = 0.3 if failure == "timeout" else 10
        async with Server(llm.url, KEY, timeout=timeout) as server:
            with memory_below(12):
                started = loop.time()
                response = await server.ask(BODY)
                taken = loop.time() - started
    assert (response.verdict.kind, response.verdict.failure) == ("passing", failure)
    assert taken < 10  # it may go on for ever: any bound is one


@pytest.mark.row("H2")
@pytest.mark.parametrize(("size", "fits"), [(LARGEST, True), (LARGEST + 1, False)])
async def test_the_largest_answer(size: int, *, fits: bool) -> None:
    fault = faults.huge(size)
    async with Server(
        "http://127.0.0.1:1/v1", KEY, transport=mock_transport(Brain(rule=lambda _: fault))
    ) as server:
        response = await server.ask(BODY)
    assert response.verdict.kind == ("answered" if fits else "passing")


@pytest.mark.row("H2")
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_an_answer_that_is_packed_unasked_is_read(encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    packed = {name: pack(text) for name, text in (("whole", b'{"a": 1}'), ("empty", b""))}
    packed |= {"half": packed["whole"][:-12], "junk": b"no gzip"}
    read = {}
    for name, body in packed.items():
        transport = httpx.MockTransport(
            lambda _, body=body: httpx.Response(
                200, headers={"content-encoding": encoding}, stream=httpx.ByteStream(body)
            )
        )
        async with Server("http://127.0.0.1:1/v1", KEY, transport=transport) as server:
            read[name] = (await server.ask(BODY)).tree
    assert read == {"whole": {"a": 1}, "empty": None, "half": None, "junk": None}


# ---- redirects: within the server, and no step beyond


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_server_is_followed(code: int) -> None:
    with LlmServer() as llm:
        llm.script = [faults.redirect("/v1/chat/completions?moved", code)]
        assert is_tagged(await ask(llm.url))
        assert [seen.headers.get("authorization") for seen in llm.completions] == [
            f"Bearer {KEY}"
        ] * 2
        assert llm.completions[0].body == llm.completions[1].body


@pytest.mark.row("H5")
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.1.", "user@127.0.0.1"])
async def test_no_redirect_carries_the_key_away(host: str, code: int) -> None:
    with LlmServer() as elsewhere, LlmServer() as llm:
        # Another port is another server, and so is another name.
        port = llm.port if host == "localhost" else elsewhere.port
        target = f"http://{host}:{port}/v1/chat/completions"
        llm.script = [faults.redirect(target, code)]
        response = await ask(llm.url)
        assert (response.verdict.kind, response.verdict.stop) == ("stop", "wrong_address")
        assert f":{port}" in response.verdict.message
        assert (len(llm.requests), elsewhere.connections) == (1, 0)


@pytest.mark.row("H5")
async def test_a_server_that_moved_to_https_is_named() -> None:
    with LlmServer() as llm:
        llm.script = [faults.redirect(f"https://127.0.0.1:{llm.port}/v1/chat/completions")]
        response = await ask(llm.url)
        assert f"https://127.0.0.1:{llm.port}" in response.verdict.message


@pytest.mark.row("H5")
@pytest.mark.parametrize(
    ("locations", "requests"),
    [
        (["/v1/chat/completions"], 1),  # to itself
        ([f"/v1/chat/completions?{n}" for n in range(9)], 1 + HOPS),
        ([""], 1),
    ],
)
async def test_a_redirect_that_leads_nowhere(locations: list[str], requests: int) -> None:
    with LlmServer() as llm:
        llm.script = [faults.redirect(location) for location in locations]
        response = await ask(llm.url)
        assert response.verdict.stop == "wrong_address"
        assert len(llm.requests) == requests


async def test_a_redirect_that_is_no_address() -> None:
    with LlmServer(rule=lambda _: faults.redirect("http://[::1")) as llm:
        response = await ask(llm.url)
        assert (response.verdict.kind, len(llm.requests)) == ("passing", 1)


# ---- the key is in no message


def repeated(before: str = "") -> Fault:
    text = f"{before}wrong key Bearer {KEY}."
    return faults.status(401, body={"error": {"message": text}})


@pytest.mark.row("H5")
@pytest.mark.parametrize(
    "fault",
    [
        refusals.wrong_key(echo=True),
        repeated(),
        repeated("x" * 275),  # where the message is cut, the key would be, too
        faults.status(500, body=f"Bearer {KEY}"),
        faults.status(400, body={"detail": [{"loc": [], "msg": f"header {KEY}"}]}),
        faults.body_of({"error": {"message": KEY, "code": 502}}),
        faults.redirect(f"https://elsewhere.example/?key={KEY}"),
    ],
    ids=itertools.count(),
)
async def test_a_key_that_a_server_repeats_is_left_out(fault: Fault) -> None:
    with LlmServer(rule=lambda _: fault) as llm:
        response = await ask(llm.url)
    assert response.verdict.kind != "answered"
    for length in range(8, len(KEY)):
        assert KEY[:length] not in response.verdict.message


async def test_a_short_key_does_not_spoil_answers() -> None:
    with LlmServer(tags=lambda _: ["ollama", "1", "storm"]) as llm:
        for key in ("ollama", "1"):
            response = await ask(llm.url, key=key)
            content = read_answer(response.tree).content
            assert read_tags(content, ("p1",)) == {"p1": ["ollama", "1", "storm"]}


# ---- what a server says of itself


@pytest.mark.parametrize(
    ("fault", "models"),
    [
        (None, 1),
        (faults.status(404), None),
        (faults.html(), None),
        (faults.body_of({"data": 5}), None),
        (faults.body_of({"data": [{"id": "a"}, 5, None]}), 1),
        (faults.body_of([]), None),
        (faults.reset(), None),
    ],
    ids=itertools.count(),
)
async def test_the_list_of_models(fault: Fault | None, models: int | None) -> None:
    with LlmServer(lookups=[fault]) as llm:
        async with Server(llm.url, KEY) as server:
            listed = await server.models()
    assert (None if listed is None else len(listed)) == models


async def test_what_llama_cpp_says_of_itself() -> None:
    for kind, expected in (("llamacpp", {"total_slots": 1}), ("openai", {})):
        with LlmServer(kind) as llm:
            async with Server(llm.url, KEY) as server:
                properties = await server.properties()
            assert {name: properties[name] for name in properties if name in expected} == expected
            assert [seen.path for seen in llm.requests] == ["/props"]


async def test_the_time_and_the_limits_of_an_answer_are_heard() -> None:
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"}
    with LlmServer(rule=lambda _: faults.status(429, headers=headers)) as llm:
        response = await ask(llm.url)
    assert (response.status, response.limits.left, response.limits.reset) == (429, 0, 2)
    assert (response.verdict.kind, response.verdict.wait) == ("throttled", 2)
    assert response.at.tzinfo is not None
    assert 0 < response.seconds < 5
