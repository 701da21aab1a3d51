"""Why a run ends before its end, in words and as an error; and which words of a server are shown.

Knows no request; the exit code is the error's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tgtagger.errors import ActionNeeded, InputError, TgTaggerError, TryLater
from tgtagger.model.tagging import StopClass

LATER = "run it again then; cron can simply try again"


@dataclass(frozen=True, slots=True)
class Stop:
    """`error` says who can mend it: the user's settings, a person, or time."""

    kind: StopClass
    message: str
    hint: str
    error: type[TgTaggerError] = TryLater

    def to_error(self) -> TgTaggerError:
        return self.error(self.message, hint=self.hint, kind=self.kind)


_TOLD: Mapping[StopClass, tuple[str, str]] = {
    "key_rejected": (
        "the tagging server rejects the key",
        "set the right one (TGTAGGER_LLM_API_KEY); no post was harmed",
    ),
    "quota": (
        "the quota of this key is used up",
        "add credit, or name another server or key; no post was harmed",
    ),
    "unknown_model": (
        "{url} has no model {model}",
        "see which it has: tgtagger doctor; name one with TGTAGGER_LLM_MODEL",
    ),
    "wrong_address": (
        "{url} is not the address of a tagging server",
        "set TGTAGGER_LLM_URL to its base, up to /v1; see: tgtagger doctor",
    ),
}


def told(kind: StopClass, message: str, *, url: str, model: str, later: bool) -> Stop:
    """Return the stop that a server's answer means; `later` where waiting mends it."""
    words, hint = _TOLD[kind]
    told_words = f"{words.format(url=url, model=model)} ({message})"
    return Stop(kind, told_words, LATER if later else hint, TryLater if later else ActionNeeded)


def out_of_time() -> Stop:
    return Stop("time_cap", "the time given was over", "run it again to go on")


def no_time_to_wait(seconds: float) -> Stop:
    words = f"the next request may go in {_shown(seconds)}: this run has not so long"
    return Stop("time_cap", words, LATER)


def asked_to_wait(seconds: float | None) -> Stop:
    words = "goes on asking to wait" if seconds is None else f"asks to wait {_shown(seconds)}"
    return Stop(
        "throttled", f"the server {words}, longer than this run may (TGTAGGER_LLM_WAIT)", LATER
    )


def down(failures: int, message: str) -> Stop:
    words = f" {failures} times in a row" if failures > 1 else ""
    return Stop(
        "provider_down",
        f"the tagging server failed{words}: {message}",
        "see whether it runs, and run it again; cron can simply try again",
    )


def useless(count: int, message: str) -> Stop:
    return Stop(
        "provider_down",
        f"the model gave {count} answers in a row that cannot be used: {message}",
        "another model may do better (TGTAGGER_LLM_MODEL); see: tgtagger doctor",
    )


def over_cost(cap: float, spent: float) -> Stop:
    return Stop(
        "cost_cap",
        f"the next request could exceed the cap of {cap:g} USD ({spent:.6g} USD spent)",
        "raise it with --max-cost, or run it again later",
    )


def cost_unknown(model: str) -> Stop:
    return Stop(
        "cost_cap",
        f"the cost of {model} is not known, so it cannot be capped",
        "give its price in a file (TGTAGGER_LLM_PRICES, see docs/language-models.md), or no cap",
        InputError,
    )


def _shown(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


WINDOW = 24
"""Letters that a server's words and a post have in common when they hold its text."""

SHORTEST = 6
"""Letters of a post below which it cannot be told from a server's own words."""


def scrub(message: str, texts: Iterable[str]) -> str:
    """Return a server's words, but not where they hold a post's text (the key is `client`'s)."""
    words = " ".join(message.split()).casefold()
    for text in texts:
        flat = " ".join(text.split()).casefold()
        if len(flat) < SHORTEST:
            continue
        size = min(WINDOW, len(flat))
        pieces = (words[start : start + size] for start in range(len(words) - size + 1))
        if any(piece in flat for piece in pieces):
            return "the server's words are left out: they hold a post's text"
    return message
