"""What people read when tagging ends, by the kind of the error and its data."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from tgtagger.cli.hints import hint_of
from tgtagger.errors import TryLater
from tgtagger.messages import SENTENCES
from tgtagger.model.choices import StopClass
from tgtagger.model.tagging import is_stop

LATER = "run it again then; cron can simply try again"
SAID: dict[str, Any] = {"url": "http://here/v1", "model": "m", "reason": "HTTP 4xx: no"}

TOLD = [
    (
        "key_rejected", {**SAID, "comes_back": False},
        "the tagging server rejects the key (HTTP 4xx: no)",
        "set the right one (TGTAGGER_LLM_API_KEY); no post was harmed",
    ),
    (
        "quota", {**SAID, "comes_back": False},
        "the quota of this key is used up (HTTP 4xx: no)",
        "add credit, or name another server or key; no post was harmed",
    ),
    (
        "quota", {**SAID, "comes_back": True},
        "the quota of this key is used up (HTTP 4xx: no)",
        LATER,
    ),
    (
        "unknown_model", {**SAID, "comes_back": False},
        "http://here/v1 has no model m (HTTP 4xx: no)",
        "see which it has: tgtagger doctor; name one with TGTAGGER_LLM_MODEL",
    ),
    (
        "wrong_address", {**SAID, "comes_back": False},
        "http://here/v1 is not the address of a tagging server (HTTP 4xx: no)",
        "set TGTAGGER_LLM_URL to its base, up to /v1; see: tgtagger doctor",
    ),
    ("time_cap", {}, "the time given was over", "run it again to go on"),
    (
        "time_cap", {"seconds": 119.0},
        "the next request may go in 119 s: this run has not so long",
        LATER,
    ),
    (
        "throttled", {"seconds": 86400.0},
        "the server asks to wait 24 h, longer than this run may (TGTAGGER_LLM_WAIT)",
        LATER,
    ),
    (
        "throttled", {"seconds": 600.0},
        "the server asks to wait 10 min, longer than this run may (TGTAGGER_LLM_WAIT)",
        LATER,
    ),
    (
        "throttled", {},
        "the server goes on asking to wait, longer than this run may (TGTAGGER_LLM_WAIT)",
        LATER,
    ),
    (
        "throttled", {"url": "http://here/v1", "seconds": 40.0, "reason": "HTTP 429"},
        "http://here/v1 asks to wait 40 s (HTTP 429)",
        LATER,
    ),
    (
        "throttled", {"url": "http://here/v1", "seconds": None, "reason": "HTTP 429"},
        "http://here/v1 asks to wait (HTTP 429)",
        LATER,
    ),
    (
        "provider_down", {"failures": 10, "reason": "no"},
        "the tagging server failed 10 times in a row: no",
        "see whether it runs, and run it again; cron can simply try again",
    ),
    (
        "provider_down", {"failures": 1, "reason": "no"},
        "the tagging server failed: no",
        "see whether it runs, and run it again; cron can simply try again",
    ),
    (
        "provider_down", {"answers": 10, "reason": "no"},
        "the model gave 10 answers in a row that cannot be used: no",
        "another model may do better (TGTAGGER_LLM_MODEL); see: tgtagger doctor",
    ),
    (
        "provider_down", {"url": "http://here/v1", "is_there": True, "reason": "no"},
        "http://here/v1 fails: no",
        "see whether it has room for the model, or try again later",
    ),
    (
        "provider_down", {"url": "http://here/v1", "is_there": False, "reason": "no"},
        "http://here/v1 does not answer: no",
        "see whether it runs there (TGTAGGER_LLM_URL)",
    ),
    (
        "cost_cap", {"cap": 0.5, "spent": 0.4999999},
        "the next request could exceed the cap of 0.5 USD (0.5 USD spent)",
        "raise it with --max-cost, or run it again later",
    ),
    (
        "cost_cap", {"model": "m"},
        "the cost of m is not known, so it cannot be capped",
        "give its price in a file (TGTAGGER_LLM_PRICES, see docs/language-models.md), or no cap",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "data", "sentence", "hint"), TOLD)
def test_why_a_run_ends(kind: str, data: dict[str, Any], sentence: str, hint: str) -> None:
    error = TryLater(kind, **data)
    assert (error.kind, str(error), hint_of(error)) == (kind, sentence, hint)


def test_each_stop_has_its_words() -> None:
    assert {kind for kind, *_ in TOLD} == set(get_args(StopClass))
    assert all(is_stop(kind) and kind in SENTENCES for kind in get_args(StopClass))
    assert not is_stop(None)
    assert not is_stop("tagging_url_invalid")
