"""The record of runs: when each began and ended, with which tagger, and what it did.

Does not know what a run does: its summary is JSON from the caller.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from typing import Any

from tgtagger.model.state import Run
from tgtagger.model.tagging import Provenance
from tgtagger.store.checks import RowCheck, parsed
from tgtagger.store.database import Part
from tgtagger.store.recording import NEXT_NUMBER
from tgtagger.store.statements import Statement
from tgtagger.store.sweeping import sweep
from tgtagger.store.times import from_text, moment, now
from tgtagger.store.values import LARGEST

_RUN = RowCheck(
    "runs.id", "runs.command", "runs.started_at", "runs.ended_at", "runs.exit_code", "runs.summary"
)
SELECT_RUN = "SELECT id, command, started_at, ended_at, exit_code, summary FROM runs"

_CHANGES = " + ".join(
    f"coalesce(count_in(summary, {part}{name}), 0)"
    for part, names in (
        ("", ("new", "updated", "deleted", "rejected", "tagged", "skipped", "failed")),
        ("parse.", ("new", "updated", "deleted", "rejected")),
        ("tag.", ("tagged", "skipped", "failed")),
        ("retry.", ("tagged", "skipped", "failed")),
    )
    for name in names
)
"""SQL: how many posts a run changed, by its summary."""

EVENTFUL = f"(id = (SELECT max(id) FROM runs) OR coalesce(exit_code, 1) <> 0 OR ({_CHANGES}) > 0)"
"""SQL: the run is worth a line. Of those that ended well and changed nothing only the latest is:
with cron, they would fill a list."""


def as_run(row: Sequence[Any]) -> Run:
    """Return the run of a row of SELECT_RUN."""
    identity, command, start, end, code, summary = _RUN(row)
    if summary is not None:
        parsed(summary)
    return Run(identity, command, moment(start), from_text(end), code, summary)


_START = Statement(
    "INSERT INTO runs (id, command, started_at, pid, tagger, model, prompt, vocabulary) "
    f"VALUES ({NEXT_NUMBER}, :command, :at, :pid, :tagger, :model, :prompt, :vocabulary) "
    "RETURNING id"
)
_END = Statement(
    "UPDATE runs SET ended_at = :at, exit_code = :code, summary = :summary WHERE id = :run"
)
_PAST = Statement(f"{SELECT_RUN} WHERE id < :before ORDER BY id DESC LIMIT :most")
_PAST_EVENTFUL = Statement(
    f"{SELECT_RUN} WHERE id < :before AND {EVENTFUL} ORDER BY id DESC LIMIT :most"
)
_HAS_RUN = Statement("SELECT 1 FROM runs WHERE command = :command AND id < :before LIMIT 1")
# A swept run has no summary any more; its tags tell.
_HAS_TAGGED = Statement(
    "SELECT 1 FROM runs WHERE tagger = :tagger AND id < :before AND "
    "(coalesce(count_in(summary, tagged), count_in(summary, tag.tagged)) > 0 "
    "OR EXISTS (SELECT 1 FROM post_tags WHERE run_id = runs.id)) LIMIT 1"
)


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

        Of what is kept for a time, a few rows are swept that are older than `keep` (`sweeping`).
        Runs that left tags or attempts lose their summary, others go. None: all is kept.
        """
        with self._database.write() as db:
            if keep is not None:
                sweep(db, keep, provenance)
            (number,) = _START(
                db,
                command=command,
                at=now(),
                pid=os.getpid(),
                tagger=provenance and provenance.source,
                model=provenance and provenance.model,
                prompt=provenance and provenance.prompt,
                vocabulary=provenance and provenance.vocabulary,
            ).fetchone()
            return int(number)

    def end(
        self, run: int, exit_code: int, summary: str | None = None, *, patient: bool = True
    ) -> None:
        """Store how a run ended; `summary` is JSON. Wait for other writers only if `patient`."""
        with self._database.write(patient=patient) as db:
            _END(db, at=now(), code=exit_code, summary=summary, run=run)

    def past(self, most: int, before: int = LARGEST, *, eventful: bool = False) -> tuple[Run, ...]:
        """Return the last runs before a number, the latest first; or only the `eventful` ones.

        A run that ended well and changed nothing is not eventful, unless it is the latest.
        """
        statement = _PAST_EVENTFUL if eventful else _PAST
        with self._database.read() as db:
            return tuple(map(as_run, statement(db, before=before, most=most)))

    def has_run(self, command: str, before: int) -> bool:
        """Tell whether this command ran before this run."""
        with self._database.read() as db:
            return _HAS_RUN(db, command=command, before=before).fetchone() is not None

    def has_tagged_with(self, provenance: Provenance, before: int) -> bool:
        """Tell whether any run before this one tagged something with this kind of tagger."""
        with self._database.read() as db:
            found = _HAS_TAGGED(db, tagger=provenance.source, before=before)
            return found.fetchone() is not None
