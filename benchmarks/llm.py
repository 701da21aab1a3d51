"""Tagging by a model against its limit, and the cost of the client and the disk.

A server on loopback (that of the tests) in a process of its own answers after 200 ms. The limit (I)
is posts x latency / requests at once: waiting alone. In the same run a bare httpx loop sends the
same bodies and writes nothing (B), in one pool of connections and in pools as ours, of one
connection each. Prints the rate of one and of ten posts a request as a share of I, the CPU of a
request in ours and in B, and the cost of writing: the wall time against a run that throws its
answers away. Several numbers of requests at once show what more of them give: the rate and the
CPU against those of httpx's one pool. Figures: docs/performance.md.

    python benchmarks/llm.py [--posts 2000] [--rounds 3] [--tags 0] [--at-once 32 48 96]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
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
WORDS = "A storm came over the harbour and the old town by the river, and left it wet. " * 3


def serve(pipe: Any) -> None:
    with LlmServer(latency=LATENCY) as server:
        pipe.send(server.url)
        pipe.recv()


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def ours(
    url: str, database: str, at_once: int, batch: int, tags: int, *, writes: bool = True
) -> tuple[float, float, int]:
    """Tag all posts; return wall and CPU seconds, and requests."""
    vocabulary = Vocabulary("prefer", existing=[(name, ()) for name in some_tags(tags)])
    vocabulary.likeliest(["warm"])  # the index is made once a run
    tagger = LlmTagger(
        Server(url, None, concurrency=at_once),
        make_prompt(vocabulary),
        vocabulary,
        Options(("test-model",), concurrency=at_once, sizes=Sizes(posts=batch)),
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


async def bare(url: str, count: int, at_once: int, pool: int) -> tuple[float, float]:
    """Send as many single posts with httpx alone, as many at once; return wall and CPU seconds.

    Each client of httpx has a `pool` of connections, and as many sending.
    """
    prompt = make_prompt(Vocabulary("prefer"))
    body = write_request(
        "test-model",
        prompt,
        posts_message([("p1", WORDS)], "0000"),
        Wanted(("p1",)),
        Capabilities(),
    )
    left = iter(range(count))
    limits = httpx.Limits(max_connections=pool, max_keepalive_connections=pool)

    async def send(client: httpx.AsyncClient) -> None:
        for _ in left:
            (await client.post(f"{url}/chat/completions", content=body)).json()

    async with contextlib.AsyncExitStack() as opened:
        clients = [
            await opened.enter_async_context(
                httpx.AsyncClient(limits=limits, headers={"Content-Type": "application/json"})
            )
            for _ in range(at_once // pool)
        ]
        before, begun = cpu(), time.perf_counter()
        await asyncio.gather(*(send(client) for client in clients * pool))
        return time.perf_counter() - begun, cpu() - before


def fill(database: str, count: int) -> None:
    with Store.open(database) as store:
        for at in range(1, count + 1, 500):
            numbers = range(at, min(at + 500, count + 1))
            store.posts.save_page(page(*(post(number, f"{number}: {WORDS}") for number in numbers)))


def measure(url: str, given: argparse.Namespace, at_once: int) -> Iterator[tuple[str, float]]:
    """Yield the figures of one round."""
    ideal = given.posts * LATENCY / at_once
    alone, alone_used = asyncio.run(bare(url, given.posts, at_once, at_once))
    small, small_used = asyncio.run(bare(url, given.posts, at_once, 1))
    yield "httpx alone, of I", ideal / alone
    yield "httpx alone, CPU ms a request", 1000 * alone_used / given.posts
    yield "httpx in our pools, rate against one pool", alone / small
    yield "httpx in our pools, CPU ms a request", 1000 * small_used / given.posts
    for batch in (1, 10):
        with tempfile.TemporaryDirectory() as folder:
            database = str(Path(folder, "posts.db"))
            fill(database, given.posts)
            asked = (url, database, at_once, batch, given.tags)
            idle, client, _ = asyncio.run(ours(*asked, writes=False))
            wall, used, requests = asyncio.run(ours(*asked))
        yield f"{batch} a request, posts/s", given.posts / wall
        yield f"{batch} a request, of I", requests * LATENCY / at_once / wall
        yield f"{batch} a request, CPU ms", 1000 * used / requests
        yield f"{batch} a request, CPU ms, no writing", 1000 * client / requests
        yield f"{batch} a request, wall with writing", wall / idle
        if batch == 1:
            yield "1 a request, rate against httpx", alone / wall
            yield "1 a request, CPU against httpx", used / alone_used
            yield "1 a request, CPU against httpx in our pools", used / small_used


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=2000)
    parser.add_argument("--tags", type=int, default=0, help="of the archive, to be preferred")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, nargs="+", default=[32], help="requests")
    given = parser.parse_args()
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,))
    process.start()
    url = here.recv()
    figures: dict[str, list[float]] = {}
    for _ in range(given.rounds):
        for at_once in given.at_once:
            for name, value in measure(url, given, at_once):
                figures.setdefault(f"{at_once} at once: {name}", []).append(value)
    here.send(None)
    process.join()
    for name, values in sorted(figures.items(), key=lambda item: int(item[0].split()[0])):
        shown = "  ".join(f"{value:8.3f}" for value in values)
        print(f"{name:48} median {statistics.median(values):8.3f}   {shown}")


if __name__ == "__main__":
    main()
