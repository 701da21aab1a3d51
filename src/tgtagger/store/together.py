"""Count the posts that two tags share: of those pairs alone that may be worth a suggestion.

To count all pairs would take ten million of them for a thousand. A pair that is always used
together is found by a part of the posts of one: the other is missing on a tenth of them at most, so
it stands on most of any fifth. Knows no rule of what is suggested but the shares (`likeness`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from sqlalchemy.engine import Connection

from tgtagger.store.statements import Statement
from tgtagger.store.values import INTEGER, RowCheck, WrongValueError
from tgtagger.vocabulary.likeness import ENOUGH, FEW, TOGETHER, abbreviations

_ROW = RowCheck("tags.id", "tags.name", INTEGER)
_USED = Statement(
    "SELECT t.id, t.name, l.posts FROM (SELECT tag_id, count(*) AS posts FROM post_tags "
    "GROUP BY tag_id) AS l JOIN tags AS t ON t.id = l.tag_id ORDER BY 3 DESC, 2"
)
_ON_SOME_POSTS = Statement(
    "SELECT y.tag_id FROM (SELECT post_id FROM post_tags WHERE tag_id = :tag "
    "ORDER BY post_id LIMIT :most) AS x CROSS JOIN post_tags AS y ON y.post_id = x.post_id "
    "GROUP BY y.tag_id HAVING count(*) >= :least"
)
_SHARED = Statement(
    "SELECT count(*) FROM post_tags AS x CROSS JOIN post_tags AS y "
    "ON y.tag_id = :other AND y.post_id = x.post_id WHERE x.tag_id = :rarer"
)


def used(db: Connection) -> dict[int, tuple[str, int]]:
    """Return the name and the posts of each tag in use, the most used first."""
    return {tag: (name, posts) for tag, name, posts in map(_ROW, _USED(db))}


def shared_posts(db: Connection, tags: Mapping[int, tuple[str, int]]) -> list[tuple[str, str, int]]:
    """Return (tag, tag, shared posts) of tags that may be one by their use.

    They are abbreviations and their words, on two posts at least, and tags that are nearly always
    on the same posts.
    """
    ids = {name: tag for tag, (name, _) in tags.items()}
    pairs = {_pair(ids[one], ids[other]) for one, other in abbreviations(ids)}
    pairs.update(_used_together(db, tags))
    found = []
    for one, other in sorted(pairs):
        rarer, more = sorted((one, other), key=lambda tag: tags[tag][1])
        (posts,) = _SHARED(db, rarer=rarer, other=more).fetchone()
        if posts >= FEW:
            found.append((tags[one][0], tags[other][0], posts))
    return found


def _used_together(
    db: Connection, tags: Mapping[int, tuple[str, int]]
) -> Iterator[tuple[int, int]]:
    """Yield the tags that may be on the same posts, by a part of the posts of the rarer one."""
    for tag, (_, posts) in tags.items():
        if posts < ENOUGH:
            continue
        # The other, more used one is on all posts of this one but so many.
        missed = math.floor(posts * (1 - TOGETHER)) + 1
        enough = 1 + posts // 30  # so that a tag which is often on the same posts is none
        rows = _ON_SOME_POSTS(db, tag=tag, most=missed + enough, least=enough).fetchall()
        for (other,) in rows:
            if other not in tags:  # an index and its table disagree
                raise WrongValueError("post_tags.tag_id")
            most = tags[other][1]
            if other != tag and posts <= most and posts >= TOGETHER * most:
                yield _pair(tag, other)


def _pair(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)
