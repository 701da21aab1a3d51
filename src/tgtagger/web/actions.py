"""What a page answers to an action: back to where one was, with a word on what was done.

The word travels in a cookie, which the next page shows and clears, so it needs no JavaScript and no
memory of the server; to htmx that next page gives its part, and the word beside it. An action on
many posts is asked about first. Knows no action.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from tgtagger.web.rendering import TOLD, page, words_of

MANY = 10
"""Posts that an action changes without a question, at most."""

Next = Annotated[str, Form(alias="next", max_length=20_000)]
"""The form's hidden field: where one was. A letter of a query takes six in it."""
Sure = Annotated[bool, Form(alias="sure")]
"""The form's hidden field: the question about many posts was answered."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question before an action: what it does, to how many posts, the word on its button."""

    text: str
    posts: int
    button: str


def done(
    request: Request, place: str, text: str, *, undo: int | None = None, job: int | None = None
) -> Response:
    """Return to a place of this server, and say there what was done.

    `text` is in the person's language already; `undo` is the number of the change, `job` that of
    the job that will do it.
    """
    request.app.state.archive.forget()  # what pages remember of the archive is old now
    answer = RedirectResponse(own_place(place), 303)
    told = json.dumps({"text": text[:500], "undo": undo, "job": job}, ensure_ascii=False)
    value = base64.urlsafe_b64encode(told.encode(errors="replace")).decode()
    answer.set_cookie(TOLD, value, max_age=60, httponly=True, samesite="strict")
    return answer


def ask(request: Request, question: Question, fields: Mapping[str, Any], place: str) -> Response:
    """Ask before an action on many posts: a page, or for htmx a dialog. The form comes again."""
    names = [(name, value) for name, given in fields.items() for value in _each(given)]
    values = {"question": question, "fields": names, "place": own_place(place)}
    answer = page(request, "question.html", values, part="question")
    answer.headers["HX-Retarget"] = "#asked"
    answer.headers["HX-Reswap"] = "innerHTML"
    answer.headers["HX-Push-Url"] = "false"
    return answer


def own_place(place: str) -> str:
    """Return a path of this server, with its query; the front page for anything else."""
    return place if re.fullmatch(r"/(?![/\\])[^\x00-\x20\x7f-\uffff\\]*", place) else "/"


def posts(request: Request, count: int) -> str:
    """Return a count of posts in the person's language."""
    return words_of(request).counted(count, "post")


def _each(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else [given]


def tag_place(name: str) -> str:
    """Return the place of a tag's page."""
    return f"/tags/tag?{urlencode({'name': name})}"
