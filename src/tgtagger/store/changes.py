"""Changes of tags: what a person did, with each row as it was before and after, and its undo.

`recording` notes, by triggers of the connection, every row that a change touches; so nothing that
`curation` does can be forgotten. A change is undone while no later one has touched its rows. Where
a run has tagged a post anew since, the run's tags stay. Numbers are those of the runs' series: one
number names either a run or a person's change. Knows no reason for a change.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tgtagger.decide import HUMAN
from tgtagger.errors import InputError
from tgtagger.model.archive import PastChange, TagChange, TakenBack
from tgtagger.model.choices import TagChangeKind
from tgtagger.store.database import Part
from tgtagger.store.times import from_text, moment, now
from tgtagger.store.values import INTEGER, LARGEST, RowCheck, parsed

NEXT_NUMBER = (
    "(SELECT max(coalesce((SELECT max(id) FROM runs), 0), "
    "coalesce((SELECT max(id) FROM tag_changes), 0)) + 1)"
)
"""SQL: the next number of a run, or of a person's change."""

NEXT_TAG = (
    "(SELECT max(coalesce((SELECT max(id) FROM tags), 0), "
    "coalesce((SELECT last_tag_id FROM tag_changes ORDER BY id DESC LIMIT 1), 0)) + 1)"
)
"""SQL: the id of a new tag; never that of a deleted one, which an undo may bring back."""

_LINK = "json_array(l.position, l.source, l.model, l.prompt, l.vocabulary, l.run_id, l.added_at)"
_STATE_OF = {
    "tag": (
        "(SELECT json_array(t.name, t.key, t.description, t.added_at, "
        "(SELECT barred_at FROM barred_tags WHERE tag_id = t.id)) FROM tags AS t WHERE t.id = {0})"
    ),
    "alias": "(SELECT json_array(name, tag_id) FROM tag_aliases WHERE key = {0})",
    "link": f"(SELECT {_LINK} FROM post_tags AS l WHERE (l.post_id, l.tag_id) = ({{0}}, {{1}}))",
    "removed": "(SELECT removed_at FROM removed_tags WHERE (post_id, tag_id) = ({0}, {1}))",
}
"""SQL: what a row holds now, as JSON; NULL: there is none."""

_TOUCHED = {
    "changed_tags": (("tag_id",), ("before",), ("tag",)),
    "changed_aliases": (("key",), ("before",), ("alias",)),
    "changed_links": (("post_id", "tag_id"), ("before", "removed_before"), ("link", "removed")),
}
_WATCHED = {
    "tags": ("changed_tags", ("id",)),
    "barred_tags": ("changed_tags", ("tag_id",)),
    "tag_aliases": ("changed_aliases", ("key",)),
    "post_tags": ("changed_links", ("post_id", "tag_id")),
    "removed_tags": ("changed_links", ("post_id", "tag_id")),
}


def _statements() -> Iterator[str]:
    for table, (keys, columns, _) in _TOUCHED.items():
        yield (
            f"CREATE TEMP TABLE touched_{table} ({', '.join((*keys, *columns))}, "
            f"PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID"
        )
    rows = {"INSERT": ("NEW",), "DELETE": ("OLD",), "UPDATE": ("OLD", "NEW")}
    for watched, (table, names) in _WATCHED.items():
        keys, columns, states = _TOUCHED[table]
        for verb, sides in rows.items():
            body = "".join(
                f"INSERT OR IGNORE INTO touched_{table} ({', '.join((*keys, *columns))}) SELECT "
                + ", ".join([*given, *(_STATE_OF[state].format(*given) for state in states)])
                + "; "
                for given in ([f"{side}.{name}" for name in names] for side in sides)
            )
            yield (
                f"CREATE TEMP TRIGGER touch_{watched}_{verb} BEFORE {verb} ON main.{watched} "
                f"BEGIN {body}END"
            )


