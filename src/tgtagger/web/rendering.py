"""Pages: a template, filled in for a request, in the browser's language.

A request by htmx gets the part of the page that it names, from the same template. What is filled
in is escaped by Jinja; a post's formatting comes through `export.richtext`. Knows no route.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from tgtagger import __version__
from tgtagger.export import captions
from tgtagger.export.richtext import to_html
from tgtagger.model.times import day_of, iso, minute_of
from tgtagger.web.language import Language, language_of

API = "/api/"
PLAIN = ("/users/", "/posts/")  # the predecessor's two endpoints lie beside the pages


def is_page(request: Request) -> bool:
    """Tell whether a person reads the answer in a browser, rather than a program."""
    path: str = request.scope["path"]
    wants_html = "text/html" in request.headers.get("accept", "")
    return wants_html and not path.startswith(API)


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("tgtagger.web"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["richtext"] = lambda markdown: Markup(to_html(markdown))  # noqa: S704 -- it is safe
    made.filters["minute"] = minute_of
    made.filters["day"] = day_of
    made.filters["iso"] = iso
    made.globals["captions"] = captions
    made.globals["version"] = __version__
    return made


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any] | None = None,
    *,
    part: str | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Return a page; for a request by htmx only the block `part` of it, if the page names one."""
    language: Language = language_of(request.headers.get("accept-language", ""))
    context = {
        "request": request,
        "path": request.scope["path"],
        "t": language.text,
        "n": language.counted,
        "number": language.number,
        "lang": language.code,
        "read_only": request.app.state.archive.read_only,
        **(values or {}),
    }
    found = _environment().get_template(template)
    is_part = part is not None and request.headers.get("hx-request") == "true"
    if is_part and part is not None:
        text = "".join(found.blocks[part](found.new_context(context)))
    else:
        text = found.render(context)
    return HTMLResponse(text, status, headers={"Vary": "HX-Request, Accept-Language"})
