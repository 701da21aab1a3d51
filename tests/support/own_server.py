"""A server of PostgreSQL of a test module's own, to be stopped, crashed and started again.

What it has acknowledged survives a crash of its processes, as on a disk.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from support import postgres_server
from tgtagger.store import Store

_OPTIONS = {
    "synchronous_commit": "on",
    "wal_level": "replica",
    "listen_addresses": "127.0.0.1",
    "max_connections": "50",
}


class OwnServer:
    """A server that runs, until it is stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._names = iter(range(1000))
        postgres_server.make(folder)
        self.start()

    def start(self, **more: str) -> None:
        postgres_server.launch(self.folder, **{**_OPTIONS, "port": str(self.port), **more})

    def stop(self, how: str = "fast") -> None:
        """Stop it: `fast` ends its sessions first, `immediate` is a crash."""
        postgres_server.halt(self.folder, how)

    def restart(self, how: str = "fast") -> None:
        self.stop(how)
        self.start()

    def run(self, sql: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(sql.encode())

    def url(self, database: str) -> str:
        host = quote(str(self.folder))
        return f"postgresql://postgres@/{database}?host={host}&port={self.port}"

    def archive(self) -> str:
        """Make an empty archive; return its URL."""
        name = f"archive_{next(self._names)}"
        self.run(f"CREATE DATABASE {name}")
        Store.open(self.url(name)).close()
        return self.url(name)

    @property
    def process(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])


@contextlib.contextmanager
def own_server() -> Iterator[OwnServer]:
    """Run a server while the body runs; skip the test where there can be none."""
    why = postgres_server.why_not()
    if why is not None:
        pytest.skip(why)
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="tgtagger-own-", dir=memory if memory.exists() else None)
    Path(folder).chmod(0o755)
    try:
        server = OwnServer(Path(folder))
        yield server
    finally:
        with contextlib.suppress(OSError, ValueError):
            os.kill(server.process, signal.SIGQUIT)
        with contextlib.suppress(subprocess.CalledProcessError):
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)
