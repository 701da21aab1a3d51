"""The record of changes of tags: each row that a change touched, as it was before and after.

`recording` notes, by the room of the database, every row that a person's or an agent's change, or
an undo, touches; so nothing that `curation` does can be forgotten. A tagging run notes by
`keep_replaced` what it replaces, and nothing of new posts. Numbers are those of the runs' series:
one number names either a run or another change. Old changes go by the rule of old runs (`sweep`).
Knows no reason for a change, and undoes none (`undo`).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tgtagger.decide import LASTING
from tgtagger.model.changes import TagChange
from tgtagger.model.choices import TagChangeKind
from tgtagger.store.checks import parsed
from tgtagger.store.rooms import Connection, room_of
from tgtagger.store.statements import Statement
from tgtagger.store.times import now

NEXT_NUMBER = (
    "(SELECT larger(coalesce((SELECT max(id) FROM runs), 0), "
    "coalesce((SELECT max(id) FROM tag_changes), 0)) + 1)"
)
"""SQL: the next number of a run, or of another change."""

NEXT_TAG = (
    "(SELECT larger(coalesce((SELECT max(id) FROM tags), 0), "
    "coalesce((SELECT last_tag_id FROM tag_changes ORDER BY id DESC LIMIT 1), 0)) + 1)"
)
"""SQL: the id of a new tag; never that of a deleted one, which an undo may bring back."""

LASTING_SOURCES = ", ".join(f"'{source}'" for source in LASTING)
"""SQL: the sources of tags that no tagging replaces."""

FREE_PLACE = (
    "(SELECT coalesce(max(place) + 1, 0) FROM (SELECT position AS place FROM post_tags "
    "WHERE post_id = :post UNION ALL SELECT number_of(before, 0) FROM changed_links "
    "WHERE post_id = :post) AS places)"
)
"""SQL: the place on a :post for a person's new tag: behind its tags, and what an undo brings back.

