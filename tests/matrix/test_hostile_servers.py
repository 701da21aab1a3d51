"""Hostile servers: what Telegram, its web preview and a tagging server say, to every output."""

from __future__ import annotations

import base64
import html
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from llm_server import Fault, LlmServer, contents, faults
from support.answers import API_HASH, PHONE
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.hostile import TERMINAL, all_strings, forged, storable, unseen
from support.make import minute
from support.terminal import Shown, in_pipes, on_terminal
from telegram_server import ServerThread

pytestmark = pytest.mark.row("I2", "I3")

TEXTS = list(storable().values())
ALL_AT_ONCE = " ".join(TERMINAL.values())
Call = Callable[..., Shown]


@pytest.fixture(params=["pipe", "terminal"])
def call(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("TERM", "xterm-256color")

    def run(*arguments: str, stdin: str = "", codes: tuple[int, ...] = (0,)) -> Shown:
        db = ("-v", "--db", str(tmp_path / "posts.db"))
        if request.param == "pipe" or stdin:
            shown = in_pipes(*db, *arguments, stdin=stdin)
        else:
            shown = on_terminal(*db, *arguments)
        # What is exported into a pipe is for programs: it is what is stored.
        is_for_programs = request.param == "pipe" and "export" in arguments
        said = shown.errors if is_for_programs else shown.output + shown.errors
        found = unseen(said, live=True)
        assert not found, (arguments, found[:5])
        if "export" not in arguments:
            assert not forged(said)
        assert shown.code in codes, (arguments, shown)
        return shown

    return run


def column(db: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(db)) as raw:
        return [value for (value,) in raw.execute(sql)]


# ---- Telegram


def test_what_telegram_says(
    call: Call, telegram: ServerThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key.pem"
    key.write_text(telegram.key.pem)
    for name, value in {
        "DATA_DIR": str(tmp_path / "data"), "TELEGRAM_SERVER": f"127.0.0.1:{telegram.port}",
        "TELEGRAM_DC": "2", "TELEGRAM_KEY": str(key), "TELEGRAM_PAGE_WAIT": "0",
        "API_ID": "1", "API_HASH": API_HASH,
    }.items():  # fmt: skip
        monkeypatch.setenv(f"TGTAGGER_{name}", value)
    user = telegram.world.account(PHONE).user
    named = {"first_name": ALL_AT_ONCE, "last_name": "[/] :smile:", "username": "\x1b[31m"}

    def hostile_user() -> types.User:
        made = user()
        for name, value in named.items():
            setattr(made, name, value)
        return made

    telegram.world.accounts[PHONE].user = hostile_user  # type: ignore[method-assign]
    channel = telegram.world.channel("newsroom", ALL_AT_ONCE + "\0")
    for at, text in enumerate(TEXTS):
        channel.post(
            text, id=3 * at + 1, post_author=text,
            entities=[types.MessageEntityTextUrl(0, 1, text), types.MessageEntityPre(0, 1, text)],
            fwd_from=types.MessageFwdHeader(minute(1), from_name=text, post_author=text),
            reactions=types.MessageReactions(
                [types.ReactionCount(types.ReactionEmoji(text), 1)]
            ),
            restriction_reason=[types.RestrictionReason(text, text, text)],
        )  # fmt: skip
        words = types.TextWithEntities(text, [])
        poll = types.Poll(1, words, [types.PollAnswer(words, b"0")], 0)
        channel.post("", id=3 * at + 2, media=types.MessageMediaPoll(poll, types.PollResults()))
        file = types.Document(
            1, 1, b"", minute(1), text, 1, 2, [types.DocumentAttributeFilename(text)]
        )
        channel.post("storm", id=3 * at + 3, media=types.MessageMediaDocument(document=file))
    call("login", stdin=f"{PHONE}\n12345\n")
    call("login")
    call("doctor")
    call("parse", "@newsroom")
    db = tmp_path / "posts.db"
    came = [text.replace("\0", "") for text in TEXTS]
    assert column(db, "SELECT text FROM posts WHERE message_id % 3 = 1 ORDER BY id") == came
    assert column(db, "SELECT author FROM posts WHERE message_id % 3 = 1 ORDER BY id") == came
    assert column(db, "SELECT title FROM channels") == [ALL_AT_ONCE]
    files = column(db, "SELECT media FROM posts WHERE message_id % 3 = 0 ORDER BY id")
    assert [json.loads(each)[0]["file_name"] for each in files] == came
    call("tag", "--tagger", "keywords")
    for arguments in (
        ("channels",), ("status",), ("search", "--limit", "1000"), ("search", "storm"),
        ("show", "@newsroom/1"), ("export",), ("sync", "--json"),
    ):  # fmt: skip
        call(*arguments)
    for text in (ALL_AT_ONCE, *TEXTS[:6]):
        telegram.faults.clear()
        telegram.fail(400, text.replace("\0", ""), times=9)
        shown = call("parse", "@newsroom", codes=(2, 3, 4, 75))
        assert "error: " in shown.output + shown.errors
    channel.username = "evil\x1b[31m/../x"
    telegram.faults.clear()
    call("parse", "newsroom", codes=(0, 4))
    telegram.unhandled.clear()
    telegram.crashes.clear()


# ---- the web preview


class Preview(ThreadingHTTPServer):
    """Answers with what it is given, whatever is asked for."""

    daemon_threads = True
    status = 200
    reason = ""
    headers: dict[str, str] = {}  # noqa: RUF012 -- set anew by each test
    page = ""


class Handler(BaseHTTPRequestHandler):
    server: Preview

    def do_GET(self) -> None:
        made = self.server
        lines = [f"HTTP/1.0 {made.status} {made.reason}", "Content-Type: text/html"]
        lines += [f"{name}: {value}" for name, value in made.headers.items()]
        self.wfile.write("\r\n".join([*lines, "", made.page]).encode(errors="surrogateescape"))

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def serving() -> Iterator[Preview]:
    with Preview(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()


def preview_page(text: str, number: int) -> str:
    """Return a page whose every word is this text, as a browser would show it."""
    told = html.escape(text)
    view = base64.urlsafe_b64encode(json.dumps({"c": -1234567890}).encode()).decode().rstrip("=")
    parts = {
        "forwarded_from_name": told, "from_author": told, "document_title": told,
        "poll_question": told, "location_title": told, "views": told,
    }  # fmt: skip
    inside = "".join(
        f'<span class="tgme_widget_message_{name}">{words}</span>' for name, words in parts.items()
    )
    return (
        f'<div class="tgme_channel_info_header_title"><span>{told}</span></div>'
        f'<div class="tgme_channel_info_header_username"><a>@{told}</a></div>'
        '<section class="tgme_channel_history">'
        f'<div class="tgme_widget_message" data-post="{told}/{number}" data-view="{view}">'
        f'<div class="tgme_widget_message_text js-message_text">{told} <a href="{told}">x</a></div>'
        f'<div class="tgme_widget_message_document_wrap">{inside}</div>'
        f'<div class="tgme_widget_message_poll">{inside}'
        f'<div class="tgme_widget_message_poll_option_text">{told}</div></div>'
        f'<div class="tgme_widget_message_reactions"><span class="tgme_reaction">'
        f'<i class="emoji">{told}</i> 5</span></div>{inside}'
        f'<a class="tgme_widget_message_date"><time datetime="{minute(number).isoformat()}">'
        "</time></a></div></section></body></html>"
    )


def test_what_the_preview_says(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effort: Effort
) -> None:
    monkeypatch.setattr("tgtagger.sources.preview.client.PAUSE", 0.0)
    monkeypatch.setattr("tgtagger.sources.preview.client.PAUSES", (0.0,))
    monkeypatch.setattr("tgtagger.sources.preview.client.Preview.__init__.__kwdefaults__", {
        **_defaults(), "pause": 0.0,
    }, raising=False)  # fmt: skip
    db = tmp_path / "posts.db"
    with serving() as server:
        monkeypatch.setenv("TGTAGGER_PREVIEW_URL", f"http://127.0.0.1:{server.server_port}/s")
        texts = [text for text in TEXTS if "/" not in text]
        chosen = texts[:: 1 if effort.is_long else 8]
        effort.rounds(len(chosen), long=len(chosen))
        for number, text in enumerate(chosen, 1):
            server.page = preview_page(text, number)
            call("parse", "@newsroom", "--no-backfill", "--refresh", "0")
        assert column(db, "SELECT count(*) FROM posts") == [len(chosen)]
        assert column(db, "SELECT username FROM channels") == ["newsroom"]
        for status, headers in (
            (429, {"Retry-After": ALL_AT_ONCE.replace("\n", " ").replace("\r", " ")}),
            (429, {"Retry-After": "99999"}),
            (302, {"Location": "/s/\x1b[31m"}),
            (418, {}),
            (500, {}),
        ):
            server.status, server.headers, server.reason = status, headers, "\x1b[31mpwned\x9b"
            monkeypatch.setenv("TGTAGGER_FLOOD_BUDGET", "0")
            call("parse", "@newsroom", codes=(4, 75))
        for arguments in (("channels",), ("status",), ("search",), ("show", "@newsroom/1")):
            call(*arguments)


def _defaults() -> dict[str, Any]:
    from tgtagger.sources.preview.client import Preview as Source

    return dict(Source.__init__.__kwdefaults__ or {})


# ---- a tagging server


def header(text: str) -> str:
    """Return as much of a text as a header can carry."""
    return "".join(each for each in text if each not in "\r\n\0" and ord(each) < 256)


def faulty(text: str) -> list[Fault]:
    """Return answers that say this wherever they can."""
    error = {"message": text, "type": text, "code": text, "param": text, "metadata": {"raw": text}}
    head = {"retry-after": header(text), "x-ratelimit-reset-requests": header(text)}
    return [
        contents.tags_of([text, f"storm {text}", text * 3]),
        contents.content(text),
        contents.refusal(text),
        contents.finish(text, text),
        faults.status(500, {"error": error}, head),
        faults.status(400, {"error": error}),
        faults.status(422, {"detail": [{"msg": text, "loc": [text, text]}]}),
        faults.status(404, text),
        faults.status(429, {"error": error}, head),
        faults.redirect("https://" + header(text)),
        faults.body_of({"error": text}),
        faults.body_of({"choices": [{"message": {"content": text}, "finish_reason": text}]}),
    ]


def test_what_a_tagging_server_says(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effort: Effort
) -> None:
    monkeypatch.setattr("tgtagger.taggers.llm.probe.LONGEST_WAIT", 0.0)
    export = write(tmp_path / "export", chat(*(message(n, f"a storm {n}") for n in range(1, 4))))
    call("parse", str(export))
    texts = [ALL_AT_ONCE, *TEXTS] if effort.is_long else [ALL_AT_ONCE]
    with LlmServer() as server:
        for name, value in {"LLM_URL": server.url, "LLM_MODEL": "test-model,other",
                            "LLM_WAIT": "0", "RETRY_BASE": "0"}.items():  # fmt: skip
            monkeypatch.setenv(f"TGTAGGER_{name}", value)
        for text in texts:
            server.models = ["test-model", text, {"id": f"x{text}", "context_length": text}]
            for fault in faulty(text):
                effort.saw(rounds=1)
                server.rule = lambda _, fault=fault: fault
                call("tag", "--force", "--yes", codes=(0, 3, 5, 75))
            call("retry-failed", "--force", codes=(0, 3, 5, 75))
            server.rule = lambda _, text=text: contents.refusal(text)
            call("doctor", codes=(0, 3, 75))
            call("tag", "--force", "--yes", "--json", codes=(0, 5, 75))
            for arguments in (
                ("status",), ("status", "--json"), ("show", "1006503122/1"),
                ("show", "1006503122/1", "--json"), ("tags",), ("tag", "--dry-run"),
                ("tag", "--show-prompt"), ("retry-failed", "--dry-run"), ("export",),
            ):  # fmt: skip
                shown = call(*arguments)
                if "--json" in arguments:
                    assert list(all_strings(json.loads(shown.output)))
