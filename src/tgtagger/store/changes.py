"""The changes of tags, a person's, an agent's and the tagging runs': their list, an undo.

An undo is a change, too: undone, it lets the other one stand again. Knows neither how changes are
recorded (`recording`) nor what an undo does to the rows (`undo`).
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from tgtagger.errors import InputError
from tgtagger.model.archive import PastChange, TakenBack
from tgtagger.store.database import Part
from tgtagger.store.recording import TOUCHED, note_run, recording
from tgtagger.store.times import from_text, moment, now
from tgtagger.store.undo import later_than, take_back_change, take_back_run
from tgtagger.store.values import INTEGER, LARGEST, RowCheck, parsed

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
    "SELECT runs.id, started_at, command, tagger, model, iif(h.undone_at IS NULL, "
    "(SELECT count(DISTINCT post_id) FROM post_tags WHERE run_id = runs.id), "
    "h.posts), h.undone_at FROM runs LEFT JOIN tag_changes AS h ON h.id = runs.id "
    "WHERE tagger IS NOT NULL"
)
_LEFT_TAGS = (
    "(EXISTS (SELECT 1 FROM post_tags WHERE run_id = runs.id) "
    "OR h.swept_at IS NULL AND h.id IS NOT NULL)"
)
_AT = RowCheck("tag_changes.at")

_REMOVAL = RowCheck("tags.name", INTEGER)
_REMOVALS = (
    "SELECT t.name, max(c.id) FROM barred_tags AS b JOIN tags AS t ON t.id = b.tag_id "
    "JOIN changed_tags AS x ON x.tag_id = b.tag_id JOIN tag_changes AS c ON c.id = x.change_id "
    "WHERE c.what = 'remove' AND c.undone_at IS NULL GROUP BY t.id"
)


class Changes(Part):
    """The changes of tags, a person's and the tagging runs'."""

    def past(self, most: int, before: int = LARGEST) -> tuple[PastChange, ...]:
        """Return the last changes before a number, the latest first.

        They are a person's, and those of runs that left tags.
        """
        end, values = "< ? ORDER BY 1 DESC LIMIT ?", (before, most)
        with self._database.read() as db:
            found = [
                *map(_past, db.execute(f"{_SELECT_CHANGE} AND id {end}", values)),
                *map(_run, db.execute(f"{_SELECT_RUN} AND {_LEFT_TAGS} AND runs.id {end}", values)),
            ]
        return tuple(sorted(found, key=lambda each: -each.number)[:most])

    def last(self) -> PastChange | None:
        """Return the last change that stands and is no undo; None: there is none."""
        with self._database.read() as db:
            found = [
                *map(_past, db.execute(
                    f"{_SELECT_CHANGE} AND undone_at IS NULL AND what <> 'undo' "
                    "ORDER BY id DESC LIMIT 1")),
                *map(_run, db.execute(
                    f"{_SELECT_RUN} AND {_LEFT_TAGS} AND h.undone_at IS NULL "
                    "ORDER BY runs.id DESC LIMIT 1")),
            ]  # fmt: skip
        return max(found, key=lambda each: each.number, default=None)

    def swept_until(self) -> dt.datetime | None:
        """Return when the latest of those changes was made that are too old to be kept."""
        with self._database.read() as db:
            query = "SELECT at FROM tag_changes WHERE swept_at IS NOT NULL ORDER BY id DESC LIMIT 1"
            row = db.execute(query).fetchone()
            return None if row is None else moment(_AT(row)[0])

    def left_tags(self, runs: Sequence[int]) -> frozenset[int]:
        """Return which of these runs left tags on posts: those can be undone."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT runs.id FROM runs LEFT JOIN tag_changes AS h ON h.id = runs.id "
                f"WHERE runs.id IN (SELECT value FROM json_each(?)) AND {_LEFT_TAGS} "
                "AND h.undone_at IS NULL",
                (json.dumps(list(runs)),),
            )
            return frozenset(number for (number,) in rows)

    def removals(self) -> dict[str, int]:
        """Return, by the name of each blocked tag, the change that blocked it, to be undone."""
        with self._database.read() as db:
            return {str(name): int(number) for name, number in map(_REMOVAL, db.execute(_REMOVALS))}

    def take_back(self, number: int, *, dry_run: bool = False) -> TakenBack:
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
                return _stand_again(db, change, change.undoes)
            with recording(db, "undo", undoes=number):
                take_back = take_back_run if change.by == "run" else take_back_change
                done = take_back(db, change)
            if change.by == "run":
                if not done.posts:  # nothing of it is left: no change
                    db.execute(
                        "DELETE FROM tag_changes WHERE undoes = ? AND undone_at IS NULL", (number,)
                    )
                    return done
                note_run(db, number)
            db.execute(
                "UPDATE tag_changes SET undone_at = ?1, posts = iif(what = 'run', ?2, posts) "
                "WHERE id = ?3",
                (now(), done.posts, number),
            )
            (undo,) = db.execute("SELECT max(id) FROM tag_changes").fetchone()
            return replace(done, undo=undo)


def _stand_again(db: sqlite3.Connection, undo: PastChange, undone: int) -> TakenBack:
    """Undo an undo: all is as if it had never been."""
    # First: what the other change replaced is needed again.
    db.execute("UPDATE tag_changes SET undone_at = NULL WHERE id = ?", (undone,))
    done = take_back_change(db, undo)
    db.execute("UPDATE tag_changes SET undone_at = ? WHERE id = ?", (now(), undo.number))
    for table in TOUCHED:
        db.execute(f"DELETE FROM {table} WHERE change_id = ?", (undo.number,))
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


def _find(db: sqlite3.Connection, number: int) -> PastChange:
    row = db.execute(f"{_SELECT_CHANGE} AND id = ?", (number,)).fetchone()
    if row is not None:
        return _past(row)
    row = db.execute(f"{_SELECT_RUN} AND runs.id = ?", (number,)).fetchone()
    if row is not None:
        return _run(row)
    if db.execute("SELECT 1 FROM tag_changes WHERE id = ?", (number,)).fetchone():
        raise InputError("change_swept", change=number)
    runs = db.execute(
        "SELECT DISTINCT run_id FROM post_tags WHERE run_id IS NOT NULL ORDER BY 1 DESC LIMIT 5"
    )
    raise InputError("run_unknown", run=number, tagging_runs=tuple(run for (run,) in runs))
