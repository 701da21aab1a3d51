"""The undo of a recorded change of tags: which later ones hang on it, and its rows as they were.

A person's change is undone while no later one has touched its rows. Where a run has tagged a post
anew since, the run's tags stay. A run's undo gives each post the tags and the state that it had
before, as far as nothing later changed them: a person's decisions of later stand, and a post that a
later run tagged stays as that left it. Knows no transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tgtagger.decide import HUMAN, UNTAGGED
from tgtagger.errors import InputError
from tgtagger.model.archive import PastChange, TakenBack
from tgtagger.store.recording import LASTING_SOURCES, STATE, STATE_OF, renamed_posts
from tgtagger.store.values import parsed

_HIS = f"'{HUMAN}'"

_TAGGED_SINCE = (
    "(EXISTS (SELECT 1 FROM changed_posts AS s JOIN tag_changes AS h ON h.id = s.change_id "
    "WHERE s.post_id = {post} AND s.change_id > {number} AND h.what = 'run' "
    "AND h.undone_at IS NULL AND s.after ->> 0 <> 'failed') "
    "OR EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = {post} "
    f"AND (l.run_id > {{number}} OR l.added_at > {{at}}) AND l.source NOT IN ({LASTING_SOURCES})))"
)
"""SQL: whether a run has replaced the tags of a post since a change, also one that began before."""


# ---- what hangs on a change


def later_than(db: sqlite3.Connection, change: PastChange) -> tuple[int, ...]:
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
        rows = db.execute(
            "SELECT id FROM tag_changes WHERE id > ? AND undone_at IS NULL AND swept_at IS NULL "
            "AND what NOT IN ('run', 'undo')",
            (number,),
        ).fetchall()
        found += [later for (later,) in rows if own.clash(_Records(db, (later,)), by_run=by_run)]
    rows = db.execute(
        "SELECT id, undoes FROM tag_changes WHERE id > ?1 AND undoes < ?1 AND undone_at IS NULL "
        "AND swept_at IS NULL",
        (number,),
    ).fetchall()
    for later, undone in rows:
        of_run = _is_run(db, undone)
        other = _Records(db, (later, undone))
        if own.clash(other, by_run=by_run or of_run) or (of_run and own.mention(undone)):
            found.append(later)
    if change.undoes is not None:
        found += [run for run in own.runs_of_posts() if run > number]
    return tuple(sorted(found))


def _is_run(db: sqlite3.Connection, number: int | None) -> bool:
    found = db.execute("SELECT 1 FROM runs WHERE id = ? AND tagger IS NOT NULL", (number,))
    return found.fetchone() is not None


@dataclass(frozen=True, slots=True)
class _Records:
    """What some changes touched."""

    db: sqlite3.Connection
    numbers: tuple[int, ...]

    def clash(self, other: _Records, *, by_run: bool) -> bool:
        """Tell whether others touched the same rows or names; of a run's, the same posts."""
        return (
            bool(self._set(_TAGS) & other._set(_TAGS))
            or bool(self._set(_NAMES) & other._set(_NAMES))
            or bool(self._set(_COME_OR_GO) & other._set(_USED))
            or bool(self._set(_USED) & other._set(_COME_OR_GO))
            or self._share(other, "SELECT post_id, tag_id FROM changed_links WHERE {in_}")
            or (by_run and self._meets_posts_of(other))
        )

    def _meets_posts_of(self, other: _Records) -> bool:
        posts = f"{_MACHINES} UNION {_STATES}"
        return bool(self._set(_BLOCKED) & other._set(_USED)) or self._share(other, posts)

    def mention(self, run: int) -> bool:
        """Tell whether these have a tag that a run gave."""
        query = (
            f"SELECT 1 FROM changed_links WHERE {self._in} AND (json_extract(before, '$[5]') = ?1 "
            "OR json_extract(after, '$[5]') = ?1) LIMIT 1"
        )
        return self.db.execute(query, (run,)).fetchone() is not None

    def runs_of_posts(self) -> set[int]:
        """Return the runs that kept something of the same posts, or gave them tags."""
        posts = f"({_MACHINES} UNION {_STATES})".format(in_=self._in)
        rows = self.db.execute(
            f"SELECT c.change_id FROM {posts} JOIN changed_posts AS c USING (post_id) "
            "JOIN tag_changes AS h ON h.id = c.change_id WHERE h.what = 'run' "
            "AND h.undone_at IS NULL UNION SELECT l.run_id FROM "
            f"{posts} JOIN post_tags AS l USING (post_id) WHERE l.source <> {_HIS}"
        )
        return {run for (run,) in rows if run is not None}

    @property
    def _in(self) -> str:
        return f"change_id IN ({', '.join(map(str, self.numbers))})"

    def _set(self, query: str) -> set[Any]:
        found = {value for (value,) in self.db.execute(query.format(in_=self._in))}
        return found - {None}  # a tag or a name that was not there: nothing in common

    def _share(self, other: _Records, query: str) -> bool:
        both = f"{query.format(in_=self._in)} INTERSECT SELECT * FROM ({query}) LIMIT 1"
        return self.db.execute(both.format(in_=other._in)).fetchone() is not None


