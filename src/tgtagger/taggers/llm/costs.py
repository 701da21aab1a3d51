"""The costs of requests: prices, the requests and costs of a run so far, and its cap.

A server's own cost counts if its answer has one; otherwise a table of list prices gives the cost.
The table is small and grows old; the user's file overrides it. Without either the cost is unknown,
never 0; the same holds for tokens that no server tells. Pure, except for reading the file. Knows no
server.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from tgtagger.errors import InputError, system_error
from tgtagger.model.tagging import Spending
from tgtagger.taggers.llm.api.answers import Usage

# ---- prices


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens; `cached`: tokens of a prompt in the server's cache."""

    input: float
    output: float
    cached: float | None = None

    def cost(self, usage: Usage) -> float | None:
        """Return the cost of these tokens in US dollars; None if a count is unknown."""
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
"""OpenAI's list prices as known in 2025; check the prices of your provider."""

MOST = 1e6
"""US dollars for a million tokens: a higher price is a typing error."""

FREE = Price(0.0, 0.0)
"""The price of a user's own server."""


def read_prices(path: Path | None) -> Mapping[str, Price]:
    """Return a file's prices: a table with `input`, `output` and perhaps `cached` for each model.

    Raises InputError with what is wrong.
    """
    if path is None:
        return {}
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise system_error(error, "prices_unreadable", path=path) from error
    except (ValueError, RecursionError) as error:
        raise InputError("prices_not_toml", path=path, reason=error) from error
    found = {}
    for model, table in tree.items():
        prices = [_number(table, name) for name in ("input", "output")]
        if not isinstance(table, dict) or None in prices:
            raise InputError("prices_invalid", path=path, model=model)
        cached = _number(table, "cached")
        if cached is None and "cached" in table:
            raise InputError("cached_price_invalid", path=path, model=model)
        found[model] = Price(prices[0] or 0.0, prices[1] or 0.0, cached)
    return found


