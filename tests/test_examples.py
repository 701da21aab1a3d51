"""Every example of the pages is run, a page at a time and in order, as a reader would type it.

A page has a home of its own with an archive in it (`archive`), and the tests' servers stand where
Telegram, its web preview and the tagging servers are. What is shown below a command must be what
it prints: the words of it, for the numbers are another archive's. NOT_RUN says what is not run.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llm_server import LlmServer
from support import postgres_server
from support.agent import agent
from support.answers import API_HASH, PHONE
from support.breaking import need
from support.damage import page_of, write_over
from support.environments import to_telegram
from support.exports import account, chat, message, write
from support.forked import start
from support.make import PROVENANCE
from support.preview_server import IN_A_HURRY, SpoiledPreview, number_of
from support.serving import serving
from support.terminal import in_pipes, on_terminal
from telegram_server import ServerThread, World
from tgtagger import config
from tgtagger.model.posts import Channel, PostFilter
from tgtagger.model.tagging import SuggestedTag, TagUpdate
from tgtagger.store import Store
from tgtagger.taggers.llm.costs import read_prices

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.ru.md", *sorted((ROOT / "docs").glob("*.md"))]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


NOT_RUN = {
    "createuser": "makes a user of the reader's server; the tests' own has one",
    "createdb": "the same, a database",
    "make": "sets up an environment; .ci/run and a fresh clone do that",
    "pipx": "installs on the reader's machine; `make build` installs the same",
    "uv": "the same",
    "curl": "installs uv; what it asks a server of ours is asked",
    "brew": "the same",
    "sudo": "installs what the system has",
    "git": "makes a release, of the maintainer's repository",
    "systemctl": "wants the reader's own systemd; the units are checked instead",
    "loginctl": "the same",
    "journalctl": "the same",
    "datasette": "is no dependency of the tests; its kind of reading is tried with sqlite3",
    "ollama": "a model server of the reader's; the tests' own stands in its place",
    "lms": "the same",
    "llama-server": "the same",
    "vllm": "the same",
}
"""Programs that are named and not called, with the reason."""

ON_SERVER = "postgresql://tgtagger@db.example.org/tgtagger"
"""An archive on a server, as the pages name it; the tests' own server stands in its place."""

OURS = "http://127.0.0.1:8344"
"""Where the pages say that `serve` listens."""

PUBLIC = ("news", "durov", "telegram")
"""The channels that Telegram and its web preview have."""

PRIVATE = 1234567890
"""One that a reader who signs in has joined, and has an export of."""

KEY = "sk-test-0123456789"

ENDS = {
    ("docs/recovery.md", "doctor"): 6,
    ("docs/recovery.md", "doctor --recover saved.db"): 5,
    ("docs/postgres.md", "doctor"): 6,  # the tests' server syncs nothing, and doctor says so
}
"""Examples that do not end with 0, as their page says."""

