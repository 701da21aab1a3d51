"""The server's own state: whether it lives."""

from __future__ import annotations

from fastapi import APIRouter

from tgtagger import __version__
from tgtagger.web.api import documents

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="Tell that it lives", responses=documents.gives(documents.Health))
def health() -> dict[str, str]:
    """Tell that the server answers. Reads nothing of the archive."""
    return {"status": "ok", "name": "tgtagger", "version": __version__}
