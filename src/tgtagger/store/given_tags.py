"""Which tags posts get of a tagger's results, as persons have decided: for the queue and proposals.

A name gives the tag that it stands for, each tag once. What a person took off the post, with all
forms of its name, and blocked tags are left out, and what the post has from a person or an agent
stays as it is. Writes nothing: who asks makes new tags, or counts them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tgtagger import decide, vocabulary
from tgtagger.model.choices import LinkSource
from tgtagger.model.tagging import TagUpdate
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.tags import find_decided

_NAMED = Statement(
    "SELECT key, id FROM tags WHERE key IN few_texts(:keys) "
    "UNION ALL SELECT key, tag_id FROM tag_aliases WHERE key IN few_texts(:keys)"
)
_OFF = Statement(
    "SELECT r.post_id, r.tag_id, t.name FROM removed_tags AS r JOIN tags AS t ON t.id = r.tag_id "
    "WHERE r.post_id IN few(:posts) UNION ALL "
    "SELECT CAST(NULL AS bigint), tag_id, CAST(NULL AS text) FROM barred_tags"
)


def tags_named(
    db: Connection, updates: Iterable[TagUpdate], make: Callable[[str], int]
) -> dict[str, int | None]:
    """Return the ids of the tags that suggested names stand for; None: not a tag.

    `make` is asked once for each new tag, and returns its id.
    """
    names = (tag.name for update in updates for tag in update.tags)
    normal = {name: vocabulary.normalise(name) for name in names}
    keys = {name: vocabulary.key(name) for name in normal.values() if vocabulary.is_tag(name)}
    known = _known(db, keys)
    for name, key in keys.items():
        if key not in known:
            known[key] = make(name)
    return {
        name: known[keys[chosen]] if chosen in keys else None for name, chosen in normal.items()
    }


def _known(db: Connection, keys: Mapping[str, str]) -> dict[str, int]:
    """Return, by key, the ids of the tags that names (→ their keys) stand for, decided ones too."""
    if not keys:
        return {}
    known: dict[str, int] = dict(_NAMED(db, keys=json.dumps([*dict.fromkeys(keys.values())])))
    for name, key in keys.items():
        if key not in known and (decided := find_decided(db, name)) is not None:
            known[key] = decided
    return known


class GivenTags:
    """What some posts may get. `kept`: the tags that they have and keep, as (post, tag)."""

    def __init__(
        self, db: Connection, posts: Sequence[int], kept: Iterable[tuple[int, int | None]]
    ) -> None:
        self._has = {*kept}
        self._off = set[tuple[int | None, int]]()
        self._names_off: dict[int, list[str]] = {}
        for post, tag, name in _OFF(db, posts=json.dumps(posts)):
            self._off.add((post, tag))
            if isinstance(name, str):
                self._names_off.setdefault(post, []).append(name)

    def links(
        self, update: TagUpdate, post: int, tags: Mapping[str, int | None]
    ) -> Iterator[tuple[int, int, LinkSource, str]]:
        """Yield what a post gets of its update: the place, the tag, who gave it, how it is spelt.

        `tags` are those of `tags_named`.
        """
        names = [vocabulary.normalise(tag.name) for tag in update.tags]
        ids = [tags[tag.name] for tag in update.tags]
        blocked = {
            tag
            for tag, name in zip(ids, names, strict=True)
            if tag is not None and self._is_off(post, tag, name)
        }
        for place, tag, source in decide.given_links(update, ids, blocked):
            if (post, tag) not in self._has:
                self._has.add((post, tag))
                yield place, tag, source, names[place]

    def _is_off(self, post: int, tag: int, name: str) -> bool:
        forms_of = self._names_off.get(post)
        return (
            (post, tag) in self._off
            or (None, tag) in self._off
            or (forms_of is not None and vocabulary.is_among(name, forms_of))
        )
