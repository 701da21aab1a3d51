"""The archive's tags: find, make, count and list them.

Knows neither what a valid tag is (`vocabulary`) nor what people decide about tags (`curation`).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tgtagger import vocabulary
from tgtagger.decide import HUMAN
from tgtagger.errors import InputError
from tgtagger.model.events import OnSteps, unheard
from tgtagger.model.tags import ListedTag, TagCompletion, TagCount
from tgtagger.store import together
from tgtagger.store.checks import RowCheck, parsed
from tgtagger.store.database import Part
from tgtagger.store.recording import NEXT_TAG
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.times import from_text, moment, now
from tgtagger.store.values import INTEGER, TIME, or_null, value_of
from tgtagger.vocabulary import Suggestion, VocabularyEntry, suggest

_TAG_ID = RowCheck(INTEGER)
_APART = RowCheck("tags_apart.one", "tags_apart.other")
_NAMED = RowCheck("tags.id", "tags.name")
_DESCRIBED = RowCheck("tags.id", "tags.name", "tags.description")
_USED_BY = RowCheck("tags.name", INTEGER)
_COUNTS = RowCheck(INTEGER, INTEGER)
_COMPLETION = RowCheck("tags.name", "tag_aliases.name", INTEGER)
_NAMES = RowCheck("tag_changes.names")
_ALIAS = RowCheck("tag_aliases.tag_id", "tag_aliases.name")
_CALLED_ROW = RowCheck("tags.id", "tags.name", INTEGER)
_LISTED = RowCheck("tags.id", "tags.name", INTEGER, "tags.added_at")
_COUNTED = RowCheck(
    "tags.id",
    "tags.name",
    INTEGER,
    or_null(value_of("post_tags.source")),
    or_null(TIME),
    "tags.added_at",
)

USES = "(SELECT tag_id, sum(posts) AS posts FROM tag_uses GROUP BY tag_id)"
"""SQL: the tags in use, and the posts of each; not one by one: it is one table."""


_FIND = Statement(
    "SELECT id FROM tags WHERE key = :key UNION ALL SELECT tag_id FROM tag_aliases WHERE key = :key"
)
_IS_DECIDED = Statement(
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM tag_aliases) OR EXISTS (SELECT 1 FROM barred_tags)"
)
_DECIDED_BETWEEN = Statement(
    "SELECT tag_id, name FROM tag_aliases WHERE key >= :start AND key < :end UNION ALL "
    "SELECT id, name FROM tags WHERE key >= :start AND key < :end "
    "AND id IN (SELECT tag_id FROM barred_tags) ORDER BY 1"
)
_MAKE = Statement(
    f"INSERT INTO tags (id, name, key, added_at) VALUES ({NEXT_TAG}, :name, :key, :at) RETURNING id"
)


def find_tag(db: Connection, name: str) -> int | None:
    """Return the id of the tag that a name or an alias stands for; None if there is none."""
    key = vocabulary.key(name)
    found = _FIND(db, key=key).fetchone()
    return int(_TAG_ID(found)[0]) if found else None


def find_decided(db: Connection, name: str) -> int | None:
    """Return the id of a tag of which a person decided, and of which a name is a form; else None.

    That is the tag of an alias, a merged or a renamed one's too, or a blocked tag.
    """
    if _IS_DECIDED(db).fetchone() is None:
        return None
    for start in sorted(vocabulary.starts_of_forms(name)):
        rows = _DECIDED_BETWEEN(db, start=start, end=start + "\U0010ffff")
        for tag, spelling in map(_NAMED, rows):
            if vocabulary.are_forms(name, spelling):
                return int(tag)
    return None


def make_tag(db: Connection, name: str, now: str) -> int:
    """Make a new tag; return its id."""
    (made,) = _MAKE(db, name=name, key=vocabulary.key(name), at=now).fetchone()
    return int(made)


_UNUSED = Statement(
    "SELECT id, name, 0, NULL, NULL, added_at FROM tags "
    "WHERE id NOT IN (SELECT tag_id FROM barred_tags) "
    "AND NOT EXISTS (SELECT 1 FROM post_tags WHERE tag_id = tags.id) ORDER BY name"
)
_USED = Statement(
    "SELECT t.id, t.name, l.posts, l.source, l.latest, t.added_at "
    "FROM tag_uses AS l JOIN tags AS t ON t.id = l.tag_id"
)
LISTED = Statement(
    f"SELECT t.id, t.name, coalesce(n.posts, 0), t.added_at FROM tags AS t LEFT JOIN {USES} AS n "
    "ON n.tag_id = t.id WHERE t.id NOT IN (SELECT tag_id FROM barred_tags) ORDER BY 3 DESC, t.name"
)
_BEGINNING = Statement(
    "SELECT id, name FROM tags WHERE key >= :key AND key < :end "
    "AND substr(name, 1, :letters) = :text ORDER BY id LIMIT :looked_at"
)
_POSTS_OF = Statement(  # of some, which a server counts alone
    "SELECT tag_id, sum(posts) FROM tag_uses WHERE tag_id IN few(:tags) GROUP BY tag_id"
)
_MOST_USED = Statement(
    f"SELECT t.id, t.name FROM tags AS t LEFT JOIN {USES} AS n ON n.tag_id = t.id "
    "WHERE t.id NOT IN (SELECT tag_id FROM barred_tags) "
    "ORDER BY coalesce(n.posts, 0) DESC, t.id LIMIT :most"
)
_BLOCKED = Statement(
    "SELECT t.id, t.name FROM barred_tags AS b JOIN tags AS t ON t.id = b.tag_id ORDER BY t.id"
)
_DESCRIBED_TAGS = Statement(
    f"SELECT t.id, t.name, t.description FROM {USES} AS n JOIN tags AS t ON t.id = n.tag_id "
    "ORDER BY n.posts DESC, t.name LIMIT :most"
)
# By their names of now: what one was called when a person said so is an alias of it by now.
_PAIRS_APART = Statement(
    "SELECT coalesce(t.key, p.one), coalesce(u.key, p.other) FROM tags_apart AS p "
    "LEFT JOIN tag_aliases AS a ON a.key = p.one LEFT JOIN tags AS t ON t.id = a.tag_id "
    "LEFT JOIN tag_aliases AS b ON b.key = p.other LEFT JOIN tags AS u ON u.id = b.tag_id"
)
_KEEP_APART = Statement(
    "INSERT INTO tags_apart (one, other, at) VALUES (:one, :other, :at) ON CONFLICT DO NOTHING"
)
_IS_TAG = Statement(
    "SELECT 1 FROM tags WHERE key = :key AND id NOT IN (SELECT tag_id FROM barred_tags)"
)
_USED_BETWEEN = Statement(
    "SELECT name, (SELECT count(*) FROM post_tags WHERE tag_id = tags.id) AS posts "
    "FROM tags WHERE key >= :start AND key < :end ORDER BY posts DESC, name"
)
BY_HAND = Statement(
    "SELECT l.post_id, t.name FROM listed(:posts) AS j CROSS JOIN post_tags AS l "
    f"ON l.post_id = j.value AND l.source = '{HUMAN}' CROSS JOIN tags AS t ON t.id = l.tag_id "
    "ORDER BY l.position"
)
COMPLETIONS = Statement("""
    WITH named (tag_id, alias) AS (
        SELECT * FROM (SELECT id, name FROM tags
            WHERE key >= :key AND key < :end ORDER BY id LIMIT 300) AS a
        UNION ALL SELECT * FROM (SELECT tag_id, name FROM tag_aliases
            WHERE key >= :key AND key < :end ORDER BY key LIMIT 100) AS b)
    SELECT t.name, n.alias,
        (SELECT count(*) FROM (SELECT 1 FROM post_tags WHERE tag_id = t.id LIMIT 1000) AS few)
    FROM named AS n JOIN tags AS t ON t.id = n.tag_id
    WHERE t.id NOT IN (SELECT tag_id FROM barred_tags)""")
"""The tags whose name or alias begins so, of many the oldest, which are common.

