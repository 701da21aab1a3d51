"""Answers that were paid for, as a later run finds them."""

from __future__ import annotations

import pytest

from support.sql import writing
from tgtagger.decide import answer_key
from tgtagger.errors import StoreError
from tgtagger.model.tagging import Provenance
from tgtagger.store import Store
from tgtagger.store.times import now

PROVENANCE = Provenance("llm", "model", "prompt", None)


@pytest.mark.row("C1")
def test_a_damaged_answer_is_told_as_damage(store: Store) -> None:
    with writing(store) as db:
        db.execute(
            "INSERT INTO answers (key, tags, model, at) VALUES (?, '[1]', 'model', ?)",
            (answer_key("0" * 32, PROVENANCE), now()),
        )
    with pytest.raises(StoreError, match="is damaged"):
        store.answers.find(["0" * 32], [PROVENANCE])
