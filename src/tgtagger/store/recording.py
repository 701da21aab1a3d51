"""The record of changes of tags: each row that a change touched, as it was before and after.

`recording` notes, by triggers of the connection, every row that a person's or an agent's change, or
an undo, touches; so nothing that `curation` does can be forgotten. A tagging run notes by
`keep_replaced` what it replaces, and nothing of new posts. Numbers are those of the runs' series:
one number names either a run or another change. Old changes go by the rule of old runs (`sweep`).
Knows no reason for a change, and undoes none (`undo`).
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tgtagger.decide import LASTING
from tgtagger.model.archive import TagChange
from tgtagger.model.choices import TagChangeKind
from tgtagger.store.times import now
from tgtagger.store.values import parsed

NEXT_NUMBER = (
    "(SELECT max(coalesce((SELECT max(id) FROM runs), 0), "
    "coalesce((SELECT max(id) FROM tag_changes), 0)) + 1)"
)
"""SQL: the next number of a run, or of another change."""

NEXT_TAG = (
    "(SELECT max(coalesce((SELECT max(id) FROM tags), 0), "
    "coalesce((SELECT last_tag_id FROM tag_changes ORDER BY id DESC LIMIT 1), 0)) + 1)"
)
"""SQL: the id of a new tag; never that of a deleted one, which an undo may bring back."""

LASTING_SOURCES = ", ".join(f"'{source}'" for source in LASTING)
"""SQL: the sources of tags that no tagging replaces."""

_FREE_PLACE = (
    "(SELECT coalesce(max(place) + 1, 0) FROM (SELECT position AS place FROM post_tags "
    "WHERE post_id = ?1 UNION ALL SELECT before ->> 0 FROM changed_links WHERE post_id = ?1{}))"
)
FREE_FOR_PERSON = _FREE_PLACE.format("")
FREE_FOR_MACHINE = _FREE_PLACE.format(f" AND before ->> 1 IN ({LASTING_SOURCES})")
"""SQL: the place on the post ?1 for a new tag: behind its tags, and those that an undo brings back.

