"""HEAD: what GET would answer, without its body. Speaks ASGI only; knows no route."""

from __future__ import annotations

from dataclasses import dataclass

from tgtagger.web.guard import App, Message, Receive, Scope, Send

ONCE = "/enter"
"""A path whose link is used up by whoever asks: a look at it must not."""


@dataclass(slots=True)
class Head:
    """Answers HEAD by asking the application for GET, and sending its headers alone."""

    app: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"] == ONCE:
            await self.app(scope, receive, send)
            return

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                return
            await send({"type": "http.response.body", "body": b""})
            if message.get("more_body"):
                raise _Enough  # a stream would go on

        try:
            await self.app({**scope, "method": "GET"}, receive, send_headers)
        except* _Enough:
            pass


class _Enough(BaseException):  # no handler of errors takes it for one
    """The headers are sent; never leaves this module."""
