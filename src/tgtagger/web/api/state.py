"""The state of the archive, and the record of its runs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from tgtagger.runs import shapes
from tgtagger.runs.pages import cut_numbered
from tgtagger.web.api import documents
from tgtagger.web.api.parameters import After, Limit
from tgtagger.web.api.routing import ApiRoute, TimedApiRoute
from tgtagger.web.dependencies import StoreDep

router = APIRouter(route_class=ApiRoute, tags=["state"])
timed = APIRouter(route_class=TimedApiRoute, tags=["state"])


@timed.get("/status", summary="Read the state", responses=documents.gives(documents.Status))
def read_status(store: StoreDep) -> dict[str, Any]:
    """Count posts by status and failures by class; tell channels, costs by day, the last runs."""
    return shapes.archive(store.status.archive(), store.place)


@router.get("/runs", summary="List the runs", responses=documents.gives(documents.RunPage))
def list_runs(store: StoreDep, after: After = "", limit: Limit = 50) -> dict[str, Any]:
    """List the runs of parse, tag, retry-failed and sync, the latest first."""
    part, following = cut_numbered(store.runs.past, lambda run: run.id, limit, after)
    return {"runs": [shapes.run(run) for run in part], "next": following}