@dataclass(slots=True)
class Recorded:
    """A change that is recorded. `number` None: it changed nothing, or is not recorded yet."""

    number: int | None = None

    def numbered(self, change: TagChange) -> TagChange:
        """Return what a change did, with its number."""
        return replace(change, number=self.number)


@contextlib.contextmanager
def recording(
    db: sqlite3.Connection, what: TagChangeKind, names: Sequence[str]
) -> Iterator[Recorded]:
    """Record what the body changes, as one change. A body that changes nothing is none."""
    for statement in _statements():
        db.execute(statement)
    recorded_as = Recorded()
    yield recorded_as
    for watched in _WATCHED:
        for verb in ("INSERT", "DELETE", "UPDATE"):
            db.execute(f"DROP TRIGGER temp.touch_{watched}_{verb}")
    (number, last) = db.execute(f"SELECT {NEXT_NUMBER}, {NEXT_TAG} - 1").fetchone()
    (highest,) = db.execute("SELECT max(tag_id) FROM temp.touched_changed_tags").fetchone()
    db.execute(
        "INSERT INTO tag_changes (id, at, what, names, posts, last_tag_id) "
        "VALUES (?, ?, ?, ?, 0, ?)",
        (number, now(), what, json.dumps(list(names), ensure_ascii=False), max(last, highest or 0)),
    )
    recorded = 0
    for table, (keys, columns, states) in _TOUCHED.items():
        after = [_STATE_OF[state].format(*(f"t.{key}" for key in keys)) for state in states]
        differs = " OR ".join(
            f"t.{column} IS NOT {now_}" for column, now_ in zip(columns, after, strict=True)
        )
        into = (*keys, *columns, *(column.replace("before", "after") for column in columns))
        recorded += db.execute(
            f"INSERT INTO {table} (change_id, {', '.join(into)}) SELECT ?, "
            f"{', '.join(f't.{name}' for name in (*keys, *columns))}, {', '.join(after)} "
            f"FROM temp.touched_{table} AS t WHERE {differs}",
            (number,),
        ).rowcount
        db.execute(f"DROP TABLE temp.touched_{table}")
    if not recorded:
        db.execute("DELETE FROM tag_changes WHERE id = ?", (number,))
        return
    db.execute(
        "UPDATE tag_changes SET posts = max("
        "(SELECT count(DISTINCT post_id) FROM changed_links WHERE change_id = ?1), ?2) "
        "WHERE id = ?1",
        (number, _renamed_posts(db, number)),
    )
    recorded_as.number = number


def _renamed_posts(db: sqlite3.Connection, number: int) -> int:
    """Return how many posts show another name of a tag than before a change."""
    query = (
        "SELECT count(*) FROM changed_tags AS c JOIN post_tags AS l ON l.tag_id = c.tag_id "
        "WHERE c.change_id = ? AND json_extract(c.before, '$[0]') <> json_extract(c.after, '$[0]')"
    )
    return int(db.execute(query, (number,)).fetchone()[0])


def forget_machine_links(db: sqlite3.Connection, post: int) -> None:
    """Let no undo bring back a machine's tags on a post that a run tags anew."""
    db.execute(
        "UPDATE changed_links SET before = iif(json_extract(before, '$[1]') = ?1, before, NULL), "
        "after = iif(json_extract(after, '$[1]') = ?1, after, NULL) WHERE post_id = ?2",
        (HUMAN, post),
    )


def forget_run(db: sqlite3.Connection, run: int) -> None:
    """Let no undo of another change bring back the tags of a run that is undone."""
    for side in ("before", "after"):
        db.execute(
            f"UPDATE changed_links SET {side} = NULL WHERE json_extract({side}, '$[5]') = ? "
            f"AND json_extract({side}, '$[1]') <> ?",
            (run, HUMAN),
        )


