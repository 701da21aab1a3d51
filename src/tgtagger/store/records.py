"""Read posts by a filter: as records (lines of JSON that the database builds), and as `Post`.

A record's shape (docs/records.md) is written down once, here; `Post` is read from a record. Built
in SQL a record costs a third of what it costs in Python. Knows no other output format, and not how
a filter becomes SQL (`query`).
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

import orjson

from tgtagger.decide import LASTING
from tgtagger.errors import InputError
from tgtagger.model.columns import COLUMNS
from tgtagger.model.posts import Channel, Forward, Media, PostFilter
from tgtagger.model.query import words_of
from tgtagger.model.stored import FoundPost, Post, PostDetails, TagLink, TagsOfPost
from tgtagger.model.tagging import Attempt, PostId
from tgtagger.store.checks import ObjectCheck, RowCheck, WrongValueError
from tgtagger.store.database import Part
from tgtagger.store.lookup import post_id
from tgtagger.store.query import Condition, Query, query_for
from tgtagger.store.rooms import MARK_END, MARK_START, Connection
from tgtagger.store.spelling import near_words
from tgtagger.store.statements import Statement
from tgtagger.store.times import from_text, moment
from tgtagger.store.values import (
    FORWARD,
    INTEGER,
    MEDIA,
    OBJECT,
    TEXT,
    TEXTS,
    Value,
    or_null,
    value_of,
)

_URL = """CASE WHEN p.message_id < 0 THEN NULL
     WHEN c.username IS NOT NULL THEN 'https://t.me/' || c.username || '/' || p.message_id
     WHEN c.id > 0 THEN 'https://t.me/c/' || c.id || '/' || p.message_id END"""


_CHANNEL_PART = "object_of('id', abs(c.id), 'username', c.username, 'title', c.title)"
_IDS = """CASE p.size WHEN 1 THEN list_of(p.message_id) ELSE as_json(collected(message_id,
     SELECT message_id FROM album_members WHERE post_id = p.id ORDER BY message_id)) END"""
TAGS = """collected(name,
     SELECT t.name FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id
      WHERE l.post_id = p.id ORDER BY l.position)"""
_AFTER = {
    "edited": (("deleted", "p.deleted", or_null(TEXT)),),
    "markdown": (
        ("tags", f"as_json({TAGS})", TEXTS),
        ("status", "p.status", value_of("posts.status")),
    ),
}
"""Fields of a record that come from no source, by the fact that they follow."""
AS_THEY_ARE = tuple(
    column.name for column in COLUMNS if column.in_record and column.kind in {"integer", "text"}
)
"""Facts that a `Post` has just as its record shows them: its last fields, in this order."""
_as_they_are = itemgetter(*AS_THEY_ARE)


def _facts() -> Iterator[tuple[str, str, Value]]:
    """Yield the fields of a record in their order: (name, SQL, rule for the value).

    The rule of a time, of media and of a forward has the type only, since records are read by the
    thousand: they are checked further where they are converted.
    """
    yield "channel", _CHANNEL_PART, OBJECT
    yield "id", "p.message_id", INTEGER
    yield "ids", _IDS, Value("list")
    yield "url", _URL, or_null(TEXT)
    for column in COLUMNS:
        if not column.in_record:
            continue
        name, otherwise = f"p.{column.name}", column.otherwise
        is_json = column.kind == "json"
        if otherwise is not None:
            other = f"'{otherwise}'" if is_json else f"p.{otherwise}"
            name = f"coalesce({name}, {other})"
        whole = value_of(f"posts.{column.name}")
        kind = whole.json.kind if whole.json is not None else whole.kind
        value = Value(kind, null=otherwise is None and whole.null)
        yield column.name, f"as_json({name})" if is_json else name, value
        yield from _AFTER.get(column.name, ())


_FIELDS = tuple((name, sql) for name, sql, _ in _facts())


def _object(fields: Sequence[tuple[str, str]]) -> str:
    return "as_text(object_of({}))".format(", ".join(f"'{name}', {sql}" for name, sql in fields))


RECORD = _object(_FIELDS)

_TEXT = [name for name, _ in _FIELDS].index("text")  # then come `markdown` and `tags`
PIECES = ", ".join((
    f"as_bytes({_object(_FIELDS[:_TEXT])})",
    "as_bytes(quoted(p.text))",
    "CASE WHEN p.markdown IS NOT NULL THEN as_bytes(quoted(p.markdown)) END",
    f"as_bytes(as_text({TAGS}))",
    f"as_bytes({_object(_FIELDS[_TEXT + 3 :])})",
))  # fmt: skip
"""SQL: the columns of which `_put_together` makes a record.

