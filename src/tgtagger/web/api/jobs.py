"""Jobs: ask for a run, look how it goes, follow it, cancel it.

A request stores a row and answers; a worker does the run. The same request while its job is open
is answered with the same job.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable
from hashlib import blake2b
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import ConfigDict, Field

from tgtagger.model.choices import FailureClass, JobKind, JobState, Via
from tgtagger.model.jobs import Job
from tgtagger.runs import jobs, shapes
from tgtagger.runs.pages import cut_numbered
from tgtagger.web.api import documents
from tgtagger.web.api.parameters import After, Limit
from tgtagger.web.api.routing import ApiRoute, TimedApiRoute
from tgtagger.web.api.tags import Body, Name
from tgtagger.web.dependencies import Archive, ArchiveDep, StoreDep
from tgtagger.web.problems import NothingNew

router = APIRouter(route_class=ApiRoute, tags=["jobs"])
timed = APIRouter(route_class=TimedApiRoute, tags=["jobs"])

LOOK_EVERY = 0.5
"""Seconds between two looks at a job that somebody follows; a worker tells no more often."""

Names = Annotated[list[Name], Field(max_length=jobs.MOST_NAMES)]
Number = Annotated[int, Path(ge=1, le=2**31, description="The job's number.")]


class Wish(Body):
    """What a job shall do. A field that is left out is as without the option of that name."""

    limit: int | None = Field(default=None, ge=1, le=10**9, description="At most so many posts.")
    max_time: str | None = Field(default=None, max_length=20, description="As 90s, 10m, 2h.")


class ReadingWish(Wish):
    refresh: int | None = Field(
        default=None, ge=0, le=10**6, description="Newest posts to read again."
    )
    backfill: bool | None = Field(default=None, description="All history; false: only what is new.")
    via: Via = "auto"
    account: Name = ""


class TaggingWish(Wish):
    max_cost: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="US dollars."
    )


class ParseWish(ReadingWish):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sources": ["@durov"], "since": "30d"}]}
    )

    sources: Names = Field(
        default=[], description="Channels; none: every channel that is not paused."
    )
    since: Name = ""
    until: Name = ""
    groups: bool = Field(default=False, description="Take groups, too.")


class TagWish(TaggingWish):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"channels": ["@durov"]}, {"posts": ["@durov-531"]}]}
    )

    channels: Names = Field(default=[])
    posts: Names = Field(default=[])
    since: Name = ""
    force: bool = Field(
        default=False, description="Whatever the status; wants channels, posts, since or limit."
    )
    stale: bool = Field(
        default=False, description="What another prompt, model or list of tags gave."
    )


class RetryWish(TaggingWish):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"classes": ["timeout"], "force": True}]}
    )

    channels: Names = Field(default=[])
    posts: Names = Field(default=[])
    classes: list[FailureClass] = Field(default=[], max_length=20)
    force: bool = Field(default=False, description="Those that are not due, too.")


class SyncWish(ReadingWish, TaggingWish):
    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"max_time": "10m"}]})


_ASKED = documents.gives(documents.Job, 202, "The job; the header Location names it")


def _asked(archive: Archive, kind: JobKind, wish: Wish | None) -> JSONResponse:
    given = {} if wish is None else wish.model_dump(exclude_unset=True)
    job = jobs.ask(archive.store, archive.settings, kind, given)
    return JSONResponse(shapes.job(job), 202, {"Location": f"/api/v1/jobs/{job.id}"})


@router.post("/parse", summary="Read channels", status_code=202, responses=_ASKED)
def parse(archive: ArchiveDep, body: ParseWish | None = None) -> JSONResponse:
    """Ask for a run that reads channels."""
    return _asked(archive, "parse", body)


@router.post("/tag", summary="Tag posts", status_code=202, responses=_ASKED)
def tag(archive: ArchiveDep, body: TagWish | None = None) -> JSONResponse:
    """Ask for a run that tags posts: those that are pending, unless it says otherwise."""
    return _asked(archive, "tag", body)


@router.post("/retry", summary="Try failed posts again", status_code=202, responses=_ASKED)
def retry(archive: ArchiveDep, body: RetryWish | None = None) -> JSONResponse:
    """Ask for a run that tags failed posts again: those that are due, unless it says otherwise."""
    return _asked(archive, "retry", body)


@router.post("/sync", summary="Read, tag and retry", status_code=202, responses=_ASKED)
def sync(archive: ArchiveDep, body: SyncWish | None = None) -> JSONResponse:
    """Ask for a run that reads every channel, tags what is new, and tries again what is due."""
    return _asked(archive, "sync", body)


@timed.get("/jobs", summary="List the jobs", responses=documents.gives(documents.JobPage))
def list_jobs(
    store: StoreDep,
    state: Annotated[
        list[JobState] | None, Query(max_length=5, description="Repeated: any of them.")
    ] = None,
    after: After = "",
    limit: Limit = 50,
) -> dict[str, Any]:
    """List the jobs, the latest first; `worker` tells whether there is one to do them."""
    part, following = cut_numbered(
        lambda count, before: store.jobs.latest(count, before=before, states=state or ()),
        lambda job: job.id,
        limit,
        after,
    )
    return {
        "jobs": [shapes.job(job) for job in part],
        "next": following,
        "worker": jobs.has_worker(store),
    }


@router.get("/jobs/{number}", summary="Read a job", responses=documents.gives(documents.Job))
def read_job(store: StoreDep, number: Number) -> dict[str, Any]:
    """Read how a job goes: how far it has come, how it ended, the summary of its run."""
    return shapes.job(store.jobs.find(number))


@router.delete("/jobs/{number}", summary="Cancel a job", responses=documents.gives(documents.Job))
def cancel_job(store: StoreDep, number: Number) -> dict[str, Any]:
    """Cancel a job: a queued one ends now, a running one as by Ctrl-C; an ended one stays so."""
    return shapes.job(store.jobs.cancel(number))


def _seen(
    store: StoreDep,
    number: Number,
    last_event_id: Annotated[
        str, Header(max_length=100, description="The last event that came.")
    ] = "",
) -> str:
    """Return the event that a reader got last. Raises NothingNew if no other will come."""
    job = store.jobs.find(number)
    if not job.is_open and last_event_id == _mark(job):
        raise NothingNew
    return last_event_id


@router.get("/jobs/{number}/events", summary="Follow a job", response_class=EventSourceResponse)
async def follow_job(
    archive: ArchiveDep, number: Number, seen: Annotated[str, Depends(_seen)]
) -> AsyncIterable[ServerSentEvent]:
    """Tell a job each time that it changes, as an event `job`, until it has ended.

    The first event is the state of now. Who comes again with `Last-Event-ID` gets only what has
    changed; after the last event that is 204, by which a browser stops to come.
    """
    while True:
        job = await run_in_threadpool(archive.store.jobs.find, number)
        mark = _mark(job)
        if mark != seen:
            yield ServerSentEvent(data=shapes.job(job), event="job", id=mark)
            seen = mark
        if not job.is_open or archive.is_ending:
            return
        await asyncio.sleep(LOOK_EVERY)


def _mark(job: Job) -> str:
    text = json.dumps(shapes.job(job), sort_keys=True)
    return blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()
