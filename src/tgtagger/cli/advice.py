"""What a person can do about posts that failed, by the class of their failure."""

from __future__ import annotations

from collections.abc import Mapping

FAILURES: Mapping[str, str] = {
    "throttled": "the server asked to wait; they are tried again when due",
    "timeout": "tried again when due; a slow model wants TGTAGGER_LLM_TIMEOUT or a smaller batch",
    "network": "tried again when due; see the connection, and: tgtagger doctor",
    "server": "tried again when due; if it stays so: tgtagger doctor, or another model",
    "bad_answer": "tried again when due; another model may answer better (TGTAGGER_LLM_MODEL)",
    "refused": "the provider refuses these texts; name another model, then retry-failed --force",
    "too_long": "too long even when cut; a model with more context, then retry-failed --force",
}
FOR_EVER = "no more tries by itself: tgtagger retry-failed --force"


def about(failure: str, *, is_due: bool) -> str:
    """Return what to do about a class; `is_due` tells whether any is tried again by itself."""
    words = FAILURES.get(failure, "")
    if is_due or failure in {"refused", "too_long"}:
        return words
    return FOR_EVER
