"""Kill a command at calls of the system and at random times; check that nothing is lost.

A `Victim` describes the command: its beginning, the check after every kill, the check at the end.
Each kill at a call begins from the same state, so that every call of a run has its turn. A series
of kills by time goes on from where the last kill stopped; an unbroken run ends it. The short form
kills once at a known call, and once in the middle of the work.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support.breaking import (
    TGTAGGER,
    Ended,
    Fault,
    assert_sound,
    copy_database,
    count_calls,
    files_of,
    points,
    run,
)
from support.fault_matrix import Effort
from tgtagger.cli import app

SERIES = 5
"""Kills by time before a run is left alone."""

KILLED = -signal.SIGKILL
DEADLY = "signal=SIGKILL"


def nothing(*_: object) -> None:
    """Check nothing."""


@dataclass
class Victim:
    """A command on a database. `check` and `finish` get the number of kills since it began.

    `is_midway` tells when it is in the middle of its work; `call` names a write there.
    """

    arguments: tuple[str, ...]
    db: Path
    env: Mapping[str, str]
    is_midway: Callable[[], bool]
    call: tuple[str, int]
    program: Sequence[str] = TGTAGGER
    base: Path | None = None  # the archive it begins with; None: no archive
    begin: Callable[[], None] = nothing
    check: Callable[[int], None] = nothing
    finish: Callable[[int], None] = nothing

    def start_over(self) -> None:
        for path in self.db.parent.glob(f"{self.db.name}*"):
            path.unlink()
        if self.base is not None:
            copy_database(self.base, self.db)
        self.begin()

    def kill_at(self, call: str, nth: int) -> int:
        """Kill it at a call on the database's files; return the number of kills: 0 or 1."""
        self.start_over()
        return self._kill(fault=Fault(call, DEADLY, nth, paths=files_of(self.db)))

    def kill_after(self, seconds: float, *, midway: bool = False) -> int:
        return self._kill(after=seconds, when=self.is_midway if midway else None)

    def _kill(self, **how: object) -> int:
        ended: Ended = run(*self.arguments, env=self.env, program=self.program, **how)  # type: ignore[arg-type]
        assert ended.code in {0, KILLED}, (ended.code, ended.errors)
        assert_sound(self.db)
        return int(ended.code == KILLED)

    def end(self, kills: int) -> None:
        """Run it to its end, unbroken: with -q it says nothing but problems."""
        sums_up = self.arguments[0] in {"parse", "tag", "retry-failed"}
        quiet = ("-q",) if sums_up else ()
        ended = run(*quiet, *self.arguments, env=self.env, program=self.program)
        assert (ended.code, ended.errors) == (0, "")
        assert_sound(self.db)
        self.finish(kills)


def here(arguments: Sequence[str], env: Mapping[str, str]) -> None:
    """Run a command in this process, which is quick and unbroken."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output


def kill(victim: Victim, effort: Effort, *, at_calls: int, by_time: int) -> None:
    """Kill once each way; or so often, in the long form. `finish` first checks an unbroken run."""
    victim.start_over()
    if effort.is_long:
        _kill_long(victim, effort, at_calls, by_time)
        return
    here(victim.arguments, victim.env)
    victim.finish(0)
    kills = victim.kill_at(*victim.call)
    assert kills == 1, f"a run makes fewer than {victim.call[1]} calls of {victim.call[0]} now"
    victim.check(kills)
    kills += victim.kill_after(0.02, midway=True)
    victim.check(kills)
    victim.end(kills)
    effort.saw(rounds=2, kills=kills)


def _kill_long(victim: Victim, effort: Effort, at_calls: int, by_time: int) -> None:
    begun = time.monotonic()
    counts = count_calls(
        *victim.arguments, paths=files_of(victim.db), env=victim.env, program=victim.program
    )
    seconds = time.monotonic() - begun
    victim.finish(0)
    plan = [(call, nth) for call, count in counts.items() for nth in points(count, 40)]
    draw = random.Random(sum(map(ord, "".join(victim.arguments[:1]))))
    chosen = draw.sample(plan, min(len(plan), effort.rounds(0, long=at_calls)))
    hits = 0
    for turn, (call, nth) in enumerate(chosen):
        kills = victim.kill_at(call, nth)
        victim.check(kills)
        hits += kills
        if turn % 8 == 7:
            victim.end(kills)
    assert hits >= len(chosen) * 0.9  # the last calls of a run vary a little
    kills = 0
    for left in reversed(range(effort.rounds(0, long=by_time))):
        if not kills:
            victim.start_over()
        hit = victim.kill_after(draw.uniform(0.15, 0.8) * seconds)
        kills, hits = kills + hit, hits + hit
        victim.check(kills)
        if not hit or kills == SERIES or not left:
            victim.end(kills)
            kills = 0
    effort.saw(kills=hits)
