"""What people decide about tags: names, aliases, tags of single posts, blocked tags.

Each method returns what it changed, and raises InputError for an unknown name, with similar ones. A
renamed tag keeps its old name as an alias, so that taggers that give the old name give this tag.
Knows nothing of taggers: `queue` applies these decisions to their results.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from tgtagger import vocabulary
from tgtagger.decide import AGENT, HUMAN
from tgtagger.errors import InputError
from tgtagger.model.changes import Adoption, TagChange
from tgtagger.model.choices import LinkSource, TagChangeKind
from tgtagger.model.events import OnSteps, unheard
from tgtagger.model.posts import PostFilter
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part
from tgtagger.store.lookup import post_id, tag_id
from tgtagger.store.query import query_for
from tgtagger.store.recording import FREE_PLACE, recording
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.tags import find_tag, make_tag
from tgtagger.store.times import now
from tgtagger.store.values import INTEGER

_NAME = RowCheck("tags.name")
_NAME_AND_KEY = RowCheck("tags.name", "tags.key")
_ALIAS = RowCheck("tag_aliases.name")
_BOTH = RowCheck(
    INTEGER, "post_tags.position", "post_tags.source", "post_tags.position", "post_tags.source"
)


_FREE_KEY = Statement("DELETE FROM tag_aliases WHERE key = :key")
_RENAME = Statement("UPDATE tags SET name = :name, key = :key, named_at = :at WHERE id = :tag")
_ADD_ALIAS = Statement("INSERT INTO tag_aliases (key, name, tag_id) VALUES (:key, :name, :tag)")
_REMOVE_ALIAS = Statement("DELETE FROM tag_aliases WHERE key = :key AND tag_id = :tag")
_MOVE_ALIASES = Statement("UPDATE tag_aliases SET tag_id = :target WHERE tag_id = :tag")
_ALIASES = Statement("SELECT name FROM tag_aliases WHERE tag_id = :tag ORDER BY key")
_DELETE = Statement("DELETE FROM tags WHERE id = :tag")
_ROW = Statement("SELECT name, key FROM tags WHERE id = :tag")
_BLOCK = Statement(
    "INSERT INTO barred_tags (tag_id, barred_at) VALUES (:tag, :at) ON CONFLICT (tag_id) DO NOTHING"
)
_UNBLOCK = Statement("DELETE FROM barred_tags WHERE tag_id = :tag")
_POSTS_WITH = Statement("SELECT post_id FROM post_tags WHERE tag_id = :tag")
_COUNT = Statement("SELECT count(*) FROM post_tags WHERE tag_id = :tag")
_WITH_BOTH = Statement(
    "SELECT a.post_id, a.position, a.source, b.position, b.source FROM post_tags AS a "
    "JOIN post_tags AS b ON b.post_id = a.post_id AND b.tag_id = :target WHERE a.tag_id = :tag"
)
_UNLINK = Statement(
    "DELETE FROM post_tags WHERE post_id IN listed(:posts) AND tag_id = :tag RETURNING post_id"
)
_UNLINK_ALL = Statement("DELETE FROM post_tags WHERE tag_id = :tag")
_PLACE = Statement(
    "UPDATE post_tags SET position = :position WHERE post_id = :post AND tag_id = :tag"
)
_MOVE_LINKS = Statement("UPDATE post_tags SET tag_id = :target WHERE tag_id = :tag")
_MAKE = Statement(
    "UPDATE post_tags SET source = :source, model = NULL, prompt = NULL, vocabulary = NULL, "
    "run_id = NULL WHERE post_id IN listed(:posts) AND tag_id = :tag RETURNING post_id"
)
_GIVE = Statement(
    "INSERT INTO post_tags (post_id, position, tag_id, source, added_at) "
    f"SELECT given.value, {FREE_PLACE.replace(':post', 'given.value')}, :tag, '{HUMAN}', :at "
    "FROM listed(:posts) AS given"
)
_NAMES_OF = Statement(
    "SELECT t.name FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id "
    "WHERE l.post_id = :post ORDER BY l.position"
)
_TAKE_OFF = Statement(
    "INSERT INTO removed_tags (post_id, tag_id, removed_at) VALUES (:post, :tag, :at) "
    "ON CONFLICT (post_id, tag_id) DO NOTHING"
)
_TAKE_OFF_ALL = Statement(
    "INSERT INTO removed_tags (post_id, tag_id, removed_at) "
    "SELECT post_id, tag_id, :at FROM post_tags WHERE tag_id = :tag "
    "ON CONFLICT (post_id, tag_id) DO NOTHING"
)
_ALLOW = Statement("DELETE FROM removed_tags WHERE post_id IN listed(:posts) AND tag_id = :tag")
# A tag taken off a post stays off under the new name, unless the post has the target.
_MOVE_REMOVED = Statement(
    "INSERT INTO removed_tags (post_id, tag_id, removed_at) "
    "SELECT post_id, :target, removed_at FROM removed_tags WHERE tag_id = :tag "
    "ON CONFLICT (post_id, tag_id) DO NOTHING"
)
_ALLOW_PRESENT = Statement(
    "DELETE FROM removed_tags WHERE tag_id = :tag "
    "AND post_id IN (SELECT post_id FROM post_tags WHERE tag_id = :tag)"
)


class Curation(Part):
    """What people decide about tags. `dry_run`: return what would change, and change nothing."""

    def rename(self, old: str, new: str, *, dry_run: bool = False) -> TagChange:
        """Give a tag another name; the old one becomes an alias."""
        with (
            self._database.write(dry_run=dry_run) as db,
            recording(db, "rename", (old, new)) as recorded,
        ):
            tag = _rename(db, old, new)
            change = _changed(db, tag, _count(db, tag))
        return recorded.numbered(change)

    def merge(
        self,
        names: Sequence[str],
        into: str,
        *,
        dry_run: bool = False,
        on_steps: OnSteps = unheard,
    ) -> TagChange:
        """Merge tags into one; their names become aliases of it.

        A link that a person gave or removed counts for the tag that remains. A post that has
        another one of the tags keeps that.
        """
        with (
            self._database.write(dry_run=dry_run) as db,
            recording(db, "merge", (*names, into)) as recorded,
        ):
            change = _merge(db, names, into, on_steps)
        return recorded.numbered(change)

    def add_aliases(self, tag_name: str, names: Sequence[str]) -> TagChange:
        """Add aliases to a tag."""
        with self._database.write() as db, recording(db, "alias", (tag_name, *names)) as recorded:
            change = _changed(db, _add_aliases(db, tag_name, names), 0)
        return recorded.numbered(change)

    def adopt(self, found: Sequence[Adoption]) -> None:
        """Make the tags of each group one, under its name and with its aliases; all one change."""
        names = [name for each in found for name in (each.name, *each.merged)]
        what: TagChangeKind = "merge" if any(each.merged for each in found) else "alias"
        with self._database.write() as db, recording(db, what, names):
            for each in found:
                if each.merged:
                    _merge(db, each.merged, each.tag)
                if each.name != each.tag:
                    _rename(db, each.tag, each.name)
                _add_aliases(db, each.name, each.added)

    def remove_aliases(self, tag_name: str, names: Sequence[str]) -> TagChange:
        """Remove aliases of a tag."""
        with self._database.write() as db, recording(db, "unalias", (tag_name, *names)) as recorded:
            tag = tag_id(db, tag_name)
            for name in names:
                done = _REMOVE_ALIAS(db, key=vocabulary.key(name), tag=tag)
                if not done.rowcount:
                    aliases = _aliases(db, tag)
                    raise InputError(
                        "alias_unknown", name=name, tag=_name(db, tag), aliases=aliases
                    )
            change = _changed(db, tag, 0)
        return recorded.numbered(change)

    def remove(
        self, names: Sequence[str], *, dry_run: bool = False, on_steps: OnSteps = unheard
    ) -> tuple[TagChange, ...]:
        """Take tags off all posts and block them: no machine gives them again, by any name."""
        with (
            self._database.write(dry_run=dry_run) as db,
            recording(db, "remove", names) as recorded,
        ):
            changes = []
            for done, name in enumerate(names, 1):
                changes.append(_remove(db, name, now()))
                on_steps(done, 2 * len(names))
        return tuple(map(recorded.numbered, changes))

    def block(self, names: Sequence[str]) -> TagChange:
        """Block tags as `remove` does, also those that the archive does not have yet."""
        with self._database.write() as db, recording(db, "remove", names) as recorded:
            for name in map(_checked, names):
                if find_tag(db, name) is None:
                    make_tag(db, name, now())
            changes = [_remove(db, name, now()) for name in names]
            posts = sum(each.posts for each in changes)
            change = TagChange(tuple(each.names[0] for each in changes), (), posts)
        return recorded.numbered(change)

    def add(self, post: str, names: Sequence[str]) -> TagChange:
        """Give a post tags in a person's name: no machine changes them."""
        with self._database.write() as db, recording(db, "add", names) as recorded:
            owner = post_id(db, post)
            _give(db, [owner], names)
            change = _of_post(db, owner)
        return recorded.numbered(change)

    def drop(self, post: str, names: Sequence[str]) -> TagChange:
        """Take tags off a post for good: no machine gives them to it again."""
        with self._database.write() as db, recording(db, "drop", names) as recorded:
            owner = post_id(db, post)
            for name in names:
                if not _take(db, [owner], tag_id(db, name)):
                    tags = _of_post(db, owner).names
                    raise InputError("post_without_tag", name=name, tags=tags)
            change = _of_post(db, owner)
        return recorded.numbered(change)

    def add_to(
        self, wanted: PostFilter, names: Sequence[str], *, dry_run: bool = False
    ) -> TagChange:
        """Give the posts of a filter tags in a person's name; count those that lacked one."""
        with (
            self._database.write(dry_run=dry_run) as db,
            recording(db, "add", names) as recorded,
        ):
            change = _give(db, _picked(db, wanted), names)
        return recorded.numbered(change)

    def drop_from(
        self, wanted: PostFilter, names: Sequence[str], *, dry_run: bool = False
    ) -> TagChange:
        """Take tags off the posts of a filter for good; count those that had one."""
        with (
            self._database.write(dry_run=dry_run) as db,
            recording(db, "drop", names) as recorded,
        ):
            tags = list(dict.fromkeys(tag_id(db, name) for name in names))
            posts = _picked(db, wanted)
            changed = set[int]().union(*(_take(db, posts, tag) for tag in tags))
            change = TagChange(tuple(_name(db, tag) for tag in tags), (), len(changed))
        return recorded.numbered(change)