Most posts have no markdown of their own: their text stands in the record twice, and is quoted and
checked once. Tags are JSON, which SQLite would read again to put it into an object.
"""

_STRUCTURES = ("reactions", "media", "forward")
"""Facts that are JSON."""
_PLAIN = ("url", "date", "edited", "deleted", "status", *AS_THEY_ARE)
_SQL = {name: sql for name, sql, _ in _facts()}
POST = ", ".join((
    "p.channel_id", "p.message_id", "c.title", "c.username",
    f"CASE p.size WHEN 1 THEN NULL ELSE as_text({_IDS}) END", f"as_text({TAGS})",
    *(f"p.{name}" for name in _STRUCTURES), *(_SQL[name] for name in _PLAIN),
))  # fmt: skip
"""SQL: the columns of which `post_of` makes a `Post`, in a third of the time of its record."""

_CHECKED = {
    "p.message_id": "posts.message_id",
    "p.text": "posts.text",
    "c.title": "channels.title",
    "p.status": "posts.status",
    "p.date": "posts.date",
}
"""Columns by which a record is checked for damage: an export writes it without reading it."""


_POST_COLUMNS = "p.id, p.channel_id, p.message_id"
_POST_ROW = RowCheck("posts.id", "posts.channel_id", "posts.message_id")
_TAGS_OF = Statement(
    "SELECT l.post_id, t.name, l.source FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id "
    "WHERE l.post_id IN listed(:posts) ORDER BY l.post_id, l.position"
)
_TAG_OF = RowCheck(INTEGER, "tags.name", "post_tags.source")
BATCH = 1000
"""Posts whose tags are looked up at a time."""
_TOGETHER = 50
"""Records that are put together at a time: a text as long as a hundred of them gets new memory from
the system each time, and to read them takes twice as long."""


class Records(Part):
    """Posts as people and programs read them."""

    def batches(self, wanted: PostFilter) -> Iterator[list[bytes]]:
        """Yield the posts of a filter as JSON in UTF-8, a line each, newest first, some at a time.

        A database that keeps UTF-8 gives it as it is: to make text of it and UTF-8 again takes
        longer than all the rest.
        """
        with self._database.read() as db:
            query = query_for(db, wanted)
            columns = f"{PIECES}, {query.room.fits(_CHECKED)}"
            for rows in query.select(columns, limit=wanted.limit).batches(db, _TOGETHER):
                yield _put_together(rows)

    def lines(self, wanted: PostFilter) -> Iterator[str]:
        """Yield the posts of a filter as JSON, one line each, newest first."""
        for batch in self.batches(wanted):
            for record in batch:
                yield record.decode()

    def tags_of(self, wanted: PostFilter) -> Iterator[TagsOfPost]:
        """Yield the posts of a filter with their tags, newest first, in one snapshot."""
        with self._database.read() as db:
            query = query_for(db, wanted)
            rows = iter(query.select(_POST_COLUMNS, limit=wanted.limit)(db))
            while batch := [_POST_ROW(row) for row in itertools.islice(rows, BATCH)]:
                tags: dict[int, list[tuple[str, str]]] = {}
                rows_of_tags = _TAGS_OF(db, posts=json.dumps([post for post, *_ in batch]))
                for post, name, source in map(_TAG_OF, rows_of_tags):
                    tags.setdefault(post, []).append((name, source))
                for post, channel, message in batch:
                    links = tags.get(post, ())
                    names = tuple(name for name, _ in links)
                    lasts = any(source in LASTING for _, source in links)
                    yield TagsOfPost(PostId(channel, message), names, lasts)

    def posts(self, wanted: PostFilter) -> Iterator[Post]:
        """Yield the posts of a filter, newest first."""
        with self._database.read() as db:
            query = query_for(db, wanted)
            for rows in query.select(POST, limit=wanted.limit).batches(db, BATCH):
                for channel, *facts in rows:
                    yield post_of((abs(channel), *facts))  # as in a record

    def search(self, wanted: PostFilter, *, by_relevance: bool = False) -> Iterator[FoundPost]:
        """Yield the posts of a filter with snippets, newest or most relevant first.

        Raises InputError for `by_relevance` if the query has no word.
        """
        with self._database.read() as db:
            query = query_for(db, wanted)
            if by_relevance and not query.matches:
                raise InputError("relevance_without_words")
            if not by_relevance:
                yield from _found(db, query, None, wanted.limit)
            elif wanted.limit is None or wanted.limit > BATCH:
                yield from _found(db, query, query.relevance, wanted.limit)
            else:
                yield from _most_relevant(db, query, wanted.limit)

    def page(
        self,
        wanted: PostFilter,
        limit: int,
        *,
        after: int | None = None,
        before: int | None = None,
    ) -> tuple[tuple[FoundPost, ...], bool]:
        """Return up to `limit` posts of a filter, newest first, and whether there are more beyond.

        They are those next to a key: older than `after`, or newer than `before`.
        """
        with self._database.read() as db:
            query = query_for(db, wanted)
            if after is not None:
                query.add(f"{query.key} < :after", after=after)
            if before is not None:
                query.add(f"{query.key} > :before", before=before)
            order = f"{query.sort_key} {'DESC' if before is None else 'ASC'}"
            found = list(_found(db, query, order, limit + 1))
        kept = found[:limit] if before is None else found[limit - 1 :: -1]
        return tuple(kept), len(found) > limit

    def newer(self, wanted: PostFilter, than: int, most: int) -> int:
        """Return how many posts of a filter are newer than a key, `most` at most."""
        with self._database.read() as db:
            query = query_for(db, wanted)
            query.add(f"{query.key} > :than", than=than)
            return int(query.count(most)(db).fetchone()[0])

    def failures(self, posts: Sequence[int]) -> dict[int, str]:
        """Return why posts failed, by their inner ids: those of them that did."""
        if not posts:
            return {}
        with self._database.read() as db:
            return dict(map(_FAILURE, FAILURES(db, posts=json.dumps(list(posts)))))

    def near(self, wanted: PostFilter) -> tuple[str, ...]:
        """Return words of the archive that are spelled like those of a query; the nearest first."""
        with self._database.read() as db:
            return near_words(db, words_of(wanted.query))

    def identify(self, names: Sequence[str]) -> tuple[PostId, ...]:
        """Return the posts of these names, as `post` takes them. Raises InputError."""
        with self._database.read() as db:
            keys = [post_id(db, name) for name in names]
            rows = (_ID_OF(db, post=key).fetchone() for key in keys)
            return tuple(PostId(*_POST_ID(row)) for row in rows)

    def post(self, name: str) -> PostDetails:
        """Return everything about one post. `name`: @name/123, a t.me link, <channel id>/123.

        Raises InputError for an unknown one.
        """
        with self._database.read() as db:
            inner_id = post_id(db, name)
            record, owner, problem, failure, error, due = _DETAILS(
                _POST(db, post=inner_id).fetchone()
            )
            links, attempts = _LINKS(db, post=inner_id), _ATTEMPTS(db, post=inner_id)
            return PostDetails(
                read_post(record, owner),
                record,
                inner_id,
                tuple(
                    TagLink(tag, source, model, run, moment(added))
                    for tag, source, model, run, added in map(_LINK, links)
                ),
                tuple(Attempt(moment(at), *rest) for at, *rest in map(_ATTEMPT, attempts)),
                problem,
                failure,
                error,
                from_text(due),
            )


def _put_together(rows: Sequence[Any]) -> list[bytes]:
    """Return the records of rows of PIECES and whether they fit, in UTF-8.

    Raises WrongValueError for damage: SQLite does not look for it.
    """
    if isinstance(rows[0][0], str):  # not every database gives bytes
        rows = [[each.encode() if isinstance(each, str) else each for each in row] for row in rows]
    begins, texts, markdowns, tags, ends, are_fit = zip(*rows, strict=True)
    try:
        b"".join([*begins, *texts, *filter(None, markdowns), *tags, *ends]).decode()
    except UnicodeDecodeError:
        are_fit = (False,)
    if not all(are_fit):
        raise WrongValueError("a record") from None
    return [
        b'%b,"text":%b,"markdown":%b,"tags":%b,%b'
        % (begin[:-1], text, markdown or text, names, end[1:])
        for begin, text, markdown, names, end, _ in rows
    ]


def _found(
    db: Connection, query: Query, order: str | Condition | None, limit: int | None
) -> Iterator[FoundPost]:
    snippet = query.room.fulltext.SNIPPET if query.matches else BEGINNING
    columns = f"{RECORD}, {snippet}, p.id, p.channel_id"
    select = query.select(columns, order=order, limit=limit)
    rows: Iterable[Any] = select.rows(db) if limit is None else select(db)
    for record, found, key, owner in map(_FOUND, rows):
        part = _cut(query.marked(found))
        post = read_post(record, owner)
        yield FoundPost(post, with_snippet(record, part), snippet_parts(part), key)


def _most_relevant(db: Connection, query: Query, limit: int) -> list[FoundPost]:
    """Return the posts that fit best: they are found first, since a snippet takes its time."""
    keys = [key for (key,) in query.most_relevant(limit)(db)]
    query.add(f"{query.key} IN listed(:best)", best=json.dumps(keys))
    found = {post.key: post for post in _found(db, query, None, None)}
    return [found[key] for key in keys if key in found]  # a damaged index may name others


# ---- records into posts


_POST_ID = RowCheck("posts.channel_id", "posts.message_id")
_POST = Statement(
    f"SELECT {RECORD}, p.channel_id, p.problem, p.failure, p.error, p.next_attempt_at "
    "FROM posts AS p JOIN channels AS c ON c.id = p.channel_id WHERE p.id = :post"
)
FAILURES = Statement(
    "SELECT p.id, p.failure FROM listed(:posts) AS j CROSS JOIN posts AS p ON p.id = j.value "
    "WHERE p.failure IS NOT NULL"
)
_ID_OF = Statement("SELECT channel_id, message_id FROM posts WHERE id = :post")
_LINKS = Statement(
    "SELECT t.name, l.source, l.model, l.run_id, l.added_at FROM post_tags AS l "
    "JOIN tags AS t ON t.id = l.tag_id WHERE l.post_id = :post ORDER BY l.position"
)
_ATTEMPTS = Statement(
    "SELECT at, model, class, http_status, latency_ms, error, prompt_tokens, "
    "completion_tokens, cached_tokens, cost_usd, sent_letters FROM attempts "
    "WHERE post_id = :post ORDER BY id"
)
_FAILURE = RowCheck(INTEGER, "posts.failure")
_FOUND = RowCheck(TEXT, TEXT, INTEGER, "posts.channel_id")
_DETAILS = RowCheck(
    TEXT, "posts.channel_id", "posts.problem", "posts.failure", "posts.error",
    "posts.next_attempt_at",
)  # fmt: skip
_LINK = RowCheck(
    "tags.name", "post_tags.source", "post_tags.model", "post_tags.run_id", "post_tags.added_at"
)
_ATTEMPT = RowCheck(
    "attempts.at", "attempts.model", "attempts.class", "attempts.http_status",
    "attempts.latency_ms", "attempts.error", "attempts.prompt_tokens",
    "attempts.completion_tokens", "attempts.cached_tokens", "attempts.cost_usd",
    "attempts.sent_letters",
)  # fmt: skip


_RECORD = RowCheck(*(value for _, _, value in _facts()))
_CHANNEL = RowCheck(INTEGER, "channels.username", "channels.title")
_RULES = {name: value for name, _, value in _facts()}
_ROW = RowCheck(
    INTEGER, INTEGER, "channels.title", "channels.username", or_null(TEXT), TEXT,
    *(or_null(TEXT) for _ in _STRUCTURES), *(_RULES[name] for name in _PLAIN),
)  # fmt: skip
_NAMES = RowCheck(TEXTS)
_MEDIA = ObjectCheck(MEDIA)
_FORWARD = ObjectCheck(FORWARD)


def read_post(record: str, channel_id: int | None = None) -> Post:
    """Return the post that a record describes. Raises WrongValueError for a damaged one.

    A record has a channel's bare number; pass `channel_id` if the archive's own id matters.
    """
    try:
        values: dict[str, Any] = orjson.loads(record)
    except ValueError:
        raise WrongValueError("a record") from None  # the error may hold a post's text
    _RECORD(tuple(values.values()))
    number, username, title = _CHANNEL(tuple(values["channel"].values()))
    owner = number if channel_id is None else channel_id
    forward = values["forward"]
    if forward:
        _FORWARD(forward)
    return Post(
        PostId(owner, values["id"]),
        Channel(owner, title, username),
        tuple(values["ids"]),
        values["url"],
        from_text(values["date"]),
        from_text(values["edited"]),
        from_text(values["deleted"]),
        tuple(values["tags"]),
        values["status"],
        values["reactions"],
        tuple(map(_read_media, values["media"])),
        forward and Forward(forward["channel_id"], forward["channel"], None, forward["id"]),
        forward and forward["url"],
        *_as_they_are(values),
    )


def post_of(row: Sequence[Any]) -> Post:
    """Return the post of a row of POST. Raises WrongValueError for a damaged one."""
    owner, message, title, username, ids, tags, reactions, media, forward, *facts = _ROW(row)
    url, date, edited, deleted, status, *rest = facts
    told = None if forward is None else _FORWARD(_json(forward, dict))
    return Post(
        PostId(owner, message),
        Channel(owner, title, username),
        (message,) if ids is None else tuple(_json(ids, list)),
        url,
        from_text(date),
        from_text(edited),
        from_text(deleted),
        tuple(_NAMES((_json(tags, list),))[0]),
        status,
        None if reactions is None else _json(reactions, dict),
        tuple(map(_read_media, _json(media, list))) if media else (),
        None if told is None else Forward(told["channel_id"], told["channel"], None, told["id"]),
        None if told is None else told["url"],
        *rest,
    )


def _json(text: str, kind: type) -> Any:
    try:
        found = orjson.loads(text)
    except ValueError:
        found = None  # the error may hold a post's text
    if not isinstance(found, kind):
        raise WrongValueError("JSON")
    return found


def _read_media(item: dict[str, Any]) -> Media:
    options = _MEDIA(item).pop("options", None)
    return Media(**item, options=None if options is None else tuple(options))


_encoded = json.JSONEncoder(ensure_ascii=False).encode
"""Writes JSON; to make an encoder for each text takes longer than to write it."""


def with_snippet(record: str, snippet: str) -> str:
    """Return the record with the field `snippet`, its matches between double asterisks."""
    shown = snippet.replace(MARK_START, "**").replace(MARK_END, "**")
    return f'{record[:-1]},"snippet":{_encoded(shown)}}}'


_LONG = 5000  # letters
"""From here on a text is long: of a long one the index marks all, and `_cut` cuts it."""

_AROUND = 160  # letters before and after the first match in a long text

_SHOWN = 500  # letters
BEGINNING = f"""(SELECT substr(t, 1, {_SHOWN}) ||
 CASE WHEN length(t) > {_SHOWN} THEN '…' ELSE '' END
 FROM (SELECT coalesce(nullif(p.text, ''), p.media_text, '') AS t) AS shown)"""
"""SQL: the beginning of a post, shown if the query has no words."""


def _cut(found: str) -> str:
    """Return the part of a marked text around its first match; a snippet stays as it is."""
    if len(found) <= _LONG:
        return found
    first = max(found.find(MARK_START), 0)
    begin = found.find(" ", first - _AROUND, first) + 1 if first > _AROUND else 0
    end = found.find(" ", first + 2 * _AROUND)
    part = found[begin : min(end if end >= 0 else len(found), first + 4 * _AROUND)]
    if part.count(MARK_START) > part.count(MARK_END):
        part = part[: part.rindex(MARK_START)]
    if begin:
        part = "…" + part.lstrip(MARK_END)
    return part + "…" if begin + len(part) < len(found) else part


_MATCH = re.compile(f"{MARK_START}([^{MARK_END}]*){MARK_END}")


def snippet_parts(snippet: str) -> tuple[tuple[str, bool], ...]:
    """Return a snippet's parts in order: (text, whether it is a match)."""
    parts = _MATCH.split(snippet)
    return tuple((part, at % 2 == 1) for at, part in enumerate(parts) if part)
