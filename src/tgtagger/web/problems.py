"""Errors as answers: a problem document (RFC 9457) for programs, a page for people.

The one place of the web face where a failure becomes text and a status. `type` ends in the kind of
the failure, by which a program may tell it; `detail` is its English sentence. A bug tells nothing
but that it is one. Knows no route.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from tgtagger.errors import (
    ActionNeeded,
    InputError,
    SourceError,
    StoreError,
    TgTaggerError,
    TryLater,
)
from tgtagger.web.guard import Refusal, Scope
from tgtagger.web.rendering import is_page, page

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"

_UNKNOWN = ("_unknown", "post_not_stored", "no_such")
"""The kinds of a name that nothing has."""


class ProblemResponse(JSONResponse):
    media_type = PROBLEM


def problem(status: int, kind: str, detail: str, **more: Any) -> dict[str, Any]:
    """Return the problem document of a failure."""
    return {
        "type": f"urn:tgtagger:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "kind": kind,
        **more,
    }


def status_of(error: TgTaggerError) -> int:
    """Return the HTTP status of a failure."""
    match error:
        case TryLater() | StoreError():
            return 503
        case ActionNeeded():
            return 409
        case SourceError():
            return 404
        case InputError():
            return 404 if error.kind.endswith(_UNKNOWN) else 400
    return 500


def install(app: FastAPI) -> None:
    """Make the application answer each failure in one way."""

    @app.exception_handler(TgTaggerError)
    def refuse(request: Request, error: TgTaggerError) -> Response:
        headers = {}
        if isinstance(error, TryLater):
            wait = error.not_before and (error.not_before - datetime.now(UTC)).total_seconds()
            headers["Retry-After"] = str(max(1, math.ceil(wait or 5)))
        return answer(request, status_of(error), error.kind, error.message, headers)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
        return answer(request, 400, "request_invalid", f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        kind = {404: "path_unknown", 405: "method_not_allowed"}.get(
            error.status_code, "request_refused"
        )
        return answer(request, error.status_code, kind, str(error.detail), error.headers)

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> Response:
        # The traceback has no values, so no post's text; the answer has nothing of it.
        log.error("a bug in %s %s", request.method, request.scope["path"], exc_info=error)
        return answer(request, 500, "bug", "This is a bug of tgtagger; its log has the details.")


def refuse(scope: Scope, refusal: Refusal) -> Response:
    """Return the answer to a request that the guard lets through to no route."""
    request = Request(scope)
    if refusal.status == 401 and is_page(request):
        return page(request, "enter.html", {"is_wrong": False}, status=401)
    return answer(request, refusal.status, refusal.kind, refusal.detail)


def answer(
    request: Request,
    status: int,
    kind: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """Return a failure as this request wants it."""
    if is_page(request):
        shown = page(
            request,
            "problem.html",
            {"kind": kind, "detail": detail},
            part="problem",
            status=status,
        )
        shown.headers.update(headers or {})
        return shown
    return ProblemResponse(problem(status, kind, detail, **more), status, headers)
