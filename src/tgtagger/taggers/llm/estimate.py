"""Estimate a run before it begins: requests, tokens, cost, time. Sends nothing.

Makes the same groups as a run. Tokens are counted rather too high (`prompt.count_tokens`); an
unknown value is None. Knows no server.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tgtagger.model.hashes import Hashes
from tgtagger.model.tagging import Estimate, PostForTagging
from tgtagger.taggers.llm.api.answers import Usage
from tgtagger.taggers.llm.costs import Price
from tgtagger.taggers.llm.exchange import Exchange
from tgtagger.taggers.llm.plan import Options
from tgtagger.taggers.llm.queue import Groups, text_of

SAMPLED = 100
EVERY = 25
"""Of so many requests, and then of one in so many, it is seen which tags they would offer."""

TOKENS_PER_POST = 45
"""Tokens of an answer, about: three to five Russian tags took 27 to 45 when measured."""


def estimate(
    posts: Iterable[PostForTagging],
    options: Options,
    exchange: Exchange,
    price: Price | None,
    *,
    mean_seconds: float | None,
) -> Estimate:
    """Return the estimate for these posts. `mean_seconds` is the mean time of earlier answers."""
    seen = Hashes()
    copied = 0

    def fresh() -> Iterable[PostForTagging]:
        nonlocal copied
        for post in posts:
            if post.text_hash and post.text_hash in seen:
                copied += 1
                continue
            seen.add(post.text_hash)
            yield post

    groups, head, offered = (
        Groups(fresh(), options.sizes),
        exchange.count_tokens((), ()),
        _Offered(exchange),
    )
    requests = prompt = asked = skipped = 0
    while not groups.are_over:
        group, wordless = groups.take()
        skipped += len(wordless)
        if group:
            requests += 1
            asked += len(group)
            texts = [text_of(post, options.sizes).text for post in group]
            prompt += head + sum(map(exchange.count_post, texts)) + offered.count(texts)
    completion = asked * TOKENS_PER_POST
    cost = None if price is None else price.cost(Usage(prompt, completion))
    seconds = None
    if mean_seconds is not None:
        seconds = requests * mean_seconds / options.concurrency
    if options.rpm:
        seconds = max(seconds or 0.0, requests * 60 / options.rpm)
    return Estimate(skipped, copied, requests, prompt, completion, cost, seconds)


class _Offered:
    """Counts the tokens of the archive's tags that requests offer: of a part, the others' mean.

    To choose them takes ten times as long as to read the posts.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._requests = self._looked_at = self._tokens = 0

    def count(self, texts: Sequence[str]) -> int:
        self._requests += 1
        if self._requests > SAMPLED and self._requests % EVERY:
            return math.ceil(self._tokens / self._looked_at)
        found = self._exchange.count_offered(texts)
        self._looked_at += 1
        self._tokens += found
        return found
