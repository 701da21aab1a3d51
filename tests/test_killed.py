"""SIGKILL anywhere in a parse: nothing lost, nothing twice.

Short forms, with a seed, of the loops that `make torture` runs for longer.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from exports import chat, message, write

TGTAGGER = [sys.executable, "-m", "tgtagger"]
POSTS = 6000


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    return write(
        folder, chat(*(message(n, f"post {n} " + "слово " * 40) for n in range(1, POSTS + 1)))
    )


def contents(db: Path) -> list[tuple[object, ...]]:
    raw = sqlite3.connect(db)
    try:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        if not raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'posts'").fetchone():
            return []
        return raw.execute(
            "SELECT p.message_id, p.text, p.status, length(r.data) FROM posts AS p "
            "JOIN raw_forms AS r ON r.post_id = p.id ORDER BY p.message_id"
        ).fetchall()
    finally:
        raw.close()


def parse(db: Path, export: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TGTAGGER, "--db", str(db), "parse", str(export), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def kill_rounds(tmp_path: Path, export: Path, rounds: int) -> int:
    db, whole = tmp_path / "posts.db", tmp_path / "whole.db"
    started = time.monotonic()
    assert parse(whole, export).returncode == 0
    seconds = time.monotonic() - started
    chance = random.Random(7)
    kept = hits = 0
    for _ in range(rounds):
        process = subprocess.Popen(
            [*TGTAGGER, "--db", str(db), "parse", str(export)], stderr=subprocess.DEVNULL
        )
        try:
            process.wait(chance.uniform(0.1, seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            hits += 1
        process.wait()
        if db.exists() and db.stat().st_size:
            found = contents(db)
            assert len(found) >= kept  # what was committed stays
            assert [row[0] for row in found] == list(range(1, len(found) + 1))
            kept = len(found)
            if kept == POSTS:
                for file in tmp_path.glob("posts.db*"):
                    file.unlink()
                kept = 0
    done = parse(db, export)
    assert done.returncode == 0, done.stderr
    assert contents(db) == contents(whole)
    return hits


def test_killed_anywhere_the_next_run_completes_it(tmp_path: Path, export: Path) -> None:
    assert kill_rounds(tmp_path, export, 6) > 0


@pytest.mark.slow
def test_killed_many_times(tmp_path: Path, export: Path) -> None:
    assert kill_rounds(tmp_path, export, 100) > 30


def test_a_foreign_lock_is_waited_for(tmp_path: Path, export: Path) -> None:
    db = tmp_path / "posts.db"
    assert parse(db, export).returncode == 0
    other = sqlite3.connect(db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    process = subprocess.Popen(
        [*TGTAGGER, "--db", str(db), "parse", str(export), "--json"], stdout=subprocess.PIPE
    )
    time.sleep(1.2)
    assert process.poll() is None
    other.execute("COMMIT")
    other.close()
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert json.loads(output)["new"] == 0


def test_an_export_to_a_file_is_whole_or_not_there(tmp_path: Path, export: Path) -> None:
    db, target = tmp_path / "posts.db", tmp_path / "posts.jsonl"
    assert parse(db, export).returncode == 0
    target.write_text("the one before")
    process = subprocess.Popen([*TGTAGGER, "--db", str(db), "export", "-o", str(target)])
    while process.poll() is None and not list(tmp_path.glob(".part-*")):
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert target.read_text() == "the one before" or len(target.read_text().splitlines()) == POSTS
    assert (
        subprocess.run(
            [*TGTAGGER, "--db", str(db), "export", "-o", str(target)], check=True
        ).returncode
        == 0
    )
    assert len(target.read_text().splitlines()) == POSTS
    assert not list(tmp_path.glob(".part-*"))
    assert os.stat(target).st_mode & 0o777 == 0o600  # noqa: PTH116
