"""The sentences of errors of tagging servers and vocabularies.

The kinds of `model.tagging.StopClass` stop a tagging run; such a kind may have several sentences,
depending on its data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


def _throttled(
    *, seconds: float | None = None, url: str | None = None, reason: object = "", **_: object
) -> str:
    if url is not None:
        wait = "" if seconds is None else f" {seconds:.0f} s"
        return f"{url} asks to wait{wait} ({reason})"
    words = "again and again" if seconds is None else _shown(seconds)
    return f"the server asks to wait {words}: too long for this run (TGTAGGER_LLM_WAIT)"


def _provider_down(
    *,
    reason: object,
    failures: int = 0,
    answers: int = 0,
    url: str | None = None,
    is_there: bool = True,
    **_: object,
) -> str:
    if url is not None:
        return f"{url} {'fails' if is_there else 'does not answer'}: {reason}"
    if answers:
        return f"the last {answers} answers of the model could not be used: {reason}"
    words = f" {failures} times in a row" if failures > 1 else ""
    return f"the tagging server failed{words}: {reason}"


def _cost_cap(
    *,
    model: str | None = None,
    cap: float = 0.0,
    spent: float = 0.0,
    shared: bool = False,
    **_: object,
) -> str:
    if model is not None:
        return f"the price of {model} is not known, so the cost cannot be limited"
    by = " by this run, the rest by others" if shared else ""
    return f"the next request could exceed the cap of {cap:g} USD ({spent:.6g} USD spent{by})"


def _time_cap(*, seconds: float | None = None, **_: object) -> str:
    if seconds is None:
        return "the time limit was reached"
    return f"the next request must wait {_shown(seconds)}: too long for this run"


def _shown(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


SENTENCES: Mapping[str, str | Callable[..., str]] = {
    # ---- why a tagging run ends
    "key_rejected": "the tagging server rejects the key ({reason})",
    "quota": "the quota of this key is used up ({reason})",
    "unknown_model": "{url} has no model {model} ({reason})",
    "wrong_address": "{url} is not the address of a tagging server ({reason})",
    "throttled": _throttled,
    "provider_down": _provider_down,
    "cost_cap": _cost_cap,
    "time_cap": _time_cap,
    # ---- how it is set up
    "tagging_key_invalid": "the key for the tagging server has invalid characters",
    "tagging_url_invalid": "{url!r} is not an address of a tagging server",
    "tagging_proxy_invalid": "the proxy of the environment cannot be used for tagging",
    "prices_unreadable": "the prices {path} cannot be read: {reason}",
    "prices_not_toml": "the prices {path} are not TOML: {reason}",
    "prices_invalid": "{path}: the prices of {model!r} are not two numbers",
    "cached_price_invalid": "{path}: `cached` of {model!r} is not a price",
    "shelf_invalid": "line {line}: write the name of a shelf, a colon, and its words",
    "shelf_unknown": 'line {line}: there is no shelf "{name}" to win over',
    "shelves_empty": "the file has no shelf",
    # ---- vocabularies
    "vocabulary_empty": "the vocabulary has no tags",
    "vocabulary_too_long": "line {line}: a vocabulary has at most {most} tags",
    "vocabulary_name_twice": 'line {line}: "{name}" is already in line {earlier}',
    "vocabulary_mode_unknown": 'line {line}: there is no mode "{mode}"',
    "vocabulary_tag_invalid": 'line {line}: "{name}" is not a tag',
}
