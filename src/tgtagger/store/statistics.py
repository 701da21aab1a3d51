"""The archive over time, and single tags: counts by day, which tags rise, which go together.

The time of a post is read from its inner id, which indexes hold: no post is read. A count of the
whole archive reads an index from end to end, a second or two for a million posts; the other verbs
read what belongs to one tag, or to the last days. Days are UTC's. Knows no plot.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from tgtagger.model.counts import DayCount, GroupCount, RisingTag
from tgtagger.model.tags import TagDetails
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part
from tgtagger.store.lookup import tag_id
from tgtagger.store.post_rows import MESSAGE_BITS
from tgtagger.store.statements import Statement
from tgtagger.store.times import moment
from tgtagger.store.values import INTEGER

DAY_BITS = 86_400 << MESSAGE_BITS
"""Inner ids of one day."""

LOOKED_AT = 2000
"""Posts of a tag that are looked at for related tags: the newest."""

_DAY = RowCheck(INTEGER, INTEGER)
_DETAILS = RowCheck("tags.name", "tags.description", "tags.added_at", INTEGER, INTEGER)
_ALIAS = RowCheck("tag_aliases.name")
_RISING = RowCheck("tags.name", INTEGER, INTEGER)
_RELATED = RowCheck("tags.name", INTEGER)

_DETAILS_OF = Statement(
    "SELECT name, description, added_at, (SELECT count(*) FROM post_tags WHERE tag_id = :tag), "
    "EXISTS (SELECT 1 FROM barred_tags WHERE tag_id = :tag) FROM tags WHERE id = :tag"
)
_ALIASES = Statement("SELECT name FROM tag_aliases WHERE tag_id = :tag ORDER BY key")
BY_DAY = Statement(f"SELECT id / {DAY_BITS}, count(*) FROM posts GROUP BY 1 ORDER BY 1")
TAG_BY_DAY = Statement(
    f"SELECT post_id / {DAY_BITS}, count(*) FROM post_tags WHERE tag_id = :tag "
    "GROUP BY 1 ORDER BY 1"
)
_NEWEST = Statement("SELECT max(id) FROM posts")
# By the links' own order, only those of the last days, not by the index of all tags.
RISING = Statement(
    "SELECT t.name, n.late, n.early FROM (SELECT tag_id, "
    "count(*) FILTER (WHERE post_id >= :late) AS late, "
    "count(*) FILTER (WHERE post_id < :late) AS early FROM post_tags WHERE post_id >= :early "
    "GROUP BY unindexed(tag_id)) AS n "
    "JOIN tags AS t ON t.id = n.tag_id WHERE n.late > n.early AND n.late > 2"
)
RELATED = Statement(
    "SELECT t.name, n.posts FROM (SELECT l.tag_id, count(*) AS posts FROM (SELECT post_id "
    f"FROM post_tags WHERE tag_id = :tag ORDER BY post_id DESC LIMIT {LOOKED_AT}) AS s "
    "CROSS JOIN post_tags AS l ON l.post_id = s.post_id WHERE l.tag_id <> :tag GROUP BY 1) AS n "
    "JOIN tags AS t ON t.id = n.tag_id ORDER BY n.posts DESC, t.name LIMIT :most"
)


class Statistics(Part):
    """Counts over time."""

    def tag(self, name: str) -> TagDetails:
        """Return one tag by its name or an alias. Raises InputError for an unknown one."""
        with self._database.read() as db:
            tag = tag_id(db, name)
            shown, description, added, posts, blocked = _DETAILS(
                _DETAILS_OF(db, tag=tag).fetchone()
            )
            names = tuple(alias for (alias,) in map(_ALIAS, _ALIASES(db, tag=tag)))
            return TagDetails(shown, posts, names, description, moment(added), bool(blocked))

    def posts_by_day(self) -> tuple[DayCount, ...]:
        """Return how many posts each day has, the oldest day first; days without are left out."""
        with self._database.read() as db:
            return _days(BY_DAY(db))

    def tag_by_day(self, name: str) -> tuple[DayCount, ...]:
        """Return how many posts of each day have a tag. Raises InputError for an unknown one."""
        with self._database.read() as db:
            return _days(TAG_BY_DAY(db, tag=tag_id(db, name)))

    def rising(self, days: int, most: int) -> tuple[RisingTag, ...]:
        """Return the tags that rise: in the last days against as many before, the clearest first.

        The last days end with the newest post, so that an old archive has some, too.
        """
        with self._database.read() as db:
            (newest,) = _NEWEST(db).fetchone()
            if newest is None:
                return ()
            late, early = newest - days * DAY_BITS, newest - 2 * days * DAY_BITS
            rows = RISING(db, late=late, early=early)
            found = [RisingTag(*row) for row in map(_RISING, rows)]
        # How many standard deviations two counts lie apart, if chance alone made them differ.
        found.sort(
            key=lambda tag: (-(tag.late - tag.early) / (tag.late + tag.early) ** 0.5, tag.name)
        )
        return tuple(found[:most])

    def related(self, name: str, most: int) -> tuple[GroupCount, ...]:
        """Return the tags that a tag's newest posts have, too, with how many of them."""
        with self._database.read() as db:
            rows = RELATED(db, tag=tag_id(db, name), most=most)
            return tuple(GroupCount(*row) for row in map(_RELATED, rows))


def _days(rows: Iterable[Sequence[Any]]) -> tuple[DayCount, ...]:
    return tuple(_day(row) for row in map(_DAY, rows) if row[0] > 0)


def _day(row: Sequence[int]) -> DayCount:
    number, posts = row
    return DayCount(dt.date(1970, 1, 1) + dt.timedelta(days=number), posts)
