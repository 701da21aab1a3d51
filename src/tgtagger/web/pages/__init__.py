"""The pages that a person reads in a browser. One module a page."""

from __future__ import annotations

from fastapi import FastAPI

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

ROUTERS = tuple(
    page.router
    for page in (
        # The page of posts first: a request is matched against one route after another.
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
        enter,
    )
)


def include_in(app: FastAPI) -> None:
    """Give an application the routes of all pages; their description has no place for them.

    Each router by itself: FastAPI matches the routes of a nested one once more at every level.
    """
    for router in ROUTERS:
        app.include_router(router, include_in_schema=False)
