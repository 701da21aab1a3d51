"""An estimate of many requests looks at the tags that a part of them would offer."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tgtagger.model.tagging import Estimate, PostForTagging, PostId
from tgtagger.taggers.llm import estimate as module
from tgtagger.taggers.llm.api.capabilities import PLAIN
from tgtagger.taggers.llm.estimate import estimate
from tgtagger.taggers.llm.exchange import Exchange
from tgtagger.taggers.llm.plan import Options
from tgtagger.taggers.llm.prompt import make_prompt
from tgtagger.taggers.llm.queue import Sizes
from tgtagger.vocabulary import Vocabulary

WORDS = [f"{a}{b}" for a in ("море", "лес", "город", "рынок", "суд") for b in ("", "ный", "ник")]


class Counting(Exchange):
    """An exchange that counts for how many requests it was asked which tags they offer."""

    asked = 0

    def existing(self, texts: object) -> tuple[str, ...]:
        Counting.asked += 1
        return super().existing(texts)  # type: ignore[arg-type]


def posts(count: int) -> Iterator[PostForTagging]:
    chance = random.Random(5)
    for number in range(count):
        text = " ".join(chance.choices(WORDS, k=chance.randint(3, 12)))
        yield PostForTagging(PostId(1, number), text, f"{number:016x}", 0, "News")


def estimated(count: int) -> tuple[Estimate, int]:
    vocabulary = Vocabulary("prefer", existing=[(name, ()) for name in WORDS])
    exchange = Counting(make_prompt(vocabulary), vocabulary, PLAIN)
    Counting.asked = 0
    options = Options(("model",), sizes=Sizes(posts=1))
    return estimate(posts(count), options, exchange, None, mean_seconds=None), Counting.asked


def test_many_requests_are_estimated_by_some(monkeypatch: pytest.MonkeyPatch) -> None:
    few, asked = estimated(module.SAMPLED)
    assert (few.requests, asked) == (module.SAMPLED, module.SAMPLED)
    monkeypatch.setattr(module, "SAMPLED", 10**6)
    exact, asked = estimated(1000)
    assert asked == 1000
    monkeypatch.undo()
    found, asked = estimated(1000)
    assert asked < 120
    assert (found.requests, found.completion_tokens) == (exact.requests, exact.completion_tokens)
    assert found.prompt_tokens == pytest.approx(exact.prompt_tokens, rel=0.01)
