"""The changes of tags, a person's, an agent's and the tagging runs': their list, an undo.

An undo is a change, too: undone, it lets the other one stand again. Knows neither how changes are
recorded (`recording`), nor which hang on one (`later_changes`), nor what an undo does to the rows
(`undo`).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from tgtagger.errors import InputError
from tgtagger.model.changes import PastChange, TakenBack
from tgtagger.model.events import OnSteps, unheard
from tgtagger.store.checks import RowCheck, parsed
from tgtagger.store.database import Part
from tgtagger.store.later_changes import later_than
from tgtagger.store.recording import TOUCHED, note_run, recording
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.times import from_text, moment, now
from tgtagger.store.undo import take_back_change, take_back_run
from tgtagger.store.values import INTEGER, LARGEST

_CHANGE = RowCheck(
    "tag_changes.id", "tag_changes.at", "tag_changes.what", "tag_changes.names",
    "tag_changes.posts", "tag_changes.undone_at", "tag_changes.undoes",
)  # fmt: skip
_SELECT_CHANGE = (
    "SELECT id, at, what, names, posts, undone_at, undoes FROM tag_changes "
    "WHERE what <> 'run' AND swept_at IS NULL"
)
_RUN = RowCheck(
    "runs.id", "runs.started_at", "runs.command", "runs.tagger", "runs.model", INTEGER,
    "tag_changes.undone_at",
)  # fmt: skip
# A person's tag belongs to no run; so the index of runs answers, and no tag of a post is read.
_SELECT_RUN = (
    "SELECT runs.id, started_at, command, tagger, model, CASE WHEN h.undone_at IS NULL "
    "THEN (SELECT count(DISTINCT post_id) FROM post_tags WHERE run_id = runs.id) "
    "ELSE h.posts END, h.undone_at FROM runs LEFT JOIN tag_changes AS h ON h.id = runs.id "
    "WHERE tagger IS NOT NULL"
)
_LEFT_TAGS = (
    "(EXISTS (SELECT 1 FROM post_tags WHERE run_id = runs.id) "
    "OR h.swept_at IS NULL AND h.id IS NOT NULL)"
)
_PAST = Statement(f"{_SELECT_CHANGE} AND id < :before ORDER BY 1 DESC LIMIT :most")
_PAST_RUNS = Statement(
    f"{_SELECT_RUN} AND {_LEFT_TAGS} AND runs.id < :before ORDER BY 1 DESC LIMIT :most"
)
_LAST = Statement(
    f"{_SELECT_CHANGE} AND undone_at IS NULL AND what <> 'undo' ORDER BY id DESC LIMIT 1"
)
_LAST_RUN = Statement(
    f"{_SELECT_RUN} AND {_LEFT_TAGS} AND h.undone_at IS NULL ORDER BY runs.id DESC LIMIT 1"
)
_FIND = Statement(f"{_SELECT_CHANGE} AND id = :id")
_FIND_RUN = Statement(f"{_SELECT_RUN} AND runs.id = :id")
_EXISTS = Statement("SELECT 1 FROM tag_changes WHERE id = :id")
_SWEPT_UNTIL = Statement(
    "SELECT at FROM tag_changes WHERE swept_at IS NOT NULL ORDER BY id DESC LIMIT 1"
)
_LEFT_BY = Statement(
    "SELECT runs.id FROM runs LEFT JOIN tag_changes AS h ON h.id = runs.id "
    f"WHERE runs.id IN listed(:runs) AND {_LEFT_TAGS} AND h.undone_at IS NULL"
)
_AT = RowCheck("tag_changes.at")

_REMOVAL = RowCheck("tags.name", INTEGER)
_REMOVALS = Statement(
    "SELECT t.name, max(c.id) FROM barred_tags AS b JOIN tags AS t ON t.id = b.tag_id "
    "JOIN changed_tags AS x ON x.tag_id = b.tag_id JOIN tag_changes AS c ON c.id = x.change_id "
    "WHERE c.what = 'remove' AND c.undone_at IS NULL GROUP BY t.id"
)
_NEVER_WAS = Statement("DELETE FROM tag_changes WHERE undoes = :id AND undone_at IS NULL")
_UNDONE = Statement(
    "UPDATE tag_changes SET undone_at = :at, "
    "posts = CASE WHEN what = 'run' THEN :posts ELSE posts END WHERE id = :id"
)
_NEWEST = Statement("SELECT max(id) FROM tag_changes")
_STANDS = Statement("UPDATE tag_changes SET undone_at = NULL WHERE id = :id")
_STANDS_NOT = Statement("UPDATE tag_changes SET undone_at = :at WHERE id = :id")
_FORGET = [Statement(f"DELETE FROM {table} WHERE change_id = :id") for table in TOUCHED]
_TAGGING_RUNS = Statement(
    "SELECT DISTINCT run_id FROM post_tags WHERE run_id IS NOT NULL ORDER BY 1 DESC LIMIT 5"
)


class Changes(Part):
    """The changes of tags, a person's and the tagging runs'."""

    def past(self, most: int, before: int = LARGEST) -> tuple[PastChange, ...]:
        """Return the last changes before a number, the latest first.

        They are a person's, and those of runs that left tags.
        """
        with self._database.read() as db:
            found = [
                *map(_past, _PAST(db, before=before, most=most)),
                *map(_run, _PAST_RUNS(db, before=before, most=most)),
            ]
        return tuple(sorted(found, key=lambda each: -each.number)[:most])

    def last(self) -> PastChange | None:
        """Return the last change that stands and is no undo; None: there is none."""
        with self._database.read() as db:
            found = [*map(_past, _LAST(db)), *map(_run, _LAST_RUN(db))]
        return max(found, key=lambda each: each.number, default=None)

    def swept_until(self) -> dt.datetime | None:
        """Return when the latest of those changes was made that are too old to be kept."""
        with self._database.read() as db:
            row = _SWEPT_UNTIL(db).fetchone()
            return None if row is None else moment(_AT(row)[0])

    def left_tags(self, runs: Sequence[int]) -> frozenset[int]:
        """Return which of these runs left tags on posts: those can be undone."""
        with self._database.read() as db:
            rows = _LEFT_BY(db, runs=json.dumps(list(runs)))
            return frozenset(number for (number,) in rows)

    def removals(self) -> dict[str, int]:
        """Return, by the name of each blocked tag, the change that blocked it, to be undone."""
        with self._database.read() as db:
            return {str(name): int(number) for name, number in map(_REMOVAL, _REMOVALS(db))}

    def take_back(
        self, number: int, *, dry_run: bool = False, on_steps: OnSteps = unheard
    ) -> TakenBack:
        """Undo a change of this number, a person's or a run's, or an undo of one.

        Raises InputError if there is none, if it is undone, or if later ones hang on it.
        """
        with self._database.write(dry_run=dry_run) as db:
            change = _find(db, number)
            if change.undone_at is not None:
                raise InputError("change_undone", change=number)
            later = later_than(db, change)
            if later:
                raise InputError("change_depended_on", change=number, later=later)
            if change.undoes is not None:
                return _stand_again(db, change, change.undoes, on_steps)
            with recording(db, "undo", undoes=number):
                take_back = take_back_run if change.by == "run" else take_back_change
                done = take_back(db, change, on_steps)
            if change.by == "run":
                if not done.posts:  # nothing of it is left: no change
                    _NEVER_WAS(db, id=number)
                    return done
                note_run(db, number)
            _UNDONE(db, at=now(), posts=done.posts, id=number)
            (undo,) = _NEWEST(db).fetchone()
            return replace(done, undo=undo)


def _stand_again(db: Connection, undo: PastChange, undone: int, on_steps: OnSteps) -> TakenBack:
    """Undo an undo: all is as if it had never been."""
    # First: what the other change replaced is needed again.
    _STANDS(db, id=undone)
    done = take_back_change(db, undo, on_steps)
    _STANDS_NOT(db, at=now(), id=undo.number)
    for forget in _FORGET:
        forget(db, id=undo.number)
    return done


def _past(row: Sequence[Any]) -> PastChange:
    number, at, what, names, posts, undone, undoes = _CHANGE(row)
    by: Literal["person", "agent"] = "agent" if what == "agent" else "person"
    return PastChange(
        number, moment(at), by, what, tuple(parsed(names)), posts, from_text(undone), undoes
    )


def _run(row: Sequence[Any]) -> PastChange:
    number, at, command, tagger, model, posts, undone = _RUN(row)
    names = (model or tagger,)
    return PastChange(number, moment(at), "run", command, names, posts, from_text(undone))


def _find(db: Connection, number: int) -> PastChange:
    row = _FIND(db, id=number).fetchone()
    if row is not None:
        return _past(row)
    row = _FIND_RUN(db, id=number).fetchone()
    if row is not None:
        return _run(row)
    if _EXISTS(db, id=number).fetchone():
        raise InputError("change_swept", change=number)
    runs = tuple(run for (run,) in _TAGGING_RUNS(db))
    raise InputError("run_unknown", run=number, tagging_runs=runs)
