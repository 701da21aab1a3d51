"""Update the stored grouping of messages into albums by how they come in now.

An export does not tell albums, so its grouping is a guess. A better source's grouping replaces it,
and the newer one of an equal source replaces the older. A stored post keeps its id, and the tags
that people gave or removed, however its members change. Knows nothing of the posts' content.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tgtagger.decide import SOURCE_RANK
from tgtagger.store import decisions
from tgtagger.store.checks import RowCheck
from tgtagger.store.rooms import Connection, room_of
from tgtagger.store.statements import Statement

Ids = tuple[int, ...]

_FACTS = RowCheck("posts.id", "posts.message_id", "posts.source")


_MEMBERS = Statement(
    "SELECT message_id, post_id FROM album_members WHERE channel_id = :channel "
    "AND message_id BETWEEN :low AND :high AND message_id IN listed(:ids)"
)
_MEMBERS_OF = Statement(
    "SELECT post_id, message_id FROM album_members WHERE post_id IN listed(:posts) "
    "ORDER BY post_id, message_id"
)
_FACTS_OF = Statement("SELECT id, message_id, source FROM posts WHERE id IN listed(:posts)")
_ADD = Statement(
    "INSERT INTO album_members (channel_id, message_id, post_id) VALUES (:channel, :message, :post)"
)
_DISSOLVE = Statement("DELETE FROM album_members WHERE post_id = :post")
_MOVE_ATTEMPTS = Statement("UPDATE attempts SET post_id = :keep WHERE post_id = :other")
_DELETE_RAW = Statement("DELETE FROM raw_forms WHERE post_id = :post")
_DELETE = Statement("DELETE FROM posts WHERE id = :post")


@dataclass(slots=True)
class Grouping:
    """Which stored post each incoming post belongs to, by the incoming post's first message id."""

    owner: dict[int, int] = field(default_factory=dict)  # → inner id of the stored one; else new
    ignored: set[int] = field(default_factory=set)  # the album that is stored says more
    is_new: bool = False  # a stored post has other members now


def regroup(
    db: Connection,
    channel_id: int,
    incoming: Sequence[tuple[Ids, str]],
    stored: Mapping[int, int],
) -> Grouping | None:
    """Update the stored grouping; return which stored post each incoming post belongs to.

    `incoming` are (message ids, source), rising; `stored` maps the message ids of stored posts to
    their inner ids. Returns None if there is no album: every post is a single message.
    """
    grouped = _members(db, channel_id, [number for ids, _ in incoming for number in ids])
    if not grouped and not any(len(ids) > 1 for ids, _ in incoming):
        return None
    owner_of: dict[int, int] = dict(stored) | grouped
    known_of, source_of = _stored(db, {*owner_of.values()})
    grouping = Grouping()
    for ids, source in incoming:
        owners = list(dict.fromkeys(owner_of[number] for number in ids if number in owner_of))
        if not owners:
            continue
        keep = stored.get(ids[0], owners[0])
        known, rank = known_of[keep], max(SOURCE_RANK[source_of[owner]] for owner in owners)
        # What is left of an album alone, without its first message, is told by the album already;
        # but a better source may show that they never were one, the first message later.
        is_rest = len(ids) == 1 and ids[0] in known[1:]
        if known != ids and SOURCE_RANK[source] < rank + is_rest:
            grouping.ignored.add(ids[0])
            continue
        if known != ids:
            grouping.is_new = True
            for other in owners:
                if other != keep:
                    fold(db, other, keep)
            for number in known:
                owner_of.pop(number, None)
            _DISSOLVE(db, post=keep)
            add_members(db, channel_id, [(keep, ids)])
            owner_of |= dict.fromkeys(ids, keep)
            known_of[keep] = ids
        grouping.owner[ids[0]] = keep
    return grouping


def _members(db: Connection, channel_id: int, numbers: list[int]) -> dict[int, int]:
    ids, low, high = json.dumps(numbers), min(numbers), max(numbers)
    return dict(_MEMBERS(db, channel=channel_id, low=low, high=high, ids=ids))


def _stored(db: Connection, posts: Collection[int]) -> tuple[dict[int, Ids], dict[int, str]]:
    """Return the message ids that stored posts are made of, and their sources."""
    facts = [_FACTS(row) for row in _FACTS_OF(db, posts=json.dumps(sorted(posts)))]
    albums = members(db, posts)
    known = {post: albums.get(post, (number,)) for post, number, _ in facts}
    return known, {post: source for post, _, source in facts}


def members(db: Connection, posts: Collection[int]) -> dict[int, Ids]:
    """Return the message ids of those of the posts that are albums."""
    found: dict[int, Ids] = {}
    for post, number in _MEMBERS_OF(db, posts=json.dumps(sorted(posts))):
        found[post] = (*found.get(post, ()), number)
    return found


def add_members(db: Connection, channel_id: int, albums: Iterable[tuple[int, Ids]]) -> None:
    """Store the message ids of albums, by their posts; a single message has no such rows."""
    rows = [(channel_id, number, post) for post, ids in albums if len(ids) > 1 for number in ids]
    if rows:
        _ADD.many(db, rows)


def fold(db: Connection, other: int, keep: int) -> None:
    """Merge the post `other` into `keep`: people's decisions and attempts move, the rest goes."""
    decisions.move(db, other, keep)
    _MOVE_ATTEMPTS(db, keep=keep, other=other)
    room_of(db).fulltext.delete_posts(db, [other])
    _DELETE_RAW(db, post=other)
    _DELETE(db, post=other)