TAGS = ("energy", "ИИ", "AI", "нейросети", "политика", "новости", "война", "энергетика")
TEXT = (
    "A storm over the harbour, number{0}. Ракета, новости, solar power, economy. #energy #политика "
    + "word{0} " * 150
)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive that every page begins with: @news, tagged by run 12, a few posts pending."""
    db = tmp_path_factory.mktemp("examples") / "tgtagger.db"
    messages = [message(n, TEXT.format(n)) for n in range(480, 540)]
    export = write(db.parent / "export", chat(*messages, id=number_of("news")))
    assert in_pipes("--db", str(db), "parse", str(export)).code == 0
    with Store.open(str(db)) as store:
        # With its public name, which an export does not tell.
        store.channels.save(Channel(number_of("news"), "News", "news"))
        for _ in range(10):
            store.runs.end(store.runs.start("parse"), 0, "{}")
        run = store.runs.start("tag", PROVENANCE)
        waiting = list(store.queue.posts(PostFilter()))
        store.queue.save(
            [
                TagUpdate(item.id, item.text_hash, "tagged", PROVENANCE,
                          tuple(SuggestedTag(name) for name in TAGS[n % 3 :]), 1)
                for n, item in enumerate(waiting[8:])
            ],
            run,
        )  # fmt: skip
        store.runs.end(run, 0, "{}")
    return db


@dataclass
class Reader:
    """Somebody who types what a page says."""

    page: str
    home: Path
    monkeypatch: pytest.MonkeyPatch
    servers: contextlib.ExitStack
    printed: str = ""
    address: str = ""
    """Of the pages and the API, where the last `serve` listens."""
    on_server: str = ""
    """The URL of a database of the tests' own server, if the page names one."""

    def type(self, line: str, *, watched: bool = False) -> None:
        """Type a line; `watched` on a terminal, where more is said."""
        line = self._filled_in(line)
        first, *rest = shlex.split(line, comments=True)
        if first == "curl" and OURS in line:
            need("curl")
            self.printed = _in_a_shell(line.replace("curl", "curl -sS --fail-with-body", 1))
        elif first in NOT_RUN:
            return
        elif first == "pg_dump":
            _in_a_shell(f"{postgres_server.binaries()}/{line}")
        elif rest[:1] == ["serve"]:
            self._serve(rest[1:])
        elif first == "export":
            self._export(rest)
        elif first == "cd":
            self.monkeypatch.chdir(Path(rest[0]).expanduser())
        elif first == "sqlite3":
            self._query(rest)
        elif first == "tgtagger":
            self._call(line, watched=watched)
        else:
            self.printed = _in_a_shell(line)

    def _filled_in(self, line: str) -> str:
        line = line.replace("/home/me/.local/bin/tgtagger", "tgtagger").replace(r"\%", "%")
        line = line.replace("$(date +%F)", "2026-02-01")
        line = line.replace(OURS, self.address or OURS)
        line = line.replace(ON_SERVER, self.on_server)
        line = re.sub(r"(/home/me|~)(?=/)", str(self.home), line)
        return line.replace("/srv/www", str(self.home))

    def _call(self, line: str, *, watched: bool) -> None:
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|")
        lexer.whitespace_split = True
        words = list(lexer)[1:]
        piped = words.index("|") if "|" in words else len(words)
        call = words[:piped]
        if call[0] == "work":  # it would wait for jobs
            call = ["work", "--max-time", "1s"]
        answers = f"1\n{API_HASH}\n+{PHONE}\n12345\n" if call == ["login"] else ""
        done = on_terminal(*call, columns=200) if watched else in_pipes(*call, stdin=answers)
        wanted = ENDS.get((self.page, shlex.join(call)), 0)
        assert done.code == wanted, f"{self.page}: {line}\n{done.output}{done.errors}"
        self.printed = done.output
        if piped < len(words):
            after = line.split(" #", maxsplit=1)[0].partition("|")[2]
            self.printed = _in_a_shell(after, done.output)
            assert self.printed, f"{self.page}: {line}"

    def _serve(self, options: list[str]) -> None:
        """Start a server on a port of its own, which this machine alone can reach."""
        options = [option for option in options if option != "--open"]
        if "--host" in options:
            options[options.index("--host") + 1] = "127.0.0.1"
        started = self.servers.enter_context(serving(None, *options))
        self.address = started.address

    def _export(self, assignments: list[str]) -> None:
        """Set variables; the tests' own server stands where the tagging server is."""
        given = dict(each.split("=", 1) for each in assignments)
        if given.keys() & {"TGTAGGER_LLM_PROVIDER", "TGTAGGER_LLM_URL"}:
            for name in [name for name in os.environ if name.startswith("TGTAGGER_LLM_")]:
                self.monkeypatch.delenv(name)  # another server than the one before
        for name, value in given.items():
            if name.endswith("_PROXY"):  # there is none here: what it takes is looked at
                assert config.load({}, {"TGTAGGER_PROXY": value}).proxy == value
                continue
            secret = value.replace("…", KEY if name.endswith("KEY") else "model")
            self.monkeypatch.setenv(name, secret)
        if models := os.environ.get("TGTAGGER_LLM_MODEL"):
            kind = os.environ.get("TGTAGGER_LLM_PROVIDER", "plain")
            server = self.servers.enter_context(LlmServer(kind, models=[*models.split(",")]))
            self.monkeypatch.setenv("TGTAGGER_LLM_URL", server.url)

    def _query(self, words: list[str]) -> None:
        file, *statements = [word for word in words if word != "-readonly"]
        self.query(Path(file), statements)

    def query(self, db: Path, statements: list[str]) -> None:
        with closing(sqlite3.connect(f"file:{db.absolute()}?mode=ro", uri=True)) as opened:
            for statement in statements or ["SELECT count(*) FROM tagged_posts"]:
                rows = opened.execute(statement).fetchall()
                assert rows or "FROM attempts" in statement, f"{self.page}: {statement}"

    def see(self, shown: str) -> None:
        """Look for the words of a line in what the last command printed."""
        for word in shown.split():
            if re.fullmatch(r"[^\W\d_][\w-]+[:,]?", word):
                assert word in self.printed, f"{self.page}: {shown!r} is not in\n{self.printed}"

    def _assistant(self, servers: dict[str, Any]) -> None:
        """Start what an assistant's settings name, and ask it as an assistant does."""
        for server in servers.values():
            assert server["command"] == "tgtagger"
            with agent(start(server["args"], stdin=subprocess.PIPE)) as connected:
                assert connected.ask("search_posts", query="storm")["total"] > 10

    # ---- what is no command

    def read(self, kind: str, text: str) -> None:
        """Try a block that is no console by what it says it is, or looks like."""
        file = Path("prices.toml" if "input =" in text else "block.txt")
        file.write_text(text.replace("…", KEY), encoding="utf-8")
        if kind == "sql":
            statements = re.sub(r"--.*", "", text).split(";")
            self.query(self.database, [each for each in statements if each.strip()])
        elif kind == "ini":
            self._unit(text)
        elif kind == "json" and "servers" in text.casefold():
            (servers,) = json.loads(text).values()
            self._assistant(servers)
        elif kind == "python":
            self._python(text)
        elif file.name == "prices.toml":
            assert read_prices(file)
        elif kind == "toml":
            self.type("tgtagger --config block.txt config")
            assert set(config.load({"config": "block.txt"}).origins.values()) > {"default"}
        elif text.startswith("# mode:"):
            self.type("tgtagger tag --vocabulary block.txt --dry-run")
        elif text.startswith("# shelf"):
            self.monkeypatch.setenv("TGTAGGER_SHELVES", "block.txt")
            self.type("tgtagger tag --limit 1")
        elif "{minimum}" in text:
            self.monkeypatch.setenv("TGTAGGER_LLM_PROMPT", "block.txt")
            self.type("tgtagger tag --show-prompt")
            filled = {"minimum": 3, "maximum": 7, "language": "the language of the post"}
            assert text.splitlines()[0].format(**filled) in self.printed
        else:
            if "reverse_proxy" in text:  # of another program
                return
            for line in text.splitlines():
                found = re.fullmatch(r"(?:[\d*/,-]+ ){5}(.+)", line)
                assert found, f"{self.page}: nobody knows how to try {line!r}"
                self.type(found[1])

    @property
    def database(self) -> Path:
        return self.home / ".local/share/tgtagger/tgtagger.db"

    def _unit(self, text: str) -> None:
        """Run a service's command; let systemd, where it is, look at both units."""
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(text)
        command = "%h/.local/bin/tgtagger"
        if "Service" in unit:
            self.type(unit["Service"]["ExecStart"].replace(command, "tgtagger"))
            assert "143" in unit["Service"]["SuccessExitStatus"].split()
        file = self.home / f"tgtagger.{'service' if 'Service' in unit else 'timer'}"
        file.write_text(text.replace(command, shutil.which("true") or "/bin/true"))
        if "Timer" in unit and shutil.which("systemd-analyze"):
            service = file.with_suffix(".service")
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", service, file],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert "tgtagger." not in done.stderr, done.stderr

    def _python(self, text: str) -> None:
        """Run a program, pandas or not: what is ours in it is the query and the address."""

        def read_sql(query: str, opened: sqlite3.Connection) -> list[Any]:
            with closing(opened):
                return opened.execute(query).fetchall()

        stand_in = types.ModuleType("pandas")
        stand_in.read_sql = read_sql  # type: ignore[attr-defined]
        self.monkeypatch.setitem(sys.modules, "pandas", stand_in)
        names: dict[str, Any] = {}
        exec(text, names)
        assert names["posts"]


