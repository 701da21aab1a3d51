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
from tgtagger.taggers.llm.exchange import FRAME_TOKENS, Exchange
from tgtagger.taggers.llm.plan import Options
from tgtagger.taggers.llm.queue import Groups, Sizes, text_of

SAMPLED = 20
"""Of so many requests, and then of fewer and fewer, it is seen which tags they would offer."""

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
            if seen.add(post.text_hash) or not post.text_hash:
                yield post
            else:
                copied += 1

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
            prompt += head + groups.tokens + len(group) * FRAME_TOKENS
            prompt += offered.count(group, options.sizes)
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

    def count(self, group: Sequence[PostForTagging], sizes: Sizes) -> int:
        self._requests += 1
        if self._requests % (self._requests // SAMPLED + 1):
            return math.ceil(self._tokens / self._looked_at)
        found = self._exchange.count_offered([text_of(post, sizes).text for post in group])
        self._looked_at += 1
        self._tokens += found
        return found
