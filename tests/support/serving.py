"""`tgtagger serve` as a process: started, asked, ended by a signal."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.forked import start

SECONDS = 60.0
"""How long it may take to start; the packages of the web face take their time on a busy machine."""


@dataclass
class Serving:
    """A server that runs: its address, what it said so far."""

    process: subprocess.Popen[str]
    address: str = ""
    said: list[str] = field(default_factory=list)
    _has_opened: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Read what it says, until it ends."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith("open "):
                self.address = line.split()[1].partition("/enter")[0]
                self._has_opened.set()
        self._has_opened.set()

    def wait_until_open(self) -> None:
        assert self._has_opened.wait(SECONDS), "the server did not start"
        assert self.address, "".join(self.said)

    def end(self, sign: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return the exit code, and the seconds until the end."""
        began = time.monotonic()
        self.process.send_signal(sign)
        code = self.process.wait(SECONDS)
        return code, time.monotonic() - began


@contextlib.contextmanager
def serving(
    db: Path | None, *options: str, env: Mapping[str, str] | None = None, anew: bool = False
) -> Iterator[Serving]:
    """Run `tgtagger serve` while the body runs; it listens when the body begins.

    `db`: None is the archive that a user has.
    """
    archive = [] if db is None else ["--db", str(db)]
    process = start([*archive, "serve", "--port", "0", *options], env, anew=anew)
    made = Serving(process)
    reader = threading.Thread(target=made.read)
    reader.start()
    try:
        made.wait_until_open()
        yield made
    finally:
        process.kill()
        process.wait()
        reader.join()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
