"""Run `tgtagger tag` as a process, against a server on loopback: its end, and the archive after it.

Checks the promises of every run, whatever goes wrong in it: words and no traceback, an intact file,
the key nowhere. The caller says what a fault means.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm_server import LlmServer
from support.breaking import Ended, assert_sound, run
from support.tagging import fill
from tgtagger.store import Store

KEY = "sk-canary-5f1e0c7a9b3d"


@dataclass(frozen=True, slots=True)
class Tagged:
    """A run, and the archive after it; `failures` are failed posts by class."""

    ended: Ended
    summary: dict[str, Any]
    statuses: dict[str, int]
    failures: dict[str, int]
    requests: int

    @property
    def code(self) -> int:
        return self.ended.code

    @property
    def stopped(self) -> str:
        why = self.summary.get("stopped")
        return str(why["class"]) if why else ""

    @property
    def words(self) -> str:
        """Return the words about the end of a stopped run."""
        why = self.summary.get("stopped")
        return f"{why['message']} {why['hint']}" if why else ""


def archive(folder: Path, posts: int) -> Path:
    """Make a database of so many posts, none of them tagged."""
    path = folder / "posts.db"
    with Store.open(str(path)) as store:
        fill(store, posts)
    return path


class Bench:
    """An archive in a folder of its own, and how to tag it."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.folder = folder
        self.db = folder / "posts.db"
        shutil.copy2(template, self.db)

    def tag(
        self,
        url: str | LlmServer,
        *arguments: str,
        timeout: float = 120,
        env: Mapping[str, str] | None = None,
        **settings: str,
    ) -> Tagged:
        """Tag pending posts by a server, or by a URL; check the promises of every run."""
        server = url if isinstance(url, LlmServer) else None
        before = len(server.completions) if server else 0
        ours = {
            "TGTAGGER_DB": str(self.db),
            "TGTAGGER_LLM_URL": url.url if isinstance(url, LlmServer) else url,
            "TGTAGGER_LLM_MODEL": "test-model",
            "TGTAGGER_LLM_API_KEY": KEY,
            "TGTAGGER_RETRY_BASE": "0.01",
            "TGTAGGER_LLM_TIMEOUT": "1",
            "TGTAGGER_LLM_WAIT": "2",
        }
        ended = run(
            *(arguments or ("tag",)), "--json",
            env={**ours, **(env or {}), **settings}, timeout=timeout, anew=True,
        )  # fmt: skip
        self._check(ended)
        with closing(sqlite3.connect(self.db)) as raw:
            statuses = dict(raw.execute("SELECT status, count(*) FROM posts GROUP BY 1"))
            failures = dict(
                raw.execute(
                    "SELECT failure, count(*) FROM posts WHERE status = 'failed' GROUP BY 1"
                )
            )
        asked = len(server.completions) - before if server else 0
        return Tagged(ended, json.loads(ended.output), statuses, failures, asked)

    def _check(self, ended: Ended) -> None:
        assert "Traceback" not in ended.errors, ended.errors[-2000:]
        assert ended.code in {0, 2, 3, 5, 6, 75}, (ended.code, ended.errors)
        assert_sound(self.db)
        assert KEY not in ended.output + ended.errors
        for path in self.folder.rglob("*"):
            assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
