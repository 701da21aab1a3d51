"""The server over stdio and HTTP: killed in the middle, several clients, while a run writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.agent import Agent, Refused, agent, fork, names, process
from support.environments import at_home
from support.make import fail_all, page, post, tag
from support.serving import serving
from tgtagger.runs.jobs import has_worker
from tgtagger.store import Store

MODES = ("auto", "legacy")
"""The protocol of 2026, and the handshake of before, which most programs speak."""


def fill(store: Store) -> None:
    store.posts.save_page(page(*(post(n, f"A storm at sea {n}") for n in range(1, 101))))
    tag(store, ["AI"])


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store)
    return store


# ---- stdio


@pytest.mark.parametrize("mode", MODES)
def test_a_process_is_killed_and_its_cursor_goes_on(filled: Store, db: Path, mode: str) -> None:
    with agent(process(db), mode=mode) as one:
        first = one.ask("search_posts", query="storm", limit=40)
        assert len(one.do("list_tools").tools) == 7
        for pid in children():
            os.kill(pid, signal.SIGKILL)
    with agent(fork(db), mode=mode) as two:
        second = two.ask("search_posts", query="storm", limit=40, cursor=first["next_cursor"])
    shown = [*names(first["posts"]), *names(second["posts"])]
    assert shown == list(range(100, 100 - len(shown), -1))
    assert len(shown) > 60


def children() -> list[int]:
    """Return the processes of `tgtagger mcp` that this one has started."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    found = [
        int(pid)
        for task in tasks.iterdir()
        for pid in (task / "children").read_text().split()
        if b"\0mcp\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert found
    return found


PRINTS = """
import os, subprocess, sys
from tgtagger import decide, vocabulary
from tgtagger.mcp import reading, items, server
from tgtagger.runs import pages, query
from tgtagger.store import records, lookup
from tgtagger.store.sqlite import connections
from tgtagger.system import terminal_text
def loud(module, name):
    whole = getattr(module, name)
    def print_and_do(*given, **named):
        print("printed by", name)
        print("without an end", end="")
        sys.stdout.write("written by " + name)
        os.write(1, b"to the descriptor by " + name.encode() + b"\\n")
        subprocess.run(["echo", "by a child", name], check=True)
        return whole(*given, **named)
    setattr(module, name, print_and_do)
for module, name in (
    (reading, "hit_of"), (items, "moment"), (pages, "read_cursor"), (reading, "read_page"),
    (query, "read_filter"), (pages, "read_filter"), (records, "read_post"), (records, "query_for"),
    (items, "clean"), (server, "_compact"),
):
    loud(module, name)
from tgtagger.cli import app
app()
"""


def test_stdout_belongs_to_the_protocol(filled: Store, db: Path) -> None:
    """Every layer prints, and a child of the process does."""
    asked: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "raw", "version": "1"}}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": "search_posts", "arguments": {"query": "storm", "limit": 3}}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {
            "name": "get_posts", "arguments": {"posts": ["@news-1"]}}},
    ]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", PRINTS, "--db", str(db), "mcp"],
        env={**os.environ, **at_home(db.parent), "PYTHONUNBUFFERED": ""},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as run:  # fmt: skip
        assert run.stdin is not None
        assert run.stdout is not None
        told = []
        for message in asked:
            run.stdin.write(json.dumps(message) + "\n")
            run.stdin.flush()
            if "id" in message:
                told.append(json.loads(run.stdout.readline()))
        run.stdin.close()
        rest = run.stdout.read()
        assert run.stderr is not None
        printed = run.stderr.read()
    assert rest == ""
    assert [each["id"] for each in told] == [1, 2, 3]
    assert not any(each["result"].get("isError") for each in told)
    for name in ("hit_of", "read_page", "read_filter", "read_post", "clean", "_compact"):
        assert f"printed by {name}" in printed
        assert f"by a child {name}" in printed
    assert run.returncode == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once(filled: Store, db: Path, sign: int) -> None:
    with fork(db) as run:
        assert run.stdin is not None
        assert run.stdout is not None
        run.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        run.stdin.flush()
        run.stdout.readline()
        began = time.monotonic()
        run.send_signal(sign)
        code = run.wait(30)
        assert time.monotonic() - began < 10
        assert run.stderr is not None
        assert "Traceback" not in run.stderr.read()
    assert code == 128 + sign


def test_a_bug_tells_nothing(filled: Store, db: Path) -> None:
    """Neither the client nor the log gets the words of an error: they may be of a post."""
    program = textwrap.dedent(
        """
        from tgtagger.mcp import reading
        def broken(*_, **__):
            raise ValueError("the words of a post")
        reading.hit_of = broken
        from tgtagger.cli import app
        app()
        """
    )
    with agent(fork(db, code=program)) as reader, pytest.raises(Refused) as told:
        reader.ask("search_posts", query="storm")
    assert told.value.kind == "bug"
    assert "words of a post" not in str(told.value)
    assert "ValueError" not in str(told.value)


# ---- several at once


def test_two_clients_at_once_while_a_run_writes(filled: Store, db: Path) -> None:
    over = threading.Event()

    def write() -> int:
        number = 100
        while not over.is_set():
            number += 1
            filled.posts.save_page(page(post(number, f"A storm at sea {number}")))
            tag(filled, [f"tag{number % 7}", "AI"])
        return number

    def read(connected: Agent) -> list[int]:
        found = [0]
        for _ in range(8):
            pages = connected.pages("search_posts", "posts", query="storm", limit=50)
            shown = [number for part in pages for number in names(part)]
            assert shown == list(range(shown[0], 0, -1))  # none lost, none twice
            assert shown[0] >= found[-1]
            found.append(shown[0])
            connected.ask("list_tags")
        return found

    with (
        agent(fork(db)) as one,
        agent(fork(db), mode="legacy") as two,
        ThreadPoolExecutor(3) as pool,
    ):
        writing = pool.submit(write)
        reading = [pool.submit(read, each) for each in (one, two)]
        try:
            found = [each.result(120) for each in reading]
        finally:
            over.set()
        assert writing.result(60) > 101
    assert all(numbers[-1] > 100 for numbers in found)


