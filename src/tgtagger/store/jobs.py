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
from typing import Any

from sqlalchemy.engine import Connection

from tgtagger.errors import InputError
from tgtagger.model.archive import Job, JobEnd, JobProgress
from tgtagger.model.choices import JobKind, JobState
from tgtagger.store.database import Part
from tgtagger.store.times import from_text, moment, now, to_text, to_text_or_none
from tgtagger.store.values import RowCheck, parsed, plain

_SWEPT = 200
"""The oldest jobs, of which those that ended long ago are swept at a time."""


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
            db.execute(
                "INSERT INTO jobs (kind, key, params, state, asked_at, tries) "
                "VALUES (?, ?, ?, 'queued', ?, 0) "
                "ON CONFLICT (key) WHERE ended_at IS NULL AND cancelled_at IS NULL DO NOTHING",
                (kind, key, text, now()),
            )
            return _one(db, "key = ? AND ended_at IS NULL AND cancelled_at IS NULL", key)

    def find(self, number: int) -> Job:
        """Return a job. Raises InputError if there is none of this number."""
        with self._database.read() as db:
            return _one(db, "id = ?", number)

    def latest(
        self, limit: int, *, before: int | None = None, states: Sequence[JobState] = ()
    ) -> tuple[Job, ...]:
        """Return the jobs asked for last, in these states, older than the job `before`."""
        where, values = ["TRUE"], list[Any]()
        if before is not None:
            where.append("id < ?")
            values.append(before)
        if states:
            where.append(f"state IN ({', '.join('?' * len(states))})")
            values += states
        with self._database.read() as db:
            rows = db.execute(
                f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?",
                (*values, limit),
            )
            return tuple(map(_job, rows))

    def open(self) -> tuple[Job, ...]:
        """Return the jobs that are queued or running, the oldest first."""
        with self._database.read() as db:
            rows = db.execute(f"{_SELECT} WHERE ended_at IS NULL ORDER BY id")
            return tuple(map(_job, rows))

    def cancel(self, number: int) -> Job:
        """Ask for the end of a job: a queued one ends now, a running one soon, an ended one has."""
        with self._database.write() as db:
            found = _one(db, "id = ?", number)
            if found.is_open:
                db.execute(
                    "UPDATE jobs SET cancelled_at = coalesce(cancelled_at, ?) WHERE id = ?",
                    (now(), number),
                )
            if found.state == "queued":
                _end(db, number, _CANCELLED)
            return _one(db, "id = ?", number)

    # ---- for a worker, which holds the locks of these kinds

    def settle(self, kinds: Sequence[JobKind]) -> None:
        """Bring back the jobs whose worker died; end those that were to end."""
        with self._database.write() as db:
            _settle(db, kinds)

    def take(self, kinds: Sequence[JobKind]) -> Job | None:
        """Return the oldest job of these kinds, now running; None: there is none."""
        with self._database.write() as db:
            _settle(db, kinds)
            taken = db.execute(
                "UPDATE jobs SET state = 'running', started_at = coalesce(started_at, ?), "
                "tries = tries + 1, waits = NULL, waits_until = NULL WHERE id = "
                f"(SELECT id FROM jobs WHERE ended_at IS NULL AND kind IN ({_listed(kinds)}) "
                "ORDER BY id LIMIT 1) RETURNING id",
                (now(),),
            ).fetchone()
            return None if taken is None else _one(db, "id = ?", taken[0])

    def give_back(self, number: int) -> None:
        """Queue a running job again; end it if it was to end."""
        with self._database.write() as db:
            found = _one(db, "id = ?", number)
            if found.cancelled_at is not None:
                _end(db, number, _CANCELLED)
            elif found.is_open:
                db.execute(f"{_QUEUE} WHERE id = ?", (number,))

    def note_run(self, number: int, run: int) -> None:
        """Store that a run began for a job."""
        with self._database.write() as db:
            db.execute(
                "UPDATE jobs SET run_id = ?1, first_run_id = coalesce(first_run_id, ?1) "
                "WHERE id = ?2",
                (run, number),
            )

    def tell(self, number: int, progress: JobProgress) -> None:
        """Store how far a job has come. Waits for no other writer, and then raises Locked."""
        with self._database.write(patient=False) as db:
            db.execute(
                "UPDATE jobs SET done = ?, total = ?, what = ?, waits = ?, waits_until = ? "
                "WHERE id = ? AND ended_at IS NULL",
                (
                    progress.done, progress.total, progress.what, progress.waits,
                    to_text_or_none(progress.waits_until), number,
                ),
            )  # fmt: skip

    def end(self, number: int, end: JobEnd) -> None:
        """Store how a job ended."""
        with self._database.write() as db:
            _end(db, number, end)


_CANCELLED = JobEnd("cancelled", 130)

_QUEUE = "UPDATE jobs SET state = 'queued', waits = NULL, waits_until = NULL"

_COLUMNS = (
    "id", "kind", "params", "state", "asked_at", "started_at", "ended_at", "cancelled_at", "tries",
    "first_run_id", "run_id", "done", "total", "what", "waits", "waits_until", "exit_code",
    "failure", "error", "hint",
)  # fmt: skip

_SELECT = (
    f"SELECT {', '.join(_COLUMNS)}, (SELECT summary FROM runs WHERE runs.id = jobs.run_id) "
    "FROM jobs"
)

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


def _one(db: Connection, where: str, value: object) -> Job:
    row = db.execute(f"{_SELECT} WHERE {where}", (value,)).fetchone()
    if row is None:
        raise InputError("job_unknown", number=value)
    return _job(row)


def _settle(db: Connection, kinds: Sequence[JobKind]) -> None:
    dead = f"ended_at IS NULL AND state = 'running' AND kind IN ({_listed(kinds)})"
    for (number,) in db.execute(
        f"SELECT id FROM jobs WHERE {dead} AND cancelled_at IS NOT NULL"
    ).fetchall():
        _end(db, number, _CANCELLED)
    db.execute(f"{_QUEUE} WHERE {dead}")


def _end(db: Connection, number: int, end: JobEnd) -> None:
    # A text from outside may hold half an emoji, which SQLite does not take.
    error, hint = (
        text and text.encode(errors="backslashreplace").decode() for text in (end.error, end.hint)
    )
    db.execute(
        "UPDATE jobs SET state = ?, ended_at = ?, exit_code = ?, failure = ?, error = ?, "
        "hint = ?, waits = NULL, waits_until = NULL WHERE id = ? AND ended_at IS NULL",
        (end.state, now(), end.exit_code, end.failure, error, hint, number),
    )


def _listed(kinds: Sequence[JobKind]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


def _sweep(db: Connection, keep: dt.timedelta) -> None:
    """Delete old jobs, except the last: a number is not used again."""
    try:
        before = to_text(dt.datetime.now(dt.UTC) - keep)
    except OverflowError:  # longer than the calendar
        return
    db.execute(
        "DELETE FROM jobs WHERE ended_at < ? AND id < (SELECT max(id) FROM jobs) "
        "AND id IN (SELECT id FROM jobs ORDER BY id LIMIT ?)",
        (before, _SWEPT),
    )
