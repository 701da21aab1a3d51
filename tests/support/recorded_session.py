"""One long session with the command line, written down: that a change changed no output.

    python tests/support/recorded_session.py .venv/bin/tgtagger > transcript.txt

Types some five hundred fixed commands in a new home, the only network being two servers of its own
on loopback, and prints of each what was typed, its exit code, stdout, stderr. Two runs of one
program print the same, byte for byte; so of two programs `diff` shows every change of output. It
takes some minutes, most of them to start the program.

What differs from run to run has a name in its place, and nothing else: the home (<HOME>), ports
(<PORT>), moments of this run (<TIME>, <DAY>, <AGO>), seconds taken, sizes of files, the versions of
Python and SQLite. So has the schema's version, which is not output that anybody depends on. What
is long ago, and written here, is shown as it is.
"""

from __future__ import annotations

import base64
import datetime as dt
import fcntl
import hashlib
import json
import os
import pty
import re
import shlex
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

HOME_LENGTH = 60
"""Letters of the home's path: a table is as wide as what stands in it."""

PATIENCE = 120
"""Seconds that one command may take, on a machine that has much else to do."""

Stream = Literal["stdout", "stderr"]

FOREIGN = {"TZ", "_TGTAGGER_COMPLETE", "COMP_WORDS", "COMP_CWORD"}
"""Variables that are no settings of tgtagger."""

LONG_AGO = 1_620_000_000
"""2021-05-03T00:00:00Z: the first message."""

LIGHTHOUSE = 1_500_000_001
NEWSROOM = 1_500_000_002
FORUM = 1_500_000_003


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: recorded_session.py PATH-OF-TGTAGGER", file=sys.stderr)
        return 2
    program = Path(sys.argv[1]).absolute()
    # What the program prints may be no text that can be written: it is shown by its numbers.
    sys.stdout = open(  # noqa: SIM115
        sys.stdout.fileno(), "w", encoding="utf-8", errors="backslashreplace", closefd=False
    )
    with tempfile.TemporaryDirectory(prefix="session-") as folder:
        root = Path(folder).resolve()
        home = root / ("h" * max(1, HOME_LENGTH - len(str(root)) - 1))
        home.mkdir(mode=0o700)
        with ModelServer() as model, PreviewServer() as preview:
            session = Session(program, home, model, preview)
            for chapter in CHAPTERS:
                print(f"\n{'=' * 20} {chapter.__name__.replace('_', ' ')}\n")
                chapter(session)
    print(f"{session.typed} commands")
    sys.stdout.flush()
    return 0


# ---- typing


@dataclass
class Session:
    """Somebody who types commands in a home, and notes what comes."""

    program: Path
    home: Path
    model: ModelServer
    preview: PreviewServer
    typed: int = 0
    work: Path = field(init=False)

    def __post_init__(self) -> None:
        self.work = self.home / "work"
        self.work.mkdir()
        write_exports(self.work)
        self.normal = Normal(self.home, (self.model.port, self.preview.port))

    def new_home(self) -> None:
        """Begin again, with nothing kept; the files in the folder of work stay."""
        for name in (".local", ".config", ".cache"):
            shutil.rmtree(self.home / name, ignore_errors=True)

    @property
    def db(self) -> Path:
        return self.home / ".local/share/tgtagger/tgtagger.db"

    def type(self, line: str, **settings: str) -> None:
        """Run `tgtagger LINE` with these settings; print what was typed and what came."""
        self._type(line, settings)

    def answer(self, line: str, answers: str) -> None:
        """The same with answers piped in."""
        self._type(line, {}, stdin=answers)

    def watch(self, stream: Stream, line: str, **settings: str) -> None:
        """The same where one of the outputs is a terminal: more is drawn on it, or said."""
        self._type(line, settings, watched=stream)

    def _type(
        self,
        line: str,
        settings: Mapping[str, str],
        *,
        stdin: str = "",
        watched: Stream | None = None,
    ) -> None:
        variables = {
            name if name in FOREIGN else f"TGTAGGER_{name}": value
            for name, value in settings.items()
        }
        command = [str(self.program), *shlex.split(line)]
        code, outputs = self._run(command, self._environ() | variables, stdin.encode(), watched)
        self.typed += 1
        words = [*(f"{name}={shlex.quote(value)}" for name, value in variables.items()), "tgtagger"]
        where = f"   [{watched} is a terminal]" if watched else ""
        where += f"   [typed into it: {stdin!r}]" if stdin else ""
        print(f"$ {self.normal(' '.join([*words, line]).strip())}{where}")
        print(f"exit code {code}")
        for name, output in outputs.items():
            self._print(name, self.normal(output.decode(errors="backslashreplace")))
        print()

    def _run(
        self, command: list[str], environ: dict[str, str], stdin: bytes, watched: Stream | None
    ) -> tuple[int, dict[Stream, bytes]]:
        with terminal() as (descriptor, shown):
            if watched:
                # Words about a run are said where a line can be drawn anew. On a terminal that
                # cannot move its cursor that line, another one each time, is not drawn.
                environ["TERM"] = "dumb" if watched == "stderr" else "xterm"
            done = subprocess.run(
                command,
                input=stdin,
                stdout=descriptor if watched == "stdout" else subprocess.PIPE,
                stderr=descriptor if watched == "stderr" else subprocess.PIPE,
                cwd=self.work,
                env=environ,
                timeout=PATIENCE,
                check=False,
            )
        outputs: dict[Stream, bytes] = {"stdout": done.stdout, "stderr": done.stderr}
        if watched:
            outputs[watched] = b"".join(shown)
        return done.returncode, outputs

    def with_model(self, line: str, *script: int | str, **settings: str) -> None:
        """The same with a model to ask; `script` are faults of its first answers."""
        self.model.script = list(script)
        asked = len(self.model.asked)
        self._type(line, self.model.settings | settings)
        print(f"the model was asked: {', '.join(self.model.asked[asked:]) or 'nothing'}\n")

    def with_preview(self, line: str) -> None:
        """The same with the web preview."""
        self.preview.asked.clear()
        self._type(line, {"PREVIEW_URL": self.preview.url})
        print(f"the preview was asked: {', '.join(self.preview.asked) or 'nothing'}\n")

    def show_file(self, name: str) -> None:
        """Print what stands in a file."""
        text = (self.home / name).read_bytes().decode(errors="backslashreplace")
        self._print(f"file {name}", self.normal(text))
        print()

    def show_folder(self, name: str) -> None:
        """Print the files in a folder, each with a digest of what stands in it."""
        lines = []
        folder = self.work / name
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                text = self.normal(path.read_bytes().decode(errors="backslashreplace"))
                digest = hashlib.sha256(text.encode()).hexdigest()
                lines.append(f"{digest}  {path.relative_to(folder)}\n")
        self._print(f"folder {name}", "".join(lines))
        print()

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "TZ": "UTC",
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
            "NO_COLOR": "1",
            # Should a command ever ask the real world, it does not come far.
            "HTTPS_PROXY": "http://127.0.0.1:9",
        }

    @staticmethod
    def _print(name: str, text: str) -> None:
        if text:
            print(f"-- {name}")
            seen = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
            print(seen, end="" if seen.endswith("\n") else "\n(no end of line)\n")


