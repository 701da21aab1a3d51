"""What results of a tagger would make of the posts, were they stored. Reads, and writes nothing.

By the rules that `queue` stores by: both ask `given_tags`. Knows none of them itself.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

from tgtagger import decide
from tgtagger.model.tagging import Proposal, ProposedTag, TagUpdate
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part
from tgtagger.store.given_tags import GivenTags, tags_named
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
    new = itertools.count(-1, -1)  # a new tag has no id yet: a number of its own stands for it
    ids = tags_named(db, [update], lambda _: next(new))
    rows = {row[0]: row for row in map(_TAG, _TAGS(db, tags=json.dumps([*ids.values()])))}
    may_get = GivenTags(db, [post], [(post, tag) for tag in kept])
    tags = tuple(
        _proposed(rows.get(tag), name, source)
        for _, tag, source, name in may_get.links(update, post, ids)
    )
    return Proposal(update, tags, tuple(kept.values()), replaced)


def _proposed(row: Sequence[Any] | None, name: str, source: Any) -> ProposedTag:
    return ProposedTag(name, source) if row is None else ProposedTag(row[1], source, row[2])
