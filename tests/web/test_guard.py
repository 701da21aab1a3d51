"""Who may ask, in the order of docs/serve.md: an attack is refused, and succeeds without its part.

An attack is a request that a stranger can make, or can make a browser send. It raises
AssertionError if it got what it wanted. Each is tried twice: with the guard whole, and with the
part taken out that is there against it. So no part is there for nothing, and no test is green by
itself.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from support.api import PROBLEM_KEYS, app_of, ask
from support.make import page, post
from support.routes import SAFE, routes_in
from tgtagger.store import Store
from tgtagger.web import guard, server
from tgtagger.web.guard import LARGEST_BODY, LINK_SECONDS, Access, Headers, Token, host_name

SECRET = "0123456789abcdef0123"
EVIL = "http://evil.example"
READ = "/api/v1/posts"
CHANGE = "/api/v1/tags/undo"

Attack = Callable[[FastAPI], None]


@pytest.fixture
def _archive(store: Store) -> None:
    store.posts.save_page(page(post(1, "a private matter")))
    store.curation.add("@news/1", ["mine"])


@pytest.fixture
def app(_archive: None, db: Path) -> Iterator[FastAPI]:
    made = app_of(db)
    yield made
    made.state.archive.close()


@pytest.fixture
def locked(_archive: None, db: Path) -> Iterator[FastAPI]:
    """An application that wants a token."""
    made = app_of(db, Access(token=Token(SECRET)))
    yield made
    made.state.archive.close()


# ---- the parts, and how each is taken out


def anything(*_: object) -> bool:
    return True


def nothing(*_: object) -> None:
    return None


PARTS: dict[str, tuple[object, str, object]] = {
    "the address": (server.Address, "is_loopback", property(anything)),
    "the host": (Access, "knows", anything),
    "the origin": (guard.Guard, "_is_own", anything),
    "the reader's site": (guard, "_may_be_shown", anything),
    "the token": (guard.Guard, "_is_let_in", anything),
    "one use of a link": (Token, "use_link", lambda self, code: code in self._links),
    "the policy": (guard, "_HEADERS", ()),
    "no store": (guard, "_PRIVATE", (b"x-nothing", b"")),
    "the body's size": (guard, "LARGEST_BODY", 1 << 40),
    "the body's time": (asyncio, "timeout", lambda _: _Forever()),
}


class _Forever:
    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


def take_out(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, instead = PARTS[part]
    monkeypatch.setattr(where, name, instead)


def leaks(app: FastAPI, path: str = READ, **request: Any) -> None:
    """Fail if a request shows a post."""
    assert "a private matter" not in ask(app, "GET", path, **request).text


def changes(app: FastAPI, method: str = "POST", path: str = CHANGE, **request: Any) -> None:
    """Fail if a request undoes the change of tags."""
    assert "mine" in ask(app, "GET", f"{READ}/@news-1").json()["tags"]
    ask(app, method, path, json={}, **request)
    assert "mine" in ask(app, "GET", f"{READ}/@news-1").json()["tags"], "it was undone"


# ---- 1. who can reach it


def test_it_listens_for_this_machine_alone() -> None:
    with server.listen(server.Address(port=0)) as opened:
        assert opened.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("", False), ("nas.lan", False),
     ("127.0.0.1.evil.example", False), ("localhost.evil.example", False), ("0", False)],
)  # fmt: skip
def test_any_other_address_is_seen(host: str, expected: object) -> None:
    assert server.Address(host).is_loopback is expected


# ---- 2. by which name

OWN = [
    "localhost", "localhost:8344", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8344", "LOCALHOST",
    "LocalHost:8344", "localhost.", "localhost.:8344", "nas.lan", "NAS.lan.", "nas.lan:443",
]  # fmt: skip
FOREIGN = [
    "evil.example", "evil.example:8344", "127.0.0.1.evil.example", "localhost.evil.example",
    "evil.example#localhost", "evil.example@localhost", "localhost@evil.example",
    "localhost:8344@evil.example", "127.0.0.2", "127.1", "0.0.0.0", "0", "2130706433", "0x7f.1",
    "[::]", "[::ffff:127.0.0.1]", "[::1", "::1", "[::1].evil.example", "[::1]x", "localhost:",
    "localhost:8344:1", "localhost:port", "localhost:123456", "localhost..", ".localhost",
    "localhost,evil.example", "localhost evil.example", "localhost/", "http://localhost",
    "lоcalhost", "ⓛocalhost", "", " ", ".", "nas.lan.evil.example", "xnas.lan",
]  # fmt: skip


@pytest.mark.parametrize("host", OWN)
def test_an_own_name_is_answered(host: str) -> None:
    assert Access(frozenset({"nas.lan"})).knows(host)


@pytest.mark.parametrize("host", FOREIGN)
def test_another_name_is_not_answered(host: str) -> None:
    assert not Access(frozenset({"nas.lan"})).knows(host)


def test_a_missing_name_and_several_are_none() -> None:
    assert not Access().knows(None)
    assert not Access().knows(Headers([(b"Host", b"localhost"), (b"host", b"evil")]).one("host"))
    assert host_name("LocalHost.:80") == "localhost"


def from_a_name(host: str) -> Attack:
    return lambda app: leaks(app, headers={"host": host})


def with_two_names(app: FastAPI) -> None:
    leaks(app, headers=[("host", "localhost"), ("host", "evil.example")])


# ---- 3. from which page

FROM_ELSEWHERE: dict[str, dict[str, str]] = {
    "another site": {"sec-fetch-site": "cross-site"},
    "another port": {"sec-fetch-site": "same-site"},
    "an unknown word": {"sec-fetch-site": "Same-Origin"},
    "an old browser": {"origin": EVIL},
    "another port, old": {"origin": "http://localhost:9999"},
    "a file or a sandbox": {"origin": "null"},
    "https": {"origin": "https://localhost:8344"},
    "a name that begins so": {"origin": "http://localhost:8344.evil.example"},
    "a cookie and no origin": {"cookie": "tgtagger=x"},
    "a bearer with a cookie": {
        "authorization": f"Bearer {SECRET}", "cookie": "tgtagger=x", "origin": EVIL,
    },
    "a password that a browser knows": {
        "authorization": f"Basic {base64.b64encode(f'x:{SECRET}'.encode()).decode()}",
        "sec-fetch-site": "cross-site",
    },
    "two words": {"sec-fetch-site": "same-origin, cross-site"},
}  # fmt: skip


def from_elsewhere(which: str) -> Attack:
    return lambda app: changes(app, headers=FROM_ELSEWHERE[which])


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec-fetch-site": "same-origin", "origin": "http://localhost:8344"},
     {"sec-fetch-site": "none"}, {"origin": "http://localhost:8344"},
     {"origin": "HTTP://LOCALHOST:8344"},
     {"authorization": f"Bearer {SECRET}", "origin": EVIL, "sec-fetch-site": "cross-site"}],
)  # fmt: skip
def test_an_own_page_and_a_program_may_change(app: FastAPI, headers: dict[str, str]) -> None:
    assert ask(app, "POST", CHANGE, json={}, headers=headers).status_code == 200


def routes() -> list[tuple[str, str]]:
    from tgtagger.web import api, pages

    found = [*routes_in(api.include_in), *routes_in(pages.include_in)]
    return sorted(found, key=lambda each: (each[1], each[0]))


UNSAFE = [(method, path) for method, path in routes() if method not in SAFE]


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "1", path)


def test_there_are_routes_to_refuse() -> None:
    assert len(UNSAFE) > 15
    assert {method for method, _ in UNSAFE} >= {"POST", "PUT", "DELETE"}


@pytest.mark.parametrize(("method", "path"), UNSAFE)
@pytest.mark.parametrize("which", ["another site", "another port", "an old browser"])
def test_no_route_that_changes_something_takes_orders_from_elsewhere(
    app: FastAPI, method: str, path: str, which: str
) -> None:
    for headers in (FROM_ELSEWHERE[which], FROM_ELSEWHERE[which] | {"accept": "text/html"}):
        answer = ask(app, method, filled(path), headers=headers)
        assert answer.status_code == 403
    assert ask(app, method, filled(path), headers=FROM_ELSEWHERE[which]).json()["kind"] == (
        "other_site"
    )


@pytest.mark.parametrize(("method", "path"), UNSAFE)
def test_no_route_that_changes_something_does_so_read_only(
    store: Store, db: Path, method: str, path: str
) -> None:
    if path == "/enter":
        return  # lets a browser in, and changes nothing of the archive
    made = app_of(db, Access(read_only=True))
    assert ask(made, method, filled(path)).json()["kind"] == "read_only"


def by_a_form(app: FastAPI) -> None:
    """A form of another site, in a browser that tells nothing, reaches no JSON route."""
    headers = {"content-type": "text/plain"}
    assert ask(app, "POST", CHANGE, content=b"{}", headers=headers).status_code == 400


def test_a_form_reaches_no_route_of_json(app: FastAPI) -> None:
    by_a_form(app)


def test_nothing_says_that_other_sites_may_read(app: FastAPI) -> None:
    for method in ("GET", "OPTIONS"):
        sent = {"origin": EVIL, "access-control-request-method": "PUT"}
        answer = ask(app, method, READ, headers=sent)
        assert not [name for name in answer.headers if name.startswith("access-control")]


READERS: dict[str, dict[str, str]] = {
    "a script elsewhere": {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty"},
    "an image elsewhere": {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    "a frame elsewhere": {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
}


def read_by(which: str) -> Attack:
    return lambda app: leaks(app, headers={"sec-fetch-site": "cross-site"} | READERS[which])


def test_a_link_elsewhere_opens_a_page(app: FastAPI) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate",
            "sec-fetch-dest": "document", "accept": "text/html"}  # fmt: skip
    assert ask(app, "GET", "/", headers=link).status_code == 200


# ---- 4. the token


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


WRONG: dict[str, dict[str, str]] = {
    "nothing": {},
    "another token": {"authorization": "Bearer 0123456789abcdef0124"},
    "its beginning": {"authorization": f"Bearer {SECRET[:-1]}"},
    "more than it": {"authorization": f"Bearer {SECRET}0"},
    "no token": {"authorization": "Bearer"},
    "another scheme": {"authorization": f"Basic {SECRET}"},
    "no scheme": {"authorization": SECRET},
    "another password": {"authorization": f"Basic {in_base64('x:' + SECRET[1:])}"},
    "the token as a name": {"authorization": f"Basic {in_base64(SECRET + ':')}"},
    "no base64": {"authorization": "Basic ]]]"},
    "other letters": {"authorization": "Bearer \xe9\xe9"},
    "the token as a cookie": {"cookie": f"tgtagger={SECRET}"},
    "an empty cookie": {"cookie": "tgtagger="},
    "another cookie's name": {"cookie": f"other={Token(SECRET).cookie}"},
    "a broken cookie": {"cookie": "tgtagger=\xff; ]]]="},
    "another token's cookie": {"cookie": f"tgtagger={Token(SECRET[::-1]).cookie}"},
    "a wrong bearer and a good cookie": {
        "authorization": "Bearer x", "cookie": f"tgtagger={Token(SECRET).cookie}",
    },
}  # fmt: skip


def without_the_token(which: str) -> Attack:
    def attack(app: FastAPI) -> None:
        sent = [(name, value.encode("latin-1")) for name, value in WRONG[which].items()]
        leaks(app, headers=[(name.encode(), value) for name, value in sent])

    return attack


@pytest.mark.parametrize(
    "headers",
    [{"authorization": f"Bearer {SECRET}"},
     {"authorization": f"Basic {in_base64('anyone:' + SECRET)}"},
     {"authorization": f"bearer  {SECRET} "},
     {"cookie": f"tgtagger={Token(SECRET).cookie}"},
     {"cookie": f"a=b; tgtagger={Token(SECRET).cookie}; c=d"}],
)  # fmt: skip
def test_the_token_and_its_cookie_let_in(locked: FastAPI, headers: dict[str, str]) -> None:
    assert ask(locked, "GET", READ, headers=headers).status_code == 200


@pytest.mark.parametrize(("method", "path"), routes())
def test_without_the_token_no_route_answers(locked: FastAPI, method: str, path: str) -> None:
    answer = ask(locked, method, filled(path))
    if path in {"/healthz", "/enter"}:
        assert "private" not in answer.text
    else:
        assert (answer.status_code, answer.json()["kind"]) == (401, "token_missing")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "path",
    ["/healthz/", "/healthz/../api/v1/posts", "/static", "/enter/x", "/static/../api/v1/posts",
     "/static/%2e%2e/api/v1/posts", "//api/v1/posts", "/api/v1/openapi.json", "/nothing"],
)  # fmt: skip
def test_no_path_leads_around_the_token(locked: FastAPI, path: str) -> None:
    told = asyncio.run(as_it_is_sent(locked, path))
    assert told[0]["status"] in {401, 404}
    assert b"private" not in b"".join(each.get("body", b"") for each in told)


async def as_it_is_sent(app: FastAPI, path: str) -> list[Any]:
    """Ask for a path that no client would send as it is."""
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "headers": [(b"host", b"localhost")],
        "scheme": "http", "http_version": "1.1", "client": None, "server": None,
    }  # fmt: skip
    await app(scope, receive, send)
    return told


def enter(app: FastAPI, code: str, method: str = "GET") -> httpx.Response:
    return ask(app, method, f"/enter?code={code}", headers={"accept": "text/html"})


def with_a_used_link(app: FastAPI) -> None:
    code = app.state.access.token.make_link()
    assert enter(app, code).status_code == 200
    assert enter(app, code).status_code == 403


def test_a_link_lets_one_browser_in(locked: FastAPI) -> None:
    token: Token = locked.state.access.token
    code = token.make_link()
    assert ask(locked, "HEAD", f"/enter?code={code}").status_code == 405  # it is not used up
    assert enter(locked, code[:-1]).status_code == 403
    answer = enter(locked, code)
    cookie = answer.headers["set-cookie"].lower()
    assert ("httponly" in cookie, "samesite=strict" in cookie, "secure" in cookie) == (
        True, True, False,
    )  # fmt: skip
    assert SECRET not in cookie
    assert SECRET not in answer.text
    sent = cookie.partition(";")[0]
    assert ask(locked, "GET", READ, headers={"cookie": sent}).status_code == 200


def test_a_link_ends_after_a_while() -> None:
    now = [0.0]
    token = Token(SECRET, clock=lambda: now[0])
    early, late = token.make_link(), token.make_link()
    now[0] = LINK_SECONDS
    assert token.use_link(early)
    now[0] = LINK_SECONDS + 1
    assert not token.use_link(late)
    assert not token.use_link("")


def test_the_token_is_compared_in_a_time_that_tells_nothing() -> None:
    source = Path(guard.__file__).read_text()
    assert source.count("compare_digest") == 2
    assert "self._text ==" not in source


def test_a_browser_may_type_the_token(locked: FastAPI) -> None:
    right = ask(locked, "POST", "/enter", data={"token": f" {SECRET} "})
    wrong = ask(locked, "POST", "/enter", data={"token": SECRET[:-1]})
    assert (right.status_code, "set-cookie" in right.headers) == (200, True)
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (403, False)
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert (
        ask(locked, "POST", "/enter", data={"token": SECRET}, headers=elsewhere).status_code == 403
    )


# ---- 5. what every answer says

HEADERS = {
    "content-security-policy": guard.POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def answers(app: FastAPI) -> Iterator[tuple[str, httpx.Response]]:
    """Yield an answer of each kind."""

    @app.get("/test/stream")
    def stream() -> StreamingResponse:
        return StreamingResponse(iter([b"data: 1\n\n"]), media_type="text/event-stream")

    @app.get("/test/bug")
    def bug() -> None:
        raise RuntimeError("a private matter")

    html = {"accept": "text/html"}
    yield "page", ask(app, "GET", "/", headers=html)
    yield "part", ask(app, "GET", "/", headers=html | {"hx-request": "true"})
    yield "json", ask(app, "GET", READ)
    yield "feed", ask(app, "GET", "/api/v1/feed.xml")
    yield "static", ask(app, "GET", "/static/style.css")
    yield "nothing static", ask(app, "GET", "/static/nothing.css")
    yield "nothing", ask(app, "GET", "/nothing")
    yield "nothing for people", ask(app, "GET", "/nothing", headers=html)
    yield "wrong", ask(app, "GET", f"{READ}?limit=0")
    yield "method", ask(app, "PATCH", READ)
    yield "host", ask(app, "GET", "/", host="evil.example")
    yield "host for people", ask(app, "GET", "/", host="evil.example", headers=html)
    yield "site", ask(app, "POST", CHANGE, json={}, headers={"origin": EVIL})
    yield "size", ask(app, "POST", CHANGE, content=b" " * (LARGEST_BODY + 1))
    yield "head", ask(app, "HEAD", READ)
    tag = ask(app, "GET", READ).headers["etag"]
    yield "not modified", ask(app, "GET", READ, headers={"if-none-match": tag})
    yield "stream", ask(app, "GET", "/test/stream")
    yield "bug", ask(app, "GET", "/test/bug")
    yield "bug for people", ask(app, "GET", "/test/bug", headers=html)


def as_a_frame_or_a_script(app: FastAPI) -> None:
    for which, answer in answers(app):
        for name, value in HEADERS.items():
            assert answer.headers.get_list(name) == [value], f"{which}: {name}"


def from_a_cache(app: FastAPI) -> None:
    for which, answer in answers(app):
        given = answer.headers.get_list("cache-control")
        assert which == "static" or given == ["private, no-store"], which


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    rules = dict(rule.split(" ", 1) for rule in guard.POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    for name in ("default-src", "base-uri", "frame-ancestors"):
        assert rules.pop(name) == "'none'"
    assert set(rules.values()) == {"'self'"}
    assert "unsafe" not in guard.POLICY


def test_a_refusal_has_the_shape_of_all_failures(app: FastAPI, locked: FastAPI) -> None:
    refused = [
        ask(app, "GET", "/", host="evil.example"),
        ask(app, "POST", CHANGE, headers={"origin": EVIL}),
        ask(app, "POST", CHANGE, content=b" " * (LARGEST_BODY + 1)),
        ask(locked, "GET", READ),
    ]
    assert [answer.status_code for answer in refused] == [421, 403, 413, 401]
    for answer in refused:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json().keys() == PROBLEM_KEYS
        assert answer.json()["hint"]


def test_no_web_socket_is_opened(locked: FastAPI) -> None:
    async def connect() -> list[Any]:
        told: list[Any] = []

        async def send(message: Any) -> None:
            told.append(message["type"])

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b""}
        await locked(scope, receive, send)
        return told

    assert asyncio.run(connect()) == ["websocket.close"]


# ---- 6. how much, how slowly


async def in_chunks(size: int) -> Any:
    for _ in range(size >> 16):
        yield b" " * (1 << 16)
    yield b"{}"


def with_a_large_body(app: FastAPI) -> None:
    answer = ask(app, "POST", CHANGE, content=b" " * LARGEST_BODY + b"{}",
                 headers={"content-type": "application/json"})  # fmt: skip
    assert (answer.status_code, answer.headers.get("connection")) == (413, "close")


def with_a_large_body_in_chunks(app: FastAPI) -> None:
    answer = ask(app, "POST", CHANGE, content=in_chunks(LARGEST_BODY),
                 headers={"content-type": "application/json"})  # fmt: skip
    assert (answer.status_code, answer.headers.get("connection")) == (413, "close")


def with_a_large_form_in_chunks(app: FastAPI) -> None:
    answer = ask(app, "POST", "/tags/undo", content=in_chunks(LARGEST_BODY),
                 headers={"content-type": "application/x-www-form-urlencoded"})  # fmt: skip
    assert answer.status_code == 413


def with_a_slow_body(app: FastAPI) -> None:
    async def slowly() -> Any:
        yield b" "
        await asyncio.sleep(0.5)
        yield b"{}"

    for middleware in app.user_middleware:
        if "access" in middleware.kwargs:
            middleware.kwargs["seconds"] = 0.1
    answer = ask(app, "POST", CHANGE, content=slowly(),
                 headers={"content-type": "application/json"})  # fmt: skip
    assert (answer.status_code, answer.headers.get("connection")) == (408, "close")


def test_a_body_of_the_most_is_taken(app: FastAPI) -> None:
    content = b" " * (LARGEST_BODY - 2) + b"{}"
    answer = ask(app, "POST", CHANGE, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 200


# ---- each attack, with the part and without it


@dataclass(frozen=True, slots=True)
class Try:
    part: str
    name: str
    attack: Attack
    is_locked: bool = False


TRIES = [
    *(Try("the host", host, from_a_name(host)) for host in FOREIGN[:6] if host.isascii()),
    Try("the host", "two", with_two_names),
    *(Try("the origin", which, from_elsewhere(which)) for which in FROM_ELSEWHERE),
    *(Try("the reader's site", which, read_by(which)) for which in READERS),
    *(Try("the token", which, without_the_token(which), is_locked=True) for which in WRONG),
    Try("one use of a link", "twice", with_a_used_link, is_locked=True),
    Try("the policy", "all answers", as_a_frame_or_a_script),
    Try("no store", "all answers", from_a_cache),
    Try("the body's size", "told", with_a_large_body),
    Try("the body's size", "chunks", with_a_large_body_in_chunks),
    Try("the body's size", "form", with_a_large_form_in_chunks),
    Try("the body's time", "slow", with_a_slow_body),
]  # fmt: skip
tried = pytest.mark.parametrize("each", TRIES, ids=lambda each: f"{each.part}: {each.name}")


@tried
def test_an_attack_is_refused(each: Try, app: FastAPI, locked: FastAPI) -> None:
    each.attack(locked if each.is_locked else app)


@tried
def test_without_the_part_it_succeeds(
    each: Try, app: FastAPI, locked: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_out(each.part, monkeypatch)
    with pytest.raises(AssertionError):
        each.attack(locked if each.is_locked else app)


def test_each_part_has_an_attack() -> None:
    assert {each.part for each in TRIES} | {"the address"} == PARTS.keys()


def test_without_the_address_others_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    take_out("the address", monkeypatch)
    assert server.Address("0.0.0.0").is_loopback  # what test_any_other_address_is_seen denies