_CONTROL = re.compile(r"[^\n\t -\U0010ffff]|\x7f")


@contextmanager
def terminal() -> Iterator[tuple[int, list[bytes]]]:
    """Yield a terminal of a hundred columns to write to, and what was written when it is over."""
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST  # no carriage returns but the program's own
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    shown: list[bytes] = []

    def drain() -> None:
        with suppress(OSError):  # EIO: the other side is closed
            while data := os.read(master, 1 << 16):
                shown.append(data)

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    try:
        yield slave, shown
    finally:
        os.close(slave)
        reader.join(10)
        os.close(master)


class Normal:
    """Gives what differs from run to run a name; `normal(text)` is the text with these names."""

    def __init__(self, home: Path, ports: tuple[int, ...]) -> None:
        day = dt.datetime.now(dt.UTC).date()
        days = "|".join(str(day + dt.timedelta(n)) for n in range(-1, 4))
        clock = r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?"
        self._exchanged: list[tuple[re.Pattern[str], str]] = [
            (re.compile(pattern), name)
            for pattern, name in (
                (re.escape(str(home)), "<HOME>"),
                (rf"127\.0\.0\.1:(?:{'|'.join(map(str, ports))})\b", "127.0.0.1:<PORT>"),
                (rf"(?:{days})[T ]{clock}", "<TIME>"),
                (rf"\b(?:{days})\b", "<DAY>"),
                (r"\b\d+\.\d s\b", "<SECONDS> s"),
                (r'"(latency_ms|seconds)": [\d.e-]+', r'"\1": <NUMBER>'),
                (r"\b[\d\u202f]+\.\d MB\b", "<SIZE> MB"),
                (r'"bytes": \d+', '"bytes": <SIZE>'),
                (r"Python 3\.[\w.+]+, SQLite 3\.[\d.]+", "Python <VERSION>, SQLite <VERSION>"),
                (r'"schema": "\d{4}"', '"schema": "<SCHEMA>"'),
                (r"this one knows \d{4}\b", "this one knows <SCHEMA>"),
                (r'fence=(\\?)"(?!0000)[0-9a-f]{8}\\?"', r'fence=\1"<FENCE>\1"'),
            )
        ]

    def __call__(self, text: str) -> str:
        for pattern, name in self._exchanged:
            text = pattern.sub(name, text)
        return "\n\n".join(map(_without_ages, text.split("\n\n")))


_AGE = re.compile(r"just now|\d+ min ago")


def _without_ages(table: str) -> str:
    """Give ages in a table a name. The table is made anew: its columns are as wide as they are."""
    found = _AGE.search(table)
    if found is None:
        return table
    if "\x1b" in table or "─" in table:  # as it is drawn on a terminal
        return re.sub("─+", "─", re.sub(" +", " ", _AGE.sub("<AGO>", table)))
    start = found.start() - table.rfind("\n", 0, found.start()) - 1
    lines = table.split("\n")
    cells = [line[start:].split("  ")[0].rstrip() for line in lines]
    width = max(map(len, cells))
    return "\n".join(
        (line[:start] + _AGE.sub("<AGO>", cell).ljust(11) + line[start + width :]).rstrip()
        for line, cell in zip(lines, cells, strict=True)
    )


