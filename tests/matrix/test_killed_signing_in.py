"""K6: killed in login or logout: the session is the one of before or the whole new one, or gone."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from support.answers import API_HASH, PHONE
from support.breaking import Ended, Fault, calls_in, run
from support.environments import access_to, sign_in, to_telegram
from support.fault_matrix import Effort
from support.killing import DEADLY, KILLED
from telegram_server import ServerThread
from tgtagger.errors import ActionNeeded
from tgtagger.sources.telegram import session

pytestmark = pytest.mark.row("K6")

LOGIN = ("login", "--api-id", "1", "--api-hash", API_HASH, "--phone", PHONE)
OURS = {"default.session", "default.json", "default.lock"}


class Folder:
    """The sessions of a test, and how they were before."""

    def __init__(self, telegram: ServerThread, tmp_path: Path) -> None:
        self.telegram = telegram
        self.access = access_to(telegram, tmp_path)
        self.env = to_telegram(telegram, tmp_path)
        self.path = self.access.folder
        self.before = tmp_path / "before"
        self.path.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.path, self.before)

    def start_over(self) -> None:
        """Put back the files of before; what else lies there stays."""
        for name in OURS:
            (self.path / name).unlink(missing_ok=True)
        shutil.copytree(self.before, self.path, dirs_exist_ok=True)
        for known in self.telegram.sessions.values():
            known.account = self.telegram.world.accounts[PHONE]

    def run(self, arguments: Sequence[str], **how: float | Fault | None) -> Ended:
        self.start_over()
        ended = run(*arguments, env=self.env, stdin="12345\n", **how)  # type: ignore[arg-type]
        assert ended.code in {0, KILLED}, ended.errors
        visible = {path.name for path in self.path.glob("[!.]*")}
        assert visible <= {*OURS, "default.session-journal"}
        return ended

    def read(self, name: str) -> bytes | None:
        path = self.path / name
        return path.read_bytes() if path.exists() else None

    def is_as_before(self) -> bool:
        """Tell whether the session is the one of before; Telethon notes this and that in it."""
        old, new = self.before / "default.session", self.access.session
        return _key(old) == _key(new)

    def is_signed_in(self) -> bool:
        try:
            return asyncio.run(session.who(self.access)) == "Ann"
        except ActionNeeded:
            return False


def _key(path: Path) -> bytes | None:
    """Return the key in a session's file, which SQLite finds sound; None where there is no file."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        ((key,),) = raw.execute("SELECT auth_key FROM sessions").fetchall()
    assert 253 < len(key) <= 256  # Telethon keeps a number, without zeros at its beginning
    return bytes(key)


def where(
    folder: Folder, arguments: Sequence[str], effort: Effort, *known: tuple[str, int]
) -> list[Fault | None]:
    """Return where to kill: at these calls or, in the long form, at all; and by time (None)."""
    chosen: list[Fault | None] = [Fault(call, DEADLY, nth) for call, nth in known]
    if effort.is_long:
        folder.start_over()
        every = calls_in(folder.path, *arguments, env=folder.env, stdin="12345\n")
        chosen = [*random.Random(1).sample(every, min(len(every), 70))]
    effort.saw(rounds=len(chosen))
    return [*chosen, *[None] * effort.rounds(1, long=40)]


@pytest.mark.parametrize("before", ["nobody", pytest.param("ended", marks=pytest.mark.slow)])
def test_login(telegram: ServerThread, tmp_path: Path, before: str, effort: Effort) -> None:
    if before == "nobody":
        telegram.world.account(PHONE)
    else:
        sign_in(telegram, tmp_path)
    folder = Folder(telegram, tmp_path)
    draw = random.Random(before)
    telegram.forget_keys()
    hits = 0
    for fault in where(folder, LOGIN, effort, ("rename", 2)):  # the application is there by then
        telegram.forget_keys()
        ended = folder.run(LOGIN, fault=fault, after=None if fault else draw.uniform(0.3, 0.8))
        hits += ended.code == KILLED
        assert ended.code == KILLED or fault is None
        assert folder.is_as_before() or folder.is_signed_in()
        assert folder.read("default.json") in {
            None,
            f'{{"api_id": 1, "api_hash": "{API_HASH}"}}'.encode(),
        }
    ended = run(*LOGIN, env=folder.env, stdin="12345\n")
    assert ended.code == 0, ended.errors
    assert folder.is_signed_in()
    assert {path.name for path in folder.path.iterdir()} == OURS  # leftovers are cleared away
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.path.iterdir())
    effort.saw(kills=hits)


def test_logout(telegram: ServerThread, tmp_path: Path, effort: Effort) -> None:
    sign_in(telegram, tmp_path)
    folder = Folder(telegram, tmp_path)
    draw = random.Random(3)
    hits = 0
    for fault in where(
        folder, ["logout"], effort, ("unlink", 5)
    ):  # Telethon has deleted the session
        ended = folder.run(["logout"], fault=fault, after=None if fault else draw.uniform(0.3, 0.8))
        hits += ended.code == KILLED
        assert ended.code == KILLED or fault is None
        assert folder.is_as_before() or not folder.access.session.exists()
        again = run("logout", env=folder.env)
        assert again.code in {0, 3}, again.errors
        assert {path.name for path in folder.path.iterdir()} == {"default.lock"}
    effort.saw(kills=hits)
