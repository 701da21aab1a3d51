"""Pages: a template, filled in for a request, in the browser's language.

A request by htmx gets the part of the page that it names, from the same template. What is filled
in is escaped by Jinja; a post's formatting comes through `export.richtext`. Knows no route.
"""

from __future__ import annotations

import base64
import functools
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from tgtagger import __version__
from tgtagger.decide import HUMAN
from tgtagger.export import captions
from tgtagger.export.richtext import to_html
from tgtagger.model.refs import post_name
from tgtagger.model.stored import TagLink
from tgtagger.model.times import day_of, iso, minute_of
from tgtagger.runs.query import write_filter
from tgtagger.system.terminal_text import without_controls
from tgtagger.web.cards import Cards, channel_link, channel_query, tag_link
from tgtagger.web.language import Language, language_of
from tgtagger.web.words import KEY_WORDS, KEYS, REASONS, WORDS

API = "/api/"
TOLD = "tgtagger_told"
"""The cookie with what the last action did; see `actions`."""
_LIST = f"<!-- {secrets.token_hex()} -->"
"""Stands for a list of posts, which is clean already; nobody outside can write it."""
PLAIN = ("/users/", "/posts/")  # the predecessor's two endpoints lie beside the pages


def is_page(request: Request) -> bool:
    """Tell whether a person reads the answer in a browser, rather than a program."""
    path: str = request.scope["path"]
    wants_html = "text/html" in request.headers.get("accept", "") or is_of_htmx(request)
    return wants_html and not path.startswith(API)


def is_of_htmx(request: Request) -> bool:
    """Tell whether htmx asks for a part of a page; it says only that it takes anything."""
    return request.headers.get("hx-request") == "true"


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
    made.filters["duration"] = duration
    made.filters["bytes"] = size
    made.filters["day"] = day_of
    made.filters["iso"] = iso
    made.filters["post_name"] = post_name
    made.filters["line"] = lambda text: captions.line_of(text) if text.strip() else ""
    made.globals["captions"] = captions
    made.globals["post_name"] = post_name
    made.globals["query_of"] = write_filter
    made.globals["channel_query"] = channel_query
    made.globals["channel_link"] = channel_link
    made.globals["tag_link"] = tag_link
    made.globals["own_tags"] = own_tags
    made.globals["by_origin"] = by_origin
    made.globals["WORDS"] = WORDS
    made.globals["REASONS"] = REASONS
    made.globals["version"] = __version__
    return made


@functools.cache
def _keys(language: Language) -> Markup:
    """Return the keys of the pages, which are the same on all of them."""
    found = _environment().get_template("keys.html")
    return Markup(found.render(KEYS=KEYS, KEY_WORDS=KEY_WORDS, t=language.text))  # noqa: S704


def own_tags(links: Iterable[TagLink]) -> frozenset[str]:
    """Return those of a post's tags that a person gave."""
    return frozenset(link.name for link in links if link.source == HUMAN)


def by_origin(links: Iterable[TagLink]) -> list[tuple[TagLink, list[str]]]:
    """Return where a post's tags came from: one link of each origin, and all its tags."""
    found: dict[tuple[object, ...], tuple[TagLink, list[str]]] = {}
    for link in links:
        origin = (link.source, link.model, link.run, minute_of(link.added_at))
        found.setdefault(origin, (link, []))[1].append(link.name)
    return list(found.values())


def duration(seconds: float) -> str:
    """Return a length of time as a player shows it: `1:05`, `1:00:00`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: float) -> str:
    """Return a size in bytes as people read it: `1.4 MB`."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any] | None = None,
    *,
    part: str | None = None,
    status: int = 200,
    is_aside: bool = False,
) -> HTMLResponse:
    """Return a page; for a request by htmx only the block `part` of it, if the page names one.

    `is_aside`: a page asks for this by itself, so what the last action did is told elsewhere.
    """
    language = words_of(request)
    told = None if is_aside else _told(request)
    read_only = request.app.state.archive.read_only
    cards, lists = Cards(language, here(request), read_only), list[bytes]()

    def list_posts(*given: Any) -> Markup:
        lists.append(cards.posts(*given))
        return Markup(_LIST)  # noqa: S704 -- it is ours

    context = {
        "request": request,
        "path": request.scope["path"],
        "here": here(request),
        "target": _target(request),
        "told": told,
        "t": language.text,
        "n": language.counted,
        "number": language.number,
        "quoted": language.quoted,
        "cards": cards,
        "list_posts": list_posts,
        "usd": usd,
        "lang": language.code,
        "keys": _keys(language),
        "read_only": read_only,
        # A page of a failure asks nothing: the archive may be what failed.
        "at": request.app.state.archive.store.status.version() if status < 400 else None,
    }
    # The macros of several pages, which may say `t`, too; a block alone does not see an import.
    context["parts"] = _environment().get_template("parts.html").make_module(context)
    context |= values or {}
    found = _environment().get_template(template)
    is_part = part is not None and is_of_htmx(request)
    if is_part and part is not None:
        shown = found.new_context(context)
        text = "".join(found.blocks[part](shown))
        if told is not None:
            text += _environment().get_template("told.html").render(context)
    else:
        text = found.render(context)
    text = without_controls(text)  # no page may hold any, and a terminal would obey them
    body = text.encode()
    for html in lists:
        body = body.replace(_LIST.encode(), html, 1)
    answer = HTMLResponse(body, status, headers={"Vary": "HX-Request, Accept-Language"})
    if told is not None:
        answer.delete_cookie(TOLD, httponly=True, samesite="strict")
    return answer


def usd(amount: float) -> str:
    """Return an amount of money, small ones with four digits."""
    return f"{amount:.2f} USD" if amount >= 1 else f"{amount:.4f} USD"


def words_of(request: Request) -> Language:
    """Return the language of the person who asks."""
    return language_of(request.headers.get("accept-language", ""))


def _told(request: Request) -> dict[str, Any] | None:
    """Return what the last action did, to be shown once; None: there was none."""
    try:
        told = json.loads(base64.urlsafe_b64decode(request.cookies[TOLD]))
        numbers = {name: told[name] and int(told[name]) for name in ("undo", "job")}
        text = str(told["text"]).encode(errors="replace").decode()
    except (KeyError, ValueError, TypeError, RecursionError):  # none, or not ours
        return None
    return {"text": text, **numbers}


def here(request: Request) -> str:
    """Return the place to come back to after an action: this page, or the one that htmx is on."""
    if request.method != "GET":
        return "/"
    query = request.scope["query_string"].decode("latin-1")
    path: str = quote(request.scope["path"])
    return f"{path}?{query}" if query else path


def _target(request: Request) -> str | None:
    """Return the id of the part that htmx replaces; None: the whole page."""
    given = request.headers.get("hx-target", "")
    return given if re.fullmatch(r"[a-z][a-z0-9-]{0,40}", given) else None
