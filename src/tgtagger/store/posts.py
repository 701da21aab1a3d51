"""Store a page of posts: one transaction, one SAVEPOINT, and post by post when the page fails.

A page is stored at the price of a bulk insert. Only if it fails (a value that no database holds, a
broken constraint) it is rolled back and stored again with a SAVEPOINT per post; a post that still
fails is rejected with the reason. `decide` says what changes in a post that is stored already.

Knows no queries of readers.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from tgtagger import decide
from tgtagger.model import ranges
from tgtagger.model.choices import SourceName
from tgtagger.model.posts import Page, PageStored, PostData, Rejected, StoredRawRecord
from tgtagger.store import albums, channels, progress, read_exports, retention, tag_queue
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part, one_transaction
from tgtagger.store.lookup import post_id
from tgtagger.store.post_rows import NAMES, PostRow, order_key, row
from tgtagger.store.rooms import Connection, is_of_database, room_of
from tgtagger.store.statements import Statement, savepoint
from tgtagger.store.times import now, to_text_or_none

BATCH = 500
"""Raw records read at a time: bounds memory, and how long a snapshot lasts."""

_STORED = (*NAMES, "deleted", "status", "id", "message_id")
_ID = _STORED.index("id")
_TEXT, _MEDIA_TEXT = NAMES.index("text"), NAMES.index("media_text")
_SOURCE = _STORED.index("source")

_NEWEST = Statement(
    "SELECT id FROM posts WHERE channel_id = :channel ORDER BY message_id DESC LIMIT 1"
)
_SELECT = f"SELECT {', '.join(_STORED)} FROM posts WHERE "
_STORED_IN = Statement(_SELECT + "channel_id = :channel AND message_id BETWEEN :low AND :high")
_STORED_WITH = Statement(_SELECT + "channel_id = :channel AND message_id IN few(:ids)")
_STORED_AS = Statement(_SELECT + "id IN few(:ids)")
_RAW = Statement(
    "INSERT INTO raw_forms (post_id, source, converter, data) "
    "VALUES (:post_id, :source, :converter, :data) ON CONFLICT (post_id, source) "
    "DO UPDATE SET converter = excluded.converter, data = excluded.data"
)
_RECONVERTED = Statement(
    "UPDATE raw_forms SET converter = :converter WHERE post_id = :post_id AND source = :source"
)
_TAKEN_KEYS = Statement(
    "SELECT id FROM posts WHERE id >= :key "
    "AND NOT (channel_id = :channel AND message_id = :message) ORDER BY id"
)
_SERVICE = Statement(
    "INSERT INTO service_messages "
    "(channel_id, message_id, date, action, source, converter, data) "
    "VALUES (:channel_id, :message_id, :date, :action, :source, :converter, :data) "
    "ON CONFLICT (channel_id, message_id) DO UPDATE SET date = excluded.date, "
    "action = excluded.action, source = excluded.source, converter = excluded.converter, "
    "data = excluded.data"
)
_REJECTED_BEFORE = Statement("SELECT message_id FROM rejected_posts WHERE channel_id = :channel")
_NO_LONGER_REJECTED = Statement(
    "DELETE FROM rejected_posts WHERE channel_id = :channel AND message_id = :message"
)
_REJECTED = Statement(
    "INSERT INTO rejected_posts (channel_id, message_id, source, reason, seen_at) "
    "VALUES (:channel, :message, :source, :reason, :at) ON CONFLICT (channel_id, message_id) "
    "DO UPDATE SET reason = excluded.reason, seen_at = excluded.seen_at "
    "WHERE rejected_posts.reason <> excluded.reason"
)
_PRESENT = Statement(
    "SELECT id, message_id, source FROM posts WHERE channel_id = :channel "
    "AND message_id BETWEEN :low AND :high AND deleted IS NULL"
)
_DELETED = Statement("UPDATE posts SET deleted = :at WHERE id = :id")
_RAW_RECORDS = Statement(
    "SELECT r.post_id, c.id, c.title, c.username, c.kind, r.data "
    "FROM raw_forms AS r JOIN posts AS p ON p.id = r.post_id "
    "JOIN channels AS c ON c.id = p.channel_id "
    "WHERE r.post_id > :last AND r.source = :source AND r.converter < :version "
    f"ORDER BY r.post_id LIMIT {BATCH}"
)
_RAW_RECORD_OF = Statement(
    "SELECT c.id, c.title, c.username, c.kind, r.data FROM raw_forms AS r "
    "JOIN posts AS p ON p.id = r.post_id JOIN channels AS c ON c.id = p.channel_id "
    "WHERE r.post_id = :post AND r.source = :source"
)

_STORED_SOURCE = RowCheck("posts.source")
"""The one stored value that a rule looks up; a newer state of the post replaces the others."""
_RAW_RECORD = RowCheck(
    "channels.id", "channels.title", "channels.username", "channels.kind", "raw_forms.data"
)
_SEEN = RowCheck("posts.id", "posts.message_id", "posts.source")


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
    regrouped: bool = False
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
            except room_of(db).errors.BAD_VALUE as error:
                if room_of(db).errors.is_fatal(error):
                    raise
                done = _save_one_by_one(db, page, prepared, at)
            tally.rejected += done.rejected
            tally.rejected += _save_service(db, page)
            _remember_rejected(db, page, tally.rejected, at)
            deleted = _mark_deleted(db, page, at)
            if done.updated or done.regrouped or deleted or tally.rejected:
                read_exports.forget(db, page.channel.id)
            progress.save(db, page)
            read = page.progress
            return PageStored(
                page.channel,
                page.source,
                done.new,
                done.updated,
                done.unchanged + page.known_posts,
                deleted,
                len(page.service) + page.known_service,
                tuple(tally.rejected),
                None if read is None else ranges.size(ranges.above(read.backfill, read.floor)),
                done.regrouped,
            )

    def raw_records(self, source: SourceName, *, older_than: int) -> Iterator[StoredRawRecord]:
        """Yield the raw records that a converter of an older version than this one read.

        Each batch is its own snapshot, so that pages can be saved in between.
        """
        last = -1
        while True:
            found = self._raw_records(source, older_than, last)
            if not found:
                return
            last = found[-1][0]
            yield from (record for _, record in found)

    @one_transaction
    def _raw_records(
        self, source: SourceName, older_than: int, last: int
    ) -> list[tuple[int, StoredRawRecord]]:
        with self._database.read() as db:
            rows = _RAW_RECORDS(db, last=last, source=source, version=older_than)
            return [
                (post, StoredRawRecord(channels.as_channel(channel), source, data))
                for post, *values in rows.fetchall()
                for *channel, data in (_RAW_RECORD(values),)
            ]

    def raw_record_of(self, name: str, source: SourceName) -> StoredRawRecord | None:
        """Return a source's own record of a post; None: the source has given none.

        Raises InputError for an unknown post.
        """
        with self._database.read() as db:
            row = _RAW_RECORD_OF(db, post=post_id(db, name), source=source).fetchone()
            if row is None:
                return None
            *channel, data = _RAW_RECORD(row)
            return StoredRawRecord(channels.as_channel(channel), source, data)


def _prepare(db: Connection, page: Page, tally: PageTally) -> Iterable[PreparedPost]:
    prepared: dict[int, PreparedPost] = {}
    previous = None
    for post in page.posts:
        try:
            values = row(post, page.source)
            if post.date is None and previous is None:
                previous = _newest_key(db, page.channel.id)
            previous = order_key(post.date, post.ids[0], fallback=previous or 0)
        except room_of(db).errors.BAD_VALUE as error:
            tally.rejected.append(Rejected(post.ids[0], _reason(db, error)))
            continue
        # A source gives a post once a page; if it comes twice, the last one counts.
        prepared[post.ids[0]] = PreparedPost(post, values, previous)
    return prepared.values()


def _newest_key(db: Connection, channel_id: int) -> int:
    found = _NEWEST(db, channel=channel_id).fetchone()
    return int(found[0]) if found else 0


def _save_posts(
    db: Connection, page: Page, prepared: Sequence[PreparedPost], tally: PageTally, now: str
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
        tally.regrouped = grouping.is_new
        prepared = [item for item in prepared if item.post.ids[0] not in grouping.ignored]
        tally.unchanged += len(grouping.ignored)
        by_id = {values[_ID]: values for values in stored.values()}
        more = {*grouping.owner.values()} - by_id.keys()
        if more:
            rows = _STORED_AS(db, ids=json.dumps(sorted(more)))
            by_id |= {values[_ID]: values for values in rows}
        stored = {number: by_id[post_id] for number, post_id in grouping.owner.items()}
    new, changed = _sorted_out(page, prepared, stored, retention.oldest_of(db, channel_id))
    tally.new += len(new)
    tally.updated += len(changed)
    tally.unchanged += len(prepared) - len(new) - len(changed)
    if changed:
        _update(db, page, changed, now)
    if page.reconverted:
        _RECONVERTED.many(
            db,
            [
                (item.post.raw.converter, stored[item.post.ids[0]][_ID], page.source)
                for item in prepared
                if item.post.raw is not None and item.post.ids[0] in stored
            ],
        )
    if new:
        _insert(db, page, new, now)


def _sorted_out(
    page: Page, prepared: Sequence[PreparedPost], stored: Mapping[int, PostRow], oldest: int
) -> tuple[list[PreparedPost], list[_Changed]]:
    """Return which posts are new, and which change a stored one."""
    new: list[PreparedPost] = []
    changed: list[_Changed] = []
    for item in prepared:
        old = stored.get(item.post.ids[0])
        if old is None:
            if item.key >= oldest:  # else it would go again with the next run
                new.append(item)
        elif old[: len(NAMES)] != item.row or old[len(NAMES)] is not None:
            _STORED_SOURCE((old[_SOURCE],))
            before = dict(zip(_STORED, old, strict=True))
            changes = _merged(page, item, before)
            if changes:
                changed.append(_Changed(item, before, changes))
    return new, changed


def _stored(db: Connection, channel_id: int, ids: list[int]) -> dict[int, PostRow]:
    low, high = min(ids), max(ids)
    if high - low < 10 * len(ids):  # one range is cheaper than a thousand lookups
        found = _STORED_IN(db, channel=channel_id, low=low, high=high)
    else:
        found = _STORED_WITH(db, channel=channel_id, ids=json.dumps(ids))
    return {values[-1]: values for values in found}


def _insert(db: Connection, page: Page, new: Sequence[PreparedPost], now: str) -> None:
    channel_id = page.channel.id
    # The driver takes as long to pass a NULL as a number, and most posts have a dozen of them.
    columns = zip(*(item.row for item in new), strict=True)
    given = tuple(at for at, values in enumerate(columns) if values.count(None) < len(new))
    row_of = itemgetter(*given)
    _insert_of(given).many(
        db, [(item.key, channel_id, item.post.ids[0], now, *row_of(item.row)) for item in new]
    )
    albums.add_members(db, channel_id, [(item.key, item.post.ids) for item in new])
    raw = [
        (item.key, page.source, item.post.raw.converter, item.post.raw.data)
        for item in new
        if item.post.raw is not None
    ]
    if raw:
        _RAW.many(db, raw)
    tag_queue.add(db, [item.key for item in new])
    room_of(db).fulltext.insert(
        db, [(item.key, item.row[_TEXT], item.row[_MEDIA_TEXT]) for item in new]
    )


@dataclass(slots=True)
class _Changed:
    """A stored post that a page changes: what it was, and its columns that change."""

    item: PreparedPost
    before: dict[str, Any]
    changes: dict[str, Any]

    @property
    def id(self) -> int:
        return int(self.before["id"])


def _merged(page: Page, item: PreparedPost, before: dict[str, Any]) -> dict[str, Any]:
    new = dict(zip(NAMES, item.row, strict=True))
    return decide.merge_post(before, new, seen=not page.reconverted, is_part=item.post.is_part)


def _update(db: Connection, page: Page, changed: Sequence[_Changed], now: str) -> None:
    """Change stored posts, as sets: a server is asked as often for one as for a thousand."""
    texts = [
        (each.id, after["text"], after["media_text"])
        for each in changed
        if not {"text", "media_text"}.isdisjoint(each.changes)
        for after in (each.before | each.changes,)
    ]
    if texts:
        room_of(db).fulltext.replace(db, texts)
    alike: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for each in changed:
        values = (*each.changes.values(), now, each.id)
        alike.setdefault(tuple(each.changes), []).append(values)
    for names, rows in alike.items():
        _update_of(names).many(db, rows)
    edited = [each.id for each in changed if "text_hash" in each.changes]
    if edited:
        tag_queue.refresh(db, edited)
    raw = [
        (each.id, page.source, each.item.post.raw.converter, each.item.post.raw.data)
        for each in changed
        if each.item.post.raw is not None
    ]
    if raw:
        _RAW.many(db, raw)


@functools.lru_cache
def _insert_of(given: tuple[int, ...]) -> Statement:
    """Return the statement that adds a post with these of NAMES; pages have few sets of them."""
    names = ["id", "channel_id", "message_id", "added_at", *(NAMES[at] for at in given)]
    values = ", ".join(f":{name}" for name in names)
    return Statement(f"INSERT INTO posts ({', '.join(names)}) VALUES ({values})")


@functools.lru_cache
def _update_of(names: tuple[str, ...]) -> Statement:
    """Return the statement that changes these columns of a post; pages change few sets of them."""
    values = ", ".join(f"{name} = :{name}" for name in names)
    return Statement(f"UPDATE posts SET {values}, changed_at = :changed_at WHERE id = :id")


def _save_one_by_one(
    db: Connection, page: Page, prepared: Sequence[PreparedPost], now: str
) -> PageTally:
    tally = PageTally()
    for item in prepared:
        try:
            with savepoint(db, "post"):
                item.key = _free_key(db, page.channel.id, item)
                one = PageTally()
                _save_posts(db, page, [item], one, now)
        except room_of(db).errors.BAD_VALUE as error:
            if is_of_database(db, error):
                raise
            tally.rejected.append(Rejected(item.post.ids[0], _reason(db, error)))
            continue
        tally.new += one.new
        tally.updated += one.updated
        tally.unchanged += one.unchanged
        tally.regrouped |= one.regrouped
    return tally


def _free_key(db: Connection, channel_id: int, item: PreparedPost) -> int:
    """Return the post's key, or the next one that is free."""
    taken = _TAKEN_KEYS(db, key=item.key, channel=channel_id, message=item.post.ids[0])
    return next(
        key
        for key, used in itertools.zip_longest(itertools.count(item.key), (i for (i,) in taken))
        if key != used
    )


