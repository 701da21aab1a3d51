"""Delete posts with everything that belongs to them, some at a time, so that the log stays small.

Knows no transaction, and not why posts go.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from tgtagger.store import sweeping
from tgtagger.store.rooms import Connection, room_of
from tgtagger.store.statements import Statement
from tgtagger.store.times import to_text

STEP = 1000
"""Posts that go in one transaction: some 20 MB of log."""

_HASHES = Statement("SELECT DISTINCT text_hash FROM posts WHERE id IN listed(:posts)")
_ANSWERS = Statement("DELETE FROM answers WHERE at < :before AND key IN listed_texts(:keys)")
_RAW = Statement("DELETE FROM raw_forms WHERE post_id IN listed(:posts)")
_POSTS = Statement("DELETE FROM posts WHERE id IN listed(:posts)")


def delete_old_answers(db: Connection, posts: Sequence[int]) -> None:
    """Delete what models answered to the texts of posts, more than a year ago.

    Another post may have an equal text: then it is asked again, if it is ever tagged anew.
    """
    hashes = [text for (text,) in _HASHES(db, posts=json.dumps(list(posts)))]
    keys = [prefix + text for prefix, _ in sweeping.kinds_of_answers(db) for text in hashes]
    if keys:
        before = to_text(dt.datetime.now(dt.UTC) - sweeping.YEAR)
        _ANSWERS(db, before=before, keys=json.dumps(keys))


def delete_posts(db: Connection, posts: Sequence[int]) -> None:
    """Delete posts, by their inner ids, and what refers to them."""
    room_of(db).fulltext.delete_posts(db, posts)
    listed = json.dumps(list(posts))
    _RAW(db, posts=listed)
    _POSTS(db, posts=listed)
