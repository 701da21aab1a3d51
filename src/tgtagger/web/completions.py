"""What a field suggests while somebody types. Parts of pages, for htmx."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from tgtagger.vocabulary import key
from tgtagger.web.dependencies import StoreDep
from tgtagger.web.rendering import page

router = APIRouter(include_in_schema=False)


@router.get("/complete/tags")
def tags(
    request: Request, store: StoreDep, tag: Annotated[str, Query(max_length=2000)] = ""
) -> HTMLResponse:
    """Suggest tags for the last of the typed names, and that name itself as a new tag."""
    typed = tag.rpartition(",")[2].strip()
    found = store.tags.completions(typed)
    is_new = bool(typed) and key(typed) not in {key(item.name) for item in found}
    return page(
        request, "choices.html", {"found": found, "typed": typed, "is_new": is_new}, is_aside=True
    )
