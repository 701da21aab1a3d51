"""The archive over time, and single tags: counts by day, which tags rise, which go together.

The time of a post is read from its inner id, which indexes hold: no post is read. A count of the
whole archive reads an index from end to end, a second or two for a million posts; the other verbs
read what belongs to one tag, or to the last days. Days are UTC's. Knows no plot.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.engine import Connection

from tgtagger.model.archive import DayCount, GroupCount, RisingTag, TagDetails
from tgtagger.store.database import Part
from tgtagger.store.lookup import tag_id
from tgtagger.store.post_rows import MESSAGE_BITS
from tgtagger.store.times import moment
from tgtagger.store.values import INTEGER, RowCheck

DAY_BITS = 86_400 << MESSAGE_BITS
"""Inner ids of one day."""

LOOKED_AT = 2000
"""Posts of a tag that are looked at for related tags: the newest."""

_DAY = RowCheck(INTEGER, INTEGER)
_DETAILS = RowCheck("tags.name", "tags.description", "tags.added_at", INTEGER, INTEGER)
_ALIAS = RowCheck("tag_aliases.name")
_RISING = RowCheck("tags.name", INTEGER, INTEGER)
_RELATED = RowCheck("tags.name", INTEGER)

DETAILS = (
    "SELECT name, description, added_at, (SELECT count(*) FROM post_tags WHERE tag_id = ?1), "
    "EXISTS (SELECT 1 FROM barred_tags WHERE tag_id = ?1) FROM tags WHERE id = ?1"
)
BY_DAY = f"SELECT id / {DAY_BITS}, count(*) FROM posts GROUP BY 1 ORDER BY 1"
TAG_BY_DAY = (
    f"SELECT post_id / {DAY_BITS}, count(*) FROM post_tags WHERE tag_id = ? GROUP BY 1 ORDER BY 1"
)
# The plus: by the links' own order, only those of the last days, not by the index of all tags.
RISING = (
    "SELECT t.name, n.late, n.early FROM (SELECT tag_id, sum(post_id >= ?2) AS late, "
    "sum(post_id < ?2) AS early FROM post_tags WHERE post_id >= ?1 GROUP BY +tag_id) AS n "
    "JOIN tags AS t ON t.id = n.tag_id WHERE n.late > n.early AND n.late > 2"
)
RELATED = (
    "SELECT t.name, n.posts FROM (SELECT l.tag_id, count(*) AS posts FROM "
    f"(SELECT post_id FROM post_tags WHERE tag_id = ?1 ORDER BY post_id DESC LIMIT {LOOKED_AT}) "
    "AS s CROSS JOIN post_tags AS l ON l.post_id = s.post_id WHERE l.tag_id <> ?1 GROUP BY 1) AS n "
    "JOIN tags AS t ON t.id = n.tag_id ORDER BY n.posts DESC, t.name LIMIT ?2"
)


class Statistics(Part):
    """Counts over time."""

    def tag(self, name: str) -> TagDetails:
        """Return one tag by its name or an alias. Raises InputError for an unknown one."""
        with self._database.read() as db:
            tag = tag_id(db, name)
            shown, description, added, posts, blocked = _DETAILS(
                db.execute(DETAILS, (tag,)).fetchone()
            )
            aliases = db.execute(
                "SELECT name FROM tag_aliases WHERE tag_id = ? ORDER BY key", (tag,)
            )
            names = tuple(alias for (alias,) in map(_ALIAS, aliases))
            return TagDetails(shown, posts, names, description, moment(added), bool(blocked))

    def posts_by_day(self) -> tuple[DayCount, ...]:
        """Return how many posts each day has, the oldest day first; days without are left out."""
        with self._database.read() as db:
            return _days(db, BY_DAY)

    def tag_by_day(self, name: str) -> tuple[DayCount, ...]:
        """Return how many posts of each day have a tag. Raises InputError for an unknown one."""
        with self._database.read() as db:
            return _days(db, TAG_BY_DAY, tag_id(db, name))

    def rising(self, days: int, most: int) -> tuple[RisingTag, ...]:
        """Return the tags that rise: in the last days against as many before, the clearest first.

        The last days end with the newest post, so that an old archive has some, too.
        """
        with self._database.read() as db:
            (newest,) = db.execute("SELECT max(id) FROM posts").fetchone()
            if newest is None:
                return ()
            bounds = (newest - 2 * days * DAY_BITS, newest - days * DAY_BITS)
            found = [RisingTag(*row) for row in map(_RISING, db.execute(RISING, bounds))]
        # How many standard deviations two counts lie apart, if chance alone made them differ.
        found.sort(
            key=lambda tag: (-(tag.late - tag.early) / (tag.late + tag.early) ** 0.5, tag.name)
        )
        return tuple(found[:most])

    def related(self, name: str, most: int) -> tuple[GroupCount, ...]:
        """Return the tags that a tag's newest posts have, too, with how many of them."""
        with self._database.read() as db:
            rows = db.execute(RELATED, (tag_id(db, name), most))
            return tuple(GroupCount(*row) for row in map(_RELATED, rows))


def _days(db: Connection, sql: str, *values: object) -> tuple[DayCount, ...]:
    return tuple(_day(row) for row in map(_DAY, db.execute(sql, values)) if row[0] > 0)


def _day(row: Sequence[int]) -> DayCount:
    number, posts = row
    return DayCount(dt.date(1970, 1, 1) + dt.timedelta(days=number), posts)