def _pour(db: Connection, tag: int, target: int) -> set[int]:
    posts = {post for (post,) in _POSTS_WITH(db, tag=tag)}
    both = [_BOTH(row) for row in _WITH_BOTH(db, target=target, tag=tag)]
    _UNLINK(db, posts=json.dumps([post for post, *_ in both]), tag=tag)
    lasting: dict[LinkSource, list[int]] = {HUMAN: [], AGENT: []}
    for post, _, source, _, other_source in both:
        if source == HUMAN or (source == AGENT and other_source != HUMAN):
            lasting[source].append(post)
    for source, kept in lasting.items():
        _make(db, kept, target, source)
    _PLACE.many(db, [(min(one, other), post, target) for post, one, _, other, _ in both])
    _MOVE_LINKS(db, target=target, tag=tag)
    _MOVE_REMOVED(db, target=target, tag=tag)
    _ALLOW_PRESENT(db, tag=target)
    name, key = _row(db, tag)
    _MOVE_ALIASES(db, target=target, tag=tag)
    _DELETE(db, tag=tag)
    _ADD_ALIAS(db, key=key, name=name, tag=target)
    return posts


# ---- parts


def _rename(db: Connection, old: str, new: str) -> int:
    tag = tag_id(db, old)
    name = _checked(new)
    key = vocabulary.key(name)
    known = find_tag(db, name)
    if known not in {None, tag}:
        raise InputError("tag_exists", tag=_name(db, known), name=old, into=new)
    before, before_key = _row(db, tag)
    _FREE_KEY(db, key=key)
    _RENAME(db, name=name, key=key, at=now(), tag=tag)
    if before_key != key:
        _ADD_ALIAS(db, key=before_key, name=before, tag=tag)
    return tag


