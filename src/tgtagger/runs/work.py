"""Do jobs: the runs that somebody asked for, one after another, each as a run of its own.

Jobs that need the same run locks are a lane; one process works on a lane, and holds its locks from
before it takes the first job until the last has ended. So a job never runs twice at once, and a
process that dies leaves a job that the next one sees. Ctrl-C ends a run as ever; then its job is
queued again, unless a person cancelled it. A job that tags has one process that leads it, and
says how it ends; those of other workers, on any machine, help it. Knows no face, and starts no
process (`workers`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from tgtagger.config import Settings
from tgtagger.errors import TgTaggerError, TryLater, shortage
from tgtagger.model.choices import JobKind
from tgtagger.model.jobs import Job, JobEnd, JobProgress
from tgtagger.model.posts import PageStored, PostFilter
from tgtagger.model.tagging import TagResult, Wait
from tgtagger.runs.events import Progress, Remark, Stage
from tgtagger.runs.jobs import Wish, wish_of, with_wish
from tgtagger.runs.parse import ParseOptions, parse_as_run
from tgtagger.runs.sharing import JobBudget
from tgtagger.runs.summary import ParseReport, SyncReport, TagSummary
from tgtagger.runs.sync import sync_as_run
from tgtagger.runs.tag import Queue, TagOptions, make_tagging
from tgtagger.sources.plan import ReadOptions
from tgtagger.store import LockName, Store

log = logging.getLogger(__name__)

TOLD_EVERY = 0.5
"""Seconds between two writes of a job's progress: each is a transaction, synced to the disk."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Kinds of jobs that need the same run locks: some alone, others together with other runs."""

    name: str
    kinds: tuple[JobKind, ...]
    locks: tuple[LockName, ...]
    shared: tuple[LockName, ...] = ()

    def is_in_the_way_of(self, other: Lane) -> bool:
        """Tell whether the two cannot work at the same time."""
        mine, others = {*self.locks, *self.shared}, {*other.locks, *other.shared}
        return bool(mine & {*other.locks} or others & {*self.locks})


LANES: Mapping[str, Lane] = {
    lane.name: lane
    for lane in (
        Lane("parse", ("parse",), ("parse",)),
        Lane("tag", ("tag", "retry"), ("lead",), ("tag",)),
        Lane("sync", ("sync",), ("parse",), ("tag",)),
    )
}


def lane_of(kind: JobKind) -> Lane:
    """Return the lane of a kind of job."""
    return next(lane for lane in LANES.values() if kind in lane.kinds)


def hold_locks(store: Store, lane: Lane) -> contextlib.ExitStack:
    """Hold the run locks of a lane. Raises TryLater at once if another run holds one."""
    with contextlib.ExitStack() as held:
        for name in lane.shared:
            held.enter_context(store.lock(name, shared=True))
        for name in lane.locks:
            held.enter_context(store.lock(name))
        return held.pop_all()


Hint = Callable[[TgTaggerError], str | None]


def work_off(settings: Settings, lane: Lane, hint: Hint) -> int:
    """Do the jobs of a lane, the oldest first; return how many ended.

    Stops when none is left, or an older one waits for a lock of this lane. Where another process
    leads a job it helps with that. Raises TryLater if another run holds a lock. `hint` is a face's
    for an error; it is stored with the job.
    """
    count = 0
    with Store.open(settings.db, create=False) as store:
        try:
            held = hold_locks(store, lane)
        except TryLater as busy:
            job = led_by_another(store, busy)
            if job is None:
                raise
            _help(store, settings, job, hint)
            return 0
        with held:
            while (job := store.jobs.take(lane.kinds)) is not None:
                _do(store, settings, job, hint)
                count += 1
                if _has_to_yield(store, lane):
                    break
    return count


def led_by_another(store: Store, busy: TryLater) -> Job | None:
    """Return the job that others may help with, if a process leads one: it holds that lock."""
    if busy.data.get("run") != "lead":
        return None
    kinds = LANES["tag"].kinds
    running = (job for job in store.jobs.open() if job.kind in kinds and job.state == "running")
    job = next(running, None)
    return None if job is None or job.cancelled_at or not _is_for_many(job) else job


def _is_for_many(job: Job) -> bool:
    """Tell whether several may do a job: a limit, and what is asked anew, are one's to count."""
    return not {"limit", "force"} & {*job.params}


def _help(store: Store, settings: Settings, job: Job, hint: Hint) -> None:
    """Do posts of a job that another process leads, until none is left: as a run of its own."""
    wish = wish_of(job.kind, job.params)
    settings = with_wish(settings, wish)
    options = _tag_options(store, job, wish)
    if wish.max_time is not None and job.started_at is not None:
        left = job.started_at + wish.max_time - dt.datetime.now(dt.UTC)
        options = replace(options, max_time=max(left, dt.timedelta()))
    with store.lock("tag", shared=True), JobEvents(store, job, hint, leads=False) as events:
        make_tagging(store, settings, options, budget=_budget(store, settings, job)).run(events)


def _has_to_yield(store: Store, lane: Lane) -> bool:
    """Tell whether the oldest job that wants one of these locks is of another lane."""
    for job in store.jobs.open():
        other = lane_of(job.kind)
        if other.is_in_the_way_of(lane):
            return other != lane
    return False


def _do(store: Store, settings: Settings, job: Job, hint: Hint) -> None:
    """Do a job, and store how it ended; a job whose run is interrupted is queued again."""
    try:
        with JobEvents(store, job, hint) as events:
            end = _run(store, settings, job, events)
    except TgTaggerError as error:
        end = _end(error.exit_code, error, hint(error))
    except Exception as error:
        found = shortage(error)
        if found is None:
            with contextlib.suppress(TgTaggerError):
                store.jobs.end(job.id, JobEnd("failed", 1, "bug", type(error).__name__))
            raise
        end = _end(found.exit_code, found, hint(found))
    except BaseException:  # Ctrl-C, SIGTERM
        with contextlib.suppress(TgTaggerError):
            store.jobs.give_back(job.id)
        raise
    store.jobs.end(job.id, end)


