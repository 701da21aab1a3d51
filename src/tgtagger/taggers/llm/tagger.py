"""Tag posts by the language models of one server: what a tagger is made of. See `run` for its work.

Knows no store, and nothing of how a run goes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass

from tgtagger.model.tagging import PostForTagging, Provenance, Step
from tgtagger.taggers.llm.api.capabilities import Formats
from tgtagger.taggers.llm.api.client import Server
from tgtagger.taggers.llm.api.requests import DIALECTS, PLAIN, Capabilities
from tgtagger.taggers.llm.costs import Ledger, Spending
from tgtagger.taggers.llm.exchange import Asking
from tgtagger.taggers.llm.groups import CLOUD, Sizes
from tgtagger.taggers.llm.prices import Price
from tgtagger.taggers.llm.prompt import Prompt
from tgtagger.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Options:
    """How to tag. Seconds and US dollars; None: no bound."""

    models: tuple[str, ...]
    provider: str | None = None
    minimum: int = 3
    maximum: int = 7
    concurrency: int = 8
    rpm: int = 0
    sizes: Sizes = CLOUD
    longest_wait: float = 120.0
    retry_base: float = 1.0
    max_cost: float | None = None
    max_time: float | None = None
    spent: float = 0.0  # of the cap, by an earlier part of the same run


class LlmTagger:
    """Tags posts by the models of one server. `spent` tells what each has cost so far."""

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
    ) -> None:
        self.server = server
        self.prompt = prompt
        self.vocabulary = vocabulary
        self.options = options
        self.dialect = DIALECTS.get(options.provider, PLAIN)
        self.asking = Asking(prompt, vocabulary, self.dialect, options.minimum, options.maximum)
        self.formats = Formats(options.models, self.dialect, capabilities or {})
        self.ledger = Ledger(options.models, prices or {}, options.max_cost, spent=options.spent)

    @property
    def provenances(self) -> tuple[Provenance, ...]:
        """Where tags come from, a model each; the first one is asked first."""
        return tuple(
            Provenance("llm", model, self.prompt.hash, self.vocabulary.hash)
            for model in self.options.models
        )

    @property
    def spent(self) -> Mapping[str, Spending]:
        return self.ledger.spent

    async def tag(self, posts: Iterable[PostForTagging]) -> AsyncGenerator[Step]:
        """Yield what becomes of the posts, and waits before them.

        Raises ActionNeeded, TryLater or InputError, with `kind` saying why, when the run cannot go
        on; what was answered has been yielded by then.
        """
        from tgtagger.taggers.llm.run import Run

        async with self.server:
            run = Run(self, posts)
            try:
                async for step in run.steps():
                    yield step
            finally:
                await run.abandon()
