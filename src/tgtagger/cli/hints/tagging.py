"""The hints for errors of tagging servers and vocabularies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

_LATER = "run it again later; cron does so by itself"


def _quota(*, comes_back: bool, **_: object) -> str:
    if comes_back:
        return _LATER
    return "add credit, or set another server or key; the posts stay pending"


_STARTED_BY = {
    "ollama": (11434, "Ollama: ollama serve"),
    "lmstudio": (1234, "LM Studio: lms server start, or its Developer page"),
    "llamacpp": (8080, "llama.cpp: llama-server -m MODEL.gguf"),
    "vllm": (8000, "vLLM: vllm serve MODEL"),
}
"""How each server of this machine is started, and the port it usually has."""


def _how_to_start(url: str, provider: str | None) -> str:
    """Return how to start the server of this provider, or of the one that has this port."""
    named = _STARTED_BY.get(provider or "")
    by_port = [how for port, how in _STARTED_BY.values() if f":{port}" in url]
    ways = [named[1]] if named else by_port or [how for _, how in _STARTED_BY.values()]
    return f"start it ({'; '.join(ways)}), or set another address: TGTAGGER_LLM_URL"


def _provider_down(
    *,
    answers: int = 0,
    url: str | None = None,
    is_there: bool = True,
    provider: str | None = None,
    **_: object,
) -> str:
    from tgtagger.config.servers import is_loopback  # now: help and completion load no settings

    if url is not None and not is_there and is_loopback(url):
        return _how_to_start(url, provider)
    if url is not None and is_there:
        return "check that it has enough memory for the model, or try again later"
    if url is not None:
        return "check that the server runs there (TGTAGGER_LLM_URL)"
    if answers:
        return "try another model (TGTAGGER_LLM_MODEL), or check this one: tgtagger doctor"
    return "check the server, then run it again; cron does so by itself"


def _cost_cap(*, model: str | None = None, **_: object) -> str:
    if model is not None:
        return (
            "write its price in a file (TGTAGGER_LLM_PRICES, see docs/language-models.md), "
            "or remove the cap"
        )
    return "raise it with --max-cost, or run it again later"


def _time_cap(*, seconds: float | None = None, **_: object) -> str:
    return "run it again to continue" if seconds is None else _LATER


def _modes(*, known: Sequence[str], **_: object) -> str:
    return f"one of: {', '.join(known)}"


_PRICES = 'write ["model"], and below it input = 0.15 and output = 0.60: USD per million tokens'
_SHELVES = "a line is: sport: match goal champion (docs/tagging.md)"

HINTS: Mapping[str, str | Callable[..., str | None]] = {
    "key_rejected": "set the right key (TGTAGGER_LLM_API_KEY); the posts stay pending",
    "quota": _quota,
    "unknown_model": "list its models: tgtagger doctor; then set TGTAGGER_LLM_MODEL",
    "wrong_address": "set TGTAGGER_LLM_URL to its base, up to /v1; check it: tgtagger doctor",
    "throttled": _LATER,
    "provider_down": _provider_down,
    "cost_cap": _cost_cap,
    "time_cap": _time_cap,
    "tagging_key_invalid": "copy it again (TGTAGGER_LLM_API_KEY)",
    "tagging_url_invalid": "write it up to /v1, such as http://127.0.0.1:11434/v1",
    "tagging_proxy_invalid": (
        "set HTTPS_PROXY to an HTTP proxy, or add the tagging server to NO_PROXY"
    ),
    "prices_not_toml": _PRICES,
    "prices_invalid": _PRICES,
    "cached_price_invalid": _PRICES,
    "shelf_invalid": _SHELVES,
    "shelf_unknown": "after > stand names of other shelves of the file, with commas",
    "shelves_empty": _SHELVES,
    "vocabulary_empty": "write one tag per line",
    "vocabulary_too_long": "remove tags that are rarely used",
    "vocabulary_name_twice": "a name or an alias belongs to one tag",
    "vocabulary_mode_unknown": _modes,
    "vocabulary_tag_invalid": (
        "a tag has a letter, at most {most_words} words and {most_letters} characters, and "
        "no brackets, commas, links or @names; a line is: name | alias, alias | description"
    ),
}
