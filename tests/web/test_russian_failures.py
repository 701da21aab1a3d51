"""What goes wrong on a Russian page is told in Russian, and whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from support.make import CHANNEL, page, post, tag
from support.visitor import Visitor, words
from tgtagger.model.jobs import JobEnd, JobProgress
from tgtagger.store import Store

POST = f"/posts/{CHANNEL.id}-1"


@pytest.fixture
def visitor(store: Store) -> Iterator[Visitor]:
    store.posts.save_page(page(post(1), post(2)))
    tag(store, ["sea", "storm"])
    with Visitor(store.path, "ru") as made:
        yield made


@pytest.mark.parametrize(
    ("path", "form"),
    [("/tags/merge", {"into": "sea"}), ("/tags/merge", {"names": "sea"}), ("/tags/remove", {}),
     ("/tags/rename", {"old": "sea", "new": "storm"}), ("/tags/rename", {"old": "sea", "new": "["}),
     ("/tags/rename", {"old": "no", "new": "b"}), ("/tags/merge", {"names": "sea", "into": "no"}),
     ("/tags/alias", {"tag": "sea", "names": "storm"}), ("/tags/undo", {"number": 99}),
     ("/tags/alias", {"tag": "sea", "names": "no", "off": "true"}), ("/tags/undo", {}),
     ("/channels/add", {"source": " "}), ("/channels/add", {"source": "!!"}),
     ("/channels/add", {"source": "https://example.org/x"}), ("/channels/add", {}),
     ("/channels/add", {"source": "x" * 301}), ("/channels/follow", {"source": "x", "do": "no"}),
     ("/jobs/start", {"kind": "tag", "limit": "many"}), ("/jobs/cancel", {"number": 9}),
     ("/failures/retry", {"post": "no"}), ("/failures/retry", {"failure": "no"}),
     ("/posts/tags", {"tag": "a"}), ("/posts/tags", {"tag": "a", "post": "1-1"}),
     ("/tags/remove", {str(n): "a" for n in range(1001)}),
     (f"{POST}/tags", {}), (f"{POST}/tags/drop", {"tag": "no"}), ("/tags", {"a": "b"})],
)  # fmt: skip
def test_an_action(visitor: Visitor, path: str, form: dict[str, object]) -> None:
    answer = visitor.post(path, form)
    assert answer.status_code >= 400
    assert_russian(answer.text)


@pytest.mark.parametrize(
    "path",
    ["/?query=(", "/?query=%22", "/?query=a+OR", "/?query=tag:", "/?query=tag:no", "/?query=no:a",
     "/?query=has:no", "/?query=since:no", "/?query=date:5m", "/?query=channel:no", "/?query=%21",
     "/?after=no", "/tags?sort=no", "/tags?page=0", "/runs?before=no", "/failures?shown=no",
     "/tags/tag?name=no", "/posts/77", "/posts/no", "/posts/1-1", "/nothing",
     "/?query=" + "a" * 2001],
)  # fmt: skip
def test_a_page(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert answer.status_code >= 400
    assert_russian(answer.text)


def test_the_guard(store: Store) -> None:
    with Visitor(store.path, "ru", read_only=True) as visitor:
        assert_russian(visitor.post("/tags/remove", {"names": "sea"}).text)


def assert_russian(text: str) -> None:
    told = re.search(r'<p role="alert">(.*?)</p>\s*(?:<p class="lead">(.*?)</p>)?', text, re.DOTALL)
    assert told is not None
    shown = " ".join(filter(None, told.groups()))
    assert re.search("[а-я]{3}", told[1])
    assert "{" not in shown
    assert not re.search(r"\b(the|a|is|be|no|of|to|see|should)\b (?!—|нет)", shown), shown


def test_a_job_that_failed(visitor: Visitor, store: Store) -> None:
    number = end(store, "key_rejected", "the server rejects the key (HTTP 401)", "set the key")
    shown = words(visitor.get("/jobs"))
    assert "сервер не принимает ключ the server rejects the key (HTTP 401) Укажите верный" in shown
    assert "set the key" not in shown
    assert '<p class="soft" lang="en">the server rejects' in visitor.get("/jobs").text
    end(store, "something_rare", "rare", "do this")
    assert "rare do this" in words(visitor.get("/jobs"))
    visitor.language = "en"
    shown = words(visitor.get("/jobs"))
    assert "the server rejects the key (HTTP 401) set the key" in shown
    assert number


def end(store: Store, kind: str, error: str, hint: str) -> int:
    job = store.jobs.ask("tag", kind, {})
    store.jobs.take(["tag"])
    store.jobs.end(job.id, JobEnd("failed", 3, kind, error, hint))
    return job.id


def test_a_run_that_stopped(visitor: Visitor, store: Store) -> None:
    stopped = {"class": "quota", "message": "the quota is used up"}
    store.runs.end(store.runs.start("tag"), 3, json.dumps({"tagged": 1, "stopped": stopped}))
    assert "квота этого ключа исчерпана the quota is used up" in words(visitor.get("/runs"))


@pytest.mark.parametrize(
    ("reason", "told"),
    [("throttled", "ждёт: Сервер просит подождать"), ("other", "ждёт: other"),
     ("Telegram asks to wait", "ждёт: Telegram просит подождать")],
)  # fmt: skip
def test_a_job_that_waits(visitor: Visitor, store: Store, reason: str, told: str) -> None:
    job = store.jobs.ask("tag", "", {})
    store.jobs.take(["tag"])
    store.jobs.tell(job.id, JobProgress(1, 2, "tagging", reason))
    assert told in words(visitor.get("/jobs"))
