"""What a run has asked for, and what it cost: counted as it goes, capped, told when asked for.

What a server does not say is counted as unknown, not as nothing. Knows no server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from tgtagger.taggers.llm.api.answers import Usage
from tgtagger.taggers.llm.prices import Price


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
    unanswered: int = 0  # reached the server and brought nothing: perhaps billed

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
        self,
        models: Sequence[str],
        prices: Mapping[str, Price],
        cap: float | None,
        *,
        spent: float = 0.0,
    ) -> None:
        self.spent = {model: Spending() for model in models}
        self.prices = prices
        self.cap = cap
        self._dearest: dict[str, float] = {}  # a request so far
        self._before = spent
        self._unseen = 0.0  # what answers that do not tell their tokens may have cost

    def sent(self, model: str, *, again: bool) -> None:
        self.spent[model].requests += 1
        self.spent[model].retries += again

    def lost(self, model: str, estimate: float) -> None:
        """Count a request that came to the server and brought no answer."""
        self.spent[model].unanswered += 1
        self._unseen += estimate

    def answered(self, model: str, usage: Usage, estimate: float) -> float | None:
        """Count an answer; return its cost, None where neither the server nor a price tells.

        Against the cap an answer without its tokens counts as what it may have cost.
        """
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
        self._unseen += estimate if cost is None else 0.0
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
        return self._before + sum(spending.cost_usd for spending in self.spent.values())

    def allows(self, estimate: float, on_their_way: float) -> bool:
        """Tell whether the next request stays below the cap, with those that are on their way."""
        spent = self.cost_usd + self._unseen
        return self.cap is None or (
            spent < self.cap and spent + on_their_way + estimate <= self.cap
        )

    def cannot_cap(self, model: str) -> bool:
        """Tell whether there is a cap, and neither a price nor any answer tells the cost."""
        spending = self.spent[model]
        is_unpriced = model not in self.prices and 0 < spending.unpriced == spending.answers
        return self.cap is not None and is_unpriced
