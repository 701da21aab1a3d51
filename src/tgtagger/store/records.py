"""Read posts: as records (JSON lines that SQLite builds itself), as `Post`, and filtered.

The record's shape (docs/records.md) is written down once, here; `Post` is read from it. Built in
SQL a record costs a third of what it costs in Python. Knows no output format beyond that.
"""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass, field
from typing import Any, get_args

import orjson

from tgtagger.decide import LONGEST_DELAY, answer_prefix
from tgtagger.model.archive import Post
from tgtagger.model.posts import Channel, Forward, Media, PostFilter
from tgtagger.model.tagging import PostId, Status
from tgtagger.store import search
from tgtagger.store.lookup import channel_id, post_id, tag_id
from tgtagger.store.post_rows import MESSAGE_BITS
from tgtagger.store.times import from_text, to_text
from tgtagger.store.typed import Alike, WrongValueError

_URL = """CASE WHEN c.username IS NOT NULL THEN 'https://t.me/' || c.username || '/' || p.message_id
     WHEN c.id > 0 THEN 'https://t.me/c/' || c.id || '/' || p.message_id END"""

RECORD = f"""json_object(
 'channel', json_object('id', abs(c.id), 'username', c.username, 'title', c.title),
 'id', p.message_id,
 'ids', CASE p.size WHEN 1 THEN json_array(p.message_id) ELSE coalesce(
     (SELECT json_group_array(message_id) FROM
         (SELECT message_id FROM album_members WHERE post_id = p.id ORDER BY message_id)),
     json_array(p.message_id)) END,
 'url', {_URL},
 'date', p.date, 'edited', p.edited, 'deleted', p.deleted,
 'text', p.text, 'markdown', coalesce(p.markdown, p.text),
 'tags', json((SELECT json_group_array(name) FROM
     (SELECT t.name FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id
      WHERE l.post_id = p.id ORDER BY l.position))),
 'status', p.status, 'views', p.views, 'forwards', p.forwards,
 'reactions', json(p.reactions), 'media', json(coalesce(p.media, '[]')),
 'forward', json(p.forward), 'reply_to', p.reply_to, 'author', p.author, 'source', p.source)"""

FITS = """typeof(p.message_id) || typeof(p.text) || typeof(c.title) = 'integertexttext'
 AND p.status IN ('pending', 'tagged', 'skipped', 'failed')
 AND coalesce(p.date, '0000-00-00T00:00:00Z') GLOB '????-??-??T??:??:??Z'"""
"""Tells a record from one that nobody has written: an export has no other eyes for it."""

# CROSS JOIN: read in the order of the post's ids, which is that of time; nothing is sorted.
_FROM = "posts AS p CROSS JOIN channels AS c ON c.id = p.channel_id"
_FROM_INDEX = f"posts_fts CROSS JOIN {_FROM} AND p.id = posts_fts.rowid"


# By whether words are looked for: if so, their posts come first, and each is asked. Else ids are
# taken from an index, and the posts read in their order; SQLite would sort whole records by time,
# in a file as large as all of them, or look at every post of the archive for a tag that few have.
_IN_CHANNELS = {
    True: "p.channel_id IN ({})",
    False: "p.id IN (SELECT id FROM posts WHERE channel_id IN ({}))",
}
_HAS_TAGS = {
    True: "EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id AND l.tag_id IN ({}))",
    False: "p.id IN (SELECT post_id FROM post_tags WHERE tag_id IN ({}))",
}

_STATUSES = frozenset(get_args(Status))

LARGEST = 2**63 - 1
"""What SQLite takes for an integer; a user may write any number for "all"."""


@dataclass(slots=True)
class Query:
    """A SELECT on its way: what narrows it, and its values."""

    conditions: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    matches: bool = False

    def add(self, condition: str, *values: object) -> None:
        self.conditions.append(condition)
        self.values += values

    @property
    def key(self) -> str:
        """What the posts are in the order of."""
        return "posts_fts.rowid" if self.matches else "p.id"

    def sql(self, columns: str, *, order: str | None = None, limit: int | None = None) -> str:
        source = _FROM_INDEX if self.matches else _FROM
        where = f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""
        cut = f" LIMIT {min(int(limit), LARGEST)}" if limit is not None else ""
        order = order or f"{self.key} DESC"
        return f"SELECT {columns} FROM {source}{where} ORDER BY {order}{cut}"


def query_for(db: sqlite3.Connection, wanted: PostFilter) -> Query:
    """Return the query for a filter. Raises InputError for a channel, tag or post not known."""
    query = Query()
    if wanted.query is not None:
        terms = search.parse_query(wanted.query)
        query.matches = not all(term.excluded for term in terms)
        query.add(
            "posts_fts MATCH ?"
            if query.matches
            else "p.id NOT IN (SELECT rowid FROM posts_fts WHERE posts_fts MATCH ?)",
            search.match_expression(db, terms),
        )
    if wanted.channels:
        ids = [channel_id(db, name) for name in wanted.channels]
        query.add(_IN_CHANNELS[query.matches].format(_marks(ids)), *ids)
    if wanted.since:
        query.add(f"{query.key} >= ?", _key_at(wanted.since.timestamp()))
    if wanted.until:
        query.add(f"{query.key} < ?", _key_at(wanted.until.timestamp()))
    if wanted.statuses:
        # Written out, not bound: only so a partial index is used.
        known = [f"p.status = '{status}'" for status in wanted.statuses if status in _STATUSES]
        query.add(f"({' OR '.join(known)})")
    if wanted.posts:
        ids = [post_id(db, name) for name in wanted.posts]
        query.add(f"p.id IN ({_marks(ids)})", *ids)
    has = _HAS_TAGS[query.matches]
    for name in wanted.tags:
        query.add(has.format("?"), tag_id(db, name))
    if wanted.any_tags:
        ids = [tag_id(db, name) for name in wanted.any_tags]
        query.add(has.format(_marks(ids)), *ids)
    if wanted.not_tags:
        ids = [tag_id(db, name) for name in wanted.not_tags]
        query.add("NOT " + _HAS_TAGS[True].format(_marks(ids)), *ids)
    _add_queue(query, wanted)
    return query