def _reason(db: Connection, error: BaseException) -> str:
    """Return why a post cannot be stored, without a word of its text."""
    match error:
        case UnicodeError():
            return "its text is not valid Unicode"
        case OverflowError():
            return "a number in it is too large"
        case _ if rule := room_of(db).errors.broken_rule(error):
            return f"it breaks a rule of the database: {rule}"
        case _:
            return f"a value in it cannot be stored ({type(error).__name__})"


def _save_service(db: Connection, page: Page) -> list[Rejected]:
    rejected = []
    for message in page.service:
        raw = message.raw
        try:
            with savepoint(db, "service"):
                _SERVICE(
                    db,
                    channel_id=page.channel.id,
                    message_id=message.message_id,
                    date=to_text_or_none(message.date),
                    action=message.action,
                    source=page.source,
                    converter=raw and raw.converter,
                    data=raw and raw.data,
                )
        except room_of(db).errors.BAD_VALUE as error:
            if is_of_database(db, error):
                raise
            rejected.append(Rejected(message.message_id, _reason(db, error)))
    return rejected


def _remember_rejected(db: Connection, page: Page, rejected: Sequence[Rejected], now: str) -> None:
    known = _REJECTED_BEFORE(db, channel=page.channel.id).fetchall()
    if known:  # a message that was rejected before may be good this time
        kept = {str(number) for post in page.posts for number in post.ids}
        kept -= {str(item.id) for item in rejected}
        _NO_LONGER_REJECTED.many(db, [(page.channel.id, name) for (name,) in known if name in kept])
    _REJECTED.many(
        db,
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


def _mark_deleted(db: Connection, page: Page, now: str) -> int:
    """Mark the stored posts that are in the covered range but not on the page; return how many."""
    if page.covers is None:
        return 0
    present = {number for post in page.posts for number in post.ids}
    present |= {item.id for item in page.rejected if isinstance(item.id, int)}
    stored = _PRESENT(
        db, channel=page.channel.id, low=page.covers.low, high=page.covers.high
    ).fetchall()
    missing = [
        post_id
        for post_id, number, source in map(_SEEN, stored)
        if number not in present and decide.may_delete(page.source, source)
    ]
    members = albums.members(db, missing) if missing else {}
    gone = [each for each in missing if present.isdisjoint(members.get(each, ()))]
    _DELETED.many(db, [(now, each) for each in gone])
    return len(gone)
