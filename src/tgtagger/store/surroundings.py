"""What stands around a post: its neighbours, its thread, what people did to its tags.

For a page that shows one post. Reads by indexes only: a post among a million costs what one of ten
does. Knows nothing of the post itself (`records`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from tgtagger.decide import LASTING
from tgtagger.model.archive import PostChange, PostMention, Surroundings, TakenTag
from tgtagger.model.tagging import PostId
from tgtagger.store.database import Part
from tgtagger.store.lookup import post_id
from tgtagger.store.times import from_text, moment
from tgtagger.store.values import INTEGER, TEXT, RowCheck, or_null

LATER = 1000
"""Message ids after a post among which its replies are looked for: no index holds replies."""
REPLIES = 20
"""Replies that are named, at most."""

_LETTERS = 160  # of a mention's text
_MENTION = (
    "SELECT p.channel_id, p.message_id, p.date, "
    f"substr(coalesce(nullif(p.text, ''), p.media_text, ''), 1, {_LETTERS}) FROM posts AS p "
)
OLDER = f"{_MENTION} WHERE channel_id = ? AND message_id < ? ORDER BY message_id DESC LIMIT 1"
NEWER = f"{_MENTION} WHERE channel_id = ? AND message_id > ? ORDER BY message_id LIMIT 1"
ANSWERED = (
    f"{_MENTION} WHERE p.id = (SELECT id FROM posts WHERE channel_id = ?1 AND message_id = ?2 "
    "UNION ALL SELECT post_id FROM album_members WHERE channel_id = ?1 AND message_id = ?2 LIMIT 1)"
)
ANSWERS = (
    f"{_MENTION} WHERE channel_id = ?1 AND message_id > ?2 AND message_id <= ?2 + {LATER} "
    "AND reply_to IN (SELECT ?2 UNION ALL SELECT message_id FROM album_members WHERE post_id = ?3) "
    f"ORDER BY message_id LIMIT {REPLIES}"
)
TAKEN = (
    "SELECT t.name, r.removed_at FROM removed_tags AS r JOIN tags AS t ON t.id = r.tag_id "
    "WHERE r.post_id = ? ORDER BY r.removed_at, t.name"
)
CHANGES = (
    "SELECT c.id, c.at, c.what, t.name, "
    "l.after IS NOT NULL AND json_extract(l.after, '$[1]') IN (?2, ?3), l.after IS NULL "
    "FROM changed_links AS l JOIN tag_changes AS c ON c.id = l.change_id "
    "JOIN tags AS t ON t.id = l.tag_id WHERE l.post_id = ?1 AND c.what NOT IN ('run', 'undo') "
    "AND c.undone_at IS NULL AND c.swept_at IS NULL ORDER BY c.id, t.name"
)

_POST = RowCheck("posts.channel_id", "posts.message_id", or_null(INTEGER))
_MENTIONED = RowCheck("posts.channel_id", "posts.message_id", "posts.date", TEXT)
_TAKEN = RowCheck("tags.name", "removed_tags.removed_at")
_CHANGED = RowCheck(
    "tag_changes.id", "tag_changes.at", "tag_changes.what", "tags.name", INTEGER, INTEGER
)


class Around(Part):
    """What stands around a post."""

    def of(self, name: str) -> Surroundings:
        """Return what stands around one post. Raises InputError for an unknown one."""
        with self._database.read() as db:
            inner = post_id(db, name)
            channel, number, reply_to = _POST(
                db.execute(
                    "SELECT channel_id, message_id, reply_to FROM posts WHERE id = ?", (inner,)
                ).fetchone()
            )
            return Surroundings(
                PostId(channel, number),
                older=_first(_mentions(db, OLDER, channel, number)),
                newer=_first(_mentions(db, NEWER, channel, number)),
                answered=_first(_mentions(db, ANSWERED, channel, reply_to)),
                answers=_mentions(db, ANSWERS, channel, number, inner),
                taken=tuple(
                    TakenTag(name, moment(at))
                    for name, at in map(_TAKEN, db.execute(TAKEN, [inner]))
                ),
                changes=_changes(map(_CHANGED, db.execute(CHANGES, (inner, *LASTING)))),
            )


def _mentions(db: sqlite3.Connection, sql: str, *values: int | None) -> tuple[PostMention, ...]:
    return tuple(
        PostMention(PostId(channel, number), from_text(date), text)
        for channel, number, date, text in map(_MENTIONED, db.execute(sql, values))
    )


def _first(found: tuple[PostMention, ...]) -> PostMention | None:
    return found[0] if found else None


def _changes(rows: Iterable[Sequence[Any]]) -> tuple[PostChange, ...]:
    """Return the changes of a post's tags, the oldest first: a row is a tag that one touched."""
    found: dict[int, PostChange] = {}
    for number, at, what, name, is_given, is_taken in rows:
        one = found.get(number) or PostChange(number, moment(at), what, (), ())
        found[number] = PostChange(
            number,
            one.at,
            what,
            (*one.given, name) if is_given else one.given,
            (*one.taken, name) if is_taken else one.taken,
        )
    return tuple(found.values())
