"""The pages of tags: all of them as a cloud or a table, one of them, the blocked ones."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from tgtagger.export.captions import sizes
from tgtagger.model.changes import TagChange
from tgtagger.model.tags import ListedTag
from tgtagger.web import actions, plots
from tgtagger.web.actions import Next, Question, Sure
from tgtagger.web.dependencies import Archive, ArchiveDep, StoreDep
from tgtagger.web.rendering import page, words_of

router = APIRouter()

Sort = Literal["posts", "name", "newest"]
View = Literal["cloud", "table"]

SHOWN: Mapping[View, int] = {"cloud": 400, "table": 100}
"""Tags on a page."""
COMPLETED = 300
"""Tags that a field offers while one types: the most used."""
RELATED = 16

Name = Annotated[str, Form(min_length=1, max_length=200)]
Names = Annotated[list[str], Form(min_length=1, max_length=500)]

_ORDERS: Mapping[Sort, Callable[[ListedTag], Any]] = {
    "posts": lambda tag: (-tag.posts, tag.name),
    "name": lambda tag: _folded(tag.name),
    "newest": lambda tag: (-tag.added_at.timestamp(), tag.name),
}


@router.get("/tags")
def tags(
    request: Request,
    archive: ArchiveDep,
    sort: Sort = "posts",
    view: View = "cloud",
    beginning: Annotated[str, Query(alias="filter", max_length=200)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> HTMLResponse:
    known, wanted = _counted(archive), _folded(beginning)
    found = sorted((tag for names, tag in known if wanted in names), key=_ORDERS[sort])
    number = min(number, max(1, -(-len(found) // SHOWN[view])))  # fewer were left meanwhile
    at = (number - 1) * SHOWN[view]
    shown = found[at : at + SHOWN[view]]
    cloud = list(zip(shown, sizes([tag.posts for tag in shown]), strict=True))
    values = {
        "all": len(known), "found": len(found), "shown": cloud, "names": _offered(archive),
        "sort": sort, "view": view, "filter": beginning, "number_of_page": number,
        "has_more": at + len(shown) < len(found),
    }  # fmt: skip
    return page(request, "tags.html", values, part="tags")


@router.get("/tags/tag")
def tag(request: Request, archive: ArchiveDep, store: StoreDep, name: str = "") -> Response:
    if not name:
        return RedirectResponse("/tags")
    found = store.statistics.tag(name)
    days = store.statistics.tag_by_day(found.name)
    values = {
        "tag": found,
        "plot": plots.over_time((each.day, each.posts) for each in days),
        "related": store.statistics.related(found.name, RELATED),
        "names": _offered(archive),
    }
    return page(request, "tag.html", values, part="tag")


@router.get("/tags/blocked")
def blocked(request: Request, store: StoreDep) -> HTMLResponse:
    values = {"blocked": store.tags.blocked(), "removals": store.changes.removals()}
    return page(request, "blocked.html", values, part="blocked")


@router.post("/tags/rename")
def rename(
    request: Request, store: StoreDep, old: Name, new: Name, place: Next = "/tags", *,
    sure: Sure = False,
) -> Response:  # fmt: skip
    t = words_of(request)
    planned = store.curation.rename(old, new, dry_run=True)
    if planned.posts > actions.MANY and not sure:
        text = t.text("Rename “{old}” to “{new}”?", old=old, new=planned.names[0])
        question = Question(text, planned.posts, t.text("Rename"))
        return actions.ask(request, question, {"old": old, "new": new}, place)
    change = store.curation.rename(old, new)
    text = t.text("Renamed: “{tag}”.", tag=change.names[0])
    return _done(request, place, text, change, change.names[0])


@router.post("/tags/merge")
def merge(
    request: Request, store: StoreDep, names: Names, into: Name, place: Next = "/tags", *,
    sure: Sure = False,
) -> Response:  # fmt: skip
    t = words_of(request)
    planned = store.curation.merge(names, into, dry_run=True)
    if planned.posts > actions.MANY and not sure:
        text = t.text("Merge {names} into “{into}”?", names=t.quoted(names), into=planned.names[0])
        question = Question(text, planned.posts, t.text("Merge"))
        return actions.ask(request, question, {"names": names, "into": into}, place)
    change = store.curation.merge(names, into)
    text = t.text("Merged into “{tag}”.", tag=change.names[0])
    return _done(request, place, text, change, change.names[0])


@router.post("/tags/remove")
def remove(
    request: Request, store: StoreDep, names: Names, place: Next = "/tags", *, sure: Sure = False
) -> Response:
    t = words_of(request)
    posts = sum(change.posts for change in store.curation.remove(names, dry_run=True))
    if posts > actions.MANY and not sure:
        text = t.text("Remove {names} from all posts, and block?", names=t.quoted(names))
        question = Question(text, posts, t.text("Remove"))
        return actions.ask(request, question, {"names": names}, place)
    changes = store.curation.remove(names)
    text = t.text("Removed and blocked: {names}.", names=t.quoted(names))
    return _done(request, place, text, changes[0], None)


@router.post("/tags/alias")
def alias(
    request: Request, store: StoreDep, tag: Name, names: Names, place: Next = "/tags", *,
    off: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    t = words_of(request)
    if off:
        change = store.curation.remove_aliases(tag, names)
        text = t.text("“{tag}” is no longer called {names}.", names=t.quoted(names), tag=tag)
    else:
        change = store.curation.add_aliases(tag, names)
        text = t.text(
            "“{tag}” is now also called {names}.", names=t.quoted(names), tag=change.names[0]
        )
    return _done(request, place, text, change, tag)


def counted(archive: Archive) -> Sequence[ListedTag]:
    """Return the tags and their use, the most used first."""
    return [tag for _, tag in _counted(archive)]


def _counted(archive: Archive) -> Sequence[tuple[str, ListedTag]]:
    """Return the tags, each with its names as one looks for them."""
    tags = archive.store.tags
    return archive.remember(
        "tags",
        lambda: [("\n".join(map(_folded, (tag.name, *tag.aliases))), tag) for tag in tags.listed()],
    )


def _folded(text: str) -> str:
    """Return a name as one looks for it: without case, ё as е."""
    return unicodedata.normalize("NFC", text).casefold().replace("ё", "е")


def _offered(archive: Archive) -> list[str]:
    return [tag.name for tag in counted(archive)[:COMPLETED]]


def _done(
    request: Request, place: str, text: str, change: TagChange, stays_on: str | None
) -> Response:
    """Go back; from the page of a tag that has another name now, or is gone, to where it is."""
    if place.startswith("/tags/tag?"):
        place = actions.tag_place(stays_on) if stays_on else "/tags"
    return actions.done(request, place, text, undo=change.number)
