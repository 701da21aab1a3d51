"""Build the SQL for a filter: channels, tags, times, words, what is due.

A tag becomes a condition here, and words an expression of FTS5. The forms of a word are looked up
in the index's own list of terms (those with the same Snowball stem), not in a second, stemmed
index: the counts are the same for a fifth of the building time. The index folds case and accents
but keeps ё apart from е; the lookup joins them. Knows no columns of a record.
"""

from __future__ import annotations

import functools
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from tgtagger.decide import HUMAN, LONGEST_DELAY, answer_prefix
from tgtagger.errors import InputError
from tgtagger.model.choices import PostStatus
from tgtagger.model.posts import PostFilter
from tgtagger.store.lookup import channel_id, post_id, tag_id
from tgtagger.store.post_rows import MESSAGE_BITS
from tgtagger.store.times import to_text

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

LARGEST = 2**63 - 1
"""What SQLite takes for an integer; a user may write any number for "all"."""


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


def query_for(db: sqlite3.Connection, wanted: PostFilter) -> Query:
    """Return the query for a filter. Raises InputError for an unknown channel, tag or post."""
    query = Query()
    if wanted.query is not None:
        terms = parse_query(wanted.query)
        query.matches = not all(term.excluded for term in terms)
        query.add(
            "posts_fts MATCH ?"
            if query.matches
            else "p.id NOT IN (SELECT rowid FROM posts_fts WHERE posts_fts MATCH ?)",
            match_expression(db, terms),
        )
    if wanted.channels:
        ids = [channel_id(db, name) for name in wanted.channels]
        query.add(_IN_CHANNELS[query.matches].format(_marks(ids)), *ids)
    if wanted.since:
        query.add(f"{query.key} >= ?", _key_at(wanted.since.timestamp()))
    if wanted.until:
        query.add(f"{query.key} < ?", _key_at(wanted.until.timestamp()))
    if wanted.statuses:
        # Literals, not parameters: only then SQLite uses a partial index.
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


# ---- words


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a query: a word, a phrase, the beginning of a word (`prefix`), or an excluded one.

    `text` is what was typed: FTS5 splits it as it split the posts, by its own version of Unicode.
    """

    text: str
    words: tuple[str, ...]
    phrase: bool = False
    prefix: bool = False
    excluded: bool = False


_PART = re.compile(r'(?P<minus>-)?(?:"(?P<phrase>[^"]*)(?P<close>"?)|(?P<word>[^\s"]+))')


def parse_query(query: str) -> tuple[Term, ...]:
    """Read a query: words (all of them), "a phrase", begin*, -unwanted.

    Raises InputError for a quote that is not closed and for a query without a word.
    """
    terms: list[Term] = []
    for part in _PART.finditer(query):
        if part["word"] is None and not part["close"]:
            raise InputError("query_quote_open")
        text = part["word"] if part["phrase"] is None else part["phrase"]
        prefix = part["word"] is not None and text.endswith("*")
        text = text.replace("\0", " ").encode(errors="replace").decode()
        words = tuple(_tokens(text))
        if words:
            # A word that splits in two (e-mail, C++20/23) is searched as a phrase.
            phrase = part["phrase"] is not None or len(words) > 1
            terms.append(Term(text, words, phrase, prefix, bool(part["minus"])))
    if not terms:
        raise InputError("query_without_words")
    return tuple(dict.fromkeys(terms))


def match_expression(db: sqlite3.Connection, terms: Iterable[Term]) -> str:
    """Return the FTS5 expression for a query, each word joined by its forms in the index.

    If all terms are excluded ones, it finds the posts that have any of them, since FTS5 has no NOT
    without a left side. Each word also stands as it was typed: FTS5 folds case as it did in the
    posts, while Python folds ß to ss and a ligature to its letters.
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for term in terms:
        expression = _quote(term.text)
        if term.prefix:
            expression += "*"
        elif not term.phrase:
            words = dict.fromkeys([term.text, *_forms(db, term.words[0])])
            expression = "(" + " OR ".join(map(_quote, words)) + ")"
        (unwanted if term.excluded else wanted).append(expression)
    if not wanted:
        return " OR ".join(unwanted)
    return " AND ".join(wanted) + "".join(f" NOT {expression}" for expression in unwanted)


def _quote(words: str) -> str:
    return '"' + words.replace('"', '""') + '"'


def _tokens(text: str) -> Iterator[str]:
    """Split as the index does: runs of letters, digits, marks and private-use characters."""
    for run in re.split(r"[^\w\u0300-\u036f\ue000-\uf8ff]|_", text):
        if run:
            yield run


SHORTEST = 3
"""Shorter words (и, of) have no forms; they stand in every other post, so a lookup is slow."""
MAX_FORMS = 200
"""Most forms of one word in an expression: far more than any language has."""


def _forms(db: sqlite3.Connection, word: str) -> list[str]:
    word = word.casefold()
    forms = {word: None}
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
