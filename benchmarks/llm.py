"""Tagging by a model against its limit, and the cost of the client and the disk.

A server on loopback (that of the tests) in a process of its own answers after 200 ms. The limit (I)
is posts x latency / requests at once: waiting alone. In the same run a bare httpx loop sends the
same bodies and writes nothing (B). Prints the rate of one and of ten posts a request as a share of
I, the CPU of a request in ours and in B, and the cost of writing: the wall time against a run that
throws its answers away. Figures: docs/performance.md.

    python benchmarks/llm.py [--posts 2000] [--rounds 3] [--tags 0]
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from llm_server import LlmServer
from support.events import RecordedEvents
from support.make import page, post
from tgtagger import pipeline
from tgtagger.model.posts import PostFilter
from tgtagger.store import Store
from tgtagger.taggers.llm.api.capabilities import Capabilities
from tgtagger.taggers.llm.api.client import Server
from tgtagger.taggers.llm.api.requests import Wanted, write_request
from tgtagger.taggers.llm.plan import Options
from tgtagger.taggers.llm.prompt import make_prompt, posts_message
from tgtagger.taggers.llm.queue import Sizes
from tgtagger.taggers.llm.tagger import LlmTagger
from tgtagger.vocabulary import Vocabulary

LATENCY = 0.2
AT_ONCE = 32
WORDS = "A storm came over the harbour and the old town by the river, and left it wet. " * 3


def serve(pipe: Any) -> None:
    with LlmServer(latency=LATENCY) as server:
        pipe.send(server.url)
        pipe.recv()


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def ours(
    url: str, database: str, batch: int, tags: int, *, writes: bool = True
) -> tuple[float, float, int]:
    """Tag all posts; return wall and CPU seconds, and requests."""
    vocabulary = Vocabulary("prefer", existing=[(name, ()) for name in some_tags(tags)])
    vocabulary.likeliest(["warm"])  # the index is made once a run
    tagger = LlmTagger(
        Server(url, None, concurrency=AT_ONCE),
        make_prompt(vocabulary),
        vocabulary,
        Options(("test-model",), concurrency=AT_ONCE, sizes=Sizes(posts=batch)),
    )
    with Store.open(database) as store:
        if not writes:
            store.queue.save = lambda updates, *_: [True] * len(updates)  # type: ignore[method-assign]
        run = store.runs.start("tag", tagger.provenances[0])
        before, begun = cpu(), time.perf_counter()
        wanted = PostFilter(statuses=("pending",))
        async for _ in pipeline.tag(store, tagger, wanted, run, RecordedEvents()):
            pass
        wall, used = time.perf_counter() - begun, cpu() - before
        assert not writes or store.status.archive().posts["pending"] == 0
    return wall, used, tagger.spending.requests


def some_tags(count: int) -> list[str]:
    """Return tags of one to three words with the beginnings of real words."""
    chance = random.Random(3)
    syllables = ["ba", "do", "ri", "sto", "har", "ke", "lu", "mi", "no", "pe", "ri", "ver", "tow"]
    words = ["".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(5000)]
    return [" ".join(chance.choices(words, k=chance.randint(1, 3))) for _ in range(count)]


async def bare(url: str, count: int) -> tuple[float, float]:
    """Send as many single posts with httpx alone, as many at once; return wall and CPU seconds."""
    prompt = make_prompt(Vocabulary("prefer"))
    body = write_request(
        "test-model",
        prompt,
        posts_message([("p1", WORDS)], "0000"),
        Wanted(("p1",)),
        Capabilities(),
    )
    left = iter(range(count))
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)

    async def send() -> None:
        for _ in left:
            (await client.post(f"{url}/chat/completions", content=body)).json()

    async with httpx.AsyncClient(limits=limits, headers={"Content-Type": "application/json"}) as (
        client
    ):
        before, begun = cpu(), time.perf_counter()
        await asyncio.gather(*(send() for _ in range(AT_ONCE)))
        return time.perf_counter() - begun, cpu() - before


def fill(database: str, count: int) -> None:
    with Store.open(database) as store:
        for at in range(1, count + 1, 500):
            numbers = range(at, min(at + 500, count + 1))
            store.posts.save_page(page(*(post(number, f"{number}: {WORDS}") for number in numbers)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=2000)
    parser.add_argument("--tags", type=int, default=0, help="of the archive, to be preferred")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,))
    process.start()
    url = here.recv()
    figures: dict[str, list[float]] = {}
    for _ in range(given.rounds):
        ideal = given.posts * LATENCY / AT_ONCE
        wall, used = asyncio.run(bare(url, given.posts))
        figures.setdefault("httpx alone, of I", []).append(ideal / wall)
        figures.setdefault("httpx alone, CPU ms a request", []).append(1000 * used / given.posts)
        for batch in (1, 10):
            with tempfile.TemporaryDirectory() as folder:
                database = str(Path(folder, "posts.db"))
                fill(database, given.posts)
                idle, client, _ = asyncio.run(ours(url, database, batch, given.tags, writes=False))
                wall, used, requests = asyncio.run(ours(url, database, batch, given.tags))
            figures.setdefault(f"{batch} a request, posts/s", []).append(given.posts / wall)
            limit = requests * LATENCY / AT_ONCE
            figures.setdefault(f"{batch} a request, of I", []).append(limit / wall)
            figures.setdefault(f"{batch} a request, CPU ms", []).append(1000 * used / requests)
            figures.setdefault(f"{batch} a request, CPU ms, no writing", []).append(
                1000 * client / requests
            )
            figures.setdefault(f"{batch} a request, wall with writing", []).append(wall / idle)
    here.send(None)
    process.join()
    for name, values in figures.items():
        shown = "  ".join(f"{value:8.3f}" for value in values)
        print(f"{name:36} median {statistics.median(values):8.3f}   {shown}")


if __name__ == "__main__":
    main()
