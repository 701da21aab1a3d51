"""Posts: those of a query, a page at a time or as a feed; one of them; its tags."""

from __future__ import annotations

import io
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from tgtagger.export import FORMATS
from tgtagger.runs import shapes
from tgtagger.runs.export import write_stream
from tgtagger.runs.pages import read_page
from tgtagger.runs.tags import drop_tag
from tgtagger.web.api import documents
from tgtagger.web.api.parameters import Limit, WantedDep
from tgtagger.web.api.routing import ApiRoute
from tgtagger.web.dependencies import StoreDep

router = APIRouter(route_class=ApiRoute, tags=["posts"])

ON_A_PAGE, IN_A_FEED = 50, 100

PostName = Annotated[
    str,
    Path(
        max_length=200,
        description="`CHANNEL-MESSAGE` as in `name`; `@name-531`; or a number: `key`, else the "
        "message number that one post has.",
        examples=["1006503122-531"],
    ),
]
TagName = Annotated[
    str, Path(max_length=200, description="A tag, or an alias of one.", examples=["ai"])
]


@router.get("/posts", summary="List posts", responses=documents.gives(documents.PostPage))
def list_posts(
    store: StoreDep,
    wanted: WantedDep,
    after: Annotated[
        str, Query(max_length=200, description="`next` of the page before; the same filters.")
    ] = "",
    limit: Limit = ON_A_PAGE,
) -> Response:
    """List the posts of a query and of filters, each of which narrows; the newest first.

    `next` is the cursor of the following page, null at the end. It lasts for ever, and new posts
    move nothing.
    """
    page = read_page(store, wanted, limit, after=after)
    return Response(shapes.post_page(page), media_type="application/json")


@router.get(
    "/feed.xml",
    summary="Follow a query",
    response_class=Response,
    responses={200: {"description": "The newest posts as RSS 2.0", "content": documents.RSS}},
)
def feed(store: StoreDep, wanted: WantedDep, limit: Limit = IN_A_FEED) -> Response:
    """Write the newest posts of a query and of filters as a feed, as an export does."""
    out = io.BytesIO()
    asked = wanted.filter(limit)
    write_stream(store, asked, FORMATS["rss"], out, title=wanted.title or "Archive")
    return Response(out.getvalue(), media_type="application/rss+xml")


@router.get("/posts/{post}", summary="Read a post", responses=documents.gives(documents.Post))
def read_post(store: StoreDep, post: PostName) -> dict[str, Any]:
    """Show a post with where each tag came from, and the attempts to tag it."""
    return shapes.named_post(store.records.post(post))


@router.put(
    "/posts/{post}/tags/{tag:path}",
    summary="Tag a post",
    responses=documents.gives(documents.PostTags),
)
def add_tag(store: StoreDep, post: PostName, tag: TagName) -> dict[str, Any]:
    """Give a post a tag in a person's name: no machine takes it away. A new tag is made."""
    return shapes.tags_of_post(store.curation.add(post, [tag]))


@router.delete(
    "/posts/{post}/tags/{tag:path}",
    summary="Take a tag off a post",
    responses=documents.gives(documents.PostTags),
)
def remove_tag(store: StoreDep, post: PostName, tag: TagName) -> dict[str, Any]:
    """Take a tag off a post for good: no machine puts it back."""
    return shapes.tags_of_post(drop_tag(store, post, tag))
