"""The page of posts: what a query finds, newest first, a page at a time."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from tgtagger.runs.query import read_filter
from tgtagger.web.dependencies import StoreDep
from tgtagger.web.rendering import page

router = APIRouter()

ON_A_PAGE = 50


@router.get("/")
def posts(request: Request, store: StoreDep, query: str = "") -> HTMLResponse:
    wanted = read_filter(
        query=query or None,
        channels=None,
        tags=None,
        any_tags=None,
        not_tags=None,
        since="",
        until="",
        statuses=None,
        limit=ON_A_PAGE,
    )
    found = list(store.records.search(wanted))
    channels = [(state.channel.title, state.posts) for state in store.status.channels()]
    return page(
        request,
        "posts.html",
        {"found": found, "query": query, "channels": channels},
        part="results",
    )