Their posts are counted up to a thousand.
"""
_CALLED = Statement(
    "SELECT id, name, (SELECT count(*) FROM barred_tags WHERE tag_id = tags.id) FROM tags "
    "WHERE id = :tag"
)
_GIVEN_LAST = Statement(
    "SELECT names FROM tag_changes WHERE what = 'add' ORDER BY id DESC LIMIT 30"
)
_ROW = Statement("SELECT id, name FROM tags WHERE id = :id")
_ALIASES = Statement("SELECT tag_id, name FROM tag_aliases ORDER BY key")


class Tags(Part):
    """The archive's tags, as people and taggers see them."""

    def counts(self, *, unused: bool = False) -> tuple[TagCount, ...]:
        """Return the tags and their use, the most used first; or only those that no post has."""
        with self._database.read() as db:
            aliases = _aliases(db)
            found: dict[int, TagCount] = {}
            for row in map(_COUNTED, (_UNUSED if unused else _USED)(db)):
                tag, name, posts, source, latest, added = row
                sources = () if source is None else (source,)
                last_used, names = from_text(latest), aliases.get(tag, ())
                count = TagCount(name, posts, sources, last_used, names, moment(added))
                found[tag] = _together(found[tag], count) if tag in found else count
        return tuple(sorted(found.values(), key=lambda each: (-each.posts, each.name)))

    def listed(self) -> tuple[ListedTag, ...]:
        """Return all tags but the blocked ones, the most used first; far quicker than `counts`."""
        with self._database.read() as db:
            aliases = _aliases(db)
            return tuple(
                ListedTag(name, posts, aliases.get(tag, ()), moment(added))
                for tag, name, posts, added in map(_LISTED, LISTED(db))
            )

    def beginning(self, text: str, most: int) -> tuple[tuple[str, int], ...]:
        """Return (tag, posts) of up to `most` tags that begin with a text, the most used first."""
        with self._database.read() as db:
            key = vocabulary.key(text)
            rows = _BEGINNING(
                db,
                key=key,
                end=key + "\U0010ffff",
                letters=len(text),
                text=text,
                looked_at=LOOKED_AT,
            )
            names = dict(map(_NAMED, rows))
            posts = dict(map(_COUNTS, _POSTS_OF(db, tags=json.dumps([*names]))))
        found = [(name, posts.get(tag, 0)) for tag, name in names.items()]
        return tuple(sorted(found, key=lambda item: (-item[1], item[0]))[:most])

    def given_by_hand(self, posts: Sequence[int]) -> dict[int, frozenset[str]]:
        """Return the tags that a person gave to posts, by their inner ids."""
        with self._database.read() as db:
            found: dict[int, set[str]] = {}
            for post, name in map(_NAMED, BY_HAND(db, posts=json.dumps(list(posts)))):
                found.setdefault(post, set()).add(name)
        return {post: frozenset(names) for post, names in found.items()}

    def completions(self, text: str, most: int = 8) -> tuple[TagCompletion, ...]:
        """Return up to `most` tags for the beginning of a name or an alias, the most used first.

        A tag of which the whole text is another form comes first. For no text: the tags that a
        person gave last.
        """
        with self._database.read() as db:
            if not text.strip():
                return tuple(_given_last(db, most))
            key = vocabulary.key(text)
            rows = COMPLETIONS(db, key=key, end=key + "\U0010ffff")
            found = [
                TagCompletion(name, posts, None if alias == name else alias)
                for name, alias, posts in map(_COMPLETION, rows)
            ]
            form = None if find_tag(db, text) is not None else _form_in_use(db, text)
        if form is not None and form not in {item.name for item in found}:
            found.insert(0, TagCompletion(form, None, text, is_form=True))
        once = {item.name: item for item in reversed(found)}
        is_whole = {name for name in once if vocabulary.key(name) == key}
        order = sorted(once.values(), key=lambda item: (
            not item.is_form, item.name not in is_whole, -(item.posts or 0), item.name
        ))  # fmt: skip
        return tuple(order[:most])

    def most_used(self, most: int = 50_000) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return (tag, aliases) of up to `most` tags, the most used first."""
        with self._database.read() as db:
            aliases = _aliases(db)
            rows = _MOST_USED(db, most=most)
            return tuple((name, aliases.get(tag, ())) for tag, name in map(_NAMED, rows))

    def blocked(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return (tag, aliases) of the blocked tags, which no machine gives."""
        with self._database.read() as db:
            aliases = _aliases(db)
            rows = _BLOCKED(db)
            return tuple((name, aliases.get(tag, ())) for tag, name in map(_NAMED, rows))

    def called(self, names: Sequence[str]) -> dict[str, str | None]:
        """Return what tags of these names are called by now; None: blocked. New ones are left out.

        A person may have renamed one, or merged it into another. A form of such a name is it, too.
        """
        with self._database.read() as db:
            found: dict[str, str | None] = {}
            for name in names:
                tag = find_tag(db, name)
                if tag is None:
                    tag = find_decided(db, name)
                if tag is not None:
                    _, called, is_blocked = _CALLED_ROW(_CALLED(db, tag=tag).fetchone())
                    found[name] = None if is_blocked else str(called)
            return found

    def forms_of_new(self, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return (name, tag) for names that no tag has, and of which a tag in use is a form."""
        with self._database.read() as db:
            found = []
            for name in map(vocabulary.normalise, names):
                form = None if find_tag(db, name) is not None else _form_in_use(db, name)
                if form is not None:
                    found.append((name, form))
            return tuple(found)

    def described(self, most: int) -> tuple[VocabularyEntry, ...]:
        """Return the tags in use as entries of a vocabulary, the most used first."""
        with self._database.read() as db:
            aliases = _aliases(db)
            rows = _DESCRIBED_TAGS(db, most=most)
            return tuple(
                VocabularyEntry(name, description, aliases.get(tag, ()))
                for tag, name, description in map(_DESCRIBED, rows)
            )

    def suggest_merges(self, on_steps: OnSteps = unheard) -> tuple[Suggestion, ...]:
        """Return which tags probably mean the same, without those that a person keeps apart."""
        with self._database.read() as db:
            used = together.used(db)
            on_steps(1, 3)
            shared = together.shared_posts(db, used)
            on_steps(2, 3)
            apart = _pairs_apart(db)
            counts = dict(used.values())
            suggested = suggest(counts, shared, together.beside(db, used))
        found = []
        for item in suggested:
            names = tuple(name for name in item.names if _pair(name, item.into) not in apart)
            if names:
                posts = sum(counts.get(name, 0) for name in (*names, item.into))
                is_whole = names == item.names
                found.append(item if is_whole else replace(item, names=names, posts=posts))
        return tuple(found)

    def still_open(self, found: Sequence[Suggestion]) -> tuple[Suggestion, ...]:
        """Return those of earlier suggestions whose tags are still there, and are not kept apart.

        Far quicker than to make them anew: a person answers one after the other.
        """
        with self._database.read() as db:
            apart = _pairs_apart(db)
            return tuple(
                item
                for item in found
                if all(_is_tag(db, name) for name in (*item.names, item.into))
                and not any(_pair(name, item.into) in apart for name in item.names)
            )

    def keep_apart(self, names: Sequence[str], other: str) -> None:
        """Remember that a person keeps tags apart: they are never suggested as one again."""
        with self._database.write() as db:
            for name in (*names, other):
                if find_tag(db, name) is None:
                    raise InputError("tag_unknown", name=name, near=())
            _KEEP_APART.many(db, [(*_pair(name, other), now()) for name in names])


def _together(one: TagCount, other: TagCount) -> TagCount:
    """Return the count of a tag from the counts of its sources."""
    return replace(
        one,
        posts=one.posts + other.posts,
        sources=tuple(sorted((*one.sources, *other.sources))),
        last_used=max(filter(None, (one.last_used, other.last_used)), default=None),
    )


def _is_tag(db: Connection, name: str) -> bool:
    """Tell whether a tag has this name, not only an alias, and no person has blocked it."""
    return _IS_TAG(db, key=vocabulary.key(name)).fetchone() is not None


def _pairs_apart(db: Connection) -> set[tuple[str, str]]:
    return {_pair(one, other) for one, other in map(_APART, _PAIRS_APART(db))}


def _pair(one: str, other: str) -> tuple[str, str]:
    first, second = sorted((vocabulary.key(one), vocabulary.key(other)))
    return first, second


def _form_in_use(db: Connection, name: str) -> str | None:
    """Return the most used tag that is another form of a name."""
    for start in sorted(vocabulary.starts_of_forms(name)):
        rows = _USED_BETWEEN(db, start=start, end=start + "\U0010ffff")
        for known, posts in map(_USED_BY, rows):
            if posts and vocabulary.are_forms(name, known):
                return str(known)
    return None


def _given_last(db: Connection, most: int) -> Iterator[TagCompletion]:
    names = dict.fromkeys(name for row in map(_NAMES, _GIVEN_LAST(db)) for name in parsed(row[0]))
    for name in itertools.islice(names, most):
        tag = find_tag(db, name)
        if tag is not None:
            yield TagCompletion(_NAMED(_ROW(db, id=tag).fetchone())[1], None)


LOOKED_AT = 500
"""Of tags that begin alike, so many are looked at: the oldest, which are common."""


def _aliases(db: Connection) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for tag, name in map(_ALIAS, _ALIASES(db)):
        found[tag] = (*found.get(tag, ()), name)
    return found
