"""Put together the query of a filter: channels, tags, times, words, what is due, and a tree.

Conditions are SQL with named parameters; a tag becomes a condition here, and words an expression of
the full-text index (`rooms`). Knows no columns of a record.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

from tgtagger.decide import LONGEST_DELAY, answer_prefix
from tgtagger.errors import InputError
from tgtagger.model import query as tree
from tgtagger.model.choices import PostStatus
from tgtagger.model.posts import PostFilter
from tgtagger.model.query import AllOf, AnyOf, Dated, Fact, Not, Words
from tgtagger.model.tagging import Provenance
from tgtagger.store import origins, tag_queue
from tgtagger.store.lookup import channel_id, post_id, tag_id
from tgtagger.store.post_rows import MESSAGE_BITS
from tgtagger.store.recording import LASTING_SOURCES
from tgtagger.store.rooms import Connection, Room, room_of
from tgtagger.store.statements import PARAMETER, Select, Statement
from tgtagger.store.times import to_text
from tgtagger.store.values import LARGEST
from tgtagger.store.words import folded, tokens

# CROSS JOIN: rows come in the order of the posts' ids, which is that of time; nothing is sorted.
_CHANNEL = "CROSS JOIN channels AS c ON c.id = p.channel_id"

# Keyed by whether an index of words or the queue gives the posts: then each is checked. Else
# ids come from an index, and posts are read in their order. Otherwise SQLite would sort whole
# records by time, in a file as large as all of them, or read every post for a tag that few have.
_IN_CHANNELS = {
    True: "p.channel_id IN :channels",
    False: "p.id IN (SELECT id FROM posts WHERE channel_id IN :channels)",
}
_HAS_TAGS = {
    True: "EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id AND l.tag_id IN :tags)",
    False: "p.id IN (SELECT post_id FROM post_tags WHERE tag_id IN :tags)",
}

# Of a frequent word the index would list all posts, the newest first, until some fit.
_FEW = 500
"""Posts that are looked up in the index of words one by one, at most: each takes 25 µs there."""
_COUNTED = 20_000
"""Posts of channels that are looked at to learn from when to when they are."""
_WITH_TAGS = Statement(
    "SELECT count(*) FROM (SELECT 1 AS one FROM post_tags "
    "WHERE tag_id IN listed(:ids) LIMIT :most) AS some_posts"
)
_OF_CHANNELS = Statement(
    "SELECT count(*), min(id), max(id) FROM (SELECT id FROM posts "
    "WHERE channel_id IN listed(:ids) LIMIT :most) AS some_posts"
)

STATUSES = frozenset(get_args(PostStatus))


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition in SQL, in brackets, and the values of its parameters, which no other one has."""

    sql: str
    values: Mapping[str, object]


