"""Count the posts that two tags share, and tell the company they keep, where that is asked for.

To count all pairs would take ten million of them for a thousand: only abbreviations and their words
are counted. Knows no rule of what is suggested (`likeness`).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from tgtagger.store.checks import RowCheck, WrongValueError
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.values import INTEGER
from tgtagger.vocabulary.likeness import FEW, Beside, abbreviations

_ROW = RowCheck("tags.id", "tags.name", INTEGER)
_USED = Statement(
    "SELECT t.id, t.name, sum(l.posts) FROM tag_uses AS l JOIN tags AS t ON t.id = l.tag_id "
    "GROUP BY t.id ORDER BY 3 DESC, 2"
)
_BESIDE = Statement(
    "SELECT DISTINCT y.tag_id FROM (SELECT post_id FROM post_tags WHERE tag_id = :tag "
    "ORDER BY post_id DESC LIMIT :most) AS x CROSS JOIN post_tags AS y ON y.post_id = x.post_id"
)
LATEST = 50
"""Posts of a tag by which its company is known."""
_SHARED = Statement(
    "SELECT count(*) FROM post_tags AS x CROSS JOIN post_tags AS y "
    "ON y.tag_id = :other AND y.post_id = x.post_id WHERE x.tag_id = :rarer"
)


def used(db: Connection) -> dict[int, tuple[str, int]]:
    """Return the name and the posts of each tag in use, the most used first."""
    return {tag: (name, posts) for tag, name, posts in map(_ROW, _USED(db))}


def shared_posts(db: Connection, tags: Mapping[int, tuple[str, int]]) -> list[tuple[str, str, int]]:
    """Return (abbreviation, words, shared posts) of tags that share two posts at least."""
    ids = {name: tag for tag, (name, _) in tags.items()}
    found = []
    for one, other in sorted({_pair(ids[one], ids[other]) for one, other in abbreviations(ids)}):
        rarer, more = sorted((one, other), key=lambda tag: tags[tag][1])
        (posts,) = _SHARED(db, rarer=rarer, other=more).fetchone()
        if posts >= FEW:
            found.append((tags[one][0], tags[other][0], posts))
    return found


def beside(db: Connection, tags: Mapping[int, tuple[str, int]]) -> Beside:
    """Return what tells the posts of the rarest tag beside which two tags both stand.

    By their latest posts; 0 if one of these has both.
    """
    ids = {name: tag for tag, (name, _) in tags.items()}

    @functools.cache
    def neighbours(tag: int) -> frozenset[int]:
        found = frozenset(row[0] for row in _BESIDE(db, tag=tag, most=LATEST))
        if not found <= tags.keys():  # an index and its table disagree
            raise WrongValueError("post_tags.tag_id")
        return found

    def shared(one: str, other: str) -> int | None:
        first, second = ids[one], ids[other]
        if second in neighbours(first):
            return 0
        both = neighbours(first) & neighbours(second)
        return min((tags[tag][1] for tag in both), default=None)

    return shared


def _pair(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)