def _merge(
    db: Connection, names: Sequence[str], into: str, on_steps: OnSteps = unheard
) -> TagChange:
    tags = dict.fromkeys(tag_id(db, name) for name in names)
    try:
        target = tag_id(db, into)
    except InputError as error:
        if error.kind != "tag_unknown":
            raise
        # A missing tag is not made here: a typing error would make one.
        raise InputError("merge_target_unknown", **error.data, first=names[0]) from None
    _UNBLOCK(db, tag=target)
    posts: set[int] = set()
    for done, tag in enumerate(tags, 1):
        if tag != target:
            posts |= _pour(db, tag, target)
        on_steps(done, 2 * len(tags))  # the other half is to record it
    return _changed(db, target, len(posts))


def _add_aliases(db: Connection, tag_name: str, names: Sequence[str]) -> int:
    tag = tag_id(db, tag_name)
    for name in map(_checked, names):
        known = find_tag(db, name)
        if known is None:
            _ADD_ALIAS(db, key=vocabulary.key(name), name=name, tag=tag)
        elif known != tag:
            raise InputError("alias_of_another_tag", tag=_name(db, known), name=name, into=tag_name)
    return tag


def _remove(db: Connection, name: str, at: str) -> TagChange:
    tag = tag_id(db, name)
    _TAKE_OFF_ALL(db, at=at, tag=tag)
    posts = _UNLINK_ALL(db, tag=tag).rowcount
    _BLOCK(db, tag=tag, at=at)
    return _changed(db, tag, posts)


