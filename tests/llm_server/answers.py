"""The nouns of the server: what came (`Seen`), what goes (`Response`), and how one makes the other.

A `Turn` is one request with its right answer at hand, which is what faults start from. Knows the
form of OpenAI's chat completions and of its errors; which answer is given is decided in `brain`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from llm_server.posts import Post
from llm_server.wire import Wire

JSON = "application/json"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Seen:
    """A request as it came, and the status it was answered with: 0 when none was sent."""

    at: float  # on the server's clock, when the request was read
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: dict[str, Any]  # empty when it is no JSON object
    posts: tuple[Post, ...] = ()
    connection: int = 0
    status: int = 0
    fault: str = ""  # the name of what went wrong on purpose

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(post.text for post in self.posts)

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))


@dataclass(frozen=True)
class Response:
    """An answer: sent after `delay` seconds, and whole, unless `wire` says what happens to it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    wire: Wire | None = None
    tagged: tuple[str, ...] = ()  # the texts that this answer gives tags to


@dataclass(frozen=True)
class Turn:
    """A request, and what a good answer to it would be made of."""

    seen: Seen
    items: list[dict[str, Any]]  # the right answer: {"id": ..., "tags": [...]} for each post
    usage: Callable[[str], dict[str, Any]]  # what a content is said to have cost
    wall: float  # the time of day, for dates in headers

    def right(self) -> str:
        return dumped({"posts": self.items})

    def ids(self) -> tuple[str, ...]:
        return tuple(str(item["id"]) for item in self.items)

    def complete(
        self,
        content: Any,
        *,
        finish: str = "stop",
        tagged: Iterable[str] = (),
        message: Mapping[str, Any] | None = None,
        choice: Mapping[str, Any] | None = None,
    ) -> Response:
        """A completion with this content; `tagged` are the ids that it gives tags to."""
        ids = frozenset(tagged)
        return json_response(
            200,
            {
                "id": f"chatcmpl-{next(_numbers)}",
                "object": "chat.completion",
                "created": int(self.wall),
                "model": self.seen.model,
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": content, **(message or {})},
                        "finish_reason": finish,
                        **(choice or {}),
                    }
                ],
                "usage": self.usage(content if isinstance(content, str) else ""),
            },
            tagged=tuple(post.text for post in self.seen.posts if post.id in ids),
        )


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def encoded(value: Any) -> bytes:
    try:
        return dumped(value).encode()
    except UnicodeEncodeError:  # a lone surrogate: JSON can say it, UTF-8 cannot
        return json.dumps(value).encode()


def json_response(
    status: int,
    value: Any,
    headers: Mapping[str, str] | None = None,
    *,
    tagged: tuple[str, ...] = (),
) -> Response:
    return Response(
        status, encoded(value), {"content-type": JSON, **(headers or {})}, tagged=tagged
    )


def error(
    status: int,
    message: str,
    type_: str = "invalid_request_error",
    *,
    param: str | None = None,
    code: str | int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error in OpenAI's form."""
    told = {"message": message, "type": type_, "param": param, "code": code}
    return json_response(status, {"error": told}, headers)
