"""The page of one post: its text, its tags with where each came from, its attempts, its thread."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from tgtagger.web.dependencies import StoreDep
from tgtagger.web.rendering import page

router = APIRouter()


@router.get("/posts/{name}")
def post(request: Request, store: StoreDep, name: str) -> HTMLResponse:
    return page(
        request,
        "post.html",
        {"found": store.records.post(name), "around": store.surroundings.of(name)},
        part="post",
    )
