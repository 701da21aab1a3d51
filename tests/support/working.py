"""`tgtagger work` as a process, and the processes that it starts for its lanes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.forked import start
from tgtagger.model.jobs import Job
from tgtagger.store import Store

SECONDS = 60.0
"""How long a test waits for what has to come, on a busy machine."""


def until(is_so: Callable[[], object], seconds: float = SECONDS) -> float:
    """Wait until something is so; return after how many seconds. Fails if it never is."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, "it did not come"
        time.sleep(0.02)
    return time.monotonic() - began


def children_of(process: int) -> list[int]:
    """Return the processes that a process has started and that live; none if it is gone."""
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []
    return [int(each) for each in text.split() if is_alive(int(each))]


def is_alive(process: int) -> bool:
    """Tell whether a process runs: a zombie does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


@dataclass
class Working:
    """A worker that runs."""

    process: subprocess.Popen[str]

    @property
    def lanes(self) -> list[int]:
        return children_of(self.process.pid)

    def end(self, sign: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return the exit code, and the seconds until the end."""
        began = time.monotonic()
        self.process.send_signal(sign)
        code = self.process.wait(SECONDS)
        return code, time.monotonic() - began

    def read(self) -> tuple[str, str]:
        """Return what it wrote, once it has ended."""
        return self.process.communicate(timeout=SECONDS)


@contextlib.contextmanager
def working(db: Path, *options: str, env: Mapping[str, str] | None = None) -> Iterator[Working]:
    """Run `tgtagger work` while the body runs."""
    process = start(["--db", str(db), "work", *options], env)
    made = Working(process)
    try:
        yield made
    finally:
        left = [process.pid, *made.lanes]
        for each in left:
            kill(each)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def has_ended(store: Store, number: int) -> bool:
    return not store.jobs.find(number).is_open


def is_midway(store: Store, number: int) -> bool:
    """Tell whether a job runs, and has done something."""
    job: Job = store.jobs.find(number)
    return job.state == "running" and bool(job.progress.done)
