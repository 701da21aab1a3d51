"""K4: killed while posts are exported: the target is the file of before, or the whole new one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from breaking import Ended, Fault, calls_in, run
from environments import at_home
from fault_matrix import Effort
from killing import KILLED
from make import archive

pytestmark = pytest.mark.row("K4")

BEFORE = b"the one before"


class Target:
    """A file in a folder of its own, and what must be in it."""

    def __init__(self, folder: Path, form: str, *, exists: bool) -> None:
        self.form, self.exists = form, exists
        self.folder = folder / "out"
        self.path = self.folder / "posts"
        self.env = at_home(folder)
        self.folder.mkdir(exist_ok=True)
        self.start_over()
        self.faults = calls_in(self.folder, *self.arguments, env=self.env)
        self.whole = self.path.read_bytes()
        assert self.whole.count(b"\n") > 1000

    @property
    def arguments(self) -> tuple[str, ...]:
        return ("export", "--format", self.form, "-o", str(self.path))

    def start_over(self) -> None:
        if self.exists:
            self.path.write_bytes(BEFORE)
        else:
            self.path.unlink(missing_ok=True)

    def run(self, *, after: float | None = None, fault: Fault | None = None) -> Ended:
        self.start_over()
        begun = len(list(self.folder.glob(".*")))

        def has_begun() -> bool:
            return len(list(self.folder.glob(".*"))) > begun

        when = has_begun if after is not None else None
        ended = run(*self.arguments, env=self.env, after=after, when=when, fault=fault)
        assert ended.code in {0, KILLED}, ended.errors
        found = self.path.read_bytes() if self.path.exists() else None
        assert found in (self.whole, BEFORE if self.exists else None)
        return ended

    def end(self) -> None:
        """The next run writes it whole, and clears away what those before it left."""
        self.start_over()
        ended = run(*self.arguments, env=self.env)
        assert (ended.code, ended.errors) == (0, "")
        assert self.path.read_bytes() == self.whole
        assert list(self.folder.iterdir()) == [self.path]
        assert self.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_to_a_file(form: str, tmp_path: Path, effort: Effort) -> None:
    archive(tmp_path / "posts.db", 4000 if effort.is_long else 1500)
    draw = random.Random(form)
    for exists in (False, True) if effort.is_long else (form != "csv",):
        target = Target(tmp_path, form, exists=exists)
        most = effort.rounds(1 if form == "csv" else 2, long=30)
        chosen = draw.sample(target.faults, min(most, len(target.faults)))
        hits = sum(target.run(fault=fault).code == KILLED for fault in chosen)
        assert hits == len(chosen)
        target.end()
        for at in range(effort.rounds(1, long=15)):
            hits += target.run(after=draw.uniform(0, 0.1)).code == KILLED
            if at % 5 == 4:
                target.end()
        target.end()
        effort.saw(kills=hits)
