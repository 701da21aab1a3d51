"""What grows with time and not with posts: the rule of each, and a few rows of it that go.

A run that begins writes anyway, so it sweeps. The rules stand in docs/schema.md. Old changes of
tags have one of their own (`recording`), jobs too (`jobs`), and capabilities (`answers`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from tgtagger.decide import answer_prefix
from tgtagger.model.tagging import Provenance
from tgtagger.store.checks import RowCheck
from tgtagger.store.recording import sweep as sweep_changes
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.times import to_text

SWEPT = 500
"""Rows of a kind that go at a time: a millisecond or two of a run that writes anyway."""

SHOWN = dt.timedelta(days=60)
"""How long attempts stay at least: pages show what models cost on so many days."""

YEAR = dt.timedelta(days=365)
"""How long at least what was paid for stays, that a message could not be kept, and a killed run."""

# One without an end was killed, or is still at work: nothing is at work for a year.
_OLD = (
    "SELECT id FROM runs WHERE started_at < :before "
    "AND (ended_at IS NOT NULL OR started_at < :long_ago)"
)
_REFERRED = (
    "(EXISTS (SELECT 1 FROM post_tags WHERE run_id = runs.id) "
    "OR EXISTS (SELECT 1 FROM attempts WHERE run_id = runs.id) "
    "OR EXISTS (SELECT 1 FROM tag_changes WHERE id = runs.id AND swept_at IS NULL))"
)
_SWEEP_RUNS = Statement(
    f"DELETE FROM runs WHERE id IN ({_OLD} AND NOT {_REFERRED} ORDER BY id LIMIT {SWEPT})"
)
_SWEEP_SUMMARIES = Statement(
    f"UPDATE runs SET summary = NULL WHERE id IN "
    f"({_OLD} AND summary IS NOT NULL ORDER BY id LIMIT {SWEPT})"
)
# By their number, which is their order in time: the newer ones are not looked at.
_SWEEP_ATTEMPTS = Statement(
    "DELETE FROM attempts WHERE at < :before "
    f"AND id IN (SELECT id FROM attempts ORDER BY id LIMIT {2 * SWEPT})"
)
_SWEEP_REJECTED = Statement(
    "DELETE FROM rejected_posts WHERE (channel_id, message_id) IN (SELECT channel_id, message_id "
    f"FROM rejected_posts WHERE seen_at < :before LIMIT {SWEPT})"
)
_FIRST_ANSWER = Statement("SELECT key, model FROM answers WHERE key >= :key ORDER BY key LIMIT 1")
_MADE_WITH = Statement("SELECT DISTINCT prompt, vocabulary FROM runs WHERE tagger IS NOT NULL")
_SWEEP_ANSWERS = Statement(
    "DELETE FROM answers WHERE at < :before AND key IN (SELECT key FROM answers "
    f"WHERE key >= :start AND key < :end ORDER BY key LIMIT {SWEPT})"
)

_PROMPTED = RowCheck("runs.prompt", "runs.vocabulary")
_ANSWER = RowCheck("answers.key", "answers.model")


def sweep(db: Connection, keep: dt.timedelta, provenance: Provenance | None) -> None:
    """Let a few rows go that are older than `keep`. `provenance`: with what the run tags."""
    try:
        at = dt.datetime.now(dt.UTC)
        before = to_text(at - keep)
        attempts = to_text(at - max(keep, SHOWN))
        long_ago = to_text(at - max(keep, YEAR))
    except OverflowError:  # longer than the calendar
        return
    _SWEEP_ATTEMPTS(db, before=attempts)
    _SWEEP_RUNS(db, before=before, long_ago=long_ago)
    _SWEEP_SUMMARIES(db, before=before, long_ago=long_ago)
    _SWEEP_REJECTED(db, before=long_ago)
    if provenance is not None:
        _sweep_answers(db, provenance, long_ago)
    sweep_changes(db, before)


def _sweep_answers(db: Connection, now_with: Provenance, before: str) -> None:
    """Let old answers go if no run is kept that tagged with their prompt and vocabulary.

    A run is kept as long as a post has its tags; so is what it paid for.
    """
    found = [*kinds_of_answers(db)]
    if all(prefix == answer_prefix(now_with) for prefix, _ in found):
        return
    made_with = [(now_with.prompt, now_with.vocabulary), *map(_PROMPTED, _MADE_WITH(db))]
    for prefix, model in found:
        if not any(
            answer_prefix(Provenance("llm", model, prompt, vocabulary)) == prefix
            for prompt, vocabulary in made_with
        ):
            _SWEEP_ANSWERS(db, start=prefix, end=f"{prefix}~", before=before)
            return


def kinds_of_answers(db: Connection) -> Iterator[tuple[str, str | None]]:
    """Yield (prefix, model) of the answers of each model, prompt and vocabulary."""
    key = ""
    while (row := _FIRST_ANSWER(db, key=key).fetchone()) is not None:
        answer, model = _ANSWER(row)
        prefix, separator, _ = answer.partition(":")
        yield f"{prefix}{separator}", model
        key = f"{prefix}{separator}~"
