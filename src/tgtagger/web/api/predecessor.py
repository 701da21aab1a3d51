"""The two endpoints of the service that tgtagger came from: the same paths, the same answers.

Each stands twice: as it was, answering 200, and under /api/v1, answering 202.
"""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.concurrency import run_in_threadpool

from tgtagger.decide import PASSING
from tgtagger.model.jobs import Job
from tgtagger.runs import jobs
from tgtagger.runs.accounts import find_account
from tgtagger.web.api import documents
from tgtagger.web.api.routing import ApiRoute
from tgtagger.web.dependencies import Archive, ArchiveDep, SettingsDep
from tgtagger.web.problems import TaggingFailed

LOOK_EVERY = 0.1
"""Seconds between two looks at a job that somebody waits for."""


def account_of(
    settings: SettingsDep,
    user_id: Annotated[
        str, Path(max_length=200, description="An account by number (1 is `default`) or name.")
    ],
) -> str:
    """Return the account that a user's number or name means. Raises InputError."""
    return find_account(settings, user_id)


def retry_tagging(
    archive: ArchiveDep,
    account: Annotated[str, Depends(account_of)],
    *,
    force: Annotated[bool, Query(description="Those that are not due, too.")] = False,
    limit: Annotated[int, Query(ge=1, le=10**6, description="At most so many.")] = 50,
) -> dict[str, Any]:
    """Ask for a run that tags failed posts again, and answer at once."""
    given = {"force": force, "limit": limit}
    job = jobs.ask(archive.store, archive.settings, "retry", given)
    which = "failed posts" if force else "failed posts that are due"
    message = f"up to {limit} {which} are tagged again (account {account})"
    return {"status": "queued", "message": message, "job_id": job.id}


async def regenerate_tags(
    archive: ArchiveDep,
    post_id: Annotated[str, Path(max_length=200, description="A post by name or number.")],
    wait: Annotated[
        float | None, Query(ge=0, le=600, description="Seconds to wait for the tags.")
    ] = None,
) -> dict[str, Any]:
    """Ask for new tags for a post, and answer at once; with `wait`, answer with the tags."""
    given = {"posts": [post_id], "force": True}
    job = await run_in_threadpool(jobs.ask, archive.store, archive.settings, "tag", given)
    shown = int(post_id) if post_id.isdecimal() else post_id
    if wait is None:
        return {"status": "queued", "post_id": shown, "job_id": job.id}
    ended = await _wait_for(archive, job, wait)
    return await run_in_threadpool(_tags, archive, ended, post_id, shown)


async def _wait_for(archive: Archive, job: Job, seconds: float) -> Job:
    end = time.monotonic() + seconds
    while job.is_open and time.monotonic() < end and not archive.is_ending:
        await asyncio.sleep(LOOK_EVERY)
        job = await run_in_threadpool(archive.store.jobs.find, job.id)
    return job


def _tags(archive: Archive, job: Job, post_id: str, shown: int | str) -> dict[str, Any]:
    """Return the tags that a job has given. Raises TaggingFailed."""
    if job.end is None:
        hint = None if jobs.has_worker(archive.store) else "start a worker: there is none"
        raise TaggingFailed("the post is not tagged yet: its job goes on", shown, job.id, hint=hint)
    if job.end.failure is not None or job.end.state == "cancelled":
        message = job.end.error or "the job was cancelled"
        can_retry = job.end.exit_code in {75, 130}
        raise TaggingFailed(message, shown, job.id, hint=job.end.hint, can_retry=can_retry)
    found = archive.store.records.post(post_id)
    if found.post.status in {"failed", "pending"}:
        can_retry = found.failure is None or found.failure in PASSING
        message = found.error or "the post was edited meanwhile"
        raise TaggingFailed(message, shown, job.id, can_retry=can_retry)
    return {
        "status": found.post.status,
        "post_id": shown,
        "job_id": job.id,
        "tags": list(found.post.tags),
    }


def routes(status: int, ending: str = "") -> APIRouter:
    """Return both routes, with the status of their answer and the ending of their names."""
    made = APIRouter(
        route_class=ApiRoute,
        tags=["predecessor"],
        generate_unique_id_function=lambda route: route.name,
    )
    made.add_api_route(
        "/users/{user_id}/posts/retry_tagging", retry_tagging, methods=["POST"],
        name=f"retry_tagging{ending}", summary="Try failed posts again", status_code=status,
        responses=documents.gives(documents.Retrying, status),
    )  # fmt: skip
    made.add_api_route(
        "/posts/{post_id}/regenerate_tags", regenerate_tags, methods=["POST"],
        name=f"regenerate_tags{ending}", summary="Tag a post again", status_code=status,
        responses={
            **documents.gives(documents.Regenerated, status),
            **documents.gives(documents.TaggingProblem, 503, "The post did not get its tags"),
        },
    )  # fmt: skip
    return made
