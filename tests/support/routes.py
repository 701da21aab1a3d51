"""What a router answers: every method and path, so that tests can go through all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def routes_of(router: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Return (method, path) of all routes of a router or an application, those it includes, too."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            for method in sorted(route.methods or ()):
                yield method, before + route.path
        elif hasattr(route, "original_router"):  # FastAPI includes a router when it is asked first
            yield from routes_of(route.original_router, before + route.include_context.prefix)


def routes_in(include_in: Callable[[FastAPI], None]) -> Iterator[tuple[str, str]]:
    """Return (method, path) of all routes that a part of the face gives to an application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    include_in(app)
    return routes_of(app)
