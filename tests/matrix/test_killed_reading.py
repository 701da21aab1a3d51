"""K1: killed while a file, Telegram or the web preview is read: the next run goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.breaking import TGTAGGER, contents
from support.environments import at_home, sign_in
from support.exports import IN_PAGES, chat, message, write
from support.fault_matrix import Effort
from support.killing import Victim, kill, nothing
from support.preview_server import HURRIED, IN_A_HURRY, PreviewServer
from telegram_server import ServerThread

pytestmark = pytest.mark.row("K1")

Rows = set[tuple[Any, ...]]


class Watch:
    """Holds what there was after the last kill against what there is now, and against the whole."""

    def __init__(self, db: Path, forget: Callable[[], None]) -> None:
        self.db = db
        self.forget = forget
        self.whole: dict[str, Any] = {}
        self.kept: Rows = set()

    def begin(self) -> None:
        self.kept = set()
        self.forget()

    def finish(self, _kills: int) -> None:
        found = contents(self.db)
        self.whole = self.whole or found
        assert found == self.whole

    def check(self, _kills: int) -> None:
        if not self.db.exists() or not _has_posts(self.db):
            assert not self.kept
            return
        found = contents(self.db)
        posts: Rows = set(found["posts"])
        assert self.kept <= posts  # what was committed stays
        self.kept = posts
        for name in ("posts", "raw records", "members"):
            assert set(found[name]) <= set(self.whole[name]), name
        with closing(sqlite3.connect(self.db)) as raw:
            torn = raw.execute(
                "SELECT message_id FROM posts AS p WHERE NOT EXISTS "
                "(SELECT 1 FROM raw_forms AS r WHERE r.post_id = p.id) OR size > 1 AND size <> "
                "(SELECT count(*) FROM album_members AS m WHERE m.post_id = p.id)"
            ).fetchall()
            assert torn == []  # a post is whole or absent
            reading = raw.execute("SELECT top_id FROM readings").fetchone()
            if reading is None:
                return
            unread = raw.execute("SELECT low, high FROM unread_ranges").fetchall()
        missing = _ids(self.whole) - _ids(found)
        left_out = [n for n in missing if not any(low <= n <= high for low, high in unread)]
        assert all(number > reading[0] for number in left_out)  # neither read nor remembered


def _has_posts(db: Path) -> bool:
    with closing(sqlite3.connect(db)) as raw:
        return bool(raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'posts'").fetchone())


def _ids(found: dict[str, Any]) -> set[int]:
    """Return the ids of the messages that are there, alone or in an album."""
    singles: set[int] = {row[1] for row in found["posts"] if row[2] == 1}
    return singles | {row[1] for row in found["members"]}


def victim(
    tmp_path: Path,
    source: str,
    env: dict[str, str],
    is_midway: Callable[[], bool],
    *,
    program: Sequence[str] = TGTAGGER,
    forget: Callable[[], None] = nothing,
) -> tuple[Victim, Watch]:
    """Return a reading of a source to kill; `forget` makes a server forget what it was asked."""
    db = tmp_path / "posts.db"
    watch = Watch(db, forget)
    made = Victim(
        ("parse", source), db, env, is_midway, ("pwrite64", 250), program,
        begin=watch.begin, check=watch.check, finish=watch.finish,
    )  # fmt: skip
    return made, watch


def test_a_file(tmp_path: Path, effort: Effort) -> None:
    count = 1000 if effort.is_long else 350
    records = [message(n, f"post {n} " + "слово " * 40) for n in range(1, count + 1)]
    for at in range(95, count, 100):  # albums, some of them where a page ends
        for n in range(at, min(at + 9, count)):
            moment = records[at]["date_unixtime"]
            records[n] = message(n + 1, photo=f"{n}.jpg", date_unixtime=moment)
    export = write(tmp_path / "export", chat(*records))
    wal = tmp_path / "posts.db-wal"

    def is_midway() -> bool:
        return wal.exists() and wal.stat().st_size > 600_000

    made, watch = victim(tmp_path, str(export), at_home(tmp_path), is_midway, program=IN_PAGES)
    kill(made, effort, at_calls=120, by_time=60)
    assert watch.whole["members"]


def test_telegram(tmp_path: Path, telegram: ServerThread, effort: Effort) -> None:
    env = sign_in(telegram, tmp_path)
    count = 1200 if effort.is_long else 500
    news = telegram.world.channel(
        "newsroom", messages=count, gaps=range(count // 3, count // 3 + 150)
    )
    for number in news.ids[:: max(1, count // 150)]:  # albums, some of them where a page ends
        for member in range(number, number + 3):
            if member in news.messages:
                news.messages[member].grouped_id = number
                news.put(news.messages[member])
    telegram.latency = 0.01

    def is_midway() -> bool:
        return telegram.count("messages.GetHistory") >= 3

    made, watch = victim(tmp_path, "@newsroom", env, is_midway, forget=telegram.log.clear)
    kill(made, effort, at_calls=100, by_time=60)
    assert sorted(_ids(watch.whole)) == news.ids
    assert watch.whole["unread"] == []


def test_the_preview(tmp_path: Path, effort: Effort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(IN_A_HURRY, "pause", 0.0)  # of the unbroken run, in this process
    count = 400 if effort.is_long else 120
    posts = {n: f"post {n}" for n in range(1, count + 1) if n % 50}
    with PreviewServer(posts, latency=0.02) as server:
        env = at_home(tmp_path) | {"TGTAGGER_PREVIEW_URL": server.url}
        made, watch = victim(
            tmp_path, "@newsroom", env, lambda: server.asked >= 3,
            program=HURRIED, forget=server.forget,
        )  # fmt: skip
        kill(made, effort, at_calls=100, by_time=60)
    assert _ids(watch.whole) == set(posts)
    assert watch.whole["unread"] == []
