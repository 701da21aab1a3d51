"""The HTTP API (docs/serve.md): routes that give and take JSON. One module a noun."""

from __future__ import annotations

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer

from tgtagger.web.api import channels, documents, jobs, posts, predecessor, service, state, tags

PREFIX = "/api/v1"

ROUTERS = (
    posts.router, tags.router, channels.router, state.router, state.timed,
    jobs.router, jobs.timed, predecessor.routes(202),
)  # fmt: skip
"""The routes under PREFIX; the ones that are asked for most come first."""
AS_BEFORE = predecessor.routes(200, "_as_before")
"""The predecessor's endpoints, at their own paths."""


def include_in(app: FastAPI) -> None:
    """Give an application the routes of the API."""
    for router in ROUTERS:
        app.include_router(
            router,
            prefix=PREFIX,
            responses=documents.PROBLEMS,
            # The guard has checked the token; this tells the description that there may be one.
            dependencies=[Security(HTTPBearer(auto_error=False))],
            generate_unique_id_function=lambda route: route.name,
        )
    app.include_router(AS_BEFORE, responses=documents.PROBLEMS)
    app.include_router(service.router)
    app.include_router(service.router, prefix=PREFIX, include_in_schema=False)
