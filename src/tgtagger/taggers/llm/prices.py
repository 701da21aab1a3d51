"""What requests cost: from the server's answer where it says so, else from a table of list prices.

The table is small and grows old; a file of one's own overrides it. A model that is in neither has
no known cost, and that is what is said: never 0. Pure but for the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tgtagger.errors import InputError, system_error
from tgtagger.taggers.llm.api.answers import Usage


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens; `cached` of a prompt that the server had ready."""

    input: float
    output: float
    cached: float | None = None

    def cost(self, usage: Usage) -> float | None:
        """Return what these tokens cost; None where a count is not known."""
        if usage.prompt_tokens is None or usage.completion_tokens is None:
            return None
        cached = min(usage.cached_tokens or 0, usage.prompt_tokens)
        rate = self.input if self.cached is None else self.cached
        fresh = usage.prompt_tokens - cached
        return (fresh * self.input + cached * rate + usage.completion_tokens * self.output) / 1e6


PRICES: Mapping[str, Price] = {
    "gpt-5": Price(1.25, 10.0, 0.125),
    "gpt-5-mini": Price(0.25, 2.0, 0.025),
    "gpt-5-nano": Price(0.05, 0.4, 0.005),
    "gpt-4.1": Price(2.0, 8.0, 0.5),
    "gpt-4.1-mini": Price(0.4, 1.6, 0.1),
    "gpt-4.1-nano": Price(0.1, 0.4, 0.025),
    "gpt-4o": Price(2.5, 10.0, 1.25),
    "gpt-4o-mini": Price(0.15, 0.6, 0.075),
}
"""OpenAI's list prices as they were known when this was written (2025); check your provider's."""

MOST = 1e6
"""US dollars for a million tokens beyond which a price is a slip of the pen."""

FREE = Price(0.0, 0.0)
"""Of a server of one's own."""


def read_prices(path: Path | None) -> Mapping[str, Price]:
    """Return a file's prices: a table a model, `input`, `output` and perhaps `cached`.

    Raises InputError naming what is wrong.
    """
    if path is None:
        return {}
    example = 'write: ["model"] and below it input = 0.15 and output = 0.60, in USD a million'
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise system_error(error, f"the prices {path} cannot be read") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"the prices {path} are not TOML: {error}", hint=example) from error
    found = {}
    for model, table in tree.items():
        prices = [_number(table, name) for name in ("input", "output")]
        if not isinstance(table, dict) or None in prices:
            raise InputError(f"{path}: the prices of {model!r} are not two numbers", hint=example)
        cached = _number(table, "cached")
        if cached is None and "cached" in table:
            raise InputError(f"{path}: `cached` of {model!r} is not a price", hint=example)
        found[model] = Price(prices[0] or 0.0, prices[1] or 0.0, cached)
    return found


def _number(table: Any, name: str) -> float | None:
    value = table.get(name) if isinstance(table, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MOST else None


def price_of(model: str, provider: str | None, own: Mapping[str, Price]) -> Price | None:
    """Return a model's price, None where nobody knows it."""
    if model in own:
        return own[model]
    if provider in {"ollama", "lmstudio", "llamacpp", "vllm"}:
        return FREE
    return PRICES.get(model.removeprefix("openai/"))