@dataclass(slots=True)
class Query:
    """A SELECT of posts, `p`, with their channels, `c`: its conditions.

    `expression`: the full-text index gives the posts that fit it, by the condition `newest` for
    who reads the newest of them, and `all` for who reads all; `few`: it is asked for few posts, one
    by one. `waits`: the queue of taggers gives the posts.
    """

    room: Room
    conditions: list[Condition] = field(default_factory=list)
    expression: str | None = None
    newest: str = ""
    all: str = ""
    few: bool = False
    waits: bool = False
    texts: int = 0

    def add(self, condition: str, **values: object) -> None:
        """Narrow by a condition in SQL, with the values of its parameters."""
        self.conditions.append(self.condition(condition, **values))

    def condition(self, sql: str, **values: object) -> Condition:
        """Return a condition in SQL, with values of its own: several may use the same names."""
        return self._text(f"({sql})", values)

    def _text(self, sql: str, values: Mapping[str, object]) -> Condition:
        self.texts += 1
        own: dict[str, object] = {}

        def name(found: re.Match[str]) -> str:
            value, given = values[found[1]], f"{found[1]}_{self.texts}"
            if not isinstance(value, (list, tuple)):
                own[given] = value
                return f":{given}"
            each = {f"{given}_{at}": item for at, item in enumerate(value)}
            own.update(each)
            return f"({', '.join(f':{one}' for one in each)})"

        return Condition(PARAMETER.sub(name, sql), own)

    def match(self, db: Connection, expression: str) -> None:
        """Let the full-text index give the posts, those that fit its expression."""
        self.expression = expression
        self.newest, self.all = self.room.fulltext.matches(db, expression)

    @property
    def matches(self) -> bool:
        """Tell whether the full-text index gives the posts."""
        return self.expression is not None

    def marked(self, found: str) -> str:
        """Return the part of a post where the words of the query stand, marked."""
        if self.expression is None:
            return found
        return self.room.fulltext.marked(found, self.expression)

    @property
    def relevance(self) -> Condition:
        """The order of a query with words by relevance."""
        return self._text(self.room.fulltext.RELEVANCE, {"expression": self.expression})

    @property
    def has_source(self) -> bool:
        """Tell whether something else than their own table gives the posts."""
        return self.matches or self.waits

    @property
    def key(self) -> str:
        """The column that orders the posts by time."""
        return self.room.fulltext.KEY if self.matches else "q.post_id" if self.waits else "p.id"

    @property
    def sort_key(self) -> str:
        """The key, for an ORDER BY: of few posts the index shall not sort what it finds itself."""
        return f"unindexed({self.key})" if self.few else self.key

    def select(
        self,
        columns: str,
        *,
        order: str | Condition | None = None,
        limit: int | None = None,
    ) -> Select:
        """Return the SELECT of these columns; without an order the newest come first."""
        order = f"{self.sort_key} DESC" if order is None else order
        source = tag_queue.SOURCE if self.waits else "posts AS p"
        conditions = self.conditions
        if self.expression is not None:
            source = self.room.fulltext.SOURCE
            is_whole = limit is None or self.few or isinstance(order, Condition)
            matches = self.all if is_whole else self.newest
            conditions = [self.condition(matches, expression=self.expression), *conditions]
        ordered = Condition(order, {}) if isinstance(order, str) else order
        parts = [f"SELECT {columns} FROM {source} {_CHANNEL}"]
        if conditions:
            parts.append(f"WHERE {' AND '.join(each.sql for each in conditions)}")
        parts.append(f"ORDER BY {ordered.sql}")
        if limit is not None:
            parts.append(f"LIMIT {min(int(limit), LARGEST):d}")
        return Select(" ".join(parts), _values_of([*conditions, ordered]))

    def count(self, limit: int | None = None) -> Select:
        """Return the SELECT of how many posts there are, up to a limit."""
        counted = "SELECT count(*) FROM ({}) AS found"
        if self.expression is not None and not self.conditions:  # the index knows them by itself
            most = "" if limit is None else f" LIMIT {min(int(limit), LARGEST):d}"
            found = self._text(f"{self.room.fulltext.FOUND}{most}", {"expression": self.expression})
            return Select(found.sql, found.values).within(counted)
        return self.select("1 AS one", limit=limit).within(counted)

    def most_relevant(self, limit: int) -> Select:
        """Return the SELECT of the keys of the posts that fit best, the best first."""
        order = self.relevance
        if self.conditions:
            return self.select(self.key, order=order, limit=limit)
        found = self._text(self.room.fulltext.FOUND, {"expression": self.expression})
        sql = f"{found.sql} ORDER BY {order.sql} LIMIT {min(limit, LARGEST):d}"
        return Select(sql, _values_of([found, order]))


def _values_of(parts: Iterable[Condition]) -> dict[str, object]:
    return {name: value for part in parts for name, value in part.values.items()}


