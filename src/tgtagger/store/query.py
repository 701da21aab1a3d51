"""Build the SQL for a filter: channels, tags, times, words, what is due, and a query's tree.

A tag becomes a condition here, and words an expression of FTS5. The forms of a word are looked up
in the index's own list of terms (those with the same Snowball stem), not in a second, stemmed
index: the counts are the same for a fifth of the building time. The index folds case and accents
but keeps ё apart from е; the lookup joins them. Knows no columns of a record.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from sqlalchemy.engine import Connection

from tgtagger.decide import HUMAN, LONGEST_DELAY, answer_prefix
from tgtagger.errors import InputError
from tgtagger.model import query as tree
from tgtagger.model.choices import PostStatus
from tgtagger.model.posts import PostFilter
from tgtagger.model.query import AllOf, AnyOf, Dated, Fact, Not, Words
from tgtagger.store.lookup import channel_id, post_id, tag_id
from tgtagger.store.post_rows import MESSAGE_BITS
from tgtagger.store.sqlite.fulltext import folded
from tgtagger.store.times import to_text
from tgtagger.store.values import LARGEST

# CROSS JOIN: rows come in the order of the posts' ids, which is that of time; nothing is sorted.
_FROM = "posts AS p CROSS JOIN channels AS c ON c.id = p.channel_id"
_FROM_INDEX = f"posts_fts CROSS JOIN {_FROM} AND p.id = posts_fts.rowid"


# Keyed by whether the query has words. With words, each post that has them is checked. Without,
# ids come from an index, and posts are read in their order. Otherwise SQLite would sort whole
# records by time, in a file as large as all of them, or read every post for a tag that few have.
_IN_CHANNELS = {
    True: "p.channel_id IN ({})",
    False: "p.id IN (SELECT id FROM posts WHERE channel_id IN ({}))",
}
_HAS_TAGS = {
    True: "EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id AND l.tag_id IN ({}))",
    False: "p.id IN (SELECT post_id FROM post_tags WHERE tag_id IN ({}))",
}

STATUSES = frozenset(get_args(PostStatus))


@dataclass(slots=True)
class Query:
    """A SELECT of posts: its conditions, and the values of its parameters.

    `matches`: the full-text index gives the posts.
    """

    conditions: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    matches: bool = False

    def add(self, condition: str, *values: object) -> None:
        """Narrow by a condition in SQL, with the values of its parameters."""
        self.conditions.append(condition)
        self.values += values

    @property
    def key(self) -> str:
        """The column that orders the posts by time."""
        return "posts_fts.rowid" if self.matches else "p.id"

    def sql(self, columns: str, *, order: str | None = None, limit: int | None = None) -> str:
        """Return the SELECT of these columns; without an order the newest come first."""
        source = _FROM_INDEX if self.matches else _FROM
        where = f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""
        cut = f" LIMIT {min(int(limit), LARGEST)}" if limit is not None else ""
        order = order or f"{self.key} DESC"
        return f"SELECT {columns} FROM {source}{where} ORDER BY {order}{cut}"


def query_for(db: Connection, wanted: PostFilter) -> Query:
    """Return the query for a filter. Raises InputError for an unknown channel, tag or post."""
    query = Query()
    if wanted.query is not None:
        _add_tree(query, db, wanted.query)
    if wanted.channels:
        _add_channels(query, [channel_id(db, name) for name in wanted.channels])
    if wanted.since:
        query.add(f"{query.key} >= ?", _key_at(wanted.since.timestamp()))
    if wanted.until:
        query.add(f"{query.key} < ?", _key_at(wanted.until.timestamp()))
    if wanted.statuses:
        query.add(_has_status(wanted.statuses))
    if wanted.posts:
        ids = [post_id(db, name) for name in wanted.posts]
        query.add(f"p.id IN ({_marks(ids)})", *ids)
    for name in wanted.tags:
        _add_tags(query, [tag_id(db, name)])
    if wanted.any_tags:
        _add_tags(query, [tag_id(db, name) for name in wanted.any_tags])
    if wanted.not_tags:
        ids = [tag_id(db, name) for name in wanted.not_tags]
        query.add("NOT " + _HAS_TAGS[True].format(_marks(ids)), *ids)
    _add_queue(query, wanted)
    return query


def _add_channels(query: Query, ids: Sequence[int]) -> None:
    query.add(_IN_CHANNELS[query.matches].format(_marks(ids)), *ids)


def _add_tags(query: Query, ids: Sequence[int]) -> None:
    query.add(_HAS_TAGS[query.matches].format(_marks(ids)), *ids)


def _has_status(statuses: Iterable[str]) -> str:
    # Literals, not parameters: only then SQLite uses a partial index.
    known = [f"p.status = '{status}'" for status in statuses if status in STATUSES]
    return f"({' OR '.join(known)})"


def _add_queue(query: Query, wanted: PostFilter) -> None:
    """Narrow to the posts that a tagging run takes: failed in some way, due, stale."""
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
    if wanted.undone_since_run is not None:
        # A post with an answer, or that failed; not one in the middle of its turn, or edited since.
        query.add(
            "(p.status = 'pending' OR NOT (EXISTS (SELECT 1 FROM attempts AS a "
            "WHERE a.post_id = p.id AND a.run_id >= ? AND (a.class IS NULL OR p.status = 'failed'))"
            " OR EXISTS (SELECT 1 FROM post_tags AS l WHERE l.post_id = p.id AND l.run_id >= ?)))",
            wanted.undone_since_run,
            wanted.undone_since_run,
        )
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


# ---- a query's tree


def _add_tree(query: Query, db: Connection, wanted: tree.Query) -> None:
    """Narrow to the posts of a tree. What it wants of words finds the posts, if it can."""
    found = _with_words(wanted)
    if found is None:
        raise InputError("query_without_words")
    parts = found.parts if isinstance(found, AllOf) else (found,)
    words = [part for part in parts if _is_words(part)]
    expression = match_expression(db, AllOf(tuple(words))) if words else None
    if expression is not None:
        query.matches = True
        query.add("posts_fts MATCH ?", expression)
        parts = tuple(part for part in parts if part not in words)
    for part in parts:
        _add_part(query, db, part)


def _add_part(query: Query, db: Connection, part: tree.Query) -> None:
    """Narrow to the posts of one part of a tree: by an index where there is one."""
    channels, tags = _values(part, "channel"), _values(part, "tag")
    if channels:
        _add_channels(query, [channel_id(db, name) for name in channels])
    elif tags:
        _add_tags(query, [tag_id(db, name) for name in tags])
    else:
        conditions = _Conditions(db, query.key)
        query.add(conditions.write(part), *conditions.values)


def _values(part: tree.Query, name: tree.FactName) -> list[str]:
    """Return the values of a fact, or of any of several of this name; empty: it is another part."""
    parts = part.parts if isinstance(part, AnyOf) else (part,)
    found = [each.value for each in parts if isinstance(each, Fact) and each.name == name]
    return found if len(found) == len(parts) else []


def _with_words(part: tree.Query) -> tree.Query | None:
    """Return a tree without words that have no letter or digit; None: nothing is left."""
    match part:
        case Words(text):
            return part if next(_tokens(folded(text)), None) else None
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


def match_expression(db: Connection, part: tree.Query) -> str | None:
    """Return the FTS5 expression of a part made of words, each joined by its forms in the index.

    None: FTS5 has no expression for it, since its NOT wants something on its left.
    """
    match part:
        case Words():
            return _words(db, part)
        case AllOf(parts):
            wanted = [match_expression(db, each) for each in parts if not isinstance(each, Not)]
            unwanted = [match_expression(db, each.part) for each in parts if isinstance(each, Not)]
            if not wanted or None in wanted or None in unwanted:
                return None
            without = "".join(f" NOT {each}" for each in unwanted)
            return f"({' AND '.join(filter(None, wanted))}{without})"
        case AnyOf(parts):
            any_of = [match_expression(db, each) for each in parts]
            return None if None in any_of else f"({' OR '.join(filter(None, any_of))})"
    return None


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
    """Writes parts of a tree as conditions on a row; `values` are those of their parameters.

    No condition is NULL, so that NOT means what it says.
    """

    def __init__(self, db: Connection, key: str) -> None:
        self._db = db
        self._key = key
        self.values: list[Any] = []

    def write(self, part: tree.Query) -> str:
        expression = match_expression(self._db, part) if _is_words(part) else None
        if expression is not None:
            self.values.append(expression)
            return "p.id IN (SELECT rowid FROM posts_fts WHERE posts_fts MATCH ?)"
        match part:
            case Not(inner):
                return f"NOT ({self.write(inner)})"
            case AllOf(parts):
                return f"({' AND '.join(map(self.write, parts))})"
            case AnyOf(parts):
                return self._any(parts)
            case Dated(since, until):
                return self._between(since, until)
            case Fact():
                return self._fact(part)
        raise AssertionError(part)

    def _any(self, parts: Sequence[tree.Query]) -> str:
        """Write that a post has one of the parts: by a set of ids, if each has one in an index."""
        words = tuple(part for part in parts if _is_words(part))
        expression = match_expression(self._db, AnyOf(words)) if words else None
        others = [part for part in parts if expression is None or part not in words]
        if others and all(isinstance(part, Fact) and part.name == "tag" for part in others):
            sets = []
            if expression is not None:
                self.values.append(expression)
                sets.append("SELECT rowid FROM posts_fts WHERE posts_fts MATCH ?")
            ids = [tag_id(self._db, part.value) for part in others if isinstance(part, Fact)]
            self.values += ids
            sets.append(f"SELECT post_id FROM post_tags WHERE tag_id IN ({_marks(ids)})")
            return f"p.id IN ({' UNION '.join(sets)})"
        return f"({' OR '.join(map(self.write, parts))})"

    def _between(self, since: dt.datetime | None, until: dt.datetime | None) -> str:
        bounds = []
        for moment, sign in ((since, ">="), (until, "<")):
            if moment is not None:
                bounds.append(f"{self._key} {sign} ?")
                self.values.append(_key_at(moment.timestamp()))
        return f"({' AND '.join(bounds) or '1'})"

    def _fact(self, fact: Fact) -> str:
        match fact.name:
            case "channel":
                self.values.append(channel_id(self._db, fact.value))
                return "p.channel_id = ?"
            case "tag":
                self.values.append(tag_id(self._db, fact.value))
                return _HAS_TAGS[True].format("?")
            case "status":
                return _has_status((fact.value,))
            case "is":
                return _TRAITS[fact.value]
        # The text of the JSON is searched: it is ours, without blanks, and this is ten times as
        # fast as reading it. A quotation mark within a value has a backslash before it.
        kinds = [f'instr(p.media, \'"type":"{kind}"\') > 0' for kind in _MEDIA_OF[fact.value]]
        found = f"(p.media IS NOT NULL AND ({' OR '.join(kinds)}))"
        if fact.value != "link":
            return found
        links = " OR ".join(
            f'instr(p.entities, \'"type":"{kind}"\') > 0' for kind in ("url", "text_link")
        )
        return f"({found} OR (p.entities IS NOT NULL AND ({links})) OR instr(p.text, '://') > 0)"


# ---- words


def _words(db: Connection, words: Words) -> str:
    """Return the FTS5 expression of a word with its forms, of a phrase, or of a beginning.

    A word also stands as it was typed: FTS5 folds case as it did in the posts, while Python folds
    ß to ss and a ligature to its letters. One that splits in two (e-mail, C++20/23) is a phrase.
    """
    text = folded(words.text.replace("\0", " ").encode(errors="replace").decode())
    tokens = [*_tokens(text)]
    if words.kind == "beginning":
        more = _spellings(_bare(tokens[0].casefold())) if len(tokens) == 1 else ()
        return "(" + " OR ".join(f"{_quote(each)}*" for each in dict.fromkeys([text, *more])) + ")"
    if words.kind == "phrase" or len(tokens) > 1:
        return _quote(text)
    forms = dict.fromkeys([text, *_forms(db, tokens[0])])
    return "(" + " OR ".join(map(_quote, forms)) + ")"


def _quote(words: str) -> str:
    return '"' + words.replace('"', '""') + '"'


def _tokens(text: str) -> Iterator[str]:
    """Split as the index does: runs of letters, digits, marks and private-use characters."""
    word = ""
    for letter in text:
        if letter.isalnum() or _is_of_word(letter):
            word += letter
        elif word:
            yield word
            word = ""
    if word:
        yield word


def _is_of_word(letter: str) -> bool:
    return unicodedata.category(letter) in {"Mn", "Mc", "Co"} and not "\ufe00" <= letter <= "\ufe0f"


SHORTEST = 3
"""Shorter words (и, of) have no forms; they stand in every other post, so a lookup is slow."""
MAX_FORMS = 200
"""Most forms of one word in an expression: far more than any language has."""


def _forms(db: Connection, word: str) -> list[str]:
    word = word.casefold()
    forms = dict.fromkeys([word, *_spellings(_bare(word))])
    if len(word) < SHORTEST:
        return list(forms)
    stem = _stem(word)
    for beginning in _spellings(_common_beginning(word, stem)):
        rows = db.execute(
            "SELECT term FROM posts_fts_terms WHERE term >= ? AND term < ?",
            (beginning, beginning + "\U0010ffff"),
        )
        for (term,) in rows:
            if _stem(term) == stem:
                forms[term] = None
                if len(forms) == MAX_FORMS:
                    return list(forms)
    return list(forms)


def _common_beginning(word: str, stem: str) -> str:
    # A word does not always begin with its stem (city, cities → citi): use what both share.
    bare, stem = _bare(word), stem.removesuffix("i")
    shared = 0
    while shared < min(len(bare), len(stem)) and bare[shared] == stem[shared]:
        shared += 1
    return bare[:shared] or bare[:1]


def _spellings(beginning: str) -> Iterator[str]:
    """Yield a beginning as it is, and with each one е replaced by ё: no word has two ё."""
    yield beginning
    for at, letter in enumerate(beginning):
        if letter == "е":
            yield beginning[:at] + "ё" + beginning[at + 1 :]


_CYRILLIC = re.compile(r"[а-яё]")


def _bare(word: str) -> str:
    """Return a word as the index keeps it (no Latin accents), with е for ё."""
    bare = "".join(
        letter if _CYRILLIC.match(letter) else unicodedata.normalize("NFD", letter)[0]
        for letter in word
    )
    return bare.replace("ё", "е")


def _stem(word: str) -> str:
    bare = _bare(word)
    language = "russian" if _CYRILLIC.search(bare) else "english" if bare.isascii() else None
    stem: str = _stemmer(language).stemWord(bare) if language else bare
    return stem


@functools.cache
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(language)
