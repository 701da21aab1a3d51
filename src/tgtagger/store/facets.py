"""What a filter's posts are made of: channels, tags, statuses, months, each with its count.

Counted are the newest posts that are found, up to a bound: a million posts cost what these cost.
Knows neither how a query is typed nor what a facet looks like.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from tgtagger.model.counts import FacetCount, Facets
from tgtagger.model.posts import Channel, PostFilter
from tgtagger.store.channels import as_channel
from tgtagger.store.checks import RowCheck
from tgtagger.store.database import Part
from tgtagger.store.query import query_for
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.values import INTEGER, TEXT, or_null

COUNTED = 10_000
"""Posts that are counted, at most."""
SHOWN = 30
"""Counts of a kind that are told, at most; the largest, and of months the latest."""

PICKED = "p.id, p.channel_id, p.status, substr(local_day(p.date), 1, 7)"
TAGS = Statement(
    "SELECT t.name, count(*) FROM listed(:posts) AS j CROSS JOIN post_tags AS l "
    "ON l.post_id = j.value CROSS JOIN tags AS t ON t.id = l.tag_id "
    f"GROUP BY t.id ORDER BY 2 DESC, 1 LIMIT {SHOWN}"
)
_ALL_CHANNELS = Statement("SELECT id, title, username, kind FROM channels")

_PICKED = RowCheck(INTEGER, "posts.channel_id", "posts.status", or_null(TEXT))
_TAG = RowCheck("tags.name", INTEGER)
_CHANNEL = RowCheck("channels.id", "channels.title", "channels.username", "channels.kind")


class Counts(Part):
    """Counts of what a filter picks."""

    def of(self, wanted: PostFilter, most: int = COUNTED) -> Facets:
        """Return the facets of the newest posts of a filter, `most` at most."""
        with self._database.read() as db:
            query = query_for(db, wanted)
            rows = [*map(_PICKED, query.select(PICKED, limit=most + 1)(db))]
            is_all = len(rows) <= most
            del rows[most:]
            channels = Counter(channel for _, channel, _, _ in rows)
            statuses = Counter(status for _, _, status, _ in rows)
            months = Counter(month for *_, month in rows if month is not None)
            if not is_all and months:
                del months[min(months)]  # it was counted in part
            return Facets(
                len(rows),
                is_all,
                _channels(db, channels.most_common(SHOWN)),
                tuple(
                    FacetCount(name, count)
                    for name, count in map(_TAG, TAGS(db, posts=_list(rows)))
                ),
                tuple(FacetCount(*item) for item in statuses.most_common()),
                tuple(FacetCount(*item) for item in sorted(months.items(), reverse=True)[:SHOWN]),
            )


def _list(rows: Iterable[tuple[int, ...]]) -> str:
    return json.dumps([row[0] for row in rows])


def _channels(db: Connection, counts: Iterable[tuple[int, int]]) -> tuple[tuple[Channel, int], ...]:
    known = {row[0]: as_channel(row) for row in map(_CHANNEL, _ALL_CHANNELS(db))}
    return tuple((known[channel], count) for channel, count in counts if channel in known)