_TAGS = "SELECT tag_id FROM changed_tags WHERE {in_}"
_COME_OR_GO = f"{_TAGS} AND (before IS NULL OR after IS NULL)"
_BLOCKED = f"{_TAGS} AND json_extract(before, '$[4]') IS NOT json_extract(after, '$[4]')"
_USED = (
    "SELECT tag_id FROM changed_links WHERE {in_} UNION SELECT tag_id FROM changed_tags "
    "WHERE {in_} UNION SELECT json_extract(before, '$[1]') FROM changed_aliases WHERE {in_} "
    "UNION SELECT json_extract(after, '$[1]') FROM changed_aliases WHERE {in_}"
)
_NAMES = (
    "SELECT key FROM changed_aliases WHERE {in_} "
    "UNION SELECT json_extract(before, '$[1]') FROM changed_tags WHERE {in_} "
    "UNION SELECT json_extract(after, '$[1]') FROM changed_tags WHERE {in_}"
)
_MACHINES = (
    "SELECT post_id FROM changed_links WHERE {in_} AND (json_extract(before, '$[1]') NOT IN "
    f"({LASTING_SOURCES}) OR json_extract(after, '$[1]') NOT IN ({LASTING_SOURCES}))"
)
_STATES = "SELECT post_id FROM changed_posts WHERE {in_}"


# ---- a person's change, an agent's, or an undo


def take_back_change(db: sqlite3.Connection, change: PastChange) -> TakenBack:
    """Undo a person's change, an agent's session, or an undo."""
    number = change.number
    renamed = renamed_posts(db, number)
    restored = _restore_tags(db, number)
    posts, links, kept = _restore_links(db, number, change.what)
    posts |= _restore_states(db, number)
    gone = _drop_made_tags(db, number)
    _restore_aliases(db, number)
    gone += _drop_unused(db, _of_undone_runs(db, number))
    touched = max(len(posts), renamed)
    return TakenBack(change, touched, links, restored + gone, len(kept - posts))


