"""What comes over a real connection: slow, cut, malformed; and what the log says of it all."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from support.api import app_of, ask
from support.browser import serving as served
from support.make import page, post
from support.serving import serving
from tgtagger.config import load
from tgtagger.store import Store
from tgtagger.web import server
from tgtagger.web.guard import LARGEST_BODY

SECONDS = 20.0
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def place(store: Store, db: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A server that is as impatient as a test."""
    store.posts.save_page(page(post(1, "word")))
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(server, "READER_SECONDS", 0.3)
    with served(load({"db": str(db), "tagger": "keywords"}, {})) as address:
        found = urlsplit(address)
        assert found.hostname
        assert found.port
        yield found.hostname, found.port


def talk(place: tuple[str, int], *parts: bytes, pause: float = 0.0) -> bytes:
    """Send parts of a request, with a pause before each; return all that comes until the end."""
    with socket.create_connection(place, timeout=SECONDS) as opened:
        for part in parts:
            time.sleep(pause)
            try:
                opened.sendall(part)
            except OSError:  # it has ended
                break
        return listened(opened)


def listened(opened: socket.socket) -> bytes:
    found = b""
    try:
        while chunk := opened.recv(1 << 16):
            found += chunk
    except ConnectionError:
        pass
    return found


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_one_too_many_is_refused_as_every_request(
    place: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CONNECTIONS", 3)
    with contextlib.ExitStack() as others:
        for _ in range(2):
            others.enter_context(socket.create_connection(place, timeout=SECONDS))
        answer = talk(place, GET + b"\r\n")
    assert status(answer) == 503
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"retry-after: 1" in head.lower()
    assert json.loads(body)["kind"] == "too_many_requests"
    time.sleep(0.1)
    assert status(talk(place, GET + b"Connection: close\r\n\r\n")) == 200


def test_a_request_is_answered(place: tuple[str, int]) -> None:
    answer = talk(place, GET + b"Connection: close\r\n\r\n")
    assert status(answer) == 200
    assert b"server:" not in answer.lower()


def test_a_client_that_says_nothing_is_left(place: tuple[str, int]) -> None:
    began = time.monotonic()
    assert talk(place) == b""
    assert time.monotonic() - began < SECONDS / 2


def test_a_client_that_says_it_slowly_is_left(place: tuple[str, int]) -> None:
    drops = [GET, *(f"X-{at}: y\r\n".encode() for at in range(20)), b"\r\n"]
    assert talk(place, *drops, pause=0.1) == b""


def test_the_second_request_of_a_connection_may_not_be_slow(place: tuple[str, int]) -> None:
    first = GET + b"\r\n"
    answer = talk(place, first, *([b"GET / HTTP/1.1\r\n"] + [b"X: y\r\n"] * 12), pause=0.1)
    assert status(answer) == 200
    assert answer.count(b"HTTP/1.1 200") == 1


def test_a_connection_may_ask_again_and_again(place: tuple[str, int]) -> None:
    last = GET + b"Connection: close\r\n\r\n"
    answer = talk(place, *[GET + b"\r\n"] * 6, last, pause=0.1)  # longer than a head may take
    assert answer.count(b"HTTP/1.1 200") == 7


def test_a_client_that_takes_nothing_is_left(place: tuple[str, int], store: Store) -> None:
    store.posts.save_page(page(*(post(n, "word " * 10_000) for n in range(1, 201))))
    with socket.socket() as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.settimeout(SECONDS)
        opened.connect(place)
        opened.sendall(b"GET /api/v1/posts?limit=200 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(2.0)
        found = listened(opened)
    length = re.search(rb"content-length: (\d+)", found)
    assert length is not None
    assert len(found) < int(length[1])  # it was cut


def test_a_patient_server_would_wait(
    place: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the tests above."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 100.0)
    monkeypatch.setattr(server, "READER_SECONDS", 100.0)
    drops = [GET, *(f"X-{at}: y\r\n".encode() for at in range(6)), b"Connection: close\r\n\r\n"]
    assert status(talk(place, *drops, pause=0.1)) == 200


def sent(line: str, *headers: str, body: str = "") -> bytes:
    """Return a request as it goes over the wire, and nothing added."""
    return "\r\n".join([line, *headers, "Connection: close", "", body]).encode()


HOST, EVIL = "Host: localhost", "Host: evil.example"
UNDO = "POST /api/v1/tags/undo HTTP/1.1"
POSTS = "/api/v1/posts HTTP/1.1"
CHUNKED = "Transfer-Encoding: chunked"
UPGRADE = ("Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (sent(f"GET {POSTS}"), {400}),
        (sent("GET /healthz HTTP/1.0"), {400, 421}),
        (sent(f"GET {POSTS}", HOST, EVIL), {400}),
        (sent(f"GET {POSTS}", EVIL), {421}),
        (sent(f"GET {POSTS}", EVIL, "X-Forwarded-Host: localhost"), {421}),
        (sent(f"GET http://localhost{POSTS}", EVIL), {421}),
        (sent(f"GET http://evil.example{POSTS}", HOST), {404}),
        (sent("GET * HTTP/1.1", HOST), {404}),
        (sent("CONNECT evil.example:80 HTTP/1.1", HOST), {404, 405}),
        (sent("TRACE / HTTP/1.1", HOST), {405}),
        (f"GET {POSTS}\r\nX: {'y' * 300_000}".encode(), {400}),
        (f"GET /?{'y' * 300_000}".encode(), {400}),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", {400}),
        (sent(UNDO, HOST, f"Content-Length: {LARGEST_BODY + 1}"), {413}),
        (sent(UNDO, HOST, f"Content-Length: {'9' * 19}"), {400, 413}),
        (sent(UNDO, HOST, "Content-Length: 2", "Content-Length: 3", body="{}"), {400}),
        (sent(UNDO, HOST, "Content-Length: -1"), {400}),
        (sent(UNDO, HOST, "Content-Length: 2", CHUNKED, body="0\r\n\r\n"), {400}),
        (sent("GET / HTTP/1.1", HOST, "Connection: Upgrade", *UPGRADE), {200}),
    ],
)
def test_what_is_malformed_or_foreign_is_refused(
    place: tuple[str, int], given: bytes, expected: set[int]
) -> None:
    answer = talk(place, given)
    assert status(answer) in expected
    assert b'"posts":' not in answer
    assert status(talk(place, GET + b"Connection: close\r\n\r\n")) == 200


def test_requests_wait_for_their_turn(
    place: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are no more readers of the database than connections to it."""
    at_once: list[int] = []
    inside = [0]

    def slow(*_: Any) -> tuple[()]:
        inside[0] += 1
        at_once.append(inside[0])
        time.sleep(0.1)
        inside[0] -= 1
        return ()

    monkeypatch.setattr("tgtagger.store.channels.Channels.followed_sources", slow)
    request = sent("GET /api/v1/channels HTTP/1.1", HOST)
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: talk(place, request), range(40)))
    assert {status(answer) for answer in answers} == {200}
    assert 1 < max(at_once) <= server.THREADS


# ---- the log

SECRET = "0123456789abcdef0123"
WORDS = ("qqsearched", "qqposttext", "qqtagname", "qqtitle", SECRET, "qqbody", "qqcookie")


def everything(client: httpx.Client, link: str) -> None:
    """Ask for what holds words of the archive, well and wrongly."""
    let_in = {"authorization": f"Bearer {SECRET}"}
    for path in (
        "/?query=qqsearched", "/api/v1/posts?query=qqsearched+OR+qqposttext",
        "/api/v1/posts?query=(qqsearched", "/api/v1/posts?tag=qqtagname", "/tags/qqtagname",
        "/api/v1/posts/@qqtitle-1", "/api/v1/feed.xml?query=qqsearched", "/qqsearched",
        "/api/v1/posts?qqsearched=1",
    ):  # fmt: skip
        client.get(path)
        client.get(path, headers=let_in)
        client.get(path, headers=let_in | {"accept": "text/html"})
        client.get(path, headers={"host": "evil.example"})
    client.get(link)
    client.get(link)
    client.get("/", headers={"cookie": "tgtagger=qqcookie"})
    client.put("/api/v1/posts/@news-1/tags/qqtagname", headers=let_in)
    client.post("/api/v1/tags/rename", json={"old": "qqtagname", "new": "qqbody"}, headers=let_in)
    client.post("/api/v1/tags/rename", json={"qqbody": "qqbody"}, headers=let_in)
    client.post("/enter", data={"token": f"{SECRET}qqbody"})
    client.post("/api/v1/tag", json={"channels": ["qqtitle"]}, headers=let_in)


def test_the_log_holds_no_words_of_the_archive(store: Store, db: Path) -> None:
    store.posts.save_page(page(post(1, "qqposttext")))
    with serving(db, "--no-worker", env={"TGTAGGER_TOKEN": SECRET}) as running:
        link = next(line for line in running.said if line.startswith("open ")).split()[1]
        with httpx.Client(base_url=running.address, timeout=SECONDS) as client:
            everything(client, link)
            store.close()
            with sqlite3.connect(db) as damaged:
                damaged.execute("PRAGMA ignore_check_constraints = ON")
                damaged.execute('UPDATE posts SET media = \'[{"type": "qqposttext"\'')
            everything(client, link)
        place = urlsplit(running.address)
        talk((str(place.hostname), int(place.port or 0)), b"GET /qqsearched qqbody\r\n\r\n")
        running.end()
        said = "".join(running.said)
    code = link.partition("code=")[2]
    assert not [word for word in (*WORDS, f"{code} ") if word in said.replace(link, "")], said


def test_a_bug_is_noted_without_what_it_says(
    db: Path, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        try:
            dict[str, str]()[WORDS[1]]
        except KeyError as error:
            raise RuntimeError(WORDS[0]) from error

    monkeypatch.setattr("tgtagger.store.status.Status.channels", fails)
    app = app_of(db)
    answer = ask(app, "GET", "/api/v1/channels?after=qqbody")
    app.state.archive.close()
    assert (answer.status_code, answer.json()["kind"]) == (500, "bug")
    said = caplog.text
    assert "a bug in GET /channels" in said or "a bug in GET /api/v1/channels" in said
    assert "KeyError" in said
    assert "RuntimeError" in said
    assert "test_connections.py" in said
    for text in (said, answer.text):
        assert not [word for word in WORDS if word in text]


def test_a_bug_in_what_every_page_has_is_told_all_the_same(
    db: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError(WORDS[0])

    monkeypatch.setattr("tgtagger.web.problems.page", fails)
    app = app_of(db)
    for path in ("/nothing", "/posts/99"):
        answer = ask(app, "GET", path, headers={"accept": "text/html"})
        assert (answer.status_code, answer.json()["kind"]) == (500, "bug")
        assert "content-security-policy" in answer.headers
    app.state.archive.close()


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("content", [None, b"", b"no database at all " * 999])
def test_a_database_that_cannot_be_used_is_no_fault_of_who_asks(
    db: Path, store: Store, accept: str, content: bytes | None
) -> None:
    app = app_of(db)
    headers = {"accept": accept}
    assert ask(app, "GET", "/", headers=headers).status_code == 200
    store.close()
    app.state.archive.close()
    for file in db.parent.glob(f"{db.name}*"):
        file.unlink()
    if content is not None:
        db.write_bytes(content)
    for path in ("/", "/api/v1/posts", "/api/v1/status", "/tags"):
        answer = ask(app, "GET", path, headers=headers)
        assert answer.status_code == 503
        is_page = accept == "text/html" and not path.startswith("/api")
        assert answer.headers["content-type"].startswith(
            "text/html" if is_page else "application/problem+json"
        )
    assert ask(app, "GET", "/healthz").status_code == 200
