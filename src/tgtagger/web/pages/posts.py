"""The page of posts: what a query finds, newest first, a page at a time; and what it is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from tgtagger.runs.pages import Wanted, read_page
from tgtagger.web import facets
from tgtagger.web.dependencies import StoreDep
from tgtagger.web.rendering import page, words_of

router = APIRouter()

ON_A_PAGE = 50
COUNTED = 10_000
"""Found posts that are counted for their number, at most."""

Words = Annotated[str, Query(max_length=2000)]


@router.get("/")
def posts(
    request: Request, store: StoreDep, query: Words = "", after: str = "", before: str = ""
) -> HTMLResponse:
    wanted = Wanted(query)
    found = read_page(store, wanted, ON_A_PAGE, after=after, before=before)
    values = {
        "query": query,
        "found": found,
        "failures": store.records.failures(
            [item.key for item in found.posts if item.post.status == "failed"]
        ),
        "own": store.tags.given_by_hand([item.key for item in found.posts]),
        "total": None if found.older or found.newer else len(found.posts),
        "chosen": facets.chosen(query),
        "near": () if found.posts else store.records.near(wanted.filter()),
    }
    return page(request, "posts.html", values, part="results")


@router.get("/count")
def count(request: Request, store: StoreDep, query: Words = "") -> HTMLResponse:
    """Tell how many posts a query finds: asked for by the page, which does not wait for it."""
    found = store.queue.count(replace(Wanted(query).filter(), limit=COUNTED + 1))
    return page(
        request, "count.html", {"found": found, "most": COUNTED}, part="count", is_aside=True
    )


@router.get("/facets")
def narrow(request: Request, store: StoreDep, query: Words = "") -> HTMLResponse:
    """Show what the posts of a query are made of."""
    found = store.facets.of(Wanted(query).filter())
    values = {
        "query": query,
        "found": found,
        "groups": facets.groups(found, query, words_of(request)),
        "chosen": facets.chosen(query),
    }
    return page(request, "facets.html", values, part="facets", is_aside=True)
