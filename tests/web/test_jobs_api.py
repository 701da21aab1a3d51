"""Jobs over the API, and the predecessor's two endpoints; the work itself is done here, by hand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.api import Api, app_of, ask
from support.make import page, post
from tgtagger.config import load
from tgtagger.model.jobs import JobEnd, JobProgress
from tgtagger.runs.work import LANES, work_off
from tgtagger.store import Store
from tgtagger.web.api import documents
from tgtagger.web.guard import Access


@pytest.fixture
def api(store: Store, db: Path) -> Iterator[Api]:
    store.posts.save_page(page(post(1, "A storm at sea near Rotterdam"), post(2, "Tram lines")))
    made = Api(app_of(db))
    yield made
    made.app.state.archive.close()


def call(api: Api, method: str, path: str, **sent: Any) -> httpx.Response:
    """Ask a path without the API's prefix, as the predecessor's users do."""
    return ask(api.app, method, path, **sent)


def work(db: Path, lane: str = "tag", **flags: str) -> None:
    settings = load({"db": str(db), "tagger": "keywords", **flags}, {})
    work_off(settings, LANES[lane], lambda error: f"do something about {error.kind}")


class Worked:
    """Does the jobs of tagging in a thread, while the body runs."""

    def __init__(self, db: Path, **flags: str) -> None:
        self._db, self._flags = db, flags
        self._has_to_end = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._has_to_end.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._has_to_end.wait(0.05):
            work(self._db, **self._flags)


# ---- asking, looking, cancelling


def test_a_cost_without_an_end_is_no_cap(api: Api) -> None:
    headers = {"content-type": "application/json"}
    answer = ask(api.app, "POST", "/api/v1/tag", content=b'{"max_cost": 1e999}', headers=headers)
    assert (answer.status_code, answer.json()["kind"]) == (400, "request_invalid")


@pytest.mark.parametrize("kind", ["parse", "tag", "retry", "sync"])
def test_a_job_is_asked_for_without_a_body(api: Api, store: Store, kind: str) -> None:
    answer = api("POST", f"/{kind}")
    assert answer.status_code == 202
    job = answer.json()
    documents.Job.model_validate_json(answer.content, strict=True)
    assert (job["id"], job["kind"], job["state"], job["params"]) == (1, kind, "queued", {})
    assert answer.headers["location"] == "/api/v1/jobs/1"
    assert api.get("/jobs/1") == job
    assert api("POST", f"/{kind}", {}).json()["id"] == 1
    assert [each.id for each in store.jobs.open()] == [1]


def test_what_a_job_shall_do_is_kept(api: Api) -> None:
    body = {"posts": ["@news-1", "2"], "force": True, "max_time": "10m"}
    job = api("POST", "/tag", body).json()
    assert job["params"] == {
        "posts": ["1006503122-1", "1006503122-2"], "force": True, "max_time": "10m",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("/tag", {"channel": ["news"]}, 400, "request_invalid"),
        ("/tag", {"limit": 0}, 400, "request_invalid"),
        ("/tag", {"limit": True}, 400, "request_invalid"),
        ("/tag", {"limit": "5"}, 400, "request_invalid"),
        ("/tag", {"limit": 5, "force": 1}, 400, "request_invalid"),
        ("/tag", {"force": True}, 400, "job_too_wide"),
        ("/tag", {"posts": ["@news-77"]}, 404, "post_unknown"),
        ("/tag", {"posts": ["@news-1"] * 1001}, 400, "request_invalid"),
        ("/tag", {"max_time": "ages"}, 400, "duration_wrong"),
        ("/parse", {"sources": ["/etc/passwd"]}, 400, "channel_ref_invalid"),
        ("/parse", {"sources": ["~/export"]}, 400, "channel_ref_invalid"),
        ("/parse", {"since": "soon"}, 400, "date_wrong"),
        ("/retry", {"classes": ["boredom"]}, 400, "request_invalid"),
        ("/sync", {"sources": ["@news"]}, 400, "request_invalid"),
        ("/sync?limit=5", None, 400, "parameter_unknown"),
    ],
)
def test_what_cannot_be_done_is_refused(
    api: Api, store: Store, path: str, body: dict[str, Any] | None, status: int, kind: str
) -> None:
    refused = api.refused("POST", path, body)
    assert (refused["status"], refused["kind"]) == (status, kind)
    assert store.jobs.open() == ()


def test_a_job_is_shown_when_it_has_ended(api: Api, db: Path) -> None:
    api("POST", "/tag", {"channels": ["news"]})
    work(db)
    answer = api("GET", "/jobs/1")
    documents.Job.model_validate_json(answer.content, strict=True)
    job = answer.json()
    assert (job["state"], job["exit_code"], job["tries"], job["error"]) == ("done", 0, 1, None)
    assert job["progress"] == {
        "done": 2, "total": 2, "what": "tagging", "waits": None, "waits_until": None,
    }  # fmt: skip
    assert job["summary"]["tagged"] == 2
    assert api.get("/runs")["runs"][0]["id"] == job["run"]


def test_a_setting_that_is_missing_ends_a_job_with_what_to_do(api: Api, db: Path) -> None:
    api("POST", "/tag")
    work(db, tagger="llm")
    job = api.get("/jobs/1")
    assert (job["state"], job["exit_code"], job["summary"]) == ("failed", 2, None)
    assert job["error"]["kind"] == "server_not_set"
    assert job["error"]["message"]
    assert job["error"]["hint"] == "do something about server_not_set"


def test_jobs_come_a_page_at_a_time(api: Api, store: Store) -> None:
    for limit in range(1, 6):
        api("POST", "/retry", {"limit": limit})
    api("DELETE", "/jobs/2")
    first = api.get("/jobs?limit=3")
    documents.JobPage.model_validate_json(json.dumps(first), strict=True)
    second = api.get(f"/jobs?limit=3&after={first['next']}")
    assert [job["id"] for job in first["jobs"] + second["jobs"]] == [5, 4, 3, 2, 1]
    assert second["next"] is None
    assert [job["id"] for job in api.get("/jobs?state=cancelled&state=done")["jobs"]] == [2]
    assert api.refused("GET", "/jobs?after=junk")["kind"] == "cursor_wrong"
    assert api.refused("GET", "/jobs?state=lost")["status"] == 400


def test_it_is_told_whether_there_is_a_worker(api: Api, store: Store) -> None:
    assert api.get("/jobs")["worker"] is False
    with store.lock("work", shared=True), store.lock("work", shared=True):
        assert api.get("/jobs")["worker"] is True
    assert api.get("/jobs")["worker"] is False


def test_cancelling_twice_is_cancelling_once(api: Api, store: Store) -> None:
    api("POST", "/tag")
    first = api("DELETE", "/jobs/1")
    assert (first.status_code, first.json()["state"]) == (200, "cancelled")
    assert api("DELETE", "/jobs/1").json() == first.json()
    api("POST", "/tag")
    store.jobs.take(["tag"])
    running = api("DELETE", "/jobs/2").json()
    assert (running["state"], running["cancelled_at"] is not None) == ("running", True)
    assert api.refused("DELETE", "/jobs/3")["kind"] == "job_unknown"


def test_a_server_to_read_takes_no_jobs(api: Api, store: Store, db: Path) -> None:
    reader = Api(app_of(db, Access(read_only=True)))
    assert reader.refused("POST", "/tag")["kind"] == "read_only"
    answer = ask(reader.app, "POST", "/users/1/posts/retry_tagging")
    assert (answer.status_code, answer.json()["kind"]) == (403, "read_only")
    assert reader.get("/jobs") == {"jobs": [], "next": None, "worker": False}
    reader.app.state.archive.close()


# ---- following


def events(answer: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """Return (id, job) of the events of an answer."""
    found = []
    for block in answer.text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            assert lines["event"] == "job"
            found.append((lines["id"], json.loads(lines["data"])))
    return found


def test_an_ended_job_is_told_once(api: Api, store: Store) -> None:
    api("POST", "/tag")
    api("DELETE", "/jobs/1")
    answer = api("GET", "/jobs/1/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    ((mark, job),) = events(answer)
    assert job == api.get("/jobs/1")
    assert len(events(api("GET", "/jobs/1/events", last_event_id="another"))) == 1
    again = api("GET", "/jobs/1/events", last_event_id=mark)
    assert (again.status_code, again.content) == (204, b"")
    assert api.refused("GET", "/jobs/2/events")["kind"] == "job_unknown"


def test_a_job_is_followed_to_its_end(api: Api, store: Store) -> None:
    api("POST", "/tag")

    def go_on() -> None:
        steps: tuple[Callable[[], object], ...] = (
            lambda: store.jobs.take(["tag"]),
            lambda: store.jobs.tell(1, JobProgress(1, 2, "tagging")),
            lambda: store.jobs.end(1, JobEnd("done", 0)),
        )
        for step in steps:
            time.sleep(0.8)
            step()

    working = threading.Thread(target=go_on)
    working.start()
    told = [job for _, job in events(api("GET", "/jobs/1/events"))]
    working.join()
    assert [job["state"] for job in told] == ["queued", "running", "running", "done"]
    assert told[2]["progress"]["done"] == 1


# ---- the predecessor


def test_failed_posts_are_queued_as_before(api: Api, store: Store) -> None:
    answer = call(api, "POST", "/users/1/posts/retry_tagging?force=true&limit=7")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "queued",
        "message": "up to 7 failed posts are tagged again (account default)",
        "job_id": 1,
    }
    assert store.jobs.find(1).params == {"force": True, "limit": 7}
    answer = api("POST", "/users/default/posts/retry_tagging")
    assert (answer.status_code, answer.json()["job_id"]) == (202, 2)
    assert store.jobs.find(2).params == {"limit": 50}


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/users/3/posts/retry_tagging", 404, "account_unknown"),
        ("/users/0/posts/retry_tagging", 404, "account_unknown"),
        ("/users/nobody/posts/retry_tagging", 404, "account_unknown"),
        ("/users/1/posts/retry_tagging?limit=0", 400, "request_invalid"),
        ("/users/1/posts/retry_tagging?force=perhaps", 400, "request_invalid"),
        ("/users/1/posts/retry_tagging?most=5", 400, "parameter_unknown"),
        ("/posts/@news-77/regenerate_tags", 404, "post_unknown"),
        ("/posts/nothing/regenerate_tags", 400, "post_ref_invalid"),
        ("/posts/1/regenerate_tags?wait=-1", 400, "request_invalid"),
    ],
)
def test_what_is_not_there_is_refused(
    api: Api, store: Store, prefix: str, path: str, status: int, kind: str
) -> None:
    answer = call(api, "POST", prefix + path)
    assert (answer.status_code, answer.json()["kind"]) == (status, kind)
    assert answer.headers["content-type"] == "application/problem+json"
    assert store.jobs.open() == ()


def test_an_account_is_meant_by_number_and_name(api: Api, tmp_path: Path, store: Store) -> None:
    sessions = api.app.state.archive.settings.data_dir / "sessions"
    sessions.mkdir(parents=True)
    for name in ("work", "alpha"):
        (sessions / f"{name}.session").touch()
    for user, account in {"1": "default", "2": "alpha", "3": "work", "work": "work"}.items():
        answer = call(api, "POST", f"/users/{user}/posts/retry_tagging")
        assert f"(account {account})" in answer.json()["message"]
    assert call(api, "POST", "/users/4/posts/retry_tagging").status_code == 404


@pytest.mark.parametrize(
    ("name", "shown"), [("1", 1), ("1006503122-1", "1006503122-1"), ("@news-1", "@news-1")]
)
def test_tags_are_queued_as_before(api: Api, store: Store, name: str, shown: int | str) -> None:
    answer = call(api, "POST", f"/posts/{name}/regenerate_tags")
    assert answer.status_code == 200
    assert answer.json() == {"status": "queued", "post_id": shown, "job_id": 1}
    assert api("POST", f"/posts/{name}/regenerate_tags").status_code == 202
    assert store.jobs.find(1).params == {"posts": ["1006503122-1"], "force": True}


def test_who_waits_gets_the_tags(api: Api, db: Path, store: Store) -> None:
    with Worked(db):
        answer = call(api, "POST", "/posts/1/regenerate_tags?wait=30")
    assert answer.status_code == 200
    told = answer.json()
    documents.Regenerated.model_validate_json(answer.content, strict=True)
    assert (told["status"], told["post_id"], told["job_id"]) == ("tagged", 1, 1)
    assert told["tags"] == list(store.records.post("@news-1").post.tags)
    assert told["tags"]


def failed(answer: httpx.Response) -> dict[str, Any]:
    """Return what is told of a post that did not get its tags."""
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    documents.TaggingProblem.model_validate_json(answer.content, strict=True)
    told: dict[str, Any] = answer.json()
    assert (told["error"], told["kind"], told["post_id"]) == ("tagging_failed",) * 2 + (1,)
    assert told["message"] == told["detail"]
    return told


def test_who_waits_in_vain_is_told(api: Api, store: Store) -> None:
    told = failed(call(api, "POST", "/posts/1/regenerate_tags?wait=0.3"))
    assert told["retry_available"] is True
    assert "goes on" in told["message"]
    assert told["hint"] == "start a worker: there is none"
    assert store.jobs.find(told["job_id"]).is_open


def test_a_tagging_error_is_told_in_the_keys_of_the_predecessor(api: Api, db: Path) -> None:
    with Worked(db, tagger="llm"):
        told = failed(call(api, "POST", "/posts/1/regenerate_tags?wait=30"))
    assert told["retry_available"] is False  # a person has to name a server first
    assert told["hint"] == "do something about server_not_set"


def test_a_job_that_somebody_cancels_gives_no_tags(api: Api, store: Store) -> None:
    def cancel() -> None:
        while not store.jobs.open():
            time.sleep(0.05)
        store.jobs.cancel(1)

    thread = threading.Thread(target=cancel)
    thread.start()
    told = failed(call(api, "POST", "/posts/1/regenerate_tags?wait=30"))
    thread.join()
    assert (told["message"], told["retry_available"]) == ("the job was cancelled", True)
