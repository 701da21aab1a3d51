"""Estimate a run before it begins: requests, tokens, cost, time. Sends nothing.

Makes the same groups as a run. Tokens are counted rather too high (`prompt.count_tokens`); an
unknown value is None. Knows no server.
"""

from __future__ import annotations

from collections.abc import Iterable

from tgtagger.model.hashes import Hashes
from tgtagger.model.tagging import Estimate, PostForTagging
from tgtagger.taggers.llm.api.answers import Usage
from tgtagger.taggers.llm.costs import Price
from tgtagger.taggers.llm.exchange import Exchange
from tgtagger.taggers.llm.plan import Options
from tgtagger.taggers.llm.queue import Groups, text_of

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

    groups = Groups(fresh(), options.sizes)
    requests = prompt = asked = skipped = 0
    while not groups.are_over:
        group, wordless = groups.take()
        skipped += len(wordless)
        if group:
            requests += 1
            asked += len(group)
            texts = [text_of(post, options.sizes).text for post in group]
            prompt += exchange.count_tokens(texts)
    completion = asked * TOKENS_PER_POST
    cost = None if price is None else price.cost(Usage(prompt, completion))
    seconds = None
    if mean_seconds is not None:
        seconds = requests * mean_seconds / options.concurrency
    if options.rpm:
        seconds = max(seconds or 0.0, requests * 60 / options.rpm)
    return Estimate(skipped, copied, requests, prompt, completion, cost, seconds)
