"""The page of jobs: what is queued and running, with progress; what ended; starting and cancelling.

The page asks every second, or two while no job is open, and is answered by nothing as long as
nothing has changed. So it needs no word that something did.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from tgtagger.model.choices import JobKind
from tgtagger.model.jobs import Job
from tgtagger.runs import jobs, shapes
from tgtagger.runs.note import deeds_of
from tgtagger.web import actions
from tgtagger.web.actions import Next
from tgtagger.web.dependencies import ArchiveDep, SettingsDep, StoreDep
from tgtagger.web.failures import why_ended
from tgtagger.web.language import Language, Texts
from tgtagger.web.pages.runs import in_words
from tgtagger.web.rendering import TOLD, page, words_of
from tgtagger.web.words import REASONS

router = APIRouter()

SHOWN = 30
"""Ended jobs on a page."""

KINDS: Texts = {
    "parse": "Read channels",
    "tag": "Tag posts",
    "retry": "Try failed posts again",
    "sync": "Read channels, tag posts, try again what is due",
}
STATES: Texts = {
    "queued": "queued",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
STAGES: Texts = {
    "tagging": "tagging",
    "channel": "reading a channel",
    "export": "reading an export",
}


@router.get("/jobs")
def show(
    request: Request,
    archive: ArchiveDep,
    before: Annotated[int, Query(ge=1, le=2**31)] = 2**31,
    seen: str = "",
) -> Response:
    store, t = archive.store, words_of(request)
    found = store.jobs.latest(SHOWN + 1, before=before)
    ended = [job for job in found[:SHOWN] if not job.is_open]
    at_work = store.jobs.open() if before == 2**31 else ()
    mark = _mark((*at_work, *ended))
    if seen == mark and "hx-request" in request.headers and TOLD not in request.cookies:
        return Response(status_code=204)
    values = {
        "open": [_Told(job, t) for job in at_work],
        "ended": [_Told(job, t) for job in ended],
        "older": found[SHOWN - 1].id if len(found) > SHOWN else None,
        "is_first": before == 2**31,
        "mark": mark,
        "at": None,
        "has_worker": not at_work or jobs.has_worker(store),
        "state": archive.remember("state", store.status.archive),
    }
    return page(request, "jobs.html", values, part="jobs")


@router.post("/jobs/start")
def start(
    request: Request,
    store: StoreDep,
    settings: SettingsDep,
    kind: Annotated[JobKind, Form()],
    limit: Annotated[str, Form(pattern=r"^ *([1-9][0-9]{0,8})? *$")] = "",
    place: Next = "/jobs",
) -> Response:
    given = {"limit": int(limit)} if limit.strip() else {}
    job = jobs.ask(store, settings, kind, given)
    return actions.done(request, place, words_of(request).text("Asked for."), job=job.id)


@router.post("/jobs/cancel")
def cancel(
    request: Request, store: StoreDep, number: Annotated[int, Form(ge=1, le=2**31)],
    place: Next = "/jobs",
) -> Response:  # fmt: skip
    job = store.jobs.cancel(number)
    t = words_of(request)
    if job.is_open:
        text = t.text("It stops soon; what was done stays.")
    elif job.state == "cancelled":
        text = t.text("Cancelled.")
    else:
        text = t.text("It had ended already.")
    return actions.done(request, place, text)


class _Told:
    """A job in words."""

    def __init__(self, job: Job, t: Language) -> None:
        self.job = job
        self.kind = t.text(KINDS[job.kind])
        self.what = ", ".join(_parts(job, t))
        is_ending = job.is_open and job.cancelled_at is not None
        self.state = t.text("ends soon") if is_ending else t.text(STATES[job.state])
        stage = job.progress.what
        self.stage = stage and t.text(STAGES.get(stage, stage))
        waits = job.progress.waits
        self.waits = waits and t.text(REASONS.get(waits, waits))
        self.why, self.words, self.hint = None, None, None
        if job.end is not None:
            failure = job.end.failure or ""
            self.why, self.words, self.hint = why_ended(failure, job.end.error, job.end.hint, t)
        self.did = in_words(deeds_of(job.summary), t)


def _parts(job: Job, t: Language) -> list[str]:
    """Return what a job is about, in a few words each."""
    params, parts = job.params, list[str]()
    for name, noun in (("sources", "channel"), ("channels", "channel"), ("posts", "post")):
        found = params.get(name, ())
        if len(found) > 3 or (found and name == "channels"):  # those are numbers
            parts.append(t.counted(len(found), noun))
        else:
            parts += found
    parts += [t.text(REASONS[name]) for name in params.get("classes", ())]
    if "limit" in params:
        parts.append(t.text("at most {posts}", posts=t.counted(params["limit"], "post")))
    if params.get("force"):
        parts.append(t.text("at once"))
    return parts


def _mark(found: Sequence[Job]) -> str:
    """Return a few letters that are others once any of these jobs has changed."""
    text = json.dumps([shapes.job(job) for job in found], sort_keys=True)
    return blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()
