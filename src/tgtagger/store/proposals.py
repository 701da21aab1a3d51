"""What results of a tagger would make of the posts, were they stored. Reads, and writes nothing.

By the rules that `queue` stores by: a name is the tag that it stands for, blocked tags and those
that a person took off the post are left out, and so is what the post has from a person or an agent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tgtagger import decide, vocabulary
from tgtagger.model.tagging import Proposal, ProposedTag, TagUpdate
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part
from tgtagger.store.queue import known_tags
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.values import INTEGER

_POST = Statement(
    "SELECT id FROM posts WHERE channel_id = :channel AND message_id = :message "
    "AND text_hash = :text_hash"
)
_LINKS = Statement(
    "SELECT t.id, t.name, l.source FROM post_tags AS l JOIN tags AS t ON t.id = l.tag_id "
    "WHERE l.post_id = :post ORDER BY l.position"
)
_OFF = Statement(
    "SELECT r.tag_id, t.name FROM removed_tags AS r JOIN tags AS t ON t.id = r.tag_id "
    "WHERE r.post_id = :post UNION ALL SELECT tag_id, CAST(NULL AS text) FROM barred_tags"
)
_TAGS = Statement(
    "SELECT t.id, t.name, (SELECT count(*) FROM post_tags AS l WHERE l.tag_id = t.id) "
    "FROM tags AS t WHERE t.id IN listed(:tags)"
)
_LINK = RowCheck("tags.id", "tags.name", "post_tags.source")
_TAG = RowCheck("tags.id", "tags.name", INTEGER)


class Proposals(Part):
    """Results of a tagger before they are stored."""

    def look(self, updates: Sequence[TagUpdate]) -> tuple[Proposal, ...]:
        """Return what the updates would give, but for posts that were edited or are gone."""
        with self._database.read() as db:
            found = []
            for update in updates:
                row = _POST(
                    db,
                    channel=update.id.channel_id,
                    message=update.id.message_id,
                    text_hash=update.text_hash,
                ).fetchone()
                if row is not None:
                    found.append(_proposal(db, update, row[0]))
            return tuple(found)


def _proposal(db: Connection, update: TagUpdate, post: int) -> Proposal:
    links = [*map(_LINK, _LINKS(db, post=post))]
    kept = {tag: name for tag, name, source in links if source in decide.LASTING}
    replaced = tuple(name for tag, name, _ in links if tag not in kept)
    if not decide.replaces_tags(update):
        return Proposal(update, (), tuple(kept.values()) + replaced)
    names = [vocabulary.normalise(tag.name) for tag in update.tags]
    keys = {name: vocabulary.key(name) for name in names if vocabulary.is_tag(name)}
    known = known_tags(db, keys)
    rows = {row[0]: row for row in map(_TAG, _TAGS(db, tags=json.dumps([*known.values()])))}
    taken_off = dict(_OFF(db, post=post))
    forms_of = [name for name in taken_off.values() if isinstance(name, str)]
    # A new tag has no id yet: a number of its own, one for each key, stands for it.
    new = {key: -at for at, key in enumerate(dict.fromkeys(keys.values()), 1)}
    ids = [known.get(keys[name], new[keys[name]]) if name in keys else None for name in names]
    off = taken_off.keys() | kept.keys()
    if forms_of:
        forms = zip(ids, names, strict=True)
        off |= {tag for tag, name in forms if tag and vocabulary.is_among(name, forms_of)}
    tags: dict[int, ProposedTag] = {}
    for place, tag, source in decide.given_links(update, ids, off):
        tags.setdefault(tag, _proposed(rows.get(tag), names[place], source))
    return Proposal(update, tuple(tags.values()), tuple(kept.values()), replaced)


def _proposed(row: Sequence[Any] | None, name: str, source: Any) -> ProposedTag:
    return ProposedTag(name, source) if row is None else ProposedTag(row[1], source, row[2])