# ---- the servers

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""


class Loopback:
    """A server on loopback while the `with` lasts, in a thread of its own."""

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
    """A tagging server whose model knows a post's longest words; it keeps to its `script` first.

    A number in the script is a status to answer with, a word another fault. Some posts are asked
    for in vain, whatever the script says: what is in them decides (REFUSED, WORDLESS).
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
            f'<a class="tgme_widget_message_date"><time datetime="{_moment(n)}"></time></a></div>'
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


# ---- what there is to be read


def _moment(number: int) -> str:
    return dt.datetime.fromtimestamp(LONG_AGO + 3600 * number, dt.UTC).isoformat()


def message(number: Any, *parts: str | dict[str, Any], **facts: Any) -> dict[str, Any]:
    """Return a message as Telegram Desktop writes it, an hour after the one before."""
    entities = [{"type": "plain", "text": p} if isinstance(p, str) else p for p in parts]
    hours = number if isinstance(number, int) else 0
    return {
        "id": number,
        "type": "message",
        "date": "2021-05-03T03:00:00",
        "date_unixtime": str(LONG_AGO + 3600 * hours),
        "from": "Маяк",
        "from_id": f"channel{LIGHTHOUSE}",
        "text": parts[0] if len(parts) == 1 and isinstance(parts[0], str) else list(parts),
        "text_entities": entities,
    } | facts


def part(kind: str, text: str, **facts: Any) -> dict[str, Any]:
    return {"type": kind, "text": text} | facts


def photo(number: int, *parts: str | dict[str, Any]) -> dict[str, Any]:
    """Return one of an album's photos: they have one second in common."""
    same = str(LONG_AGO + 3600 * 5)
    return message(
        number, *parts, photo=f"photos/photo_{number}.jpg", width=1280, height=960,
        date_unixtime=same,
    )  # fmt: skip


def messages() -> list[dict[str, Any]]:
    """Return a channel with one of everything that an export tells of a post."""
    storm = (
        "The storm of the century closed the harbour of Lisbon on Sunday. Ferries stayed in port, "
        "the library opened its doors to travellers, and solar power stations lost a tenth. "
    )
    return [
        {
            "id": 1, "type": "service", "date": "2021-05-03T03:00:00",
            "date_unixtime": str(LONG_AGO), "actor": "Маяк", "action": "create_channel",
            "title": "Маяк", "text": "", "text_entities": [],
        },
        message(
            2,
            part("bold", "Новости экономики."), " Центральный банк России сохранил ",
            part("italic", "ключевую ставку"), ", сообщает ",
            part("text_link", "агентство", href="https://example.org/bank?a=1&b=2"), ".\n",
            part("hashtag", "#экономика"), " ", part("hashtag", "#банк"),
        ),
        message(3, "Ракета «Союз» стартовала с космодрома Восточный и вывела спутник на орбиту."),
        photo(5, "Фотографии с выставки кошек в Таллине ", part("hashtag", "#кошки")),
        photo(6),
        photo(7),
        message(
            8,
            poll={
                "question": "Which harbour do you like best?", "closed": False,
                "total_voters": 12,
                "answers": [
                    {"text": "Lisbon", "voters": 7, "chosen": False},
                    {"text": "Таллин", "voters": 5, "chosen": False},
                ],
            },
        ),
        message(
            9,
            "How to list files: ", part("code", "ls -l"), "\n",
            part("pre", "for f in *:\n    print(f)", language="python"), "\n",
            part("spoiler", "It is Python."), " ", part("blockquote", "Simple is better."),
        ),
        message(
            10, storm, edited="2021-05-04T03:00:00", edited_unixtime=str(LONG_AGO + 86400),
            reactions=[
                {"type": "emoji", "count": 41, "emoji": "👍"},
                {"type": "emoji", "count": 3, "emoji": "❤"},
                {"type": "paid", "count": 2},
            ],
        ),
        message(
            11, "Forwarded: solar power is now the cheapest energy in history, says the report.",
            forwarded_from="Energy", forwarded_from_id="channel1400000009",
            reply_to_message_id=10, author="Editor",
        ),
        message(
            12, "Видео запуска",
            file="video_files/launch.mp4", file_name="launch.mp4", file_size=123456,
            media_type="video_file", mime_type="video/mp4", duration_seconds=61, width=640,
            height=480,
        ),
        message(13, storm * 6 + "The end of a long report, by our correspondent in Lisbon."),
        message(14, "=SUM(1;2) is how a formula begins; tables and \x1b[31mcontrol\x07 letters."),
        message(15, "👍"),
        message(16),
        message(17, "A mumbling text about nothing that anybody could name or repeat."),
        message(18, "A forbidden recipe that no model wants to read, however it is asked."),
        message(
            19, "Отчёт о ремонте моста", file="files/report.pdf", file_name="report.pdf",
            file_size=4096, mime_type="application/pdf",
        ),
        message(
            20, part("hashtag", "#SolarPower"), " ", part("hashtag", "#solar_power"),
            " Solar panels, wind and energy storage in Germany and Portugal.",
        ),
        message(21, "Ракета «Союз» стартовала с космодрома Восточный и вывела спутник на орбиту."),
    ]  # fmt: skip