def _number(table: Any, name: str) -> float | None:
    value = table.get(name) if isinstance(table, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MOST else None


def price_of(model: str, provider: str | None, own: Mapping[str, Price]) -> Price | None:
    """Return a model's price, None if it is unknown."""
    if model in own:
        return own[model]
    if provider in {"ollama", "lmstudio", "llamacpp", "vllm"}:
        return FREE
    return PRICES.get(model.removeprefix("openai/"))


# ---- spending


@dataclass(slots=True)
class _Count:
    """Counts for one model. `unknown`: answers without tokens; `unpriced`: without a cost."""

    requests: int = 0
    retries: int = 0
    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    unknown: int = 0
    unpriced: int = 0
    unanswered: int = 0  # reached the server, without an answer: perhaps billed

    def told(self, models: tuple[tuple[str, Spending], ...] = ()) -> Spending:
        """Return the counts; a cost or tokens that no answer told are None."""
        is_known = self.unknown == 0 or self.unknown < self.answers
        is_priced = self.unpriced == 0 or self.unpriced < self.answers
        return Spending(
            self.requests,
            self.retries,
            self.prompt_tokens if is_known else None,
            self.completion_tokens if is_known else None,
            self.cached_tokens if is_known else None,
            self.cost_usd if is_priced else None,
            self.unknown,
            self.unpriced,
            self.unanswered,
            models,
        )


PARTS = 50
"""Into so many parts a cap is divided that several runs share: they take one at a time."""


class Budget(Protocol):
    """What several runs may spend together, in US dollars."""

    def take(self, least: float, most: float) -> float:
        """Take some of what is left; 0 if less than `least` is."""

    def settle(self, over: float) -> None:
        """Note what was spent beyond what was taken; a negative sum comes back."""


class Costs:
    """Counts the requests and the cost of each model, against a cap in US dollars.

    With a `budget` the cap is that of several runs: what this one may spend, it takes from there
    beforehand, a part at a time; `settle` gives back what is left of it.
    """

    def __init__(
        self,
        models: Sequence[str],
        prices: Mapping[str, Price],
        cap: float | None,
        *,
        spent: float = 0.0,
        budget: Budget | None = None,
    ) -> None:
        self._counts = {model: _Count() for model in models}
        self.prices = prices
        self.cap = cap
        self._dearest: dict[str, float] = {}  # by model, the cost of its dearest request so far
        self._before = spent
        self._budget = budget
        self._taken = 0.0  # of the budget
        self._unseen = 0.0  # the possible cost of answers without tokens

    def sent(self, model: str, *, again: bool) -> None:
        self._counts[model].requests += 1
        self._counts[model].retries += again

    def lost(self, model: str, estimate: float) -> None:
        """Count a request that reached the server and was not answered."""
        self._counts[model].unanswered += 1
        self._unseen += estimate

    def answered(self, model: str, usage: Usage, estimate: float) -> float | None:
        """Count an answer; return its cost, None if neither the server nor a price tells it.

        An answer without tokens counts against the cap with its possible cost.
        """
        cost = usage.cost_usd
        if cost is None and model in self.prices:
            cost = self.prices[model].cost(usage)
        count = self._counts[model]
        count.answers += 1
        count.unknown += usage.prompt_tokens is None or usage.completion_tokens is None
        count.prompt_tokens += usage.prompt_tokens or 0
        count.completion_tokens += usage.completion_tokens or 0
        count.cached_tokens += usage.cached_tokens or 0
        count.unpriced += cost is None
        self._unseen += estimate if cost is None else 0.0
        count.cost_usd += cost or 0.0
        self._dearest[model] = max(self._dearest.get(model, 0.0), cost or 0.0)
        return cost

    def estimate(self, model: str, prompt_tokens: int, answer_tokens: int) -> float:
        """Return the highest possible cost of a request: by the price, or as the dearest so far.

        0 if it is unknown, as before the first answer of a server that tells its costs.
        """
        price = self.prices.get(model)
        if price is None:
            return self._dearest.get(model, 0.0)
        return price.cost(Usage(prompt_tokens, answer_tokens)) or 0.0

    @property
    def spending(self) -> Spending:
        """Return the spending of all models so far, and of each model that got a request."""
        whole = _Count()
        for count in self._counts.values():
            for field in fields(_Count):
                setattr(whole, field.name, getattr(whole, field.name) + getattr(count, field.name))
        return whole.told(
            tuple((model, count.told()) for model, count in self._counts.items() if count.requests)
        )

    @property
    def cost_usd(self) -> float:
        return self._before + sum(count.cost_usd for count in self._counts.values())

    def allows(self, estimate: float, on_their_way: float) -> bool:
        """Tell whether the next request stays below the cap, together with those in flight."""
        if self.cap is None:
            return True
        spent = self.cost_usd + self._unseen
        cap, needed = self.cap, spent + on_their_way + estimate
        if self._budget is not None:
            if spent >= self._taken or needed > self._taken:
                least = max(needed - self._taken, self.cap / 1e6)
                self._taken += self._budget.take(least, max(least, self.cap / PARTS))
            cap = self._taken
        return spent < cap and needed <= cap

    def settle(self) -> None:
        """Give back what was taken of the budget and not spent; take what was spent beyond it."""
        if self._budget is not None and self.cap is not None:
            spent = self.cost_usd + self._unseen
            self._budget.settle(spent - self._taken)
            self._taken = spent

    @property
    def is_shared(self) -> bool:
        """Tell whether several runs share the cap."""
        return self._budget is not None

    def cannot_cap(self, model: str) -> bool:
        """Tell whether there is a cap whose cost neither a price nor any answer tells."""
        count = self._counts[model]
        is_unpriced = model not in self.prices and 0 < count.unpriced == count.answers
        return self.cap is not None and is_unpriced