_CHANGE = RowCheck(
    "tag_changes.id", "tag_changes.at", "tag_changes.what", "tag_changes.names",
    "tag_changes.posts", "tag_changes.undone_at",
)  # fmt: skip
_SELECT_CHANGE = "SELECT id, at, what, names, posts, undone_at FROM tag_changes"
_RUN = RowCheck("runs.id", "runs.started_at", "runs.command", "runs.tagger", "runs.model", INTEGER)
# A person's tag belongs to no run; so the index of runs answers, and no tag of a post is read.
_SELECT_RUN = (
    "SELECT id, started_at, command, tagger, model, (SELECT count(DISTINCT post_id) "
    "FROM post_tags WHERE run_id = runs.id) FROM runs "
    "WHERE tagger IS NOT NULL"
)
_LEFT_TAGS = "EXISTS (SELECT 1 FROM post_tags WHERE run_id = runs.id)"

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
        end = "id < ? ORDER BY id DESC LIMIT ?"
        values = (before, most)
        with self._database.read() as db:
            found = [
                *map(_past, db.execute(f"{_SELECT_CHANGE} WHERE {end}", values)),
                *map(_run, db.execute(f"{_SELECT_RUN} AND {_LEFT_TAGS} AND {end}", values)),
            ]
        return tuple(sorted(found, key=lambda each: -each.number)[:most])

    def last(self) -> PastChange | None:
        """Return the last change that is not undone; None: there is none."""
        with self._database.read() as db:
            found = [
                *map(_past, db.execute(
                    f"{_SELECT_CHANGE} WHERE undone_at IS NULL ORDER BY id DESC LIMIT 1")),
                *map(_run, db.execute(f"{_SELECT_RUN} AND {_LEFT_TAGS} ORDER BY id DESC LIMIT 1")),
            ]  # fmt: skip
        return max(found, key=lambda each: each.number, default=None)

    def find(self, number: int) -> PastChange | None:
        """Return a change by its number: a person's, or any tagging run's; None: there is none."""
        with self._database.read() as db:
            change = _find(db, number)
            if change is not None:
                return change
            row = db.execute(f"{_SELECT_RUN} AND id = ?", (number,)).fetchone()
            return None if row is None else _run(row)

    def left_tags(self, runs: Sequence[int]) -> frozenset[int]:
        """Return which of these runs left tags on posts: those can be undone."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT id FROM runs WHERE id IN (SELECT value FROM json_each(?)) "
                f"AND {_LEFT_TAGS}",
                (json.dumps(list(runs)),),
            )
            return frozenset(number for (number,) in rows)

    def removals(self) -> dict[str, int]:
        """Return, by the name of each blocked tag, the change that blocked it, to be undone."""
        with self._database.read() as db:
            return {str(name): int(number) for name, number in map(_REMOVAL, db.execute(_REMOVALS))}

    def take_back(self, number: int, *, dry_run: bool = False) -> TakenBack:
        """Undo a person's change. Raises InputError if it is undone, or later ones hang on it."""
        with self._database.write(dry_run=dry_run) as db:
            change = _find(db, number)
            if change is None:
                raise InputError("change_unknown", change=number)
            if change.undone_at is not None:
                raise InputError("change_undone", change=number)
            later = _later(db, number)
            if later:
                raise InputError("change_depended_on", change=number, later=later)
            done = _take_back(db, change)
            db.execute("UPDATE tag_changes SET undone_at = ? WHERE id = ?", (now(), number))
            for table in _TOUCHED:
                db.execute(f"DELETE FROM {table} WHERE change_id = ?", (number,))
            return done


def _past(row: Sequence[Any]) -> PastChange:
    number, at, what, names, posts, undone = _CHANGE(row)
    return PastChange(
        number, moment(at), "person", what, tuple(parsed(names)), posts, from_text(undone)
    )


def _run(row: Sequence[Any]) -> PastChange:
    number, at, command, tagger, model, posts = _RUN(row)
    return PastChange(number, moment(at), "run", command, (model or tagger,), posts, None)


def _find(db: sqlite3.Connection, number: int) -> PastChange | None:
    row = db.execute(f"{_SELECT_CHANGE} WHERE id = ?", (number,)).fetchone()
    return None if row is None else _past(row)


