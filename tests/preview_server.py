"""The web preview on loopback: a channel's posts, a page at a time, in a thread of its own.

`draw` draws a page as t.me does, as far as tgtagger looks at it. `PreviewServer` shows pages to a
process; what a server can do wrong over HTTP is in `sources/preview/test_preview.py`.
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

from breaking import before_main
from make import minute
from tgtagger.sources.preview import Preview

HURRIED = before_main(
    "from tgtagger.sources.preview import Preview\nPreview.__init__.__kwdefaults__['pause'] = 0.0\n"
)
"""A program that is tgtagger without its pause between two pages of the preview."""

IN_A_HURRY: dict[str, Any] = vars(Preview)["__init__"].__kwdefaults__
"""The same for this process: set its `pause`."""


def draw(number: int, posts: Mapping[int, str], shown: Sequence[int], views: str = "1.2K") -> str:
    """Return a page of the channel with this number, with these of its posts."""
    view = json.dumps({"c": -number, "p": 1, "t": 1}).encode()
    data = base64.urlsafe_b64encode(view).decode().rstrip("=")
    messages = "".join(
        f'<div class="tgme_widget_message" data-post="newsroom/{n}" data-view="{data}">'
        f'<div class="tgme_widget_message_text js-message_text">{posts[n]}</div>'
        f'<span class="tgme_widget_message_views">{views}</span>'
        f'<a class="tgme_widget_message_date"><time datetime="{minute(n).isoformat()}">'
        "</time></a></div>"
        for n in shown
    )
    return (
        '<div class="tgme_channel_info_header_title"><span>News</span></div>'
        '<div class="tgme_channel_info_header_username"><a>@newsroom</a></div>'
        f'<section class="tgme_channel_history">{messages}</section>'
    )


@dataclass
class PreviewServer:
    """The preview of @newsroom while the `with` lasts; `asked` counts the pages asked for."""

    posts: dict[int, str] = field(default_factory=dict)
    page: int = 20
    latency: float = 0.0
    hangs_at: int | None = None  # this page never comes
    waits_at: int | None = None  # instead of this page: wait a minute
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
