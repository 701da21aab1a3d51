"""K4: killed while posts are exported: the target is the file of before, or the whole new one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from support.breaking import Fault, calls_in, run
from support.environments import at_home
from support.fault_matrix import Effort
from support.killing import DEADLY, KILLED, here
from support.make import archive

pytestmark = pytest.mark.row("K4")

BEFORE = b"the one before"


class Target:
    """A file in a folder of its own, and what must be in it."""

    def __init__(self, folder: Path, form: str, *, exists: bool) -> None:
        self.exists = exists
        self.folder = folder / "out"
        self.path = self.folder / "posts"
        self.env = at_home(folder)
        self.arguments = ("export", "--format", form, "-o", str(self.path))
        self.folder.mkdir(exist_ok=True)
        here(self.arguments, self.env)
        self.whole = self.path.read_bytes()
        assert self.whole.count(b"\n") > 1000

    def start_over(self) -> None:
        if self.exists:
            self.path.write_bytes(BEFORE)
        else:
            self.path.unlink(missing_ok=True)

    def run(self, *, after: float | None = None, fault: Fault | None = None) -> int:
        """Kill it, if it does not end before; return how often it was killed: 0 or 1."""
        self.start_over()
        lay = len(list(self.folder.glob(".*")))

        def has_begun() -> bool:
            return len(list(self.folder.glob(".*"))) > lay

        when = has_begun if after is not None else None
        ended = run(*self.arguments, env=self.env, after=after, when=when, fault=fault)
        assert ended.code in {0, KILLED}, ended.errors
        found = self.path.read_bytes() if self.path.exists() else None
        assert found in (self.whole, BEFORE if self.exists else None)
        return int(ended.code == KILLED)

    def end(self) -> None:
        """The next run writes it whole, and clears away what those before it left."""
        self.start_over()
        ended = run("-q", *self.arguments, env=self.env)
        assert (ended.code, ended.errors) == (0, "")
        assert self.path.read_bytes() == self.whole
        assert list(self.folder.iterdir()) == [self.path]
        assert self.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_to_a_file(form: str, tmp_path: Path, effort: Effort) -> None:
    archive(tmp_path / "posts.db", 1500)
    draw = random.Random(form)
    known = {"jsonl": ("rename", 1), "json": ("fsync", 1), "csv": ("fsync", 2)}[form]
    for exists in (False, True) if effort.is_long else (form != "csv",):
        target = Target(tmp_path, form, exists=exists)
        chosen = [Fault(known[0], DEADLY, known[1])]
        if effort.is_long:
            target.start_over()
            chosen = calls_in(target.folder, *target.arguments, env=target.env)
        hits = sum(target.run(fault=fault) for fault in chosen)
        assert hits == len(chosen)
        for _ in range(effort.rounds(form == "jsonl", long=30)):
            hits += target.run(after=draw.uniform(0, 0.1))
        target.end()
        effort.saw(kills=hits, rounds=len(chosen))
