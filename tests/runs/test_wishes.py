"""What may be asked of a worker, in the names of today."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.make import page, post
from tgtagger import config
from tgtagger.config import Settings
from tgtagger.errors import InputError
from tgtagger.model.choices import JobKind
from tgtagger.model.jobs import Job
from tgtagger.model.posts import Channel
from tgtagger.runs import jobs
from tgtagger.runs.jobs import Wish, wish_of
from tgtagger.store import Store


@pytest.fixture
def settings(store: Store) -> Settings:
    store.posts.save_page(page(post(1, "one"), post(2, "two")))
    store.posts.save_page(
        page(post(7, "in a group"), channel=Channel(-5, "Friends", None, "group"))
    )
    return config.load({"db": str(store.path)})


@pytest.fixture
def ask(store: Store, settings: Settings) -> Any:
    def asked(kind: JobKind, **given: Any) -> Job:
        return jobs.ask(store, settings, kind, given)

    return asked


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("tag", {"channels": ["@news"]}, {"channels": ["https://t.me/news", "News", "1006503122"]}),
        ("tag", {"posts": ["@news/1", "news/2"]}, {"posts": ["1006503122-2", "@news-1"]}),
        ("tag", {"posts": ["-5-7"], "force": True}, {"force": True, "posts": ["Friends/7"]}),
        ("parse", {"sources": ["t.me/s/durov"]}, {"sources": ["@durov", "https://t.me/durov"]}),
        ("parse", {"sources": ["-1001006503122"]}, {"sources": ["1006503122"]}),
        ("retry", {}, {"force": False, "limit": None, "channels": [], "classes": []}),
        ("retry", {"classes": ["server", "timeout"]}, {"classes": ["timeout", "server"]}),
        ("sync", {"via": ""}, {}),
    ],
)
def test_equal_wishes_are_one_job(
    ask: Any, kind: JobKind, one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert ask(kind, **one).id == ask(kind, **other).id


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("retry", {"limit": 50}, {"limit": 60}),
        ("retry", {"force": True}, {}),
        ("tag", {"posts": ["@news/1"]}, {"posts": ["@news/2"]}),
        ("sync", {"refresh": 0}, {}),
        ("sync", {"backfill": False}, {}),
        ("sync", {"backfill": False}, {"backfill": True}),
        ("parse", {"sources": ["@durov"]}, {"sources": ["@telegram"]}),
    ],
)
def test_other_wishes_are_other_jobs(
    ask: Any, kind: JobKind, one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert ask(kind, **one).id != ask(kind, **other).id


def test_a_time_is_that_of_the_asking_and_the_wish_is_as_it_was_typed(
    ask: Any, store: Store
) -> None:
    first = ask("tag", since="7d")
    wish = wish_of("tag", store.jobs.find(first.id).params)
    assert wish.since is not None
    ago = dt.datetime.now(dt.UTC) - wish.since
    assert dt.timedelta(days=6, hours=22) < ago < dt.timedelta(days=7, hours=2)
    assert ask("tag", since="7d").id == first.id
    assert ask("tag", since="8d").id != first.id


def test_a_wish_is_read_again_as_it_was_stored(ask: Any) -> None:
    job = ask("retry", classes=["server"], channels=["news"], limit=5, force=True, max_time="10m")
    assert wish_of("retry", job.params) == Wish(
        channels=("1006503122",),
        classes=("server",),
        limit=5,
        force=True,
        max_time=dt.timedelta(minutes=10),
    )
    job = ask("sync", via="preview", account="1", max_cost=0.5, refresh=0)
    assert wish_of("sync", job.params) == Wish(
        via="preview", account="default", max_cost=0.5, refresh=0
    )


@pytest.mark.parametrize(
    ("kind", "given", "why"),
    [
        ("tag", {"channels": ["@nowhere"]}, "channel_unknown"),
        ("tag", {"posts": ["@news/99"]}, "post_unknown"),
        ("tag", {"force": True}, "job_too_wide"),
        ("tag", {"force": True, "stale": True, "limit": 1}, "job_force_or_stale"),
        ("tag", {"since": "soon"}, "date_wrong"),
        ("tag", {"via": "preview"}, "job_field_unknown"),
        ("tag", {"limit": -1}, "job_fields_wrong"),
        ("tag", {"limit": 5, "force": "yes"}, "job_fields_wrong"),
        ("tag", {"max_cost": -1}, "job_fields_wrong"),
        ("tag", {"max_time": "long"}, "duration_wrong"),
        ("tag", {"posts": ["@news/1"] * 1001}, "job_names_too_many"),
        ("retry", {"classes": ["bad luck"]}, "failure_class_unknown"),
        ("parse", {"sources": ["~/export/result.json"]}, "channel_ref_invalid"),
        ("parse", {"sources": ["/etc"]}, "channel_ref_invalid"),
        ("parse", {"since": "2026", "until": "2025"}, "period_empty"),
        ("sync", {"via": "pigeon"}, "job_fields_wrong"),
        ("sync", {"account": "../../elsewhere"}, "account_unknown"),
    ],
)
def test_what_cannot_be_done_is_refused(
    ask: Any, store: Store, kind: JobKind, given: dict[str, Any], why: str
) -> None:
    with pytest.raises(InputError) as refused:
        ask(kind, **given)
    assert refused.value.kind == why
    assert store.jobs.open() == ()


def test_an_account_is_looked_for_again(settings: Settings) -> None:
    with pytest.raises(InputError) as refused:
        jobs.with_wish(settings, Wish(account="../../elsewhere"))
    assert refused.value.kind == "account_unknown"
    assert jobs.with_wish(settings, Wish(account="1", max_cost=0.5)).max_cost == 0.5


def test_many_who_look_for_a_worker_see_none(store: Store, db: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(lambda _: jobs.has_worker(store), range(200)))
    with store.lock("work", shared=True), ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: jobs.has_worker(store), range(200)))
    with store.lock("work"):  # a rescue: no worker
        assert not jobs.has_worker(store)


def test_what_is_stored_may_be_of_another_version() -> None:
    with pytest.raises(InputError) as refused:
        wish_of("tag", {"mood": "good"})
    assert refused.value.kind == "job_field_unknown"
    with pytest.raises(InputError) as refused:
        wish_of("tag", {"channels": "news"})
    assert refused.value.kind == "job_fields_wrong"
