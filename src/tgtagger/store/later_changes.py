"""Which later changes of tags hang on one: it is undone while none has touched its rows.

Compares what changes touched, as `recording` has kept it. Restores nothing: see `undo`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tgtagger.decide import HUMAN
from tgtagger.model.changes import PastChange
from tgtagger.store.recording import LASTING_SOURCES
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement

_TAGS = "SELECT tag_id FROM changed_tags WHERE {in_}"
_COME_OR_GO = f"{_TAGS} AND (before IS NULL OR after IS NULL)"
_BLOCKED = f"{_TAGS} AND coalesce(text_of(before, 4), '') <> coalesce(text_of(after, 4), '')"
USED = (
    "SELECT tag_id FROM changed_links WHERE {in_} UNION SELECT tag_id FROM changed_tags "
    "WHERE {in_} UNION SELECT number_of(before, 1) FROM changed_aliases WHERE {in_} "
    "UNION SELECT number_of(after, 1) FROM changed_aliases WHERE {in_}"
)
_NAMES = (
    "SELECT key FROM changed_aliases WHERE {in_} "
    "UNION SELECT text_of(before, 1) FROM changed_tags WHERE {in_} "
    "UNION SELECT text_of(after, 1) FROM changed_tags WHERE {in_}"
)
_MACHINES = (
    "SELECT post_id FROM changed_links WHERE {in_} AND (text_of(before, 1) NOT IN "
    f"({LASTING_SOURCES}) OR text_of(after, 1) NOT IN ({LASTING_SOURCES}))"
)
_STATES = "SELECT post_id FROM changed_posts WHERE {in_}"

_OURS, _THEIRS = "change_id IN listed(:ours)", "change_id IN listed(:theirs)"
_SETS = {
    query: Statement(query.format(in_=_OURS))
    for query in (_TAGS, _COME_OR_GO, _BLOCKED, USED, _NAMES)
}
_LINKS = "SELECT post_id, tag_id FROM changed_links WHERE {in_}"
_POSTS = f"{_MACHINES} UNION {_STATES}"
_SHARED = {
    query: Statement(
        f"SELECT * FROM ({query.format(in_=_OURS)}) AS a "
        f"INTERSECT SELECT * FROM ({query.format(in_=_THEIRS)}) AS b LIMIT 1"
    )
    for query in (_LINKS, _POSTS)
}
_LATER = Statement(
    "SELECT id FROM tag_changes WHERE id > :id AND undone_at IS NULL AND swept_at IS NULL "
    "AND what NOT IN ('run', 'undo') ORDER BY id"
)
_LATER_UNDOS = Statement(
    "SELECT id, undoes FROM tag_changes WHERE id > :id AND undoes < :id AND undone_at IS NULL "
    "AND swept_at IS NULL"
)
_IS_RUN = Statement("SELECT 1 FROM runs WHERE id = :id AND tagger IS NOT NULL")
_MENTIONS = Statement(
    f"SELECT 1 FROM changed_links WHERE {_OURS} "
    "AND (number_of(before, 5) = :run OR number_of(after, 5) = :run) LIMIT 1"
)
_RUNS_OF_POSTS = Statement(
    f"SELECT c.change_id FROM ({_POSTS.format(in_=_OURS)}) AS o "
    "JOIN changed_posts AS c ON c.post_id = o.post_id "
    "JOIN tag_changes AS h ON h.id = c.change_id WHERE h.what = 'run' AND h.undone_at IS NULL "
    f"UNION SELECT l.run_id FROM ({_POSTS.format(in_=_OURS)}) AS o "
    f"JOIN post_tags AS l ON l.post_id = o.post_id WHERE l.source <> '{HUMAN}'"
)


def later_than(db: Connection, change: PastChange) -> tuple[int, ...]:
    """Return the later changes that hang on this one, and so have to be undone before.

    They touched the same rows or names, use a tag that this one made, or deleted one of its tags.
    A run's undo leaves what a person did since; but an undo of something earlier, made since, hangs
    on any change of the same posts. On an undo hang runs, too, that tagged its posts anew.
    """
    number = change.number
    own = _Records(db, (number,) if change.undoes is None else (number, change.undoes))
    by_run = change.by == "run" or _is_run(db, change.undoes)
    found = []
    if change.by != "run":
        rows = _LATER(db, id=number).fetchall()
        found += [later for (later,) in rows if own.clash(_Records(db, (later,)), by_run=by_run)]
    rows = _LATER_UNDOS(db, id=number).fetchall()
    for later, undone in rows:
        of_run = _is_run(db, undone)
        other = _Records(db, (later, undone))
        if own.clash(other, by_run=by_run or of_run) or (of_run and own.mention(undone)):
            found.append(later)
    if change.undoes is not None:
        found += [run for run in own.runs_of_posts() if run > number]
    return tuple(sorted(found))


def _is_run(db: Connection, number: int | None) -> bool:
    return _IS_RUN(db, id=number).fetchone() is not None


@dataclass(frozen=True, slots=True)
class _Records:
    """What some changes touched."""

    db: Connection
    numbers: tuple[int, ...]

    def clash(self, other: _Records, *, by_run: bool) -> bool:
        """Tell whether others touched the same rows or names; of a run's, the same posts."""
        return (
            bool(self._set(_TAGS) & other._set(_TAGS))
            or bool(self._set(_NAMES) & other._set(_NAMES))
            or bool(self._set(_COME_OR_GO) & other._set(USED))
            or bool(self._set(USED) & other._set(_COME_OR_GO))
            or self._share(other, _LINKS)
            or (by_run and self._meets_posts_of(other))
        )

    def _meets_posts_of(self, other: _Records) -> bool:
        return bool(self._set(_BLOCKED) & other._set(USED)) or self._share(other, _POSTS)

    def mention(self, run: int) -> bool:
        """Tell whether these have a tag that a run gave."""
        return _MENTIONS(self.db, ours=self._list, run=run).fetchone() is not None

    def runs_of_posts(self) -> set[int]:
        """Return the runs that kept something of the same posts, or gave them tags."""
        rows = _RUNS_OF_POSTS(self.db, ours=self._list)
        return {run for (run,) in rows if run is not None}

    @property
    def _list(self) -> str:
        return json.dumps(self.numbers)

    def _set(self, query: str) -> set[Any]:
        found = {value for (value,) in _SETS[query](self.db, ours=self._list)}
        return found - {None}  # a tag or a name that was not there: nothing in common

    def _share(self, other: _Records, query: str) -> bool:
        found = _SHARED[query](self.db, ours=self._list, theirs=other._list)
        return found.fetchone() is not None
