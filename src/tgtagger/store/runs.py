"""The record of runs: when each began and ended, with which tagger, and what it did.

Does not know what a run does: its summary is JSON from the caller.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import Connection

from tgtagger.model.archive import Run
from tgtagger.model.tagging import Provenance
from tgtagger.store.database import Part
from tgtagger.store.recording import NEXT_NUMBER, sweep
from tgtagger.store.times import from_text, moment, now, to_text
from tgtagger.store.values import LARGEST, RowCheck, parsed

_RUN = RowCheck(
    "runs.id", "runs.command", "runs.started_at", "runs.ended_at", "runs.exit_code", "runs.summary"
)
SELECT_RUN = "SELECT id, command, started_at, ended_at, exit_code, summary FROM runs"

_CHANGES = " + ".join(
    f"coalesce(json_extract(summary, '$.{part}{name}'), 0)"
    for part, names in (
        ("", ("new", "updated", "deleted", "rejected", "tagged", "skipped", "failed")),
        ("parse.", ("new", "updated", "deleted", "rejected")),
        ("tag.", ("tagged", "skipped", "failed")),
        ("retry.", ("tagged", "skipped", "failed")),
    )
    for name in names
)
"""SQL: how many posts a run changed, by its summary."""

EVENTFUL = f"(id = (SELECT max(id) FROM runs) OR exit_code IS NOT 0 OR ({_CHANGES}) > 0)"
"""SQL: the run is worth a line. Of those that ended well and changed nothing only the latest is:
with cron, they would fill a list."""


def as_run(row: Sequence[Any]) -> Run:
    """Return the run of a row of SELECT_RUN."""
    identity, command, start, end, code, summary = _RUN(row)
    if summary is not None:
        parsed(summary)
    return Run(identity, command, moment(start), from_text(end), code, summary)


class Runs(Part):
    """The runs of parse, tag, retry-failed and sync."""

    def start(
        self,
        command: str,
        provenance: Provenance | None = None,
        *,
        keep: dt.timedelta | None = None,
    ) -> int:
        """Store that a run begins, and with which tagger; return its number.

        Of the runs that began longer ago than `keep`, a few are swept: those that left tags or
        attempts lose their summary, the others go; and a few rows of old changes of tags. None: all
        are kept.
        """
        with self._database.write() as db:
            if keep is not None:
                with contextlib.suppress(OverflowError):  # longer than the calendar
                    before = to_text(dt.datetime.now(dt.UTC) - keep)
                    _sweep(db, before)
                    sweep(db, before)
            cursor = db.execute(
                "INSERT INTO runs "
                "(id, command, started_at, pid, tagger, model, prompt, vocabulary) "
                f"VALUES ({NEXT_NUMBER}, ?, ?, ?, ?, ?, ?, ?)",
                (
                    command,
                    now(),
                    os.getpid(),
                    provenance and provenance.source,
                    provenance and provenance.model,
                    provenance and provenance.prompt,
                    provenance and provenance.vocabulary,
                ),
            )
            return int(cursor.lastrowid or 0)

    def end(
        self, run: int, exit_code: int, summary: str | None = None, *, patient: bool = True
    ) -> None:
        """Store how a run ended; `summary` is JSON. Wait for other writers only if `patient`."""
        with self._database.write(patient=patient) as db:
            db.execute(
                "UPDATE runs SET ended_at = ?, exit_code = ?, summary = ? WHERE id = ?",
                (now(), exit_code, summary, run),
            )

    def past(self, most: int, before: int = LARGEST, *, eventful: bool = False) -> tuple[Run, ...]:
        """Return the last runs before a number, the latest first; or only the `eventful` ones.

        A run that ended well and changed nothing is not eventful, unless it is the latest.
        """
        where = f"id < ? AND {EVENTFUL}" if eventful else "id < ?"
        with self._database.read() as db:
            rows = db.execute(
                f"{SELECT_RUN} WHERE {where} ORDER BY id DESC LIMIT ?",
                (before, most),
            )
            return tuple(map(as_run, rows))

    def has_run(self, command: str, before: int) -> bool:
        """Tell whether this command ran before this run."""
        with self._database.read() as db:
            query = "SELECT 1 FROM runs WHERE command = ? AND id < ? LIMIT 1"
            return db.execute(query, (command, before)).fetchone() is not None

    def has_tagged_with(self, provenance: Provenance, before: int) -> bool:
        """Tell whether any run before this one tagged something with this kind of tagger."""
        with self._database.read() as db:
            found = db.execute(
                # A swept run has no summary any more; its tags tell.
                "SELECT 1 FROM runs WHERE tagger = ? AND id < ? AND (coalesce("
                "json_extract(summary, '$.tagged'), json_extract(summary, '$.tag.tagged')) > 0 "
                "OR EXISTS (SELECT 1 FROM post_tags WHERE run_id = runs.id))",
                (provenance.source, before),
            )
            return found.fetchone() is not None


_SWEPT = 500
"""Runs that are swept at a time: a millisecond of a run that writes anyway."""


def _sweep(db: Connection, before: str) -> None:
    """Delete old runs that nothing refers to; the others keep their row, without a summary."""
    old = "SELECT id FROM runs WHERE started_at < ?1 AND ended_at IS NOT NULL"
    referred = (
        "(EXISTS (SELECT 1 FROM post_tags WHERE run_id = runs.id) "
        "OR EXISTS (SELECT 1 FROM attempts WHERE run_id = runs.id) "
        "OR EXISTS (SELECT 1 FROM tag_changes WHERE id = runs.id AND swept_at IS NULL))"
    )
    db.execute(
        f"DELETE FROM runs WHERE id IN ({old} AND NOT {referred} ORDER BY id LIMIT {_SWEPT})",
        (before,),
    )
    db.execute(
        f"UPDATE runs SET summary = NULL WHERE id IN "
        f"({old} AND summary IS NOT NULL ORDER BY id LIMIT {_SWEPT})",
        (before,),
    )