def _in_a_shell(line: str, given: str = "") -> str:
    done = subprocess.run(["bash", "-c", line], input=given, capture_output=True, text=True,
                          timeout=20, check=False)  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


def fill(world: World) -> None:
    """Put in what Telegram has for a reader who signs in."""
    world.account(PHONE).joined.add(PRIVATE)
    for name in PUBLIC:
        world.channel(name, messages=3, id=number_of(name))
    world.channel(None, "Private", messages=3, id=PRIVATE).private = True


@pytest.fixture
def reader(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Reader]:
    source: Path = request.param
    text = source.read_text(encoding="utf-8")
    home = tmp_path / "home"
    data = home / ".local/share/tgtagger"
    data.mkdir(parents=True)
    shutil.copy(archive, data / "tgtagger.db")
    export = chat(*(message(n, f"Post {n} of a storm") for n in range(1, 4)), id=PRIVATE)
    write(home / "Downloads/ChatExport_2026-01-31", export)
    write(home / "Downloads/DataExport_2026-01-31", account(export))
    (home / "Downloads/Telegram Desktop").mkdir()
    (data / "channels.txt").write_text("@durov\nt.me/telegram\n")
    example = (ROOT / "docs/vocabulary.md").read_text(encoding="utf-8")
    (data / "tags.txt").write_text(
        re.findall(r"^```\n(# mode:.*?)^```", example, re.MULTILINE | re.DOTALL)[0]
    )
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    if sys.platform == "darwin":  # the pages show where the data are on Linux
        monkeypatch.setenv("TGTAGGER_DATA_DIR", str(data))
    monkeypatch.setitem(IN_A_HURRY, "pause", 0.0)
    monkeypatch.chdir(data)
    with contextlib.ExitStack() as servers:
        preview = servers.enter_context(SpoiledPreview())
        for name in PUBLIC:
            preview.channel(name, 3)
        monkeypatch.setenv("TGTAGGER_PREVIEW_URL", preview.base)
        if re.search(r"^\$ tgtagger login", text, re.MULTILINE):
            telegram: ServerThread = request.getfixturevalue("telegram")
            fill(telegram.world)
            for name, value in to_telegram(telegram, tmp_path).items():
                if name.startswith("TGTAGGER_TELEGRAM"):
                    monkeypatch.setenv(name, value)
        made = Reader(_name(source), home, monkeypatch, servers)
        if ON_SERVER in text:
            made.on_server = request.getfixturevalue("empty_server_url")
        yield made