def _run(store: Store, settings: Settings, job: Job, events: JobEvents) -> JobEnd:
    wish = wish_of(job.kind, job.params)
    settings = with_wish(settings, wish)
    if job.kind == "parse":
        report = parse_as_run(store, settings, wish.sources, _parse_options(wish), events)
        return _end(report.code, _error_of(report), events=events)
    settings.check_llm()
    budget = _budget(store, settings, job)
    if job.kind == "sync":
        reading = _parse_options(wish)
        done = sync_as_run(store, settings, reading, events, wish.sources, budget=budget)
        return _end(done.code, _error_of(done), events=events)
    options = _tag_options(store, job, wish)
    summary = make_tagging(store, settings, options, budget=budget).run(events)
    return _end(summary.code, summary.stopped, summary.hint)


def _budget(store: Store, settings: Settings, job: Job) -> JobBudget | None:
    return None if settings.max_cost is None else JobBudget(store, job.id, settings.max_cost)


def _parse_options(wish: Wish) -> ParseOptions:
    seconds = None if wish.max_time is None else wish.max_time.total_seconds()
    return ParseOptions(
        ReadOptions(wish.limit, wish.since, wish.until, wish.refresh, wish.backfill),
        wish.via,
        wish.groups,
        None if seconds is None else time.monotonic() + seconds,
    )


def _tag_options(store: Store, job: Job, wish: Wish) -> TagOptions:
    """Return the options of a tagging run; a job that was broken off goes on where it was."""
    queue: Queue
    if job.kind == "retry":
        queue = "failed" if wish.force else "due"
    else:
        queue = "all" if wish.force else "stale" if wish.stale else "pending"
    limit = wish.limit
    if limit is not None and job.first_run is not None:
        limit = max(limit - store.queue.done_since(job.first_run), 0)
    wanted = PostFilter(
        channels=wish.channels,
        posts=wish.posts,
        failures=wish.classes,
        since=wish.since,
        limit=limit,
    )
    return TagOptions(wanted, queue, wish.max_time, job.first_run, together=_is_for_many(job))


def _error_of(report: ParseReport | SyncReport | None) -> TgTaggerError | None:
    """Return the error that gave a report its exit code; None for failed posts."""
    if report is None:
        return None
    if isinstance(report, SyncReport):
        parts = (report.tag, report.retry)
        stops = [part.stopped for part in parts if part is not None and part.stopped is not None]
        found = [error for error in (_error_of(report.parse), *stops) if error is not None]
    else:
        errors = [report.error, *(each.error for each in report.channels)]
        found = [error for error in errors if error is not None]
    return next((error for error in found if error.exit_code == report.code), None)


def _end(
    code: int,
    error: TgTaggerError | None,
    hint: str | None = None,
    *,
    events: JobEvents | None = None,
) -> JobEnd:
    """Return how a job ended. It is done, even if posts failed: their status says so."""
    state = "done" if code in {0, 5} else "failed"
    if error is None:
        return JobEnd(state, code)  # type: ignore[arg-type]
    if events is not None:
        hint = events.hint(error)
    return JobEnd(state, code, error.kind, error.message, hint)  # type: ignore[arg-type]


class JobEvents:
    """Stores how far a job has come (`runs.events.Events`), now and then, while a block runs.

    A thread writes, so that the run waits for no write of ours, and the last step is told, too.
    Who does not lead the job says nothing.
    """

    def __init__(self, store: Store, job: Job, hint: Hint, *, leads: bool = True) -> None:
        self._store = store
        self._number = job.id
        self._leads = leads
        self._progress = self._told = job.progress
        self._is_over = threading.Event()
        self._teller = threading.Thread(target=self._tell_now_and_then, daemon=True)
        self.hint = hint

    def __enter__(self) -> Self:
        if self._leads:
            self._teller.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._leads:
            self._is_over.set()
            self._teller.join()
            self._tell()

    def _tell_now_and_then(self) -> None:
        while not self._is_over.wait(TOLD_EVERY):
            self._tell()

    def _tell(self) -> None:
        progress = self._progress
        if progress != self._told:
            with contextlib.suppress(TgTaggerError):  # somebody writes: the next time
                self._store.jobs.tell(self._number, progress)
                self._told = progress

    def started(self, run: int) -> None:
        if self._leads:
            self._store.jobs.note_run(self._number, run)

    def begin(self, stage: Stage) -> None:
        self._progress = JobProgress(done=0, what=stage.name or stage.kind)

    def end(self) -> None:
        self._progress = replace(self._progress, waits=None, waits_until=None)

    def progress(self, progress: Progress) -> None:
        total = progress.total
        if total is None and progress.share:  # of a channel only the share is known
            total = max(progress.posts, round(progress.posts / progress.share))
        self._progress = replace(
            self._progress, done=progress.posts, total=total, waits=None, waits_until=None
        )

    def wait(self, wait: Wait) -> None:
        until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=wait.seconds)
        self._progress = replace(self._progress, waits=wait.reason, waits_until=until)

    def warn(self, message: str) -> None:
        log.warning("job %d: %s", self._number, message)

    def stored(self, what: PageStored | TagResult) -> None:
        """Do nothing: the posts themselves tell."""

    def remark(self, kind: Remark, **data: object) -> None:
        """Do nothing: the summary of the run tells."""

    def finished(self, part: ParseReport | TagSummary) -> None:
        """Do nothing: the summary of the run tells."""
