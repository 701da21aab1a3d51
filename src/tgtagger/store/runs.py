"""The record of runs: when each began and ended, with which tagger, and what it did.

Does not know what a run does: its summary is JSON from the caller.
"""

from __future__ import annotations

import os

from tgtagger.model.tagging import Provenance
from tgtagger.store.database import Part
from tgtagger.store.times import now


class Runs(Part):
    """The runs of parse, tag, retry-failed and sync."""

    def start(self, command: str, provenance: Provenance | None = None) -> int:
        """Store that a run begins, and with which tagger; return its number."""
        with self._database.write() as db:
            cursor = db.execute(
                "INSERT INTO runs (command, started_at, pid, tagger, model, prompt, vocabulary) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
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

    def has_tagged_with(self, provenance: Provenance, before: int) -> bool:
        """Tell whether any run before this one tagged something with this kind of tagger."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT 1 FROM runs WHERE tagger = ? AND id < ? AND coalesce("
                "json_extract(summary, '$.tagged'), json_extract(summary, '$.tag.tagged')) > 0",
                (provenance.source, before),
            )
            return found.fetchone() is not None
