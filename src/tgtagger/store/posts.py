"""Store a page of posts: one transaction, one SAVEPOINT, and post by post when the page fails.

A page is stored at the price of a bulk insert. Only if it fails (a value that no database holds, a
broken constraint) it is rolled back and stored again with a SAVEPOINT per post; a post that still
fails is rejected with the reason. `decide` says what changes in a post that is stored already.

Works on the driver's connection inside SQLAlchemy's transaction: through SQLAlchemy a SAVEPOINT
per post costs six times as much (docs/performance.md). Knows no queries of readers.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tgtagger import decide
from tgtagger.model import ranges
from tgtagger.model.choices import SourceName
from tgtagger.model.posts import Page, PageStored, PostData, Rejected, StoredRawRecord
from tgtagger.store import albums, channels, progress
from tgtagger.store.database import BAD_VALUE, Part, savepoint
from tgtagger.store.lookup import post_id
from tgtagger.store.post_rows import NAMES, PostRow, order_key, row
from tgtagger.store.sqlite import fulltext
from tgtagger.store.sqlite.errors import is_fatal
from tgtagger.store.times import now, to_text_or_none
from tgtagger.store.values import RowCheck

BATCH = 500
"""Raw records read at a time: bounds memory, and how long a snapshot lasts."""

_INSERT = (
    f"INSERT INTO posts (id, channel_id, message_id, {', '.join(NAMES)}, added_at) "
    f"VALUES (?, ?, ?, {', '.join('?' * len(NAMES))}, ?)"
)
_RAW = "INSERT OR REPLACE INTO raw_forms (post_id, source, converter, data) VALUES (?, ?, ?, ?)"
_STORED = (*NAMES, "deleted", "status", "id", "message_id")
_ID = _STORED.index("id")
_TEXT, _MEDIA_TEXT = NAMES.index("text"), NAMES.index("media_text")
_SOURCE = _STORED.index("source")
_STORED_SOURCE = RowCheck("posts.source")
"""The one stored value that a rule looks up; a newer state of the post replaces the others."""
_RAW_RECORD = RowCheck(
    "channels.id", "channels.title", "channels.username", "channels.kind", "raw_forms.data"
)
_SEEN = RowCheck("posts.id", "posts.message_id", "posts.source")
_SELECT = f"SELECT {', '.join(_STORED)} FROM posts WHERE "


@dataclass(slots=True)
class PreparedPost:
    """A post with the values of its row and the key that it gets if it is new."""

    post: PostData
    row: PostRow
    key: int


@dataclass(slots=True)
class PageTally:
    """How many posts of a page were new, changed or rejected so far."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)


class Posts(Part):
    """Stores posts, and gives their raw records back to newer converters."""

    def save_page(self, page: Page) -> PageStored:
        """Store a page: posts, service messages, rejections, deletions, read progress.

        A bad post is rejected with the reason; the other posts are stored. Raises StoreError when
        the database itself fails; then nothing of the page is stored.
        """
        with self._database.write() as db:
            at = now()
            channels.keep(db, page.channel, at, parsed=True, knows_name=page.source == "telegram")
            tally = PageTally(rejected=list(page.rejected))
            prepared = list(_prepare(db, page, tally))
            try:
                with savepoint(db, "page"):
                    done = PageTally()
                    _save_posts(db, page, prepared, done, at)
            except BAD_VALUE as error:
                if is_fatal(error):
                    raise
                done = _save_one_by_one(db, page, prepared, at)
            tally.rejected += done.rejected
            tally.rejected += _save_service(db, page)
            _remember_rejected(db, page, tally.rejected, at)
            deleted = _mark_deleted(db, page, at)
            progress.save(db, page)
            read = page.progress
            return PageStored(
                page.channel,
                page.source,
                done.new,
                done.updated,
                done.unchanged,
                deleted,
                len(page.service),
                tuple(tally.rejected),
                None if read is None else ranges.size(ranges.above(read.backfill, read.floor)),
            )

    def raw_records(self, source: SourceName, *, older_than: int) -> Iterator[StoredRawRecord]:
        """Yield the raw records that a converter of an older version than this one read.

        Each batch is its own snapshot, so that pages can be saved in between.
        """
        last = -1
        while True:
            with self._database.read() as db:
                rows = db.execute(
                    "SELECT r.post_id, c.id, c.title, c.username, c.kind, r.data "
                    "FROM raw_forms AS r JOIN posts AS p ON p.id = r.post_id "
                    "JOIN channels AS c ON c.id = p.channel_id "
                    "WHERE r.post_id > ? AND r.source = ? AND r.converter < ? "
                    "ORDER BY r.post_id LIMIT ?",
                    (last, source, older_than, BATCH),
                ).fetchall()
                found = [
                    StoredRawRecord(channels.as_channel(channel), source, data)
                    for *channel, data in map(_RAW_RECORD, (row[1:] for row in rows))
                ]
            if not rows:
                return
            last = rows[-1][0]
            yield from found

    def raw_record_of(self, name: str, source: SourceName) -> StoredRawRecord | None:
        """Return a source's own record of a post; None: the source has given none.

        Raises InputError for an unknown post.
        """
        with self._database.read() as db:
            row = db.execute(
                "SELECT c.id, c.title, c.username, c.kind, r.data FROM raw_forms AS r "
                "JOIN posts AS p ON p.id = r.post_id JOIN channels AS c ON c.id = p.channel_id "
                "WHERE r.post_id = ? AND r.source = ?",
                (post_id(db, name), source),
            ).fetchone()
            if row is None:
                return None
            *channel, data = _RAW_RECORD(row)
            return StoredRawRecord(channels.as_channel(channel), source, data)


