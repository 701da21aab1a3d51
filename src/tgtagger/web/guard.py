"""Who may ask: the Host, the token, the origin of a request that changes something, its size.

The checks run before any route, in the order of docs/serve.md, and each answers by itself. A page
of another site cannot read the archive (its name for this machine is not among the hosts), nor
change it (a browser says where a request comes from). Every answer gets the headers that keep a
hostile post from running anything. Speaks ASGI only; knows no route and no archive.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""The hosts that are this machine, as a browser writes them. Exact: `127.evil.example` is none."""

LARGEST_BODY = 1 << 20
"""Bytes of a request's body; a vocabulary of thousands of tags has 100 kB."""
BODY_SECONDS = 10.0
"""Seconds in which a body has to come."""
LINK_SECONDS = 600.0
"""Seconds for which a one-time link is good."""

FULL = "tgtagger.full"
"""What the server says in the scope of a request that is one too many."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = frozenset({"/healthz", "/enter"})
"""Paths that want no token: they show nothing of the archive, as /static/ does."""

CHANGE_NOTHING = frozenset({"/enter", "/mcp"})
"""Paths whose POST changes nothing on a server that only shows the archive."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    # With no-referrer a browser would send `Origin: null` with our own forms, and over plain HTTP
    # it sends no Sec-Fetch-Site. Other sites get no referrer either way.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_PRIVATE = (b"cache-control", b"private, no-store")
_REFUSED = {
    401: ((b"www-authenticate", b'Bearer realm="tgtagger"'),),
    408: ((b"connection", b"close"),),
    413: ((b"connection", b"close"),),
    503: ((b"connection", b"close"), (b"retry-after", b"1")),
}
"""Headers of a refusal, by its status."""


class Token:
    """The token of a server, and what stands for it: a browser's cookie, a one-time link."""

    def __init__(self, text: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._text = text.encode()
        self._clock = clock
        self._links: dict[str, float] = {}  # one-time code → when it ends

    def matches(self, given: str) -> bool:
        """Tell whether this is the token, in a time that tells nothing about it."""
        return secrets.compare_digest(given.encode(), self._text)

    @property
    def cookie(self) -> str:
        """The value of a browser's cookie: it ends with the token, and does not tell it."""
        return hmac.new(self._text, b"tgtagger cookie", hashlib.sha256).hexdigest()

    def make_link(self) -> str:
        """Return the code of a link that lets one browser in, once."""
        code = secrets.token_urlsafe(24)
        self._links[code] = self._clock() + LINK_SECONDS
        return code

    def use_link(self, code: str) -> bool:
        """Tell whether the code of a link is good; it is so only once."""
        end = self._links.pop(code, None)
        return end is not None and self._clock() <= end


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask: the hosts in addition to this machine's, the token (None: no token is asked)."""

    hosts: frozenset[str] = frozenset()
    token: Token | None = None
    read_only: bool = False
    cookie_name: str = "tgtagger"

    def knows(self, host: str | None) -> bool:
        """Tell whether a Host header names this server."""
        name = host_name(host)
        return name is not None and (name in LOOPBACK or name in self.hosts)


def host_name(header: str | None) -> str | None:
    """Return the host of a Host header, in lower case, without port and trailing dot.

    None for a header that is missing or not well formed.
    """
    if not header or not header.isascii():
        return None
    text = header.strip().lower()
    if text.startswith("["):
        name, closed, rest = text.partition("]")
        name += closed
    else:
        name, colon, rest = text.partition(":")
        rest = colon + rest
    is_port = not rest or (rest[0] == ":" and rest[1:].isdigit() and len(rest) <= 6)
    if not is_port or not name or any(letter in name for letter in "/@\\ ,?#"):
        return None
    return name.removesuffix(".")


@dataclass(slots=True)
class Guard:
    """Lets a request through to the application, or answers it."""

    app: App
    access: Access
    refused: Callable[[Scope, Refusal], App]
    """Returns what answers a request that is refused."""
    failed: Callable[[Scope, Exception], App]
    """Notes a bug; returns what answers then. Here, so that this answer has the headers, too."""
    seconds: float = BODY_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, _BoundedBody(receive, self.seconds), _Answer(send))
        else:  # there are no web sockets
            await send({"type": "websocket.close"})

    async def _answer(self, scope: Scope, body: _BoundedBody, answer: _Answer) -> None:
        headers = Headers(scope["headers"])
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await self._refuse(scope, body.receive, answer.send, refusal)
            return
        try:
            await self.app(scope, body.receive, body.unless_refused(answer.send))
        except BodyRefused:
            pass
        except Exception as error:  # noqa: BLE001 -- a bug: whatever it is
            failure = self.failed(scope, error)
            if not answer.has_begun:
                await failure(scope, body.receive, answer.send)
        if body.refusal is not None and not answer.has_begun:
            await self._refuse(scope, body.receive, answer.send, body.refusal)

    def _refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        """Return why a request is refused before any route sees it; None: it may go on."""
        path, host = scope["path"], headers.one("host")
        if not self.access.knows(host):
            return _WRONG_HOST
        if scope.get(FULL):
            return _TOO_MANY
        is_open = path in OPEN or path.startswith("/static/")
        wants_token = self.access.token is not None and not is_open
        if wants_token and not self._is_let_in(headers):
            return _NO_TOKEN
        if scope["method"] in SAFE:
            return None if _may_be_shown(headers) else _OTHER_SITE_READS
        if not self._is_own(headers, f"{scope.get('scheme', 'http')}://{host}"):
            return _OTHER_SITE
        if self.access.read_only and path not in CHANGE_NOTHING:
            return _READ_ONLY
        return None if _is_small(headers.one("content-length")) else _TOO_LARGE

    def _is_let_in(self, headers: Headers) -> bool:
        token = self.access.token
        assert token is not None  # the caller has looked
        given = bearer(headers)
        given = password(headers) if given is None else given
        if given is not None:
            return token.matches(given)
        cookie = cookie_of(headers, self.access.cookie_name)
        return cookie is not None and secrets.compare_digest(cookie.encode(), token.cookie.encode())

    def _is_own(self, headers: Headers, origin: str) -> bool:
        """Tell whether a request that changes something comes from a page of this server.

        A browser tells by Sec-Fetch-Site, an old one by Origin. A program sends neither, and no
        cookie; with a bearer token and no cookie it is a program whatever it sends.
        """
        has_cookie = headers.one("cookie") is not None
        if bearer(headers) is not None and not has_cookie:
            return True
        site, given = headers.one("sec-fetch-site"), headers.one("origin")
        if site is not None:
            return site in {"same-origin", "none"}
        if given is not None:
            return given.lower() == origin.lower()
        return not has_cookie

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
        async def send_refusal(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_REFUSED.get(refusal.status, ())]
            await send(message)

        await self.refused(scope, refusal)(scope, receive, send_refusal)


