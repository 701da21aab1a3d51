"""Answers that were paid for, and what servers can do: what a later run need not ask again.

Knows no rule of what makes two questions equal: the keys are `decide`'s.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Sequence

from tgtagger.decide import answer_key, answer_prefix
from tgtagger.model.tagging import Learned, Provenance, SuggestedTag
from tgtagger.store.times import to_text
from tgtagger.store.typed import checked

KEPT_FOR = dt.timedelta(days=30)
"""How long a server is believed to be what it was: they are updated now and then."""


def find(
    db: sqlite3.Connection, text_hash: str, provenances: Sequence[Provenance]
) -> tuple[Provenance, tuple[SuggestedTag, ...]] | None:
    """Return what was answered for an equal text by one of these models, and by which."""
    for provenance in provenances:
        found = db.execute(
            "SELECT tags FROM answers WHERE key = ?", (answer_key(text_hash, provenance),)
        ).fetchone()
        if found:
            return provenance, read(found[0])
    return None


def read(tags: str) -> tuple[SuggestedTag, ...]:
    return tuple(checked(SuggestedTag(name)) for name in json.loads(tags))


def any_of(db: sqlite3.Connection, provenance: Provenance) -> bool:
    """Tell whether anything was answered with this provenance: one look into the index."""
    prefix = answer_prefix(provenance)
    found = db.execute(
        "SELECT 1 FROM answers WHERE key >= ? AND key < ? LIMIT 1", (prefix, prefix + "~")
    )
    return found.fetchone() is not None


def remember(db: sqlite3.Connection, learned: Learned, now: str) -> None:
    db.execute(
        "INSERT OR REPLACE INTO server_capabilities (url, model, capabilities, at) "
        "VALUES (?, ?, ?, ?)",
        (learned.url, learned.model, learned.capabilities, now),
    )


def capabilities(db: sqlite3.Connection, url: str, now: dt.datetime) -> dict[str, str]:
    """Return what is remembered of a server, by model."""
    rows = db.execute(
        "SELECT model, capabilities FROM server_capabilities WHERE url = ? AND at BETWEEN ? AND ?",
        # What is of another day to come was written down by a clock that was wrong.
        (url, to_text(now - KEPT_FOR), to_text(now + dt.timedelta(days=1))),
    )
    return dict(rows.fetchall())


def mean_seconds(db: sqlite3.Connection, model: str) -> float | None:
    """Return how long the model's latest answers took; None where it gave none yet."""
    (mean,) = db.execute(
        "SELECT avg(latency_ms) FROM (SELECT latency_ms FROM attempts "
        "WHERE model = ? AND class IS NULL AND latency_ms IS NOT NULL ORDER BY id DESC LIMIT 200)",
        (model,),
    ).fetchone()
    return None if mean is None else mean / 1000
