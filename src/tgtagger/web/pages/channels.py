"""The page of channels: what is stored of each, and adding, pausing, resuming, reading them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from tgtagger.runs import jobs
from tgtagger.web import actions
from tgtagger.web.actions import Next
from tgtagger.web.dependencies import Archive, ArchiveDep, SettingsDep, StoreDep
from tgtagger.web.rendering import page, words_of

router = APIRouter()

Source = Annotated[str, Form(min_length=1, max_length=300)]


@router.get("/channels")
def channels(request: Request, archive: ArchiveDep) -> HTMLResponse:
    store = archive.store
    found = archive.remember("channels", store.status.channels)
    values = {
        "channels": found,
        "added": store.channels.followed_sources(),
        "reading": _being_read(archive),
    }
    return page(request, "channels.html", values, part="channels")


@router.post("/channels/add")
def add(
    request: Request, store: StoreDep, settings: SettingsDep, source: Source,
    place: Next = "/channels", *, read: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    t = words_of(request)
    sources = source.split() or [source]
    new = store.channels.follow(sources)
    if read:
        job = jobs.ask(store, settings, "parse", {"sources": sources})
        return actions.done(request, place, t.text("Added; it will be read."), job=job.id)
    text = t.text("Added: {names}.", names=", ".join(new))
    return actions.done(request, place, text if new else t.text("It was there already."))


@router.post("/channels/read")
def read(
    request: Request, store: StoreDep, settings: SettingsDep, source: Source,
    place: Next = "/channels",
) -> Response:  # fmt: skip
    job = jobs.ask(store, settings, "parse", {"sources": [source]})
    text = words_of(request).text("It will be read: {source}.", source=source)
    return actions.done(request, place, text, job=job.id)


@router.post("/channels/follow")
def follow(
    request: Request, store: StoreDep, source: Source, do: Annotated[
        Literal["pause", "resume", "forget"], Form()
    ], place: Next = "/channels",
) -> Response:  # fmt: skip
    """Pause or resume a channel, or forget a source that was added and not read yet."""
    t = words_of(request)
    if do == "pause":
        text = t.text("Paused: {title}.", title=store.channels.pause([source])[0])
    elif do == "resume":
        text = t.text("It is read again: {title}.", title=store.channels.resume([source])[0])
    else:
        text = t.text("No longer to be read: {source}.", source=store.channels.forget(source))
    return actions.done(request, place, text)


def _being_read(archive: Archive) -> dict[str, str]:
    """Return the state of the jobs that will read, by the source that they name."""
    return {
        source: job.state
        for job in archive.store.jobs.open()
        if job.kind == "parse"
        for source in job.params.get("sources", ())
    }
