"""Tag posts of a real store by a simulated server: one call, and its results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from llm_server import Brain, Fault, Seen, mock_transport
from support.events import RecordedEvents
from support.make import page, post
from support.sql import reading
from support.virtual_time import VirtualLoop, run
from tgtagger import pipeline
from tgtagger.errors import TgTaggerError
from tgtagger.model.posts import PostFilter
from tgtagger.model.tagging import ModelCapabilities, Provenance, TagResult
from tgtagger.pipeline import TagRules
from tgtagger.store import Store
from tgtagger.taggers.llm.api.capabilities import Capabilities
from tgtagger.taggers.llm.api.client import Server
from tgtagger.taggers.llm.plan import Options
from tgtagger.taggers.llm.prompt import make_prompt
from tgtagger.taggers.llm.tagger import LlmTagger
from tgtagger.vocabulary import Vocabulary

PENDING = PostFilter(statuses=("pending",))
WORDS = ("storm", "harbour", "tram", "garden", "museum", "bridge", "market", "valley")


def fill(store: Store, count: int, *, first: int = 1, text: str | None = None) -> None:
    """Store posts, each with words of its own unless a text is given."""
    store.posts.save_page(
        page(
            *(
                post(number, text or f"{WORDS[number % 8]} number{number} of the river town")
                for number in range(first, first + count)
            )
        )
    )


@dataclass
class Told:
    """The results and events of a run, its end, and its requests."""

    results: list[TagResult] = field(default_factory=list)
    events: RecordedEvents = field(default_factory=RecordedEvents)
    stopped: TgTaggerError | None = None
    seconds: float = 0.0
    requests: int = 0

    @property
    def waits(self) -> list[float]:
        return [wait.seconds for wait in self.events.waits]

    @property
    def warnings(self) -> list[str]:
        return self.events.warnings

    @property
    def kind(self) -> str | None:
        return None if self.stopped is None else self.stopped.kind


def make(
    brain: Brain,
    *,
    key: str | None = "sk-test-0123456789",
    vocabulary: Vocabulary | None = None,
    capabilities: Mapping[str, Capabilities] | None = None,
    prices: Mapping[str, Any] | None = None,
    own_rules: str | None = None,
    language: str = "post",
    timeout: float = 120,
    remember: Callable[[ModelCapabilities], None] = lambda _: None,
    transport: httpx.MockTransport | None = None,
    **options: Any,
) -> LlmTagger:
    """Return a tagger whose server is the brain, or what `transport` says."""
    options.setdefault("models", ("test-model",))
    made = Options(**options)
    vocabulary = vocabulary or Vocabulary("open", maximum=made.maximum)
    server = Server(
        "http://127.0.0.1:1/v1",
        key,
        concurrency=made.concurrency,
        timeout=timeout,
        transport=transport or mock_transport(brain),
        clock=lambda: 1_800_000_000 + brain.clock(),
    )
    prompt = make_prompt(
        vocabulary,
        minimum=made.minimum,
        maximum=made.maximum,
        own_rules=own_rules,
        language=language,
    )
    return LlmTagger(
        server,
        prompt,
        vocabulary,
        made,
        capabilities=capabilities,
        prices=prices,
        remember=remember,
    )


def tag(
    store: Store,
    brain: Brain,
    wanted: PostFilter = PENDING,
    *,
    rules: TagRules = pipeline.DEFAULT_RULES,
    tagger: LlmTagger | None = None,
    **options: Any,
) -> Told:
    """Tag by a simulated server, in virtual time."""
    loop = VirtualLoop()
    brain.clock = loop.time
    brain.wall = lambda: 1_800_000_000 + loop.time()
    if brain.limit is not None:
        brain.limit.clock = loop.time
    tagger = tagger or make(brain, remember=store.answers.save_capabilities, **options)
    told = Told()
    before = len(brain.completions)

    async def follow() -> None:
        number = store.runs.start("tag", tagger.provenances[0])
        try:
            async for result in pipeline.tag(store, tagger, wanted, number, told.events, rules):
                told.results.append(result)
        except TgTaggerError as error:
            told.stopped = error
        told.seconds = loop.time()

    run(follow(), loop)
    told.requests = len(brain.completions) - before
    return told


def poison(fault: Fault) -> Callable[[Seen], Fault | None]:
    """Return a rule: the fault hits every request that holds post 7."""
    return lambda seen: fault if any("number7 " in text for text in seen.texts) else None


def statuses(store: Store) -> dict[str, int]:
    return {name: count for name, count in store.status.archive().posts.items() if count}


def failures(store: Store) -> dict[str, int]:
    return {item.failure: item.count for item in store.status.archive().failures}


def attempts(store: Store, number: int) -> list[str | None]:
    """Return the classes of the requests made for a post; None where it was answered."""
    return [item.failure for item in store.records.post(f"news/{number}").attempts]


def turns(store: Store) -> Counter[int]:
    """Return how many posts had how many turns."""
    with reading(store) as db:
        return Counter(dict(db.execute("SELECT attempts, count(*) FROM posts GROUP BY 1")))


def provenance(tagger: LlmTagger, **changes: Any) -> Provenance:
    return replace(tagger.provenances[0], **changes)


def tags_of(store: Store, numbers: Iterable[int]) -> Sequence[tuple[str, ...]]:
    return [store.records.post(f"news/{number}").post.tags for number in numbers]
