"""How long the program takes to start, against a bare Typer program of the same Typer.

usage: python benchmarks/startup.py [--runs N]

Runs whole processes in pairs, one after the other, since the machine may be noisy. Prints the
medians of the pairs' ratios, of processor time and of clock time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = """
import typer

app = typer.Typer()


@app.command()
def main(name: str) -> None:
    print(name)


app()
"""


def run(command: list[str]) -> tuple[float, float]:
    """Return the processor's and the clock's seconds of a process."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])  # of the children: user and system
    return cpu, wall


def compare(command: list[str], yardstick: list[str], runs: int) -> tuple[float, float]:
    """Return the median ratios (processor, clock) of a command to the yardstick."""
    run(command), run(yardstick)
    pairs = [(run(command), run(yardstick)) for _ in range(runs)]
    return (
        statistics.median(ours[0] / theirs[0] for ours, theirs in pairs),
        statistics.median(ours[1] / theirs[1] for ours, theirs in pairs),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, "bare.py")
        bare.write_text(BARE)
        yardstick = [sys.executable, str(bare), "--help"]
        program = str(Path(sys.executable).with_name("tgtagger"))
        for name, goal in (("--help", "at most 1.15"), ("--version", "at most 0.50")):
            cpu, wall = compare([program, name], yardstick, arguments.runs)
            print(f"{name:10} {cpu:5.2f} x (clock {wall:5.2f} x) a bare --help; {goal}")


if __name__ == "__main__":
    main()
