"""The HTTP API (docs/serve.md): routes that give and take JSON. One module a noun."""

from __future__ import annotations

from fastapi import APIRouter

from tgtagger.web.api import service

router = APIRouter()
router.include_router(service.router)
