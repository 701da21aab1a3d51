"""A fault is what goes wrong with one request; here are those of the status and of the wire.

Errors that providers give are in `refusals`, answers that models spoil are in `contents`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from llm_server import wire
from llm_server.answers import JSON, Response, Turn, error, json_response
from llm_server.wire import Where, Wire


@dataclass(frozen=True)
class Fault:
    """What goes wrong: another answer, trouble on the wire, a delay, or several of these."""

    name: str
    answer: Callable[[Turn], Response] | None = None  # None: what would have been answered
    wire: Wire | None = None
    delay: float = 0.0


def always(name: str, response: Response) -> Fault:
    return Fault(name, lambda _turn: response)


# ---- the status


def status(
    code: int,
    body: str | bytes | dict[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Fault:
    """This status; without a body an error in OpenAI's form, for a str plain text."""
    match body:
        case None:
            response = error(code, reason(code), "server_error" if code >= 500 else "error")
            response = replace(response, headers={**response.headers, **(headers or {})})
        case dict():
            response = json_response(code, body, headers)
        case _:
            plain = body.encode() if isinstance(body, str) else body
            response = Response(code, plain, {"content-type": "text/plain", **(headers or {})})
    return always(f"status {code}", response)


def redirect(location: str, code: int = 301) -> Fault:
    """A redirect, without a body."""
    return always(f"redirect {code}", Response(code, b"", {"location": location}))


def reason(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Overloaded" if code == 529 else "Unknown"


# ---- a body that is not what was asked for


def raw(body: bytes, content_type: str = JSON, code: int = 200) -> Fault:
    """These bytes for a body."""
    return always("raw", Response(code, body, {"content-type": content_type}))


def html(code: int = 200) -> Fault:
    """A page of HTML, as proxies and login walls send it."""
    page = b"<!DOCTYPE html><html><body><h1>Bad Gateway</h1></body></html>"
    return raw(page, "text/html; charset=utf-8", code)


def cut_json() -> Fault:
    """The right body, which ends in the middle, as its Content-Length says."""
    return _spoiled("cut_json", lambda body: body[: len(body) // 2])


def deep_json(levels: int = 100_000) -> Fault:
    """JSON too deep for a recursive parser."""
    return raw(b"[" * levels)


def event_stream() -> Fault:
    """Server-sent events, which nobody asked for."""
    return raw(
        b'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"{"}}]}\n\n'
        b"data: [DONE]\n\n",
        "text/event-stream",
    )


def cp1251() -> Fault:
    """The right form, in an encoding that is not UTF-8."""
    content = r"{\"posts\": [{\"id\": \"p1\", \"tags\": [\"погода\"]}]}"
    body = f'{{"choices": [{{"message": {{"content": "{content}"}}, "finish_reason": "stop"}}]}}'
    return raw(body.encode("cp1251"))


def bom_body() -> Fault:
    """The right body after a byte order mark."""
    return _spoiled("bom_body", lambda body: b"\xef\xbb\xbf" + body)


def empty_body() -> Fault:
    """200 and nothing."""
    return raw(b"")


def body_of(value: Any) -> Fault:
    """200 and any JSON at all: null, a list, an object without choices."""
    return always("body_of", json_response(200, value))


def _spoiled(name: str, spoil: Callable[[bytes], bytes]) -> Fault:
    def answer(turn: Turn) -> Response:
        response = turn.complete(turn.right())
        return replace(response, body=spoil(response.body))

    return Fault(name, answer)


# ---- time


def slow(seconds: float, fault: Fault | None = None) -> Fault:
    """The usual answer, or another fault, this many seconds later."""
    later = fault or Fault("")
    return replace(later, name=f"slow {later.name}".strip(), delay=later.delay + seconds)


def hang() -> Fault:
    """Never answers; ends when the client leaves, or the server."""
    return Fault("hang", wire=wire.Hang())


def drip(seconds: float = 0.1) -> Fault:
    """Headers, then a space every so many seconds, for ever."""
    return Fault("drip", wire=wire.Flow(wire.spaces_for_ever, pause=seconds))


# ---- size


def endless() -> Fault:
    """A body that does not end."""
    return Fault("endless", wire=wire.Flow(wire.padding_for_ever))


def huge(size: int = 100 * wire.MB) -> Fault:
    """Valid JSON of this many bytes, with its length in the headers."""
    return Fault("huge", wire=wire.Flow(lambda: wire.padding(size), length=size))


def gzip_bomb(megabytes: int = 300) -> Fault:
    """Valid JSON that takes a thousandth on the wire; sent to clients that refuse gzip as well."""
    packed = wire.gzipped_padding(megabytes)
    flow = wire.Flow(lambda: iter((packed,)), len(packed), {"content-encoding": "gzip"})
    return Fault("gzip_bomb", wire=flow)


# ---- the wire


def reset(where: Where = "before") -> Fault:
    """The connection is reset (RST) before the headers, in them, or in the body."""
    return Fault(f"reset {where}", wire=wire.Break("reset", where))


def close(where: Where = "before") -> Fault:
    """The connection ends (EOF) before the headers, in them, or in the body."""
    return Fault(f"close {where}", wire=wire.Break("close", where))


def short_body(missing: int = 100) -> Fault:
    """Content-Length is larger than what comes before the connection ends."""
    return Fault("short_body", wire=wire.Short(missing))


def bad_chunks() -> Fault:
    """A chunked body with a length that is no number."""
    return Fault("bad_chunks", wire=wire.BadChunks())


def close_after() -> Fault:
    """The usual answer; then the kept connection closes, which no header announced."""
    return Fault("close_after", wire=wire.CloseAfter())
