"""Secrets and the modes of files (I9): under any umask, in no output, no file, no argument."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llm_server import LlmServer, contents, faults, refusals
from support import breaking
from support.answers import PHONE
from support.exports import chat, message, write
from support.fault_matrix import Effort
from support.hostile import TERMINAL, unseen
from support.terminal import Shown, in_pipes
from telegram_server import ServerThread
from tgtagger.cli.context import Invocation
from tgtagger.cli.doctor.permissions import for_shell
from tgtagger.config import load
from tgtagger.errors import SourceError

pytestmark = pytest.mark.row("I9")

KEY = "sk-canary-0123456789abcdef"
API_HASH = "0123456789abcdefcafeca7a10ddba11"
PASSWORD = "canary horse battery"
PROXY_PASSWORD = "canaryproxypass"


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=lambda mask: f"{mask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """Return the mode of everything below a folder."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def environment(telegram: ServerThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the program to a Telegram of our own; return the folder that all it makes is in."""
    key = tmp_path / "key.pem"
    key.write_text(telegram.key.pem)
    for name, value in {
        "DATA_DIR": str(tmp_path / "all" / "deep" / "data"),
        "TELEGRAM_SERVER": f"127.0.0.1:{telegram.port}",
        "TELEGRAM_DC": "2",
        "TELEGRAM_KEY": str(key),
        "TELEGRAM_PAGE_WAIT": "0",
        "PREVIEW_URL": "http://127.0.0.1:9/s",
        "CONFIG": str(tmp_path / "all" / "settings" / "of" / "mine.toml"),
    }.items():
        monkeypatch.setenv(f"TGTAGGER_{name}", value)
    return tmp_path / "all"


def test_all_that_is_made_is_its_owners_only(
    umask: int, environment: Path, telegram: ServerThread, tmp_path: Path
) -> None:
    telegram.world.account(PHONE)
    telegram.world.channel("newsroom", "News", messages=3)
    os.umask(0o022)
    export = write(tmp_path / "export", chat(message(1, "storm")))
    os.umask(umask)
    (tmp_path / "all").mkdir(mode=0o700)
    (tmp_path / "all").chmod(0o700)
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.delenv("TGTAGGER_CONFIG")
    done = in_pipes("login", "--api-id", "1", "--api-hash", API_HASH, "--phone", PHONE,
                    stdin="12345\n")  # fmt: skip
    assert done.code == 0, done
    monkeypatch.undo()
    assert in_pipes("config", "init").code == 0
    (environment / "settings/of/mine.toml").chmod(0o644)
    assert in_pipes("config", "init", "--force").code == 0
    assert in_pipes("parse", "@newsroom").code == 0
    assert in_pipes("--db", str(environment / "new/er/posts.db"), "parse", str(export)).code == 0
    assert in_pipes("tag").code == 0
    for form in ("jsonl", "json", "csv"):
        target = environment / f"posts.{form}"
        assert in_pipes("export", "--format", form, "-o", str(target)).code == 0
    with closing(sqlite3.connect(environment / "deep/data/tgtagger.db")) as raw:
        raw.execute("BEGIN")  # so that the -wal and -shm of a reader stay
        raw.execute("SELECT * FROM posts").fetchone()
        assert in_pipes("tag", "--force", "--yes").code == 0
        found = modes(environment)
    assert {"deep/data/sessions/default.session", "deep/data/sessions/default.json",
            "deep/data/tgtagger.db", "deep/data/tgtagger.db-wal", "deep/data/tgtagger.db-shm",
            "settings/of/mine.toml", "new/er/posts.db", "posts.csv"} <= set(found)  # fmt: skip
    wide = {
        name: f"{mode:o}"
        for name, mode in found.items()
        if mode != (0o700 if (environment / name).is_dir() else 0o600)
    }
    assert not wide
    assert os.umask(umask) == umask  # a run leaves it as it was


# ---- doctor


def warnings(*arguments: str) -> list[dict[str, str]]:
    """Return what doctor warns of as to permissions."""
    shown = in_pipes(*arguments, "doctor", "--json")
    assert shown.code == 0, shown
    found = json.loads(shown.output)
    return [each for each in found if (each["check"], each["level"]) == ("permissions", "warning")]


def follow(hint: str) -> None:
    """Do what a hint says, as a user who copies it into a shell does."""
    subprocess.run(["bash", "-c", hint.removeprefix("run: ")], check=True)