@pytest.mark.parametrize("reader", PAGES, ids=_name, indirect=True)
def test_every_example_runs(reader: Reader) -> None:
    if reader.page == "docs/recovery.md":
        write_over(reader.database, page_of(reader.database, "posts"), bytes(4096))
    text = (ROOT / reader.page).read_text(encoding="utf-8")
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if kind != "console":
            reader.read(kind, block)
            continue
        lines = block.splitlines()
        for line, following in zip(lines, [*lines[1:], "$ "], strict=True):
            if line.startswith("$ "):
                reader.type(line[2:], watched=not following.startswith("$ "))
            else:
                reader.see(line)


def test_what_is_not_run_is_named() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert NOT_RUN.keys() == {name for name in NOT_RUN if f"\n$ {name} " in text}


def test_lists_have_the_keys_that_are_promised(archive: Path, tmp_path: Path) -> None:
    db = shutil.copy(archive, tmp_path)
    text = (ROOT / "docs/records.md").read_text(encoding="utf-8")
    table = text.partition("## Lists")[2].partition("\n\nIn `status`")[0]
    rows = re.findall(r"^\| `([a-z ]+)` \| an? \w+: ([^;|]*)", table, re.MULTILINE)
    assert len(rows) == 7
    in_pipes("tags", "alias", "AI", "made here", "--db", str(db))
    for command, promised in rows:
        told = json.loads(in_pipes(*command.split(), "--json", "--db", str(db)).output)
        keys = set(re.findall(r"`([a-z_]+)`", re.sub(r"\([^)]*\)", "", promised)))
        assert keys <= (told if isinstance(told, dict) else told[0]).keys(), command
    keys = {"name", "aliases", "posts", "dry_run"}
    for call in ("rename AI x", "merge AI --into ИИ", "alias AI x", "remove AI"):
        dry = () if call.startswith("alias") else ("--dry-run",)
        told = json.loads(in_pipes("tags", *call.split(), *dry, "--json", "--db", str(db)).output)
        assert keys <= (told if isinstance(told, dict) else told[0]).keys(), call
    undone = in_pipes("tags", "undo", "12", "--dry-run", "--json", "--db", str(db)).output
    assert {
        "number",
        "run",
        "by",
        "what",
        "names",
        "posts",
        "links",
        "tags",
        "kept",
        "dry_run",
    } <= json.loads(undone).keys()