def _picked(db: Connection, wanted: PostFilter) -> list[int]:
    query = query_for(db, wanted)
    return [post for (post,) in query.select("p.id", limit=wanted.limit)(db)]


def _give(db: Connection, posts: Sequence[int], names: Sequence[str]) -> TagChange:
    """Give posts tags in a person's name; count the posts that had not all of them from anyone."""
    changed: set[int] = set()
    tags: list[int] = []
    at = now()
    for name in map(_checked, names) if posts else ():
        tag = find_tag(db, name)
        if tag is None:
            tag = make_tag(db, name, at)
        tags.append(tag)
        _UNBLOCK(db, tag=tag)
        _ALLOW(db, posts=json.dumps(posts), tag=tag)
        had = _make(db, posts, tag, HUMAN)
        lacking = [post for post in posts if post not in had]
        _GIVE(db, posts=json.dumps(lacking), tag=tag, at=at)
        changed.update(lacking)
    return TagChange(tuple(_name(db, tag) for tag in tags), (), len(changed))


def _take(db: Connection, posts: Sequence[int], tag: int) -> set[int]:
    """Take a tag off posts for good; return those that had it."""
    had = {post for (post,) in _UNLINK(db, posts=json.dumps(posts), tag=tag).fetchall()}
    at = now()
    _TAKE_OFF.many(db, [(post, tag, at) for post in sorted(had)])
    return had


def _checked(name: str) -> str:
    normal = vocabulary.normalise(name)
    if not vocabulary.is_tag(normal):
        raise InputError(
            "tag_invalid", name=name, words=vocabulary.MAX_WORDS, letters=vocabulary.MAX_LENGTH
        )
    return normal


def _row(db: Connection, tag: int | None) -> tuple[str, str]:
    name, key = _NAME_AND_KEY(_ROW(db, tag=tag).fetchone())
    return str(name), str(key)


def _name(db: Connection, tag: int | None) -> str:
    return _row(db, tag)[0]


def _count(db: Connection, tag: int) -> int:
    return int(_COUNT(db, tag=tag).fetchone()[0])


def _aliases(db: Connection, tag: int) -> tuple[str, ...]:
    return tuple(name for (name,) in map(_ALIAS, _ALIASES(db, tag=tag)))


def _changed(db: Connection, tag: int, posts: int) -> TagChange:
    return TagChange((_name(db, tag),), _aliases(db, tag), posts)


def _of_post(db: Connection, post: int) -> TagChange:
    names = tuple(name for (name,) in map(_NAME, _NAMES_OF(db, post=post)))
    return TagChange(names, (), 1)


def _make(db: Connection, posts: Sequence[int], tag: int, source: LinkSource) -> set[int]:
    """Turn links into a person's or an agent's; return the posts that had one."""
    rows = _MAKE(db, posts=json.dumps(posts), tag=tag, source=source)
    return {post for (post,) in rows.fetchall()}
