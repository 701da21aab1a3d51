"""The page of failures: why posts failed, by class, what to do, and trying them again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from tgtagger.model.choices import FailureClass
from tgtagger.model.state import FailureCount
from tgtagger.runs import jobs
from tgtagger.web import actions
from tgtagger.web.actions import Next
from tgtagger.web.dependencies import ArchiveDep, SettingsDep, StoreDep
from tgtagger.web.language import Language, Texts
from tgtagger.web.rendering import page, words_of
from tgtagger.web.words import REASONS

router = APIRouter()

SHOWN = 50
"""Posts of a class that are listed: the newest."""

ADVICE: Texts = {
    "throttled": "Nothing: they are tried again when they are due.",
    "timeout": "They are tried again when due. A slow model wants a longer timeout or smaller "
    "batches; see the settings.",
    "network": "They are tried again when due. Look at the connection and the server's address.",
    "server": "They are tried again when due. If it stays so, name another model.",
    "bad_answer": "They are tried again when due. Another model may answer better.",
    "refused": "Name another model or provider in the settings, then try again.",
    "too_long": "Name a model with more context in the settings, then try again.",
    "crashed": "Look for what killed the runs, such as too little memory, then try again.",
    "used_up": "They had all their tries, so they wait for you. Try again when the cause is gone.",
}


@router.get("/failures")
def failures(
    request: Request, archive: ArchiveDep, shown: FailureClass | None = None
) -> HTMLResponse:
    store = archive.store
    t = words_of(request)
    found = archive.remember("failures", store.status.failures)
    values = {
        "failures": [(each, _reason(each, t), _advice(each, t)) for each in found],
        "count": sum(each.count for each in found),
        "shown": shown,
        "posts": store.status.failed_posts(shown, SHOWN) if shown else (),
    }
    return page(request, "failures.html", values, part="failures")


@router.post("/failures/retry")
def retry(
    request: Request,
    store: StoreDep,
    settings: SettingsDep,
    failure: Annotated[FailureClass | None, Form()] = None,
    post: Annotated[str, Form(max_length=300)] = "",
    place: Next = "/failures",
) -> Response:
    """Try a post again, or all of a class, or all: at once, however often they were tried."""
    given = {"posts": [post] if post else [], "classes": [failure] if failure else []}
    job = jobs.ask(store, settings, "retry", given | {"force": True})
    text = words_of(request).text("They will be tried again.")
    return actions.done(request, place, text, job=job.id)


def _reason(found: FailureCount, t: Language) -> str:
    return t.text(REASONS.get(found.failure, found.failure))


def _advice(found: FailureCount, t: Language) -> str:
    return t.text(ADVICE["used_up" if found.is_used_up else found.failure])
