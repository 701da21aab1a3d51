"""The posts that a filter picks, held still: one snapshot, read in several orders.

What an export as a folder needs: its pages by channel, by tag and by day must agree, though another
run writes meanwhile, and a million posts must not lie in memory. So the choice is a temporary table
(SQLite keeps it on disk), with each post's number within its channel. Knows no output format.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from typing import Literal

from tgtagger.outcomes import PostId
from tgtagger.store import _records
from tgtagger.store._times import from_text
from tgtagger.types import Channel, PostFilter
from tgtagger.views import Entry, GroupCount, Post

Group = Literal["tag", "day"]

_BEGINNING = 300  # letters of a text that an outline shows the first line of


class Selection:
    """What a filter picked. Usable while the store's `select` is open."""

    def __init__(self, db: sqlite3.Connection, wanted: PostFilter) -> None:
        self._db = db
        query = _records.query_for(db, wanted)
        db.execute("DROP TABLE IF EXISTS temp.chosen")
        db.execute(
            "CREATE TEMP TABLE chosen AS SELECT id, channel_id, row_number() OVER "
            "(PARTITION BY channel_id ORDER BY id) AS number FROM "
            f"({query.sql('p.id AS id, p.channel_id AS channel_id', limit=wanted.limit)})",
            query.values,
        )
        db.execute("CREATE UNIQUE INDEX temp.ix_chosen_id ON chosen (id)")
        db.execute("CREATE INDEX temp.ix_chosen_channel ON chosen (channel_id, id)")
        (self.count,) = db.execute("SELECT count(*) FROM chosen").fetchone()

    def close(self) -> None:
        self._db.execute("DROP TABLE IF EXISTS temp.chosen")

    def channels(self) -> tuple[tuple[Channel, int], ...]:
        """Return the channels with how many posts of each were picked, the most first."""
        rows = self._db.execute(
            "SELECT c.id, c.title, c.username, c.kind, count(*) FROM chosen AS s "
            "JOIN channels AS c ON c.id = s.channel_id GROUP BY c.id ORDER BY 5 DESC, c.title"
        )
        return tuple((Channel(*row), count) for *row, count in rows)

    def groups(self, by: Group) -> tuple[GroupCount, ...]:
        """Return the tags, the most used first, or the days, the newest first, with their posts."""
        group, joins, order = _GROUPS[by]
        rows = self._db.execute(
            f"SELECT {group}, count(*) FROM chosen AS s JOIN posts AS p ON p.id = s.id {joins} "
            f"GROUP BY 1 ORDER BY {order}"
        )
        return tuple(GroupCount(name, count) for name, count in rows)

    def outline(self, by: Group) -> Iterator[tuple[str | None, Iterator[Entry]]]:
        """Yield each tag, or each day, with its posts, the newest first.

        A group's posts are to be read before the next group is asked for. A day is None for posts
        without a date.
        """
        group, joins, _ = _GROUPS[by]
        rows = self._db.execute(
            f"SELECT {group} AS g, p.channel_id, p.message_id, s.number, p.date, "
            "substr(coalesce(nullif(p.text, ''), nullif(p.media_text, ''), "
            f"json_extract(p.media, '$[0].type'), ''), 1, {_BEGINNING}) "
            f"FROM chosen AS s CROSS JOIN posts AS p ON p.id = s.id {joins} ORDER BY "
            + ("l.tag_id, s.id DESC" if by == "tag" else "g DESC, s.id DESC")
        )
        for name, found in itertools.groupby(rows, key=lambda row: row[0]):
            yield (
                name,
                (
                    Entry(PostId(channel, message), number, from_text(date), beginning)
                    for _, channel, message, number, date, beginning in found
                ),
            )

    def posts(self, channel_id: int | None = None, *, limit: int = -1) -> Iterator[Post]:
        """Yield the posts of one channel, or of all, the newest first."""
        where = "" if channel_id is None else "WHERE s.channel_id = ?"
        rows = self._db.execute(
            f"SELECT {_records.RECORD} FROM chosen AS s CROSS JOIN posts AS p ON p.id = s.id "
            f"JOIN channels AS c ON c.id = p.channel_id {where} ORDER BY s.id DESC LIMIT ?",
            (limit,) if channel_id is None else (channel_id, limit),
        )
        for (record,) in rows:
            yield _records.read_post(record)


_GROUPS: dict[Group, tuple[str, str, str]] = {
    "tag": (
        "t.name",
        "JOIN post_tags AS l ON l.post_id = p.id JOIN tags AS t ON t.id = l.tag_id",
        "2 DESC, 1",
    ),
    "day": ("date(p.date, 'localtime')", "", "1 DESC"),
}