def _prepare(db: sqlite3.Connection, page: Page, tally: PageTally) -> Iterable[PreparedPost]:
    prepared: dict[int, PreparedPost] = {}
    previous = None
    for post in page.posts:
        try:
            values = row(post, page.source)
            if post.date is None and previous is None:
                previous = _newest_key(db, page.channel.id)
            previous = order_key(post.date, post.ids[0], fallback=previous or 0)
        except BAD_VALUE as error:
            tally.rejected.append(Rejected(post.ids[0], _reason(error)))
            continue
        # A source gives a post once a page; if it comes twice, the last one counts.
        prepared[post.ids[0]] = PreparedPost(post, values, previous)
    return prepared.values()


def _newest_key(db: sqlite3.Connection, channel_id: int) -> int:
    found = db.execute(
        "SELECT id FROM posts WHERE channel_id = ? ORDER BY message_id DESC LIMIT 1", (channel_id,)
    ).fetchone()
    return int(found[0]) if found else 0


def _save_posts(
    db: sqlite3.Connection, page: Page, prepared: Sequence[PreparedPost], tally: PageTally, now: str
) -> None:
    if not prepared:
        return
    channel_id = page.channel.id
    stored = _stored(db, channel_id, [number for item in prepared for number in item.post.ids])
    grouping = albums.regroup(
        db,
        channel_id,
        [(item.post.ids, page.source) for item in prepared],
        {number: values[_ID] for number, values in stored.items()},
    )
    if grouping is not None:
        prepared = [item for item in prepared if item.post.ids[0] not in grouping.ignored]
        tally.unchanged += len(grouping.ignored)
        stored = {
            number: stored[number]
            if number in stored and stored[number][_ID] == post_id
            else _by_id(db, post_id)
            for number, post_id in grouping.owner.items()
        }
    new: list[PreparedPost] = []
    for item in prepared:
        old = stored.get(item.post.ids[0])
        if old is None:
            new.append(item)
        elif old[: len(NAMES)] == item.row and old[len(NAMES)] is None:
            tally.unchanged += 1
        else:
            _STORED_SOURCE((old[_SOURCE],))
            _update(db, page, item, dict(zip(_STORED, old, strict=True)), tally, now)
    if page.reconverted:
        db.executemany(
            "UPDATE raw_forms SET converter = ? WHERE post_id = ? AND source = ?",
            [
                (item.post.raw.converter, stored[item.post.ids[0]][_ID], page.source)
                for item in prepared
                if item.post.raw is not None and item.post.ids[0] in stored
            ],
        )
    if new:
        _insert(db, page, new, now)
        tally.new += len(new)


def _stored(db: sqlite3.Connection, channel_id: int, ids: list[int]) -> dict[int, PostRow]:
    low, high = min(ids), max(ids)
    if high - low < 10 * len(ids):
        found = db.execute(
            _SELECT + "channel_id = ? AND message_id BETWEEN ? AND ?", (channel_id, low, high)
        )  # one range is cheaper than a thousand lookups
    else:
        found = db.execute(
            _SELECT + "channel_id = ? AND message_id IN (SELECT value FROM json_each(?))",
            (channel_id, json.dumps(ids)),
        )
    return {values[-1]: values for values in found}


def _by_id(db: sqlite3.Connection, post_id: int) -> PostRow:
    found: PostRow = db.execute(_SELECT + "id = ?", (post_id,)).fetchone()
    return found


def _insert(db: sqlite3.Connection, page: Page, new: Sequence[PreparedPost], now: str) -> None:
    channel_id = page.channel.id
    db.executemany(
        _INSERT,
        [(item.key, channel_id, item.post.ids[0], *item.row, now) for item in new],
    )
    for item in new:
        if len(item.post.ids) > 1:
            albums.add_members(db, channel_id, item.post.ids, item.key)
    raw = [
        (item.key, page.source, item.post.raw.converter, item.post.raw.data)
        for item in new
        if item.post.raw is not None
    ]
    if raw:
        db.executemany(_RAW, raw)
    fulltext.insert(db, [(item.key, item.row[_TEXT], item.row[_MEDIA_TEXT]) for item in new])