def _add_queue(query: Query, wanted: PostFilter) -> None:
    """Narrow to what a tagging run takes: what failed and how, what is due, what is stale."""
    if wanted.failures:
        query.add(f"p.failure IN ({_marks(wanted.failures)})", *wanted.failures)
    if wanted.due_by is not None:
        query.add(
            "(p.next_attempt_at <= ? OR p.next_attempt_at > ?)",
            to_text(wanted.due_by),
            to_text(wanted.due_by + LONGEST_DELAY),
        )
    if wanted.attempts_below is not None:
        query.add("p.attempts < ?", wanted.attempts_below)
    if wanted.stale_for:
        same = "(l.model IS ? AND l.prompt IS ? AND l.vocabulary IS ?)"
        any_same = " OR ".join([same] * len(wanted.stale_for))
        query.add(
            "CASE p.status WHEN 'skipped' THEN (p.text <> '' OR p.media_text <> '') "
            "AND NOT EXISTS (SELECT 1 FROM answers WHERE key IN "
            f"({', '.join(['? || p.text_hash'] * len(wanted.stale_for))})) ELSE "
            "EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id AND l.source <> 'human' "
            f"AND NOT ({any_same})) END",
            *map(answer_prefix, wanted.stale_for),
            *(
                part
                for provenance in wanted.stale_for
                for part in (provenance.model, provenance.prompt, provenance.vocabulary)
            ),
        )


def _marks(values: object) -> str:
    return ", ".join("?" * len(values))  # type: ignore[arg-type]


def _key_at(seconds: float) -> int:
    return int(seconds) << MESSAGE_BITS


# ---- records into posts


_NONE = type(None)
_TEXT, _NUMBER = (str, _NONE), (int, _NONE)
_RECORDS = Alike(
    {
        "channel": (dict,), "id": (int,), "ids": (list,), "url": _TEXT, "date": _TEXT,
        "edited": _TEXT, "deleted": _TEXT, "tags": (list,), "views": _NUMBER, "forwards": _NUMBER,
        "reactions": (dict, _NONE), "media": (list,), "forward": (dict, _NONE),
        "reply_to": _NUMBER, "author": _TEXT,
    }
)  # fmt: skip
_CHANNELS = Alike({"id": (int,), "username": _TEXT})
_MEDIA = Alike(
    {
        "size": (int,),
        "width": (int,),
        "height": (int,),
        "duration": (int, float),
        "options": (list,),
    }
)
_FORWARDS = Alike({"channel": _TEXT, "id": _NUMBER, "url": _TEXT, "channel_id": _NUMBER})


def read_post(record: str, channel_id: int | None = None) -> Post:
    """Return the post that a record describes. Raises one of many errors for a damaged one.

    A record tells a channel's bare number; `channel_id` is the archive's own, where that matters.
    """
    values: dict[str, Any] = orjson.loads(record)
    _RECORDS.check(values)
    channel = values["channel"]
    owner = channel["id"] if channel_id is None else channel_id
    forward = values["forward"]
    tags = tuple(values["tags"])
    _CHANNELS.check(channel)
    if forward:
        _FORWARDS.check(forward)
    "".join(tags)  # raises TypeError for what is no text
    if values["status"] not in _STATUSES:
        raise WrongValueError
    return Post(
        PostId(owner, values["id"]),
        Channel(owner, channel["title"], channel["username"]),
        tuple(values["ids"]),
        values["url"],
        from_text(values["date"]),
        from_text(values["edited"]),
        from_text(values["deleted"]),
        values["text"],
        values["markdown"],
        tags,
        values["status"],
        values["views"],
        values["forwards"],
        values["reactions"],
        tuple(_read_media(item) for item in values["media"]),
        forward and Forward(forward["channel_id"], forward["channel"], None, forward["id"]),
        forward and forward["url"],
        values["reply_to"],
        values["author"],
        values["source"],
    )


def _read_media(item: dict[str, Any]) -> Media:
    _MEDIA.check(item)
    options = item.pop("options", None)
    return Media(**item, options=None if options is None else tuple(options))


def with_snippet(record: str, snippet: str) -> str:
    """Return the record with its `snippet`, matches between double asterisks."""
    shown = snippet.replace(MARK_START, "**").replace(MARK_END, "**")
    return f'{record[:-1]},"snippet":{json.dumps(shown, ensure_ascii=False)}}}'


MARK_START, MARK_END = "\x02", "\x03"
"""Around a match in a snippet: control characters, which no post needs."""


SNIPPET = f"snippet(posts_fts, -1, char({ord(MARK_START)}), char({ord(MARK_END)}), '…', 24)"
"""SQL: where in a post a query's words stand."""

_SHOWN = 500  # letters
BEGINNING = f"""(SELECT substr(t, 1, {_SHOWN}) || iif(length(t) > {_SHOWN}, '…', '') FROM
 (SELECT coalesce(nullif(p.text, ''), p.media_text, '') AS t))"""
"""SQL: what is shown of a post in which no word was looked for."""


def snippet_parts(snippet: str) -> tuple[tuple[str, bool], ...]:
    """Return a snippet's parts in order, each with whether it is a match."""
    parts = re.split(f"{MARK_START}([^{MARK_END}]*){MARK_END}", snippet)
    return tuple((part, at % 2 == 1) for at, part in enumerate(parts) if part)
