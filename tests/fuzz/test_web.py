"""Whatever is asked over HTTP: an answer, or a refusal that says what is wrong, and never a bug."""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st

from fuzz.posts import FOLDER
from fuzz.targets import share
from support.api import PROBLEM_KEYS, app_of
from support.hostile import STRINGS, storable
from support.make import page, post, tag
from tgtagger.model.posts import Channel
from tgtagger.runs.pages import Wanted, read_page
from tgtagger.store import Store

LOOP = asyncio.new_event_loop()
atexit.register(LOOP.close)


@functools.cache
def app() -> FastAPI:
    """Return an application with an archive of hostile posts, tags and titles."""
    db = Path(FOLDER.name) / "web.db"
    texts = list(storable().values())
    with Store.open(str(db)) as store:
        store.posts.save_page(page(*(post(n, text) for n, text in enumerate(texts, 1))))
        other = Channel(-5, "<b>Title</b>", kind="group")
        store.posts.save_page(page(post(3, "three"), post(-4, "four"), channel=other))
        tag(store, ["weather", "Sea Salt"])
        store.curation.add("@news/1", ["новости", "C++20/23"])
        store.jobs.ask("tag", "{}", {})
    return app_of(db)


def routes(router: Any, before: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """Yield (method, path, parameters) of all routes."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            names = [*parameters(route.dependant)]
            for method in sorted(route.methods or ()):
                yield method, before + route.path, names
        elif hasattr(route, "original_router"):
            yield from routes(route.original_router, before + route.include_context.prefix)


def parameters(dependant: Any) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for below in dependant.dependencies:
        yield from parameters(below)


ROUTES = [each for each in routes(app()) if not each[1].endswith("/events")]
GETS = [(path, names) for method, path, names in ROUTES if method == "GET"]
UNSAFE = [(method, path) for method, path, _ in ROUTES if method != "GET"]


@functools.cache
def cursors() -> list[str]:
    store = app().state.archive.store
    found = [read_page(store, wanted, 1).older for wanted in (Wanted(), Wanted("a"))]
    return [cursor for cursor in found if cursor] + ["5", "Wy0xLCAiYSJd", "WzFd", "W10", "e30"]


LIKELY = [
    "", "0", "1", "-1", "3", "200", "201", "2026", "2026-01", "7d", "5m", "99999999999d", "today",
    "9" * 30, "1e5", "NaN", "true", "null", "weather", "новости", "@news", "-5", "1006503122",
    "failed", "1006503122-1", "@news-1", "-5--4", "-5-3", "storm OR", "(a", '"a', "tag:weather",
    "since:7d", "is:failed", "has:photo", "канал:news", "NOT", "a*", "*", "-", "tag:", "x:y",
    "%", "\0", "\ud83d", "𝕏" * 50, "a" * 3000, "(" * 60 + "a" + ")" * 60, "../..", "C++20/23",
]  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(LIKELY),
    st.sampled_from(sorted(STRINGS.values())),
    st.deferred(lambda: st.sampled_from(cursors())),
    st.text(max_size=40),
    st.integers().map(str),
    st.binary(max_size=20).map(lambda data: data.decode(errors="surrogateescape")),
)


def ask(method: str, path: str, query: str, body: bytes = b"", kind: str = "") -> tuple[int, Any]:
    """Ask as a client that sends anything; return the status and what came."""
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"host", b"localhost"), (b"accept", b"text/html")]
    if kind:
        headers.append((b"content-type", kind.encode()))
    plain = unquote_to_bytes(path).decode(errors="replace")  # as the server does
    scope = {
        "type": "http", "method": method, "path": plain, "raw_path": path.encode(),
        "query_string": query.encode(), "root_path": "", "headers": headers, "scheme": "http",
        "http_version": "1.1", "client": None, "server": None,
    }  # fmt: skip
    LOOP.run_until_complete(app()(scope, receive, send))
    content = b"".join(each.get("body", b"") for each in told)
    sent = dict(told[0]["headers"])
    return told[0]["status"], (sent.get(b"content-type", b"").decode(), content)


def quoted(text: str) -> str:
    return quote(text.encode(errors="surrogatepass"), safe="")


def check(path: str, status: int, answer: tuple[str, bytes]) -> None:
    """Check an answer: what was asked for, or what is wrong and what to do."""
    kind, content = answer
    assert status < 500, (status, content[:300])
    if status < 400:
        return
    if path.startswith("/api/"):
        assert kind == "application/problem+json"
    else:
        assert kind in {"application/problem+json", "text/html; charset=utf-8"}
    if kind == "application/problem+json":
        shape = json.loads(content)
        assert shape.keys() - {"candidates"} == PROBLEM_KEYS
        assert shape["status"] == status
        assert shape["detail"]
        assert shape["hint"], shape


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str]:
    path, names = draw(st.sampled_from(GETS))
    filled = re.sub(r"\{[^}]*\}", lambda _: quoted(draw(VALUES)), path)
    known = st.sampled_from(names) if names else st.nothing()
    given_ = draw(st.lists(st.tuples(known | st.text(max_size=9), VALUES), max_size=4))
    if draw(st.booleans()):
        given_ = [(name, value) for name, value in given_ if name in names]
    return filled, "&".join(f"{quoted(name)}={quoted(value)}" for name, value in given_)


@share(1)
@given(requests())
def test_any_parameters_are_answered(request_: tuple[str, str]) -> None:
    path, query = request_
    status, answer = ask("GET", path, query)
    check(path, status, answer)
    if status == 200 and answer[0] == "application/json":
        assert isinstance(json.loads(answer[1]), dict)


@pytest.mark.parametrize(("path", "names"), GETS, ids=lambda each: str(each)[:40])
def test_each_parameter_takes_or_refuses_each_value(path: str, names: list[str]) -> None:
    strings = [*STRINGS.values()][GETS.index((path, names)) % 3 :: 3]  # all, over the routes
    for value in (*LIKELY, *strings):
        filled = quoted(value).join(re.split(r"\{[^}]*\}", path))
        query = "&".join(f"{quoted(name)}={quoted(value)}" for name in names[:1])
        check(filled, *ask("GET", filled, query))
    for name in names[1:]:
        for value in LIKELY:
            filled = "1006503122-1".join(re.split(r"\{[^}]*\}", path))
            check(filled, *ask("GET", filled, f"{quoted(name)}={quoted(value)}"))


NAMES = st.sampled_from(
    ["names", "into", "old", "new", "tag", "dry_run", "number", "sources", "other", "remove",
     "limit", "since", "posts", "channels", "classes", "force", "max_cost", "max_time", "x"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
FORMS = st.dictionaries(
    st.sampled_from(["number", "name", "names", "tag", "into", "next", "sure", "post", "query"]),
    VALUES,
    max_size=4,
)
BODIES = st.one_of(
    JSON.map(lambda shape: (json.dumps(shape).encode(), "application/json")),
    st.binary(max_size=60).map(lambda data: (data, "application/json")),
    FORMS.map(
        lambda form: (
            "&".join(f"{quoted(name)}={quoted(value)}" for name, value in form.items()).encode(),
            "application/x-www-form-urlencoded",
        )
    ),
    st.binary(max_size=60).map(lambda data: (data, "multipart/form-data; boundary=x")),
)


@st.composite
def orders(draw: st.DrawFn) -> tuple[str, str, bytes, str]:
    method, path = draw(st.sampled_from(UNSAFE))
    filled = re.sub(r"\{[^}]*\}", lambda _: quoted(draw(VALUES)), path)
    return method, filled, *draw(BODIES)


@share(1)
@given(orders())
def test_any_body_is_answered(order: tuple[str, str, bytes, str]) -> None:
    method, path, body, kind = order
    status, answer = ask(method, path, "", body, kind)
    check(path, status, answer)
