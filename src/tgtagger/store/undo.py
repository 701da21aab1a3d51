"""The undo of a recorded change of tags: its rows become as they were.

Where a run has tagged a post anew since, the run's tags stay. A run's undo gives each post the tags
and the state that it had before, as far as nothing later changed them: a person's decisions of
later stand, and a post that a later run tagged stays as that left it. Knows no transaction, and not
which changes have to be undone before (`later_changes`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tgtagger.decide import HUMAN, LASTING, UNTAGGED
from tgtagger.errors import InputError
from tgtagger.model.changes import PastChange, TakenBack
from tgtagger.model.events import OnSteps, unheard
from tgtagger.store import origins, shown_names, tag_queue
from tgtagger.store.checks import parsed
from tgtagger.store.later_changes import USED
from tgtagger.store.recording import LASTING_SOURCES, STATE, STATE_OF, renamed_posts
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement

_HIS = f"'{HUMAN}'"

_TAGGED_SINCE = (
    "(EXISTS (SELECT 1 FROM changed_posts AS s JOIN tag_changes AS h ON h.id = s.change_id "
    "WHERE s.post_id = {post} AND s.change_id > {number} AND h.what = 'run' "
    "AND h.undone_at IS NULL AND text_of(s.after, 0) <> 'failed') "
    "OR EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = {post} "
    f"AND (l.run_id > {{number}} OR l.added_at > {{at}}) AND l.source NOT IN ({LASTING_SOURCES})))"
)
"""SQL: whether a run has replaced the tags of a post since a change, also one that began before."""


# ---- a person's change, or an undo


_TAG_NOW, _LINK_NOW = STATE_OF["tag"], STATE_OF["link"].format("c.post_id", "c.tag_id")
_CHANGED_TAGS = Statement(
    "SELECT tag_id, before FROM changed_tags WHERE change_id = :id AND before IS NOT NULL"
)
_TOUCHED_TAGS = Statement(
    "SELECT tag_id FROM changed_tags WHERE change_id = :id "
    "UNION SELECT tag_id FROM changed_links WHERE change_id = :id"
)
_FREE_NAMES = Statement(
    "DELETE FROM tag_aliases WHERE key IN (SELECT c.key FROM changed_aliases AS c "
    "WHERE c.change_id = :id AND c.after = (SELECT as_text(list_of(name, tag_id)) "
    "FROM tag_aliases AS a WHERE a.key = c.key))"
)
_IS_TAG = Statement("SELECT 1 FROM tags WHERE id = :tag")
_MAKE_TAG = Statement(
    "INSERT INTO tags (id, name, key, description, added_at, named_at) "
    "VALUES (:tag, :name, :key, :description, :added_at, :named_at)"
)
_RENAME_TAG = Statement(
    "UPDATE tags SET name = :name, key = :key, description = :description, "
    "named_at = :named_at WHERE id = :tag"
)
_UNBLOCK = Statement("DELETE FROM barred_tags WHERE tag_id = :tag")
_BLOCK = Statement("INSERT INTO barred_tags (tag_id, barred_at) VALUES (:tag, :at)")
_CHANGED_ALIASES = Statement(
    "SELECT key, before FROM changed_aliases WHERE change_id = :id AND before IS NOT NULL"
)
_MAKE_ALIAS = Statement("INSERT INTO tag_aliases (key, name, tag_id) VALUES (:key, :name, :tag)")
_NAME_TAKEN = Statement(
    "SELECT t.name FROM tags AS t WHERE t.key = :key AND t.id <> :tag UNION ALL "
    "SELECT t.name FROM tag_aliases AS a JOIN tags AS t ON t.id = a.tag_id WHERE a.key = :key"
)
_OUTDATED = (
    f"before IS NOT NULL AND text_of(before, 1) NOT IN ({LASTING_SOURCES}) AND "
    + _TAGGED_SINCE.format(post="c.post_id", number="c.change_id", at="t.at")
)
_CHANGED_LINKS = Statement(
    f"SELECT post_id, tag_id, CASE WHEN {_OUTDATED} THEN NULL ELSE before END, after, "
    f"removed_before, removed_after, {_LINK_NOW}, "
    f"{STATE_OF['removed'].format('c.post_id', 'c.tag_id')} FROM changed_links AS c "
    "JOIN tag_changes AS t ON t.id = c.change_id WHERE change_id = :id "
    "AND post_id > :after AND post_id <= :last ORDER BY post_id"
)
_ALLOW = Statement("DELETE FROM removed_tags WHERE post_id = :post AND tag_id = :tag")
_TAKE_OFF = Statement(
    "INSERT INTO removed_tags (post_id, tag_id, removed_at) VALUES (:post, :tag, :at)"
)
_UNLINK = Statement("DELETE FROM post_tags WHERE post_id = :post AND tag_id = :tag")
# Each parameter stands once: it runs with many rows, one after another.
_GIVE_BACK = Statement(
    "INSERT INTO post_tags (post_id, position, tag_id, source, model, prompt, vocabulary, "
    "run_id, added_at) SELECT given.post, CASE WHEN EXISTS (SELECT 1 FROM post_tags AS l "
    "WHERE l.post_id = given.post AND l.position = given.place) "
    "THEN (SELECT max(l.position) + 1 FROM post_tags AS l WHERE l.post_id = given.post) "
    "ELSE given.place END, t.id, :source, :model, :prompt, :vocabulary, "
    "(SELECT id FROM runs WHERE id = :run), :added_at "  # a run may be swept
    "FROM (SELECT CAST(:post AS bigint) AS post, CAST(:position AS bigint) AS place) AS given "
    "JOIN tags AS t ON t.id = :tag"  # an undo of an earlier version may have deleted it
)
_UNUSED = "".join(
    f" AND NOT EXISTS (SELECT 1 FROM {table} WHERE tag_id = tags.id)"
    for table in ("post_tags", "tag_aliases", "removed_tags", "barred_tags")
)
_MADE = "SELECT tag_id FROM changed_tags WHERE change_id = :id AND before IS NULL"
# Who gave it to another post since has unblocked it, too.
_UNBLOCK_GIVEN = Statement(
    "DELETE FROM barred_tags WHERE tag_id IN (SELECT tag_id FROM changed_tags "
    "WHERE change_id = :id) AND EXISTS (SELECT 1 FROM post_tags AS l "
    f"WHERE l.tag_id = barred_tags.tag_id AND l.source IN ({LASTING_SOURCES}))"
)
_UNBLOCK_MADE = Statement(
    f"DELETE FROM barred_tags WHERE tag_id IN ({_MADE} AND after = {_TAG_NOW.format('tag_id')})"
)
_DROP_MADE = Statement(f"DELETE FROM tags WHERE id IN ({_MADE}){_UNUSED}")
_CHANGED_STATES = Statement(
    "SELECT c.post_id, c.before, p.text_hash FROM changed_posts AS c "
    "JOIN posts AS p ON p.id = c.post_id WHERE change_id = :id "
    "AND c.post_id > :after AND c.post_id <= :last "
    f"AND after = {STATE_OF['post'].format('c.post_id')}"
)
_SET_STATE = Statement(
    f"UPDATE posts SET {', '.join(f'{column} = :{column}' for column in STATE[:-1])} WHERE id = :id"
)


STEPS = 5
"""Steps of an undo that take long; the last one is to record it."""


def take_back_change(db: Connection, change: PastChange, on_steps: OnSteps = unheard) -> TakenBack:
    """Undo a person's change, an agent's session, or an undo."""
    number = change.number
    renamed = renamed_posts(db, number)
    restored = _restore_tags(db, number)
    posts, links, kept = _restore_links(db, number, change.what)
    _UNBLOCK_GIVEN(db, id=number)
    on_steps(2, STEPS)
    posts |= _restore_states(db, number)
    on_steps(3, STEPS)
    shown_names.settle(db, {tag for (tag,) in _TOUCHED_TAGS(db, id=number)})
    gone = _drop_made_tags(db, number)
    _restore_aliases(db, number)
    gone += _drop_unused(db, _of_undone_runs(db, number))
    on_steps(4, STEPS)
    touched = max(len(posts), renamed)
    return TakenBack(change, touched, links, restored + gone, len(kept - posts))


def _restore_tags(db: Connection, number: int) -> int:
    """Bring back deleted tags, their names, and which are blocked; return how many came back."""
    rows = _CHANGED_TAGS(db, id=number).fetchall()
    # Names change places: an alias becomes a tag's name, so the aliases of this change go first.
    _FREE_NAMES(db, id=number)
    restored = 0
    for tag, before in rows:
        name, key, description, added_at, barred_at, *named = parsed(before)
        _require_free(db, key, name, tag, number)
        row = {"tag": tag, "name": name, "key": key, "description": description}
        row["named_at"] = named[0] if named else None
        if _IS_TAG(db, tag=tag).fetchone() is None:
            _MAKE_TAG(db, **row, added_at=added_at)
            restored += 1
        else:
            _RENAME_TAG(db, **row)
        _UNBLOCK(db, tag=tag)
        if barred_at is not None:
            _BLOCK(db, tag=tag, at=barred_at)
    return restored


def _restore_aliases(db: Connection, number: int) -> None:
    rows = _CHANGED_ALIASES(db, id=number).fetchall()
    for key, before in rows:
        name, tag = parsed(before)
        _require_free(db, key, name, 0, number)
        _MAKE_ALIAS(db, key=key, name=name, tag=tag)


def _require_free(db: Connection, key: str, name: str, tag: int, number: int) -> None:
    """Raise InputError if a name that is to come back stands for another tag by now."""
    taken = _NAME_TAKEN(db, key=key, tag=tag).fetchone()
    if taken is not None:
        raise InputError("undo_name_taken", change=number, name=name, tag=taken[0])


AT_ONCE = 5000
"""Rows that are restored at a time: all of a large change would take much memory."""

_LAST = f"SELECT max(post_id) FROM (SELECT post_id FROM {{}} ORDER BY post_id LIMIT {AT_ONCE}) AS c"
_LAST_LINKED = Statement(_LAST.format("changed_links WHERE change_id = :id AND post_id > :after"))
_LAST_STATE = Statement(_LAST.format("changed_posts WHERE change_id = :id AND post_id > :after"))
_LAST_PICKED = Statement(_LAST.format("undone_posts WHERE post_id > :after"))


def _parts(db: Connection, last_of: Statement, **values: object) -> Iterator[tuple[int, int]]:
    """Yield (after, last), posts of which some rows are restored together: each is in one part."""
    after = -(1 << 63)
    while (last := last_of(db, after=after, **values).fetchone()[0]) is not None:
        yield after, last
        after = last


def _restore_links(db: Connection, number: int, what: str) -> tuple[set[int], int, set[int]]:
    """Restore the tags on posts; return which posts, how many tags, and posts that are left alone.

    A tag on a post that is not as the change left it was given or taken by a run since: it stays.
    Nor does a machine's tag come back to a post that a run has tagged since.
    """
    posts, kept, links = set[int](), set[int](), 0
    for after, last in _parts(db, _LAST_LINKED, id=number):
        rows = _CHANGED_LINKS(db, id=number, after=after, last=last).fetchall()
        links += _restore_some(db, rows, what, posts, kept)
    return posts, links, kept


def _restore_some(
    db: Connection, rows: Sequence[Any], what: str, posts: set[int], kept: set[int]
) -> int:
    """Restore the tags on some posts; add these to `posts`, or to `kept`; return how many tags."""
    links = 0
    allowed, off, unlinked, given = [], [], [], []
    for post, tag, before, after, was_removed, is_removed, current, removed_now in rows:
        if removed_now == is_removed != was_removed:
            allowed.append((post, tag))
            if was_removed is not None:
                off.append((post, tag, was_removed))
        is_as_left = _are_same(current, after)
        if not is_as_left or before == after:
            if not is_as_left or was_removed == is_removed or what in {"remove", "drop"}:
                kept.add(post)
            continue
        if current is not None:
            unlinked.append((post, tag))
        if before is not None:
            given.append((post, tag, parsed(before)))
        posts.add(post)
        links += 1
    for statement, rows_of in ((_ALLOW, allowed), (_TAKE_OFF, off), (_UNLINK, unlinked)):
        statement.many(db, rows_of)
    give_back(db, given)
    _note_origins(db, (link_before for _, _, link_before in given))
    return links


def _are_same(link: str | None, other: str | None) -> bool:
    """Tell whether links are the same; one that came back may stand in another place (below)."""
    if link is None or other is None or link == other:
        return link == other
    return bool(parsed(link)[1:] == parsed(other)[1:])


Link = tuple[int, int, Sequence[Any]]
"""A tag on a post, as its change kept it: the post, the tag, the other columns."""


def give_back(db: Connection, links: Iterable[Link]) -> None:
    """Insert links as they were; after the others if a run has taken their place."""
    rows = [
        (source, model, prompt, vocabulary, run, added_at, post, position, tag)
        for post, tag, link in links
        for position, source, model, prompt, vocabulary, run, added_at in (link,)
    ]
    if rows:
        _GIVE_BACK.many(db, rows)


def _note_origins(db: Connection, links: Iterable[Sequence[Any]]) -> None:
    """Note what the tags that come back were made with; of a person's and an agent's nothing."""
    origins.note(
        db,
        {
            (run, model, prompt, vocabulary)
            for _, source, model, prompt, vocabulary, run, _ in links
            if source not in LASTING
        },
    )


def _drop_made_tags(db: Connection, number: int) -> int:
    """Delete the tags that a change made, unless something else uses them by now."""
    _UNBLOCK_MADE(db, id=number)
    return _DROP_MADE(db, id=number).rowcount


def _restore_states(db: Connection, number: int) -> set[int]:
    """Give posts the state that they had before; those that have changed since stay."""
    posts = set[int]()
    for after, last in _parts(db, _LAST_STATE, id=number):
        rows = _CHANGED_STATES(db, id=number, after=after, last=last).fetchall()
        _set_states(db, rows)
        posts.update(post for post, _, _ in rows)
    return posts


def _set_states(db: Connection, rows: Sequence[tuple[int, str | None, str]]) -> int:
    """Give posts a former state: pending if there was none, or if it was of another text.

    Return how many are pending by that.
    """
    values = []
    for post, before, text_hash in rows:
        *state, tagged = [*UNTAGGED.values(), text_hash] if before is None else parsed(before)
        values.append((*(state if tagged == text_hash else UNTAGGED.values()), post))
    _SET_STATE.many(db, values)
    tag_queue.refresh(db, [post for post, _, _ in rows])
    return sum(state[0] == UNTAGGED["status"] for state in values)


# ---- a run


_KEPT = "NOT EXISTS (SELECT 1 FROM tag_changes WHERE id = :run AND swept_at IS NOT NULL)"
_SINCE_RUN = _TAGGED_SINCE.format(post="undone_posts.post_id", number=":run", at="'9'")
# What a person took off or made his own since.
_TAKEN_SINCE = (
    "SELECT c.post_id FROM tag_changes AS h CROSS JOIN changed_links AS c ON c.change_id = h.id "
    "WHERE h.id > :run AND h.what NOT IN ('run', 'undo') AND h.undone_at IS NULL "
    f"AND number_of(c.before, 5) = :run AND text_of(c.before, 1) <> {_HIS}"
)
_PICKED = Statement("CREATE TEMP TABLE undone_posts (post_id primary_key())")
_PICK = Statement(
    "INSERT INTO undone_posts (post_id) "
    f"SELECT post_id FROM post_tags WHERE run_id = :run AND source <> {_HIS} UNION "
    f"SELECT post_id FROM changed_posts WHERE change_id = :run AND {_KEPT} UNION {_TAKEN_SINCE}"
)
_LEAVE = Statement(
    "DELETE FROM undone_posts WHERE NOT EXISTS (SELECT 1 FROM post_tags AS l "
    f"WHERE l.post_id = undone_posts.post_id AND l.run_id = :run AND l.source <> {_HIS}) "
    f"AND {_SINCE_RUN}"
)
_COUNT = Statement("SELECT count(*) FROM undone_posts")
_DROP_PICKED = Statement("DROP TABLE undone_posts")
_TAGS_OF_RUN = Statement("SELECT DISTINCT unindexed(tag_id) FROM post_tags WHERE run_id = :run")
_DROP_LINKS = Statement(f"DELETE FROM post_tags WHERE run_id = :run AND source <> {_HIS}")
_FORMER_STATES = Statement(
    "SELECT u.post_id, c.before, p.text_hash FROM undone_posts AS u "
    "JOIN posts AS p ON p.id = u.post_id "
    f"LEFT JOIN changed_posts AS c ON c.change_id = :run AND c.post_id = u.post_id AND {_KEPT} "
    "WHERE u.post_id > :after AND u.post_id <= :last "
    "AND NOT EXISTS (SELECT 1 FROM changed_posts AS s JOIN tag_changes AS h "
    "ON h.id = s.change_id WHERE s.post_id = u.post_id AND s.change_id > :run "
    "AND h.what = 'run' AND h.undone_at IS NULL)"
)
_REPLACED = Statement(
    "SELECT c.post_id, c.tag_id, c.before FROM undone_posts AS u JOIN changed_links AS c "
    f"ON c.change_id = :run AND c.post_id = u.post_id WHERE c.before IS NOT NULL AND {_KEPT} "
    "AND u.post_id > :after AND u.post_id <= :last "
    "ORDER BY c.post_id, number_of(c.before, 0)"
)
_AGAINST = Statement(
    "SELECT post_id, tag_id FROM post_tags WHERE post_id IN listed(:posts) UNION ALL "
    "SELECT post_id, tag_id FROM removed_tags WHERE post_id IN listed(:posts)"
)
_BARRED = Statement("SELECT tag_id FROM barred_tags WHERE tag_id IN listed(:tags)")
_PRESENT = Statement(
    "SELECT id FROM tags WHERE id = :tag UNION ALL SELECT a.tag_id FROM tag_changes AS h "
    "CROSS JOIN changed_tags AS c ON c.change_id = h.id AND c.tag_id = :tag "
    "JOIN tag_aliases AS a ON a.key = text_of(c.before, 1) "
    "WHERE c.after IS NULL AND h.undone_at IS NULL LIMIT 1"
)
_OF_UNDONE_RUNS = Statement(
    f"SELECT id FROM tags WHERE id IN ({USED.format(in_='change_id = :id')}){_UNUSED} "
    "AND id IN (SELECT c.tag_id FROM tag_changes AS h CROSS JOIN changed_links AS c "
    "ON c.change_id = h.id WHERE h.undoes IS NOT NULL AND h.undone_at IS NULL "
    "AND number_of(c.before, 5) = h.undoes)"
)
_IS_UNUSED = Statement(f"SELECT 1 FROM tags WHERE id = :tag AND description IS NULL{_UNUSED}")
_MAY_COME_BACK = Statement(
    "SELECT DISTINCT c.tag_id FROM tag_changes AS h CROSS JOIN changed_links AS c "
    "ON c.change_id = h.id WHERE h.what <> 'undo' AND h.undone_at IS NULL "
    "AND c.before IS NOT NULL AND c.tag_id IN listed(:tags)"
)
_DROP_TAG = Statement("DELETE FROM tags WHERE id = :tag")


def take_back_run(db: Connection, change: PastChange, on_steps: OnSteps = unheard) -> TakenBack:
    """Undo a tagging run: each post gets the tags and the state that it had before it."""
    run = change.number
    kept = _pick_posts(db, run)
    on_steps(1, STEPS)
    made = [tag for (tag,) in _TAGS_OF_RUN(db, run=run)]
    links = _DROP_LINKS(db, run=run).rowcount
    on_steps(2, STEPS)
    came = set[int]()
    for after, last in _parts(db, _LAST_PICKED):
        came |= _restore_replaced(db, _REPLACED(db, run=run, after=after, last=last).fetchall())
    shown_names.settle(db, {*made, *came})
    on_steps(3, STEPS)
    pending = 0
    for after, last in _parts(db, _LAST_PICKED):
        rows = _FORMER_STATES(db, run=run, after=after, last=last).fetchall()
        pending += _set_states(db, rows)
    on_steps(4, STEPS)
    (posts,) = _COUNT(db).fetchone()
    _DROP_PICKED(db)
    return TakenBack(change, posts, links, _drop_unused(db, made), kept, pending)


def _pick_posts(db: Connection, run: int) -> int:
    """Pick the posts that are as a run left them; return how many a later run has tagged anew."""
    _PICKED(db)
    _PICK(db, run=run)
    return _LEAVE(db, run=run).rowcount


def _restore_replaced(db: Connection, rows: Sequence[Any]) -> set[int]:
    """Bring back tags that a run replaced, except those that a person decided against since.

    Return which tags came back.
    """
    _note_origins(db, (parsed(before) for _, _, before in rows))
    present = {tag: _present_tag(db, tag) for tag in {tag for _, tag, _ in rows}}
    targets = {target for target in present.values() if target is not None}
    barred = {tag for (tag,) in _BARRED(db, tags=json.dumps(sorted(targets)))}
    against = {*_AGAINST(db, posts=json.dumps(sorted({post for post, *_ in rows})))}
    given: list[Link] = []
    for post, tag, before in rows:
        target = present[tag]
        if target is not None and target not in barred and (post, target) not in against:
            against.add((post, target))
            given.append((post, target, parsed(before)))
    give_back(db, given)
    return targets


def _present_tag(db: Connection, tag: int) -> int | None:
    """Return the tag that a tag is part of by now: itself, or what it was merged into; or None."""
    found = _PRESENT(db, tag=tag).fetchone()
    return None if found is None else int(found[0])


def _of_undone_runs(db: Connection, number: int) -> list[int]:
    """Return those tags of a change that a run had given that is undone: it kept them in use."""
    return [tag for (tag,) in _OF_UNDONE_RUNS(db, id=number)]


def _drop_unused(db: Connection, tags: Iterable[int]) -> int:
    """Delete those of a run's tags that nothing uses any more; return how many."""
    unused = {tag for tag in tags if _IS_UNUSED(db, tag=tag).fetchone()}
    if unused:  # what another run replaced, or a person took off, may come back
        waiting = _MAY_COME_BACK(db, tags=json.dumps(sorted(unused)))
        unused.difference_update(tag for (tag,) in waiting)
    _DROP_TAG.many(db, [(tag,) for tag in unused])
    return len(unused)
