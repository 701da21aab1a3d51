"""What a run has asked for, and what it cost: counted as it goes, capped, told when asked for.

What a server does not say is counted as unknown, not as nothing. Knows no server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from tgtagger.taggers.llm.prices import Price
from tgtagger.taggers.llm.wire import Usage


@dataclass(slots=True)
class Spending:
    """Of one model. `unknown` counts answers without tokens, `unpriced` those without a cost."""

    requests: int = 0
    retries: int = 0
    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float = 0.0
    unknown: int = 0
    unpriced: int = 0

    @property
    def cost(self) -> float | None:
        """The cost so far; None where none is known of any answer."""
        return None if self.unpriced and self.unpriced == self.answers else self.cost_usd


def total(spendings: Iterable[Spending]) -> Spending:
    """Return the sum over all models."""
    whole = Spending()
    for each in spendings:
        for field in fields(Spending):
            setattr(whole, field.name, getattr(whole, field.name) + getattr(each, field.name))
    return whole


class Ledger:
    """Counts what each model was asked and what it cost, against a cap in US dollars."""

    def __init__(
        self, models: Sequence[str], prices: Mapping[str, Price], cap: float | None
    ) -> None:
        self.spent = {model: Spending() for model in models}
        self.prices = prices
        self.cap = cap
        self._dearest: dict[str, float] = {}  # a request so far

    def sent(self, model: str, *, again: bool) -> None:
        self.spent[model].requests += 1
        self.spent[model].retries += again

    def answered(self, model: str, usage: Usage) -> float | None:
        """Count an answer; return its cost, None where neither the server nor a price tells."""
        cost = usage.cost_usd
        if cost is None and model in self.prices:
            cost = self.prices[model].cost(usage)
        spending = self.spent[model]
        spending.answers += 1
        spending.unknown += usage.prompt_tokens is None or usage.completion_tokens is None
        spending.prompt_tokens += usage.prompt_tokens or 0
        spending.completion_tokens += usage.completion_tokens or 0
        spending.cached_tokens += usage.cached_tokens or 0
        spending.unpriced += cost is None
        spending.cost_usd += cost or 0.0
        self._dearest[model] = max(self._dearest.get(model, 0.0), cost or 0.0)
        return cost

    def estimate(self, model: str, prompt_tokens: int, answer_tokens: int) -> float:
        """Return what a request may cost at the most: by the price, or as the dearest so far.

        0 where nobody knows, as before the first answer of a server that tells the cost itself.
        """
        price = self.prices.get(model)
        if price is None:
            return self._dearest.get(model, 0.0)
        return price.cost(Usage(prompt_tokens, answer_tokens)) or 0.0

    @property
    def cost_usd(self) -> float:
        return sum(spending.cost_usd for spending in self.spent.values())

    def allows(self, estimate: float, on_their_way: float) -> bool:
        """Tell whether the next request stays below the cap, with those that are on their way."""
        spent = self.cost_usd
        return self.cap is None or (
            spent < self.cap and spent + on_their_way + estimate <= self.cap
        )

    def cannot_cap(self, model: str) -> bool:
        """Tell whether there is a cap, and an answer whose cost nobody knows."""
        return self.cap is not None and self.spent[model].unpriced > 0


def share_out(whole: int | None, weights: Sequence[int]) -> list[int | None]:
    """Return a whole number shared out by weight; the parts add up to it."""
    if whole is None:
        return [None] * len(weights)
    parts: list[int | None] = []
    all_weights, passed, given = sum(weights) or 1, 0, 0
    for weight in weights:
        passed += weight
        upto = whole * passed // all_weights
        parts.append(upto - given)
        given = upto
    return parts
