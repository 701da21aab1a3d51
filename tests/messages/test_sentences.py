"""What people read when tagging ends, by the kind of the error and its data."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from tgtagger.cli.hints import hint_of
from tgtagger.errors import TryLater
from tgtagger.messages import SENTENCES
from tgtagger.model.choices import StopClass
from tgtagger.model.tagging import is_stop

LATER = "run it again later; cron does so by itself"
SAID: dict[str, Any] = {"url": "http://here/v1", "model": "m", "reason": "HTTP 4xx: no"}

TOLD = [
    (
        "key_rejected", {**SAID, "comes_back": False},
        "the tagging server rejects the key (HTTP 4xx: no)",
        "set the right key (TGTAGGER_LLM_API_KEY); the posts stay pending",
    ),
    (
        "quota", {**SAID, "comes_back": False},
        "the quota of this key is used up (HTTP 4xx: no)",
        "add credit, or set another server or key; the posts stay pending",
    ),
    (
        "quota", {**SAID, "comes_back": True},
        "the quota of this key is used up (HTTP 4xx: no)",
        LATER,
    ),
    (
        "unknown_model", {**SAID, "comes_back": False},
        "http://here/v1 has no model m (HTTP 4xx: no)",
        "list its models: tgtagger doctor; then set TGTAGGER_LLM_MODEL",
    ),
    (
        "wrong_address", {**SAID, "comes_back": False},
        "http://here/v1 is not the address of a tagging server (HTTP 4xx: no)",
        "set TGTAGGER_LLM_URL to its base, up to /v1; check it: tgtagger doctor",
    ),
    ("time_cap", {}, "the time limit was reached", "run it again to continue"),
    (
        "time_cap", {"seconds": 119.0},
        "the next request must wait 119 s: too long for this run",
        LATER,
    ),
    (
        "throttled", {"seconds": 86400.0},
        "the server asks to wait 24 h: too long for this run (TGTAGGER_LLM_WAIT)",
        LATER,
    ),
    (
        "throttled", {"seconds": 600.0},
        "the server asks to wait 10 min: too long for this run (TGTAGGER_LLM_WAIT)",
        LATER,
    ),
    (
        "throttled", {},
        "the server asks to wait again and again: too long for this run (TGTAGGER_LLM_WAIT)",
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
        "check the server, then run it again; cron does so by itself",
    ),
    (
        "provider_down", {"failures": 1, "reason": "no"},
        "the tagging server failed: no",
        "check the server, then run it again; cron does so by itself",
    ),
    (
        "provider_down", {"answers": 10, "reason": "no"},
        "the last 10 answers of the model could not be used: no",
        "try another model (TGTAGGER_LLM_MODEL), or check this one: tgtagger doctor",
    ),
    (
        "provider_down", {"url": "http://here/v1", "is_there": True, "reason": "no"},
        "http://here/v1 fails: no",
        "check that it has enough memory for the model, or try again later",
    ),
    (
        "provider_down", {"url": "http://here/v1", "is_there": False, "reason": "no"},
        "http://here/v1 does not answer: no",
        "check that the server runs there (TGTAGGER_LLM_URL)",
    ),
    (
        "cost_cap", {"cap": 0.5, "spent": 0.4999999},
        "the next request could exceed the cap of 0.5 USD (0.5 USD spent)",
        "raise it with --max-cost, or run it again later",
    ),
    (
        "cost_cap", {"model": "m"},
        "the price of m is not known, so the cost cannot be limited",
        (
            "write its price in a file (TGTAGGER_LLM_PRICES, see docs/language-models.md), "
            "or remove the cap"
        ),
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
