"""How long the program takes to start, against a bare Typer program of the same Typer.

usage: python benchmarks/startup.py [--runs N]

The bare program has one command. Its help, which Typer draws by rich, is the yardstick (H); so is a
line that the command prints by rich's print (P), which loads less. `typer, sqlalchemy` is what a
program costs that loads the two and does nothing. Commands run over an archive of one post.

Runs whole processes in turns, one after the other, since the machine may be noisy. Prints the
medians of the ratios within a turn, of processor time, and of clock time to H.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tgtagger.model.posts import Channel, Page, PostData
from tgtagger.store import Store

BARE = """
import typer
{more}
app = typer.Typer()


@app.command()
def main(name: str) -> None:
    print(name)


app()
"""
GOALS = {
    "--help": "H at most 1.15", "--version": "H at most 0.50", "show": "H at most 1.6",
    "search": "H at most 1.6", "status": "H at most 1.6", "the Tab key": "H at most 1.6",
    "typer, sqlalchemy": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Program:
    """What is run, and the variables that are set for it."""

    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> tuple[float, float]:
        """Return the processor's and the clock's seconds of the process."""
        started = time.perf_counter()
        process = subprocess.Popen(
            self.words, stdout=subprocess.DEVNULL, env=os.environ | self.variables
        )
        _, status, used = os.wait4(process.pid, 0)  # to the microsecond
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, self.words
        return used.ru_utime + used.ru_stime, time.perf_counter() - started


def programs(folder: Path) -> dict[str, Program]:
    """Return the yardsticks H and P, and what is measured."""
    bare = {}
    for name, more in (("H", ""), ("P", "from rich import print"), ("S", "import sqlalchemy")):
        bare[name] = folder / f"{name}.py"
        bare[name].write_text(BARE.format(more=more))
    program, db = str(Path(sys.executable).with_name("tgtagger")), str(folder / "posts.db")
    with Store.open(db) as store:
        store.posts.save_page(Page(Channel(1, "News"), "desktop", (PostData((1,), None, "storm"),)))
    ours = (program, "--db", db)
    asks = {
        "_TGTAGGER_COMPLETE": "complete_bash", "COMP_CWORD": "5",
        "COMP_WORDS": f"tgtagger\n--db\n{db}\nsearch\n--channel\n1",
    }  # fmt: skip
    return {
        "H": Program((sys.executable, str(bare["H"]), "--help")),
        "P": Program((sys.executable, str(bare["P"]), "word")),
        "--help": Program((program, "--help")),
        "--version": Program((program, "--version")),
        "show": Program((*ours, "show", "1/1")),
        "search": Program((*ours, "search", "storm")),
        "status": Program((*ours, "status")),
        "the Tab key": Program((program,), asks),
        "typer, sqlalchemy": Program((sys.executable, str(bare["S"]), "word")),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = programs(Path(folder))
        for program in measured.values():
            program.run()  # so that all is in the cache, byte code too
        turns = [{name: it.run() for name, it in measured.items()} for _ in range(arguments.runs)]
    for name, goal in GOALS.items():
        to_h, to_p, clock = (
            statistics.median(turn[name][at] / turn[other][at] for turn in turns)
            for other, at in (("H", 0), ("P", 0), ("H", 1))
        )
        print(f"{name:18} {to_h:5.2f} H {to_p:5.2f} P (clock {clock:5.2f} H)  {goal}")


if __name__ == "__main__":
    main()
