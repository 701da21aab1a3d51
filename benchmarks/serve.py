"""The web face over a large archive, against the store's own queries and a run alone. Linux.

usage: python benchmarks/serve.py [--posts N] [--requests N] [--keep FOLDER]

- a page of fifty posts, as a page and over the API: processor time a request, as a ratio to the
  store's own query for the same posts (S), and the time that one reader waits;
- `retry_tagging`, which writes a job with the disk synced, the first request included;
- a run of the embedded tagger over 2,000 posts, alone and while 50 readers ask: seconds, errors;
- memory of the server after so many requests.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from large import make_archive
from tgtagger.runs.pages import Wanted, read_page
from tgtagger.store import Store

PROGRAM = [sys.executable, "-m", "tgtagger"]
TICKS = os.sysconf("SC_CLK_TCK")
READERS = 50
FRESH = 2000
"""Posts of the run that is measured; each half of the rounds tags them anew."""


@contextlib.contextmanager
def serving(db: Path) -> Iterator[tuple[int, str]]:
    """Run a server without a worker; return its process and its address."""
    process = subprocess.Popen(
        [*PROGRAM, "--db", str(db), "serve", "--port", "0", "--no-worker"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.startswith("open "):
                break
        yield process.pid, line.split()[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        process.stderr.close()


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid: int) -> float:
    """Return the peak memory of a process in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def time_store(db: Path, wanted: Wanted, rounds: int) -> float:
    """Return S: processor milliseconds of the store's own query for a page of fifty."""
    with Store.open(str(db)) as store:
        read_page(store, wanted, 50)
        began = time.process_time()
        for _ in range(rounds):
            read_page(store, wanted, 50)
        return (time.process_time() - began) / rounds * 1000


def ask_pages(db: Path, requests: int) -> None:
    queries = ("", "россия", "channel:3")
    with serving(db) as (pid, address), httpx.Client(base_url=address, timeout=60) as client:
        for query in queries:
            own = time_store(db, Wanted(query), 50)
            for kind, path, accept in (
                ("page", "/", "text/html"),
                ("page by htmx", "/", "text/html, htmx"),
                ("API", "/api/v1/posts", "application/json"),
            ):
                headers = {"Accept": accept, "Accept-Language": "en"}
                if "htmx" in accept:
                    headers["HX-Request"] = "true"
                parameters: dict[str, str | int] = {"query": query}
                if kind == "API":
                    parameters["limit"] = 50
                client.get(path, params=parameters, headers=headers).raise_for_status()
                before = processor_seconds(pid)
                waits = []
                for _ in range(requests // 9):
                    began = time.perf_counter()
                    client.get(path, params=parameters, headers=headers)
                    waits.append((time.perf_counter() - began) * 1000)
                spent = (processor_seconds(pid) - before) / len(waits) * 1000
                print(
                    f"{query or 'newest':>14} {kind:>12}: {spent / own:.1f} S (S = {own:.1f} ms), "
                    f"median {statistics.median(waits):.0f} ms; at most 2 S, 60 ms"
                )
        print(f"memory after {requests:,} requests: {memory(pid):.0f} MiB; at most 200")


def ask_for_jobs(db: Path) -> None:
    waits = []
    for _ in range(5):  # servers, each with a first request
        with serving(db) as (_, address), httpx.Client(base_url=address, timeout=60) as client:
            for at in range(200):
                began = time.perf_counter()
                answer = client.post(f"/users/1/posts/retry_tagging?limit={1 + at}")
                waits.append((time.perf_counter() - began) * 1000)
                answer.raise_for_status()
                if at == 0:
                    print(f"  the first: {waits[-1]:.0f} ms")
    quantiles = statistics.quantiles(waits, n=100)
    print(f"retry_tagging: p50 {quantiles[49]:.0f} ms, p99 {quantiles[98]:.0f} ms; at most 100")


def time_run(db: Path) -> float:
    """Return the seconds of a run that tags posts anew."""
    began = time.perf_counter()
    subprocess.run(
        [*PROGRAM, "--db", str(db), "-q", "tag", "--force", "--limit", str(FRESH), "--yes"],
        check=True,
    )
    return time.perf_counter() - began


def read_while_a_run_writes(db: Path) -> None:
    """A reader asks for a page a second: fifty people who look at an archive that grows."""
    errors: list[str] = []
    asked = [0]
    alone, beside = [], []
    with serving(db) as (_, address):
        for _ in range(3):
            alone.append(time_run(db))
            over = threading.Event()

            def ask(over: threading.Event = over) -> None:
                with httpx.Client(base_url=address, timeout=60) as client:
                    while not over.wait(1):
                        try:
                            client.get("/", headers={"Accept": "text/html"}).raise_for_status()
                            asked[0] += 1
                        except httpx.HTTPError as error:
                            errors.append(str(error))

            readers = [threading.Thread(target=ask) for _ in range(READERS)]
            for reader in readers:
                reader.start()
            beside.append(time_run(db))
            over.set()
            for reader in readers:
                reader.join()
    ratio = statistics.median(beside) / statistics.median(alone)
    print(
        f"a run beside {READERS} readers: {ratio:.2f} of the run alone "
        f"({statistics.median(alone):.1f} s), {asked[0]} pages, "
        f"{len(errors)} errors; at most 1.1, 0"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        db = folder / "posts.db"
        if not db.exists():
            make_archive(db, given.posts)
        ask_for_jobs(db)
        ask_pages(db, given.requests)
        read_while_a_run_writes(db)


if __name__ == "__main__":
    main()
