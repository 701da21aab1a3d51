"""The page of one post: its text, its tags with where each came from, its attempts, its thread."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import FileResponse, HTMLResponse

from tgtagger.runs.media import TYPES, pictures_of
from tgtagger.web.dependencies import ArchiveDep, StoreDep
from tgtagger.web.rendering import page

router = APIRouter()


@router.get("/posts/{name}")
def post(request: Request, store: StoreDep, archive: ArchiveDep, name: str) -> HTMLResponse:
    values = {
        "found": store.records.post(name),
        "around": store.surroundings.of(name),
        "pictures": len(pictures_of(store, archive.media, name)),
    }
    return page(request, "post.html", values, part="post")


@router.get("/posts/{name}/pictures/{at}")
def picture(
    store: StoreDep, archive: ArchiveDep, name: str, at: Annotated[int, Path(ge=1, le=1000)]
) -> FileResponse:
    """Give a picture of a post that lies in an export on this disk."""
    found = pictures_of(store, archive.media, name)[at - 1 : at]
    if not found:
        raise HTTPException(404)
    return FileResponse(found[0], media_type=TYPES[found[0].suffix.lower()])
