"""A request on its way, and the attempts that it is written down as when it ends.

Pure. Knows not what becomes of its posts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tgtagger.model.tagging import Attempt
from tgtagger.taggers.llm.api.answers import Reply
from tgtagger.taggers.llm.api.client import Heard
from tgtagger.taggers.llm.api.requests import Capabilities
from tgtagger.taggers.llm.groups import Text
from tgtagger.taggers.llm.queue import Job
from tgtagger.taggers.llm.rate_limiter import Ticket


@dataclass(frozen=True, slots=True)
class Sent:
    """What must be known of a request when it ends. `estimate` is what it may cost, in USD."""

    job: Job
    model: str
    texts: tuple[Text, ...]
    tokens: int
    capabilities: Capabilities
    ticket: Ticket
    estimate: float

    @property
    def plain(self) -> list[str]:
        return [text.text for text in self.texts]

    def attempts(self, heard: Heard, reply: Reply, cost: float | None) -> list[Attempt]:
        """Return the attempt of each post; tokens and cost are shared out by length."""
        weights = [text.tokens for text in self.texts]
        usage = reply.usage
        prompt = share_out(usage.prompt_tokens, weights)
        completion = share_out(usage.completion_tokens, [1] * len(weights))
        cached = share_out(usage.cached_tokens, weights)
        return [
            Attempt(
                at=heard.at,
                model=self.model,
                http_status=heard.status,
                latency_ms=round(heard.seconds * 1000),
                prompt_tokens=prompt[at],
                completion_tokens=completion[at],
                cached_tokens=cached[at],
                cost_usd=None if cost is None else cost * weights[at] / sum(weights),
                sent_letters=text.cut_at,
            )
            for at, text in enumerate(self.texts)
        ]


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
