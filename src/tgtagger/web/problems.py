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
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from tgtagger.errors import (
    ActionNeeded,
    InputError,
    SourceError,
    StoreError,
    TgTaggerError,
    TryLater,
    place_of,
)
from tgtagger.messages.store import SENTENCES as OF_STORE
from tgtagger.web.failures import translated
from tgtagger.web.guard import Refusal, Scope
from tgtagger.web.hints import HINTS, hint_of
from tgtagger.web.language import ENGLISH, Language
from tgtagger.web.rendering import here, is_of_htmx, is_page, page, words_of
from tgtagger.web.words import FIELDS

log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"

_UNKNOWN = ("_unknown", "post_without_tag", "nothing_to_undo")
"""Ends of kinds of a name that nothing has."""
_WORDS = ("parameter_unknown", "filter_unknown", "filter_value_unknown", "status_unknown",
          "failure_class_unknown")  # fmt: skip
"""Kinds of a word that the request may not hold."""
_CONFLICT = frozenset(
    {"post_ambiguous", "channel_ambiguous", "channel_partly_named", "channel_not_read",
     "tag_exists", "alias_of_another_tag", "change_undone", "change_depended_on",
     "undo_name_taken"}
)  # fmt: skip
"""Kinds of what cannot be done as things are."""
_CANDIDATES = {"post_ambiguous": "names", "channel_ambiguous": "ids"}
"""The data of an ambiguous name that tell what it may mean."""


class NothingNew(Exception):
    """A reader of events has got the last one: 204, by which a browser stops to ask."""


