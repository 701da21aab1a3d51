"""News for an open page: whether somebody has written to the archive, and how many posts are new.

A page asks every second, and is answered by one number of SQLite as long as nobody has written.
Asked, not pushed: a browser keeps six connections to a server, and each tab would hold one.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from tgtagger.runs.pages import Wanted
from tgtagger.web.dependencies import StoreDep
from tgtagger.web.rendering import words_of

router = APIRouter(include_in_schema=False)

MOST = 100
"""New posts that are counted, at most."""


@router.get("/live")
def look(
    request: Request,
    store: StoreDep,
    at: str = "",
    query: Annotated[str, Query(max_length=2000)] = "",
    newest: str = "",
) -> Response:
    """Tell what is new since version `at`: posts of a query newer than the key `newest`."""
    version = str(store.status.version())
    if version == at:
        return Response(status_code=204)
    t = words_of(request)
    key = int(newest) if re.fullmatch(r"[0-9]{1,18}", newest) else None
    new = 0 if key is None else store.records.newer(Wanted(query).filter(), key, MOST)
    more = "+" if new >= MOST else ""
    text = t.text("{posts} new · show", posts=t.counted(new, "post") + more)
    return JSONResponse(
        {"at": version, "text": text if new else t.text("Something changed · show")}
    )
