"""Secrets and the modes of files (I9): under any umask, in no output, no file, no argument."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from answers import PHONE
from exports import chat, message, write
from hostile import TERMINAL, unseen
from telegram_server import ServerThread
from terminal import in_pipes
from tgtagger.cli.permissions import for_shell

pytestmark = pytest.mark.row("I9")

KEY = "sk-canary-0123456789abcdef"
API_HASH = "0123456789abcdefCANARYhash"
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
        target.touch(0o644)
        target.chmod(0o666)
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
