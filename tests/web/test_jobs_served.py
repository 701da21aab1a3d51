"""Jobs with a real server and its worker: asked for, done, followed by many, ended with it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import httpx

from support.make import page, post
from support.serving import serving
from support.working import children_of, is_alive, kill, until
from tgtagger.store import Store

KEYWORDS = {"TGTAGGER_TAGGER": "keywords"}
READERS = 60
"""More than the threads that answer requests."""


def test_the_predecessors_calls_are_answered_and_done(store: Store, db: Path) -> None:
    store.posts.save_page(page(post(1, "A storm at sea near Rotterdam")))
    with serving(db, env=KEYWORDS) as server, httpx.Client(base_url=server.address) as client:
        queued = client.post("/users/1/posts/retry_tagging", params={"limit": 5})
        assert (queued.status_code, queued.json()["status"]) == (200, "queued")
        tagged = client.post("/posts/1/regenerate_tags", params={"wait": 60}, timeout=70)
        assert tagged.json()["status"] == "tagged"
        assert tagged.json()["tags"]
        assert client.get("/api/v1/jobs").json()["worker"] is True
        told = client.get(f"/api/v1/jobs/{tagged.json()['job_id']}/events").text
        assert '"state": "done"' in told or '"state":"done"' in told
        code, seconds = server.end()
    assert (code, seconds < 2.5) == (143, True)


def test_a_worker_that_dies_is_started_again(store: Store, db: Path) -> None:
    with serving(db, env=KEYWORDS) as server, httpx.Client(base_url=server.address) as client:
        (first,) = children_of(server.process.pid)
        kill(first)
        number = client.post("/api/v1/retry").json()["id"]
        until(lambda: client.get(f"/api/v1/jobs/{number}").json()["state"] == "done")
        (second,) = children_of(server.process.pid)
        assert second != first
        assert not is_alive(first)


def test_many_follow_a_job_and_take_no_thread(store: Store, db: Path) -> None:
    with serving(db, "--no-worker") as server, contextlib.ExitStack() as opened:
        client = opened.enter_context(
            httpx.Client(base_url=server.address, limits=httpx.Limits(max_connections=None))
        )
        number = client.post("/api/v1/retry").json()["id"]
        streams = [
            opened.enter_context(client.stream("GET", f"/api/v1/jobs/{number}/events", timeout=30))
            for _ in range(READERS)
        ]
        lines = [stream.iter_lines() for stream in streams]
        assert {state_of(each) for each in lines} == {"queued"}
        assert client.get("/api/v1/jobs", timeout=10).json()["worker"] is False
        client.delete(f"/api/v1/jobs/{number}", timeout=10)
        assert {state_of(each) for each in lines} == {"cancelled"}
        assert {each.status_code for each in streams} == {200}


def test_a_reader_does_not_keep_the_server(store: Store, db: Path) -> None:
    with serving(db, "--no-worker") as server, httpx.Client(base_url=server.address) as client:
        number = client.post("/api/v1/retry").json()["id"]
        with client.stream("GET", f"/api/v1/jobs/{number}/events", timeout=30) as stream:
            lines = stream.iter_lines()  # it closes the stream once nothing holds it
            assert state_of(lines) == "queued"
            code, seconds = server.end()
    assert (code, seconds < 2) == (143, True)
    assert len(server.said) == 2  # the archive and the address: the stream ended by itself


def state_of(lines: Any) -> str:
    """Return the state in the next event of a stream."""
    data = next(line for line in lines if line.startswith("data: "))
    return str(json.loads(data.removeprefix("data: "))["state"])
