"""What a person or a run picks posts by, as SQL: channels, tags, times, words, what is due.

`tag:ai` becomes a condition here; what words become is told by `search`. Knows no columns of a
record.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from tgtagger.decide import HUMAN, LONGEST_DELAY, answer_prefix
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import Status
from tgtagger.store import search
from tgtagger.store.lookup import channel_id, post_id, tag_id
from tgtagger.store.post_rows import MESSAGE_BITS
from tgtagger.store.times import to_text

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

STATUSES = frozenset(get_args(Status))

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
        known = [f"p.status = '{status}'" for status in wanted.statuses if status in STATUSES]
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
            "EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id "
            f"AND l.source <> '{HUMAN}' "
            f"AND NOT ({any_same})) END",
            *map(answer_prefix, wanted.stale_for),
            *(
                part
                for provenance in wanted.stale_for
                for part in (provenance.model, provenance.prompt, provenance.vocabulary)
            ),
        )


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _key_at(seconds: float) -> int:
    return int(seconds) << MESSAGE_BITS
