"""An archive that somebody has used: a bit of all that the pages can show."""

from __future__ import annotations

import datetime as dt
import json

from support.make import EPOCH, minute, page, post, tag
from tgtagger.decide import update_after
from tgtagger.model.jobs import JobEnd, JobProgress
from tgtagger.model.posts import Channel, Forward, Media, PostFilter, Reply
from tgtagger.model.tagging import Attempt, Provenance, TaggingError
from tgtagger.store import Store

RICH = "1006503122-901"
"""The post that has all that a post can have."""
FAILED = "1006503122-905"

_FORMATTED = """Storm **in the harbour** of *Galway*

> keep clear of the pier

`a line of code` and [a link](https://example.org/a/long/path/that/goes/on/and/on/and/on.html)"""
_MEDIA = (
    Media("photo", width=1280, height=720),
    Media("document", file_name="a_report_with_a_name_that_never_seems_to_end.pdf", size=123456),
    Media("video", duration=75.0),
    Media("poll", question="Which pier?", options=("Old", "New")),
    Media("webpage", url="https://example.org/", title="A page", description="About it"),
)


def live_in(store: Store) -> None:
    """Use an archive for a while: posts of all kinds, people's changes, failures, runs, jobs."""
    store.posts.save_page(
        page(
            post(900, "What was answered"),
            post(
                901, _FORMATTED, markdown=_FORMATTED, ids=(901, 902), media=_MEDIA, views=1200,
                forwards=3, reactions=(("👍", 12),), author="Anna", edited=EPOCH,
                forward=Forward(channel="Elsewhere"), reply=Reply(900),
            ),
            post(903, "An answer to it", reply=Reply(901)),
            post(904, "A long_word_" * 30),
            *(post(number, f"Fails {number}") for number in range(905, 909)),
        )
    )  # fmt: skip
    store.posts.save_page(page(post(1), channel=Channel(3333333333, "Quiet")))
    _tag(store)
    _fail(store)
    _curate(store)
    store.channels.follow(["@never_read"])
    store.channels.pause(["-1003333333333"])
    store.runs.end(store.runs.start("parse"), 4, json.dumps(_SUMMARY))
    _ask(store)


_SUMMARY = {"new": 3, "channels": [{"title": "Gone", "error": "no such channel"}]}


def _tag(store: Store) -> None:
    wanted = PostFilter(channels=("@news",), until=minute(905))
    tag(store, ["storm", "storms", "harbour"], wanted=wanted)


def _fail(store: Store) -> None:
    provenance = Provenance("llm", "a-model")
    run = store.runs.start("tag", provenance)
    found = list(store.queue.posts(PostFilter(statuses=("pending",), channels=("@news",))))
    errors = [TaggingError("server", "HTTP 500"), TaggingError("refused", "HTTP 400")] * 2
    now = dt.datetime.now(dt.UTC)
    attempts = [
        (item.id, Attempt(now - dt.timedelta(days=day), "a-model", cost_usd=0.25))
        for day, item in enumerate(found)
    ]
    updates = [
        update_after(item, error, provenance, now=now)
        for item, error in zip(found, errors, strict=False)
    ]
    store.queue.save(updates, run, attempts)
    store.runs.end(run, 5, json.dumps({"failed": len(updates), "cost_usd": 0.75}))


def _curate(store: Store) -> None:
    store.curation.add(RICH, ["mine"])
    store.curation.drop(RICH, ["harbour"])
    store.curation.rename("volunteers", "helpers")
    store.curation.add_aliases("helpers", ["aides"])
    store.curation.remove(["gusts"])


def _ask(store: Store) -> None:
    done, failed = (store.jobs.ask("parse", str(n), {"sources": [f"@ch{n}"]}) for n in range(2))
    for job, end in (
        (done, JobEnd("done", 0)),
        (failed, JobEnd("failed", 4, "channel_gone", "no such channel", "look at its name")),
    ):
        store.jobs.take(["parse"])
        store.jobs.end(job.id, end)
    store.jobs.ask("tag", "", {"limit": 5})
    store.jobs.take(["tag"])
    store.jobs.tell(3, JobProgress(30, 120, "tagging", "throttled", dt.datetime.now(dt.UTC)))
    store.jobs.ask("retry", "", {"classes": ["server"], "force": True})