def query_for(db: Connection, wanted: PostFilter) -> Query:
    """Return the query for a filter. Raises InputError for an unknown channel, tag or post."""
    query = Query(room_of(db))
    if wanted.query is not None:
        _add_tree(query, db, wanted.query)
    _add_statuses(query, wanted.statuses)
    if wanted.channels:
        _add_channels(query, db, [channel_id(db, name) for name in wanted.channels])
    if wanted.since:
        query.add(f"{query.key} >= :since", since=_key_at(wanted.since.timestamp()))
    if wanted.until:
        query.add(f"{query.key} < :until", until=_key_at(wanted.until.timestamp()))
    if wanted.posts:
        query.add("p.id IN :posts", posts=[post_id(db, name) for name in wanted.posts])
    for name in wanted.tags:
        _add_tags(query, db, [tag_id(db, name)])
    if wanted.any_tags:
        _add_tags(query, db, [tag_id(db, name) for name in wanted.any_tags])
    if wanted.not_tags:
        ids = [tag_id(db, name) for name in wanted.not_tags]
        query.add(f"NOT {_HAS_TAGS[True]}", tags=ids)
    _add_queue(query, db, wanted)
    return query


def _add_statuses(query: Query, statuses: Sequence[str]) -> None:
    if tuple(statuses) == ("pending",) and not query.matches:
        query.waits = True
        query.add(tag_queue.WAITS)
    elif statuses:
        query.add(_has_status(statuses))


def _add_channels(query: Query, db: Connection, ids: Sequence[int]) -> None:
    """Narrow to channels. Of words that old posts alone can have no newer ones are looked at."""
    query.add(_IN_CHANNELS[query.has_source], channels=ids)
    if not query.matches or query.few:
        return
    count, first, last = _OF_CHANNELS(db, ids=json.dumps(ids), most=_COUNTED).fetchone()
    if 0 < count <= _FEW:
        query.few = True
        query.add(f"{query.key} IN (SELECT id FROM posts WHERE channel_id IN :few)", few=ids)
    elif 0 < count < _COUNTED:
        query.add(f"{query.key} BETWEEN :first AND :last", first=first, last=last)


def _add_tags(query: Query, db: Connection, ids: Sequence[int]) -> None:
    """Narrow to posts with one of the tags: one by one, if words are wanted and the tags rare."""
    if query.matches and not query.few:
        (count,) = _WITH_TAGS(db, ids=json.dumps(ids), most=_FEW + 1).fetchone()
        if count <= _FEW:
            query.few = True
            of_tags = "SELECT post_id FROM post_tags WHERE tag_id IN :tags"
            query.add(f"{query.key} IN ({of_tags})", tags=ids)
            return
    query.add(_HAS_TAGS[query.has_source], tags=ids)


def _has_status(statuses: Iterable[str]) -> str:
    # Literals, not parameters: only then SQLite uses a partial index.
    known = [f"p.status = '{status}'" for status in statuses if status in STATUSES]
    return f"({' OR '.join(known)})"


def _add_queue(query: Query, db: Connection, wanted: PostFilter) -> None:
    """Narrow to the posts that a tagging run takes: failed in some way, due, stale."""
    if wanted.failures:
        query.add("p.failure IN :failures", failures=wanted.failures)
    if wanted.due_by is not None:
        query.add(
            "p.next_attempt_at <= :due OR p.next_attempt_at > :latest",
            due=to_text(wanted.due_by),
            latest=to_text(wanted.due_by + LONGEST_DELAY),
        )
    if wanted.attempts_below is not None:
        query.add("p.attempts < :below", below=wanted.attempts_below)
    if wanted.undone_since_run is not None:
        # A post with an answer, or that failed; not one in the middle of its turn, or edited since.
        query.add(
            "p.status = 'pending' OR NOT (EXISTS (SELECT 1 FROM attempts AS a "
            "WHERE a.post_id = p.id AND a.run_id >= :run "
            "AND (a.class IS NULL OR p.status = 'failed')) OR EXISTS "
            "(SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id AND l.run_id >= :run))",
            run=wanted.undone_since_run,
        )
    if wanted.stale_for:
        _add_stale(query, db, wanted.stale_for)


