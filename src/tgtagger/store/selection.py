"""The posts that a filter picks, fixed in one snapshot and read in several orders.

An export into a folder needs this: its pages by channel, by tag and by day must agree while another
run writes, and a million posts do not fit into memory. So the selection is two temporary tables
(SQLite keeps them on disk): each post with its day and its number within its channel, and each tag
with its posts. Knows no output format.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import Any, Literal, NamedTuple, TypeVar

import orjson

from tgtagger.model.counts import GroupCount
from tgtagger.model.events import EVERY, OnSteps, unheard
from tgtagger.model.posts import Channel, PostFilter
from tgtagger.model.stored import ListedPost, Post
from tgtagger.model.tagging import PostId
from tgtagger.model.times import day_of
from tgtagger.store import records
from tgtagger.store.channels import as_channel
from tgtagger.store.checks import RowCheck, WrongValueError
from tgtagger.store.database import Database
from tgtagger.store.query import query_for
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.times import from_text, moment
from tgtagger.store.values import INTEGER, LARGEST, TEXT, or_null

T = TypeVar("T")

Explained = Callable[[], contextlib.AbstractContextManager[None]]
Group = Literal["tag", "day"]
Order = Literal["use", "name"]

_BEGINNING = 300  # letters of a text in which a list looks for its first line
_ENTRY = f"""p.channel_id, p.message_id, s.number, p.date,
 substr(coalesce(nullif(p.text, ''), nullif(p.media_text, ''),
     text_of(p.media, 0, type), ''), 1, {_BEGINNING})"""


_CHOSEN = Statement(
    "CREATE TEMP TABLE chosen (id primary_key(), channel_id BIGINT, number BIGINT, day TEXT)"
)
_NUMBERED = (
    "SELECT id, channel_id, row_number() OVER (PARTITION BY channel_id ORDER BY id), date "
    "FROM ({}) AS picked"
)
_CHOSEN_AT_A_TIME = 5000
_CHOOSE = Statement(
    "INSERT INTO chosen (id, channel_id, number, day) VALUES (:id, :channel, :number, :day)"
)
_BY_CHANNEL = Statement("CREATE INDEX ix_chosen_channel ON chosen (channel_id, id)")
_BY_DAY = Statement("CREATE INDEX ix_chosen_day ON chosen (day, id)")
_CHOSEN_TAGS = Statement(
    "CREATE TEMP TABLE chosen_tags (tag_id BIGINT, id BIGINT, PRIMARY KEY (tag_id, id)) by_key()"
)
_CHOOSE_TAGS = Statement(
    "INSERT INTO chosen_tags (tag_id, id) SELECT l.tag_id, s.id FROM chosen AS s "
    "CROSS JOIN post_tags AS l ON l.post_id = s.id ORDER BY 1, 2"
)
_COUNT = Statement("SELECT count(*) FROM chosen")
_COUNT_LINKS = Statement("SELECT count(*) FROM chosen_tags")
_DROP = [Statement(f"DROP TABLE IF EXISTS {name}") for name in ("chosen", "chosen_tags")]
_CHANNELS = Statement(
    "SELECT c.id, c.title, c.username, c.kind, s.posts FROM "
    "(SELECT channel_id, count(*) AS posts FROM chosen GROUP BY 1) AS s "
    "JOIN channels AS c ON c.id = s.channel_id ORDER BY 5 DESC, c.title, c.id"
)
_OUTLINE_OF_TAG = Statement(
    f"SELECT {_ENTRY} FROM chosen_tags AS g CROSS JOIN chosen AS s ON s.id = g.id "
    "CROSS JOIN posts AS p ON p.id = g.id WHERE g.tag_id = :key ORDER BY g.id DESC"
)
_OUTLINE_OF_DAY = Statement(
    f"SELECT {_ENTRY} FROM chosen AS s CROSS JOIN posts AS p ON p.id = s.id "
    "WHERE s.day = :key ORDER BY s.id DESC"
)
_OUTLINE_OF_NO_DAY = Statement(
    f"SELECT {_ENTRY} FROM chosen AS s CROSS JOIN posts AS p ON p.id = s.id "
    "WHERE s.day IS NULL ORDER BY s.id DESC"
)
_ENTRY_OF = Statement(
    f"SELECT {_ENTRY} FROM posts AS p CROSS JOIN chosen AS s ON s.id = p.id "
    "WHERE p.channel_id = :channel AND p.message_id = :message"
)
_READ = (
    f"SELECT {records.POST} FROM chosen AS s CROSS JOIN posts AS p ON p.id = s.id "
    "JOIN channels AS c ON c.id = p.channel_id"
)
_POSTS = Statement(f"{_READ} ORDER BY s.id DESC LIMIT :most")
_POSTS_OF = Statement(f"{_READ} WHERE s.channel_id = :channel ORDER BY s.id DESC LIMIT :most")
_TAGS_CHOSEN = (
    "SELECT t.id, t.name, g.posts FROM (SELECT tag_id, count(*) AS posts FROM chosen_tags "
    "GROUP BY 1) AS g JOIN tags AS t ON t.id = g.tag_id ORDER BY "
)
_TAGS = {"use": Statement(f"{_TAGS_CHOSEN} 3 DESC, 2"), "name": Statement(f"{_TAGS_CHOSEN} t.key")}
_DAYS = Statement("SELECT day, day, count(*) FROM chosen GROUP BY 1 ORDER BY 1 DESC NULLS LAST")
# The first columns are what a list or a search shows of a post.
_TRACED = Statement(
    "SELECT s.id, s.channel_id, s.number, s.day, p.message_id, p.date, p.text, p.media_text, "
    "p.media, p.size, p.edited, p.deleted, p.markdown, p.status, p.views, p.forwards, p.reactions, "
    "p.forward, p.author, p.source, p.reply_to, CASE WHEN p.reply_to IS NULL THEN NULL ELSE "
    "(SELECT as_text(list_of(n.number, r.date, r.text, r.media_text, r.media)) FROM posts AS r "
    "JOIN chosen AS n ON n.id = r.id WHERE r.channel_id = p.channel_id "
    "AND r.message_id = p.reply_to) END "
    "FROM chosen AS s CROSS JOIN posts AS p ON p.id = s.id ORDER BY s.id"
)
_LINKS = Statement(
    "SELECT s.id, l.tag_id FROM chosen AS s CROSS JOIN post_tags AS l ON l.post_id = s.id "
    "ORDER BY s.id, l.position"
)
_NAMES = Statement("SELECT id, name FROM tags")
_POSTS_WITH = Statement(f"{_READ} WHERE s.id IN listed(:ids) ORDER BY s.id DESC")
_POSTS_BETWEEN = Statement(
    f"{_READ} WHERE s.channel_id = :channel AND s.number BETWEEN :low AND :high ORDER BY s.id DESC"
)
_NUMBERED_BETWEEN = Statement(
    f"SELECT s.number, s.day, {_READ.removeprefix('SELECT ')} "
    "WHERE s.id BETWEEN :low AND :high ORDER BY s.id DESC"
)
_SHOWN = 9  # columns of _TRACED that a list or a search shows
_MOST_RELATED = 12
_RELATED = Statement(
    "SELECT t.id, t.name, g.posts FROM (SELECT l.tag_id, count(*) AS posts "
    "FROM chosen_tags AS s CROSS JOIN post_tags AS l ON l.post_id = s.id "
    "WHERE s.tag_id = :tag AND l.tag_id <> :tag GROUP BY 1) AS g "
    f"JOIN tags AS t ON t.id = g.tag_id ORDER BY 3 DESC, 2 LIMIT {_MOST_RELATED}"
)
_TAGGED = Statement(
    f"SELECT {_ENTRY}, as_text({records.TAGS}) FROM chosen_tags AS g "
    "CROSS JOIN chosen AS s ON s.id = g.id CROSS JOIN posts AS p ON p.id = g.id "
    "WHERE g.tag_id = :key ORDER BY g.id DESC"
)


class Trace(NamedTuple):
    """A selected post by hashes: of what a list or a search shows of it, and of all."""

    key: int
    channel: int
    number: int
    day: str | None
    message: int
    date: str | None
    tags: tuple[str, ...]
    shown: int
    whole: int


class Selection:
    """The selected posts. Usable while the store's `select` is open.

    An error while it reads is raised as a failure of the database; an error of the calling code is
    raised as it is.
    """

    def __init__(
        self, db: Connection, wanted: PostFilter, explained: Explained, on_steps: OnSteps
    ) -> None:
        self._db = db
        self._on_steps = on_steps
        self._given = 0
        self._explained = explained
        query = query_for(db, wanted)
        self.close()
        _CHOSEN(db)
        picked = query.select(
            "p.id AS id, p.channel_id AS channel_id, p.date AS date", limit=wanted.limit
        )
        # A day is the user's own: the database may be elsewhere.
        rows = picked.within(_NUMBERED).rows(db)
        while some := list(itertools.islice(rows, _CHOSEN_AT_A_TIME)):
            _CHOOSE.many(db, [(*row, _day_of(date)) for *row, date in some])
        _BY_CHANNEL(db)
        _BY_DAY(db)
        _CHOSEN_TAGS(db)
        _CHOOSE_TAGS(db)
        (self.count,) = _COUNT(db).fetchone()
        (self._links,) = _COUNT_LINKS(db).fetchone()
        # What a new folder asks for: a post, its trace, two lists with it, and those of its tags.
        self._all = 4 * self.count + self._links

    def close(self) -> None:
        """Drop the temporary tables."""
        # After damage, or an error within a query, the tables stay until the connection
        # closes.
        with contextlib.suppress(self._db.dialect.loaded_dbapi.Error):
            for drop in _DROP:
                drop(self._db)

    def channels(self) -> tuple[tuple[Channel, int], ...]:
        """Return (channel, posts selected), the most posts first."""
        with self._explained():
            found = tuple((as_channel(row), count) for *row, count in _CHANNELS(self._db))
            if sum(count for _, count in found) != self.count:
                raise WrongValueError("posts.channel_id")
            return found

    def groups(self, by: Group, order: Order = "use") -> Iterator[GroupCount]:
        """Yield the tags, the most used first or by name, or the days, the newest first."""
        return (group for _, group in self._groups(by, order))

    def outline(self, by: Group) -> Iterator[tuple[GroupCount, Iterator[ListedPost]]]:
        """Yield each tag, or each day, with its posts, the newest first.

        A day is None for posts without a date.
        """
        for key, group in self._groups(by, "use"):
            if by == "tag":
                rows = self._rows(_OUTLINE_OF_TAG, _OUTLINED, key=key)
            elif key is None:
                rows = self._rows(_OUTLINE_OF_NO_DAY, _OUTLINED)
            else:
                rows = self._rows(_OUTLINE_OF_DAY, _OUTLINED, key=key)
            yield group, map(_entry, self._heard(self._whole(rows, group)))

    def tags(self) -> Iterator[tuple[GroupCount, Iterator[GroupCount], Iterator[ListedPost]]]:
        """Yield each tag with its related tags, and its posts with theirs, the newest first.

        Related are the tags that most of its posts have, too.
        """
        for key, group in self._groups("tag", "use"):
            related = (
                GroupCount(name, count) for _, name, count in self._rows(_RELATED, _TAG, tag=key)
            )
            rows = self._whole(self._rows(_TAGGED, _LISTED, key=key), group)
            yield group, related, map(_entry, self._heard(rows))

    def entry(self, post: PostId) -> ListedPost | None:
        """Return a post as a list shows it; None if it is not selected."""
        rows = self._rows(_ENTRY_OF, _OUTLINED, channel=post.channel_id, message=post.message_id)
        return next(map(_entry, rows), None)

    def posts(self, channel_id: int | None = None, *, limit: int | None = None) -> Iterator[Post]:
        """Yield the posts of one channel, or of all, the newest first."""
        most = LARGEST if limit is None else limit
        with self._explained():
            rows = (
                _POSTS.rows(self._db, most=most)
                if channel_id is None
                else _POSTS_OF.rows(self._db, channel=channel_id, most=most)
            )
            yield from map(records.post_of, self._heard(rows))

    def traces(self) -> Iterator[Trace]:
        """Yield the posts by hashes, the oldest first: equal ones hold the same, also elsewhere."""
        with self._explained():
            names = dict(map(_NAME, _NAMES(self._db)))
            each_link = _all_of(_LINKS.rows(self._db), self._links, "post_tags.post_id")
            links = itertools.groupby(each_link, itemgetter(0))
            post, of_post = next(links, (None, None))
            for row in self._heard(_all_of(_TRACED.rows(self._db), self.count, "posts.id")):
                tags: tuple[str, ...] = ()
                if post == row[0] and of_post is not None:
                    try:
                        tags = tuple(names[tag] for _, tag in of_post)
                    except KeyError:
                        raise WrongValueError("post_tags.tag_id") from None
                    post, of_post = next(links, (None, None))
                key, channel, number, day, message, date = row[:6]
                shown = _hash((*row[1:2], *row[3:_SHOWN], tags))
                whole = _hash((shown, number, *row[_SHOWN:]))
                yield Trace(key, channel, number, day, message, date, tags, shown, whole)
            if of_post is not None:
                raise WrongValueError("post_tags.post_id")

    def posts_with(self, keys: Sequence[int]) -> Iterator[Post]:
        """Yield posts by the keys of their traces, each key once, the newest first."""
        rows = _POSTS_WITH.rows(self._db, ids=json.dumps(list(keys)))
        with self._explained():
            found = _all_of(self._heard(rows), len(keys), "posts.id")
            yield from map(records.post_of, found)

    def posts_between(self, channel_id: int, low: int, high: int) -> Iterator[Post]:
        """Yield the posts of a channel with these numbers, the newest first."""
        rows = _POSTS_BETWEEN.rows(self._db, channel=channel_id, low=low, high=high)
        with self._explained():
            found = _all_of(self._heard(rows), high - low + 1, "posts.id")
            yield from map(records.post_of, found)

    def numbered_between(self, low: int, high: int) -> Iterator[tuple[int, str | None, Post]]:
        """Yield posts by their keys with their numbers and days, the newest first."""
        with self._explained():
            rows = _NUMBERED_BETWEEN.rows(self._db, low=low, high=high)
            for number, day, *row in self._heard(rows):
                yield number, day, records.post_of(row)

    def _heard(self, rows: Iterable[T]) -> Iterator[T]:
        """Yield rows of posts, and tell how far all that is asked for has come."""
        for row in rows:
            yield row
            self._given += 1
            if self._given % EVERY == 0:
                self._on_steps(min(self._given, self._all), self._all)

    def _whole(self, rows: Iterable[T], group: GroupCount) -> Iterator[T]:
        """Yield the rows of the posts of a group, which must be as many as were counted."""
        with self._explained():
            yield from _all_of(rows, group.posts, "posts.id")

    def _groups(self, by: Group, order: Order) -> Iterator[tuple[object, GroupCount]]:
        rows = self._rows(_TAGS[order], _TAG) if by == "tag" else self._rows(_DAYS, _DAY)
        return ((key, GroupCount(name, count)) for key, name, count in rows)

    def _rows(
        self, statement: Statement, check: RowCheck, **values: object
    ) -> Iterator[tuple[Any, ...]]:
        with self._explained():
            yield from map(check, statement.rows(self._db, **values))


@contextlib.contextmanager
def select(
    database: Database, wanted: PostFilter, on_steps: OnSteps = unheard
) -> Iterator[Selection]:
    """Fix the posts of a filter, to read them several times in one snapshot."""
    with database.snapshot() as db:
        explained = functools.partial(database.opened.explained, db)
        with explained():
            selection = Selection(db, wanted, explained, on_steps)
        try:
            yield selection
        finally:
            selection.close()


def _all_of(rows: Iterable[T], count: int, column: str) -> Iterator[T]:
    """Yield rows that must be so many: in a damaged file, what an index lists may be gone."""
    left = count
    for row in rows:
        left -= 1
        yield row
    if left:
        raise WrongValueError(column)


def _hash(values: Sequence[object]) -> int:
    try:
        data = orjson.dumps(values)
    except TypeError:
        raise WrongValueError("a post") from None
    return int.from_bytes(blake2b(data, digest_size=8).digest())


_NAME = RowCheck("tags.id", "tags.name")
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