It stands behind the machines' tags of before, too. A machine's tag does not (`queue`): when those
come back, the undo takes it away; and its place would rise with each run.
"""

LINK = "as_text(list_of(position, source, model, prompt, vocabulary, run_id, added_at))"
"""SQL: a tag on a post, a row of `post_tags`, as a change keeps it."""

STATE = ("status", "attempts", "failure", "error", "next_attempt_at", "tagged_at", "text_hash")
"""The columns of a post that a tagging run changes, and the hash of the text that was tagged."""

_TAG = (
    "t.name, t.key, t.description, t.added_at, "
    "(SELECT barred_at FROM barred_tags WHERE tag_id = t.id)"
)

STATE_OF = {
    "tag": (  # as before there was `named_at`, where it is not set: older changes are compared
        f"(SELECT CASE WHEN t.named_at IS NULL THEN as_text(list_of({_TAG})) "
        f"ELSE as_text(list_of({_TAG}, t.named_at)) END FROM tags AS t WHERE t.id = {{0}})"
    ),
    "alias": "(SELECT as_text(list_of(name, tag_id)) FROM tag_aliases WHERE key = {0})",
    "link": f"(SELECT {LINK} FROM post_tags WHERE (post_id, tag_id) = ({{0}}, {{1}}))",
    "removed": "(SELECT removed_at FROM removed_tags WHERE (post_id, tag_id) = ({0}, {1}))",
    "post": f"(SELECT as_text(list_of({', '.join(STATE)})) FROM posts WHERE id = {{0}})",
}
"""SQL: what a row holds now, as JSON; NULL: there is none."""

TOUCHED = {
    "changed_tags": (("tag_id",), ("before",), ("tag",)),
    "changed_aliases": (("key",), ("before",), ("alias",)),
    "changed_links": (("post_id", "tag_id"), ("before", "removed_before"), ("link", "removed")),
    "changed_posts": (("post_id",), ("before",), ("post",)),
}
"""Of each table: what names a row, its columns, and what they hold (`STATE_OF`)."""

WATCHED = {
    "tags": ("changed_tags", ("id",)),
    "barred_tags": ("changed_tags", ("tag_id",)),
    "tag_aliases": ("changed_aliases", ("key",)),
    "post_tags": ("changed_links", ("post_id", "tag_id")),
    "removed_tags": ("changed_links", ("post_id", "tag_id")),
    "posts": ("changed_posts", ("id",)),
}
"""Of each table that is watched: where its rows are noted, and what names them."""

_LAST = Statement(f"SELECT {NEXT_NUMBER}, {NEXT_TAG} - 1")
_HIGHEST = Statement("SELECT max(tag_id) FROM touched_changed_tags")
_NOTE = Statement(
    "INSERT INTO tag_changes (id, at, what, names, posts, last_tag_id, undoes) "
    "VALUES (:id, :at, :what, :names, 0, :last, :undoes)"
)
# An undo goes by the order of changes: what is added to an old one must come after no other's.
_NAMES_OF_OPEN = Statement(
    "SELECT names FROM tag_changes AS t WHERE id = :id AND what = 'agent' AND undone_at IS NULL "
    "AND swept_at IS NULL "
    # A person has changed tags since, another agent these tags, or a run has given them.
    "AND NOT EXISTS (SELECT 1 FROM tag_changes AS h WHERE h.id > t.id "
    "AND h.what NOT IN ('run', 'agent')) "
    "AND NOT EXISTS (SELECT 1 FROM tag_changes AS h JOIN (SELECT change_id, tag_id "
    "FROM changed_links UNION ALL SELECT change_id, tag_id FROM changed_tags) AS c "
    "ON c.change_id = h.id WHERE h.id > t.id AND h.what = 'agent' "
    "AND c.tag_id IN (SELECT tag_id FROM touched_changed_links)) "
    "AND NOT EXISTS (SELECT 1 FROM touched_changed_links AS w "
    f"WHERE text_of(w.before, 1) NOT IN ({LASTING_SOURCES}) "
    "AND (number_of(w.before, 5) > t.id OR text_of(w.before, 6) > t.at))"
)
# Its `last_tag_id` stays: no agent deletes a tag, and the undo that does notes its id.
_GO_ON = Statement("UPDATE tag_changes SET names = :names WHERE id = :id")
_FORGET = Statement("DELETE FROM tag_changes WHERE id = :id")
_COUNT = Statement(
    "UPDATE tag_changes SET posts = larger("
    "(SELECT count(*) FROM (SELECT post_id FROM changed_links WHERE change_id = :id "
    "UNION SELECT post_id FROM changed_posts WHERE change_id = :id) AS touched), :renamed) "
    "WHERE id = :id"
)
_RENAMED = Statement(
    "SELECT count(*) FROM changed_tags AS c JOIN post_tags AS l ON l.tag_id = c.tag_id "
    "WHERE c.change_id = :id AND text_of(c.before, 0) <> text_of(c.after, 0)"
)


def _keep(table: str) -> Statement:
    """Return the statement that keeps what a change made of the noted rows of a table."""
    keys, columns, states = TOUCHED[table]
    after = [STATE_OF[state].format(*(f"w.{key}" for key in keys)) for state in states]
    differs = " OR ".join(
        # A row that was not there holds NULL.
        f"coalesce(w.{column}, '') <> coalesce({now_}, '')"
        for column, now_ in zip(columns, after, strict=True)
    )
    new = [column.replace("before", "after") for column in columns]
    return Statement(
        f"INSERT INTO {table} (change_id, {', '.join((*keys, *columns, *new))}) SELECT :id, "
        f"{', '.join(f'w.{name}' for name in (*keys, *columns))}, {', '.join(after)} "
        f"FROM touched_{table} AS w WHERE {differs} "
        # An agent's session that touches a row again: before it the row was what it was at first.
        f"ON CONFLICT (change_id, {', '.join(keys)}) DO UPDATE SET "
        f"{', '.join(f'{name} = excluded.{name}' for name in new)}"
    )


def _forget_same(table: str) -> Statement:
    """Return the statement that forgets what a session did and took back itself."""
    return Statement(
        f"DELETE FROM {table} WHERE change_id = :id AND "
        + " AND ".join(
            f"coalesce({name}, '') = coalesce({name.replace('before', 'after')}, '')"
            for name in TOUCHED[table][1]
        )
    )


_KEEP = [_keep(table) for table in TOUCHED]
_FORGET_SAME = [_forget_same(table) for table in TOUCHED]
_HOLDS = [Statement(f"SELECT 1 FROM {table} WHERE change_id = :id LIMIT 1") for table in TOUCHED]
_NOTE_RUN = Statement(
    "INSERT INTO tag_changes (id, at, what, names, posts, last_tag_id) "
    "SELECT :id, :at, 'run', '[]', 0, "
    "coalesce((SELECT last_tag_id FROM tag_changes ORDER BY id DESC LIMIT 1), 0) "
    "WHERE TRUE ON CONFLICT (id) DO NOTHING"
)
_KEEP_STATES = Statement(
    "INSERT INTO changed_posts (change_id, post_id, before, after) "
    "VALUES (:run, :post, :before, as_text(list_of(:status))) "
    "ON CONFLICT (change_id, post_id) DO NOTHING"
)
_KEEP_LINKS = Statement(
    "INSERT INTO changed_links (change_id, post_id, tag_id, before) "
    "VALUES (:run, :post, :tag, :before) ON CONFLICT (change_id, post_id, tag_id) DO NOTHING"
)

SWEPT = 500
"""Rows of old changes that go at a time: a millisecond or two of a run that writes anyway."""

_AGE = Statement("UPDATE tag_changes SET swept_at = :now WHERE swept_at IS NULL AND at < :before")
_SWEEP_OF = [
    Statement(
        f"DELETE FROM {table} WHERE (change_id, {', '.join(keys)}) IN "
        f"(SELECT change_id, {', '.join(keys)} FROM tag_changes AS h "
        f"JOIN {table} AS c ON c.change_id = h.id WHERE h.swept_at IS NOT NULL LIMIT :left)"
    )
    for table, (keys, _, _) in TOUCHED.items()
]
_SWEEP = Statement(
    "DELETE FROM tag_changes WHERE id IN (SELECT id FROM tag_changes WHERE swept_at "
    "IS NOT NULL AND id < (SELECT max(id) FROM tag_changes WHERE swept_at IS NOT NULL) "
    f"ORDER BY id LIMIT {SWEPT})"
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
    db: Connection,
    what: TagChangeKind,
    names: Sequence[str] = (),
    undoes: int | None = None,
    into: int | None = None,
) -> Iterator[Recorded]:
    """Record what the body changes, as one change. A body that changes nothing is none.

    `names` are read at the end: the body may find out which they are.
    An undo always is one: what it undoes counts as undone, also where a run has left nothing to do.
    `into`: add it to this change, an agent's, which then is undone as a whole; unless that is
    undone, or too old, or somebody else has changed something since that matters.
    """
    watching = room_of(db).watching
    watching.begin(db)
    recorded_as = Recorded()
    yield recorded_as
    watching.end(db)
    (number, last) = _LAST(db).fetchone()
    (highest,) = _HIGHEST(db).fetchone()
    known = None if into is None else _names_of_open(db, into)
    last = max(last, highest or 0)
    given = json.dumps(list(dict.fromkeys((*(known or ()), *names))), ensure_ascii=False)
    if known is None:
        _NOTE(db, id=number, at=now(), what=what, names=given, last=last, undoes=undoes)
    else:
        number = into
        _GO_ON(db, id=number, names=given)
    recorded = 0
    for keep in _KEEP:
        recorded += keep(db, id=number).rowcount
    watching.forget(db)
    if known is not None:
        for forget in _FORGET_SAME:
            forget(db, id=number)
        recorded = any(holds(db, id=number).fetchone() for holds in _HOLDS)
    if not recorded and undoes is None:
        _FORGET(db, id=number)
        return
    _COUNT(db, id=number, renamed=renamed_posts(db, number))
    recorded_as.number = number


def _names_of_open(db: Connection, number: int) -> list[str] | None:
    """Return the tags of an agent's session that can go on; None: there is no such session."""
    found = _NAMES_OF_OPEN(db, id=number).fetchone()
    return None if found is None else list(parsed(found[0]))


