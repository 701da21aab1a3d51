"""K4, D1: an export into a folder that is killed, or finds no room: each file is whole.

The next export completes the folder, and what somebody else put there is as it was.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.breaking import Fault, run
from support.environments import at_home
from support.fault_matrix import Effort
from support.killing import DEADLY, KILLED, here
from support.make import archive
from tgtagger.export.memory import STATE


class Target:
    """A folder that is exported to, and what must be in it."""

    def __init__(self, folder: Path, form: str) -> None:
        self.path = folder / f"out-{form}"
        self.env: Mapping[str, str] = at_home(folder)
        self.form = form
        whole = folder / f"whole-{form}"
        here(("export", "--format", form, "-o", str(whole)), self.env)
        self.whole = files_in(whole)
        self.path.mkdir()
        self.arguments = ("export", "--format", form, "-o", str(self.path))

    def break_at(self, what: str, nth: int) -> tuple[int, str]:
        ended = run(*self.arguments, env=self.env, fault=Fault("rename", what, nth, once=False))
        (self.path / "mine.txt").write_text("mine")
        for name, content in files_in(self.path).items():
            if ".tgtagger-part-" not in name and name not in {"mine.txt", ".tgtagger-export"}:
                assert content == self.whole[name], name
        return ended.code, ended.errors

    def lose(self) -> None:
        """Take away what was written, so that there is something to write."""
        for path in self.path.rglob("*"):
            if path.is_file() and path.name not in {"mine.txt", ".tgtagger-export"}:
                path.unlink()

    def complete(self) -> None:
        here(self.arguments, self.env)
        assert files_in(self.path) == self.whole | {"mine.txt": b"mine"}


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the files by their paths, without the state, which holds their times."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".part-") and path.name != STATE
    }


@pytest.mark.row("K4", "D1")
def test_a_folder(tmp_path: Path, effort: Effort) -> None:
    archive(tmp_path / "posts.db", 30)
    draw = random.Random(4)
    for form in ("md", "html") if effort.is_long else ("md",):
        target = Target(tmp_path, form)
        for turn in range(effort.rounds(1, long=20), 0, -1):
            assert target.break_at(DEADLY, draw.randint(3, len(target.whole) - 3))[0] == KILLED
            code, errors = target.break_at("error=ENOSPC", draw.randint(1, 3))
            assert code == 6, errors
            assert errors.count("\n") == 2
            assert "No space left" in errors
            assert ".tgtagger-part-" not in errors
            if turn % 2:
                target.complete()
            target.lose()
