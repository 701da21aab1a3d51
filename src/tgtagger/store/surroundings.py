"""What stands around a post: its neighbours, its thread, what people did to its tags.

For a page that shows one post. Reads by indexes only: a post among a million costs what one of ten
does. Knows nothing of the post itself (`records`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tgtagger.model.surroundings import PostChange, PostMention, Surroundings, TakenTag
from tgtagger.model.tagging import PostId
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part
from tgtagger.store.lookup import post_id
from tgtagger.store.recording import LASTING_SOURCES
from tgtagger.store.statements import Statement
from tgtagger.store.times import from_text, moment
from tgtagger.store.values import INTEGER, TEXT, or_null

LATER = 1000
"""Message ids after a post among which its replies are looked for: no index holds replies."""
REPLIES = 20
"""Replies that are named, at most."""

_LETTERS = 160  # of a mention's text
_MENTION = (
    "SELECT p.channel_id, p.message_id, p.date, "
    f"substr(coalesce(nullif(p.text, ''), p.media_text, ''), 1, {_LETTERS}) FROM posts AS p "
)
OLDER = Statement(
    f"{_MENTION} WHERE channel_id = :channel AND message_id < :message "
    "ORDER BY message_id DESC LIMIT 1"
)
NEWER = Statement(
    f"{_MENTION} WHERE channel_id = :channel AND message_id > :message ORDER BY message_id LIMIT 1"
)
ANSWERED = Statement(
    f"{_MENTION} WHERE p.id = (SELECT id FROM posts "
    "WHERE channel_id = :channel AND message_id = :message "
    "UNION ALL SELECT post_id FROM album_members "
    "WHERE channel_id = :channel AND message_id = :message LIMIT 1)"
)
ANSWERS = Statement(
    f"{_MENTION} WHERE channel_id = :channel "
    f"AND message_id > :message AND message_id <= :message + {LATER} AND reply_to IN "
    "(SELECT :message UNION ALL SELECT message_id FROM album_members WHERE post_id = :post) "
    f"ORDER BY message_id LIMIT {REPLIES}"
)
TAKEN = Statement(
    "SELECT t.name, r.removed_at FROM removed_tags AS r JOIN tags AS t ON t.id = r.tag_id "
    "WHERE r.post_id = :post ORDER BY r.removed_at, t.name"
)
CHANGES = Statement(
    "SELECT c.id, c.at, c.what, t.name, "
    f"l.after IS NOT NULL AND text_of(l.after, 1) IN ({LASTING_SOURCES}), l.after IS NULL "
    "FROM changed_links AS l JOIN tag_changes AS c ON c.id = l.change_id "
    "JOIN tags AS t ON t.id = l.tag_id WHERE l.post_id = :post AND c.what NOT IN ('run', 'undo') "
    "AND c.undone_at IS NULL AND c.swept_at IS NULL ORDER BY c.id, t.name"
)
_IDENTITY = Statement("SELECT channel_id, message_id, reply_to FROM posts WHERE id = :post")

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
            channel, number, reply_to = _POST(_IDENTITY(db, post=inner).fetchone())
            return Surroundings(
                PostId(channel, number),
                older=_first(_mentions(OLDER(db, channel=channel, message=number))),
                newer=_first(_mentions(NEWER(db, channel=channel, message=number))),
                answered=_first(_mentions(ANSWERED(db, channel=channel, message=reply_to))),
                answers=_mentions(ANSWERS(db, channel=channel, message=number, post=inner)),
                taken=tuple(
                    TakenTag(name, moment(at)) for name, at in map(_TAKEN, TAKEN(db, post=inner))
                ),
                changes=_changes(map(_CHANGED, CHANGES(db, post=inner))),
            )


def _mentions(rows: Iterable[Sequence[Any]]) -> tuple[PostMention, ...]:
    return tuple(
        PostMention(PostId(channel, number), from_text(date), text)
        for channel, number, date, text in map(_MENTIONED, rows)
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