def renamed_posts(db: Connection, number: int) -> int:
    """Return how many posts show another name of a tag than before a change."""
    return int(_RENAMED(db, id=number).fetchone()[0])


def note_run(db: Connection, run: int) -> None:
    """Let a run have a record of its own; one that replaced nothing, and stands, needs none."""
    _NOTE_RUN(db, id=run, at=now())


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a run replaces on a post: its state (None: as a new one), and machines' tags."""

    post: int
    before: str | None
    status: str
    links: tuple[tuple[int, str], ...] = ()


def keep_replaced(db: Connection, run: int, replaced: Sequence[Replaced]) -> None:
    """Keep what a run replaces on posts."""
    if not replaced:
        return
    note_run(db, run)
    _KEEP_STATES.at_once(db, [(run, each.post, each.before, each.status) for each in replaced])
    _KEEP_LINKS.at_once(
        db, [(run, each.post, tag, link) for each in replaced for tag, link in each.links]
    )


def sweep(db: Connection, before: str) -> None:
    """Let changes from before a moment go, a few rows at a time: they can be undone no longer.

    Of those that are gone the latest keeps its row: it says how far back the record goes.
    """
    _AGE(db, now=now(), before=before)
    left = SWEPT
    for statement in _SWEEP_OF:
        left -= statement(db, left=left).rowcount
    if left:
        _SWEEP(db)
