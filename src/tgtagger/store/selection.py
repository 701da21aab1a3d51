"""The posts that a filter picks, fixed in one snapshot and read in several orders.

An export into a folder needs this: its pages by channel, by tag and by day must agree while another
run writes, and a million posts do not fit into memory. So the selection is two temporary tables
(SQLite keeps them on disk): each post with its day and its number within its channel, and each tag
with its posts. Knows no output format.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, Literal

from sqlalchemy.engine import Connection

from tgtagger.model.archive import GroupCount, ListedPost, Post
from tgtagger.model.posts import Channel, PostFilter
from tgtagger.model.tagging import PostId
from tgtagger.model.times import day_of
from tgtagger.store import records
from tgtagger.store.channels import as_channel
from tgtagger.store.database import Database
from tgtagger.store.query import query_for
from tgtagger.store.sqlite.connections import driver
from tgtagger.store.times import from_text, moment
from tgtagger.store.values import INTEGER, TEXT, RowCheck, or_null

Explained = Callable[[], contextlib.AbstractContextManager[None]]
Group = Literal["tag", "day"]
Order = Literal["use", "name"]

_BEGINNING = 300  # letters of a text in which a list looks for its first line
_ENTRY = f"""p.channel_id, p.message_id, s.number, p.date,
 substr(coalesce(nullif(p.text, ''), nullif(p.media_text, ''),
     json_extract(p.media, '$[0].type'), ''), 1, {_BEGINNING})"""


class Selection:
    """The selected posts. Usable while the store's `select` is open.

    An error while it reads is raised as a failure of the database; an error of the calling code is
    raised as it is.
    """

    def __init__(self, db: Connection, wanted: PostFilter, explained: Explained) -> None:
        self._db = db
        self._explained = explained
        query = query_for(db, wanted)
        driver(db).create_function("day_of", 1, _day_of, deterministic=True)
        self.close()
        db.execute(
            "CREATE TEMP TABLE chosen "
            "(id INTEGER PRIMARY KEY, channel_id INTEGER, number INTEGER, day TEXT)"
        )
        picked = query.sql("p.id AS id, p.channel_id AS channel_id, p.date AS date",
                           limit=wanted.limit)  # fmt: skip
        db.execute(
            "INSERT INTO temp.chosen (id, channel_id, number, day) "
            "SELECT id, channel_id, row_number() OVER "
            f"(PARTITION BY channel_id ORDER BY id), day_of(date) FROM ({picked})",
            query.values,
        )
        db.execute("CREATE INDEX temp.ix_chosen_channel ON chosen (channel_id, id)")
        db.execute("CREATE INDEX temp.ix_chosen_day ON chosen (day, id)")
        db.execute(
            "CREATE TEMP TABLE chosen_tags "
            "(tag_id INTEGER, id INTEGER, PRIMARY KEY (tag_id, id)) WITHOUT ROWID"
        )
        db.execute(
            "INSERT INTO temp.chosen_tags (tag_id, id) SELECT l.tag_id, s.id FROM chosen AS s "
            "CROSS JOIN post_tags AS l ON l.post_id = s.id ORDER BY 1, 2"
        )
        (self.count,) = db.execute("SELECT count(*) FROM chosen").fetchone()

    def close(self) -> None:
        """Drop the temporary tables."""
        # After damage, or an error within a query, the tables stay until the connection
        # closes.
        with contextlib.suppress(sqlite3.DatabaseError):
            for table in ("chosen", "chosen_tags"):
                self._db.execute(f"DROP TABLE IF EXISTS temp.{table}")

    def channels(self) -> tuple[tuple[Channel, int], ...]:
        """Return (channel, posts selected), the most posts first."""
        with self._explained():
            rows = self._db.execute(
                "SELECT c.id, c.title, c.username, c.kind, s.posts FROM "
                "(SELECT channel_id, count(*) AS posts FROM chosen GROUP BY 1) AS s "
                "JOIN channels AS c ON c.id = s.channel_id ORDER BY 5 DESC, c.title, c.id"
            )
            return tuple((as_channel(row), count) for *row, count in rows)

    def groups(self, by: Group, order: Order = "use") -> Iterator[GroupCount]:
        """Yield the tags, the most used first or by name, or the days, the newest first."""
        return (group for _, group in self._groups(by, order))

    def outline(self, by: Group) -> Iterator[tuple[GroupCount, Iterator[ListedPost]]]:
        """Yield each tag, or each day, with its posts, the newest first.

        A day is None for posts without a date.
        """
        chosen = {
            "tag": "chosen_tags AS g CROSS JOIN chosen AS s ON s.id = g.id "
            "CROSS JOIN posts AS p ON p.id = g.id WHERE g.tag_id = ? ORDER BY g.id DESC",
            "day": "chosen AS s CROSS JOIN posts AS p ON p.id = s.id WHERE s.day IS ? "
            "ORDER BY s.id DESC",
        }[by]
        for key, group in self._groups(by, "use"):
            yield group, map(_entry, self._rows(f"SELECT {_ENTRY} FROM {chosen}", _OUTLINED, key))

    def tags(self) -> Iterator[tuple[GroupCount, list[GroupCount], Iterator[ListedPost]]]:
        """Yield each tag with its related tags, and its posts with theirs, the newest first.

        Related are the tags that most of its posts have, too.
        """
        for key, group in self._groups("tag", "use"):
            rows = self._rows(_RELATED, _TAG, key, key)
            related = [GroupCount(name, count) for _, name, count in rows]
            yield group, related, map(_entry, self._rows(_TAGGED, _LISTED, key))

    def entry(self, post: PostId) -> ListedPost | None:
        """Return a post as a list shows it; None if it is not selected."""
        rows = self._rows(
            f"SELECT {_ENTRY} FROM posts AS p CROSS JOIN chosen AS s ON s.id = p.id "
            "WHERE p.channel_id = ? AND p.message_id = ?",
            _OUTLINED,
            post.channel_id,
            post.message_id,
        )
        return next(map(_entry, rows), None)

    def posts(self, channel_id: int | None = None, *, limit: int = -1) -> Iterator[Post]:
        """Yield the posts of one channel, or of all, the newest first."""
        where = "" if channel_id is None else "WHERE s.channel_id = ?"
        sql = (
            f"SELECT {records.RECORD}, p.channel_id "
            "FROM chosen AS s CROSS JOIN posts AS p ON p.id = s.id "
            f"JOIN channels AS c ON c.id = p.channel_id {where} ORDER BY s.id DESC LIMIT ?"
        )
        with self._explained():
            for record, owner in self._db.execute(
                sql, (limit,) if channel_id is None else (channel_id, limit)
            ):
                yield records.read_post(record, owner)

    def _groups(self, by: Group, order: Order) -> Iterator[tuple[object, GroupCount]]:
        by_name = "t.key" if order == "name" else "3 DESC, 2"
        rows = self._rows(*((_TAGS + by_name, _TAG) if by == "tag" else (_DAYS, _DAY)))
        return ((key, GroupCount(name, count)) for key, name, count in rows)

    def _rows(self, sql: str, check: RowCheck, *values: object) -> Iterator[tuple[Any, ...]]:
        with self._explained():
            yield from map(check, self._db.execute(sql, values))


@contextlib.contextmanager
def select(database: Database, wanted: PostFilter) -> Iterator[Selection]:
    """Fix the posts of a filter, to read them several times in one snapshot."""
    with database.snapshot() as db:
        explained = functools.partial(database.explained, db)
        with explained():
            selection = Selection(db, wanted, explained)
        try:
            yield selection
        finally:
            selection.close()


_TAGS = (
    "SELECT t.id, t.name, g.posts FROM (SELECT tag_id, count(*) AS posts FROM chosen_tags "
    "GROUP BY 1) AS g JOIN tags AS t ON t.id = g.tag_id ORDER BY "
)
_MOST_RELATED = 12
_RELATED = f"""SELECT t.id, t.name, g.posts FROM
 (SELECT l.tag_id, count(*) AS posts FROM chosen_tags AS s CROSS JOIN post_tags AS l
  ON l.post_id = s.id WHERE s.tag_id = ? AND l.tag_id <> ? GROUP BY 1) AS g
 JOIN tags AS t ON t.id = g.tag_id ORDER BY 3 DESC, 2 LIMIT {_MOST_RELATED}"""
_TAGGED = f"""SELECT {_ENTRY}, {records.TAGS} FROM chosen_tags AS g
 CROSS JOIN chosen AS s ON s.id = g.id CROSS JOIN posts AS p ON p.id = g.id
 WHERE g.tag_id = ? ORDER BY g.id DESC"""
_DAYS = "SELECT day, day, count(*) FROM chosen GROUP BY 1 ORDER BY 1 DESC"


_TAG = RowCheck("tags.id", "tags.name", INTEGER)
_DAY = RowCheck(or_null(TEXT), or_null(TEXT), INTEGER)
_OUTLINED = RowCheck("posts.channel_id", "posts.message_id", INTEGER, "posts.date", TEXT)
_LISTED = RowCheck("posts.channel_id", "posts.message_id", INTEGER, "posts.date", TEXT, TEXT)


def _entry(row: tuple[Any, ...]) -> ListedPost:
    channel, message, number, date, beginning, *tags = row
    names = tuple(json.loads(tags[0])) if tags else ()
    return ListedPost(PostId(channel, message), number, from_text(date), beginning, names)


def _day_of(date: str | None) -> str | None:
    return None if date is None else day_of(moment(date))