def chat(*found: Any, **facts: Any) -> dict[str, Any]:
    head = {"name": "Маяк", "type": "public_channel", "id": LIGHTHOUSE}
    return head | facts | {"messages": list(found)}


def changed_messages() -> list[Any]:
    """Return the same channel later: one post edited, one gone, one new, one without an id."""
    kept: list[Any] = [item for item in messages() if item["id"] != 12]
    edited = {"edited": "2021-05-20T03:00:00", "edited_unixtime": str(LONG_AGO + 17 * 86400)}
    kept[2] = message(3, "Ракета «Союз» стартовала; спутник связи вышел на орбиту.") | edited
    return [*kept, message(22, "Новый маяк открыли на острове."), message("x", "no id")]


def write_exports(folder: Path) -> None:
    """Write all that `parse` is given: good exports and bad ones."""

    def write(name: str, root: Any) -> None:
        (folder / name).mkdir(exist_ok=True)
        text = json.dumps(root, ensure_ascii=False, indent=1)
        (folder / name / "result.json").write_text(text, encoding="utf-8")

    group = chat(message(1, "Hello, who is here?", **{"from": "Ann", "from_id": "user1"}),
                 name="Forum", type="public_supergroup", id=FORUM)  # fmt: skip
    write("export", chat(*messages()))
    write("later", chat(*changed_messages()))
    write("group", group)
    people = chat(message(1, "Private words"), name="Ann", type="personal_chat", id=7)
    lists = {"chats": {"about": "", "list": [chat(*messages()[:3]), group, people]}}
    write("account", {"about": "An export.", **lists, "left_chats": {"about": "", "list": []}})
    whole = (folder / "export/result.json").read_bytes()
    (folder / "cut.json").write_bytes(whole[: len(whole) // 2])
    (folder / "garbage.json").write_bytes(b"\x00\xff garbage")
    (folder / "foreign.json").write_text('{"a": [1, 2]}')
    (folder / "empty.json").write_bytes(b"")
    (folder / "html").mkdir(exist_ok=True)
    (folder / "html/messages.html").write_text("<html></html>")


# ---- the session, a chapter after another


def help_of_every_command(session: Session) -> None:
    session.type("")
    session.type("--version")
    session.type("-h")
    for name in (
        "", "login", "logout", "config", "config path", "config init", "doctor", "demo", "parse",
        "tag", "retry-failed", "sync", "search", "show", "export", "tags", "tags rename",
        "tags merge", "tags alias", "tags remove", "tags add", "tags drop", "tags suggest",
        "tags undo", "tags export-vocabulary", "channels", "channels add", "channels pause",
        "channels resume", "channels remove", "status",
    ):  # fmt: skip
        session.type(f"{name} --help".strip())


def what_is_typed_wrong(session: Session) -> None:
    for line in (
        "serach x",
        "nothing-of-the-kind",
        "--nothing",
        "tag --focre",
        "search --limit 0",
        "search --limit many",
        "search --sort colour x",
        "search --since soon x",
        "search --since 2021-05-05 --until 2021-05-01 x",
        "search since:7d --since 7d x",
        "search tga:ai",
        "search 'tag:\"ai'",
        "search tag:",
        "search --status lost",
        "show",
        "show nonsense",
        "parse --via carrier-pigeon @newsroom",
        "parse --reconvert @newsroom",
        "parse -x",
        "tag --force --stale",
        "tag --force",
        "tag --max-time soon",
        "tag --tagger nobody",
        "retry-failed --class bad",
        "export --format docx",
        "export --format html",
        "export --raw",
        "tags merge a",
        "tags undo x",
        "channels add",
        "doctor --backup a --recover b",
        "login --phone 1 --qr",
        "login --phone 123456:ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi",
    ):
        session.type(line)


def before_there_is_anything(session: Session) -> None:
    for line in (
        "status", "search x", "show 1500000001/1", "tags", "tags rename a b", "channels",
        "channels pause @newsroom", "export", "retry-failed --dry-run", "tag --dry-run",
        "doctor", "doctor --json", "doctor --backup copy.db", "doctor --recover saved.db",
    ):  # fmt: skip
        session.type(line)
    session.type("retry-failed")  # the first that makes a database
    session.type("parse")
    session.type("status")
    session.type("tags")
    session.type("channels")
    session.type("search x")
    session.type("export")
    session.type("tags export-vocabulary")
    session.new_home()


def databases_that_are_none(session: Session) -> None:
    (session.work / "no.db").write_bytes(b"this is no database, but a text of some length" * 200)
    (session.work / "empty.db").write_bytes(b"")
    with closing(sqlite3.connect(session.work / "other.db")) as other, other:
        other.execute("CREATE TABLE notes (words TEXT)")
    for line in (
        "--db no.db status",
        "--db no.db parse export",
        "--db no.db doctor",
        "--db empty.db status",
        "--db other.db status",
        "--db other.db tag",
        "--db . status",
        "--db . tag",
        "--db postgresql://me:secret@example.org/posts status",
        "--db sqlite:// status",
        "--db ~nobody-of-that-name/x.db status",
        "--db missing/folder/posts.db status",
        "--db garbage.json/posts.db tag",
        "status --db no.db",
    ):
        session.type(line)


def settings(session: Session) -> None:
    session.type("config")
    session.type("config --json", LLM_API_KEY="sk-secret-0123456789", TAGS_MIN="2")
    session.type("config path")
    session.type("config init")
    session.show_file(".config/tgtagger/config.toml")
    session.type("config init")
    session.type("config init --force")
    session.type("--config elsewhere.toml config path")
    session.type("--config elsewhere.toml config")
    session.type("config", TAGS_MIN="many")
    session.type("config", TAGS_MIN="9", TAGS_MAX="3")
    session.type("config", LLM_PROVIDER="openai", PROXY="socks5://me:secret@127.0.0.1:9")
    (session.work / "mine.toml").write_text(
        'db = "mine.db"\n[tagging]\ntags_max = 4\n[tagging.llm]\nmodels = ["a", "b"]\n'
    )
    session.type("--config mine.toml config")
    (session.work / "wrong.toml").write_text("[tagging]\ntags_maximum = 4\n")
    session.type("--config wrong.toml config")
    (session.work / "broken.toml").write_text("[tagging\n")
    session.type("--config broken.toml status")
    session.type("tag", TAGGER="llm")
    session.type("tag", LLM_PROVIDER="openai", LLM_MODEL="gpt-5-nano")
    session.type("tag", LLM_PROVIDER="ollama")
    session.new_home()


def reading_exports(session: Session) -> None:
    session.type("parse nowhere.json")
    session.type("parse ./nowhere")
    session.type("parse garbage.json")
    session.type("parse foreign.json empty.json html")
    session.type("parse 'two words'")
    session.type("parse group")
    session.type("parse account -v")
    session.type("parse cut.json")
    session.new_home()
    session.type("parse export")
    session.type("parse export")
    session.type("parse export --json")
    session.type("channels")
    session.type("status")
    session.type("parse later")
    session.type("parse --json later export/result.json")
    session.type("parse --reconvert")
    session.type("parse --reconvert --json")
    session.type("parse group --groups --limit 5 --json")
    session.type("parse export --since 2021-05-03T10:00 --until 2021-05-03T20:00 -v")
    session.type("parse")
    session.type("parse @lighthouse --via telegram")
    session.type("parse t.me/+AbCdEfGhIjKl -1001999999999")
    session.type("status --json")
    session.type("doctor")
    session.type("doctor --json")
    with held_lock(session.db, "parse"):
        session.type("parse export")
        session.type("sync")
    session.type("export -o -")
    session.type("parse export --db other-archive.db --then-tag")
    session.type("status --db other-archive.db")
    session.new_home()


@contextmanager
def held_lock(db: Path, name: str) -> Iterator[None]:
    """Hold a run's lock, as another run would."""
    with db.with_name(f"{db.name}.{name}.lock").open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(b"4242\n")
        file.flush()
        yield
        file.truncate(0)


def the_embedded_tagger(session: Session) -> None:
    session.type("parse export")
    session.type("tag --dry-run")
    session.type("tag --dry-run --json")
    session.type("tag --show-prompt")
    session.type("tag --limit 2 -v")
    session.type("tag --json")
    session.type("tag")
    session.type("tags")
    session.type("tags --json")
    session.type("show 1500000001/2")
    session.type("show 1500000001/2 --json")
    session.type("status")
    session.type("tag --stale")
    session.type("tag --post 1500000001/3 --force -v")
    session.type("tag --post 1500000001/999")
    session.type("tag --channel Nobody")
    session.type("tag --channel Маяк --since 2021-05-03T20:00 --force --dry-run")
    session.type("tag --force --yes --json")
    session.type("retry-failed")
    session.type("retry-failed --json")
    session.type("retry-failed --force --dry-run")
    with held_lock(session.db, "tag"):
        session.type("tag")
        session.type("retry-failed --force")
        session.type("sync --json")
    (session.work / "closed.txt").write_text(
        "# mode: closed\nенергия\nenergy | power, solar power | what drives the world\nкосмос | "
        "ракета, спутник\nкошки\nпорт | harbour\n",
    )
    session.type("tag --stale --vocabulary closed.txt")
    session.type("tag --stale --vocabulary closed.txt --dry-run")
    session.type("tags")
    session.type("tag --stale")
    (session.work / "double.txt").write_text("energy\nenergy | power\n")
    session.type("tag --vocabulary double.txt")
    session.type("tag --vocabulary nowhere.txt")
    (session.work / "topics.txt").write_text("# topic words\nнебо: ракета, спутник\n")
    session.type("tag --force --yes", TOPICS="topics.txt")
    session.type("parse later")
    session.type("tag -v")
    session.type("status --json")


def looking(session: Session) -> None:
    for line in (
        "search новость",
        "search ракета",
        "search ferries",
        "search solar power",
        "search '\"solar power\" -cheapest'",
        "search 'ракет*'",
        "search harbour --sort relevance",
        "search lisbon --sort relevance --json",
        "search lisbon --json --limit 1",
        "search --limit 3",
        "search --tag кошки",
        "search --any-tag кошки --any-tag банк",
        "search --not-tag кошки --limit 2",
        "search 'tag:банк since:2021-05-01 until:2021-06-01'",
        "search status:skipped",
        "search --status pending",
        "search channel:Маяк спутник",
        "search --channel @nobody x",
        "search --tag кошка",
        "search --tag nothing-like-it",
        "search since:30d",
        "search zzzzz",
        "search '\"'",
        "search '-lisbon'",
        "search -- -lisbon",
        "search '*'",
        "search 'a AND NOT (b'",
        "show Маяк/10",
        "show 1500000001/6",
        "show 1500000001/8",
        "show 1500000001/9",
        "show 1500000001/11",
        "show 1500000001/14",
        "show 1500000001/16",
        "show t.me/c/1500000001/13",
        "show -1001500000001/12",
        "show 1500000001/8 --json",
        "show 1500000001/999",
        "show @nobody/1",
        "-q search ракета",
        "--no-color search ракета -v",
    ):
        session.type(line)
    session.type("search ракета --limit 1", TZ="Asia/Tokyo")
    for line in ("tgtagger s", "tgtagger search --tag ко", "tgtagger export --format h"):
        at = str(len(line.split()) - 1)
        session.type("", _TGTAGGER_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=at)


def exporting(session: Session) -> None:
    for line in (
        "export",
        "export --format json",
        "export --format csv",
        "export --format csv --raw",
        "export --format rss",
        "export --format md",
        "export -o posts.jsonl",
        "export -o posts.json --limit 2",
        "export -o posts.csv --tag кошки",
        "export -o posts.xml --query ракета",
        "export --format rss -o all.rss --limit 4",
        "export --status skipped",
        "export --query zzzzz",
        "export --query zzzzz --format csv",
        "export --tag no-such-tag",
        "export -o nowhere/posts.jsonl",
        "export -o .",
    ):
        session.type(line)
    for name in ("posts.jsonl", "posts.json", "posts.csv", "posts.xml", "all.rss"):
        session.show_file(f"work/{name}")
    for form in ("md", "html"):
        session.type(f"export --format {form} -o {form}-folder")
        session.show_folder(f"{form}-folder")
        session.type(f"export --format {form} -o {form}-folder")
        session.type(f"export --format {form} -o {form}-folder --limit 3")
        session.show_folder(f"{form}-folder")
        session.type(f"export --format {form} -o posts.csv")
    (session.work / "own").mkdir()
    (session.work / "own/index.html").write_text("<p>mine</p>")
    session.type("export --format html -o own")
    session.show_folder("own")
    notes = sorted((session.work / "md-folder").rglob("*.md"))
    session.show_file(str(notes[-1].relative_to(session.home)))
    session.show_file("work/html-folder/index.html")


def tags_by_hand(session: Session) -> None:
    for line in (
        "tags suggest",
        "tags suggest --json",
        "tags rename банк Банк",
        "tags rename банк 'Центральный банк' --dry-run",
        "tags rename банк 'банк России'",
        "tags rename банк деньги --json",
        "tags rename нет такого",
        "tags rename кошкa x",
        "tags rename деньги '#'",
        "tags rename деньги экономика",
        "tags merge lisbon harbour --into порт --dry-run",
        "tags merge Lisbon --into 'solar power'",
        "tags merge деньги --into деньги",
        "tags merge ничего --into деньги --json",
        "tags alias деньги money cash",
        "tags alias деньги cash --remove",
        "tags alias деньги cash --remove",
        "tags alias деньги экономика --json",
        "tags remove энергия --dry-run",
        "tags remove nothing",
        "tags add 1500000001/3 космос 'далёкие звёзды'",
        "tags add 1500000001/3 космос --json",
        "tags add 1500000001/3 '#'",
        "tags add 1500000001/999 космос",
        "tags drop 1500000001/3 космос",
        "tags drop 1500000001/3 космос",
        "tags drop 1500000001/3 неттакого",
        "tags drop 1500000001/15 космос --json",
        "tags remove деньги",
        "tags remove звёзды 'далёкие звёзды' --json",
        "tags --unused",
        "tags --unused --json",
        "tags undo 999",
        "tags undo 1",
        "tags undo 2 --dry-run",
        "tags undo 2 --json --dry-run",
        "tags",
        "tag --force --yes",
        "tags",
        "show 1500000001/3",
        "tags export-vocabulary",
        "tags export-vocabulary --mode closed --limit 3 -o own.txt",
        "tags export-vocabulary --mode sideways",
        "tag --vocabulary own.txt --stale --json",
        "tags undo 18 --dry-run",
        "tags undo 18",
        "tags undo 18 --json",
        "status",
    ):
        session.type(line)
    session.show_file("work/own.txt")


def the_doctor(session: Session) -> None:
    session.type("doctor")
    session.type("doctor --json")
    session.type("doctor --backup copy.db")
    session.type("doctor --backup copy.db")
    session.type("doctor --backup second.db --json")
    session.type("doctor --backup nowhere/copy.db")
    session.type("status --db copy.db")
    session.type("doctor --recover saved.db")
    session.type("doctor --recover saved.db")
    session.type("doctor --recover second-saved.db --json")
    session.type("search ракета --limit 1 --db saved.db")
    (session.work / "copy.db").chmod(0o644)
    session.type("doctor --db copy.db")
    session.type("doctor --db copy.db", TAGS_MIN="many")
    with closing(sqlite3.connect(session.work / "second.db")) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    for line in ("status", "tag", "doctor"):
        session.type(f"{line} --db second.db")
    damage(session.work / "saved.db")
    session.type("doctor --db saved.db")
    session.type("doctor --db saved.db --json")
    session.type("status --db saved.db")
    session.type("doctor --db saved.db --recover rescued.db")
    session.type("status --db rescued.db")
    session.type("doctor --db no.db --recover rescued-too.db")


def damage(db: Path) -> None:
    """Write zeros over a page of the posts' table, its root left as it is."""
    with closing(sqlite3.connect(db)) as opened:
        (page,) = opened.execute(
            "SELECT max(pageno) FROM dbstat WHERE name = 'posts' AND pagetype = 'leaf'"
        ).fetchone()
        (size,) = opened.execute("PRAGMA page_size").fetchone()
    with db.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(size))


def channels_by_hand(session: Session) -> None:
    (session.work / "channels.txt").write_text("# mine\n@durov\nt.me/telegram\n\n")
    for line in (
        "channels",
        "channels --json",
        "channels add nowhere/at/all",
        "channels add @newsroom",
        "channels add @newsroom t.me/NEWSROOM",
        "channels add --from-file channels.txt --json",
        "channels add --from-file nowhere.txt",
        "channels add 'not a channel'",
        "channels add export",
        "channels",
        "channels --json",
        "channels remove @durov",
        "channels remove t.me/telegram --json",
        "channels pause Маяк",
        "channels pause 1500000001",
        "channels pause @nobody",
        "channels pause --all",
        "channels",
        "channels resume 1500000001",
        "channels resume 1500000001",
        "channels resume @nobody",
        "channels remove Маяк --with-posts",
        "channels remove Маяк",
        "channels",
        "channels resume Маяк",
        "channels remove -1001500000001 --with-posts --yes --json",
        "channels remove @nobody",
        "channels",
        "tags --unused",
        "status",
    ):
        if line.startswith("channels add"):  # they are listed in the order of seconds
            time.sleep(1.1)
        session.type(line)
    session.new_home()


def the_web_preview(session: Session) -> None:
    for line in (
        "parse @newsroom --via preview --limit 5",
        "parse @newsroom",
        "parse @newsroom --json",
        "channels",
        "parse t.me/s/newsroom --backfill -v",
        "parse @missing --via preview",
        "parse @missing @newsroom --json",
        "parse @hidden",
        "parse @chatter",
        "parse @somebody",
        "parse @portal",
        "parse @forbidden",
        "parse @hurried",
        "parse export @lighthouse",
        "show @lighthouse/7",
        "show @lighthouse/2",
        "parse",
        "channels add @missing",
        "parse",
        "doctor",
        "sync",
        "sync --json",
        "sync -q",
        "sync --no-backfill --max-time 10m -v",
        "channels pause @newsroom",
        "channels remove @missing",
        "sync --json",
        "status",
        "export --channel @newsroom --limit 2",
        "tag --channel @newsroom --post @newsroom/3 --force -v",
    ):
        session.with_preview(line)
    session.preview.texts[25] = "Notice 25 was <i>edited</i>: the ferry is on time."
    del session.preview.texts[24]
    session.with_preview("parse @newsroom")
    session.with_preview("parse @newsroom --refresh 0")
    session.with_preview("tag -v")
    session.with_preview("status --json")
    session.type("parse @newsroom", PREVIEW_URL="not an address")
    session.new_home()


def a_language_model(session: Session) -> None:
    session.with_model("tag --show-prompt")
    session.with_model("tag --show-prompt --json", TAG_LANGUAGE="English")
    session.type("parse export")
    session.with_model("tag --dry-run")
    session.with_model("tag --dry-run --json")
    session.with_model("doctor")
    session.with_model("doctor --json", LLM_MODEL="model-c")
    session.with_model("doctor", 401)
    session.with_model("doctor", 404, LLM_MODEL="modle-a")
    session.with_model("tag", 401)
    session.with_model("tag --json", "long wait")
    session.with_model("tag", *[500] * 40)
    session.with_model("tag --json", *[500] * 40)
    session.with_model("tag", 404)
    session.with_model("tag --limit 2", 429, 500, "no format")
    session.with_model("tag --limit 4", "prose", "prose")
    session.with_model("tag --max-cost 1")
    (session.work / "prices.toml").write_text("[model-a]\ninput = 10\noutput = 20\n")
    session.with_model("tag --force --limit 3 --max-cost 0.00001", LLM_PRICES="prices.toml")
    session.with_model(
        "tag --force --limit 6 --max-cost 0.03 -v", LLM_PRICES="prices.toml", LLM_BATCH="2"
    )
    session.with_model("tag --force --yes -v")
    session.with_model("status")
    session.with_model("show 1500000001/18")
    session.with_model("show 1500000001/17")
    session.with_model("show 1500000001/17 --json")
    session.with_model("show 1500000001/3")
    session.with_model("search status:failed")
    session.with_model("export --status failed")
    session.with_model("retry-failed")
    session.with_model("retry-failed --dry-run")
    session.with_model("retry-failed --force --dry-run")
    session.with_model("retry-failed --force --class refused")
    session.with_model("retry-failed --force --class bad_answer --json")
    session.with_model("retry-failed --force", 401)
    session.with_model("tag --stale")
    session.with_model("tag --force --model model-b,model-a --limit 3", 404)
    session.with_model("tag --stale --vocabulary closed.txt --json")
    session.with_model("tag --force --yes --max-time 10m", LLM_BATCH="20")
    session.with_model("tag --force --yes --concurrency 2 --post 1500000001/3")
    (session.work / "rules.txt").write_text("Give {minimum} to {maximum} tags in {language}.\n")
    session.with_model("tag --show-prompt", LLM_PROMPT="rules.txt")
    session.with_model("tag --stale --dry-run", LLM_PROMPT="rules.txt")
    session.with_model("tags")
    session.with_model("tags undo 5 --dry-run")
    session.with_model("sync --json", PREVIEW_URL=session.preview.url)
    session.with_model("status --json")
    session.type("tag --force --yes --limit 1", LLM_URL="http://127.0.0.1:9/v1", LLM_MODEL="m",
                 RETRY_BASE="0.01")  # fmt: skip
    session.type("tag", LLM_URL="ftp://127.0.0.1/v1", LLM_MODEL="m")
    session.type("doctor", LLM_URL="http://127.0.0.1:9/v1", LLM_MODEL="m")
    session.new_home()


def signing_in(session: Session) -> None:
    session.type("login")
    session.answer("login", "no number\n")
    session.answer("login --api-id 1", "\n")
    nowhere = {"TELEGRAM_SERVER": "127.0.0.1:9", "TELEGRAM_DC": "2"}
    session.type("login --api-id 1 --api-hash h --phone 1", **nowhere)
    session.type("login --api-id 1 --api-hash h", TELEGRAM_SERVER="nowhere")
    session.type("login --json --account work")
    session.type("logout")
    session.type("logout --account work")
    session.type("login --account ../elsewhere")


def the_demo(session: Session) -> None:
    session.type("demo")
    session.type("demo --db demo.db")
    session.type("tags --db demo.db --json")
    session.type("status --db demo.db")
    session.type("-q demo")


def said_on_a_terminal(session: Session) -> None:
    for line in (
        "parse", "parse export", "parse export later group", "parse account", "parse @newsroom",
        "parse @missing", "tag --dry-run", "tag --limit 3", "tag", "tag", "tag --stale",
        "retry-failed", "retry-failed --force", "sync", "sync -q", "tags --unused", "tags suggest",
        "search ракета --limit 1", "search zzzzz", "export -o all.jsonl",
        "export --format md -o seen-md", "export --format md -o seen-md --limit 2",
        "export --format html -o seen-html", "tags export-vocabulary -o seen.txt",
        "doctor --backup seen.db", "channels remove Newsroom --with-posts", "login", "logout",
        "-q parse export", "tag -q --force --yes", "demo -q",
    ):  # fmt: skip
        session.watch("stderr", line, PREVIEW_URL=session.preview.url)
    session.model.script = [429, 500]
    for line in (
        "tag --force --yes", "tag --stale", "tag --force --dry-run", "retry-failed --force",
        "retry-failed", "tag --show-prompt",
    ):  # fmt: skip
        session.watch("stderr", line, **session.model.settings)


def drawn_on_a_terminal(session: Session) -> None:
    for line in (
        "", "tag --help", "nothing", "parse export", "tag --json --force --yes", "status", "tags",
        "tags --unused", "tags merge банк --into экономика", "tags", "channels",
        "channels pause Маяк", "channels", "search ракета", "search ракета --json --limit 1",
        "search harbour lisbon --limit 1", "search --tag кошка", "show 1500000001/14",
        "show 1500000001/10", "show 1500000001/3 --json", "export --limit 2",
        "export --limit 3 --format csv", "export --limit 2 --format rss", "doctor",
        "doctor --recover seen-saved.db", "doctor --db no.db", "login", "demo",
        "search ракета --no-color -q", "tag --dry-run", "config path",
    ):  # fmt: skip
        session.watch("stdout", line, PREVIEW_URL=session.preview.url)
    short = {"DATA_DIR": "data", "DB": "posts.db"}
    session.watch("stdout", "config --config mine.toml", **short)
    session.watch("stdout", "status", **short)
    for line in ("tag --force --yes", "status", "show 1500000001/18", "tag --show-prompt"):
        session.watch("stdout", line, **session.model.settings)
    session.new_home()


CHAPTERS = (
    help_of_every_command,
    what_is_typed_wrong,
    before_there_is_anything,
    databases_that_are_none,
    settings,
    reading_exports,
    the_embedded_tagger,
    looking,
    exporting,
    tags_by_hand,
    the_doctor,
    channels_by_hand,
    the_web_preview,
    a_language_model,
    signing_in,
    the_demo,
    said_on_a_terminal,
    drawn_on_a_terminal,
)


if __name__ == "__main__":
    sys.exit(main())
