"""The jobs: runs that somebody asked for, which a worker takes one after another.

A job is only a wish: what was done stands in the posts. Who takes jobs of a kind holds the run
locks of that kind, so a job that is marked as running while its locks are free belongs to a worker
that died: `take` and `settle` bring it back. Does not know what a job does.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, get_args

from tgtagger.errors import InputError
from tgtagger.model.choices import JobKind, JobState
from tgtagger.model.jobs import Job, JobEnd, JobProgress
from tgtagger.store.checks import RowCheck, parsed
from tgtagger.store.database import Part
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.times import from_text, moment, now, to_text, to_text_or_none
from tgtagger.store.values import LARGEST, plain

_SWEPT = 200
"""The oldest jobs, of which those that ended long ago are swept at a time."""


_COLUMNS = (
    "id", "kind", "params", "state", "asked_at", "started_at", "ended_at", "cancelled_at", "tries",
    "first_run_id", "run_id", "done", "total", "what", "waits", "waits_until", "exit_code",
    "failure", "error", "hint",
)  # fmt: skip

_SHOWN = f"{', '.join(_COLUMNS)}, (SELECT summary FROM runs WHERE runs.id = jobs.run_id) AS summary"
_SELECT = f"SELECT {_SHOWN} FROM jobs"
_LATEST = Statement(
    f"{_SELECT} WHERE id < :before AND state IN listed_texts(:states) ORDER BY id DESC LIMIT :most"
)
_WITH_ID = Statement(f"{_SELECT} WHERE id = :id")
_WITH_KEY = Statement(f"{_SELECT} WHERE key = :key AND ended_at IS NULL AND cancelled_at IS NULL")
_OPEN = Statement(f"{_SELECT} WHERE ended_at IS NULL ORDER BY id")
_ASK = Statement(
    "INSERT INTO jobs (kind, key, params, state, asked_at, tries) "
    "VALUES (:kind, :key, :params, 'queued', :at, 0) "
    "ON CONFLICT (key) WHERE ended_at IS NULL AND cancelled_at IS NULL DO NOTHING"
)
_CANCEL = Statement("UPDATE jobs SET cancelled_at = coalesce(cancelled_at, :at) WHERE id = :id")
_OF_KINDS = "ended_at IS NULL AND kind IN listed_texts(:kinds)"
_TAKE = Statement(
    "UPDATE jobs SET state = 'running', started_at = coalesce(started_at, :at), "
    "tries = tries + 1, waits = NULL, waits_until = NULL WHERE id = "
    f"(SELECT id FROM jobs WHERE {_OF_KINDS} ORDER BY id LIMIT 1) RETURNING id"
)
_QUEUE = "UPDATE jobs SET state = 'queued', waits = NULL, waits_until = NULL"
_QUEUE_ONE = Statement(f"{_QUEUE} WHERE id = :id")
_DEAD = f"{_OF_KINDS} AND state = 'running'"
_QUEUE_DEAD = Statement(f"{_QUEUE} WHERE {_DEAD}")
_DEAD_CANCELLED = Statement(f"SELECT id FROM jobs WHERE {_DEAD} AND cancelled_at IS NOT NULL")
_NOTE_RUN = Statement(
    "UPDATE jobs SET run_id = :run, first_run_id = coalesce(first_run_id, :run) WHERE id = :id"
)
_TELL = Statement(
    "UPDATE jobs SET done = :done, total = :total, what = :what, waits = :waits, "
    "waits_until = :waits_until WHERE id = :id AND ended_at IS NULL"
)
_END = Statement(
    "UPDATE jobs SET state = :state, ended_at = :at, exit_code = :exit_code, failure = :failure, "
    "error = :error, hint = :hint, waits = NULL, waits_until = NULL "
    "WHERE id = :id AND ended_at IS NULL"
)
_SPENT = Statement("SELECT spent_usd FROM jobs WHERE id = :id locked(jobs)")
_SPENT_SO_FAR = Statement("SELECT spent_usd FROM jobs WHERE id = :id")
_SPEND = Statement("UPDATE jobs SET spent_usd = spent_usd + :amount WHERE id = :id")
_SWEEP = Statement(
    "DELETE FROM jobs WHERE ended_at < :before AND id < (SELECT max(id) FROM jobs) "
    f"AND id IN (SELECT id FROM jobs ORDER BY id LIMIT {_SWEPT})"
)


class Jobs(Part):
    """The jobs that were asked for."""

    def ask(
        self,
        kind: JobKind,
        wish: str,
        params: dict[str, Any],
        *,
        keep: dt.timedelta | None = None,
    ) -> Job:
        """Store a job; return it, or the one that is open for an equal `wish` of this kind.

        Of the oldest jobs those go that ended longer ago than `keep`; None: all are kept.
        """
        key = blake2b(f"{kind} {wish}".encode(), digest_size=8).hexdigest()
        text = json.dumps(params, ensure_ascii=False, sort_keys=True)
        with self._database.write() as db:
            if keep is not None:
                _sweep(db, keep)
            found = _WITH_KEY(db, key=key).fetchone()
            if found is None:
                _ASK(db, kind=kind, key=key, params=text, at=now())
                found = _WITH_KEY(db, key=key).fetchone()
            return _job(found)

    def find(self, number: int) -> Job:
        """Return a job. Raises InputError if there is none of this number."""
        with self._database.read() as db:
            return _one(db, number)

    def latest(
        self, limit: int, *, before: int | None = None, states: Sequence[JobState] = ()
    ) -> tuple[Job, ...]:
        """Return the jobs asked for last, in these states, older than the job `before`."""
        highest = LARGEST if before is None else before
        wanted = json.dumps(list(states or get_args(JobState)))
        with self._database.read() as db:
            return tuple(map(_job, _LATEST(db, before=highest, states=wanted, most=limit)))

    def open(self) -> tuple[Job, ...]:
        """Return the jobs that are queued or running, the oldest first."""
        with self._database.read() as db:
            return tuple(map(_job, _OPEN(db)))

    def cancel(self, number: int) -> Job:
        """Ask for the end of a job: a queued one ends now, a running one soon, an ended one has."""
        with self._database.write() as db:
            found = _one(db, number)
            if found.is_open:
                _CANCEL(db, at=now(), id=number)
            if found.state == "queued":
                _end(db, number, _CANCELLED)
            return _one(db, number)

    # ---- for a worker, which holds the locks of these kinds

    def settle(self, kinds: Sequence[JobKind]) -> None:
        """Bring back the jobs whose worker died; end those that were to end."""
        with self._database.write() as db:
            _settle(db, kinds)

    def take(self, kinds: Sequence[JobKind]) -> Job | None:
        """Return the oldest job of these kinds, now running; None: there is none."""
        with self._database.write() as db:
            _settle(db, kinds)
            taken = _TAKE(db, at=now(), kinds=json.dumps(kinds)).fetchone()
            return None if taken is None else _one(db, taken[0])

    def give_back(self, number: int) -> None:
        """Queue a running job again; end it if it was to end."""
        with self._database.write() as db:
            found = _one(db, number)
            if found.cancelled_at is not None:
                _end(db, number, _CANCELLED)
            elif found.is_open:
                _QUEUE_ONE(db, id=number)

    def note_run(self, number: int, run: int) -> None:
        """Store that a run began for a job."""
        with self._database.write() as db:
            _NOTE_RUN(db, run=run, id=number)

    def tell(self, number: int, progress: JobProgress) -> None:
        """Store how far a job has come. Waits for no other writer, and then raises Locked."""
        with self._database.write(patient=False) as db:
            _TELL(
                db,
                done=progress.done,
                total=progress.total,
                what=progress.what,
                waits=progress.waits,
                waits_until=to_text_or_none(progress.waits_until),
                id=number,
            )

    def spent(self, number: int) -> float:
        """Return what a job has cost so far, in US dollars, all its tries together.

        Raises InputError if there is none of this number.
        """
        with self._database.read() as db:
            row = _SPENT_SO_FAR(db, id=number).fetchone()
            if row is None:
                raise InputError("job_unknown", number=number)
            return float(_SPENT_USD(row)[0])

    def spend(self, number: int, least: float, most: float, cap: float) -> float:
        """Take some of what a job may still cost, in US dollars; 0 if less than `least` is left.

        What is taken is spent, for all who work at the job; what is left of it comes back by a
        negative sum.
        """
        with self._database.write(beside=True) as db:
            (spent,) = _SPENT(db, id=number).fetchone() or (cap,)
            taken = min(most, cap - spent)
            if taken < least:
                return 0.0
            _SPEND(db, amount=taken, id=number)
            return float(taken)

    def end(self, number: int, end: JobEnd) -> None:
        """Store how a job ended."""
        with self._database.write() as db:
            _end(db, number, end)


_CANCELLED = JobEnd("cancelled", 130)

_SPENT_USD = RowCheck("jobs.spent_usd")
_ROW = RowCheck(*(plain(f"jobs.{name}") for name in _COLUMNS), "runs.summary")


def _job(row: Sequence[Any]) -> Job:
    (
        number, kind, params, state, asked, started, ended, cancelled, tries, first, run, done,
        total, what, waits, until, code, failure, error, hint, summary,
    ) = _ROW(row)  # fmt: skip
    return Job(
        number, kind, parsed(params), state, moment(asked), from_text(started), from_text(ended),
        from_text(cancelled), tries, first, run,
        JobProgress(done, total, what, waits, from_text(until)),
        None if ended is None else JobEnd(state, code or 0, failure, error, hint), summary,
    )  # fmt: skip


def _one(db: Connection, number: int) -> Job:
    row = _WITH_ID(db, id=number).fetchone()
    if row is None:
        raise InputError("job_unknown", number=number)
    return _job(row)


def _settle(db: Connection, kinds: Sequence[JobKind]) -> None:
    for (number,) in _DEAD_CANCELLED(db, kinds=json.dumps(kinds)).fetchall():
        _end(db, number, _CANCELLED)
    _QUEUE_DEAD(db, kinds=json.dumps(kinds))


def _end(db: Connection, number: int, end: JobEnd) -> None:
    # A text from outside may hold half an emoji, which SQLite does not take.
    error, hint = (
        text and text.encode(errors="backslashreplace").decode() for text in (end.error, end.hint)
    )
    _END(
        db,
        state=end.state,
        at=now(),
        exit_code=end.exit_code,
        failure=end.failure,
        error=error,
        hint=hint,
        id=number,
    )


def _sweep(db: Connection, keep: dt.timedelta) -> None:
    """Delete old jobs, except the last: a number is not used again."""
    try:
        before = to_text(dt.datetime.now(dt.UTC) - keep)
    except OverflowError:  # longer than the calendar
        return
    _SWEEP(db, before=before)
