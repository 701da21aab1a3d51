"""A large export and a large archive: reading and searching.

usage: python benchmarks/archive.py [--megabytes N] [--posts N] [--keep FOLDER]

Makes an export of so many megabytes and an archive of so many posts, and compares
- `tgtagger parse` of the export with ijson alone over the same file (J): time and peak memory,
- search for the 20 newest posts: milliseconds in the process, word forms included.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from large import make_archive
from tgtagger.model.posts import PostFilter
from tgtagger.runs.query import read_query
from tgtagger.store import Store
from words import WORDS

PROGRAM = str(Path(sys.executable).with_name("tgtagger"))
J = """
import sys, ijson
with open(sys.argv[1], "rb") as file:
    print(sum(1 for _ in ijson.items(file, "messages.item", use_float=True)))
"""
LAUNCHER = """
import os, sys
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=sys.stderr)
sys.exit(status != 0)
"""


def make_export(path: Path, megabytes: int) -> int:
    """Write an export as Telegram Desktop does; return its messages."""
    chance = random.Random(2)
    number = 0
    with path.open("w", encoding="utf-8") as file:
        file.write('{\n "name": "Large",\n "type": "public_channel",\n "id": 1234567,\n')
        file.write(' "messages": [\n')
        while file.tell() < megabytes * 1_000_000:
            for _ in range(1000):
                number += 1
                text = " ".join(chance.choices(WORDS, k=chance.randint(10, 130)))
                message = {
                    "id": number,
                    "type": "message",
                    "date": "2026-01-01T00:00:00",
                    "date_unixtime": str(1500000000 + number * 600),
                    "from": "Large",
                    "from_id": "channel1234567",
                    **({"photo": "(File not included.)", "width": 1280, "height": 720}
                       if number % 3 == 0 else {}),
                    "text": text,
                    "text_entities": [{"type": "plain", "text": text}],
                    **({"reactions": [{"type": "emoji", "count": number % 90, "emoji": "👍"}]}
                       if number % 2 else {}),
                }  # fmt: skip
                dumped = json.dumps(message, ensure_ascii=False, indent=1).replace("\n", "\n  ")
                file.write(("" if number == 1 else ",\n") + "  " + dumped)
        file.write("\n ]\n}\n")
    return number


def measure(command: list[str], output: Path | None = None) -> tuple[float, float]:
    """Run a command; return its processor seconds and its peak memory in MiB."""
    # A process inherits the peak memory of its parent, so a small process starts it.
    with (output or Path(os.devnull)).open("wb") as target:
        done = subprocess.run(
            [sys.executable, "-c", LAUNCHER, *command], stdout=target, stderr=subprocess.PIPE,
            text=True, check=True,
        )  # fmt: skip
    seconds, kibibytes = done.stderr.split()[-2:]
    return float(seconds), int(kibibytes) / 1024


def parse_large(folder: Path, megabytes: int) -> None:
    export = folder / "result.json"
    count = make_export(export, megabytes)
    size = export.stat().st_size / 1e9
    yardstick, _ = measure([sys.executable, "-c", J, str(export)])
    ours, memory = measure([PROGRAM, "--db", str(folder / "large.db"), "parse", str(export)])
    again, _ = measure([PROGRAM, "--db", str(folder / "large.db"), "parse", str(export)])
    print(
        f"parse of {size:.2f} GB, {count:,} posts: {ours / yardstick:.1f} J (J = {yardstick:.1f} s "
        f"of processor), {memory:.0f} MiB; at most 12 J, 150 MiB; again: {again / yardstick:.1f} J"
    )
    for file in folder.iterdir():
        file.unlink()


def search_large(path: Path, count: int) -> None:
    with Store.open_to_read(str(path)) as store:
        for query in ("новости", "россия москва", '"новый год"', "market", "и"):
            times = []
            for _ in range(7):
                started = time.perf_counter()
                found = len(
                    list(store.records.search(PostFilter(query=read_query(query), limit=20)))
                )
                times.append((time.perf_counter() - started) * 1000)
            print(
                f"search {query!r} in {count:,} posts: {statistics.median(times):.1f} ms "
                f"(first {times[0]:.1f}), {found} found; at most 25 ms"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--posts", type=int, default=200_000)
    parser.add_argument("--keep", type=Path, help="a folder for the archive, used again if there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.megabytes:
            parse_large(folder, arguments.megabytes)
        archive = (arguments.keep or folder) / f"archive-{arguments.posts}.db"
        if not archive.exists():
            make_archive(archive, arguments.posts)
        search_large(archive, arguments.posts)


if __name__ == "__main__":
    main()
