"""Runs that overlap, and another program that holds the database: nothing lost, nothing twice."""

from __future__ import annotations

import json
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
