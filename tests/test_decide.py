"""The rules of change: what an outcome makes of a post, and when it is due again."""

from __future__ import annotations

import datetime as dt

import pytest

from tgtagger import decide
from tgtagger.model.choices import FailureClass
from tgtagger.model.tagging import (
    PostForTagging,
    PostId,
    Provenance,
    Skipped,
    SuggestedTag,
    Tagged,
    TaggingError,
)

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PROVENANCE = Provenance("keywords", "1")
POST = PostForTagging(PostId(1, 2), "text", "hash", attempts=1)


def test_what_an_answer_makes_of_a_post() -> None:
    tags = (SuggestedTag("a"),)
    tagged = decide.update_after(POST, Tagged(tags), PROVENANCE, now=NOW)
    assert (tagged.status, tagged.tags, tagged.attempts, tagged.text_hash) == (
        "tagged",
        tags,
        2,
        "hash",
    )
    assert decide.update_after(POST, Skipped("no words"), PROVENANCE, now=NOW).status == "skipped"


@pytest.mark.parametrize(
    ("failure", "attempts", "hours"),
    [
        ("server", 0, 5 / 60), ("server", 1, 1), ("timeout", 2, 6), ("network", 3, 24),
        ("server", 4, None), ("refused", 0, None), ("too_long", 0, None),
    ],
)  # fmt: skip
def test_when_a_failed_post_is_due_again(
    failure: FailureClass, attempts: int, hours: float | None
) -> None:
    post = PostForTagging(PostId(1, 2), "text", "hash", attempts)
    update = decide.update_after(post, TaggingError(failure, "why"), PROVENANCE, now=NOW)
    assert (update.status, update.failure, update.error) == ("failed", failure, "why")
    assert update.next_attempt_at == (None if hours is None else NOW + dt.timedelta(hours=hours))