def _restore_tags(db: sqlite3.Connection, number: int) -> int:
    """Bring back deleted tags, their names, and which are blocked; return how many came back."""
    rows = db.execute(
        f"SELECT tag_id, before, after, {STATE_OF['tag'].format('tag_id')} FROM changed_tags "
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


def _restore_links(
    db: sqlite3.Connection, number: int, what: str
) -> tuple[set[int], int, set[int]]:
    """Restore the tags on posts; return which posts, how many tags, and posts that are left alone.

    A tag on a post that is not as the change left it was given or taken by a run since: it stays.
    Nor does a machine's tag come back to a post that a run has tagged since.
    """
    link = STATE_OF["link"].format("c.post_id", "c.tag_id")
    removed = STATE_OF["removed"].format("c.post_id", "c.tag_id")
    rows = db.execute(
        f"SELECT post_id, tag_id, iif({_OUTDATED}, NULL, before), after, removed_before, "
        f"removed_after, {link}, {removed} FROM changed_links AS c "
        "JOIN tag_changes AS t ON t.id = c.change_id WHERE change_id = ? ORDER BY post_id",
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
        is_as_left = _are_same(current, after)
        if not is_as_left or before == after:
            if not is_as_left or was_removed == is_removed or what in {"remove", "drop"}:
                kept.add(post)
            continue
        if current is not None:
            db.execute("DELETE FROM post_tags WHERE (post_id, tag_id) = (?, ?)", (post, tag))
        if before is not None:
            given.append((post, tag, parsed(before)))
        posts.add(post)
        links += 1
    for post, tag, link_before in given:
        give_back(db, post, tag, link_before)
    return posts, links, kept


def _are_same(link: str | None, other: str | None) -> bool:
    """Tell whether links are the same; one that came back may stand in another place (below)."""
    if link is None or other is None or link == other:
        return link == other
    return bool(parsed(link)[1:] == parsed(other)[1:])


_OUTDATED = (
    f"before IS NOT NULL AND json_extract(before, '$[1]') NOT IN ({LASTING_SOURCES}) AND "
    + _TAGGED_SINCE.format(post="c.post_id", number="c.change_id", at="t.at")
)


def give_back(db: sqlite3.Connection, post: int, tag: int, link: Sequence[Any]) -> None:
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
    made = "SELECT tag_id FROM changed_tags WHERE change_id = ? AND before IS NULL"
    as_left = f"{made} AND after = {STATE_OF['tag'].format('tag_id')}"
    db.execute(f"DELETE FROM barred_tags WHERE tag_id IN ({as_left})", (number,))
    return db.execute(f"DELETE FROM tags WHERE id IN ({made}){_UNUSED}", (number,)).rowcount


def _restore_states(db: sqlite3.Connection, number: int) -> set[int]:
    """Give posts the state that they had before; those that have changed since stay."""
    rows = db.execute(
        "SELECT c.post_id, c.before, p.text_hash FROM changed_posts AS c "
        f"JOIN posts AS p ON p.id = c.post_id WHERE change_id = ? "
        f"AND after = {STATE_OF['post'].format('c.post_id')}",
        (number,),
    ).fetchall()
    _set_states(db, rows)
    return {post for post, _, _ in rows}


def _set_states(db: sqlite3.Connection, rows: Sequence[tuple[int, str | None, str]]) -> int:
    """Give posts a former state: pending if there was none, or if it was of another text.

    Return how many are pending by that.
    """
    columns = STATE[:-1]
    sets = ", ".join(f"{column} = ?" for column in columns)
    values = []
    for post, before, text_hash in rows:
        *state, tagged = [*UNTAGGED.values(), text_hash] if before is None else parsed(before)
        values.append((*(state if tagged == text_hash else UNTAGGED.values()), post))
    db.executemany(f"UPDATE posts SET {sets} WHERE id = ?", values)
    return sum(state[0] == UNTAGGED["status"] for state in values)


# ---- a run


def take_back_run(db: sqlite3.Connection, change: PastChange) -> TakenBack:
    """Undo a tagging run: each post gets the tags and the state that it had before it."""
    run = change.number
    kept = _pick_posts(db, run)
    made = [
        tag
        for (tag,) in db.execute("SELECT DISTINCT +tag_id FROM post_tags WHERE run_id = ?", (run,))
    ]
    links = db.execute(
        f"DELETE FROM post_tags WHERE run_id = ? AND source <> {_HIS}", (run,)
    ).rowcount
    _restore_replaced(db, run)
    rows = db.execute(
        "SELECT u.post_id, c.before, p.text_hash FROM temp.undone_posts AS u "
        "JOIN posts AS p ON p.id = u.post_id "
        f"LEFT JOIN changed_posts AS c ON c.change_id = ?1 AND c.post_id = u.post_id AND {_KEPT} "
        "WHERE NOT EXISTS (SELECT 1 FROM changed_posts AS s JOIN tag_changes AS h "
        "ON h.id = s.change_id WHERE s.post_id = u.post_id AND s.change_id > ?1 "
        "AND h.what = 'run' AND h.undone_at IS NULL)",
        (run,),
    ).fetchall()
    pending = _set_states(db, rows)
    (posts,) = db.execute("SELECT count(*) FROM temp.undone_posts").fetchone()
    db.execute("DROP TABLE temp.undone_posts")
    return TakenBack(change, posts, links, _drop_unused(db, made), kept, pending)


_KEPT = "NOT EXISTS (SELECT 1 FROM tag_changes WHERE id = ?1 AND swept_at IS NOT NULL)"


_SINCE_RUN = _TAGGED_SINCE.format(post="undone_posts.post_id", number="?1", at="'9'")
# What a person took off or made his own since.
_TAKEN_SINCE = (
    "SELECT c.post_id FROM tag_changes AS h CROSS JOIN changed_links AS c ON c.change_id = h.id "
    "WHERE h.id > ?1 AND h.what NOT IN ('run', 'undo') AND h.undone_at IS NULL "
    f"AND json_extract(c.before, '$[5]') = ?1 AND json_extract(c.before, '$[1]') <> {_HIS}"
)


def _pick_posts(db: sqlite3.Connection, run: int) -> int:
    """Pick the posts that are as a run left them; return how many a later run has tagged anew."""
    db.execute("CREATE TEMP TABLE undone_posts (post_id INTEGER PRIMARY KEY)")
    for query in (
        f"SELECT post_id FROM post_tags WHERE run_id = ?1 AND source <> {_HIS}",
        f"SELECT post_id FROM changed_posts WHERE change_id = ?1 AND {_KEPT}",
        _TAKEN_SINCE,
    ):
        db.execute(f"INSERT OR IGNORE INTO temp.undone_posts {query}", (run,))
    return db.execute(
        "DELETE FROM temp.undone_posts WHERE NOT EXISTS (SELECT 1 FROM post_tags AS l "
        f"WHERE l.post_id = undone_posts.post_id AND l.run_id = ?1 AND l.source <> {_HIS}) "
        f"AND {_SINCE_RUN}",
        (run,),
    ).rowcount


def _restore_replaced(db: sqlite3.Connection, run: int) -> None:
    """Bring back the tags that a run replaced, except those that a person decided against since."""
    rows = db.execute(
        "SELECT c.post_id, c.tag_id, c.before FROM temp.undone_posts AS u JOIN changed_links AS c "
        f"ON c.change_id = ?1 AND c.post_id = u.post_id WHERE c.before IS NOT NULL AND {_KEPT} "
        "ORDER BY c.post_id, c.before ->> 0",
        (run,),
    ).fetchall()
    present: dict[int, int | None] = {}
    for post, tag, before in rows:
        if tag not in present:
            present[tag] = _present_tag(db, tag)
        target = present[tag]
        against = db.execute(
            "SELECT 1 FROM post_tags WHERE (post_id, tag_id) = (?1, ?2) UNION ALL "
            "SELECT 1 FROM removed_tags WHERE (post_id, tag_id) = (?1, ?2) UNION ALL "
            "SELECT 1 FROM barred_tags WHERE tag_id = ?2",
            (post, target),
        ).fetchone()
        if target is not None and against is None:
            give_back(db, post, target, parsed(before))


def _present_tag(db: sqlite3.Connection, tag: int) -> int | None:
    """Return the tag that a tag is part of by now: itself, or what it was merged into; or None."""
    found = db.execute(
        "SELECT id FROM tags WHERE id = ?1 UNION ALL SELECT a.tag_id FROM tag_changes AS h "
        "CROSS JOIN changed_tags AS c ON c.change_id = h.id AND c.tag_id = ?1 "
        "JOIN tag_aliases AS a ON a.key = json_extract(c.before, '$[1]') "
        "WHERE c.after IS NULL AND h.undone_at IS NULL LIMIT 1",
        (tag,),
    ).fetchone()
    return None if found is None else int(found[0])


def _of_undone_runs(db: sqlite3.Connection, number: int) -> list[int]:
    """Return those tags of a change that a run had given that is undone: it kept them in use."""
    used = _USED.format(in_=f"change_id = {number}")
    rows = db.execute(
        f"SELECT id FROM tags WHERE id IN ({used}){_UNUSED} AND id IN (SELECT c.tag_id "
        "FROM tag_changes AS h CROSS JOIN changed_links AS c ON c.change_id = h.id WHERE h.undoes "
        "IS NOT NULL AND h.undone_at IS NULL AND json_extract(c.before, '$[5]') = h.undoes)"
    )
    return [tag for (tag,) in rows]


def _drop_unused(db: sqlite3.Connection, tags: Iterable[int]) -> int:
    """Delete those of a run's tags that nothing uses any more; return how many."""
    query = f"SELECT 1 FROM tags WHERE id = ? AND description IS NULL{_UNUSED}"
    unused = {tag for tag in tags if db.execute(query, (tag,)).fetchone()}
    if unused:  # what another run replaced may come back
        rows = db.execute(
            "SELECT DISTINCT c.tag_id FROM tag_changes AS h CROSS JOIN changed_links AS c "
            "ON c.change_id = h.id WHERE h.what = 'run' AND h.undone_at IS NULL"
        )
        unused.difference_update(tag for (tag,) in rows)
    db.executemany("DELETE FROM tags WHERE id = ?", [(tag,) for tag in unused])
    return len(unused)


_UNUSED = "".join(
    f" AND NOT EXISTS (SELECT 1 FROM {table} WHERE tag_id = tags.id)"
    for table in ("post_tags", "tag_aliases", "removed_tags", "barred_tags")
)
