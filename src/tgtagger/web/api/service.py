"""The server's own state: whether it lives."""

from __future__ import annotations

from fastapi import APIRouter

from tgtagger import __version__

router = APIRouter()


@router.get("/healthz", tags=["service"])
def health() -> dict[str, str]:
    """Tell that the server answers. Reads nothing of the archive."""
    return {"status": "ok", "name": "tgtagger", "version": __version__}
