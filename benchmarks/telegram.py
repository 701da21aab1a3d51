"""Messages a second from Telegram into the archive, against Telethon's own loop without writing.

A server on loopback (that of the tests) in a process of its own serves the same channel to both, in
turn in the same run, at 0 and 50 ms of latency a request. Figures: docs/performance.md.

    python benchmarks/telegram.py [--messages 20000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.answers import PHONE, Answers
from support.events import RecordedEvents
from telegram_server import RsaKey, ServerThread
from tgtagger import pipeline
from tgtagger.model.refs import Named
from tgtagger.sources.plan import ReadOptions
from tgtagger.sources.telegram import session, sign_in
from tgtagger.sources.telegram.connection import Telegram
from tgtagger.sources.telegram.source import TelegramChannel
from tgtagger.store import Store

WORDS = "The quick brown fox jumps over the lazy dog, and says so at some length. " * 2


def serve(messages: int, pipe: Any) -> None:
    """Run the server: send the port and the key, then set each latency that comes."""
    with ServerThread(RsaKey()) as server:
        server.world.account(PHONE)
        channel = server.world.channel("benchroom")
        channel.put(*(channel.message(f"{n}: {WORDS}", id=n) for n in range(1, messages + 1)))
        channel.ready(channel.ids)
        pipe.send((server.port, server.key.pem))
        while (latency := pipe.recv()) is not None:
            server.latency = latency
            pipe.send("set")


async def theirs(access: session.Access) -> int:
    count = 0
    async with session.connect(access) as client:
        async for _ in client.iter_messages("benchroom", wait_time=0):
            count += 1
    return count


async def ours(access: session.Access, database: str) -> int:
    count = 0
    with Store.open(database) as store:
        async with Telegram(access, page_wait=0) as telegram:
            channel = TelegramChannel(telegram, Named("benchroom"), ReadOptions())
            async for step in pipeline.parse(channel, store, RecordedEvents()):
                count += step.new
    return count


def made(folder: Path) -> str:
    """Make an empty database outside the measured time: an archive is made only once."""
    path = str(folder / f"{time.monotonic_ns()}.db")
    Store.open(path).close()
    return path


def rate(run: Any, messages: int) -> float:
    started = time.perf_counter()
    assert asyncio.run(run()) == messages
    return messages / (time.perf_counter() - started)


def pair(access: session.Access, database: str, messages: int) -> tuple[float, float]:
    return (
        rate(lambda: theirs(access), messages),
        rate(lambda: ours(access, database), messages),
    )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--messages", type=int, default=20_000)
    asked.add_argument("--rounds", type=int, default=3)
    options = asked.parse_args()
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=serve, args=(options.messages, there), daemon=True)
    process.start()
    port, pem = here.recv()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "key.pem").write_text(pem)
        access = session.Access(
            folder / "data", "default", 1, "hash", f"127.0.0.1:{port}", 2, folder / "key.pem"
        )
        asyncio.run(sign_in.sign_in(access, Answers("12345"), phone=PHONE, qr=False))
        for latency in (0.0, 0.05):
            here.send(latency)
            here.recv()
            pairs = [pair(access, made(folder), options.messages) for _ in range(options.rounds)]
            ratio = statistics.median(mine / other for other, mine in pairs)
            other, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(
                f"{latency * 1000:.0f} ms: iter_messages {other:,.0f} messages/s, "
                f"parse {mine:,.0f}, ratio {ratio:.2f}"
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the reading process {peak:.0f} MiB")
    here.send(None)


if __name__ == "__main__":
    main()
