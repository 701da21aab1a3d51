"""The way in where the server wants its token: by a one-time link, or by the token itself.

The answer is a page that goes on by itself, not a redirect: a browser that came from another site
sends the cookie, which is strict, only with what our own page asks for. For the same reason the
page that asks for a token asks once more by itself what was asked (static/app.js).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from tgtagger.web.actions import Next, own_place
from tgtagger.web.guard import Access, Token
from tgtagger.web.rendering import page

router = APIRouter()

DAYS = 180
"""How long a browser stays let in; a new token ends it at once."""


@router.get("/enter")
def enter_by_link(request: Request, code: str = "") -> Response:
    token = _token_of(request)
    if token is None:
        return RedirectResponse("/", 303)
    return (
        _let_in(request, token)
        if code and token.use_link(code)
        else _ask(request, is_wrong=bool(code))
    )


@router.post("/enter")
def enter_by_token(
    request: Request, token: Annotated[str, Form()] = "", place: Next = "/"
) -> Response:
    wanted, place = _token_of(request), own_place(place)
    if wanted is None:
        return RedirectResponse(place, 303)
    if not wanted.matches(token.strip()):
        return _ask(request, is_wrong=True, place=place)
    return _let_in(request, wanted, place)


def _token_of(request: Request) -> Token | None:
    access: Access = request.app.state.access
    return access.token


def _let_in(request: Request, token: Token, place: str = "/") -> Response:
    shown = page(request, "entered.html", {"place": place})
    shown.set_cookie(
        request.app.state.access.cookie_name,
        token.cookie,
        max_age=DAYS * 86400,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return shown


def _ask(request: Request, *, is_wrong: bool, place: str = "/") -> Response:
    values = {"is_wrong": is_wrong, "place": place}
    return page(request, "enter.html", values, status=403 if is_wrong else 200)
