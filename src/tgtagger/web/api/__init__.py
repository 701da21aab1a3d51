"""The HTTP API (docs/serve.md): routes that give and take JSON. One module a noun."""

from __future__ import annotations

from fastapi import APIRouter, Security
from fastapi.security import HTTPBearer

from tgtagger.web.api import channels, documents, jobs, posts, predecessor, service, state, tags

PREFIX = "/api/v1"

_v1 = APIRouter(
    prefix=PREFIX,
    responses=documents.PROBLEMS,
    # The guard has checked the token; this tells the description that there may be one.
    dependencies=[Security(HTTPBearer(auto_error=False))],
    generate_unique_id_function=lambda route: route.name,
)
for _each in (
    posts.router, tags.router, channels.router, state.router, state.timed,
    jobs.router, jobs.timed, predecessor.routes(202),
):  # fmt: skip
    _v1.include_router(_each)

router = APIRouter()
router.include_router(_v1)
router.include_router(predecessor.routes(200, "_as_before"), responses=documents.PROBLEMS)
router.include_router(service.router)
router.include_router(service.router, prefix=PREFIX, include_in_schema=False)
