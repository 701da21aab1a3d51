"""What people decided about the tags of a post that becomes one with another, and its undo.

Two posts turn out to be one: an album's messages, or a channel stored under two ids. The tags that
people gave or took off move to the post that stays. So do the recorded changes: each is made one of
the joined post, as if it had been one from the beginning, so that it is undone as any other.
Knows neither why posts are joined nor what else they hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tgtagger.decide import HUMAN, LASTING
from tgtagger.store.checks import parsed
from tgtagger.store.recording import LASTING_SOURCES, LINK
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.undo import give_back

State = tuple[str | None, str | None]
"""A tag on a post, as a change keeps it, and when a person took it off; None: there is none."""

Record = tuple[State, State]
"""What a change found, and what it left."""

_NOTHING: State = (None, None)


_DROP_MACHINE_LINKS = Statement(
    f"DELETE FROM post_tags WHERE post_id = :post AND source NOT IN ({LASTING_SOURCES})"
)
_FORGET_RECORDS = Statement("DELETE FROM changed_links WHERE post_id = :post AND tag_id = :tag")
_KEEP_RECORD = Statement(
    "INSERT INTO changed_links (change_id, post_id, tag_id, before, removed_before, "
    "after, removed_after) "
    "VALUES (:change, :post, :tag, :before, :removed_before, :after, :removed_after)"
)
_FREE = Statement(
    "SELECT coalesce(max(place) + 1, 0) FROM (SELECT position AS place FROM post_tags "
    "WHERE post_id IN (:other, :keep) UNION ALL SELECT number_of(before, 0) FROM changed_links "
    "WHERE post_id = :keep UNION ALL SELECT number_of(after, 0) FROM changed_links "
    "WHERE post_id = :keep) AS places"
)
_PUT_BEHIND = Statement("UPDATE post_tags SET position = position + :free WHERE post_id = :post")
_RECORDED = Statement(
    "SELECT change_id, tag_id, before, after FROM changed_links WHERE post_id = :post"
)
_REWRITE = Statement(
    "UPDATE changed_links SET before = :before, after = :after "
    "WHERE change_id = :change AND post_id = :post AND tag_id = :tag"
)
_REMOVED = Statement("SELECT tag_id, removed_at FROM removed_tags WHERE post_id = :post")
_LINKS = Statement(f"SELECT tag_id, {LINK} FROM post_tags AS l WHERE post_id = :post")
_RECORDS = Statement(
    "SELECT tag_id, change_id, before, removed_before, after, removed_after "
    "FROM changed_links WHERE post_id = :post"
)
_DROP_LINK = Statement("DELETE FROM post_tags WHERE post_id = :post AND tag_id = :tag")
_ALLOW = Statement("DELETE FROM removed_tags WHERE post_id = :post AND tag_id = :tag")
_TAKE_OFF = Statement(
    "INSERT INTO removed_tags (post_id, tag_id, removed_at) VALUES (:post, :tag, :at)"
)


def move(db: Connection, other: int, keep: int) -> None:
    """Give the post `keep` what people decided about the tags of `other`.

    A person's tag comes before a person's removal, that before a machine's tag. The machines' tags
    of `other` go, and no undo brings them back. The caller deletes what is left of `other`.
    """
    _DROP_MACHINE_LINKS(db, post=other)
    _put_behind(db, other, keep)
    theirs, their_records = _states(db, other), _records(db, other)
    ours, our_records = _states(db, keep), _records(db, keep)
    for tag in theirs.keys() | their_records.keys():
        now = (ours.get(tag, _NOTHING), theirs.get(tag, _NOTHING))
        records = (our_records.get(tag, {}), their_records.get(tag, {}))
        _write_state(db, keep, tag, _joined(*now))
        _FORGET_RECORDS(db, post=keep, tag=tag)
        _KEEP_RECORD.many(
            db,
            [
                (change, keep, tag, *before, *after)
                for change, (before, after) in _joined_records(now, records)
                if before != after
            ],
        )


def _put_behind(db: Connection, other: int, keep: int) -> None:
    """Move the places of a post's tags behind all that stand on either; in its records, too.

    The records forget the machines' tags.
    """
    rows = [
        (_of_person(before), _of_person(after), change, other, tag)
        for change, tag, before, after in _RECORDED(db, post=other)
    ]
    (free,) = _FREE(db, other=other, keep=keep).fetchone()
    own = [link[0] + 1 for row in rows for link in row[:2] if link is not None]
    free = max([free, *own])
    _PUT_BEHIND(db, free=free, post=other)
    _REWRITE.many(
        db, [(_behind(before, free), _behind(after, free), *key) for before, after, *key in rows]
    )


def _of_person(link: str | None) -> list[Any] | None:
    """Return a link that a person or an agent made; None for a tagger's."""
    found: list[Any] | None = None if link is None else parsed(link)
    return found if found is not None and found[1] in LASTING else None


def _behind(link: list[Any] | None, places: int) -> str | None:
    if link is None:
        return None
    moved = [link[0] + places, *link[1:]]
    return json.dumps(moved, ensure_ascii=False, separators=(",", ":"))


def _states(db: Connection, post: int) -> dict[int, State]:
    """Return how each tag stands to a post: on it, or taken off."""
    found: dict[int, State] = {tag: (None, at) for tag, at in _REMOVED(db, post=post)}
    return found | {tag: (link, found.get(tag, _NOTHING)[1]) for tag, link in _LINKS(db, post=post)}


def _records(db: Connection, post: int) -> dict[int, dict[int, Record]]:
    """Return the recorded changes of a post, by tag, then by number."""
    found: dict[int, dict[int, Record]] = {}
    for tag, change, before, removed_before, after, removed_after in _RECORDS(db, post=post):
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


def _write_state(db: Connection, post: int, tag: int, state: State) -> None:
    link, removed = state
    _DROP_LINK(db, post=post, tag=tag)
    _ALLOW(db, post=post, tag=tag)
    if link is not None:
        give_back(db, [(post, tag, parsed(link))])
    if removed is not None:
        _TAKE_OFF(db, post=post, tag=tag, at=removed)
