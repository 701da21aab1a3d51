"""What people decided about the tags of a post that becomes one with another, and its undo.

Two posts turn out to be one: an album's messages, or a channel stored under two ids. The tags that
people gave or took off move to the post that stays. So do the recorded changes: each is made one of
the joined post, as if it had been one from the beginning, so that it is undone as any other.
Knows neither why posts are joined nor what else they hold.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from tgtagger.decide import HUMAN, LASTING
from tgtagger.store.recording import LINK
from tgtagger.store.undo import give_back
from tgtagger.store.values import parsed

State = tuple[str | None, str | None]
"""A tag on a post, as a change keeps it, and when a person took it off; None: there is none."""

Record = tuple[State, State]
"""What a change found, and what it left."""

_NOTHING: State = (None, None)


def move(db: sqlite3.Connection, other: int, keep: int) -> None:
    """Give the post `keep` what people decided about the tags of `other`.

    A person's tag comes before a person's removal, that before an agent's or a tagger's tag. The
    taggers' tags of `other` go, and no undo brings them back. The caller deletes what is left of
    `other`.
    """
    _forget_machine_links(db, other)
    db.execute(
        "DELETE FROM post_tags WHERE post_id = ? AND source NOT IN (?, ?)", (other, *LASTING)
    )
    _put_behind(db, other, keep)
    theirs, their_records = _states(db, other), _records(db, other)
    ours, our_records = _states(db, keep), _records(db, keep)
    for tag in theirs.keys() | their_records.keys():
        now = (ours.get(tag, _NOTHING), theirs.get(tag, _NOTHING))
        records = (our_records.get(tag, {}), their_records.get(tag, {}))
        _write_state(db, keep, tag, _joined(*now))
        db.execute("DELETE FROM changed_links WHERE (post_id, tag_id) = (?, ?)", (keep, tag))
        db.executemany(
            "INSERT INTO changed_links (change_id, post_id, tag_id, before, removed_before, "
            "after, removed_after) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (change, keep, tag, *before, *after)
                for change, (before, after) in _joined_records(now, records)
                if before != after
            ],
        )


def _forget_machine_links(db: sqlite3.Connection, post: int) -> None:
    db.execute(
        "UPDATE changed_links SET before = iif(json_extract(before, '$[1]') IN (?1, ?2), before, "
        "NULL), after = iif(json_extract(after, '$[1]') IN (?1, ?2), after, NULL) "
        "WHERE post_id = ?3",
        (*LASTING, post),
    )


def _put_behind(db: sqlite3.Connection, other: int, keep: int) -> None:
    """Move the places of a post's tags behind all that stand on either, in its records, too."""
    (free,) = db.execute(
        "SELECT coalesce(max(place) + 1, 0) FROM (SELECT position AS place FROM post_tags "
        "WHERE post_id IN (?1, ?2) UNION ALL SELECT before ->> 0 FROM changed_links "
        "WHERE post_id IN (?1, ?2) UNION ALL SELECT after ->> 0 FROM changed_links "
        "WHERE post_id IN (?1, ?2))",
        (other, keep),
    ).fetchone()
    db.execute("UPDATE post_tags SET position = position + ? WHERE post_id = ?", (free, other))
    db.execute(
        "UPDATE changed_links SET before = json_set(before, '$[0]', (before ->> 0) + ?1), "
        "after = json_set(after, '$[0]', (after ->> 0) + ?1) WHERE post_id = ?2",
        (free, other),
    )


def _states(db: sqlite3.Connection, post: int) -> dict[int, State]:
    """Return how each tag stands to a post: on it, or taken off."""
    found: dict[int, State] = {
        tag: (None, at)
        for tag, at in db.execute(
            "SELECT tag_id, removed_at FROM removed_tags WHERE post_id = ?", (post,)
        )
    }
    links = db.execute(f"SELECT tag_id, {LINK} FROM post_tags AS l WHERE post_id = ?", (post,))
    return found | {tag: (link, found.get(tag, _NOTHING)[1]) for tag, link in links}


def _records(db: sqlite3.Connection, post: int) -> dict[int, dict[int, Record]]:
    """Return the recorded changes of a post, by tag, then by number."""
    found: dict[int, dict[int, Record]] = {}
    for tag, change, before, removed_before, after, removed_after in db.execute(
        "SELECT tag_id, change_id, before, removed_before, after, removed_after "
        "FROM changed_links WHERE post_id = ?",
        (post,),
    ):
        found.setdefault(tag, {})[change] = ((before, removed_before), (after, removed_after))
    return found


def _joined(ours: State, theirs: State) -> State:
    for link, _ in (ours, theirs):
        if link is not None and parsed(link)[1] == HUMAN:
            return link, None
    removed = ours[1] or theirs[1]
    return (ours[0] or theirs[0], None) if removed is None else (None, removed)


def _joined_records(
    now: tuple[State, State], records: tuple[dict[int, Record], dict[int, Record]]
) -> Iterator[tuple[int, Record]]:
    """Yield the changes of the joined post, the latest first.

    A change that touched one of the two found the other as the change after it did, or as it is;
    but without the tag of a run that began later: a run records only what it replaces.
    """
    for change in sorted(records[0].keys() | records[1].keys(), reverse=True):
        ours, theirs = (
            record.get(change, (_at(state, change),) * 2)
            for record, state in zip(records, now, strict=True)
        )
        yield change, (_joined(ours[0], theirs[0]), _joined(ours[1], theirs[1]))
        now = (ours[0], theirs[0])


def _at(state: State, change: int) -> State:
    link, removed = state
    is_later = link is not None and (parsed(link)[5] or 0) > change
    return (None, removed) if is_later else state


def _write_state(db: sqlite3.Connection, post: int, tag: int, state: State) -> None:
    link, removed = state
    for table in ("post_tags", "removed_tags"):
        db.execute(f"DELETE FROM {table} WHERE (post_id, tag_id) = (?, ?)", (post, tag))
    if link is not None:
        give_back(db, post, tag, parsed(link))
    if removed is not None:
        db.execute(
            "INSERT INTO removed_tags (post_id, tag_id, removed_at) VALUES (?, ?, ?)",
            (post, tag, removed),
        )
