"""Tags by hand: on a post, on several at once, on all that a query finds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from tgtagger.model.changes import TagChange
from tgtagger.runs import jobs
from tgtagger.runs.tags import add_tags, change_tags, read_names
from tgtagger.web import actions
from tgtagger.web.actions import Next, Question, Sure
from tgtagger.web.dependencies import SettingsDep, StoreDep
from tgtagger.web.language import Language
from tgtagger.web.rendering import page, words_of

router = APIRouter()

Names = Annotated[str, Form(max_length=2000)]
Posts = Annotated[list[str] | None, Form(alias="post")]
Query = Annotated[str, Form(max_length=2000)]


@router.get("/posts/{name}/tags")
def tags(request: Request, store: StoreDep, name: str) -> HTMLResponse:
    """Show the tags of a post as a list of posts does."""
    found = store.records.post(name)
    return page(request, "tagged.html", {"name": name, "found": found}, part="tags")


@router.post("/posts/{name}/tags")
def add(request: Request, store: StoreDep, name: str, tag: Names, place: Next = "/") -> Response:
    t = words_of(request)
    added = add_tags(store, name, read_names(tag))
    text = added_text(t, added.names, 1) if added.number else t.text("It has these tags already.")
    for _, known in added.forms:
        text += " " + t.text("“{tag}” exists, too.", tag=known)
    return actions.done(request, _after(request, name, place), text, undo=added.number)


@router.post("/posts/{name}/tags/drop")
def drop(request: Request, store: StoreDep, name: str, tag: Names, place: Next = "/") -> Response:
    number = store.curation.drop(name, [tag]).number
    text = taken_text(words_of(request), (tag,), 1)
    return actions.done(request, _after(request, name, place), text, undo=number)


@router.post("/posts/tags")
def change_many(
    request: Request,
    store: StoreDep,
    tag: Names,
    posts: Posts = None,
    query: Query = "",
    place: Next = "/",
    *,
    takes: Annotated[bool, Form()] = False,
    every: Annotated[bool, Form()] = False,
    sure: Sure = False,
) -> Response:
    """Change the tags of the chosen posts, or of `every` one that the query finds."""
    t = words_of(request)
    chosen = None if every else tuple(posts or ())
    names = read_names(tag)
    if every and not sure:
        found = change_tags(store, names, posts=chosen, query=query, takes=takes, dry_run=True)
        fields = {"tag": tag, "query": query, "takes": takes, "every": True}
        return actions.ask(request, _question(t, names, found, takes=takes), fields, place)
    change = change_tags(store, names, posts=chosen, query=query, takes=takes)
    return actions.done(request, place, _told(t, change, takes=takes), undo=change.number)


@router.post("/posts/{name}/again")
def tag_again(
    request: Request, store: StoreDep, settings: SettingsDep, name: str, place: Next = "/"
) -> Response:
    """Ask for new tags of one post, whatever its status."""
    job = jobs.ask(store, settings, "tag", {"posts": [name], "force": True})
    text = words_of(request).text("It will be tagged again.")
    return actions.done(request, _after(request, name, place), text, job=job.id)


def _told(t: Language, change: TagChange, *, takes: bool) -> str:
    if change.posts:
        return (taken_text if takes else added_text)(t, change.names, change.posts)
    none, had = t.text("They had none of these tags."), t.text("They have these tags already.")
    return none if takes else had


def added_text(t: Language, names: tuple[str, ...], posts: int) -> str:
    return t.text("Tagged {posts}: {tags}.", tags=", ".join(names), posts=t.counted(posts, "post"))


def taken_text(t: Language, names: tuple[str, ...], posts: int) -> str:
    return t.text(
        "Taken off {posts}: {tags}.", tags=", ".join(names), posts=t.counted(posts, "post")
    )


def _question(t: Language, names: list[str], found: TagChange, *, takes: bool) -> Question:
    tags = ", ".join(found.names or names)
    if takes:
        return Question(t.text("Take {tags} off?", tags=tags), found.posts, t.text("Take off"))
    return Question(t.text("Add {tags}?", tags=tags), found.posts, t.text("Add"))


def _after(request: Request, name: str, place: str) -> str:
    """Return where to go on: a list of posts that htmx shows gets only the tags of this one."""
    is_part = request.headers.get("hx-target", "").startswith("t")
    return f"/posts/{name}/tags" if is_part else place