def _later(db: sqlite3.Connection, number: int) -> tuple[int, ...]:
    """Return the later changes that hang on this one.

    They touched the same rows or names, use a tag that this one made, or deleted one of its tags.
    """
    used = (
        "(SELECT change_id, tag_id FROM changed_links UNION "
        "SELECT change_id, tag_id FROM changed_tags UNION "
        "SELECT change_id, json_extract(before, '$[1]') FROM changed_aliases UNION "
        "SELECT change_id, json_extract(after, '$[1]') FROM changed_aliases)"
    )
    names = (
        "(SELECT change_id, key FROM changed_aliases UNION "
        "SELECT change_id, json_extract(before, '$[1]') FROM changed_tags UNION "
        "SELECT change_id, json_extract(after, '$[1]') FROM changed_tags)"
    )
    comes_or_goes = "(SELECT * FROM changed_tags WHERE before IS NULL OR after IS NULL)"
    queries = [
        f"SELECT change_id FROM {table} WHERE change_id > ?1 AND ({', '.join(keys)}) IN "
        f"(SELECT {', '.join(keys)} FROM {table} WHERE change_id = ?1)"
        for table, (keys, _, _) in _TOUCHED.items()
    ]
    queries += [
        f"SELECT b.change_id FROM {one} AS a JOIN {other} AS b ON a.{column} = b.{column} "
        "WHERE a.change_id = ?1 AND b.change_id > ?1"
        for one, other, column in (
            (used, comes_or_goes, "tag_id"),
            (comes_or_goes, used, "tag_id"),
            (names, names, "key"),
        )
    ]
    return tuple(
        change for (change,) in db.execute(f"{' UNION '.join(queries)} ORDER BY 1", (number,))
    )


def _take_back(db: sqlite3.Connection, change: PastChange) -> TakenBack:
    number = change.number
    restored = _restore_tags(db, number)
    _restore_aliases(db, number)
    posts, links, kept = _restore_links(db, number, change.what)
    gone = _drop_made_tags(db, number)
    return TakenBack(change, posts, links, restored + gone, kept)


def _restore_tags(db: sqlite3.Connection, number: int) -> int:
    """Bring back deleted tags, their names, and which are blocked; return how many came back."""
    rows = db.execute(
        f"SELECT tag_id, before, after, {_STATE_OF['tag'].format('tag_id')} FROM changed_tags "
        "WHERE change_id = ? AND before IS NOT NULL",
        (number,),
    ).fetchall()
    # Names change places: an alias becomes a tag's name, so the aliases of this change go first.
    db.execute(
        "DELETE FROM tag_aliases WHERE key IN (SELECT c.key FROM changed_aliases AS c "
        "WHERE c.change_id = ? AND c.after = (SELECT json_array(name, tag_id) "
        "FROM tag_aliases AS a WHERE a.key = c.key))",
        (number,),
    )
    restored = 0
    for tag, before, _, _ in rows:
        name, key, description, added_at, barred_at = parsed(before)
        _require_free(db, key, name, tag, number)
        found = db.execute("SELECT 1 FROM tags WHERE id = ?", (tag,)).fetchone()
        if found is None:
            db.execute(
                "INSERT INTO tags (id, name, key, description, added_at) VALUES (?, ?, ?, ?, ?)",
                (tag, name, key, description, added_at),
            )
            restored += 1
        else:
            db.execute(
                "UPDATE tags SET name = ?, key = ?, description = ? WHERE id = ?",
                (name, key, description, tag),
            )
        db.execute("DELETE FROM barred_tags WHERE tag_id = ?", (tag,))
        if barred_at is not None:
            db.execute(
                "INSERT INTO barred_tags (tag_id, barred_at) VALUES (?, ?)", (tag, barred_at)
            )
    return restored


