"""The page of jobs: asked for, running with progress, ended, cancelled; asked again for news."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from support.make import page, post
from support.visitor import Visitor, fields, told, words
from tgtagger.model.jobs import JobEnd, JobProgress
from tgtagger.store import Store


@pytest.fixture
def visitor(store: Store) -> Iterator[Visitor]:
    store.posts.save_page(page(*(post(n, f"text {n}") for n in range(1, 6))))
    with Visitor(store.path) as made:
        yield made


def test_a_job_is_started_once_and_told(visitor: Visitor, store: Store) -> None:
    for _ in range(2):
        answer = visitor.post("/jobs/start", {"kind": "tag", "limit": " 3 "})
        assert told(answer) == "Asked for. Job 1"
    (job,) = store.jobs.open()
    assert (job.kind, job.params) == ("tag", {"limit": 3})
    assert "Tag posts queued" in words(answer)
    assert "at most 3 posts" in words(answer)
    assert "No worker is there" in words(answer)


@pytest.mark.parametrize("kind", ["parse", "tag", "retry", "sync"])
def test_each_kind_can_be_started(visitor: Visitor, store: Store, kind: str) -> None:
    visitor.post("/jobs/start", {"kind": kind, "limit": ""})
    assert [job.kind for job in store.jobs.open()] == [kind]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"kind": "erase"},
        {"kind": "tag", "limit": "-1"},
        {"kind": "tag", "limit": "x"},
        {"kind": "tag", "limit": "0"},
    ],
)
def test_what_is_no_job_is_refused(visitor: Visitor, store: Store, form: dict[str, str]) -> None:
    assert visitor.post("/jobs/start", form).status_code == 400
    assert store.jobs.open() == ()


def test_a_running_job_shows_how_far_it_is(visitor: Visitor, store: Store) -> None:
    store.jobs.ask("parse", "", {"sources": ["@news"]})
    job = store.jobs.take(["parse"])
    assert job is not None
    assert "<progress" in visitor.get("/jobs").text
    assert "max=" not in visitor.get("/jobs").text.partition("<progress")[2].partition(">")[0]
    store.jobs.tell(job.id, JobProgress(120, 400, "@news", "the <server> asks for a pause"))
    with store.lock("work", shared=True):
        answer = visitor.get("/jobs")
    assert 'max="400" value="120"' in answer.text
    shown = words(answer)
    assert "@news · 120 posts of 400 waits: the <server> asks for a pause" in shown
    assert "No worker" not in shown


def test_the_page_asks_again_and_gets_an_answer_if_something_changed(
    visitor: Visitor, store: Store
) -> None:
    assert 'hx-trigger="every 2s"' in visitor.get("/jobs", target="jobs").text
    assert 'id="changed"' not in visitor.get("/jobs").text
    job = store.jobs.ask("tag", "", {})
    shown = visitor.get("/jobs", target="jobs").text
    found = re.search(r'hx-get="([^"]*)" hx-trigger="every 1s"', shown)
    assert found is not None
    assert visitor.get(found[1], target="jobs").status_code == 204
    assert visitor.get(found[1]).status_code == 200  # by hand it is a page
    store.jobs.cancel(job.id)
    after = visitor.get(found[1], target="jobs")
    assert after.status_code == 200
    assert 'hx-trigger="every 2s"' in after.text
    assert "hx-trigger" not in visitor.get("/jobs?before=1").text
    assert "cancelled" in words(after)


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_soon(
    visitor: Visitor, store: Store
) -> None:
    store.jobs.ask("tag", "", {})
    answer = visitor.post("/jobs/cancel", fields(visitor.get("/jobs"), "/jobs/cancel"))
    assert told(answer) == "Cancelled."
    assert "Nothing is queued or running." in words(answer)
    job = store.jobs.ask("tag", "", {})
    store.jobs.take(["tag"])
    form = fields(visitor.get("/jobs"), "/jobs/cancel")
    answer = visitor.post("/jobs/cancel", form, target="jobs")
    assert told(answer) == "It stops soon; what was done stays."
    assert "ends soon" in words(answer)
    assert f'id="cancel-{job.id}"' not in answer.text
    assert visitor.post("/jobs/cancel", {"number": 999}).status_code == 404


def test_who_cancels_too_late_is_told_though_nothing_changed(
    visitor: Visitor, store: Store
) -> None:
    job = store.jobs.ask("tag", "", {})
    store.jobs.take(["tag"])
    store.jobs.end(job.id, JobEnd("done", 0))
    found = re.search(r'hx-get="([^"]*)"', visitor.get("/jobs", target="jobs").text)
    assert found is not None
    form = {"number": job.id, "next": found[1]}
    assert told(visitor.post("/jobs/cancel", form, target="jobs")) == "It had ended already."


def test_an_ended_job_says_what_it_did_or_why_not(visitor: Visitor, store: Store) -> None:
    job = store.jobs.ask("tag", "", {"posts": ["1-1", "1-2", "1-3", "1-4"]})
    store.jobs.take(["tag"])
    run = store.runs.start("tag")
    store.jobs.note_run(job.id, run)
    store.runs.end(run, 5, json.dumps({"tagged": 3, "failed": 1}))
    store.jobs.end(job.id, JobEnd("done", 5))
    bad = store.jobs.ask("parse", "", {"sources": ["@gone_away"]})
    store.jobs.take(["parse"])
    store.jobs.end(bad.id, JobEnd("failed", 4, "channel_gone", "no <such> channel", "look again"))
    shown = words(visitor.get("/jobs"))
    assert "Tag posts 4 posts" in shown
    assert "done 3 tagged, 1 failed run 1" in shown
    assert "@gone_away" in shown
    assert "failed no <such> channel look again" in shown


def test_older_jobs_follow_by_number(visitor: Visitor, store: Store) -> None:
    for _ in range(35):
        store.jobs.cancel(store.jobs.ask("tag", "", {}).id)
    seen: list[str] = []
    path = "/jobs"
    while path:
        answer = visitor.get(path)
        seen += re.findall(r'<tr id="job-(\d+)"', answer.text)
        path = answer.text.partition('rel="next" href="')[2].partition('"')[0]
    assert [int(number) for number in seen] == list(range(35, 0, -1))
