"""By which model, prompt and vocabulary each run gave tags: tells at once that nothing is stale.

Who asks whether every post is tagged as it would be tagged now would look at all tags. A run's tags
are found by an index, so it is enough to know what it was made with. A row more than there are tags
does no harm: then all tags are looked at. Knows no transaction, and not what is stale (`query`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tgtagger.model.tagging import Provenance
from tgtagger.store.recording import LASTING_SOURCES
from tgtagger.store.rooms import Connection
from tgtagger.store.statements import Statement

Origin = tuple[int | None, str | None, str | None, str | None]
"""A run, and the model, prompt and vocabulary of a tag that it gave."""

_NOTE = Statement(
    "INSERT INTO run_origins (run_id, model, prompt, vocabulary) SELECT id, :model, :prompt, "
    ":vocabulary FROM runs WHERE id = :run ON CONFLICT DO NOTHING"
)
_ALL = Statement("SELECT DISTINCT model, prompt, vocabulary FROM run_origins")
_HAS_TAGS = Statement(
    "SELECT 1 FROM run_origins AS o WHERE model = :model AND prompt = :prompt "
    "AND vocabulary = :vocabulary "
    "AND EXISTS (SELECT 1 FROM post_tags WHERE run_id = o.run_id) LIMIT 1"
)
# By a small index: only what an undo gave back can be of a run that is gone.
_HAS_TAGS_OF_NO_RUN = Statement(
    f"SELECT 1 FROM post_tags WHERE run_id IS NULL AND source NOT IN ({LASTING_SOURCES}) LIMIT 1"
)
EMPTY = Statement("DELETE FROM run_origins")
REFILL = Statement(
    "INSERT INTO run_origins (run_id, model, prompt, vocabulary) SELECT DISTINCT run_id, "
    "coalesce(model, ''), coalesce(prompt, ''), coalesce(vocabulary, '') FROM post_tags "
    f"WHERE run_id IS NOT NULL AND source NOT IN ({LASTING_SOURCES})"
)


def note(db: Connection, origins: Iterable[Origin]) -> None:
    """Note what tags of machines were made with, which are given now."""
    _NOTE.many(db, {(*(part or "" for part in made_by), run) for run, *made_by in origins if run})


def are_all(db: Connection, provenances: Sequence[Provenance]) -> bool:
    """Tell whether all tags of machines are surely of these; False: perhaps not."""
    wanted = {(p.model or "", p.prompt or "", p.vocabulary or "") for p in provenances}
    if _HAS_TAGS_OF_NO_RUN(db).fetchone() is not None:
        return False
    others = {tuple(row) for row in _ALL(db)} - wanted
    return not any(
        _HAS_TAGS(db, model=model, prompt=prompt, vocabulary=vocabulary).fetchone()
        for model, prompt, vocabulary in others
    )
