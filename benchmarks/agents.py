"""The face for agents: its start against the SDK's own import, and its answers on a large archive.

usage: python benchmarks/agents.py [--posts N] [--runs N] [--keep FOLDER]

- from the start of `tgtagger mcp` to its first answer, processor and clock time, as a
  ratio to a Python that imports the SDK's server, in pairs; at most 2;
- each tool on the archive: bytes of the answer, the first call's time and the median of the next.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from large import make_archive

IMPORT = [sys.executable, "-c", "import mcp.server.mcpserver"]
ASKED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("archive_status", {}),
    ("search_posts", {"query": "россия"}),
    ("search_posts", {"query": "россия", "limit": 50}),
    ("search_posts", {"query": "россия", "sort": "relevance"}),
    ("list_posts", {"limit": 50}),
    ("list_posts", {"limit": 50, "whole_text": True}),
    ("list_tags", {}),
    ("list_channels", {}),
    ("tag_stats", {}),
)


class Server:
    """`tgtagger mcp`, asked line by line."""

    def __init__(self, db: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tgtagger", "--db", str(db), "mcp"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._number = 0

    def ask(self, method: str, **params: Any) -> str:
        self._number += 1
        message = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def open(self) -> None:
        self.ask(
            "initialize", protocolVersion="2025-06-18", capabilities={},
            clientInfo={"name": "benchmark", "version": "1"},
        )  # fmt: skip

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def spent() -> tuple[float, float]:
    """Return the processor seconds of ended children, and the clock."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, time.perf_counter()


def start(db: Path) -> tuple[float, float]:
    cpu, clock = spent()
    server = Server(db)
    server.open()
    answered = time.perf_counter() - clock
    server.end()
    return spent()[0] - cpu, answered


def import_sdk() -> tuple[float, float]:
    cpu, clock = spent()
    subprocess.run(IMPORT, check=True)
    done = spent()
    return done[0] - cpu, done[1] - clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        db = folder / "posts.db"
        if not db.exists():
            make_archive(db, given.posts)
        start(db), import_sdk()
        pairs = [(start(db), import_sdk()) for _ in range(given.runs)]
        cpu, clock = (statistics.median(ours[at] / sdk[at] for ours, sdk in pairs) for at in (0, 1))
        print(f"start: {cpu:.2f} x the SDK's import (clock {clock:.2f} x); at most 2")
        server = Server(db)
        server.open()
        for tool, arguments in ASKED:
            waits = []
            for _ in range(6):
                began = time.perf_counter()
                line = server.ask("tools/call", name=tool, arguments=arguments)
                waits.append((time.perf_counter() - began) * 1000)
            shown = json.dumps(arguments, ensure_ascii=False) if arguments else ""
            print(
                f"{tool} {shown}: {len(line.encode()):,} bytes (at most 32,000), "
                f"first {waits[0]:.0f} ms, then {statistics.median(waits[1:]):.0f} ms"
            )
        server.end()


if __name__ == "__main__":
    os.environ.setdefault("TGTAGGER_TAGGER", "keywords")
    main()