A person's tag stands behind the machines' of before, too. A machine's does not: when those come
back, the undo takes it away; and its place would rise with each run.
"""

LINK = "json_array(position, source, model, prompt, vocabulary, run_id, added_at)"
"""SQL: a tag on a post, a row of `post_tags`, as a change keeps it."""

STATE = ("status", "attempts", "failure", "error", "next_attempt_at", "tagged_at", "text_hash")
"""The columns of a post that a tagging run changes, and the hash of the text that was tagged."""

STATE_OF = {
    "tag": (
        "(SELECT json_array(t.name, t.key, t.description, t.added_at, "
        "(SELECT barred_at FROM barred_tags WHERE tag_id = t.id)) FROM tags AS t WHERE t.id = {0})"
    ),
    "alias": "(SELECT json_array(name, tag_id) FROM tag_aliases WHERE key = {0})",
    "link": f"(SELECT {LINK} FROM post_tags WHERE (post_id, tag_id) = ({{0}}, {{1}}))",
    "removed": "(SELECT removed_at FROM removed_tags WHERE (post_id, tag_id) = ({0}, {1}))",
    "post": f"(SELECT json_array({', '.join(STATE)}) FROM posts WHERE id = {{0}})",
}
"""SQL: what a row holds now, as JSON; NULL: there is none."""

TOUCHED = {
    "changed_tags": (("tag_id",), ("before",), ("tag",)),
    "changed_aliases": (("key",), ("before",), ("alias",)),
    "changed_links": (("post_id", "tag_id"), ("before", "removed_before"), ("link", "removed")),
    "changed_posts": (("post_id",), ("before",), ("post",)),
}
"""Of each table: what names a row, its columns, and what they hold (`STATE_OF`)."""

_WATCHED = {
    "tags": ("changed_tags", ("id",)),
    "barred_tags": ("changed_tags", ("tag_id",)),
    "tag_aliases": ("changed_aliases", ("key",)),
    "post_tags": ("changed_links", ("post_id", "tag_id")),
    "removed_tags": ("changed_links", ("post_id", "tag_id")),
    "posts": ("changed_posts", ("id",)),
}


def _statements() -> Iterator[str]:
    for table, (keys, columns, _) in TOUCHED.items():
        yield (
            f"CREATE TEMP TABLE touched_{table} ({', '.join((*keys, *columns))}, "
            f"PRIMARY KEY ({', '.join(keys)})) WITHOUT ROWID"
        )
    rows = {"INSERT": ("NEW",), "DELETE": ("OLD",), "UPDATE": ("OLD", "NEW")}
    for watched, (table, names) in _WATCHED.items():
        keys, columns, states = TOUCHED[table]
        for verb, sides in rows.items():
            body = "".join(
                f"INSERT OR IGNORE INTO touched_{table} ({', '.join((*keys, *columns))}) SELECT "
                + ", ".join([*given, *(STATE_OF[state].format(*given) for state in states)])
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
    db: sqlite3.Connection,
    what: TagChangeKind,
    names: Sequence[str] = (),
    undoes: int | None = None,
    into: int | None = None,
) -> Iterator[Recorded]:
    """Record what the body changes, as one change. A body that changes nothing is none.

    An undo always is one: what it undoes counts as undone, also where a run has left nothing to do.
    `into`: add it to this change, an agent's, which then is undone as a whole; unless that is
    undone, or too old.
    """
    for statement in _statements():
        db.execute(statement)
    recorded_as = Recorded()
    yield recorded_as
    for watched in _WATCHED:
        for verb in ("INSERT", "DELETE", "UPDATE"):
            db.execute(f"DROP TRIGGER temp.touch_{watched}_{verb}")
    (number, last) = db.execute(f"SELECT {NEXT_NUMBER}, {NEXT_TAG} - 1").fetchone()
    (highest,) = db.execute("SELECT max(tag_id) FROM temp.touched_changed_tags").fetchone()
    known = None if into is None else _names_of_open(db, into)
    number = number if known is None or into is None else into
    given = json.dumps(list(dict.fromkeys((*(known or ()), *names))), ensure_ascii=False)
    db.execute(
        "INSERT INTO tag_changes (id, at, what, names, posts, last_tag_id, undoes) "
        "VALUES (?, ?, ?, ?, 0, ?, ?) ON CONFLICT (id) DO UPDATE SET names = excluded.names, "
        "last_tag_id = max(last_tag_id, excluded.last_tag_id)",
        (number, now(), what, given, max(last, highest or 0), undoes),
    )
    recorded = 0
    for table, (keys, columns, states) in TOUCHED.items():
        after = [STATE_OF[state].format(*(f"t.{key}" for key in keys)) for state in states]
        differs = " OR ".join(
            f"t.{column} IS NOT {now_}" for column, now_ in zip(columns, after, strict=True)
        )
        into_ = (*keys, *columns, *(column.replace("before", "after") for column in columns))
        recorded += db.execute(
            f"INSERT INTO {table} (change_id, {', '.join(into_)}) SELECT ?, "
            f"{', '.join(f't.{name}' for name in (*keys, *columns))}, {', '.join(after)} "
            f"FROM temp.touched_{table} AS t WHERE {differs} ON CONFLICT DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in into_[len(keys) + len(columns) :]),
            (number,),
        ).rowcount
        db.execute(f"DROP TABLE temp.touched_{table}")
        if known is not None:  # what the session gave, and took back itself
            recorded -= db.execute(
                f"DELETE FROM {table} WHERE change_id = ? AND "
                + " AND ".join(f"{name} IS {name.replace('before', 'after')}" for name in columns),
                (number,),
            ).rowcount
    if not recorded and undoes is None and (known is None or not _holds_rows(db, number)):
        db.execute("DELETE FROM tag_changes WHERE id = ?", (number,))
        return
    db.execute(
        "UPDATE tag_changes SET posts = max("
        "(SELECT count(*) FROM (SELECT post_id FROM changed_links WHERE change_id = ?1 "
        "UNION SELECT post_id FROM changed_posts WHERE change_id = ?1)), ?2) WHERE id = ?1",
        (number, renamed_posts(db, number)),
    )
    recorded_as.number = number


def _names_of_open(db: sqlite3.Connection, number: int) -> list[str] | None:
    """Return the tags of an agent's session that can go on; None: there is no such session."""
    found = db.execute(
        "SELECT names FROM tag_changes WHERE id = ? AND what = 'agent' AND undone_at IS NULL "
        "AND swept_at IS NULL",
        (number,),
    ).fetchone()
    return None if found is None else list(parsed(found[0]))


