"""The undo of a change of tags, from any page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from tgtagger.runs.tags import undo
from tgtagger.web import actions
from tgtagger.web.actions import Next, Question, Sure
from tgtagger.web.dependencies import StoreDep
from tgtagger.web.rendering import words_of

router = APIRouter()


@router.post("/tags/undo")
def undo_change(
    request: Request,
    store: StoreDep,
    number: Annotated[int, Form(ge=1, le=2**31)],
    place: Next = "/tags/history",
    *,
    sure: Sure = False,
) -> Response:
    """Take back a person's change or a run, by its number in the history."""
    t = words_of(request)
    found = undo(store, number, dry_run=True)
    if found.change.by == "run" and found.posts > actions.MANY and not sure:
        question = Question(
            t.text("Undo run {number}?", number=number), found.posts, t.text("Undo")
        )
        return actions.ask(request, question, {"number": number}, place)
    undone = undo(store, number)
    posts = undone.change.posts if undone.change.by == "person" else undone.posts
    text = t.text("Undone.")
    if posts:
        text = t.text("Undone: {posts}.", posts=t.counted(posts, "post"))
    if undone.kept:
        kept = t.counted(undone.kept, "post")
        text += " " + t.text("Tagged anew since, so left as they are: {posts}.", posts=kept)
    return actions.done(request, place, text)
