"""The history of the tags: what people and runs changed, with an undo for each."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from tgtagger.runs.tags import undo
from tgtagger.web import actions
from tgtagger.web.actions import Next, Question, Sure
from tgtagger.web.dependencies import StoreDep
from tgtagger.web.rendering import page, words_of

router = APIRouter()

SHOWN = 50


@router.get("/tags/history")
def history(
    request: Request, store: StoreDep, most: Annotated[int, Query(ge=1, le=1000)] = SHOWN
) -> HTMLResponse:
    found = store.changes.past(most + 1)
    values = {"changes": found[:most], "has_more": len(found) > most, "most": most}
    return page(request, "history.html", values, part="history")


@router.post("/tags/undo")
def undo_change(
    request: Request,
    store: StoreDep,
    number: Annotated[int, Form(ge=1, le=2**31)],
    place: Next = "/tags/history",
    *,
    sure: Sure = False,
) -> Response:
    """Take back a person's change, an agent's session or a run, by its number in the history."""
    t = words_of(request)
    found = undo(store, number, dry_run=True)
    if found.change.by == "run" and found.posts > actions.MANY and not sure:
        question = Question(
            t.text("Undo run {number}?", number=number), found.posts, t.text("Undo")
        )
        return actions.ask(request, question, {"number": number}, place)
    undone = undo(store, number)
    posts = undone.change.posts if undone.change.by != "run" else undone.posts
    text = t.text("Undone.")
    if posts:
        text = t.text("Undone: {posts}.", posts=t.counted(posts, "post"))
    if undone.kept:
        kept = t.counted(undone.kept, "post")
        text += " " + t.text("Tagged anew since, so left as they are: {posts}.", posts=kept)
    if place.startswith("/tags/tag?"):  # it has the name that the change names, again
        names = undone.change.names
        place = actions.tag_place(names[-1] if undone.change.what == "merge" else names[0])
    request.app.state.archive.forget(all_of_it=True)  # what was suggested is open again
    return actions.done(request, place, text)
