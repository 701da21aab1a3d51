"""Run the fault matrix at length, in shards that go on where a run was broken off: `make torture`.

usage: PYTHONPATH=tests python -m support.torture [ROW ...] [--at-once N] [--again]

A shard is the tests of one row in one file. Rows are named by how they begin: K is K1 to K9, `slow`
what is in no row. What a shard found stays in `.torture`: the next run does only what is missing,
was broken off or found a violation, unless the sources or the tests have changed. A shard that
takes longer than an hour is ended. When all are done their table goes into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from support.fault_matrix import ROWS, Tried

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".torture"
PAGE = ROOT / "docs" / "reliability.md"
HEADING = "## Tried at length"
LONGEST = 3600
"""Seconds that a shard may take."""

_NO_TESTS = 5
"""The exit code of pytest if a shard has no tests any more."""


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make torture", description="Try the fault matrix.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="K, or K7, or slow; otherwise all")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--again", action="store_true", help="forget what was found before")
    asked = parser.parse_args(given)
    # Jobs in the background of a shell ignore Ctrl-C, and so would all programs stopped by it here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    begin(again=asked.again)
    shards = plan()
    wanted = chosen(shards, asked.rows)
    if not wanted:
        print(f"no row begins with {' or '.join(asked.rows)}; there are {', '.join(ROWS)}, slow")
        return 2
    work(wanted, asked.at_once)
    missing = [name for name in wanted if not is_done(name)]
    rows = joined(shards)
    print("\n".join(table(rows)))
    for name in missing:
        print(f"not well: {name}; see {KEPT / name}.log; the same command tries it again")
    if not missing and all(map(is_done, shards)):
        write(rows)
        print(f"the table is in {PAGE.relative_to(ROOT)}")
    return 1 if missing else 0


def begin(*, again: bool) -> None:
    """Forget what was found if it was of other sources or tests."""
    mark, state = KEPT / "state", sources()
    if again or not mark.exists() or mark.read_text(encoding="utf-8") != state:
        for file in KEPT.glob("*"):
            if file.suffix != ".seconds":
                file.unlink()
    KEPT.mkdir(exist_ok=True)
    mark.write_text(state, encoding="utf-8")


def sources() -> str:
    """Return what tells these sources and tests from others."""
    git = ["git", "-C", str(ROOT)]
    parts = ("src", "tests", "pyproject.toml")
    told = subprocess.run([*git, "ls-files", "-s", "--", *parts], capture_output=True, check=True)
    changed = subprocess.run([*git, "diff", "HEAD", "--", *parts], capture_output=True, check=True)
    return sha256(told.stdout + changed.stdout).hexdigest()


Shards = Mapping[str, tuple[Sequence[str], Sequence[str]]]
"""By the name of each shard its rows and its files."""


def plan() -> Shards:
    """Ask pytest which shards there are."""
    file = KEPT / "plan"
    if not file.exists():
        done = subprocess.run(
            [*PYTEST, "--collect-only", "--shards", str(file)],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
    found: dict[str, tuple[list[str], list[str]]] = json.loads(file.read_text(encoding="utf-8"))
    return found


PYTEST = [
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "--long",
    "-m",
    "row or slow",
    "-p",
    "no:cacheprovider",
]


def chosen(shards: Shards, rows: Sequence[str]) -> dict[str, Sequence[str]]:
    """Return the shards of rows, those first that took longest the last time, with their files."""
    begins = tuple(row.strip(",") for row in rows) or ("",)
    names = [
        name
        for name, (tried, _) in shards.items()
        if any(row.startswith(begins) for row in (tried or ["slow"]))
    ]
    return {name: shards[name][1] for name in sorted(names, key=last_time, reverse=True)}


def last_time(name: str) -> float:
    """Return how long a shard took, as far as that is known; a long file is begun early."""
    file = KEPT / f"{name}.seconds"
    return float(file.read_text(encoding="utf-8")) if file.exists() else LONGEST


def is_done(name: str) -> bool:
    """Tell whether a shard was run to its end, without a violation."""
    return (KEPT / f"{name}.done").exists()


def work(shards: Mapping[str, Sequence[str]], at_once: int) -> None:
    left = [name for name in shards if not is_done(name)]
    known = len(shards) - len(left)
    print(f"{len(shards)} shards" + (f", {known} of them done before" if known else ""), flush=True)
    told = threading.Lock()
    with ThreadPoolExecutor(at_once) as pool:

        def run_one(name: str) -> None:
            words = run(name, shards[name])
            with told:
                print(f"{name}: {words}", flush=True)

        for _ in pool.map(run_one, left):
            pass


def run(name: str, files: Sequence[str]) -> str:
    """Run a shard in a process of its own; return how it went."""
    log, summary = KEPT / f"{name}.log", KEPT / f"{name}.json"
    began = time.monotonic()
    command = [*PYTEST, "--shard", name, "--summary", str(summary), *files]
    with (
        log.open("w", encoding="utf-8") as stream,
        subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=stream) as running,
    ):
        try:
            code = running.wait(LONGEST)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)  # pytest ends what it has started
            return f"ended after {LONGEST // 60} minutes"
    if (KEPT / "state").read_text(encoding="utf-8") != sources():
        return "for nothing: the sources or the tests have changed meanwhile"
    seconds = time.monotonic() - began
    (KEPT / f"{name}.seconds").write_text(f"{seconds:.1f}", encoding="utf-8")
    if code not in {0, _NO_TESTS}:
        if summary.exists():  # a try that goes well afterwards does not take it back
            failed = len([*KEPT.glob(f"{name}.failed-*.json")])
            summary.replace(KEPT / f"{name}.failed-{failed + 1}.json")
        return f"violations, {seconds:.0f} s"
    (KEPT / f"{name}.done").touch()
    return f"well, {seconds:.0f} s"


def joined(shards: Shards) -> dict[str, Tried]:
    """Return what was found of each row by all shards, whose violations count for ever."""
    rows: defaultdict[str, Tried] = defaultdict(Tried)
    for name in shards:
        for file in (*KEPT.glob(f"{name}.json"), *KEPT.glob(f"{name}.failed-*.json")):
            for row, found in json.loads(file.read_text(encoding="utf-8")).items():
                rows[row].join(Tried(**found))
    return {name: rows[name] for name in ROWS if name in rows}


def table(rows: Mapping[str, Tried]) -> list[str]:
    """Return the lines of the table."""
    lines = [
        "| row | tests | rounds | violations | minutes | what was seen |",
        "|---|--:|--:|--:|--:|---|",
    ]  # fmt: skip
    for name, row in rows.items():
        lines.append(
            f"| {name} | {row.tests} | {row.rounds} | {row.violations or 'none'} | "
            f"{row.seconds / 60:.1f} | {row.seen} |"
        )
    return lines


def write(rows: Mapping[str, Tried], page: Path = PAGE, day: dt.date | None = None) -> None:
    """Put the table at the end of the page, in the place of an older one."""
    text = page.read_text(encoding="utf-8").partition(f"\n{HEADING}\n")[0].rstrip("\n")
    total = sum(row.rounds for row in rows.values())
    day = day or dt.datetime.now(dt.UTC).date()
    minutes = sum(row.seconds for row in rows.values()) / 60
    told = (
        f"All rows on {day:%Y-%m-%d}: {total:,} rounds, {minutes:.0f} minutes one after the other. "
        "A test of several rows counts for each. `make torture` writes this table."
    )
    page.write_text(
        "\n".join([text, "", HEADING, "", told, "", *table(rows), ""]), encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
