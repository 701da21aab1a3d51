"""Answers that were paid for, and capabilities of servers, so that a later run need not ask again.

Does not know which questions are equal: `decide` makes the keys.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence

from tgtagger.decide import answer_key, answer_prefix
from tgtagger.model.tagging import ModelCapabilities, Provenance, SuggestedTag
from tgtagger.store.checks import RowCheck, WrongValueError, check_of, parsed
from tgtagger.store.database import Part
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement
from tgtagger.store.times import now, to_text
from tgtagger.store.values import OBJECT, TEXT, TEXTS, as_json, or_null

KEPT_FOR = dt.timedelta(days=30)
"""How long stored capabilities are believed: servers are updated now and then."""


_TAGS = Statement("SELECT key, tags FROM answers WHERE key IN few_texts(:keys)")
_ANY = Statement("SELECT 1 FROM answers WHERE key >= :start AND key < :end LIMIT 1")
_CAPABILITIES_OF = Statement(
    "SELECT model, capabilities FROM server_capabilities "
    "WHERE url = :url AND at BETWEEN :since AND :until"
)
_KEEP_CAPABILITIES = Statement(
    "INSERT INTO server_capabilities (url, model, capabilities, at) "
    "VALUES (:url, :model, :capabilities, :at) ON CONFLICT (url, model) DO UPDATE "
    "SET capabilities = excluded.capabilities, at = excluded.at"
)
_FORGET_CAPABILITIES = Statement("DELETE FROM server_capabilities WHERE at < :before")
_LATENCY = Statement(
    "SELECT avg(latency_ms) FROM (SELECT latency_ms FROM attempts WHERE model = :model "
    "AND class IS NULL AND latency_ms IS NOT NULL ORDER BY id DESC LIMIT 200) AS latest"
)


class Answers(Part):
    """Stored answers, and capabilities of servers."""

    def find(
        self, text_hashes: Collection[str], provenances: Sequence[Provenance]
    ) -> dict[str, tuple[Provenance, tuple[SuggestedTag, ...]]]:
        """Return the stored answers for equal texts, and their provenance, by the text's hash.

        If several of the provenances have one, the first counts.
        """
        asked = {
            answer_key(text_hash, provenance): (text_hash, provenance)
            for provenance in reversed(provenances)
            for text_hash in text_hashes
        }
        with self._database.read() as db:
            found = dict(map(_ANSWER, _TAGS(db, keys=json.dumps([*asked]))))
            return {
                text_hash: (provenance, read_tags(found[key]))
                for key, (text_hash, provenance) in asked.items()
                if key in found
            }

    def capabilities(self, url: str) -> dict[str, str]:
        """Return the stored capabilities of a server: JSON by model."""
        with self._database.read() as db:
            today = dt.datetime.now(dt.UTC)
            rows = _CAPABILITIES_OF(
                db,
                url=url,
                since=to_text(today - KEPT_FOR),
                # A time beyond tomorrow was written by a clock that was wrong.
                until=to_text(today + dt.timedelta(days=1)),
            )
            return dict(map(_CAPABILITIES, rows))

    def save_capabilities(self, found: ModelCapabilities) -> None:
        """Store what a server was found to take of a model; what is no longer believed goes."""
        with self._database.write() as db:
            _FORGET_CAPABILITIES(db, before=to_text(dt.datetime.now(dt.UTC) - KEPT_FOR))
            _KEEP_CAPABILITIES(
                db, url=found.url, model=found.model, capabilities=found.capabilities, at=now()
            )

    def mean_seconds(self, model: str) -> float | None:
        """Return how long the model's latest answers took, in seconds; None: it gave none yet."""
        with self._database.read() as db:
            (mean,) = _LATENCY(db, model=model).fetchone()
            return None if mean is None else float(mean) / 1000


_ANSWER = RowCheck("answers.key", or_null(TEXT))
_CAPABILITIES = RowCheck("server_capabilities.model", as_json(OBJECT))


def read_tags(tags: str) -> tuple[SuggestedTag, ...]:
    """Return the tags of a stored answer. Raises WrongValueError for a damaged one."""
    names = parsed(tags)
    if not check_of(TEXTS)(names):
        raise WrongValueError("answers.tags")
    return tuple(SuggestedTag(name) for name in names)


def any_of(db: Connection, provenance: Provenance) -> bool:
    """Tell whether there is any answer with this provenance: one lookup in the index."""
    prefix = answer_prefix(provenance)
    return _ANY(db, start=prefix, end=prefix + "~").fetchone() is not None