def _restore_aliases(db: sqlite3.Connection, number: int) -> None:
    rows = db.execute(
        "SELECT key, before FROM changed_aliases WHERE change_id = ? AND before IS NOT NULL",
        (number,),
    ).fetchall()
    for key, before in rows:
        name, tag = parsed(before)
        _require_free(db, key, name, None, number)
        db.execute("INSERT INTO tag_aliases (key, name, tag_id) VALUES (?, ?, ?)", (key, name, tag))


def _require_free(
    db: sqlite3.Connection, key: str, name: str, tag: int | None, number: int
) -> None:
    """Raise InputError if a name that is to come back stands for another tag by now."""
    taken = db.execute(
        "SELECT t.name FROM tags AS t WHERE t.key = ?1 AND t.id IS NOT ?2 UNION ALL "
        "SELECT t.name FROM tag_aliases AS a JOIN tags AS t ON t.id = a.tag_id WHERE a.key = ?1",
        (key, tag),
    ).fetchone()
    if taken is not None:
        raise InputError("undo_name_taken", change=number, name=name, tag=taken[0])


def _restore_links(db: sqlite3.Connection, number: int, what: str) -> tuple[int, int, int]:
    """Restore the tags on posts; return how many posts and tags, and posts that stay as they are.

    A tag on a post that is not as the change left it was given or taken by a run since: it stays.
    """
    link = _STATE_OF["link"].format("c.post_id", "c.tag_id")
    removed = _STATE_OF["removed"].format("c.post_id", "c.tag_id")
    rows = db.execute(
        f"SELECT post_id, tag_id, before, after, removed_before, removed_after, {link}, {removed} "
        "FROM changed_links AS c WHERE change_id = ? ORDER BY post_id",
        (number,),
    ).fetchall()
    posts, kept, links = set(), set(), 0
    given = []
    for post, tag, before, after, was_removed, is_removed, current, removed_now in rows:
        if removed_now == is_removed != was_removed:
            db.execute("DELETE FROM removed_tags WHERE (post_id, tag_id) = (?, ?)", (post, tag))
            if was_removed is not None:
                db.execute(
                    "INSERT INTO removed_tags (post_id, tag_id, removed_at) VALUES (?, ?, ?)",
                    (post, tag, was_removed),
                )
        if current != after or before == after:
            if current != after or was_removed == is_removed or what in {"remove", "drop"}:
                kept.add(post)
            continue
        if current is not None:
            db.execute("DELETE FROM post_tags WHERE (post_id, tag_id) = (?, ?)", (post, tag))
        if before is not None:
            given.append((post, tag, parsed(before)))
        posts.add(post)
        links += 1
    for post, tag, link_before in given:
        _give_back(db, post, tag, link_before)
    return len(posts), links, len(kept - posts)


def _give_back(db: sqlite3.Connection, post: int, tag: int, link: Sequence[Any]) -> None:
    """Insert a link as it was; after the others if a run has taken its place."""
    position, source, model, prompt, vocabulary, run, added_at = link
    db.execute(
        "INSERT INTO post_tags (post_id, position, tag_id, source, model, prompt, vocabulary, "
        "run_id, added_at) SELECT ?1, iif(EXISTS (SELECT 1 FROM post_tags WHERE post_id = ?1 "
        "AND position = ?2), (SELECT max(position) + 1 FROM post_tags WHERE post_id = ?1), ?2), "
        "?3, ?4, ?5, ?6, ?7, (SELECT id FROM runs WHERE id = ?8), ?9",  # a run may be swept
        (post, position, tag, source, model, prompt, vocabulary, run, added_at),
    )


def _drop_made_tags(db: sqlite3.Connection, number: int) -> int:
    """Delete the tags that a change made, unless something else uses them by now."""
    unused = " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {table} WHERE tag_id = tags.id)"
        for table in ("post_tags", "tag_aliases", "removed_tags", "barred_tags")
    )
    return db.execute(
        "DELETE FROM tags WHERE id IN (SELECT tag_id FROM changed_tags WHERE change_id = ? "
        f"AND before IS NULL) AND {unused}",
        (number,),
    ).rowcount