class TaggingFailed(Exception):
    """A post did not get its tags; answered in the keys of the predecessor."""

    def __init__(
        self,
        message: str,
        post_id: int | str,
        job_id: int,
        *,
        hint: str | None = None,
        can_retry: bool = True,
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.told = {
            "error": "tagging_failed",
            "message": message,
            "post_id": post_id,
            "job_id": job_id,
            "retry_available": can_retry,
        }


class ProblemResponse(JSONResponse):
    media_type = PROBLEM


def problem(status: int, kind: str, detail: str, hint: str | None, **more: Any) -> dict[str, Any]:
    """Return the problem document of a failure."""
    return {
        "type": f"urn:tgtagger:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "kind": kind,
        "hint": hint,
        **more,
    }


def status_of(error: TgTaggerError) -> int:
    """Return the HTTP status of a failure."""
    if error.kind in OF_STORE:
        return 503  # whatever is wrong with the database, the request is not
    match error:
        case TryLater() | StoreError():
            return 503
        case ActionNeeded():
            return 409
        case SourceError():
            return 404
        case InputError():
            if error.kind in _CONFLICT:
                return 409
            is_unknown = error.kind.endswith(_UNKNOWN) and error.kind not in _WORDS
            return 404 if is_unknown else 400
    return 500


def install(app: FastAPI) -> None:
    """Make the application answer each failure in one way."""

    @app.exception_handler(TgTaggerError)
    def refuse(request: Request, error: TgTaggerError) -> Response:
        headers = {}
        if isinstance(error, TryLater):
            wait = error.not_before and (error.not_before - datetime.now(UTC)).total_seconds()
            headers["Retry-After"] = str(max(1, math.ceil(wait or 5)))
        named = error.data.get(_CANDIDATES.get(error.kind, ""), ())
        more = {"candidates": [str(each) for each in named]} if named else {}
        return answer(
            request, status_of(error), error.kind, error.message, headers,
            hint=hint_of(error) or "", data=error.data, **more,
        )  # fmt: skip

    @app.exception_handler(TaggingFailed)
    def not_tagged(_: Request, error: TaggingFailed) -> Response:
        return ProblemResponse(
            problem(503, "tagging_failed", str(error), error.hint, **error.told), 503
        )

    @app.exception_handler(NothingNew)
    def nothing_new(_: Request, __: NothingNew) -> Response:
        return Response(status_code=204)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if is_page(request):
            detail = _wrong_field(first, words_of(request))
            return answer(request, 400, "request_invalid", detail, hint="")
        where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
        detail = f"{where}: {first['msg']}"
        if first["type"] == "json_invalid":  # there `loc` is a place in the text
            detail = f"the body is not JSON: {first['ctx']['error']}"
        kind = request.headers.get("content-type", "")
        is_form = first["loc"][0] == "body" and "json" not in kind
        hint = "send JSON, with the header Content-Type: application/json" if is_form else None
        return answer(request, 400, "request_invalid", detail, hint=hint)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        path, t = request.scope["path"], _language_of(request)
        match error.status_code:
            case 404:
                detail = t.text("There is nothing at {path}.", path=path[:200])
                hint = "" if is_page(request) else None  # a person wants no description of the API
                return answer(request, 404, "path_unknown", detail, hint=hint)
            case 405:
                detail = t.text("{method} is not taken here.", method=request.method)
                headers = {"Allow": ", ".join(_methods(app, request))}
                return answer(request, 405, "method_not_allowed", detail, headers)
        if is_page(request):
            detail = t.text("The request cannot be read.")
            return answer(request, error.status_code, "request_refused", detail, hint="")
        return answer(request, error.status_code, "request_refused", str(error.detail))


def note_bug(scope: Scope, error: Exception) -> Response:
    """Note a bug in the log, and return the answer, which has nothing of it.

    The log says where it is, and not what the error says or which address was asked for: they may
    hold a post's text, a tag, a query.
    """
    route = scope.get("route")
    log.error("a bug in %s %s\n%s", scope["method"], getattr(route, "path", "?"), place_of(error))
    detail = _language_of(Request(scope)).text(
        "This is a bug of tgtagger; its log has the details."
    )
    try:
        return answer(Request(scope), 500, "bug", detail)
    except Exception:  # noqa: BLE001 -- the bug is in what every page has
        return ProblemResponse(problem(500, "bug", detail, str(HINTS["bug"])), 500)


def _language_of(request: Request) -> Language:
    """Return the language of who asks; a program is told in English."""
    return words_of(request) if is_page(request) else ENGLISH


def refuse(scope: Scope, refusal: Refusal) -> Response:
    """Return the answer to a request that the guard lets through to no route."""
    request = Request(scope)
    if refusal.status == 401 and is_of_htmx(request):  # a part of a page is no place for a token
        return Response(status_code=401, headers={"HX-Refresh": "true"})
    if refusal.status == 401 and is_page(request):
        place = here(request)
        return page(request, "enter.html", {"is_wrong": False, "place": place}, status=401)
    return answer(request, refusal.status, refusal.kind, refusal.detail)


def answer(
    request: Request,
    status: int,
    kind: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    *,
    hint: str | None = None,
    data: Mapping[str, Any] = MappingProxyType({}),
    **more: Any,
) -> Response:
    """Return a failure as this request wants it. `hint`: None is that of its kind, "" is none.

    `detail` and `hint` are English; `data` is what a sentence in another language tells, too.
    """
    of_kind = HINTS.get(kind)
    if hint is None and isinstance(of_kind, str):
        hint = of_kind
    if is_page(request):
        detail, hint = translated(kind, detail, hint, data, words_of(request))
        shown = page(
            request,
            "problem.html",
            {
                "kind": kind,
                "status": status,
                "detail": detail,
                "hint": hint,
                "query": request.query_params.get("query", "")[:2000],
            },
            part="problem",
            status=status,
        )
        shown.headers.update(headers or {})
        return shown
    return ProblemResponse(problem(status, kind, detail, hint or None, **more), status, headers)


def _wrong_field(error: Mapping[str, Any], t: Language) -> str:
    """Return what is wrong with a field of a form or an address, for a person."""
    name = next((each for each in reversed(error["loc"]) if isinstance(each, str)), "")
    field = t.text(FIELDS.get(name, name))
    if error["type"] in {"missing", "too_short", "string_too_short"}:
        return t.text("Nothing is chosen or written: {field}.", field=field)
    if error["type"] in {"too_long", "string_too_long"}:
        return t.text("This is too long: {field}.", field=field)
    return t.text("This cannot be so: {field}.", field=field)


def _methods(app: FastAPI, request: Request) -> list[str]:
    """Return the methods that are taken at the request's path."""
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        if any(
            route.matches({**request.scope, "method": "GET" if method == "HEAD" else method})[0]
            is Match.FULL
            for route in app.routes
        )
    ]