def _holds_rows(db: sqlite3.Connection, number: int) -> bool:
    return any(
        db.execute(f"SELECT 1 FROM {table} WHERE change_id = ? LIMIT 1", (number,)).fetchone()
        for table in TOUCHED
    )


def renamed_posts(db: sqlite3.Connection, number: int) -> int:
    """Return how many posts show another name of a tag than before a change."""
    query = (
        "SELECT count(*) FROM changed_tags AS c JOIN post_tags AS l ON l.tag_id = c.tag_id "
        "WHERE c.change_id = ? AND json_extract(c.before, '$[0]') <> json_extract(c.after, '$[0]')"
    )
    return int(db.execute(query, (number,)).fetchone()[0])


_NOTE_RUN = (
    "INSERT OR IGNORE INTO tag_changes (id, at, what, names, posts, last_tag_id) "
    "SELECT ?, ?, 'run', '[]', 0, "
    "coalesce((SELECT last_tag_id FROM tag_changes ORDER BY id DESC LIMIT 1), 0)"
)


def note_run(db: sqlite3.Connection, run: int) -> None:
    """Let a run have a record of its own; one that replaced nothing, and stands, needs none."""
    db.execute(_NOTE_RUN, (run, now()))


def keep_replaced(
    db: sqlite3.Connection,
    run: int,
    post: int,
    before: str | None,
    status: str,
    links: Iterable[tuple[int, str]],
) -> None:
    """Keep what a run replaces on a post: its state (None: as a new one), and machines' tags."""
    note_run(db, run)
    db.execute(
        "INSERT OR IGNORE INTO changed_posts (change_id, post_id, before, after) "
        "VALUES (?, ?, ?, json_array(?))",
        (run, post, before, status),
    )
    db.executemany(
        "INSERT OR IGNORE INTO changed_links (change_id, post_id, tag_id, before) "
        "VALUES (?, ?, ?, ?)",
        [(run, post, tag, link) for tag, link in links],
    )


SWEPT = 500
"""Rows of old changes that go at a time: a millisecond or two of a run that writes anyway."""


def sweep(db: sqlite3.Connection, before: str) -> None:
    """Let changes from before a moment go, a few rows at a time: they can be undone no longer.

    Of those that are gone the latest keeps its row: it says how far back the record goes.
    """
    db.execute(
        "UPDATE tag_changes SET swept_at = ? WHERE swept_at IS NULL AND at < ?", (now(), before)
    )
    left = SWEPT
    for table, (keys, _, _) in TOUCHED.items():
        key = f"change_id, {', '.join(keys)}"
        left -= db.execute(
            f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM tag_changes AS h "
            f"JOIN {table} AS c ON c.change_id = h.id WHERE h.swept_at IS NOT NULL LIMIT ?)",
            (left,),
        ).rowcount
    if left:
        db.execute(
            "DELETE FROM tag_changes WHERE id IN (SELECT id FROM tag_changes WHERE swept_at "
            "IS NOT NULL AND id < (SELECT max(id) FROM tag_changes WHERE swept_at IS NOT NULL) "
            f"ORDER BY id LIMIT {SWEPT})"
        )
