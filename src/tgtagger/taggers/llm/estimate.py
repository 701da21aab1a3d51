"""What a run would be, before it begins: requests, tokens, cost, time. Sends nothing.

The same groups are made as in a run. Tokens are counted rather too high (`prompt.count_tokens`);
what nobody knows is None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tgtagger.model.tagging import PostForTagging
from tgtagger.taggers.llm.api.answers import Usage
from tgtagger.taggers.llm.groups import Groups, text_of
from tgtagger.taggers.llm.tagger import LlmTagger

TOKENS_PER_POST = 45
"""Of an answer, about: three to five Russian tags were seen to take 27 to 45."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """`seconds` is None where neither a pace nor an earlier answer tells."""

    posts: int
    skipped: int  # without words: they cost nothing
    copied: int  # of the same text as another: asked once
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None
    seconds: float | None


def estimate(
    tagger: LlmTagger, posts: Iterable[PostForTagging], *, mean_seconds: float | None
) -> Estimate:
    """Count what tagging these posts takes. `mean_seconds` is what answers took so far."""
    options = tagger.options
    seen: set[str] = set()
    count = copied = 0

    def fresh() -> Iterable[PostForTagging]:
        nonlocal count, copied
        for post in posts:
            count += 1
            if post.text_hash and post.text_hash in seen:
                copied += 1
                continue
            seen.add(post.text_hash)
            yield post

    groups = Groups(fresh(), options.sizes)
    requests = prompt = asked = skipped = 0
    while True:
        group = groups.take()
        skipped += len(groups.wordless)
        is_over = not group and not groups.wordless
        groups.wordless.clear()
        if is_over:
            break
        if group:
            requests += 1
            asked += len(group)
            texts = [text_of(post, options.sizes).text for post in group]
            prompt += tagger.asking.count_tokens(texts)
    completion = asked * TOKENS_PER_POST
    price = tagger.ledger.prices.get(options.models[0])
    cost = None if price is None else price.cost(Usage(prompt, completion))
    seconds = None
    if mean_seconds is not None:
        seconds = requests * mean_seconds / options.concurrency
    if options.rpm:
        seconds = max(seconds or 0.0, requests * 60 / options.rpm)
    return Estimate(count, skipped, copied, requests, prompt, completion, cost, seconds)