# ---- HTTP, within serve


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that several tests ask, and none changes."""
    db = tmp_path_factory.mktemp("served") / "posts.db"
    with Store.open(str(db)) as store:
        fill(store)
    with serving(db, "--no-worker", env=at_home(db.parent)) as server:
        yield server.address


@pytest.mark.parametrize("mode", MODES)
def test_agents_ask_the_server_of_the_pages(address: str, mode: str) -> None:
    with agent(f"{address}/mcp", mode=mode) as reader:
        pages = reader.pages("search_posts", "posts", query="storm", limit=40)
        assert [number for part in pages for number in names(part)] == list(range(100, 0, -1))
        assert max(reader.sizes) <= 32_000
        with pytest.raises(Refused) as told:
            reader.ask("tag_post", post="@news-1", tags=["x"])
        assert told.value.kind == "agents_only_read"
        assert "A storm" in reader.read("tgtagger://posts/1006503122-1")


PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"accept": "application/json, text/event-stream"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "null"}, 403),
        ({"content-type": "text/plain"}, 400),
    ],
)
def test_the_guard_of_the_pages_stands_before_it(
    address: str, headers: dict[str, str], status: int
) -> None:
    answer = httpx.post(f"{address}/mcp", json=PING, headers={**ACCEPT, **headers}, timeout=60)
    assert answer.status_code == status
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT"])
def test_no_stream_is_opened_that_would_keep_a_connection(address: str, method: str) -> None:
    """Two hundred of them would keep everybody out; what asks goes on without one."""
    answer = httpx.request(method, f"{address}/mcp", headers=ACCEPT, timeout=5)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_token_of_the_pages_is_asked_for(filled: Store, db: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("0123456789abcdef0123")
    file.chmod(0o600)
    with serving(db, "--no-worker", "--token-file", str(file)) as server:
        url = f"{server.address}/mcp"
        for headers in ({}, {"authorization": "Bearer wrong-wrong-wrong-wrong"}):
            answer = httpx.post(url, json=PING, headers={**ACCEPT, **headers}, timeout=60)
            assert answer.status_code == 401
        with agent(url, token=file.read_text()) as reader:
            assert reader.ask("archive_status")["posts"]["tagged"] == 100


def test_a_server_that_only_shows_lets_agents_read(filled: Store, db: Path) -> None:
    with serving(db, "--read-only") as server, agent(f"{server.address}/mcp") as reader:
        assert reader.ask("search_posts", query="storm")["total"] == 100
        with pytest.raises(Refused):
            reader.ask("tag_post", post="@news-1", tags=["x"])


def test_a_server_may_let_agents_write(filled: Store, db: Path) -> None:
    with serving(db, "--no-worker", "--allow-write") as server:
        url = f"{server.address}/mcp"
        with agent(url, name="one") as one, agent(url, name="two") as two:
            first = one.ask("tag_post", post="@news-1", tags=["storm"])["change"]
            other = two.ask("tag_post", post="@news-2", tags=["sea"])["change"]
            again = one.ask("tag_post", post="@news-3", tags=["storm"])["change"]
    assert (again, other != first) == (first, True)
    change = filled.changes.past(2)[-1]
    assert (change.by, change.number, change.posts) == ("agent", first, 2)


def test_the_server_is_killed_and_started_again_and_a_client_goes_on(
    filled: Store, db: Path
) -> None:
    with serving(db, "--no-worker") as server:
        port = server.address.rpartition(":")[2]
        with agent(f"{server.address}/mcp", mode="legacy") as reader:
            first = reader.ask("search_posts", query="storm", limit=40)
            server.process.kill()
            server.process.wait()
            with serving(db, "--no-worker", "--port", port):
                second = reader.ask(
                    "search_posts", query="storm", limit=40, cursor=first["next_cursor"]
                )
    assert names(second["posts"])[0] == names(first["posts"])[-1] - 1


def test_the_server_ends_while_a_client_is_connected(filled: Store, db: Path) -> None:
    with serving(db, "--no-worker") as server, httpx.Client(timeout=60) as client:
        assert client.post(f"{server.address}/mcp", json=PING, headers=ACCEPT).status_code == 200
        code, seconds = server.end()
        assert code == 143
        assert seconds < 10
        assert "Traceback" not in "".join(server.said)


# ---- runs that are asked for


def test_a_run_that_an_agent_asks_for_is_done_and_its_worker_ends_with_the_server(
    filled: Store, db: Path
) -> None:
    fail_all(db)
    server = fork(db, "--allow-write", env={"TGTAGGER_TAGGER": "keywords"})
    with agent(server) as writer:
        asked = writer.ask("retry_failed", force=True, limit=10_000)
        assert asked["job"]["kind"] == "retry"
        until = time.monotonic() + 60
        while (state := writer.ask("archive_status"))["jobs"][0]["state"] != "done":
            assert time.monotonic() < until, state["jobs"]
            time.sleep(0.2)
        assert (state["posts"]["tagged"], state["posts"]["failed"]) == (100, 0)
        assert state["has_worker"]
        assert writer.ask("search_posts", query="storm", limit=1)["posts"][0]["tags"]
    until = time.monotonic() + 30
    while has_worker(filled):
        assert time.monotonic() < until
        time.sleep(0.1)
