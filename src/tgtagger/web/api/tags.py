"""Tags: the list, what a person decides about them, the history of that, and its undo."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from tgtagger.runs import shapes
from tgtagger.runs.pages import cut, cut_numbered
from tgtagger.runs.tags import suggest_merges, undo
from tgtagger.web.api import documents
from tgtagger.web.api.parameters import MOST, After, Limit
from tgtagger.web.api.routing import ApiRoute
from tgtagger.web.dependencies import StoreDep

router = APIRouter(route_class=ApiRoute, prefix="/tags", tags=["tags"])

Name = Annotated[str, Field(max_length=200)]
Names = Annotated[list[Name], Field(min_length=1, max_length=1000)]


class Body(BaseModel):
    """The body of a request; what it does not know, or is of another type, is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Rename(Body):
    old: Name = Field(description="A tag, or an alias of one.", examples=["AI"])
    new: Name = Field(description="Its new name; the old one becomes an alias.", examples=["ИИ"])
    dry_run: bool = Field(default=False, description="Say what would change; change nothing.")


class Merge(Body):
    names: Names = Field(description="They become aliases.", examples=[["AI", "нейросети"]])
    into: Name = Field(description="The tag that remains.", examples=["ИИ"])
    dry_run: bool = False


class Remove(Body):
    names: Names = Field(description="No machine gives them again.", examples=[["видео"]])
    dry_run: bool = False


class Alias(Body):
    tag: Name = Field(examples=["ИИ"])
    names: Names = Field(description="Other names of it.", examples=[["AI"]])
    remove: bool = Field(default=False, description="They stand for it no longer.")


class Apart(Body):
    names: Names = Field(examples=[["AI"]])
    other: Name = Field(description="A tag that these are not.", examples=["ИИ"])


class Undo(Body):
    number: int | None = Field(
        default=None, ge=1, le=2**31, description="Of the history; null: the last.", examples=[12]
    )
    dry_run: bool = False


@router.get("", summary="List the tags", responses=documents.gives(documents.TagPage))
def list_tags(
    store: StoreDep,
    after: After = "",
    limit: Limit = MOST,
    *,
    unused: Annotated[bool, Query(description="Only those that no post has.")] = False,
) -> dict[str, Any]:
    """List the tags with how many posts each has, the most used first."""
    found = store.tags.counts(unused=unused)
    part, following = cut(found, lambda tag: (-tag.posts, tag.name), limit, after)
    return {"tags": [shapes.tag(tag) for tag in part], "next": following}


@router.get("/history", summary="List the changes", responses=documents.gives(documents.ChangePage))
def list_changes(store: StoreDep, after: After = "", limit: Limit = 50) -> dict[str, Any]:
    """List what people and runs changed, the latest first; a `number` is what an undo takes."""
    part, following = cut_numbered(store.changes.past, lambda change: change.number, limit, after)
    return {"changes": [shapes.past_change(change) for change in part], "next": following}


@router.get(
    "/suggestions",
    summary="List tags that are probably one",
    responses=documents.gives(documents.Suggestions),
)
def list_suggestions(store: StoreDep, limit: Limit = 50) -> dict[str, Any]:
    """List tags to merge, the surest first; one that is merged or kept apart is not named again."""
    found = suggest_merges(store)[:limit]
    return {"suggestions": [shapes.suggestion(item) for item in found], "next": None}


@router.post(
    "/suggestions/dismiss", summary="Keep tags apart", responses=documents.gives(documents.Apart)
)
def keep_apart(store: StoreDep, body: Apart) -> dict[str, Any]:
    """Remember that tags are not one: they are never suggested as one again."""
    store.tags.keep_apart(body.names, body.other)
    return {"names": body.names, "other": body.other}


@router.post("/rename", summary="Rename a tag", responses=documents.gives(documents.TagChange))
def rename(store: StoreDep, body: Rename) -> dict[str, Any]:
    """Give a tag another name."""
    change = store.curation.rename(body.old, body.new, dry_run=body.dry_run)
    return shapes.tag_change(change, dry_run=body.dry_run)


@router.post("/merge", summary="Merge tags", responses=documents.gives(documents.TagChange))
def merge(store: StoreDep, body: Merge) -> dict[str, Any]:
    """Make several tags one."""
    change = store.curation.merge(body.names, body.into, dry_run=body.dry_run)
    return shapes.tag_change(change, dry_run=body.dry_run)


@router.post("/remove", summary="Remove tags", responses=documents.gives(documents.TagChanges))
def remove(store: StoreDep, body: Remove) -> dict[str, Any]:
    """Take tags off all posts, for good."""
    changes = store.curation.remove(body.names, dry_run=body.dry_run)
    return {"tags": [shapes.tag_change(change, dry_run=body.dry_run) for change in changes]}


@router.post("/alias", summary="Give a tag aliases", responses=documents.gives(documents.TagChange))
def alias(store: StoreDep, body: Alias) -> dict[str, Any]:
    """Let other names stand for a tag, or stand for it no longer."""
    curate = store.curation.remove_aliases if body.remove else store.curation.add_aliases
    return shapes.tag_change(curate(body.tag, body.names))


@router.post("/undo", summary="Undo a change", responses=documents.gives(documents.TakenBack))
def take_back(store: StoreDep, body: Undo) -> dict[str, Any]:
    """Undo a change of a person or of a run, unless a later one hangs on it."""
    return shapes.taken_back(undo(store, body.number, dry_run=body.dry_run), dry_run=body.dry_run)
