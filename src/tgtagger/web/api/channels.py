"""Channels: the list; add some, pause and resume them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from tgtagger.runs import shapes
from tgtagger.runs.pages import cut
from tgtagger.web.api import documents
from tgtagger.web.api.parameters import MOST, After, Limit
from tgtagger.web.api.routing import ApiRoute
from tgtagger.web.api.tags import Body, Names
from tgtagger.web.dependencies import StoreDep

router = APIRouter(route_class=ApiRoute, prefix="/channels", tags=["channels"])


class Sources(Body):
    sources: Names = Field(
        description="`@name`, a t.me link, `-100…`, an invitation.", examples=[["@durov"]]
    )


class Channels(Body):
    names: Names = Field(description="@name, id, title or its beginning.", examples=[["@durov"]])


@router.get("", summary="List the channels", responses=documents.gives(documents.ChannelPage))
def list_channels(store: StoreDep, after: After = "", limit: Limit = MOST) -> dict[str, Any]:
    """List the channels by title; `added` are those that were added and have not been read."""
    part, following = cut(
        store.status.channels(), lambda each: (each.channel.title, each.channel.id), limit, after
    )
    return {
        "channels": [shapes.channel(each) for each in part],
        "added": store.channels.followed_sources(),
        "next": following,
    }


@router.post("", summary="Add channels", responses=documents.gives(documents.Added))
def add(store: StoreDep, body: Sources) -> dict[str, Any]:
    """Remember channels without reading them: the next run that names none does."""
    return {"added": store.channels.follow(body.sources)}


@router.post("/pause", summary="Pause channels", responses=documents.gives(documents.Titles))
def pause(store: StoreDep, body: Channels) -> dict[str, Any]:
    """Leave channels out of runs that name none."""
    return {"titles": store.channels.pause(body.names)}


@router.post("/resume", summary="Resume channels", responses=documents.gives(documents.Titles))
def resume(store: StoreDep, body: Channels) -> dict[str, Any]:
    """Take paused or removed channels up again."""
    return {"titles": store.channels.resume(body.names)}
