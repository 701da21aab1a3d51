"""The pages that a person reads in a browser. One module a page."""

from __future__ import annotations

from fastapi import APIRouter

from tgtagger.web.pages import enter, posts, undo

router = APIRouter(include_in_schema=False)
router.include_router(enter.router)
router.include_router(posts.router)
router.include_router(undo.router)