@pytest.mark.parametrize(
    "name",
    ["plain", "two words", "it's $(touch pwned) `x` \"y\"", "a\nnew line", "-rf", "é\u202e\x1b[31m",
     os.fsdecode(b"no utf-8 \xff")],
    ids=ascii,
)  # fmt: skip
def test_doctor_warns_of_wide_modes_and_says_what_mends_them(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / name
    sessions = folder / "sessions"
    sessions.mkdir(parents=True)
    monkeypatch.setenv("TGTAGGER_DATA_DIR", str(folder))
    config = folder / "settings.toml"
    config.write_text(f'telegram.api_hash = "{API_HASH}"\n')
    monkeypatch.setenv("TGTAGGER_CONFIG", str(config))
    prompt = folder / "rules.txt"
    prompt.write_text("Tag it.")
    monkeypatch.setenv("TGTAGGER_LLM_PROMPT", str(prompt))
    export = write(tmp_path / "export", chat(message(1, "storm")))
    assert in_pipes("parse", str(export)).code == 0
    database = folder / "tgtagger.db"
    (sessions / "other.session").touch()
    (sessions / "other.json").write_text("{}")
    private = [database, config, sessions / "other.session", sessions / "other.json"]
    for path in private:
        path.chmod(0o600)
    for path in (folder, sessions):
        path.chmod(0o700)
    prompt.chmod(0o644)
    assert warnings() == []
    for path, mode in [*((path, 0o640) for path in private), (prompt, 0o664)]:
        path.chmod(mode)
        (found,) = warnings()
        assert not unseen(found["message"] + found["hint"])
        assert f"mode {mode:o}" in found["message"]
        follow(found["hint"])
        assert warnings() == []
    for path in (folder, sessions):
        path.chmod(0o770)
        found_all = warnings()
        assert len(found_all) == 1
        follow(found_all[0]["hint"])
        assert warnings() == []
        path.chmod(0o1777)
        assert "beside yours" in warnings()[0]["message"]
        path.chmod(0o700)
    assert not list(tmp_path.rglob("pwned"))
    assert not Path("pwned").exists()


def test_doctor_warns_of_folders_far_above_and_behind_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tmp_path / "real" / "below"
    real.mkdir(parents=True)
    (tmp_path / "link").symlink_to(real)
    export = write(tmp_path / "export", chat(message(1, "storm")))
    arguments = ("--db", str(tmp_path / "link" / "posts.db"))
    assert in_pipes(*arguments, "parse", str(export)).code == 0
    assert warnings(*arguments) == []
    (tmp_path / "real").chmod(0o777)
    (found,) = warnings(*arguments)
    assert str(tmp_path / "real") in found["message"]
    (tmp_path / "real").chmod(0o1777)  # nobody else may move what lies there
    assert warnings(*arguments) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_doctor_warns_of_another_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "c.toml"
    config.touch(0o600)
    os.chown(config, 65534, 65534)
    found = warnings("--config", str(config), "--db", str(tmp_path / "posts.db"))
    assert [each["message"] for each in found] == [
        f"{config} belongs to another user (number 65534)"
    ]
    os.chown(config, 0, 0)
    os.chown(tmp_path, 65534, 65534)
    found = warnings("--config", str(config), "--db", str(tmp_path / "posts.db"))
    assert len(found) == 1
    assert f"the folder {tmp_path} belongs" in found[0]["message"]


def test_a_path_for_a_shell_is_the_path(tmp_path: Path) -> None:
    for name in (*TERMINAL.values(), "'", "\\", "\\'", "$x", os.fsdecode(bytes(range(128, 256)))):
        path = Path(name.replace("\0", ""))
        told = subprocess.run(
            ["bash", "-c", f"printf %s {for_shell(path)}"], capture_output=True, check=True
        )
        assert told.stdout == os.fsencode(path)
        assert not unseen(for_shell(path))
        assert "\n" not in for_shell(path)


# ---- in no output, in no file


def assert_nowhere(canaries: dict[str, str | bytes], shown: str, *files: Path) -> None:
    for name, canary in canaries.items():
        words = canary if isinstance(canary, str) else canary.hex()
        assert words not in shown, f"{name} is shown"
        raw = canary.encode() if isinstance(canary, str) else canary
        for path in files:
            content = path.read_bytes()
            assert raw not in content, f"{name} is in {path}"
            assert raw.hex().encode() not in content.lower(), f"{name} is in {path}, as hex"


EVERYTHING = [
    "config", "config --json", "doctor", "doctor --json", "status", "status --json", "tags",
    "tags --json", "channels", "channels --json", "search storm", "search --json storm",
    "show @newsroom/1", "show @newsroom/1 --json", "export", "export --format csv",
    "tag --dry-run", "tag --dry-run --json", "tag --show-prompt", "tag --show-prompt --json",
    "retry-failed", "retry-failed --force --json", "sync --json", "parse --json", "login",
]  # fmt: skip


def test_no_secret_is_shown_or_stored(
    environment: Path, telegram: ServerThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    telegram.world.account(PHONE, password=PASSWORD)
    telegram.world.channel("newsroom", "News", messages=12)
    config = environment / "settings/of/mine.toml"
    config.parent.mkdir(parents=True)
    with LlmServer() as server:
        config.write_text(
            f'telegram.api_id = 1\ntelegram.api_hash = "{API_HASH}"\n'
            f'tagging.llm.url = "{server.url}"\ntagging.llm.models = "test-model"\n'
            f'tagging.llm.api_key = "{KEY}"\ntagging.retry_base = 0\n'
        )
        shown: list[str] = []

        def call(*arguments: str, stdin: str = "") -> Shown:
            done = in_pipes("-vv", *arguments, stdin=stdin)
            shown.append(done.output + done.errors)
            return done

        call("login", stdin=f"+{PHONE}\n11111\n12345\nwrong {PASSWORD}\n{PASSWORD}\n")
        assert call("parse", "@newsroom").code == 0
        server.rule = lambda seen: contents.refusal() if "number 7 " in str(seen.texts) else None
        assert call("tag").code == 5
        server.rule = None
        for command in EVERYTHING:
            assert call(*command.split(" ")).code in {0, 5}, (command, shown[-1])
        for form in ("jsonl", "csv"):
            call("export", "--format", form, "-o", str(environment / f"posts.{form}"))
    session = environment / "deep/data/sessions/default.session"
    with closing(sqlite3.connect(session)) as raw:
        (auth_key,) = raw.execute("SELECT auth_key FROM sessions").fetchone()
    # Telethon leaves out leading zeros: one key in 256 is shorter.
    assert 250 <= len(auth_key) <= 256
    made = [path for path in environment.rglob("*") if path.is_file()]
    secret: dict[str, str | bytes] = {
        "the API hash": API_HASH, "the phone number": PHONE, "the password": PASSWORD,
        "the session": auth_key[:32], "the key": KEY,
    }  # fmt: skip
    kept = {config, session, session.with_suffix(".json")}
    assert_nowhere(secret, "".join(shown), *(path for path in made if path not in kept))
    # What each of the three is for, and no more.
    others: dict[str, str | bytes] = {"the key": KEY, "the password": PASSWORD}
    assert_nowhere(others, "", session.with_suffix(".json"))
    assert_nowhere({**others, "the API hash": API_HASH}, "", session)


# The first of each list are tried in the short form.

ECHOES: dict[str, Any] = {
    "as a tag": contents.tags_of([KEY, f"tag {KEY}", "storm"]),
    "in an error": faults.status(500, {"error": {"message": f"bad {KEY} here", "type": KEY}}),
    "to another host": faults.redirect(f"https://{KEY}@{KEY}.evil.example/{KEY}?{KEY}"),
    "refused": refusals.wrong_key(echo=True),
    "in plain text": faults.status(400, f"Authorization: Bearer {KEY}"),
    "in HTML": faults.status(404, f"<html>{KEY}</html>"),
    "in headers": faults.status(429, None, {"retry-after": KEY, "x-ratelimit-reset": KEY}),
    "to no host": faults.redirect(f"https://[{KEY}"),
    "as a refusal": contents.refusal(f"No: {KEY}"),
    "as prose": contents.content(f"The key is {KEY}"),
    "in another answer": faults.body_of({"error": KEY, "message": KEY, "choices": KEY}),
}


def test_a_server_that_says_the_key_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effort: Effort
) -> None:
    for how in list(ECHOES)[: effort.rounds(3, long=len(ECHOES))]:
        folder = tmp_path / how.replace(" ", "-")  # commands are split at their spaces
        folder.mkdir()
        say_the_key(how, folder, monkeypatch)


def say_the_key(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = tmp_path / "posts.db"
    export = write(tmp_path / "export", chat(message(1, "a storm"), message(2, "another")))
    shown = ""
    with LlmServer(models=["test-model", f"model {KEY}", {"id": "x", KEY: KEY}]) as server:
        for name, value in {
            "URL": server.url, "MODEL": "test-model", "API_KEY": KEY, "WAIT": "0",
        }.items():  # fmt: skip
            monkeypatch.setenv(f"TGTAGGER_LLM_{name}", value)
        monkeypatch.setenv("TGTAGGER_RETRY_BASE", "0")
        monkeypatch.setattr("tgtagger.taggers.llm.probe.LONGEST_WAIT", 0.1)
        server.rule = lambda _: ECHOES[how]
        for command in (
            f"parse {export}", "tag", "tag --json", "doctor", "doctor --json", "status --json",
            "retry-failed --force --json", "tags --json", "export", "show 1006503122/1 --json",
        ):  # fmt: skip
            done = in_pipes("-vv", "--db", str(db), *command.split(" "))
            shown += done.output + done.errors
        assert server.completions
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    # Not even half of it, as a message that is cut would leave it.
    assert_nowhere({"the key": KEY, "its beginning": KEY[:14], "its end": KEY[-12:]}, shown, *files)


PROXIES = [
    "http://user:{}/x@host:1", "http://user:{}@[bad", "socks5://user:{}@127.0.0.1:9",
    "ftp://user:{}@x", "http://user:{}@127.0.0.1:9", "http://user:{}?x@host:1",
    "http://user:{}#x@host:1", "http://user:{}@x:99999", "http://user:{}@x:port",
    "http://{}\x01@x:1", "user:{}@x", "{}",
]  # fmt: skip


def test_a_proxys_password_is_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effort: Effort
) -> None:
    monkeypatch.setattr("tgtagger.sources.preview.client.PAUSES", (0.0,))
    monkeypatch.setattr("tgtagger.sources.telegram.session.PATIENCE", 0.2)
    export = write(tmp_path / "export", chat(message(1, "a storm")))
    db = ("-vv", "--db", str(tmp_path / "posts.db"))
    assert in_pipes(*db, "parse", str(export)).code == 0
    sessions = tmp_path / "data" / "sessions"
    sessions.mkdir(parents=True)
    (sessions / "default.session").touch()
    for name, value in {
        "TGTAGGER_DATA_DIR": str(tmp_path / "data"),
        "TGTAGGER_API_ID": "1",
        "TGTAGGER_API_HASH": API_HASH,
        "TGTAGGER_TELEGRAM_SERVER": "127.0.0.1:9",
        "TGTAGGER_PREVIEW_URL": "https://preview.invalid/s",
        "TGTAGGER_LLM_URL": "https://model.invalid/v1",
        "TGTAGGER_LLM_MODEL": "m",
        "TGTAGGER_RETRY_BASE": "0",
    }.items():
        monkeypatch.setenv(name, value)
    for proxy in PROXIES[: effort.rounds(2, long=len(PROXIES))]:
        for variable in ("TGTAGGER_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(variable, proxy.format(PROXY_PASSWORD))
        for command in (
            "parse @newsroom --via preview", "parse @newsroom --via telegram", "tag --max-time 1s",
            "config", "config --json", "doctor",
        ):  # fmt: skip
            done = in_pipes(*db, *command.split(" "))
            assert done.code in {0, 2, 3, 75}, (proxy, done)
            assert "canary" not in (done.output + done.errors).lower(), (proxy, command)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:{}@host/db",
        "postgresql://127.0.0.1:9/db?sslpassword={}",
        "postgresql://127.0.0.1:9/db?pass%77ord={}",
        "postgresql://127.0.0.1:9/db?options=-c%20my.password%3D{}",
    ],
)
def test_a_database_of_another_kind_shows_no_password(url: str) -> None:
    url = url.format(PASSWORD)
    for command in ("config", "config --json", "status", "doctor"):
        done = in_pipes("-vv", "--db", url, *command.split(" "))
        assert PASSWORD not in done.output + done.errors, command