def _add_stale(query: Query, db: Connection, provenances: Sequence[Provenance]) -> None:
    """Narrow to the posts that none of these has tagged or skipped."""
    values: dict[str, object] = {}
    keys, same = [], []
    for at, one in enumerate(provenances):
        values[f"key{at}"] = answer_prefix(one)
        keys.append(f":key{at} || p.text_hash")
        parts = {"model": one.model, "prompt": one.prompt, "vocabulary": one.vocabulary}
        values |= {f"{name}{at}": value for name, value in parts.items() if value is not None}
        same.append(" AND ".join(
            f"l.{name} IS NULL" if value is None else f"l.{name} = :{name}{at}"
            for name, value in parts.items()
        ))  # fmt: skip
    unanswered = (
        "(p.text <> '' OR p.media_text <> '') "
        f"AND NOT EXISTS (SELECT 1 FROM answers WHERE key IN ({', '.join(keys)}))"
    )
    if origins.are_all(db, provenances):  # no tag is: so no post is looked at for its tags
        query.add("p.status = 'skipped'")
        query.add(unanswered, **values)
        return
    # Written so that no part is NULL: a link without a model is no other one's.
    is_same = f"coalesce(({') OR ('.join(same)}), FALSE)"
    query.add(
        f"CASE p.status WHEN 'skipped' THEN {unanswered} ELSE "
        "EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id "
        f"AND l.source NOT IN ({LASTING_SOURCES}) AND NOT {is_same}) END",
        **values,
    )


def _key_at(seconds: float) -> int:
    return int(seconds) << MESSAGE_BITS


# ---- a query's tree


def _add_tree(query: Query, db: Connection, wanted: tree.Query) -> None:
    """Narrow to the posts of a tree. What it wants of words finds the posts, if it can."""
    found = _with_words(wanted)
    if found is None:
        raise InputError("query_without_words")
    parts = found.parts if isinstance(found, AllOf) else (found,)
    words = [part for part in parts if _is_words(part)]
    expression = query.room.fulltext.expression(db, AllOf(tuple(words))) if words else None
    if expression is not None:
        query.match(db, expression)
        parts = tuple(part for part in parts if part not in words)
    for part in parts:
        _add_part(query, db, part)


def _add_part(query: Query, db: Connection, part: tree.Query) -> None:
    """Narrow to the posts of one part of a tree: by an index where there is one."""
    channels, tags = _values(part, "channel"), _values(part, "tag")
    if isinstance(part, Fact) and part.name == "status":
        _add_statuses(query, (part.value,))
    elif channels:
        _add_channels(query, db, [channel_id(db, name) for name in channels])
    elif tags:
        _add_tags(query, db, [tag_id(db, name) for name in tags])
    else:
        query.conditions.append(_Conditions(db, query).write(part))


def _values(part: tree.Query, name: tree.FactName) -> list[str]:
    """Return the values of a fact, or of any of several of this name; empty: it is another part."""
    parts = part.parts if isinstance(part, AnyOf) else (part,)
    found = [each.value for each in parts if isinstance(each, Fact) and each.name == name]
    return found if len(found) == len(parts) else []


def _with_words(part: tree.Query) -> tree.Query | None:
    """Return a tree without words that have no letter or digit; None: nothing is left."""
    match part:
        case Words(text):
            return part if next(tokens(folded(text)), None) else None
        case Not(inner):
            left = _with_words(inner)
            return None if left is None else Not(left)
        case AllOf(parts) | AnyOf(parts):
            kept = tuple(each for each in map(_with_words, parts) if each is not None)
            return type(part)(kept) if len(kept) > 1 else kept[0] if kept else None
    return part


def _is_words(part: tree.Query) -> bool:
    """Tell whether a part is made of words alone."""
    match part:
        case Words():
            return True
        case Not(inner):
            return _is_words(inner)
        case AllOf(parts) | AnyOf(parts):
            return all(map(_is_words, parts))
    return False


_MEDIA_OF: dict[str, tuple[str, ...]] = {
    "photo": ("photo",),
    "video": ("video", "round", "animation"),
    "audio": ("audio",),
    "voice": ("voice",),
    "file": ("document",),
    "poll": ("poll",),
    "link": ("webpage",),
}
"""The types of media that `has:` means."""

