"""A route of the API: it refuses what it does not know, and says "not modified" where that is so.

An entity tag is made of the version of the archive, of the address and of the program, so it costs
no reading: it is known before the route is asked. It is a weak one: a time that is told relative to
now (`since=7d`) counts as of this minute. Knows no noun.
"""

from __future__ import annotations

import difflib
import re
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from hashlib import blake2b
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from fastapi.routing import APIRoute

from tgtagger import __version__
from tgtagger.errors import InputError
from tgtagger.web.dependencies import archive_of

_STARTED = time.time_ns()  # the archive's version counts from the start of the server
_TIMED = re.compile(r"\b(since|until|before|after|date):", re.IGNORECASE)


class ApiRoute(APIRoute):
    """A route that gives or takes JSON."""

    depends_on_the_time = False

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        parameters = dict(_parameters(self.dependant))

        async def answer(request: Request) -> Response:
            check_parameters(request, parameters)
            if request.method != "GET":
                return await handle(request)
            tag = await run_in_threadpool(entity_tag, request, is_timed=self.depends_on_the_time)
            if is_known(request.headers.get("if-none-match", ""), tag):
                return Response(status_code=304, headers={"ETag": tag})
            response = await handle(request)
            if response.status_code == 200 and not isinstance(response, StreamingResponse):
                response.headers["ETag"] = tag
            return response

        return answer


class TimedApiRoute(ApiRoute):
    """A route whose answer is another one a minute later, though nothing was written."""

    depends_on_the_time = True


def _parameters(dependant: Any) -> Iterator[tuple[str, bool]]:
    """Yield the query parameters of a route, and whether each may be repeated."""
    for field in dependant.query_params:
        yield field.alias, "list" in str(field.field_info.annotation)
    for below in dependant.dependencies:
        yield from _parameters(below)


def check_parameters(request: Request, known: dict[str, bool]) -> None:
    """Raise InputError for a parameter of the query that the route does not know, or knows once."""
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            near = tuple(difflib.get_close_matches(name, known, n=1, cutoff=0.5))
            raise InputError("parameter_unknown", name=name[:40], near=near, known=tuple(known))
        if count > 1 and not known[name]:
            raise InputError("parameter_repeated", name=name)


def entity_tag(request: Request, *, is_timed: bool) -> str:
    """Return the entity tag of what an address shows now."""
    query = request.query_params
    is_timed = is_timed or "since" in query or "until" in query
    is_timed = is_timed or bool(_TIMED.search(query.get("query", "")))
    store = archive_of(request).store
    parts = (
        __version__, _STARTED, store.identity, store.status.version(),
        request.url.path, request.url.query, int(time.time() // 60) if is_timed else 0,
    )  # fmt: skip
    return f'W/"{blake2b(repr(parts).encode(), digest_size=12).hexdigest()}"'


def is_known(header: str, tag: str) -> bool:
    """Tell whether an If-None-Match header names the tag; whether weak or strong is no matter."""
    given = {each.strip().removeprefix("W/") for each in header.split(",")}
    return "*" in given or tag.removeprefix("W/") in given
