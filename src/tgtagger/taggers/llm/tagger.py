"""Tag posts by the language models of one server: the public face of this package.

Puts a run, an estimate and a probe together. Knows no store, and no step of a run.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import Any

from tgtagger.model.events import Events
from tgtagger.model.tagging import Answered, Estimate, PostForTagging, Provenance, Spending
from tgtagger.taggers.llm.api.capabilities import (
    DIALECTS,
    PLAIN,
    Capabilities,
    CapabilitiesByModel,
)
from tgtagger.taggers.llm.api.client import Server
from tgtagger.taggers.llm.costs import Budget, Costs, Price
from tgtagger.taggers.llm.estimate import estimate
from tgtagger.taggers.llm.exchange import Exchange
from tgtagger.taggers.llm.plan import Options, Plan
from tgtagger.taggers.llm.probe import Probe, probe, tokens_of_request
from tgtagger.taggers.llm.prompt import Prompt
from tgtagger.taggers.llm.rate_limiter import SharedLimits
from tgtagger.taggers.llm.run import Remember, follow
from tgtagger.vocabulary import Vocabulary


class LlmTagger:
    """Tags posts by the models of one server.

    `remember` is called with a model's new capabilities, so that the next run begins with them.
    `shared`: what other runs know that ask the same server. `budget`: of which this run, and
    others, take what they spend.
    """

    paid = True

    def __init__(
        self,
        server: Server,
        prompt: Prompt,
        vocabulary: Vocabulary,
        options: Options,
        *,
        capabilities: Mapping[str, Capabilities] | None = None,
        prices: Mapping[str, Price] | None = None,
        remember: Remember = lambda _: None,
        shared: SharedLimits | None = None,
        budget: Budget | None = None,
    ) -> None:
        dialect = DIALECTS.get(options.provider, PLAIN)
        self.server = server
        self.options = options
        self.exchange = Exchange(prompt, vocabulary, dialect, options.minimum, options.maximum)
        self._capabilities = CapabilitiesByModel(options.models, dialect, capabilities or {})
        self._costs = Costs(
            options.models, prices or {}, options.max_cost, spent=options.spent, budget=budget
        )
        self._remember = remember
        self._shared = shared
        self._began: float | None = None

    @property
    def provenances(self) -> tuple[Provenance, ...]:
        """Return the provenance of tags for each model; the first model is asked first."""
        prompt, vocabulary = self.exchange.prompt.hash, self.exchange.vocabulary.hash
        return tuple(Provenance("llm", model, prompt, vocabulary) for model in self.options.models)

    @property
    def spending(self) -> Spending:
        return self._costs.spending

    async def tag(
        self, posts: Iterable[PostForTagging], events: Events
    ) -> AsyncGenerator[tuple[Answered, ...]]:
        """Yield the outcomes of posts; tell waits and warnings.

        Raises an error whose kind is a StopClass when the run cannot go on, after all answers have
        been yielded.
        """
        if self._began is None:  # a run may call it again, and has one time in all
            self._began = asyncio.get_running_loop().time()
        async with self.server:
            plan = Plan(
                posts, self.options, self.exchange, self._capabilities, self._costs,
                self.provenances, self.server.url, now=self._began, shared=self._shared,
            )  # fmt: skip
            try:
                async with aclosing(follow(plan, self.server, events, self._remember)) as steps:
                    async for answered in steps:
                        yield answered
            finally:
                self._costs.settle()

    def estimate(self, posts: Iterable[PostForTagging], *, mean_seconds: float | None) -> Estimate:
        """Return the estimate for tagging these posts. Sends nothing."""
        price = self._costs.prices.get(self.options.models[0])
        return estimate(posts, self.options, self.exchange, price, mean_seconds=mean_seconds)

    async def probe(self) -> Probe:
        """Probe the server: its models, their capabilities, tags for two samples."""
        return await probe(self.server, self.exchange, self.options.models)

    def tokens_of_request(self, posts: int) -> int:
        """Return about how many tokens a request for so many usual posts takes."""
        return tokens_of_request(self.exchange, self.options.sizes, posts)

    def sample_request(self, text: str) -> dict[str, Any]:
        """Return the request for a text's tags, as the first model would get it. Sends nothing."""
        model = self.options.models[0]
        body = self.exchange.write(model, [text], self._capabilities.of(model))
        request: dict[str, Any] = json.loads(body)
        return request