def _is_small(length: str | None) -> bool:
    """Tell whether a Content-Length may be; None: the body is measured as it comes."""
    if length is None:
        return True
    is_number = length.isascii() and length.isdigit() and len(length) < 12
    return is_number and int(length) <= LARGEST_BODY


def _may_be_shown(headers: Headers) -> bool:
    """Tell whether an answer goes to a page of this server, to a whole tab, or to a program.

    Another site's page sees no answer anyway; but how long one takes, or how large it is, tells
    whether a search has found something. It may open a page of ours, as a link does.
    """
    site = headers.one("sec-fetch-site")
    is_link = (headers.one("sec-fetch-mode"), headers.one("sec-fetch-dest")) == (
        "navigate", "document",
    )  # fmt: skip
    return site in {None, "same-origin", "none"} or is_link


class Headers:
    """The headers of a request, by lower-case name."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in raw:
            self._values.setdefault(name.decode("latin-1").lower(), []).append(
                value.decode("latin-1")
            )

    def one(self, name: str) -> str | None:
        """Return the value of a header; None if it is missing. Of a repeated one: no real value."""
        found = self._values.get(name)
        return None if found is None else found[0] if len(found) == 1 else ""


def bearer(headers: Headers) -> str | None:
    """Return the token of an Authorization header; None without one."""
    given = headers.one("authorization")
    scheme, _, token = (given or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def password(headers: Headers) -> str | None:
    """Return the password of an Authorization header, which feed readers send; None without one.

    A browser may send it by itself: unlike a bearer's token it proves no program.
    """
    scheme, _, text = (headers.one("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(text.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def cookie_of(headers: Headers, name: str) -> str | None:
    """Return the value of a cookie; None without one."""
    try:
        found = SimpleCookie(headers.one("cookie") or "").get(name)
    except CookieError:
        return None
    return None if found is None else found.value


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused: an HTTP status, a kind for programs, a sentence for people."""

    status: int
    kind: str
    detail: str


_WRONG_HOST = Refusal(421, "host_unknown", "This server does not answer under this name.")
_NO_TOKEN = Refusal(401, "token_missing", "This server wants its token.")
_OTHER_SITE = Refusal(403, "other_site", "A page of another site may not change anything here.")
_OTHER_SITE_READS = Refusal(403, "other_site", "A page of another site may not read anything here.")
_READ_ONLY = Refusal(403, "read_only", "This server only shows the archive.")
_TOO_LARGE = Refusal(413, "body_too_large", f"A request may have {LARGEST_BODY >> 10} KiB.")
_TOO_MANY = Refusal(503, "too_many_requests", "There are too many requests at once.")
_TOO_SLOW = Refusal(408, "body_too_slow", f"A request has to come in {BODY_SECONDS:.0f} seconds.")


class _Answer:
    """Sends an answer, with the headers that every answer has."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            given = {name.lower() for name, _ in message["headers"]}
            added = [header for header in (*_HEADERS, _PRIVATE) if header[0] not in given]
            message = {**message, "headers": [*message["headers"], *added]}
        await self._send(message)


class BodyRefused(Exception):
    """A body is too large or too slow; the guard answers."""


class _BoundedBody:
    """Reads a request's body, as far as a request may be large and slow."""

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._end = time.monotonic() + seconds
        self._size = 0
        self._is_over = False
        self.refusal: Refusal | None = None

    def unless_refused(self, send: Send) -> Send:
        """Return what sends, without the framework's own answer to a body that is refused."""

        async def send_unless(message: Message) -> None:
            if self.refusal is None:
                await send(message)

        return send_unless

    async def receive(self) -> Message:
        if self._is_over:  # from now on it tells only whether the client has gone
            return await self._receive()
        try:
            async with asyncio.timeout(max(0.0, self._end - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            self.refusal = _TOO_SLOW
            raise BodyRefused from None
        self._size += len(message.get("body", b""))
        if self._size > LARGEST_BODY:
            self.refusal = _TOO_LARGE
            raise BodyRefused
        self._is_over = not message.get("more_body", False)
        return message
