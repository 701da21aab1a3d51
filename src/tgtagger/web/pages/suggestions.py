"""The page of suggestions: tags that are probably one, to accept, to turn round, or never."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from tgtagger.runs.tags import merge_all
from tgtagger.vocabulary import Suggestion
from tgtagger.web import actions
from tgtagger.web.actions import Next, Question, Sure
from tgtagger.web.dependencies import Archive, ArchiveDep
from tgtagger.web.pages.tags import Name, Names
from tgtagger.web.rendering import page, words_of

router = APIRouter()

SHOWN = 50

Answer = Literal["merge", "turn", "never"]


@router.get("/tags/suggestions")
def suggestions(request: Request, archive: ArchiveDep) -> HTMLResponse:
    found = _open(archive)
    values = {
        "found": found[:SHOWN],
        "count": len(found),
        "safe": sum(item.is_safe for item in found),
    }
    return page(request, "suggestions.html", values, part="suggestions")


@router.post("/tags/suggestions")
def decide(
    request: Request,
    archive: ArchiveDep,
    names: Names,
    into: Name,
    answer: Annotated[Answer, Form()],
    place: Next = "/tags/suggestions",
    *,
    sure: Sure = False,
) -> Response:
    t = words_of(request)
    if answer == "never":
        archive.store.tags.keep_apart(names, into)
        return actions.done(request, place, t.text("This will not be suggested again."))
    left, kept = (names, into) if answer == "merge" else ((*names[1:], into), names[0])
    planned = archive.store.curation.merge(left, kept, dry_run=True)
    if planned.posts > actions.MANY and not sure:
        text = t.text("Merge {names} into “{into}”?", names=t.quoted(left), into=kept)
        again = {"names": names, "into": into, "answer": answer}
        return actions.ask(request, Question(text, planned.posts, t.text("Merge")), again, place)
    change = archive.store.curation.merge(left, kept)
    text = t.text("Merged into “{tag}”.", tag=change.names[0])
    return actions.done(request, place, text, undo=change.number)


@router.post("/tags/suggestions/forms")
def merge_forms(
    request: Request, archive: ArchiveDep, place: Next = "/tags/suggestions", *, sure: Sure = False
) -> Response:
    """Merge all that are forms of one word."""
    t = words_of(request)
    found = [item for item in _open(archive) if item.is_safe]
    if not sure:
        question = Question(
            t.text("Merge all that are forms of one word?"),
            sum(item.posts for item in found),
            t.text("Merge"),
        )
        return actions.ask(request, question, {}, place)
    merge_all(archive.store, found)
    text = t.text("Merged: {tags}. The history has each, to undo.", tags=t.counted(
        sum(len(item.names) for item in found), "tag"))  # fmt: skip
    return actions.done(request, place, text)


def _open(archive: Archive) -> Sequence[Suggestion]:
    """Return the suggestions, without those that were answered since they were made."""
    tags = archive.store.tags
    return tags.still_open(archive.remember("suggestions", tags.suggest_merges, lasts=True))
