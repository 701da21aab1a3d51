"""The web preview on loopback: a channel's posts, a page at a time, in a thread of its own.

`page` draws the parts of a t.me page that tgtagger reads. `PreviewServer` shows @newsroom to a
process; `SpoiledPreview` has every fault of the tests' tagging server, too.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from llm_server import LlmServer, Response, Seen
from support.breaking import forked
from support.make import minute
from tgtagger.sources.preview import Preview

PAGE = 20

HURRIED = forked(
    "from tgtagger.sources.preview import Preview\nPreview.__init__.__kwdefaults__['pause'] = 0.0\n"
)
"""tgtagger without its pause between two pages of the preview."""

IN_A_HURRY: dict[str, Any] = vars(Preview)["__init__"].__kwdefaults__
"""The same for this process: set its `pause`."""


def draw(number: int, posts: Mapping[int, str], shown: Sequence[int], views: str = "1.2K") -> str:
    """Return a page of @newsroom, the channel with this number, with these posts."""
    return page("newsroom", {n: posts[n] for n in shown}, number=number, views=views)


def number_of(name: str) -> int:
    return 1_234_567_890 + sum(name.encode())


def page(
    name: str,
    posts: Mapping[Any, str],
    *,
    number: int | None = None,
    older: bool = False,
    views: str = "1.2K",
) -> str:
    """Return a page of messages, the texts as HTML; `older`: it links to older ones."""
    messages = "".join(message(name, n, text, number, views) for n, text in posts.items())
    link = f'<link rel="prev" href="/s/{name}?before={min(posts)}">' if older else ""
    return (
        f"<!DOCTYPE html><html><head>{link}</head><body>"
        '<div class="tgme_channel_info_header_title"><span>News</span></div>'
        f'<div class="tgme_channel_info_header_username"><a>@{name}</a></div>'
        f'<section class="tgme_channel_history">{messages}</section></body></html>'
    )


def message(
    name: str, number: Any, text: str, channel: int | None = None, views: str = "1.2K"
) -> str:
    view = json.dumps(
        {"c": -(number_of(name) if channel is None else channel), "p": 1, "t": 1}
    ).encode()
    data = base64.urlsafe_b64encode(view).decode().rstrip("=")
    when = minute(number if isinstance(number, int) and 0 < number < 10**6 else 1)
    return (
        f'<div class="tgme_widget_message" data-post="{name}/{number}" data-view="{data}">'
        f'<div class="tgme_widget_message_text js-message_text">{text}</div>'
        f'<span class="tgme_widget_message_views">{views}</span>'
        f'<a class="tgme_widget_message_date"><time datetime="{when.isoformat()}"></time></a></div>'
    )


def html(text: str | bytes, content_type: str = "text/html; charset=utf-8") -> Response:
    body = text if isinstance(text, bytes) else text.encode()
    return Response(200, body, {"content-type": content_type})


@dataclass
class SpoiledPreview(LlmServer):
    """The preview, with the faults of the tests' tagging server: a `script`, then a `rule`.

    Serves `/s/NAME` for every channel of `posts`; the page `/NAME` tells what the name is.
    """

    posts: dict[str, dict[int, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)  # path and query of each request

    @property
    def base(self) -> str:
        return f"{self.root}/s"

    def channel(self, name: str, messages: int) -> None:
        self.posts[name] = {n: f"Post number {n} of {name}" for n in range(1, messages + 1)}

    def respond(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        connection: int = 0,
    ) -> Response:
        self.asked.append(path)
        return super().respond(method, path, headers, body, connection)

    def _answer(self, seen: Seen, *, sound: bool) -> tuple[Response, str]:
        fault = self.script.pop(0) if self.script else self.rule(seen) if self.rule else None
        usual = self._page(self.asked[-1])
        return (self._spoil(seen, usual, fault), fault.name) if fault else (usual, "")

    def _page(self, asked: str) -> Response:
        parts = urlsplit(asked)
        name = parts.path.rpartition("/")[2]
        if name not in self.posts:
            return html('<div class="tgme_page"></div>')
        if not parts.path.startswith("/s/"):
            return html(
                '<div class="tgme_page_title">N</div>'
                '<div class="tgme_page_extra">9 subscribers</div>'
            )
        before = int(parse_qs(parts.query).get("before", ["99999"])[0])
        older = [n for n in sorted(self.posts[name]) if n < before]
        shown = {n: self.posts[name][n] for n in older[-PAGE:]}
        return html(page(name, shown, older=len(older) > PAGE))


@dataclass
class PreviewServer:
    """The preview of @newsroom during a `with`; `asked` counts the requested pages."""

    posts: dict[int, str] = field(default_factory=dict)
    page: int = 20
    latency: float = 0.0
    hangs_at: int | None = None  # the number of a page that never comes
    waits_at: int | None = None  # the number of a page that is answered with a wait of a minute
    asked: int = 0

    def __enter__(self) -> Self:
        self._end = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server._answer(self)

            def log_message(self, *_: Any) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/s"

    def forget(self) -> None:
        """Count from the start."""
        self.asked = 0

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked += 1
        if self.asked == self.hangs_at:
            self._end.wait()
            handler.close_connection = True
            return
        time.sleep(self.latency)
        before = int(parse_qs(urlsplit(handler.path).query).get("before", ["999999"])[0])
        shown = [n for n in sorted(self.posts) if n < before][-self.page :]
        body = draw(1234567890, self.posts, shown).encode()
        try:
            handler.send_response(429 if self.asked == self.waits_at else 200)
            if self.asked == self.waits_at:
                handler.send_header("Retry-After", "60")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except ConnectionError:  # it was killed
            handler.close_connection = True
