"""The worker: looks for jobs, and starts a process for each lane that can run.

A process of its own for each lane: reading and tagging go on side by side, what a person cancels
ends by Ctrl-C alone, and a process that dies takes no other job with it. Knows no command: the
caller passes what starts a process.
"""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tgtagger import messages
from tgtagger.config import Settings
from tgtagger.errors import TryLater
from tgtagger.model.jobs import Job
from tgtagger.runs.work import LANES, Lane, hold_locks, lane_of, led_by_another
from tgtagger.store import Store

LOOK_EVERY = 0.25
"""Seconds between two looks at the jobs, while there is one."""
LONGEST_LOOK = 1.0
"""The same when there was none for a while: a server has many workers."""
HELP_EVERY = 2.0
"""Seconds between two starts of a process that helps with a job which another worker leads."""
PATIENCE = 8
"""How often a worker tries to hold its lock before it gives up."""
ENDING = 1.0
"""Seconds that the processes have to end; then they are killed."""
LONGEST_PAUSE = 60.0
"""Seconds before a lane whose processes die is tried again, at most."""


@dataclass(slots=True)
class _Running:
    """A process that works on a lane."""

    process: subprocess.Popen[bytes]
    cancelled: int | None = None  # the job for which it got its Ctrl-C


@dataclass(slots=True)
class _Pause:
    """When a lane whose process died is tried again."""

    seconds: float = 0.0
    until: float = 0.0


@dataclass(slots=True)
class Worker:
    """Starts and ends the processes that do the jobs of an archive.

    `command` returns what starts a process for a lane; `ended` is called for each job that ended.
    """

    store: Store
    command: Callable[[Lane], Sequence[str]]
    ended: Callable[[Job], None]
    chance: Callable[[], float] = random.random
    _running: dict[str, _Running] = field(default_factory=dict)
    _pauses: dict[str, _Pause] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)

    def look(self) -> None:
        """Look at the jobs and the processes once; start, cancel and tell what is to be."""
        self._reap()
        jobs = self.store.jobs.open()
        self._tell_ended({job.id for job in jobs})
        tried: set[str] = set()
        for job in jobs:
            lane = lane_of(job.kind)
            running = self._running.get(lane.name)
            if running is not None:
                self._cancel(job, running)
            elif lane.name not in tried:
                tried.add(lane.name)
                self._start(job, lane)

    @property
    def is_idle(self) -> bool:
        """Tell whether no job was open at the last look."""
        return not self._seen

    def stop(self) -> None:
        """End the processes as SIGTERM does; their jobs are queued again."""
        for running in self._running.values():
            running.process.terminate()
        end = time.monotonic() + ENDING
        for running in self._running.values():
            try:
                running.process.wait(max(end - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                running.process.kill()  # a run may be killed anywhere
                running.process.wait()
        self._running.clear()

    def _reap(self) -> None:
        """Forget the processes that have ended; pause a lane where one died."""
        for name, running in list(self._running.items()):
            code = running.process.poll()
            if code is None:
                continue
            del self._running[name]
            pause = self._pauses.setdefault(name, _Pause())
            was_cancelled = running.cancelled is not None
            if code == 0 or was_cancelled:
                pause.seconds = 0.0
            else:
                pause.seconds = min(LONGEST_PAUSE, pause.seconds * 2 or LOOK_EVERY)
            pause.until = max(pause.until, time.monotonic() + pause.seconds)

    def _tell_ended(self, now_open: set[int]) -> None:
        for number in sorted(self._seen - now_open):
            self.ended(self.store.jobs.find(number))
        self._seen = now_open

    def _cancel(self, job: Job, running: _Running) -> None:
        """Send a process its Ctrl-C, once, if its job was cancelled."""
        wanted = job.state == "running" and job.cancelled_at is not None
        if wanted and running.cancelled != job.id:
            running.cancelled = job.id
            running.process.send_signal(signal.SIGINT)

    def _start(self, job: Job, lane: Lane) -> None:
        """Start a process for a lane, unless one of its locks is held."""
        pause = self._pauses.setdefault(lane.name, _Pause())
        if time.monotonic() < pause.until:
            return
        if any(LANES[name].is_in_the_way_of(lane) for name in self._running):
            return
        try:
            with hold_locks(self.store, lane):
                if job.state == "running":  # its process died
                    self.store.jobs.settle(lane.kinds)
                    return
        except TryLater as busy:
            led = led_by_another(self.store, busy)
            if busy.kind == "run_at_work" and busy.data["run"] != "lead":
                self._tell_waiting(job, messages.describe("job_waits", busy.data))
            if led is None or led.id != job.id:
                return
            pause.until = time.monotonic() + HELP_EVERY * (1 + self.chance())
        process = subprocess.Popen(
            self.command(lane),
            stdin=subprocess.PIPE,  # it ends when this end of the pipe is gone
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is for the worker, which passes it on
        )
        self._running[lane.name] = _Running(process)

    def _tell_waiting(self, job: Job, reason: str) -> None:
        if job.state == "queued" and job.progress.waits != reason:
            with contextlib.suppress(TryLater):
                self.store.jobs.tell(job.id, replace(job.progress, waits=reason))


def _present(store: Store) -> contextlib.ExitStack:
    """Hold the lock by which others see that a worker is there. Raises TryLater."""
    tries = 0
    while True:
        try:
            with contextlib.ExitStack() as held:
                held.enter_context(store.lock("work", shared=True))
                return held.pop_all()
        except TryLater:
            tries += 1
            if tries == PATIENCE:  # it is more than somebody who looks for a worker
                raise
        time.sleep(LOOK_EVERY)


def work(
    settings: Settings,
    command: Callable[[Lane], Sequence[str]],
    *,
    ended: Callable[[Job], None],
    idle: Callable[[], None],
    seconds: float | None = None,
) -> None:
    """Do jobs as they are asked for, for so many seconds, or until a signal.

    Calls `ended` for each job that ended, and `idle` if nothing was to be done at first.
    """
    end = float("inf") if seconds is None else time.monotonic() + seconds
    told = False
    while time.monotonic() < end:  # again for each archive: a backup may be put in its place
        with Store.open(settings.db, create=False) as store, _present(store):
            worker = Worker(store, command, ended)
            try:
                worker.look()
                if worker.is_idle and not told:
                    idle()
                told = True
                pause = LOOK_EVERY
                while time.monotonic() < end and not store.is_replaced:
                    time.sleep(pause * (0.75 + worker.chance() / 2))
                    worker.look()
                    pause = min(1.1 * pause, LONGEST_LOOK) if worker.is_idle else LOOK_EVERY
            finally:
                worker.stop()
