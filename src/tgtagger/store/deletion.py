"""Delete posts with everything that belongs to them, some at a time, so that the log stays small.

Knows no transaction, and not why posts go.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy.engine import Connection

from tgtagger.store.rooms import room_of
from tgtagger.store.statements import Statement

STEP = 1000
"""Posts that go in one transaction: some 20 MB of log."""

_RAW = Statement("DELETE FROM raw_forms WHERE post_id IN listed(:posts)")
_POSTS = Statement("DELETE FROM posts WHERE id IN listed(:posts)")


def delete_posts(db: Connection, posts: Sequence[int]) -> None:
    """Delete posts, by their inner ids, and what refers to them."""
    room_of(db).fulltext.delete_posts(db, posts)
    listed = json.dumps(list(posts))
    _RAW(db, posts=listed)
    _POSTS(db, posts=listed)
