"""Kill a command at calls of the system and at random times; see after each that nothing is lost.

A `Victim` is what is killed: how it begins, what must hold after every kill, what at the end. Kills
at calls begin each from the same state, so that every call of a run has its turn; kills by time go
on from where the last one stopped, a series of them, ended by a run that nobody breaks.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from breaking import (
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
from fault_matrix import Effort

SERIES = 5
"""Kills by time before a run is left alone."""

KILLED = -signal.SIGKILL


def nothing(*_: object) -> None:
    """Check nothing."""


@dataclass
class Victim:
    """A command on a database. `check` and `finish` are told the kills since it began."""

    arguments: tuple[str, ...]
    db: Path
    env: Mapping[str, str]
    program: Sequence[str] = TGTAGGER
    base: Path | None = None  # the archive it begins with; None: there is none
    begin: Callable[[], None] = nothing
    check: Callable[[int], None] = nothing
    finish: Callable[[int], None] = nothing

    def start_over(self) -> None:
        for path in self.db.parent.glob(f"{self.db.name}*"):
            path.unlink()
        if self.base is not None:
            copy_database(self.base, self.db)
        self.begin()

    def run(self, *, after: float | None = None, fault: Fault | None = None) -> Ended:
        return run(*self.arguments, env=self.env, program=self.program, after=after, fault=fault)

    def end(self, kills: int) -> None:
        """Let it end unbroken."""
        ended = self.run()
        assert (ended.code, ended.errors) == (0, "")
        assert_sound(self.db)
        self.finish(kills)


def kill(
    victim: Victim, effort: Effort, *, at_calls: tuple[int, int], by_time: tuple[int, int]
) -> None:
    """Kill so often, in the short and in the long form. `finish` has seen an unbroken run first."""
    victim.start_over()
    begun = time.monotonic()
    counts = count_calls(
        *victim.arguments, paths=files_of(victim.db), env=victim.env, program=victim.program
    )
    seconds = time.monotonic() - begun
    victim.finish(0)
    plan = [(call, nth) for call, count in counts.items() for nth in points(count, 40)]
    draw = random.Random(sum(map(ord, "".join(victim.arguments[:1]))))
    chosen = draw.sample(plan, min(len(plan), effort.rounds(at_calls[0], long=at_calls[1])))
    kills = hits = 0
    for turn, (call, nth) in enumerate(chosen):
        victim.start_over()
        ended = victim.run(fault=Fault(call, "signal=SIGKILL", nth, paths=files_of(victim.db)))
        assert ended.code in {0, KILLED}, (ended.code, ended.errors)
        kills = int(ended.code == KILLED)
        hits += kills
        effort.saw(kills=kills)
        assert_sound(victim.db)
        victim.check(kills)
        if turn % 8 == 7:
            victim.end(kills)
            kills = 0
            victim.start_over()
    assert hits >= len(chosen) * 0.9  # the last calls of a run vary a little
    for _ in range(effort.rounds(by_time[0], long=by_time[1])):
        ended = victim.run(after=draw.uniform(0.1, 1.0) * seconds)
        assert ended.code in {0, KILLED}, (ended.code, ended.errors)
        assert_sound(victim.db)
        if ended.code == KILLED:
            kills, hits = kills + 1, hits + 1
            effort.saw(kills=1)
            victim.check(kills)
        if ended.code == 0 or kills >= SERIES:
            victim.end(kills)
            kills = 0
            victim.start_over()
    victim.end(kills)
    assert hits > len(chosen) or not effort.is_long