_TRAITS = {
    "forward": "p.forward IS NOT NULL",
    "reply": "(p.reply_to IS NOT NULL OR p.reply IS NOT NULL)",
    "edited": "p.edited IS NOT NULL",
    "deleted": "p.deleted IS NOT NULL",
    "failed": "p.status = 'failed'",
}


class _Conditions:
    """Writes parts of a tree as conditions on a row.

    No condition is NULL, so that NOT means what it says.
    """

    def __init__(self, db: Connection, query: Query) -> None:
        self._db = db
        self._query = query
        self._index = query.room.fulltext

    def write(self, part: tree.Query) -> Condition:
        expression = self._index.expression(self._db, part) if _is_words(part) else None
        if expression is not None:
            found = self._index.stands_in(self._db, expression)
            return self._query.condition(found, expression=expression)
        match part:
            case Not(inner):
                return _not(self.write(inner))
            case AllOf(parts):
                return _joined(" AND ", map(self.write, parts))
            case AnyOf(parts):
                return self._any(parts)
            case Dated(since, until):
                return self._between(since, until)
            case Fact():
                return self._fact(part)
        raise AssertionError(part)

    def _any(self, parts: Sequence[tree.Query]) -> Condition:
        """Write that a post has one of the parts: by a set of ids, if each has one in an index."""
        words = tuple(part for part in parts if _is_words(part))
        expression = self._index.expression(self._db, AnyOf(words)) if words else None
        others = [part for part in parts if expression is None or part not in words]
        if others and all(isinstance(part, Fact) and part.name == "tag" for part in others):
            ids = [tag_id(self._db, part.value) for part in others if isinstance(part, Fact)]
            tagged = "SELECT post_id FROM post_tags WHERE tag_id IN :tags"
            if expression is None:
                return self._query.condition(f"p.id IN ({tagged})", tags=ids)
            return self._query.condition(
                f"p.id IN ({self._index.FOUND} UNION {tagged})", expression=expression, tags=ids
            )
        return _joined(" OR ", map(self.write, parts))

    def _between(self, since: dt.datetime | None, until: dt.datetime | None) -> Condition:
        bounds = []
        if since is not None:
            key = _key_at(since.timestamp())
            bounds.append(self._query.condition(f"{self._query.key} >= :since", since=key))
        if until is not None:
            key = _key_at(until.timestamp())
            bounds.append(self._query.condition(f"{self._query.key} < :until", until=key))
        return _joined(" AND ", bounds) if bounds else Condition("(1 = 1)", {})

    def _fact(self, fact: Fact) -> Condition:
        write = self._query.condition
        match fact.name:
            case "channel":
                return write("p.channel_id = :channel", channel=channel_id(self._db, fact.value))
            case "tag":
                return write(_HAS_TAGS[True], tags=[tag_id(self._db, fact.value)])
            case "status":
                return write(_has_status((fact.value,)))
            case "is":
                return write(_TRAITS[fact.value])
        # The text of the JSON is searched: it is ours, without blanks, and this is ten times as
        # fast as reading it. A quotation mark within a value has a backslash before it.
        found = f"p.media IS NOT NULL AND ({_mentions('p.media', _MEDIA_OF[fact.value])})"
        if fact.value != "link":
            return write(found)
        links = f"p.entities IS NOT NULL AND ({_mentions('p.entities', ('url', 'text_link'))})"
        return write(f"({found}) OR ({links}) OR contains(p.text, '://')")


def _not(condition: Condition) -> Condition:
    return replace(condition, sql=f"(NOT {condition.sql})")


def _joined(word: str, conditions: Iterable[Condition]) -> Condition:
    parts = list(conditions)
    return Condition(f"({word.join(part.sql for part in parts)})", _values_of(parts))


def _mentions(column: str, types: Iterable[str]) -> str:
    return " OR ".join(f'contains({column}, \'"type":"{each}"\')' for each in types)
