"""The only network of the session: a tagging server and a web preview, on loopback."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from support.recorded_session.exports import LIGHTHOUSE, NEWSROOM, moment

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""


class Loopback:
    """A server on loopback during a `with`, in a thread of its own."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(self.rfile.read(int(self.headers["Content-Length"])))

            def _answer(self, sent: bytes) -> None:
                status, headers, body = server.answer(self.path, sent)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self.port = self._http.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def answer(self, path: str, sent: bytes) -> Answer:
        raise NotImplementedError


class ModelServer(Loopback):
    """A tagging server whose model answers with a post's longest words, after its `script`.

    A number in the script is a status to answer with, a word is another fault. Some posts always
    fail, whatever the script says: their words decide (REFUSED, WORDLESS).
    """

    script: list[int | str]

    REFUSED = "forbidden recipe"
    WORDLESS = "mumbling"

    def __init__(self) -> None:
        super().__init__()
        self.script = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def settings(self) -> dict[str, str]:
        return {"LLM_URL": self.url, "LLM_MODEL": "model-a", "RETRY_BASE": "0.01"}

    def answer(self, path: str, sent: bytes) -> Answer:
        if path == "/v1/models":
            return self._as_json(200, {"data": [{"id": "model-a"}, {"id": "model-b"}]})
        if path != "/v1/chat/completions":
            return self._error(404, "Not Found")
        request = json.loads(sent)
        said = request["messages"][-1]["content"]
        posts = dict(re.findall(r'<post id="(p\d+)" fence="\w+">\n(.*?)\n</post ', said, re.DOTALL))
        fault = self.script.pop(0) if self.script else self._fault_of(said)
        self.asked.append(f"{request['model']} for {len(posts)} ({fault or 'ok'})")
        return self._failed(fault) if fault else self._completed(posts)

    def _failed(self, fault: int | str) -> Answer:
        match fault:
            case 429:
                return self._error(429, "slow down", {"Retry-After": "1"})
            case "long wait":
                return self._error(429, "come back tomorrow", {"Retry-After": "90000"})
            case "no format":
                return self._error(400, "response_format json_schema is not supported")
            case "refused":
                return self._error(403, "this input was flagged by moderation")
            case int(status):
                return self._error(status, f"a fault, as the script says: {status}")
        return self._completion("I would rather talk about the weather.", 1)

    def _completed(self, posts: Mapping[str, str]) -> Answer:
        tags = [{"id": identity, "tags": self._tags(text)} for identity, text in posts.items()]
        return self._completion(json.dumps({"posts": tags}, ensure_ascii=False), len(posts))

    def _fault_of(self, said: str) -> str:
        return "refused" if self.REFUSED in said else ""

    def _tags(self, text: str) -> list[str]:
        if self.WORDLESS in text:
            return []
        words = dict.fromkeys(re.findall(r"[^\W\d_]{5,20}", text.lower()))
        return sorted(words, key=len, reverse=True)[:4]

    def _completion(self, content: str, posts: int) -> Answer:
        choice = {"index": 0, "message": {"role": "assistant", "content": content}}
        usage = {"prompt_tokens": 500 + 100 * posts, "completion_tokens": 20 * posts}
        return self._as_json(200, {"choices": [choice | {"finish_reason": "stop"}], "usage": usage})

    def _error(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self._as_json(status, {"error": {"message": message}}, headers)

    @staticmethod
    def _as_json(status: int, tree: Any, headers: Mapping[str, str] | None = None) -> Answer:
        body = json.dumps(tree, ensure_ascii=False).encode()
        return status, {"Content-Type": "application/json", **(headers or {})}, body


class PreviewServer(Loopback):
    """The web preview of @newsroom and @lighthouse; other names have none, each for its reason."""

    def __init__(self) -> None:
        super().__init__()
        late = "the <b>ferry</b> to the island is late."
        self.texts = {n: f"Notice {n}: {late}" for n in range(1, 26)}
        self.channels = {
            "newsroom": ("Newsroom", NEWSROOM, self.texts),
            "lighthouse": ("Маяк", LIGHTHOUSE, {2: "Новости экономики.", 7: "Ещё одно фото."}),
        }
        self.others = {
            "hidden": "12 subscribers", "chatter": "12 members, 3 online", "somebody": "@somebody",
        }  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/s"

    def answer(self, path: str, sent: bytes) -> Answer:
        self.asked.append(path)
        parts = urlsplit(path)
        name = parts.path.rpartition("/")[2]
        before = int(parse_qs(parts.query).get("before", ["1000000"])[0])
        if name in self.channels:
            return 200, {}, self._page(name, before)
        if name in self.others:
            if parts.path.startswith("/s/"):
                return 302, {"Location": f"/{name}"}, b""
            return 200, {}, self._other(self.others[name])
        match name:
            case "hurried":
                return 429, {"Retry-After": "86000"}, b""
            case "portal":
                return 200, {}, b"<html><body>Sign in to this hotel</body></html>"
            case "forbidden":
                return 403, {}, b""
        return 404, {}, b'<html><body><div class="tgme_page"></div></body></html>'

    def _page(self, name: str, before: int) -> bytes:
        title, number, texts = self.channels[name]
        older = [n for n in texts if n < before]
        shown = older[-20:]
        more = f'<link rel="prev" href="/s/{name}?before={shown[0]}">' if older[:-20] else ""
        view = base64.urlsafe_b64encode(json.dumps({"c": -number, "p": 1, "t": 1}).encode())
        messages = "".join(
            f'<div class="tgme_widget_message" data-post="{name}/{n}" '
            f'data-view="{view.decode().rstrip("=")}">'
            f'<div class="tgme_widget_message_text js-message_text">{texts[n]}</div>'
            f'<span class="tgme_widget_message_views">{n}.5K</span>'
            f'<a class="tgme_widget_message_date"><time datetime="{moment(n)}"></time></a></div>'
            for n in shown
        )
        return (
            f"<!DOCTYPE html><html><head>{more}</head><body>"
            f'<div class="tgme_channel_info_header_title"><span>{title}</span></div>'
            f'<div class="tgme_channel_info_header_username"><a>@{name}</a></div>'
            f'<section class="tgme_channel_history">{messages}</section></body></html>'
        ).encode()

    @staticmethod
    def _other(extra: str) -> bytes:
        return (
            '<html><body><div class="tgme_page"><div class="tgme_page_title">N</div>'
            f'<div class="tgme_page_extra">{extra}</div></div></body></html>'
        ).encode()
