"""The pages that a person reads in a browser. One module a page."""

from __future__ import annotations

from fastapi import APIRouter

from tgtagger.web.pages import (
    channels,
    enter,
    failures,
    history,
    jobs,
    post,
    posts,
    runs,
    statistics,
    suggestions,
    tagging,
    tags,
)

router = APIRouter(include_in_schema=False)
for part in (
    enter,
    posts,
    post,
    tagging,
    tags,
    suggestions,
    history,
    channels,
    failures,
    runs,
    jobs,
    statistics,
):
    router.include_router(part.router)