@pytest.mark.parametrize(
    "command", [*EVERYTHING, "work --once", "serve --port 0", "mcp", "doctor --backup copy.db"]
)
def test_the_password_of_a_database_server_is_shown_nowhere(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for url in (
        f"postgresql://anna:{PROXY_PASSWORD}@127.0.0.1:9/posts",
        f"postgresql://127.0.0.1:9/posts?user=anna&password={PROXY_PASSWORD}&sslmode=disable",
    ):
        monkeypatch.setenv("TGTAGGER_DB", url)
        done = in_pipes(*command.split(" "))
        assert_nowhere({"password": PROXY_PASSWORD}, done.output + done.errors)


def test_the_password_of_a_database_server_is_no_argument_of_a_worker() -> None:
    url = f"postgresql://anna:{PROXY_PASSWORD}@127.0.0.1:9/posts"
    again = Invocation({"db": url}).again(load({"db": url}, {}))
    assert PROXY_PASSWORD not in " ".join(again)
    assert os.environ["TGTAGGER_DB"] == url  # which the worker inherits


# ---- crashes

CRASH = """
import sys
import traceback
{patch}
from tgtagger.__main__ import main
main()
"""
CRASHES = {
    "a bug with a key in hand": """
import tgtagger.taggers.llm.api.client as client
async def ask(self, body):
    key, text = self.key, body
    raise RuntimeError("boom \\x1b[31m\\x9b31m")
client.Server.ask = ask""",
    "a bug in the store": """
import tgtagger.store.queue as queue
from tgtagger.store.statements import Statement
def save(db, *rest):
    wrong = Statement("SELECT :key FROM nowhere")
    return wrong(db, key=sys.modules["os"].environ["TGTAGGER_LLM_API_KEY"])
queue._save_updates = save""",
    "SQLAlchemy's words": """
import sqlalchemy, tgtagger.store.queue as queue
def count(self, wanted):
    with self._database.opened.engine.connect() as connection:
        key = sys.modules["os"].environ["TGTAGGER_LLM_API_KEY"]
        connection.execute(sqlalchemy.text("SELECT :key FROM nowhere"), {"key": key})
queue.Queue.count = count""",
}


def test_a_crash_shows_no_values(tmp_path: Path, effort: Effort) -> None:
    export = write(tmp_path / "export", chat(message(1, "a storm of canary words")))
    db = str(tmp_path / "posts.db")
    assert in_pipes("--db", db, "parse", str(export)).code == 0
    with LlmServer() as server:
        environment = {
            "TGTAGGER_LLM_URL": server.url, "TGTAGGER_LLM_MODEL": "test-model",
            "TGTAGGER_LLM_API_KEY": KEY,
        }  # fmt: skip
        for what in list(CRASHES)[: effort.rounds(1, long=len(CRASHES))]:
            ended = breaking.run(
                "-vv", "--db", db, "tag", env=environment,
                program=(sys.executable, "-c", CRASH.format(patch=CRASHES[what])),
            )  # fmt: skip
            assert ended.code == 1, ended.errors
            assert "Traceback" in ended.errors
            assert not unseen(ended.output + ended.errors)
            assert "canary" not in ended.output + ended.errors


def test_how_a_failure_came_about_quotes_no_file(tmp_path: Path) -> None:
    export = write(tmp_path / "export", chat(message(1, "a"), message(2, "the canary's own words")))
    content = export.read_text()
    for broken in (
        content.replace('"the canary', '{"the canary'), content[: content.rindex("canary") + 9],
        content[: content.rindex("canary") + 9] + "\x1b[31m\n" + content[-9:],
        content.replace('"messages"', "canary"), content.replace('"name"', '"canary \x01'),
    ):  # fmt: skip
        export.write_text(broken)
        done = in_pipes("-vv", "--db", str(tmp_path / "posts.db"), "parse", str(export))
        assert done.code == 2
        assert "canary" not in done.output + done.errors


def test_bytes_that_telethon_cannot_read_are_not_quoted() -> None:
    from telethon.errors import TypeNotFoundError

    from tgtagger.sources.telegram.errors import translated

    with pytest.raises(SourceError) as caught, translated():
        raise TypeNotFoundError(5, b"the canary's own words")
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_no_other_program_is_started(tmp_path: Path, effort: Effort) -> None:
    """So there is none that would inherit a secret, or be given one as an argument."""
    audit = (
        "import sys\n"
        "starts = {'subprocess.Popen', 'os.exec', 'os.fork', 'os.forkpty', 'os.posix_spawn', "
        "'os.spawn', 'os.system', 'pty.spawn'}\n"
        "def look(event, args):\n"
        "    if event in starts: print('STARTED', event, args, file=sys.stderr)\n"
        "sys.addaudithook(look)\n"
    )
    export = write(tmp_path / "export", chat(message(1, "a storm")))
    with LlmServer() as server:
        environment = {
            "TGTAGGER_LLM_URL": server.url, "TGTAGGER_LLM_MODEL": "test-model",
            "TGTAGGER_LLM_API_KEY": KEY, "TGTAGGER_DATA_DIR": str(tmp_path / "data"),
        }  # fmt: skip
        commands = [("parse", str(export), "--then-tag"), ("doctor",), ("sync",), ("status",)]
        for arguments in commands[: effort.rounds(1, long=len(commands))]:
            ended = breaking.run(
                *arguments, env=environment,
                program=(sys.executable, "-c", CRASH.format(patch=audit)),
            )  # fmt: skip
            assert ended.code in {0, 3}, ended.errors  # sync finds no public name
            assert "STARTED" not in ended.errors
            assert KEY not in ended.output + ended.errors
