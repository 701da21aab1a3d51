"""By which spelling a tag is shown: the one that machines use most, until a person has his say.

A tag is made by the first spelling that a machine gives. Where another one comes with a post, that
is kept beside the post's tag (`tag_spellings`), and the tag takes the spelling that its latest
posts have most. A tag that a person named, gave an alias, merged another into, or gave to a post by
hand keeps its name. Spellings of one tag have one key: forms and aliases are none. What a run wrote
counts while its tags stand on the posts, so that an undo only asks again (`settle`). Knows no
transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from tgtagger import vocabulary
from tgtagger.decide import HUMAN
from tgtagger.store.recording import LASTING_SOURCES
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement

LATEST = 1000
"""Posts of a tag whose spellings are counted: enough to tell, and quick for a tag of a million."""

_NAMES = Statement(
    "SELECT id, name, key, coalesce(first_name, name) FROM tags WHERE id IN few(:tags)"
)
_KEEP = Statement(
    "INSERT INTO tag_spellings (tag_id, post_id, run_id, name) "
    "VALUES (:tag, :post, :run, :name) "
    "ON CONFLICT (tag_id, post_id, run_id) DO UPDATE SET name = excluded.name"
)
_SPELT = Statement("SELECT DISTINCT tag_id FROM tag_spellings WHERE tag_id IN listed(:tags)")
_IS_MACHINES = Statement(
    "SELECT name, coalesce(first_name, name) FROM tags WHERE id = :tag AND named_at IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM tag_aliases WHERE tag_id = :tag) "
    f"AND NOT EXISTS (SELECT 1 FROM post_tags WHERE tag_id = :tag AND source = '{HUMAN}')"
)
_COUNTED = Statement(
    "SELECT coalesce(s.name, :first), count(*) FROM (SELECT post_id, run_id FROM post_tags "
    f"WHERE tag_id = :tag AND source NOT IN ({LASTING_SOURCES}) "
    f"ORDER BY post_id DESC LIMIT {LATEST}) AS l LEFT JOIN tag_spellings AS s "
    "ON s.tag_id = :tag AND s.post_id = l.post_id AND s.run_id = l.run_id GROUP BY 1"
)
_SHOW = Statement("UPDATE tags SET name = :name, first_name = :first WHERE id = :tag")


def note(db: Connection, given: Iterable[tuple[int, int, str]], run: int) -> None:
    """Keep how a run spelt tags, given as (tag, post, name), and show them by the usual names."""
    links = list(given)
    tags = json.dumps([*{tag for tag, _, _ in links}])
    names = {tag: tuple(row) for tag, *row in _NAMES(db, tags=tags)}
    others: list[tuple[int, int, int, str]] = []
    doubtful: dict[int, None] = {}
    for tag, post, name in links:
        shown, key, first = names[tag]
        if name in {shown, first} and shown == first:
            continue
        if vocabulary.key(name) == key:  # no alias, and no form
            if name != first:
                others.append((tag, post, run, name))
            if name != shown:
                doubtful[tag] = None
    if others:
        _KEEP.many(db, others)
    for tag in doubtful:
        _settle(db, tag)


def settle(db: Connection, tags: Iterable[int]) -> None:
    """Show tags by their usual names again, after some were taken off posts or came back."""
    for (tag,) in _SPELT(db, tags=json.dumps([*tags])).fetchall():
        _settle(db, tag)


def _settle(db: Connection, tag: int) -> None:
    found = _IS_MACHINES(db, tag=tag).fetchone()
    if found is None:
        return
    shown, first = found
    counts: Mapping[str, int] = dict(_COUNTED(db, tag=tag, first=first).fetchall())
    if not counts:  # no post has it by a machine: it stays as it is
        return
    usual = max(counts, key=lambda name: (counts[name], name == shown, name == first, name))
    if usual != shown:
        _SHOW(db, name=usual, first=first, tag=tag)