def _update(
    db: sqlite3.Connection,
    page: Page,
    item: PreparedPost,
    old: dict[str, Any],
    tally: PageTally,
    now: str,
) -> None:
    new = dict(zip(NAMES, item.row, strict=True))
    changes = decide.merge_post(old, new, seen=not page.reconverted, is_part=item.post.is_part)
    if not changes:
        tally.unchanged += 1
        return
    if "text" in changes or "media_text" in changes:
        after = old | changes
        fulltext.replace(
            db, old["id"], (old["text"], old["media_text"]), (after["text"], after["media_text"])
        )
    db.execute(
        f"UPDATE posts SET {', '.join(f'{name} = ?' for name in changes)}, changed_at = ? "
        "WHERE id = ?",
        (*changes.values(), now, old["id"]),
    )
    if item.post.raw is not None:
        raw = item.post.raw
        db.execute(_RAW, (old["id"], new["source"], raw.converter, raw.data))
    tally.updated += 1


def _save_one_by_one(
    db: sqlite3.Connection, page: Page, prepared: Sequence[PreparedPost], now: str
) -> PageTally:
    tally = PageTally()
    for item in prepared:
        try:
            with savepoint(db, "post"):
                item.key = _free_key(db, page.channel.id, item)
                one = PageTally()
                _save_posts(db, page, [item], one, now)
        except BAD_VALUE as error:
            if is_fatal(error) or _is_of_damage(db, error):
                raise
            tally.rejected.append(Rejected(item.post.ids[0], _reason(error)))
            continue
        tally.new += one.new
        tally.updated += one.updated
        tally.unchanged += one.unchanged
    return tally


def _is_of_damage(db: sqlite3.Connection, error: BaseException) -> bool:
    """Tell whether the error says that a free key is taken: the table and its index differ."""
    if "UNIQUE constraint failed: posts." not in str(error):
        return False
    (found,) = db.execute("PRAGMA integrity_check('posts')").fetchone()
    return bool(found != "ok")


def _free_key(db: sqlite3.Connection, channel_id: int, item: PreparedPost) -> int:
    """Return the post's key, or the next one that is free."""
    taken = db.execute(
        "SELECT id FROM posts WHERE id >= ? AND NOT (channel_id = ? AND message_id = ?) "
        "ORDER BY id",
        (item.key, channel_id, item.post.ids[0]),
    )
    return next(
        key
        for key, used in itertools.zip_longest(itertools.count(item.key), (i for (i,) in taken))
        if key != used
    )


def _reason(error: BaseException) -> str:
    """Return why a post cannot be stored, without a word of its text."""
    match error:
        case UnicodeError():
            return "its text is not valid Unicode"
        case OverflowError():
            return "a number in it is too large"
        case sqlite3.IntegrityError():
            return f"it breaks a rule of the database: {error}"
        case _:
            return f"a value in it cannot be stored ({type(error).__name__})"


def _save_service(db: sqlite3.Connection, page: Page) -> list[Rejected]:
    rejected = []
    for message in page.service:
        raw = message.raw
        try:
            with savepoint(db, "service"):
                db.execute(
                    "INSERT OR REPLACE INTO service_messages "
                    "(channel_id, message_id, date, action, source, converter, data) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        page.channel.id,
                        message.message_id,
                        to_text_or_none(message.date),
                        message.action,
                        page.source,
                        raw and raw.converter,
                        raw and raw.data,
                    ),
                )
        except BAD_VALUE as error:
            if is_fatal(error):
                raise
            rejected.append(Rejected(message.message_id, _reason(error)))
    return rejected


def _remember_rejected(
    db: sqlite3.Connection, page: Page, rejected: Sequence[Rejected], now: str
) -> None:
    known = db.execute(
        "SELECT message_id FROM rejected_posts WHERE channel_id = ?", (page.channel.id,)
    ).fetchall()
    if known:  # a message that was rejected before may be good this time
        kept = {str(number) for post in page.posts for number in post.ids}
        kept -= {str(item.id) for item in rejected}
        db.executemany(
            "DELETE FROM rejected_posts WHERE channel_id = ? AND message_id = ?",
            [(page.channel.id, name) for (name,) in known if name in kept],
        )
    db.executemany(
        "INSERT INTO rejected_posts (channel_id, message_id, source, reason, seen_at) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE "
        "SET reason = excluded.reason, seen_at = excluded.seen_at WHERE reason <> excluded.reason",
        [
            (
                page.channel.id,
                "" if item.id is None else str(item.id).encode(errors="replace").decode()[:100],
                page.source,
                item.reason,
                now,
            )
            for item in rejected
        ],
    )


def _mark_deleted(db: sqlite3.Connection, page: Page, now: str) -> int:
    """Mark the stored posts that are in the covered range but not on the page; return how many."""
    if page.covers is None:
        return 0
    present = {number for post in page.posts for number in post.ids}
    present |= {item.id for item in page.rejected if isinstance(item.id, int)}
    stored = db.execute(
        "SELECT id, message_id, source FROM posts WHERE channel_id = ? "
        "AND message_id BETWEEN ? AND ? AND deleted IS NULL",
        (page.channel.id, page.covers.low, page.covers.high),
    ).fetchall()
    gone = [
        post_id
        for post_id, number, source in map(_SEEN, stored)
        if number not in present
        and decide.may_delete(page.source, source)
        and not present.intersection(albums.members_of(db, post_id))
    ]
    db.executemany("UPDATE posts SET deleted = ? WHERE id = ?", [(now, each) for each in gone])
    return len(gone)
